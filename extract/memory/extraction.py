"""An extraction asked for from Python: its images and its model may be files, or in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.names import KNOWN, check_name
from oodcache.cache.watch import Watch
from oodcache.extract.memory import class_lists, in_memory, kinds, models, path_lists
from oodcache.extract.memory.hugging_face import ColumnNames
from oodcache.extract.memory.kinds import Kind, Paths, Streamed
from oodcache.extract.memory.parts import GivenModel
from oodcache.extract.memory.row_labels import RowNotes
from oodcache.extract.memory.stream import Streaming
from oodcache.extract.model import loading
from oodcache.extract.model.encoder import Encoder
from oodcache.extract.model.request import ModelRequest, resolve
from oodcache.extract.run import completion, plan, run
from oodcache.extract.run.plan import Plan, Settings, TextListing
from oodcache.extract.sources.known_sets import known_set
from oodcache.extract.sources.listing import UNSAID, ImageListing


@dataclass(frozen=True, kw_only=True)
class ExtractCall:
    """What to extract: `images`, `classes` or both, with a model by name or in memory.

    `request` has the model's settings, and its name unless `model` is one in memory. `label_names`,
    labels and paths are in `notes`.
    """

    cache: Path
    request: ModelRequest
    model: GivenModel | None = None
    images: Any = None
    name: str | None = None
    classes: Any = None
    template: str | Sequence[str] = ()
    notes: RowNotes = field(default_factory=RowNotes)
    columns: ColumnNames = field(default_factory=ColumnNames)
    data_root: Path = Path("data")
    workers: int | None = None
    settings: Settings = field(default_factory=Settings)


def extract(wanted: ExtractCall, watch: Watch) -> list[Path]:
    """Extract what is missing and return all files, new or kept, the vocabulary's first.

    Raises InputError for what cannot be extracted, before a model by name is loaded.
    """
    wanted.notes.check_types()
    if wanted.model is None:
        wanted.request.check_texts(wanted.classes)
    texts = _texts(wanted, watch)
    kind = None if wanted.images is None else kinds.kind_of(wanted.images, wanted.columns)
    if kind is None and texts is None:
        raise InputError("nothing to extract: give images, classes, or both")
    if kind is not None and not isinstance(kind, str):
        _check_name(wanted)
    encoder = None
    if wanted.model is not None:
        if texts is not None and wanted.model.tokenizer is None:
            raise InputError(
                "model: classes need a tokenizer: give (module, preprocess, tokenizer)"
            )
        encoder = models.loaded(wanted.model, wanted.request, wanted.cache, watch.note)
    if isinstance(kind, Streamed):
        return _stream(wanted, kind, texts, encoder, watch)
    return _run(wanted, _images(wanted, kind, watch), texts, encoder, watch)


def _texts(wanted: ExtractCall, watch: Watch) -> TextListing | None:
    if wanted.classes is None:
        if class_lists.as_templates(wanted.template):
            raise InputError("template needs class names: give classes too")
        return None
    asked = (wanted.classes, wanted.name, wanted.template, watch.note, wanted.data_root)
    found = class_lists.vocabulary(*asked)
    return plan.named(*found, are_typed=bool(class_lists.as_templates(wanted.template)))


def _check_name(wanted: ExtractCall) -> str:
    if wanted.name is None:
        raise InputError('images need a name in the cache: give one, such as name="pets"')
    return check_name(wanted.name, "dataset")


def _images(wanted: ExtractCall, kind: Kind | None, watch: Watch) -> tuple[ImageListing, ...]:
    """Return the images as listings: those of a folder or file as the command line lists them."""
    if kind is None:
        return ()
    if isinstance(kind, str):
        if wanted.notes.are_given:
            raise InputError("labels, label_names and paths are for lists: a folder has its own")
        return plan.images([_specification(wanted, kind)], wanted.data_root, UNSAID, watch)
    name = _check_name(wanted)
    if isinstance(kind, Paths):
        return (path_lists.listed(name, kind.paths, wanted.notes),)
    assert not isinstance(kind, Streamed)
    return (in_memory.listed(name, kind, wanted.notes, watch),)


def _specification(wanted: ExtractCall, images: str) -> str:
    """Return images as the command line takes them: a known dataset, or NAME=PATH."""
    if "=" in images and not Path(images).exists():
        return images
    is_known = images in KNOWN or known_set(images) is not None
    if is_known and not Path(images).exists():
        return images
    return f"{_check_name(wanted)}={images}"


def _run(
    wanted: ExtractCall,
    images: tuple[ImageListing, ...],
    texts: TextListing | None,
    encoder: Encoder | None,
    watch: Watch,
) -> list[Path]:
    request = wanted.request
    found = resolve(request) if encoder is None else models.resolved(encoder, request)
    workers, in_memory = _workers(wanted, images), _are_in_memory(images)
    planned = Plan(
        *(found, images, texts, wanted.cache, 0 if in_memory else workers, wanted.settings),
        threads=max(1, workers) if in_memory else 0,
    )
    if encoder is None:
        return run.run(planned, watch)
    with _evaluating(wanted, encoder):
        return run.run(planned, watch, _started(encoder))


def _are_in_memory(images: tuple[ImageListing, ...]) -> bool:
    return any(one.source.form == plan.MEMORY for one in images)


def _workers(wanted: ExtractCall, images: tuple[ImageListing, ...]) -> int:
    """Return how many processes decode images, or threads if they are in memory."""
    if wanted.workers is not None:
        return wanted.workers
    largest = max((one.rows for one in images), default=0)
    return plan.default_workers(largest, wanted.settings.batch_size)


def _started(encoder: Encoder) -> run.Start:
    @contextmanager
    def start(planned: Plan, watch: Watch) -> Iterator[completion.InProcess]:
        yield completion.InProcess(planned, encoder, watch)

    return start


@contextmanager
def _evaluating(wanted: ExtractCall, encoder: Encoder) -> Iterator[None]:
    """Leave a model of the user's as it was."""
    if wanted.model is None:
        yield
        return
    with models.evaluating(encoder):
        yield


def _stream(
    wanted: ExtractCall,
    streamed: Streamed,
    texts: TextListing | None,
    encoder: Encoder | None,
    watch: Watch,
) -> list[Path]:
    if wanted.settings.retry_failed:
        raise InputError("retry_failed needs images that can be read again, not an iterator")
    if encoder is None:
        encoder = loading.load(resolve(wanted.request), watch.note, with_texts=texts is not None)
    paths = [] if texts is None else _run(wanted, (), texts, encoder, watch)
    threads = plan.default_workers(2, 1) if wanted.workers is None else max(1, wanted.workers)
    stream = Streaming(_check_name(wanted), streamed, wanted.notes, wanted.settings, threads)
    with _evaluating(wanted, encoder):
        return [*paths, stream.extract(encoder, wanted.cache, watch)]
