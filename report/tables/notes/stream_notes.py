"""The notes on scores that learn from the stream: what their numbers take as given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from oodcache.report.tables.grid import in_words, key, some, whose
from oodcache.score.measures.result import Result, StreamMeasures

Learning = Sequence[tuple[Result, StreamMeasures]]
# Of one line; further ones have lines of their own.
NOTES = 2


def stream_notes(results: Sequence[Result]) -> Iterator[str]:
    """Yield what the numbers of scores that learn from the stream take as given.

    The first line has what no reader should miss, so that a short caption has it.
    """
    learning = [(one, one.stream) for one in results if one.stream is not None]
    if not learning:
        return
    noted = [*_told_by_methods(learning, results)]
    mixed = len(learning) < len(results)
    parts = [_lengths(learning, mixed), *_ratios(results), *_shuffles(learning), *noted[:NOTES]]
    yield " ".join(f"{one}." for one in (*parts, _intervals(learning)))
    yield from (f"{line}." for line in noted[NOTES:])


def keeps_some(one: Result) -> bool:
    """Return whether a row is of a ratio, which keeps only some of the images."""
    if one.stream is None:
        return False
    from oodcache.score.streams.order import RATIO

    return one.stream.order.startswith(f"{RATIO}:")


def _told_by_methods(learning: Learning, results: Sequence[Result]) -> Iterator[str]:
    """Yield the first note of each score as typed, as an example if its rows have others too.

    A note that several rows of one score share is told once.
    """
    rows: dict[str, dict[str, Result]] = {}
    for one, stream in learning:
        if stream.note:
            rows.setdefault(key(one)[2].split(" ")[0], {}).setdefault(stream.note, one)
    told: set[tuple[str, str]] = set()
    for by_note in rows.values():
        note, one = next(iter(by_note.items()))
        if (one.score, note) not in told:
            example = "For example, " if len(by_note) > 1 else ""
            yield f"{example}{key(one)[2]} on {one.ood}{whose(one, results)} {note}"
        told |= {(one.score, each) for each in by_note}


def _lengths(learning: Learning, mixed: bool) -> str:
    names = list(dict.fromkeys(one.score for one, _ in learning))
    single = [stream for one, stream in learning if not one.is_average]
    lengths = {stream.images for stream in single or [stream for _, stream in learning]}
    few, many = min(lengths), max(lengths)
    images = f"{few:,}" if few == many else f"{few:,} to {many:,}"
    learns = "learns" if len(names) == 1 else "learn"
    told = f"{some(names)} {learns} from a stream of {images} images"
    if not mixed:
        return told
    return (
        f"{told}: an image's score depends on the test images before it; the other scores look at "
        "each image alone"
    )


def _shuffles(learning: Learning) -> Iterator[str]:
    counts = {len(stream.orders) for _, stream in learning if stream.deviations is not None}
    if counts:
        several = " or ".join(str(count) for count in sorted(counts))
        yield f"±: the standard deviation over {several} shuffles"


def _ratios(results: Sequence[Result]) -> Iterator[str]:
    """Yield once what all ratios keep, unless the other rows have no more images."""
    single = [one for one in results if not one.is_average]
    kept: dict[str, dict[str, Result]] = {}
    for one in filter(keeps_some, single):
        assert one.stream is not None
        kept.setdefault(one.stream.order, {})[one.ood] = one
    whole = [one for one in single if not keeps_some(one)]
    ours = max((one.n_id for one in whole), default=0)
    others: dict[str, int] = {}
    for one in whole:
        others[one.ood] = max(one.n_ood, others.get(one.ood, 0))
    parts = [
        f"{order} {_kept(sets)}"
        for order, sets in kept.items()
        if any((one.n_id, one.n_ood) != (ours, others.get(ood)) for ood, one in sets.items())
    ]
    if parts:
        told = f"Rows of a ratio have only some of the images: {'; '.join(parts)}"
        sizes = [f"{count:,} of {ood}" for ood, count in others.items()]
        yield f"{told}; the other rows have {ours:,} ID and {some(sizes)}" if whole else told


def _kept(sets: Mapping[str, Result]) -> str:
    return some([f"{one.n_id:,} ID and {one.n_ood:,} of {ood}" for ood, one in sets.items()])


def _intervals(learning: Learning) -> str:
    names = list(dict.fromkeys(one.score for one, _ in learning))
    whose = in_words(names) if len(names) < 3 else "these scores"
    return (
        f"DeLong intervals of {whose} treat the memory of the stream as fixed: they do not include "
        "that other images would have filled it differently"
    )
