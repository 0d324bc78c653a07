"""Twins: repositories in transformers' layout whose weights open_clip has under a name of its own.

Source: open_clip's `pretrained.py`, whose tags name the repository (LAION's and Apple's: the same
one) or its conversion, `timm/…` (OpenAI's, Google's and Meta's).
"""

from __future__ import annotations

from pathlib import Path

from oodcache.extract.model.names.typed import TRANSFORMERS

SAME_REPOSITORY = {
    "laion/CLIP-ViT-B-32-laion2B-s34B-b79K": "ViT-B-32/laion2b_s34b_b79k",
    "laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K": "ViT-B-32/datacomp_xl_s13b_b90k",
    "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K": "ViT-B-32-256/datacomp_s34b_b86k",
    "laion/CLIP-ViT-B-16-laion2B-s34B-b88K": "ViT-B-16/laion2b_s34b_b88k",
    "laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K": "ViT-B-16/datacomp_xl_s13b_b90k",
    "laion/CLIP-ViT-L-14-laion2B-s32B-b82K": "ViT-L-14/laion2b_s32b_b82k",
    "laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K": "ViT-L-14/datacomp_xl_s13b_b90k",
    "laion/CLIP-ViT-H-14-laion2B-s32B-b79K": "ViT-H-14/laion2b_s32b_b79k",
    "laion/CLIP-ViT-g-14-laion2B-s12B-b42K": "ViT-g-14/laion2b_s12b_b42k",
    "laion/CLIP-ViT-g-14-laion2B-s34B-b88K": "ViT-g-14/laion2b_s34b_b88k",
    "laion/CLIP-ViT-bigG-14-laion2B-39B-b160k": "ViT-bigG-14/laion2b_s39b_b160k",
    "apple/DFN5B-CLIP-ViT-H-14": "ViT-H-14/dfn5b",
    "apple/DFN5B-CLIP-ViT-H-14-378": "ViT-H-14-378/dfn5b",
}
CONVERTED = {
    "openai/clip-vit-base-patch32": "ViT-B-32/openai",
    "openai/clip-vit-base-patch16": "ViT-B-16/openai",
    "openai/clip-vit-large-patch14": "ViT-L-14/openai",
    "openai/clip-vit-large-patch14-336": "ViT-L-14-336/openai",
    "facebook/metaclip-b32-400m": "ViT-B-32/metaclip_400m",
    "facebook/metaclip-b32-fullcc2.5b": "ViT-B-32/metaclip_fullcc",
    "facebook/metaclip-b16-400m": "ViT-B-16/metaclip_400m",
    "facebook/metaclip-b16-fullcc2.5b": "ViT-B-16/metaclip_fullcc",
    "facebook/metaclip-l14-400m": "ViT-L-14/metaclip_400m",
    "facebook/metaclip-l14-fullcc2.5b": "ViT-L-14/metaclip_fullcc",
    "facebook/metaclip-h14-fullcc2.5b": "ViT-H-14/metaclip_fullcc",
    "facebook/metaclip-2-worldwide-huge-quickgelu": (
        "ViT-H-14-worldwide-quickgelu/metaclip2_worldwide"
    ),
    "facebook/metaclip-2-worldwide-huge-378": "ViT-H-14-worldwide-378/metaclip2_worldwide",
    "facebook/metaclip-2-worldwide-giant": "ViT-bigG-14-worldwide/metaclip2_worldwide",
    "facebook/metaclip-2-worldwide-giant-378": "ViT-bigG-14-worldwide-378/metaclip2_worldwide",
    "google/siglip-base-patch16-224": "ViT-B-16-SigLIP/webli",
    "google/siglip-base-patch16-256": "ViT-B-16-SigLIP-256/webli",
    "google/siglip-base-patch16-256-multilingual": "ViT-B-16-SigLIP-i18n-256/webli",
    "google/siglip-base-patch16-384": "ViT-B-16-SigLIP-384/webli",
    "google/siglip-base-patch16-512": "ViT-B-16-SigLIP-512/webli",
    "google/siglip-large-patch16-256": "ViT-L-16-SigLIP-256/webli",
    "google/siglip-large-patch16-384": "ViT-L-16-SigLIP-384/webli",
    "google/siglip-so400m-patch14-224": "ViT-SO400M-14-SigLIP/webli",
    "google/siglip-so400m-patch14-384": "ViT-SO400M-14-SigLIP-384/webli",
    "google/siglip-so400m-patch16-256-i18n": "ViT-SO400M-16-SigLIP-i18n-256/webli",
    "google/siglip2-base-patch32-256": "ViT-B-32-SigLIP2-256/webli",
    "google/siglip2-base-patch16-224": "ViT-B-16-SigLIP2/webli",
    "google/siglip2-base-patch16-256": "ViT-B-16-SigLIP2-256/webli",
    "google/siglip2-base-patch16-384": "ViT-B-16-SigLIP2-384/webli",
    "google/siglip2-base-patch16-512": "ViT-B-16-SigLIP2-512/webli",
    "google/siglip2-large-patch16-256": "ViT-L-16-SigLIP2-256/webli",
    "google/siglip2-large-patch16-384": "ViT-L-16-SigLIP2-384/webli",
    "google/siglip2-large-patch16-512": "ViT-L-16-SigLIP2-512/webli",
    "google/siglip2-so400m-patch14-224": "ViT-SO400M-14-SigLIP2/webli",
    "google/siglip2-so400m-patch14-384": "ViT-SO400M-14-SigLIP2-378/webli",
    "google/siglip2-so400m-patch16-256": "ViT-SO400M-16-SigLIP2-256/webli",
    "google/siglip2-so400m-patch16-384": "ViT-SO400M-16-SigLIP2-384/webli",
    "google/siglip2-so400m-patch16-512": "ViT-SO400M-16-SigLIP2-512/webli",
    "google/siglip2-giant-opt-patch16-256": "ViT-gopt-16-SigLIP2-256/webli",
    "google/siglip2-giant-opt-patch16-384": "ViT-gopt-16-SigLIP2-384/webli",
}
CONVERTED_FOLDED = frozenset(name.casefold() for name in CONVERTED)
FOLDED = {name.casefold(): twin for name, twin in (SAME_REPOSITORY | CONVERTED).items()}


