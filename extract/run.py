"""The run of a plan: the model loaded once, each missing file written whole."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oodcache.cache.identity import Identity
from oodcache.cache.image_file import ImageBatch, write_images
from oodcache.cache.text_file import write_texts
from oodcache.extract.datasets import ImageListing
from oodcache.extract.plan import (
    Plan,
    Target,
    TextListing,
    Watch,
    check_kept,
    is_settled,
    known_label,
    targets,
)

if TYPE_CHECKING:  # Importing it takes seconds, and a cache that is whole needs none of it.
    from oodcache.extract.encoder import Encoder

LIBRARIES = ("oodcache", "torch", "torchvision", "open_clip_torch", "timm", "pillow", "h5py")


def run(planned: Plan, watch: Watch) -> list[Path]:
    """Extract what is not there yet; return every file of the plan, new or kept.

    A file that is there but was made from something else is refused before anything is encoded.
    """
    label = known_label(planned)
    if label is not None:
        found = targets(planned, label)
        check_kept(planned, found)
        if is_settled(planned, found):
            return _finish(found, watch)
    from oodcache.extract import loading

    watch.note(f"loading {planned.resolved.request.requested} …")
    model = loading.load(planned.resolved, watch.note, with_texts=planned.texts is not None)
    found = targets(planned, model.identity.label)
    check_kept(planned, found, model)
    for target in found:
        if target.identity is not None:
            continue
        if isinstance(target.listing, TextListing):
            extract_texts(target.path, target.listing, planned, model, watch)
        else:
            extract_images(target.path, target.listing, planned, model, watch)
    return _finish(found, watch)


def _finish(found: Sequence[Target], watch: Watch) -> list[Path]:
    for target in found:
        if target.identity is not None:
            watch.note(f"kept {target.path}")
    return [target.path for target in found]


def extract_texts(
    path: Path, listing: TextListing, planned: Plan, model: Encoder, watch: Watch
) -> None:
    """Encode every name under every template and write the file at `path`."""
    vocabulary = listing.vocabulary
    total = len(vocabulary.templates) * len(vocabulary.names)
    vectors, norms = [], []
    with watch.progress(f"texts {listing.name}", total, "prompts") as advance:
        for template in vocabulary.templates:
            encoded = []
            for first in range(0, len(vocabulary.names), planned.batch_size):
                some = vocabulary.names[first : first + planned.batch_size]
                encoded.append(model.prompts([template.replace("{}", name) for name in some]))
                advance(len(some))
            vectors.append(np.concatenate([one.vectors for one in encoded]))
            norms.append(np.concatenate([one.norm for one in encoded]))
    source = {"name": listing.name, "fingerprint": listing.fingerprint}
    identity = _identity(model, source, model.tokenizing)
    write_texts(path, vectors, np.stack(norms), vocabulary=vocabulary, identity=identity)
    watch.note(
        f"wrote {path}: {len(vocabulary.names):,} classes, "
        f"{len(vocabulary.templates)} template{'s' * (len(vocabulary.templates) > 1)}"
    )


def extract_images(
    path: Path, listing: ImageListing, planned: Plan, model: Encoder, watch: Watch
) -> None:
    """Decode and encode every image of a listing and write the file at `path`."""
    name, rows = listing.source.name, listing.rows
    source = {"name": name, "fingerprint": listing.fingerprint}
    with watch.progress(f"images {name}", len(rows.paths), "images") as advance:
        written = write_images(
            path,
            _encoded(listing, planned, model, advance),
            rows=rows,
            identity=_identity(model, source, model.preprocessing),
        )
    failed = int(np.count_nonzero(~written.ok))
    bad = ""
    if failed:
        row, reason = next(iter(written.errors().items()))
        bad = (
            f"; {failed:,} could not be decoded, the first {os.fsdecode(rows.paths[row])!r} "
            f"({reason}); see: oodcache cache info {path}"
        )
    folders = f" in {len(rows.label_names):,} class folders" if rows.label_names else ""
    watch.note(f"wrote {path}: {written.rows:,} images{folders}{bad}")


def _encoded(
    listing: ImageListing, planned: Plan, model: Encoder, advance: Callable[[int], None]
) -> Iterator[ImageBatch]:
    from oodcache.extract import images

    for batch in images.batches(
        os.fsencode(listing.source.root),
        listing.rows.paths,
        model.preprocess,
        batch_size=planned.batch_size,
        workers=planned.workers,
        pin_memory=model.device.type == "cuda",
    ):
        encoded = model.images(batch.images)
        errors = dict(batch.errors)
        for place in np.flatnonzero(~np.isfinite(encoded.norm)).tolist():
            errors.setdefault(place, "the model gave values that are not finite")
        blank = sorted(errors)
        vectors, norm = encoded.vectors.copy(), encoded.norm.copy()
        vectors[blank], norm[blank] = 0, 0
        yield ImageBatch(vectors, norm, errors)
        advance(len(vectors))


def _identity(model: Encoder, source: dict[str, Any], encoding: Any) -> Identity:
    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return Identity(
        model=model.identity,
        source=source,
        encoding=encoding,
        precision=model.precision,
        versions={**versions, "python": platform.python_version()},
    )
