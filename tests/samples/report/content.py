"""A report's content made up for its tests: two models, four scores, two OOD sets, odd names."""

from __future__ import annotations

from samples.report.images import Words, drawn, in_turn

from oodcache.report.content import Content
from oodcache.report.saved.results import Saved
from oodcache.score.onepass.variants import Variant

HOSTILE = "<script>alert(1)</script>"
MARKUP = (
    *("</script><b>", "<img src=http://example.org/x onerror=alert(2)>"),
    *("$x_1$", "%{y}", "&amp;"),
)
MODELS = ("clip/one", "siglip/<b>two</b>")
SETS = {"near": 400, HOSTILE: 300}
VARIANTS = (
    *(Variant("mcm", {"temperature": one}) for one in (1.0, 0.1, "learned")),
    Variant("max-logit", {}),
)
NAMES = (HOSTILE, *MARKUP, "größer")
PROVENANCE = {
    "command": f"oodcache score --ood '{HOSTILE}'",
    "models": {label: {"logit_scale": 50.0, "weights": "00" * 32} for label in MODELS},
    "files": [{"path": f"{HOSTILE}.h5", "versions": {"numpy": "2"}}, 3],
    "odd": None,
}


def sample() -> tuple[Saved, Content]:
    """Return results of 500 ID images, and what is known of these; the lowest has a picture."""
    made = drawn(
        {"pets": 500, **SETS},
        [(*label.split("/", 1), "a photo of a {}") for label in MODELS],  # type: ignore[misc]
        VARIANTS,
        Words(
            lambda count: [f"{NAMES[place % 3]}/{place}.png".encode() for place in range(count)],
            in_turn(NAMES),
            in_turn(NAMES[:5]),
        ),
        provenance=PROVENANCE,
    )
    return made.saved, made.content
