"""A detector in Python: made from the cache or loaded from a file, it judges images."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oodcache.arguments import (
    ANYTHING,
    ONE_TEMPLATE,
    OWN_SCORES,
    Folder,
    checked,
    folder_of,
    scores_of,
)
from oodcache.cache.errors import InputError
from oodcache.cache.subsets import split
from oodcache.cache.text import check_ending
from oodcache.cache.watch import Note, Watch
from oodcache.detect.decisions import Decision
from oodcache.detect.detector import SavedDetector
from oodcache.detect.file import ENDING, check_replaceable, read_detector, write_detector
from oodcache.detect.inputs import (
    PATH,
    PICTURE,
    VECTORS,
    as_list,
    inputs,
    is_path,
    together,
    windows,
)
from oodcache.detect.judge import AT_ONCE, Judge
from oodcache.detect.reloading import Runtime
from oodcache.detect.targets import TargetFinder
from oodcache.extract.model.request import check_torch
from oodcache.score.own.function import Function
from oodcache.score.own.given_again import given_again
from oodcache.wording import noted, to_stderr, typed

if TYPE_CHECKING:
    from oodcache.extract.memory.parts import GivenModel


@dataclass
class Detector:
    """A score with a threshold; it loads its model when an image needs it.

    `saved` is what its file holds: score, threshold, class vectors, model. Datasets are found by
    name in the folder `cache`.
    """

    saved: SavedDetector
    cache: Path
    runtime: Runtime
    note: Note
    _judge: Judge = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._judge = Judge(self.saved, self.runtime, self.note)
        if self.runtime.held is not None:
            self._judge.embedder()  # Another model fails now, not with the first image.

    def __repr__(self) -> str:
        threshold = self.saved.threshold
        return (
            f"Detector({self.saved.scorer.variant.label!r} of {self.saved.model.label}, alpha "
            f"{threshold.alpha:g} from {threshold.n:,} images of {self.saved.calibrated_on})"
        )

    @classmethod
    @checked(model=ANYTHING, template=ONE_TEMPLATE, scores=scores_of(least=1))
    def make(
        cls,
        cache: Folder | str | Path,
        model: str | tuple[Any, ...],
        *,
        id: str,
        scores: str | Function | Sequence[str | Function],
        alpha: float,
        confidence: float | None = None,
        classes: str | None = None,
        template: str | None = None,
        class_names: str = "open_clip",
        negatives: str | None = None,
        bank: str | None = None,
        bank_labels: str = "own",
        select_on: str | None = None,
        select_id: str | None = None,
        seed: int = 0,
        device: str | None = None,
        batch_size: int = 256,
        workers: int | None = None,
        preprocess_id: str | None = None,
        note: Note = to_stderr,
    ) -> Detector:
        """Return a detector made from cached ID images, as `oodcache calibrate` makes it.

        Of ID images like those of `id` it rejects a share of at most `alpha`, on average or with
        `confidence`. `cache` is what `oodcache.open` returns, or its folder. `scores` is one
        score, or several of which `select_on`, a cached OOD set, picks the best; the ID images
        that pick are `select_id`, or a random half of `id`, drawn with `seed`. A score may be a
        function of your own. `device`, `batch_size` and `workers` are for `predict`.

        `model` is a name in the cache, or (module, preprocess) in memory, with the `preprocess_id`
        that `extract` had, if any: found in the cache by its weights, it judges images itself.
        Raises InputError if a set is not cached, or there are too few images for `alpha`.
        """
        call = _called(cls.make, locals())
        from oodcache.detect.calibrating import detector
        from oodcache.detect.making import DetectorRequest
        from oodcache.score.inputs.question import Question
        from oodcache.score.measures.result import Conventions

        folder = folder_of(cache)
        held = _held(model, preprocess_id)
        question = Question(
            *(folder, (_name(model, held, folder, id),), id),
            classes=classes,
            templates=() if template is None else (template,),
            select_on=select_on,
            class_names=class_names,
            negatives=negatives,
            bank=bank,
            bank_labels=bank_labels,
            bank_seed=seed,
            conventions=Conventions(seed=seed),
        )
        asked = _several(scores)
        request = DetectorRequest(question.asking(asked), alpha, confidence, select_id)
        saved = detector(request, call, Watch(noted(note)))
        runtime = Runtime(device=device, batch_size=batch_size, workers=workers, held=held)
        return cls(saved, folder, runtime, note)

    @classmethod
    @checked(model=ANYTHING, scores=OWN_SCORES)
    def load(
        cls,
        path: str | Path,
        *,
        cache: Folder | str | Path = "embeddings",
        model: str | tuple[Any, ...] | None = None,
        checkpoint: str | Path | None = None,
        config: str | Path | None = None,
        device: str | None = None,
        batch_size: int = 256,
        workers: int | None = None,
        scores: str | Function | Sequence[str | Function] | None = None,
        preprocess_id: str | None = None,
        note: Note = to_stderr,
    ) -> Detector:
        """Return the detector in a file; raise InputError, in one line, if it is not one.

        `model`, `checkpoint` and `config` give the model's location if it has moved; `model` may
        also be (module, preprocess) in memory, which must be the detector's, with the
        `preprocess_id` that `extract` had, if any. Datasets are found by name in `cache`. A
        detector of a score of your own needs the function as `scores`, or FILE.py:FUNCTION, also
        in a list.
        """
        held = _held(model, preprocess_id)
        if held is not None and (checkpoint is not None or config is not None):
            raise InputError("checkpoint and config are for a model by name")
        runtime = Runtime(
            model=model if isinstance(model, str) else None,
            checkpoint=None if checkpoint is None else Path(checkpoint),
            config=None if config is None else Path(config),
            device=device,
            batch_size=batch_size,
            workers=workers,
            held=held,
        )
        saved = read_detector(Path(path), given_again([] if scores is None else _several(scores)))
        return cls(saved, folder_of(cache), runtime, note)

    @checked()
    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the file that `oodcache detect` and `Detector.load` read, whole or not at all.

        Raises InputError if a file is there, unless it is a detector and `overwrite` is true.
        """
        path = Path(path)
        if not overwrite and path.exists():
            raise InputError(f"{path}: exists; give overwrite=True, or another path")
        check_replaceable(path, "another path")
        check_ending(path, (ENDING,), "")
        write_detector(path, self.saved)

    @checked()
    def predict(self, images: Any) -> list[Decision]:
        """Return the decision on each image, in order: a list, of one for one image.

        `images` is one of these, or several in a list or any iterable: a path (of an image, a
        folder or a cached dataset), an image (PIL's, uint8 (H, W) or (H, W, C) with 1, 3 or 4
        channels, or a uint8 tensor (3, H, W); with another axis in front they are n images), or
        unit vectors of the detector's model, float (D,) or (n, D): NumPy's, or torch's on any
        device. 16-bit vectors are normalised again.
        Raises InputError for anything else, and if a path is not there.
        """
        found: list[Decision] = []
        for kind, several in together(list(inputs(images, self.saved, self.note))):
            found += [one for batch in self._judged(kind, several) for one in batch]
        return found

    @checked()
    def predict_iter(self, images: Any, *, batch_size: int | None = None) -> Iterator[Decision]:
        """Yield the decision on each image, in order, as `predict` returns them.

        `images` are as in `predict`. They are held in memory `batch_size` at a time, those of
        `make` or `load` if None. An iterator is read as decisions are asked for: a batch is judged
        when it is full, or when the iterator ends or raises. Give 1 for a stream that pauses. Paths
        from an iterator are files: one that cannot be read is a decision with an `error`, not an
        exception. Of a folder, or a list of paths, all paths are listed first. Raises InputError
        for what is no image.
        """
        size = self.runtime.batch_size if batch_size is None else batch_size
        images = as_list(images)
        if is_path(images) or (isinstance(images, (list, tuple)) and all(map(is_path, images))):
            for batch in self._judged(PATH, [images] if is_path(images) else images):
                yield from batch
            return
        for window in windows(inputs(images, self.saved, self.note), size):
            for kind, several in together(window):
                for batch in self._judged(kind, several, are_files=True):
                    yield from batch

    def _judged(
        self, kind: str, several: Any, *, are_files: bool = False
    ) -> Iterable[list[Decision]]:
        if kind == VECTORS:
            blocks = range(0, len(several), AT_ONCE)
            return (self._judge.of_vectors(several[one : one + AT_ONCE]) for one in blocks)
        if kind == PICTURE:
            return self._judge.of_pictures(several)
        paths = [os.fsdecode(one) for one in several]
        if are_files:
            return self._judge.of_targets([tuple(map(os.fsencode, paths))])
        finder = TargetFinder(self.saved, self.cache, self.note)
        return self._judge.of_targets(finder.find(paths))


