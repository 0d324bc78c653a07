"""The notes on scores that learn from the stream: what their numbers take as given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from oodcache.report.tables.grid import key, some
from oodcache.score.measures.result import Result, StreamMeasures
from oodcache.score.streams.order import RATIO

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
    noted: dict[str, str] = {}
    told: set[tuple[str, str]] = set()  # Once, if several rows of a score have the same.
    for one, stream in learning:
        if stream.note and (one.score, stream.note) not in told:
            label = key(one)[2]
            noted.setdefault(label.split(" ")[0], f"{label} on {one.ood} {stream.note}")
            told.add((one.score, stream.note))
    first, others = [*noted.values()][:NOTES], [*noted.values()][NOTES:]
    mixed = len(learning) < len(results)
    parts = [_lengths(learning, mixed), *_ratios(results), *_shuffles(learning), *first]
    yield " ".join(f"{one}." for one in (*parts, _intervals(learning)))
    yield from (f"{line}." for line in others)


def _lengths(learning: Learning, mixed: bool) -> str:
    names = list(dict.fromkeys(one.score for one, _ in learning))
    lengths = {stream.images for one, stream in learning if not one.is_average}
    few, many = min(lengths), max(lengths)
    images = f"{few:,}" if few == many else f"{few:,} to {many:,}"
    learns = "learns" if len(names) == 1 else "learn"
    told = f"{some(names)} {learns} from a stream of {images} images"
    if not mixed:
        return told
    return f"{told}: each score depends on the test images before it; other scores see one alone"


def _shuffles(learning: Learning) -> Iterator[str]:
    counts = {len(stream.orders) for _, stream in learning if stream.deviations is not None}
    if counts:
        several = " or ".join(str(count) for count in sorted(counts))
        yield f"±: the standard deviation over {several} shuffles"


def _ratios(results: Sequence[Result]) -> Iterator[str]:
    """Yield, for each ratio, how many images it keeps, if rows without it have more."""
    most: dict[str, tuple[int, int]] = {}
    kept: dict[str, dict[str, tuple[int, int]]] = {}
    for one in results:
        counts = (one.n_id, one.n_ood)
        if one.is_average:
            continue
        if one.stream is not None and one.stream.order.startswith(f"{RATIO}:"):
            kept.setdefault(one.stream.order, {})[one.ood] = counts
        most[one.ood] = max(counts, most.get(one.ood, counts))
    for order, sets in kept.items():
        if any(most[ood] != counts for ood, counts in sets.items()):
            yield f"{order} keeps {_kept(sets, most)}: its row is of other images than the rest"


def _kept(sets: Mapping[str, tuple[int, int]], most: Mapping[str, tuple[int, int]]) -> str:
    return some(
        [
            f"{_of(counts[0], most[ood][0])} ID and {_of(counts[1], most[ood][1])} images of {ood}"
            for ood, counts in sets.items()
        ]
    )


def _of(count: int, whole: int) -> str:
    return f"{count:,}" if count == whole else f"{count:,} of {whole:,}"


def _intervals(learning: Learning) -> str:
    whose = "Its" if len({one.score for one, _ in learning}) == 1 else "Their"
    return (
        f"{whose} DeLong intervals take the scores as independent given this stream's memory, and "
        "leave out that other images would fill it differently"
    )
