"""The `oodcache` command lines that a protocol is: `extract` for what is missing, then `score`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.names import GROUPS
from oodcache.cache.shards.shard_set import open_texts
from oodcache.cache.store import store
from oodcache.cache.text import counted, cut
from oodcache.extract.run import rank
from oodcache.extract.sources import datasets
from oodcache.score.inputs.question import Question
from oodcache.study.protocols.protocol import (
    FAR,
    NEAR,
    OWN_AVERAGES,
    SELECT_ON,
    Protocol,
    ProtocolRun,
    data_set,
)

FILES = ("--output", "--save-scores")
# The default of each place, and the variable that sets another.
DEFAULTS = {
    "--cache": (Path("embeddings"), "OODCACHE_DIR"),
    "--data-root": (Path("data"), "OODCACHE_DATA"),
}


@dataclass(frozen=True)
class ProtocolRequest:
    """What is wanted of a protocol: a model, where embeddings and images are, and options.

    `extracting` and `scoring` are options of `extract` and `score` as typed; `templates` are those
    to extract, and to score, instead of the protocol's. `selects` says that
    scores choose parameters, on the protocol's set for it. `own_weights` says that the model has
    weights of the user's own, whose embeddings no name finds before they are loaded.
    """

    model: str
    cache: Path
    data_root: Path
    extracting: Sequence[str] = ()
    scoring: Sequence[str] = ()
    templates: tuple[str, ...] = ()
    selects: bool = False
    own_weights: bool = False

    @property
    def label(self) -> str | None:
        """Return the model's `name/pretrained` in the cache, None if it has no embeddings."""
        if self.own_weights:
            return None
        try:
            return store.find_model(self.cache, self.model)
        except InputError:
            return None


def scored(protocol: Protocol, wanted: ProtocolRequest) -> list[str]:
    """Return the datasets that are scored, each once."""
    roles = [role for run in protocol.runs for role in run.roles.items()]
    every = [data_set(one) for one, role in roles if role != SELECT_ON or wanted.selects]
    return [*dict.fromkeys(every)]


def uncached(protocol: Protocol, wanted: ProtocolRequest) -> list[str]:
    """Return the datasets that are scored and that the cache lacks, each once."""
    label = wanted.label
    return [
        name
        for name in scored(protocol, wanted)
        if label is None or not names.image_path(wanted.cache, label, name).exists()
    ]


def check_there(protocol: Protocol, wanted: ProtocolRequest) -> None:
    """Raise InputError if images are neither in the cache nor below the data root."""
    root, missing = wanted.data_root, []
    for name in uncached(protocol, wanted):
        missing += [] if is_there(protocol, name, root) else [name]
    if missing:
        check = f"oodcache benchmark check {shlex.quote(protocol.name)}{_at(root)}"
        check += _or_without(protocol, missing)
        raise InputError(
            f"{protocol.name}: {counted(len(missing), 'dataset')} of {len(protocol.data_sets):,} "
            f"{'is' if len(missing) == 1 else 'are'} neither in the cache nor below {root}: "
            f"{cut(missing, 6, ', ')}; what is wanted where: {check}"
        )


def extractions(protocol: Protocol, wanted: ProtocolRequest) -> list[list[str]]:
    """Return the arguments of `extract` for all that the cache lacks: one list per vocabulary."""
    label, images = wanted.label, uncached(protocol, wanted)
    texts = [
        ["--classes", _classes(typed, wanted.data_root), *_repeated("--template", one)]
        for typed, templates in protocol.vocabularies.items()
        if _lacks_texts(typed, one := wanted.templates or templates, label, wanted)
    ]
    sources = [protocol.source(one, wanted.data_root) for one in images]
    first, *others = texts or [[]]
    lines = [[*first, *sources], *others] if first or sources else []
    # Everything, whatever the rank in a cluster.
    share = ["--shard", "1/1"] if rank.is_in(os.environ) else []
    options = [*_place("--data-root", wanted.data_root), *_place("--cache", wanted.cache)]
    options += [*wanted.extracting, *share]
    return [["extract", "--model", wanted.model, *options, *line] for line in lines]


