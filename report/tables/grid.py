"""Results laid out: rows under headings, a column for each OOD set, every cell as text.

A cell is a tuple of lines; a line has a text for each measure of the grid, or a single one that
spans them all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from oodcache.cache.names import own_name
from oodcache.cache.text import counted
from oodcache.score.formulas.registry import SCORES
from oodcache.score.measures.result import MEANS, ORDERED, Result
from oodcache.score.measures.spectrum.spectrum import KINDS
from oodcache.score.onepass.variants import Variant

Line = tuple[str, ...]
Cell = tuple[Line, ...]
Key = tuple[str | None, str | None, str]

NOT_ESTIMABLE = "not estimable"
NONE = "–"
UNKNOWN = "?"  # A number of leaks where class names are not known.
DIAGNOSTIC = "{} [diagnostic]"
LEAKS = "leaks"
NAMED = 5  # Of several names in a note.


@dataclass(frozen=True)
class Grid:
    """One table: its title, columns, rows, and the notes below it.

    `labels` names the columns left of the cells in formats without row headings, `row_name` the
    only such column in those with. `arrows` has for each measure whether higher or lower is better,
    `groups` what each OOD set is grouped under; both are "" for none, and empty if all are. `bold`
    says which numbers have the `places` 1 of the rows, "" if none has.
    """

    title: str
    measures: tuple[str, ...]
    ood_sets: tuple[str, ...]
    labels: tuple[str, ...]
    rows: tuple[GridRow, ...]
    notes: tuple[str, ...] = ()
    row_name: str = "score"
    arrows: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    bold: str = ""


@dataclass(frozen=True)
class GridRow:
    """A score, its heading and labels, and a cell for each OOD set.

    `heading` has the lines above a run of rows: the model, then its accuracy, with the prompt if
    the table has several. It is empty for another program's scores. `places` has for each OOD set
    and measure 1 for the best number of its column, 2 for the second, else 0; it may be empty.
    """

    heading: tuple[str, ...]
    labels: tuple[str, ...]
    score: str
    cells: tuple[Cell, ...]
    places: tuple[tuple[int, ...], ...] = ()


def key(one: Result) -> Key:
    """Return a row's name, as in a Difference: model, template, score as typed.

    A score that learns from the stream has the order of its images behind it, one whose positives
    are not the ID set alone their name.
    """
    model = None if one.model is None else f"{one.model}/{one.pretrained}"
    label = as_typed(one)
    return model, one.template, label if one.spectrum is None else KINDS.format(label, one.id)


def as_typed(one: Result) -> str:
    """Return a result's score as typed, with the order of a stream or the shots of a bank."""
    label = Variant(one.score, one.parameters).label
    if one.shots is not None:
        label = ORDERED.format(label, counted(one.shots.per_class, "shot"))
    return label if one.stream is None else ORDERED.format(label, one.stream.order)


def shown_as(one: Result) -> str:
    """Return a row's score as tables show it: one without leaks is marked as a diagnostic."""
    return DIAGNOSTIC.format(as_typed(one)) if one.is_diagnostic else as_typed(one)


def model_names(keys: Iterable[Key]) -> dict[str | None, str]:
    """Return each model as it is shown; own weights by their name, unless another has it, too.

    >>> model_names([("local/mine-01234567", "a {}", "mcm"), ("ViT-B-32/openai", "a {}", "mcm")])
    {'local/mine-01234567': 'mine', 'ViT-B-32/openai': 'ViT-B-32/openai'}
    """
    models = dict.fromkeys(key[0] for key in keys)
    count = Counter(own_name(one) for one in models if one is not None)
    return {one: NONE if one is None else _shown(one, count) for one in models}


def _shown(model: str, count: Mapping[str, int]) -> str:
    name = own_name(model)
    return name if count[name] == 1 else model


