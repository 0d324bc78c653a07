"""The full spectrum in tables: what it pools, the drop from the ID set, and notes on both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from oodcache.report.tables.grid import Cell, Grid, in_words, interval, laid, percent
from oodcache.score.measures.result import HEADLINES, Result
from oodcache.score.measures.spectrum.spectrum import FULL, Drop, Spectrum


def pooled(results: Sequence[Result]) -> Iterator[str]:
    """Yield, for the first note, the csid sets with their images, and the full spectrum's."""
    full = [one for one in results if one.id == FULL and one.spectrum is not None]
    if full and full[0].spectrum is not None:
        _, *others = full[0].spectrum.images.items()
        named = (f"{name} ({count:,})" for name, count in others)
        total = sum(full[0].spectrum.images.values())
        yield f"csid {', '.join(named)}"
        yield f"full spectrum {total:,} images, each of equal weight"


def spectrum_notes(results: Sequence[Result]) -> Iterator[str]:
    """Yield how the accuracies of csid images are meant, and which of them have a source."""
    found = _spectra(results)
    if found:
        line = "Full-spectrum AUROC is the mean over its images, so large csid sets weigh most"
        if all(one.id_accuracy is None for one in results):
            yield f"{line}."
        else:
            yield f"{line}; its accuracy is over all labelled images."
            yield _classes(found[0])


def drop_grid(results: Sequence[Result]) -> Grid | None:
    """Return the drops from the ID set to the full spectrum, None without csid sets."""
    full = [one for one in results if one.spectrum is not None and one.spectrum.drop is not None]
    if not full:
        return None

    def cell(one: Result) -> Cell:
        assert one.spectrum is not None and one.spectrum.drop is not None
        drops = [one.spectrum.drop[name] for name in HEADLINES]
        values = tuple(percent(drop.value) for drop in drops)
        return (values, tuple(map(_interval, drops)))

    return laid(
        full,
        [one.heading for one in HEADLINES.values()],
        cell,
        title="ID alone minus full spectrum, in percentage points",
        notes=[*_how(full)],
    )


def _interval(drop: Drop) -> str:
    found = drop.bootstrap or drop.ci
    return "" if found is None else interval(found)


def _how(full: Sequence[Result]) -> Iterator[str]:
    """Yield how the intervals were estimated, and which images were drawn together."""
    resampled = any(one.bootstrap is not None for one in full)
    how = (
        "bootstrap, with the same ID and OOD images drawn for both sides"
        if resampled
        else "DeLong's paired variance, for AUROC; --bootstrap N has that of FPR95 too"
    )
    yield (
        "The full spectrum is worse where AUROC has a positive number, or FPR95 a negative one. "
        f"Below each number: its 95 % interval ({how})."
    )
    found = _spectra(full)[0]
    with_source = [
        f"{count:,} of {found.images[name]:,} images of {name}"
        for name, count in found.with_source.items()
        if count
    ]
    others = [name for name, count in found.with_source.items() if not count]
    if with_source:
        yield (
            f"{in_words(with_source)} are drawn together with the ID image of the same file name "
            "and class, as made from it."
        )
    if others:
        yield (
            f"Images of {in_words(others)} are taken as independent of the ID images: none is "
            "known to be made from one."
        )


def _spectra(results: Sequence[Result]) -> list[Spectrum]:
    """Return what the rows of the full spectrum tell of it, the model's first."""
    return [one.spectrum for one in results if one.id == FULL and one.spectrum is not None]


def _classes(found: Spectrum) -> str:
    named = [f"{name} {count:,}" for name, count in found.classes.items()]
    return (
        "Accuracy is over all classes; over own classes, only those that an image's set has are "
        f"candidates ({', '.join(named)})."
    )
