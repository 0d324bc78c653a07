"""Extraction from Python: `cache.extract`, whose arguments are checked here."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from oodcache.arguments import ANYTHING, Folder, checked, found
from oodcache.cache.errors import InputError, first_lines
from oodcache.cache.format.place import SHARD_ROWS
from oodcache.cache.watch import Note, Progress, Watch, bars
from oodcache.wording import noted, to_stderr

COUNTS = (
    "True, or a function (description, total, unit) that returns a context manager of a function "
    "to call with the number of items just done"
)


@dataclass(frozen=True)
class Extracted:
    """What `extract` made or kept: the model's name in the cache, and the files."""

    model: str
    files: tuple[Path, ...]


@checked(model=ANYTHING, classes=ANYTHING)
def extract(
    cache: Folder,
    model: str | tuple[Any, ...],
    images: Any = None,
    *,
    name: str | None = None,
    classes: str | Path | Iterable[str] | Mapping[Any, Any] | None = None,
    template: str | Sequence[str] = (),
    labels: Sequence[Any] | None = None,
    label_names: Sequence[str] | None = None,
    paths: Sequence[str | Path] | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    model_name: str | None = None,
    preprocess_id: str | None = None,
    checkpoint: str | Path | None = None,
    model_config: str | Path | None = None,
    data_root: str | Path | None = None,
    batch_size: int = 256,
    device: str | None = None,
    precision: str = "float32",
    workers: int | None = None,
    dtype: str = "float32",
    shard_rows: int = SHARD_ROWS,
    fast_decode: bool = False,
    exif: bool = False,
    overwrite: bool = False,
    retry_failed: bool = False,
    max_bad: float = 1.0,
    note: Note = to_stderr,
    progress: Progress | bool | None = True,
) -> Extracted:
    """Embed images and class names into the cache, as `oodcache extract` does; resumes if killed.

    `images` is a folder, or any other source of the command; a list of paths, of PIL images, or of
    uint8 arrays (H, W, 3) or (H, W); an array (N, H, W, 3) or (N, H, W); a torch dataset of images
    or (image, label); a Hugging Face dataset; or an iterator, which cannot be resumed. `labels`
    (N,) are class numbers or names, None or -1 for none; `label_names` are the names of numbers.
    Rows are called by `paths` (N,), else by the dataset's own paths, else by their number.

    `classes` is what --classes takes, a list of names, or a mapping of numbers or ids to names;
    the last two are stored under `name`. `model` is a name, or one in memory: (module, preprocess,
    tokenizer) of open_clip, or (model, processor) of transformers. It is named `local/NAME-HASH8`,
    where NAME is `model_name`, unless the cache knows the same weights. `model_name` also names a
    `checkpoint` or a folder of your own. A `preprocess` of your own, no torchvision transform,
    needs a `preprocess_id`. All other arguments are options of the command, with the same defaults.

    `note` is a function of one text, called with each line; True prints them on stderr. `progress`
    is True for bars in a terminal or a notebook, or a function (description, total, unit) whose
    result is a context manager of a function to call with the number of items just done. None or
    False: nothing is shown.

    Returns the model's name in the cache and the files. Raises InputError for a user's error.
    """
    from oodcache.extract.model.request import ModelRequest, check_torch, sleep_while_waiting

    watch = _watch(note, progress)
    is_name = isinstance(model, str)
    if not is_name and (checkpoint is not None or model_config is not None):
        raise InputError("checkpoint and model_config are for a model by name")
    if is_name and preprocess_id is not None:
        raise InputError("preprocess_id is for a model in memory")
    check_torch()
    sleep_while_waiting()
    with warnings.catch_warnings():  # tqdm's, in a notebook without its widgets.
        warnings.filterwarnings("ignore", "IProgress not found")
        from oodcache.extract.memory import extraction, parts
        from oodcache.extract.memory.hugging_face import ColumnNames
        from oodcache.extract.memory.row_labels import RowNotes
        from oodcache.extract.run.plan import Settings

    request = ModelRequest(
        model if isinstance(model, str) else "in memory",
        None if checkpoint is None else Path(checkpoint),
        None if model_config is None else Path(model_config),
        precision=precision,
        device=device,
        fast_decode=fast_decode,
        exif=exif,
        name=model_name if is_name else None,
    )
    wanted = extraction.ExtractCall(
        cache=cache.folder,
        request=request,
        model=None if is_name else parts.given(model, model_name, preprocess_id),
        images=images,
        name=name,
        classes=classes,
        template=template,
        notes=RowNotes(labels, label_names, paths),
        columns=ColumnNames(image_column, label_column),
        data_root=Path(data_root or os.environ.get("OODCACHE_DATA") or "data"),
        workers=workers,
        settings=Settings(
            dtype=dtype,
            batch_size=batch_size,
            shard_rows=shard_rows,
            overwrite=overwrite,
            retry_failed=retry_failed,
            max_bad=max_bad,
        ),
    )
    files = extraction.extract(wanted, watch)
    return Extracted("/".join(files[0].parts[-4:-2]), tuple(files))


def _watch(note: Note, progress: Progress | bool | None) -> Watch:
    """Return where to report."""
    watch = Watch(noted(note))
    if not progress:
        return watch
    shown: Progress = _counting(progress) if callable(progress) else bars(lambda: None)
    return replace(watch, progress=shown)


def _counting(progress: Progress) -> Progress:
    """Return a user's `progress`, which raises InputError for what cannot count."""

    @contextmanager
    def counted(description: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
        try:
            given = progress(description, total, unit)
        except Exception as error:  # Code of the user's.
            raise InputError(f"progress fails: {first_lines(error)}; give {COUNTS}") from error
        if not isinstance(given, AbstractContextManager):
            raise InputError(f"{found('what progress returns', given)}; give {COUNTS}")
        with given as advance:
            if not callable(advance):
                raise InputError(f"{found('what progress yields', advance)}; give {COUNTS}")
            yield advance

    return counted