def names(keys: Iterable[Key]) -> dict[Key, str]:
    """Return each row's name in one line: its score, then the model or template if they differ.

    >>> list(names([("clip/openai", "a {}", "mcm"), ("siglip/webli", "a {}", "mcm")]).values())
    ['mcm · clip/openai', 'mcm · siglip/webli']
    """
    return {key: " · ".join(parts) for key, parts in name_parts(keys).items()}


def name_parts(keys: Iterable[Key]) -> dict[Key, tuple[str, ...]]:
    """Return the parts of each row's name: its score, then the model or template if they differ."""
    unique = list(dict.fromkeys(keys))
    parts = [place for place in (0, 1) if len({key[place] for key in unique}) > 1]
    models = model_names(unique)
    whole = {key: (models[key[0]], key[1] or NONE) for key in unique}
    return {key: (key[2], *(whole[key][place] for place in parts)) for key in unique}


def is_probability(one: Result) -> bool:
    """Return whether a score is a probability; another program's is not known to be."""
    known = SCORES.get(one.score) if one.classes is not None else None
    return known is not None and known.probability


def prompt(one: Result) -> str:
    """Return the template in quotes, or how several are combined."""
    if len(one.templates) == 1:
        return repr(one.templates[0])
    if one.template == MEANS:
        return "class means of the bank"
    how = "the mean cosine over" if one.template == "cosine-mean" else "the average of"
    # Saved scores do not record how many there were.
    return f"{how} {len(one.templates) or 'its'} templates"


def prompts(results: Sequence[Result]) -> tuple[str, ...]:
    """Return every prompt behind the results, each once; none for another program's scores."""
    return tuple(dict.fromkeys(prompt(one) for one in results if one.model is not None))


def whose(one: Result, results: Sequence[Result]) -> str:
    """Return a row's model and prompt in brackets if the table has several of them."""
    model, _, _ = key(one)
    models, parts = model_names(map(key, results)), []
    if model is not None and len(models) > 1:
        parts.append(models[model])
    if model is not None and len(prompts(results)) > 1:
        parts.append(f"prompt {prompt(one)}")
    return f" ({', '.join(parts)})" if parts else ""


def in_words(names: Sequence[str]) -> str:
    """Return names with commas, and "and" before the last."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def by_row(results: Sequence[Result]) -> dict[Key, dict[str, Result]]:
    """Return the results by row, then by OOD set, in their order."""
    rows: dict[Key, dict[str, Result]] = {}
    for one in results:
        rows.setdefault(key(one), {})[one.ood] = one
    return rows


def laid(
    results: Sequence[Result],
    measures: Sequence[str],
    cell: Callable[[Result], Cell],
    *,
    title: str = "",
    notes: Sequence[str] = (),
) -> Grid:
    """Return the results as a grid; `cell` gives the lines of a result, a dash marks none."""
    ood_sets = tuple(dict.fromkeys(one.ood for one in results))
    missing: Cell = ((NONE,) * len(measures),)
    several, models = len(prompts(results)) > 1, model_names(map(key, results))
    shifted = any(one.spectrum is not None for one in results)
    alone = [one for one in results if one.spectrum is None]
    accuracies = {key(one)[:2]: one.id_accuracy for one in alone if one.id_accuracy is not None}
    rows = []
    for (label, _, _), row in by_row(results).items():
        first, model = next(iter(row.values())), None if label is None else models[label]
        cells = (cell(row[name]) if name in row else missing for name in ood_sets)
        heading = _heading(first, model, several, shifted, accuracies.get(key(first)[:2]))
        labels = _labels(first, model, several, shifted)
        rows.append(GridRow(heading, labels, shown_as(first), tuple(cells)))
    columns = _columns(results, several, shifted)
    return Grid(title, tuple(measures), ood_sets, columns, tuple(rows), tuple(notes))


def leaks(one: Result) -> str:
    """Return how many words of a row's score name OOD classes."""
    if one.leaks is None:
        return NONE
    return UNKNOWN if one.leaks.names is None else f"{one.leaks.names:,}"


