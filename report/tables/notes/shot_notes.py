"""The notes on few shots: what a row over draws is, and whose accuracy stands in the table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from oodcache.cache.text import counted
from oodcache.report.tables.grid import in_words
from oodcache.score.inputs.question import bank_label
from oodcache.score.measures.result import Result


def banks(results: Sequence[Result]) -> list[str]:
    """Return the banks of the rows; those of an axis as it was typed, such as train:1|2|4."""
    found: dict[str, list[int]] = {}
    for one in results:
        if one.bank is not None:
            name = one.bank.partition(":")[0] if one.shots else one.bank
            numbers = found.setdefault(bank_label(name, one.bank_labels), [])
            numbers += [one.shots.per_class] if one.shots else []
    return sorted(
        f"{name}:{'|'.join(map(str, sorted(set(numbers))))}" if numbers else name
        for name, numbers in found.items()
    )


def shot_notes(results: Sequence[Result]) -> Iterator[str]:
    """Yield what the rows over draws are, and which scores classify by themselves."""
    drawn = [one.shots for one in results if one.shots is not None]
    several = [one for one in drawn if one.ranges is not None]
    if several:
        seeds = [*several[0].draws]
        yield (
            f"Rows of shots: means over {counted(len(seeds), 'draw')} of that many images of each "
            f"class (seeds {seeds[0]} to {seeds[-1]}), with the least and the largest. "
            "The banks of one seed are nested."
        )
    elif drawn:
        yield (
            "Rows of shots: one draw of that many images of each class "
            f"(seed {next(iter(drawn[0].draws))}), the banks nested; --bank-draws N draws several."
        )
    if not any(one.bank for one in results):
        return
    from oodcache.score.formulas.few_shot.adapter import ADAPTER_SCORES
    from oodcache.score.formulas.few_shot.probe import PROBE_SCORES

    classifiers = (*PROBE_SCORES, *ADAPTER_SCORES)
    own = list(dict.fromkeys(one.score for one in results if one.score in classifiers))
    if own and any(one.id_accuracy is not None and one.model is not None for one in results):
        yield (
            f"ID accuracy is that of the nearest class, not that of {in_words(own)}, which "
            f"classif{'ies' if len(own) == 1 else 'y'} with the bank's labels."
        )