def scorings(protocol: Protocol, wanted: ProtocolRequest) -> Iterator[list[str]]:
    """Yield the arguments of `score`, for each run of the protocol.

    Each of several runs has files of its own: their names end with that of its ID set.
    """
    for title, run in zip(protocol.titles(), protocol.runs, strict=True):
        are_several = len(protocol.runs) > 1
        yield [
            *("score", "--model", wanted.model, "--classes", run.vocabulary, "--id", run.id),
            *_repeated("--ood", run.outside),
            *_repeated("--csid", run.csid),
            *_repeated("--group", typed_groups(run)),
            *(["--select-on", run.select_on] if run.select_on and wanted.selects else []),
            *([] if "--template" in wanted.scoring else _repeated("--template", run.templates)),
            *_place("--cache", wanted.cache),
            *(_with_title(wanted.scoring, title) if are_several else wanted.scoring),
        ]


def picking(protocol: Protocol, questions: Sequence[Question], wanted: ProtocolRequest) -> str:
    """Return how to pick among rows, which is an option of `score` alone; "" for a single row."""
    if wanted.selects or all(len(one.variants) < 2 for one in questions):
        return ""
    on = next((run.select_on for run in protocol.runs if run.select_on), None)
    which = f"{on}, the benchmark's set for it," if on else "an OOD set that is not tested"
    return (
        "--select-on is an option of score: to pick among these rows, extract "
        f"{which} and add --select-on {on or 'DATASET'} to the line of score above"
    )


def typed(line: Sequence[str]) -> str:
    """Return a command line that a shell takes."""
    return f"oodcache {shlex.join(line)}"


def _lacks_texts(
    classes: str, templates: Sequence[str], label: str | None, wanted: ProtocolRequest
) -> bool:
    """Return whether the cache lacks a vocabulary, or a template of it."""
    if label is None:
        return True
    path = names.text_path(wanted.cache, label, classes.partition("=")[0])
    return not path.exists() or not {*templates} <= {*open_texts(path).vocabulary.templates}


def _or_without(protocol: Protocol, missing: Sequence[str]) -> str:
    """Return what to type to leave out the first that is not ID, if no ID set is missing."""
    inside = {data_set(run.id) for run in protocol.runs}
    return "" if inside & {*missing} else f"; or leave them out: --without {missing[0]} …"


def is_there(protocol: Protocol, name: str, data_root: Path) -> bool:
    """Return whether a dataset's images, or their list, are below the data root."""
    if name in protocol.places:
        place = data_root / protocol.places[name]
        return place.exists() or any(one in place.name for one in "{*")  # Several files.
    try:
        return datasets.known(name, data_root) is not None
    except OSError as error:  # A folder without access.
        raise InputError(f"{data_root}: cannot be looked at: {error.strerror}") from None


def _classes(typed: str, data_root: Path) -> str:
    name, equals, path = typed.partition("=")
    return f"{name}={data_root / path}" if equals else name


def typed_groups(run: ProtocolRun) -> Iterator[str]:
    """Yield NAME=SET,SET of each average that the sets' own groups do not give."""
    pair = {NEAR: run.near, FAR: run.far}
    for name, group in OWN_AVERAGES.items() if max(map(len, pair.values())) > 1 else ():
        sets = pair[group]
        known = [one for one in run.outside if GROUPS.get(data_set(one)) == group]
        # A group of one set has its average too, if the other group has several sets.
        if 0 < len(sets) < len(run.outside) and {*sets} != {*known}:
            yield f"{name}={','.join(sets)}"
    for group, sets in run.groups.items():
        yield f"{group}={','.join(sets)}"


def _with_title(options: Sequence[str], title: str) -> Iterator[str]:
    """Yield options, with a title before the ending of each file that is written."""
    before = ""
    for one in options:
        file = Path(one)
        yield str(file.with_name(f"{file.stem}-{title}{file.suffix}")) if before in FILES else one
        before = one


def _repeated(option: str, values: Sequence[str] | Iterator[str]) -> list[str]:
    return [part for value in values for part in (option, value)]


def _place(option: str, path: Path) -> list[str]:
    default, variable = DEFAULTS[option]
    return [] if path == default and variable not in os.environ else [option, str(path)]


def _at(data_root: Path) -> str:
    return "".join(f" {shlex.quote(one)}" for one in _place("--data-root", data_root))
