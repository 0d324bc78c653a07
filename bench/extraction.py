"""Time extraction against what bounds it: the model alone, decoding alone, tokens that are ready.

Images: the folder that the environment variable PHOTOS names, else crops of scikit-learn's two
photographs, saved as JPEGs. Weights are random, which cost as much as learned ones.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import open_clip
import torch
from PIL import Image

from bench.figure import Figure, Target, alone, in_process, rates, told
from bench.timing import in_turns
from oodcache.cache.watch import Watch
from oodcache.cli.options import progress
from oodcache.extract.model import encoder, loading
from oodcache.extract.model.request import ModelRequest, resolve, sleep_while_waiting
from oodcache.extract.run import completion, decoding, plan, targets
from oodcache.extract.sources import datasets
from oodcache.extract.sources.listing import ImageListing, ImageSource

CROPS, SIDE, BATCH = 64, 400, 32
MANY, PROMPTS = 2_000, 128
MEASURE = "--measure"
# Of the rate of what bounds it.
AT_LEAST = Target(0.95, is_least=True)
WATCH = Watch(lambda text: None, progress)
# Of 224 pixels, as large models see them, and with next to nothing to compute.
NARROW = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": 224, "patch_size": 56, "width": 8, "head_width": 8, "layers": 1},
    "text_cfg": {
        "context_length": 77,
        "vocab_size": 49408,
        "width": 32,
        "heads": 2,
        "layers": 1,
    },
}


def main(arguments: Sequence[str] = ()) -> list[Figure]:
    """Print and return the rates, from a process whose threads wait as ours do."""
    if MEASURE in arguments:
        return measure()
    sleep_while_waiting()
    return in_process("bench.extraction", MEASURE)


def measure() -> list[Figure]:
    """Print and return each rate beside the one that bounds it, from this process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = photographs(folder)
        pairs = 5 if os.environ.get("PHOTOS") else 3
        bounded = told(model_bound(folder, photos, pairs), text_bound(folder, pairs))
        many = repeated(photos, folder / "many", MANY)
        slow, fast = told(*(decode_bound(folder, many, pairs, fast=fast) for fast in (False, True)))
        faster = told(alone("its rate, of the one without", fast.ours / slow.ours, "×"))
        moved = fast_decode_moves(folder, photos)
        print(
            f"it moves values of pixels by at most {moved.pixels} of 255, of ViT-B-32's vectors by "
            f"{moved.vectors:.1e}, cosines {moved.cosine}"
        )
    return [*bounded, slow, fast, *faster]


def photographs(folder: Path) -> Path:
    """Return the folder of images that is given, or of crops that are made in `folder`."""
    if os.environ.get("PHOTOS"):
        return Path(os.environ["PHOTOS"])
    return crops(folder / "crops", CROPS, SIDE)


def crops(folder: Path, count: int, side: int) -> Path:
    """Write square crops of scikit-learn's photographs."""
    from sklearn.datasets import load_sample_images

    generator, photos = np.random.default_rng(0), load_sample_images().images
    folder.mkdir()
    for number in range(count):
        pixels = photos[number % 2]
        top, left = (int(generator.integers(0, length - side)) for length in pixels.shape[:2])
        crop = Image.fromarray(pixels[top : top + side, left : left + side])
        crop.save(folder / f"{number:04d}.jpg", quality=92)
    return folder


def repeated(photos: Path, folder: Path, count: int) -> Path:
    """Return a folder of `count` links to the images of another one, again and again."""
    found = sorted(path.resolve() for path in photos.iterdir() if path.suffix.lower() != ".md")
    folder.mkdir()
    for number in range(count):
        one = found[number % len(found)]
        (folder / f"{number:05d}{one.suffix}").symlink_to(one)
    return folder


def model(folder: Path, name: str, **given: bool) -> encoder.Encoder:
    """Return an architecture with random weights."""
    weights = folder / f"{name}.pt"
    if not weights.exists():
        torch.manual_seed(0)
        torch.save(open_clip.create_model(name).state_dict(), weights)
    return loading.load(resolve(ModelRequest(name, weights, **given)), lambda text: None)


def planned(folder: Path, photos: Path | None, words: Path | None) -> plan.Plan:
    """Return a plan of images or of prompts, whose files are made anew each time."""
    asked = plan.Extraction(
        model=ModelRequest("tiny-clip"),  # Names a folder; another model does the work.
        sources=[] if photos is None else [f"photos={photos}"],
        classes=None if words is None else f"words={words}",
        data_root=folder,
        cache=folder / "embeddings",
        settings=plan.Settings(batch_size=BATCH, overwrite=True),
    )
    return plan.plan(asked, WATCH)


