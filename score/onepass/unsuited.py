"""Unsuited scores: names of methods that unit embeddings have nothing for, each with the reason."""

from __future__ import annotations

from collections.abc import Mapping

SIGNS = "is made for activations after a ReLU, which are never negative; embeddings have both signs"
LAYER = "needs the layers inside a network; only its embeddings are cached"
GRADIENT = "needs gradients of the network; only its embeddings are cached"
TRAINED = "needs a network trained for it; embeddings come from one that is not"

# The names in OpenOOD and pytorch-ood, and the reasons.
UNSUITED: Mapping[str, str] = {
    **dict.fromkeys(("ash", "ash-b", "ash-p", "ash-s", "react", "scale", "vra"), SIGNS),
    "dice": "keeps the largest weights times mean activations of a trained classifier; class texts "
    "are none",
    **dict.fromkeys(("odin", "gradnorm"), GRADIENT),
    **dict.fromkeys(("gram", "rankfeat", "nac", "mcd", "dropout"), LAYER),
    **dict.fromkeys(("godin", "cider", "logitnorm"), TRAINED),
}


def reason(name: str) -> str:
    """Return why a method of this name is no score here, "" if it is none of them.

    >>> reason("ReAct")[:32]
    'is made for activations after a '
    """
    return UNSUITED.get(name.lower().replace("_", "-"), "")