def ranges_of(one: Result) -> Mapping[str, tuple[float, float]] | None:
    """Return each measure's range over several draws of a bank, None if there are none."""
    return None if one.shots is None else one.shots.ranges


def asked_tprs(results: Sequence[Result]) -> tuple[str, ...]:
    """Return the TPRs at which there is an FPR, as written in the results."""
    return tuple(dict.fromkeys(tpr for one in results for tpr in one.fpr_at_tpr))


def fpr_field(tpr: str) -> str:
    """Return the name of the FPR at a TPR among the measures of resamples and orders."""
    return "fpr95" if float(tpr) == 0.95 else f"fpr_at_tpr_{tpr}"


def spread(one: Result, value: float | None, measure: str) -> str:
    """Return a measure in percent, with its standard deviation over several shuffles."""
    deviations = None if one.stream is None else one.stream.deviations
    if deviations is None or measure not in deviations:
        return percent(value)
    return f"{percent(value)} ± {percent(deviations[measure])}"


def fpr_name(tpr: str) -> str:
    """Return the name of the FPR at a TPR.

    >>> fpr_name("0.95"), fpr_name("0.9"), fpr_name("0.999")
    ('FPR95', 'FPR90', 'FPR99.9')
    """
    return f"FPR{(100 * Decimal(tpr)).normalize():f}"


def percent(fraction: float | None) -> str:
    """Return a fraction in percent, to two places."""
    return NONE if fraction is None else f"{100 * fraction:z.2f}"


def interval(bounds: Sequence[float] | None) -> str:
    """Return an interval of fractions in percent; one with a sign is written with "to".

    >>> interval((0.7895, 0.8454)), interval((-0.008, -0.0024))
    ('78.95–84.54', '-0.80 to -0.24')
    """
    if bounds is None:
        return NOT_ESTIMABLE
    ends = [percent(one) for one in bounds]
    # LaTeX writes the dash as two hyphens, beside which no sign can be seen.
    has_sign = any(one.startswith("-") for one in ends)
    return (" to " if has_sign else NONE).join(ends)


def _heading(
    one: Result, model: str | None, several: bool, shifted: bool, id_accuracy: float | None
) -> tuple[str, ...]:
    """Return the lines above a run of rows; those on csid images name their positives.

    A stream of fewer ID images has no accuracy of its own, and stays under its model's.
    """
    name = positives(one) if shifted else "ID"
    if model is None:
        return (name,) if shifted else ()
    between = ":" * shifted
    own = id_accuracy if one.spectrum is None else one.id_accuracy
    accuracy = f"{name}{between} accuracy {percent(own)}"
    if one.spectrum is not None and one.spectrum.own_accuracy != own:
        accuracy += f", over own classes {percent(one.spectrum.own_accuracy)}"
    return model, f"prompt {prompt(one)}: {accuracy}" if several else accuracy


def positives(one: Result) -> str:
    """Return the positives of a row of a table that has several: "ID pets", "csid:drawn"."""
    return one.id if one.spectrum is not None else f"ID {one.id}"


def _labels(one: Result, model: str | None, several: bool, shifted: bool) -> tuple[str, ...]:
    label = ([positives(one)] if shifted else []) + [shown_as(one)]
    if model is None:
        return tuple(label)
    accuracy = percent(one.id_accuracy)
    if one.spectrum is not None and one.spectrum.own_accuracy != one.id_accuracy:
        accuracy += f" ({percent(one.spectrum.own_accuracy)})"
    return (model, *([prompt(one)] if several else []), *label, accuracy)


def _columns(results: Sequence[Result], several: bool, shifted: bool) -> tuple[str, ...]:
    score = (*(["positives"] if shifted else []), "score")
    if results[0].model is None:
        return score
    return ("model", *(["prompt"] if several else []), *score, "ID acc")


def some(named: Sequence[str]) -> str:
    """Return the first few of several names, and how many more there are."""
    more = f" and {len(named) - NAMED:,} more" if len(named) > NAMED else ""
    return ", ".join(named[:NAMED]) + more
