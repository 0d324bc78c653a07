"""Notes on leaks: how they were found, and which rows are diagnostics without them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from oodcache.report.tables.grid import UNKNOWN, in_words, key, model_names, some
from oodcache.score.measures.result import Result


def leaks_meaning(results: Sequence[Result]) -> list[str]:
    """Return in words what the numbers of leaks are, nothing if there are none."""
    compared = dict.fromkeys(one.leaks.compared for one in results if one.leaks is not None)
    if not compared:
        return []
    any_unknown = any(one.leaks is not None and one.leaks.names is None for one in results)
    unknown = f"; {UNKNOWN}: not known" if any_unknown else ""
    return [f"leaks: words that name an OOD class, by {in_words([*compared])}{unknown}"]


def leak_notes(results: Sequence[Result]) -> Iterator[str]:
    """Yield which rows are diagnostics, and for which sets leaks may remain."""
    found = [(key(one), one.leaks) for one in results if one.is_diagnostic and one.leaks]
    if not found:
        return
    # A file of negatives is of one model, so its leaks are, too.
    shown = model_names(key for key, _ in found)
    behind = {model: f" · {name}" if len(shown) > 1 else "" for model, name in shown.items()}
    rows = {f"{label}{behind[model]}": one for (model, _, label), one in found}
    named = [f"{one.left_out:,} of {name}" for name, one in rows.items()]
    unknown = dict.fromkeys(
        one.ood for one in results if one.leaks and one.leaks.names is None and not one.is_average
    )
    remain = f"; the class names of {some([*unknown])} are not known" if unknown else ""
    yield (
        "Rows marked [diagnostic] are no zero-shot results: negatives that name classes of these "
        f"OOD sets were left out ({some(named)}){remain}."
    )
