"""Time extraction against a bare `encode_image` loop on tensors that are ready.

Images: the folder that the environment variable PHOTOS names, else crops of scikit-learn's two
photographs, saved as JPEGs. The model is ViT-B-32 with random weights, which cost as much.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import open_clip
import torch
from PIL import Image

from bench.timing import seconds
from oodcache.extract import completion, datasets, encoder, images, loading, plan, targets
from oodcache.extract.listing import ImageListing, ImageSource
from oodcache.extract.requests import ModelRequest, resolve
from oodcache.progress import progress

IMAGES, BATCH, RUNS, SIDE = 128, 32, 3, 400


@dataclass(frozen=True)
class Comparison:
    """Images, median images/s of either side, and the median over pairs of ours / the bare loop."""

    images: int
    extract_rate: float
    bare_rate: float
    decode_rate: float
    ratio: float


def compare() -> Comparison:
    """Return the rates of both, run in turns in this process, and of decoding alone."""
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(os.environ["PHOTOS"]) if os.environ.get("PHOTOS") else _crops(Path(folder))
        model = _model(Path(folder))
        source = ImageSource("photos", photos)
        watch = plan.Watch(lambda text: None, progress)
        planned = plan.plan(
            ModelRequest("tiny-clip"),  # Names a folder; the model below does the work.
            sources=[f"photos={photos}"],
            classes=None,
            templates=[],
            data_root=photos,
            cache=Path(folder),
            workers=None,
            settings=plan.Settings(batch_size=BATCH, overwrite=True),
            watch=watch,
        )
        listing = datasets.list_images(source)
        started = time.perf_counter()
        ready = _decoded(listing, model, planned.workers)
        decode_seconds = time.perf_counter() - started

        def bare() -> None:
            with torch.inference_mode():
                for batch in ready:
                    model.model.encode_image(batch)

        def ours() -> None:
            (target,) = targets.targets(planned, "bench/random")
            completion.complete(target, planned, completion.InProcess(planned, model, watch), watch)

        bare()
        pairs = np.array([(seconds(ours), seconds(bare)) for _ in range(RUNS)])
        count = listing.rows
    return Comparison(
        count,
        count / float(np.median(pairs[:, 0])),
        count / float(np.median(pairs[:, 1])),
        count / decode_seconds,
        float(np.median(pairs[:, 1] / pairs[:, 0])),
    )


def main() -> None:
    """Print the rates and their ratio."""
    result = compare()
    print(
        f"extract, {result.images} images, ViT-B-32   {result.extract_rate:6.1f} images/s"
        f"   {result.ratio:.2f} of the bare loop"
    )
    print(f"bare encode_image loop          {result.bare_rate:6.1f} images/s")
    print(f"decoding alone                  {result.decode_rate:6.1f} images/s")


def _model(folder: Path) -> encoder.Encoder:
    torch.manual_seed(0)
    torch.save(open_clip.create_model("ViT-B-32").state_dict(), folder / "random.pt")
    request = ModelRequest("ViT-B-32", folder / "random.pt")
    return loading.load(resolve(request), lambda text: None)


def _crops(folder: Path) -> Path:
    from sklearn.datasets import load_sample_images

    generator = np.random.default_rng(0)
    (folder / "crops").mkdir()
    for number in range(IMAGES):
        pixels = load_sample_images().images[number % 2]
        top, left = (int(generator.integers(0, side - SIDE)) for side in pixels.shape[:2])
        crop = Image.fromarray(pixels[top : top + SIDE, left : left + SIDE])
        crop.save(folder / "crops" / f"{number:04d}.jpg", quality=92)
    return folder / "crops"


def _decoded(listing: ImageListing, model: encoder.Encoder, workers: int) -> list[torch.Tensor]:
    batches = images.batches(
        listing.contents,
        model.preprocess,
        [range(listing.rows)[first : first + BATCH] for first in range(0, listing.rows, BATCH)],
        workers=workers,
        pin_memory=False,
    )
    return [batch.images for batch in batches]


if __name__ == "__main__":
    main()