def of_repository(repository: str) -> str | None:
    """Return the NAME/TAG of open_clip with a repository's weights, None if it is not known.

    >>> of_repository("google/siglip-base-patch16-224")
    'ViT-B-16-SigLIP/webli'
    """
    return FOLDED.get(repository.casefold())


def with_owner(name: str) -> str | None:
    """Return the repository in the table whose name, without its owner, was typed.

    >>> with_owner("siglip-base-patch16-224")
    'google/siglip-base-patch16-224'
    """
    every = (*CONVERTED, *SAME_REPOSITORY)
    return next((one for one in every if one.partition("/")[2].casefold() == name.casefold()), None)


def is_of_transformers(repository: str) -> bool:
    """Return whether a repository is known to have transformers' layout alone."""
    return repository.casefold() in CONVERTED_FOLDED


def said(architecture: str, requested: str) -> str | None:
    """Return the line about the twin of a model that transformers loads, None if it has none."""
    if not architecture.startswith(TRANSFORMERS):
        return None
    twin = of_repository(_repository(architecture.removeprefix(TRANSFORMERS)))
    if twin is None:
        return None
    return (
        f"{requested}: open_clip has the same weights, --model {twin}; "
        "embeddings under the two names are never mixed"
    )


def _repository(name: str) -> str:
    """Return the repository that a name is, or that a folder of the hub's cache is a copy of.

    >>> _repository("hub/models--google--siglip-base-patch16-224/snapshots/0123")
    'google/siglip-base-patch16-224'
    """
    parts = Path(name).parts
    if "snapshots" not in parts[1:]:
        return name
    return parts[parts.index("snapshots") - 1].removeprefix("models--").replace("--", "/")
