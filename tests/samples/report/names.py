"""A report's content made up for its tests, with names as strangers write them."""

from __future__ import annotations

from samples.report.images import Sample, Words, drawn, in_turn

from oodcache.score.measures.result import Difference
from oodcache.score.onepass.variants import Variant

SCRIPT = "<script>alert(1)</script>"
IMAGE = "<img src=http://example.invalid/x onerror=alert(2)>"
ID = "pets & <b>co</b>"
# Names that every object of JavaScript inherits, blanks that HTML folds, half of a surrogate pair.
OOD_SETS = (
    "photos",
    SCRIPT,
    "constructor",
    "__proto__",
    " two  blanks,\na line, $x$ ",
    "byte \udcff",
)
MODELS = (("clip", "openai"), (IMAGE, "x"))
TEMPLATES = ("a photo of a {}", "</script> %{y} {}")
VARIANTS = (
    Variant("mcm", {"temperature": 1.0}),
    Variant("mcm", {"temperature": 0.1}),
    Variant("mcm", {"temperature": "learned"}),
    Variant("max-logit", {}),
)
CLASSES = ("cat", "</td><b>dog</b>", "%{x}")
PROVENANCE = {
    "command": f"oodcache score --id '{ID}' --ood '{SCRIPT}'",
    "models": {
        "clip/openai": {"weights": "ab" * 32, "logit_scale": 50.0, "logit_bias": None},
        f"{IMAGE}/x": {"weights": None, "logit_scale": 100.0, "logit_bias": -10.0},
    },
    "files": [{"path": f"embeddings/{SCRIPT}.h5", "versions": {"numpy": "2"}}, 3, None],
    "stranger's": [1, {"<b>": None}],
}
WORDS = Words(
    lambda count: [f"{IMAGE}/{place} \xff.jpg".encode("latin-1") for place in range(count)],
    in_turn(CLASSES),
    in_turn(CLASSES[:2]),
)


def sample(n_id: int = 300, n_ood: int = 120) -> Sample:
    """Return 2 models × 2 templates × 4 scores against the OOD sets, and their averages."""
    return drawn(
        {ID: n_id, **dict.fromkeys(OOD_SETS, n_ood)},
        [(*model, template) for model in MODELS for template in TEMPLATES],
        VARIANTS,
        WORDS,
        provenance=PROVENANCE,
        difference=lambda keys: Difference(
            ID, SCRIPT, keys[0], keys[-1], -0.09, (-0.11, -0.06), 0.0001, 0.0006
        ),
    )
