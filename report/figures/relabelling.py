"""Names in figures and reports that the user replaced: OLD=NEW, of what the results contain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.format.rules import shown
from oodcache.cache.names import own_name
from oodcache.report.saved.results import Saved
from oodcache.report.tables.grid import by_row, key, model_names
from oodcache.score.measures.result import Result

MOST_NAMED = 20


def new_names(typed: Iterable[str], saved: Saved) -> dict[str, str]:
    """Return each name as it is shown, with the one that replaces it.

    OLD is a model, as in the results or as typed for `score`, a score, a template or a dataset. It
    may contain "=": the longest OLD that the results have counts. Raises InputError for others.
    """
    known = _known(saved)
    found: dict[str, str] = {}
    for text in typed:
        cuts = [place for place, letter in enumerate(text) if letter == "="]
        if not cuts or cuts == [0]:
            raise InputError(f"--label {text[:120]!r}: write OLD=NEW, such as mcm=MCM")
        there = [cut for cut in cuts if text[:cut] in known]
        if not there:
            raise missing("--label", text[: cuts[-1]], known, saved)
        old, new = text[: there[-1]], text[there[-1] + 1 :].strip()
        if not new:
            raise InputError(f"--label {text[:120]!r}: OLD= without NEW; write OLD=NEW")
        if found.setdefault(known[old], new) != new:
            raise InputError(f"--label {old[:60]}: is given two names; give it one")
    _check_distinct(saved.results, found)
    return found


def model_titles(provenance: Mapping[str, Any], model: str) -> tuple[str, ...]:
    """Return what users may call a model: name/pretrained, as typed, and own weights' name."""
    models = provenance.get("models")
    about = models.get(model) if isinstance(models, Mapping) else None
    typed = about.get("requested") if isinstance(about, Mapping) else None
    return model, *([typed] if isinstance(typed, str) else []), own_name(model)


def _known(saved: Saved) -> dict[str, str]:
    """Return every name that can be replaced, and as what it is shown."""
    rows = by_row(saved.results)
    found = {name: name for one in saved.results for name in (one.ood, one.id)}
    found |= {name: name for row in rows for name in row[1:] if name is not None}
    for model, title in model_names(rows).items():
        if model is not None:
            found |= dict.fromkeys(model_titles(saved.provenance, model), title) | {title: title}
    return found


def _check_distinct(results: Sequence[Result], named: Mapping[str, str]) -> None:
    """Raise InputError if two models, scores, templates or datasets would have one name."""
    rows = by_row(results)
    models = list(model_names(rows).values())
    kinds: Mapping[str, Iterable[str | None]] = {
        "models": models,
        "templates": (key(one)[1] for one in results),
        "scores": (key(one)[2] for one in results),
        "datasets": (name for one in results for name in (one.id, one.ood)),
    }
    for kind, names in kinds.items():
        by_name: dict[str, str] = {}
        for old in dict.fromkeys(one for one in names if one is not None):
            new = named.get(old, old)
            if by_name.setdefault(new, old) != old:
                raise InputError(
                    f"--label: the {kind} {shown(by_name[new])} and {shown(old)} would both be "
                    f"called {shown(new)}; choose different names"
                )


def missing(option: str, text: str, there: Iterable[str | None], saved: Saved) -> InputError:
    """Return the error for a name that is not in the results, with those that are."""
    return InputError(
        f"{option} {shown(text)}: not in {saved.path}; there are: {some_names(there)}"
    )


def some_names(names: Iterable[str | None]) -> str:
    """Return the first of several untrusted names, and how many more there are."""
    every = [shown(one)[1:-1] for one in dict.fromkeys(names) if one is not None]
    more = f" and {len(every) - MOST_NAMED:,} more" if len(every) > MOST_NAMED else ""
    return (", ".join(every[:MOST_NAMED]) or "none") + more