def model_bound(folder: Path, photos: Path, pairs: int) -> Figure:
    """Compare with `encode_image` on float32 tensors that are ready."""
    loaded, wanted = model(folder, "ViT-B-16"), planned(folder, photos, None)
    with torch.inference_mode():
        ready = [
            loaded.normalize(batch.images) for batch in decoded(wanted.images[0], loaded, wanted)
        ]
    named = ("extraction, ViT-B-16", "a bare `encode_image` loop", "images/s")
    return _compare(named, wanted, loaded, lambda: _bare(loaded.model.encode_image, ready), pairs)


def text_bound(folder: Path, pairs: int) -> Figure:
    """Compare with `encode_text` on tokens that are ready."""
    words = folder / "words.txt"
    words.write_text("\n".join(f"word {number}" for number in range(PROMPTS)))
    loaded, wanted = model(folder, "ViT-B-16"), planned(folder, None, words)
    assert wanted.texts is not None
    prompts = wanted.texts.prompts(range(PROMPTS))
    ready = [loaded.tokens(prompts[first : first + BATCH]) for first in range(0, PROMPTS, BATCH)]
    named = ("its prompts", "a bare `encode_text` loop", "prompts/s")
    return _compare(named, wanted, loaded, lambda: _bare(loaded.model.encode_text, ready), pairs)


def decode_bound(folder: Path, photos: Path, pairs: int, *, fast: bool) -> Figure:
    """Compare a model that costs nothing with the same decoding, whose images nobody takes."""
    config = folder / "narrow-224.json"
    config.write_text(json.dumps(NARROW))
    open_clip.add_model_config(config)
    loaded, wanted = model(folder, config.stem, fast_decode=fast), planned(folder, photos, None)

    def decode() -> None:
        for _ in decoded(wanted.images[0], loaded, wanted):
            pass

    with_it = " with --fast-decode" if fast else ""
    named = (f"extraction, a narrow model{with_it}", f"decoding alone{with_it}", "images/s")
    return _compare(named, wanted, loaded, decode, pairs)


@dataclass(frozen=True)
class Moved:
    """How far --fast-decode is off the usual decoding: pixels of 255, values of unit vectors."""

    pixels: int
    vectors: float
    cosine: str


def fast_decode_moves(folder: Path, photos: Path) -> Moved:
    """Return how far apart both are at most, for a ViT-B-32."""
    listing = datasets.list_images(ImageSource("photos", photos))
    contents = [listing.contents.read(row) for row in range(listing.rows)]
    pixels, vectors = [], []
    for fast in (False, True):
        loaded = model(folder, "ViT-B-32", fast_decode=fast)
        pixels.append(torch.stack([loaded.preprocessing.prepared(one).pixels for one in contents]))
        encoded = [loaded.images(batch).vectors for batch in pixels[-1].split(BATCH)]
        vectors.append(torch.cat(encoded).double())
    cosines = (vectors[0] * vectors[1]).sum(dim=1) / vectors[0].norm(dim=1) / vectors[1].norm(dim=1)
    return Moved(
        int((pixels[0].int() - pixels[1].int()).abs().max()),
        float((vectors[0] - vectors[1]).abs().max()),
        f"1 - {1 - float(cosines.min()):.1e}",
    )


def decoded(
    listing: ImageListing, loaded: encoder.Encoder, wanted: plan.Plan
) -> Iterator[decoding.Decoded]:
    """Return an iterator over a data set's images as extraction decodes them."""
    return decoding.batches(
        listing.contents,
        loaded.preprocessing,
        [range(listing.rows)[first : first + BATCH] for first in range(0, listing.rows, BATCH)],
        workers=wanted.workers,
        pin_memory=False,
    )


def _bare(tower: Callable[[torch.Tensor], torch.Tensor], ready: Sequence[torch.Tensor]) -> None:
    with torch.inference_mode():
        for batch in ready:
            tower(batch)


def _compare(
    named: tuple[str, str, str],
    wanted: plan.Plan,
    loaded: encoder.Encoder,
    bound: Callable[[], None],
    pairs: int,
) -> Figure:
    def ours() -> None:
        (target,) = targets.targets(wanted, "bench/random")
        engine = completion.InProcess(wanted, loaded, WATCH)
        completion.complete(target, wanted, engine, WATCH)

    bound()
    times = in_turns(ours, bound, runs=pairs)
    what, of, unit = named
    count = wanted.listings[0].rows
    return rates(f"{what}, {count:,}", times, of, AT_LEAST, count=count, unit=unit)


if __name__ == "__main__":
    main(sys.argv[1:])