def _held(model: Any, preprocess_id: str | None) -> GivenModel | None:
    """Return a model in memory by its parts, None for a name."""
    if model is None or isinstance(model, str):
        if preprocess_id is not None:
            raise InputError("preprocess_id is for a model in memory")
        return None
    check_torch()
    from oodcache.extract.memory import parts

    return parts.given(model, None, preprocess_id)


def _several(scores: str | Function | Sequence[str | Function]) -> list[str | Function]:
    return [scores] if isinstance(scores, str) or callable(scores) else list(scores)


def _name(model: Any, held: GivenModel | None, cache: Path, id_set: str) -> str:
    """Return the name of a model in the cache, found by its weights if it is in memory."""
    if held is None:
        return str(model)
    from oodcache.extract.memory import models

    return models.cached_as(held, cache, split(id_set)[0])


def _called(function: Any, given: dict[str, Any]) -> str:
    """Return a call of `function` as it is typed, without the arguments that have their default."""
    parts = []
    for name, one in inspect.signature(function).parameters.items():
        value = given[name]
        if name == "note" or (one.default is not one.empty and value == one.default):
            continue
        shown = typed(str(value.folder) if isinstance(value, Folder) else value)
        if name == "model" and not isinstance(value, str):
            shown = "(module, preprocess)"
        named = "" if one.kind is one.POSITIONAL_OR_KEYWORD else f"{name}="
        parts.append(f"{named}{shown}")
    return f"oodcache.Detector.make({', '.join(parts)})"
