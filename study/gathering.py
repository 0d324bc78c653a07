"""The content of a report and its figures: per-image scores and thumbnails.

Scores come from the file of --save-scores, otherwise they are recomputed from the cache; both are
checked against the results. Thumbnails come from the image files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache as remembered
from itertools import accumulate
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.files.scores import ScoredImages
from oodcache.cache.shards.shard_set import open_texts
from oodcache.cache.subsets import split
from oodcache.cache.text import counted
from oodcache.cache.watch import Hint, Watch
from oodcache.extract.sources import datasets
from oodcache.extract.sources.folders import FolderContents
from oodcache.extract.sources.known_sets import KNOWN_SETS
from oodcache.extract.sources.listing import Contents
from oodcache.report import images
from oodcache.report.content import Content, EmbeddingMap, ImageRow
from oodcache.report.figures.choice import Default, FigureChoice, chosen
from oodcache.report.html.page import missing_libraries, page
from oodcache.report.pictures import Picture, on_map, pictures_of, with_thumbnails
from oodcache.report.saved.results import Saved, read
from oodcache.report.tables.grid import key
from oodcache.report.thumbnails import thumbnail
from oodcache.score.files.reading import read as read_scores
from oodcache.score.files.saved_images import read_images
from oodcache.score.inputs.files import vocabulary_path
from oodcache.score.inputs.question import Question
from oodcache.score.measures.result import Result
from oodcache.score.own.function import Function
from oodcache.score.scoring import save
from oodcache.study import embeddings
from oodcache.study.rescoring import rescored

# More would make a page of many scores larger than 6 MB.
MOST_THUMBNAILS = 400  # And at most so many characters of them:
LARGEST_THUMBNAILS = 1_100_000


@dataclass(frozen=True)
class Sources:
    """Where per-image scores and the images are.

    `scores` is a file of --save-scores; without it, the one that the results name is used, then the
    cache. `typed` has NAME=PATH of datasets; others are looked up below `data_root`. `code` has the
    user's own scores, given again: scores that are recomputed need them. Results in memory have
    `asked`, the question that they answer, which needs nothing again, or `given`, the scores.
    """

    scores: Path | None
    cache: Path
    typed: Sequence[str]
    data_root: Path
    code: Sequence[str | Function] = ()
    asked: Question | None = None
    given: Sequence[ScoredImages] = ()


def report(
    results: Path,
    output: Path,
    choice: FigureChoice,
    sources: Sources,
    watch: Watch,
    *,
    earlier: Path | None = None,
) -> None:
    """Write the HTML page for the rows of a file of results that were chosen, all if none was.

    With an `earlier` file it compares the same choice of both.
    """
    saved, named = _chosen(read(results), choice)
    before = None
    if earlier is not None:  # The later run has the names that are replaced.
        before, _ = _chosen(read(earlier), replace(choice, labels=()))
    write(saved, output, sources, watch, named, earlier=before)
    watch.note(Hint(f"wrote {output}"))


def _chosen(saved: Saved, choice: FigureChoice) -> tuple[Saved, Mapping[str, str]]:
    """Return results with the chosen rows and their differences alone, and the replaced names."""
    rows = chosen(saved, choice, Default(templates=None), "the report")
    there = set(rows.rows())
    compared = tuple(one for one in saved.differences if {one.first, one.second} <= there)
    return replace(saved, results=rows.results, differences=compared), rows.named


def write(
    saved: Saved,
    output: Path,
    sources: Sources,
    watch: Watch,
    named: Mapping[str, str] | None = None,
    *,
    earlier: Saved | None = None,
) -> None:
    """Write the HTML page for results; raise InputError if a library for it is missing.

    `named` has names to show instead of those of the results.
    """
    if missing := missing_libraries():
        raise InputError(f"a report needs {missing}")
    found = content(saved, sources, watch)
    if found.missing:
        watch.note(f"the page has no curves and no images: {found.missing}")
    save(page(saved, found, named, earlier), output)


def content(saved: Saved, sources: Sources, watch: Watch, *, pictures: bool = True) -> Content:
    """Return per-image rows and, with `pictures`, thumbnails; or why there are none.

    Rows of streams have none: they score an image in every stream anew; nor have those of several
    banks. Raises InputError if the file of `sources.scores` does not match the results.
    """
    alone = tuple(one for one in saved.results if one.stream is None and one.shots is None)
    if not alone:
        every = all(one.shots is not None for one in saved.results)
        why = "has several banks or draws" if every else "learns from the stream"
        return Content((), missing=f"every score {why}")
    saved = replace(saved, results=alone)
    named = _class_names(sources.cache)
    try:
        found, source = _scored(saved, sources, watch)
        rows = _rows(saved, found, source, named, watch)
    except InputError as error:
        if sources.scores is not None:
            raise
        unused = f" {', '.join(sources.typed)}: not used." if sources.typed else ""
        return Content((), missing=f"{error}.{unused} {_to_save(saved)}")
    if not pictures:
        return Content(tuple(rows))
    maps: list[EmbeddingMap] = []
    no_maps = ""
    try:
        rows, maps = embeddings.add(rows, saved, found, sources.cache, named)
    except InputError as error:
        no_maps = str(error)
    contents = _thumbnails(pictures_of(rows, maps, MOST_THUMBNAILS), sources, watch)
    places = {one: place for place, one in enumerate(contents)}
    return Content(
        tuple(with_thumbnails(row, places) for row in rows),
        tuple(contents.values()),
        maps=tuple(on_map(one, places) for one in maps),
        no_maps=no_maps,
    )


def _class_names(cache: Path) -> Callable[[Result], images.Names]:
    """Return a function of a result that returns its class names by label, as far as cached."""

    @remembered
    def names(model: str, classes: str | None) -> images.Names:
        if classes is None:
            return {}
        try:
            vocabulary = open_texts(vocabulary_path(cache, model, model, classes)).vocabulary
        except InputError:
            return {}
        return {
            one.encode(): name for one, name in zip(vocabulary.ids, vocabulary.names, strict=True)
        }

    return lambda result: names(str(key(result)[0]), result.classes)


def _to_save(saved: Saved) -> str:
    """Return how to save per-image scores; the recorded command is untrusted text."""
    command = str(saved.provenance.get("command", "oodcache score …"))
    if any(one.classes is None for one in saved.results):
        return f"Measure them again; the file records the command: {command}"
    if not command.startswith("oodcache "):  # A call in Python.
        return f"Score again, as the file records it: {command}"
    again = "" if "--save-scores" in command else f" --save-scores {saved.path.with_suffix('.h5')}"
    return f"Save every image's scores; with the command that the file records: {command}{again}"


def _scored(saved: Saved, sources: Sources, watch: Watch) -> tuple[Sequence[ScoredImages], str]:
    """Return the scores of all images, and the source that error messages name."""
    if sources.given:
        return sources.given, "the scores in memory"
    named = saved.provenance.get("scores")
    scores = sources.scores or (_found(saved, named) if isinstance(named, str) else None)
    if scores is not None:
        return read_images(scores), str(scores)
    if any(one.classes is None for one in saved.results):
        return _measured(saved), "the files that oodcache metrics read"
    cache = sources.cache
    if not cache.is_dir():
        raise InputError(f"{saved.path}: found no file of --save-scores and no cache {cache}")
    asked = sources.asked or Question(cache, (), "")
    return rescored(saved, asked, sources.code, watch), str(cache)


def _found(saved: Saved, named: str) -> Path | None:
    """Return a file that results name, at that path or next to the results."""
    places = (Path(named), saved.path.parent / Path(named).name)
    return next((one for one in places if one.is_file()), None)


def _measured(saved: Saved) -> list[ScoredImages]:
    """Return the scores that `oodcache metrics` read; they have no image paths."""
    scores = {one.score for one in saved.results}
    sign = -1 if saved.provenance.get("lower_is_id") is True else 1
    found = []
    files = saved.provenance.get("files")
    for file in files if isinstance(files, list) and files else [None]:
        entry = file if isinstance(file, dict) else {}
        named, data_set, columns = (entry.get(name) for name in ("path", "data_set", "columns"))
        if not isinstance(named, str) or not isinstance(columns, list):
            raise InputError(f"{saved.path}: does not name the files it was measured on")
        path = _found(saved, named)
        if path is None:
            raise InputError(f"{named}: not found, nor next to {saved.path}")
        for part in read_scores(path, [str(one) for one in columns]):
            if part.data_set not in (None, data_set):
                continue
            own = {name: sign * one for name, one in part.scores.items()}
            if len(own) == 1:  # Its name may differ between files.
                own = dict.fromkeys(scores, *own.values())
            names = (part.model or "", part.template or "", str(data_set))
            found.append(ScoredImages(*names, own, *([tuple[bytes, ...]] * 3)))
    return found


def _rows(
    saved: Saved,
    found: Sequence[ScoredImages],
    source: str,
    names: Callable[[Result], images.Names],
    watch: Watch,
) -> list[ImageRow]:
    count = len({key(one) for one in saved.results})
    with watch.progress("figures", count, "scores") as advance:
        return list(images.rows(saved, found, source, names, advance))


def _thumbnails(wanted: Sequence[Picture], sources: Sources, watch: Watch) -> dict[Picture, str]:
    """Return the thumbnails that can be made, by dataset and path, in order."""
    by_set: dict[str, list[str]] = {}
    for name, path in wanted:
        by_set.setdefault(name, []).append(path)
    own = {one.partition("=")[0]: one for one in sources.typed}
    if unknown := [one for one in own if one not in {split(name)[0] for name in by_set}]:
        raise InputError(
            f"{own[unknown[0]]}: the results have no dataset {unknown[0]!r} "
            f"(there are: {', '.join(dict.fromkeys(split(name)[0] for name in by_set))})"
        )
    made: dict[Picture, str] = {}
    missing = []
    with watch.progress("thumbnails", len(wanted), "images") as advance:
        for name, paths in by_set.items():
            base = split(name)[0]
            for path, content in _contents(own.get(base), base, paths, sources.data_root):
                if (small := thumbnail(content)) is not None:
                    made[name, path] = small
            advance(len(paths))
            if any(one[0] == name for one in made):
                continue
            if base in own:
                watch.note(
                    f"{own[base]}: has none of the {counted(len(paths), 'image')} of {base} that "
                    "are shown: is it another folder, or are the results of another run?"
                )
            else:
                missing.append(base)
    if missing:
        names = ", ".join(dict.fromkeys(missing))
        watch.note(Hint(f"no thumbnails of {names}: add --data-root FOLDER or {missing[0]}=FOLDER"))
    return _fitting({one: made[one] for one in wanted if one in made})


def _fitting(made: Mapping[Picture, str]) -> dict[Picture, str]:
    """Return the first thumbnails, as many as a page has room for."""
    ends = accumulate(map(len, made.values()))
    room = LARGEST_THUMBNAILS
    return {one: made[one] for one, end in zip(made, ends, strict=True) if end <= room}


def _contents(
    typed: str | None, name: str, paths: Sequence[str], data_root: Path
) -> Iterator[tuple[str, bytes]]:
    """Yield the bytes of the images that can be read; a typed NAME=PATH must exist."""
    if typed is None and name not in KNOWN_SETS:
        typed = f"{name}={data_root / name}"
        if not (data_root / name).is_dir():
            return
    try:
        source = datasets.find(typed or name, data_root)
    except InputError:
        if typed is not None:
            raise
        return
    # Untrusted scores may name images outside the folder.
    wanted = [one.encode() for one in paths if ".." not in one.split("/")]
    if source.form == "folder":
        contents: Contents = FolderContents(source.root, wanted)
        there: Sequence[bytes] = wanted
    else:
        listing = datasets.list_images(source)
        there, contents = listing.images.paths, listing.contents
    places = {one: place for place, one in enumerate(there)}
    for path in wanted:
        try:
            yield path.decode(), contents.read(places[path])
        except (KeyError, OSError, ValueError):
            continue
