"""Results on csid images made up for the tests of the report."""

from __future__ import annotations

from dataclasses import replace

from samples.report.results import FIRST

from oodcache.score.measures.result import Result
from oodcache.score.measures.spectrum.spectrum import Drop, Spectrum

CLASSES = {"imagenet-r": 200, "imagenet-c": 1000}
SOURCES = {"imagenet-r": 0, "imagenet-c": 60_000}
COUNTS = {"imagenet-val": 50_000, "imagenet-r": 30_000, "imagenet-c": 75_000}
DROP = {
    "auroc": Drop(0.0412, (0.035, 0.047), None),
    "fpr95": Drop(-0.12, None, None),
}


def shifted(alone: Result = FIRST) -> list[Result]:
    """Return a row on the ID set, on each csid set, and on the full spectrum."""
    found = [alone]
    for name, own in (("imagenet-r", 0.72), ("imagenet-c", 0.41)):
        of = {name: COUNTS[name]}
        told = Spectrum(alone.id, of, {name: SOURCES[name]}, {name: CLASSES[name]}, own)
        found.append(replace(alone, id=f"csid:{name}", n_id=COUNTS[name], spectrum=told))
    found[2] = replace(found[2], id_accuracy=0.41)
    full = Spectrum(alone.id, COUNTS, SOURCES, CLASSES, 0.55, DROP)
    row = replace(alone, id="full-spectrum", n_id=155_000, auroc=alone.auroc - 0.0412)
    return [*found, replace(row, id_accuracy=0.5, spectrum=full)]
