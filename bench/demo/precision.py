"""What bfloat16, float16 and storage in float16 cost in AUROC and FPR95 on the embedded benchmark.

Each model's sets are embedded once in each way and scored; then ID in float32 against OOD in the
other way. A ViT-B-32 with random weights shows what the rounding does to vectors of its size.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import open_clip
import torch

import oodcache
from bench.demo.detectors import command
from oodcache.study.demo import BANK, CLASSES, ID_SET, MODELS, OOD_SETS

EXACT = "float32"
WAYS: Mapping[str, Sequence[str]] = {
    EXACT: (),
    "stored as float16": ("--dtype", "float16"),
    "bfloat16": ("--precision", "bfloat16"),
    "float16": ("--precision", "float16"),
    "bfloat16, stored as float16": ("--precision", "bfloat16", "--dtype", "float16"),
}
SCORES = ("mcm", "mcm:temperature=learned", "max-logit", "mahalanobis")
IMAGES = Path("data/demo")
Measured = Mapping[str, tuple[float, float]]
LARGE, SEED, LARGE_SETS, FEW = "ViT-B-32", 0, ("photos", "textures"), 100
COMPUTED = (EXACT, "bfloat16", "float16")  # Storage loses the same whatever the model.


def cache_of(way: str, ood_way: str | None = None) -> str:
    """Return the folder of a cache; with `ood_way` its OOD sets are of that one."""
    return "-".join((way, ood_way or way)).replace(",", "").replace(" ", "_")


def extract(folder: Path, way: str, model: Sequence[str], sets: Sequence[str]) -> None:
    """Embed sets of the demo in one way."""
    named = [f"{name}={IMAGES / name}" for name in sets]
    classes = ("--classes", f"{CLASSES}={IMAGES / ID_SET}", "--cache", cache_of(way))
    command(folder, "extract", *model, *classes, *WAYS[way], *named)


def mix(folder: Path, way: str) -> None:
    """Make a cache of the float32 files with the OOD sets of another way."""
    for file in sorted((folder / cache_of(EXACT)).rglob("*.h5")):
        inside = file.relative_to(folder / cache_of(EXACT))
        source = cache_of(way) if file.stem in OOD_SETS else cache_of(EXACT)
        target = folder / cache_of(EXACT, way) / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((folder / source / inside).read_bytes())


def averages(cache: Path, model: str) -> Measured:
    """Return AUROC and FPR95 in percent of each score, averaged over the OOD sets."""
    rows = oodcache.open(cache).evaluate(
        *(model,),
        classes=CLASSES,
        id=ID_SET,
        ood=OOD_SETS,
        scores=SCORES,
        bank=BANK,
        note=lambda text: None,
    )
    found = [one for one in rows if one.ood == "average"]
    return {
        name: (100 * one.auroc, 100 * one.fpr95) for name, one in zip(SCORES, found, strict=True)
    }


def show(label: str, found: Measured, exact: Measured) -> None:
    """Print AUROC and FPR95 of each score, and how far they moved."""
    for score, values in found.items():
        moved = [value - before for value, before in zip(values, exact[score], strict=True)]
        print(
            f"  {label:<36} {score:<24} {values[0]:6.2f} {values[1]:6.2f}   "
            f"{moved[0]:+6.3f} {moved[1]:+6.3f}"
        )


def show_vectors(folder: Path, model: str, sets: Sequence[str], ways: Sequence[str]) -> None:
    """Print the median and the largest of 1 - cosine between both vectors of an image."""
    for way in ways:
        ends = []
        for name in sets:
            one, other = (
                oodcache.open(folder / cache_of(each)).images(model, name).embeddings
                for each in (EXACT, way)
            )
            ends.append(1 - np.sum(one.astype(np.float64) * other.astype(np.float64), axis=1))
        lost = np.concatenate(ends)
        print(f"  {way:<36} 1 - cosine: median {np.median(lost):.1e}, largest {lost.max():.1e}")


def small(folder: Path) -> None:
    """Measure the two models of the demo."""
    sets = (ID_SET, *OOD_SETS, BANK)
    for model in MODELS:
        for way in WAYS:
            extract(folder, way, ("--model", model), sets)
        for way in list(WAYS)[1:]:
            mix(folder, way)
        exact = averages(folder / cache_of(EXACT), model)
        print(f"{model:<63} AUROC  FPR95    moved by")
        show(EXACT, exact, exact)
        for way in list(WAYS)[1:]:
            show(way, averages(folder / cache_of(way), model), exact)
        for way in list(WAYS)[1:]:
            label = f"ID float32, OOD {way}"
            show(label, averages(folder / cache_of(EXACT, way), model), exact)
        show_vectors(folder, model, sets, list(WAYS)[1:])


def large(folder: Path) -> None:
    """Measure an architecture of full size; its weights are random, so AUROC is near chance."""
    torch.manual_seed(SEED)
    weights = folder / "random.pt"
    torch.save(open_clip.create_model(LARGE).state_dict(), weights)
    for name in LARGE_SETS:
        few = folder / IMAGES / f"few-{name}"
        few.mkdir()
        every = sorted(one for one in (folder / IMAGES / name).rglob("*") if one.is_file())
        for path in every[:FEW]:
            shutil.copy(path, few)
    few_sets = [f"few-{name}" for name in LARGE_SETS]
    for way in COMPUTED:
        extract(folder, way, ("--model", LARGE, "--checkpoint", str(weights)), few_sets)
    print(f"{LARGE} with random weights, {FEW} images of each of {' and '.join(LARGE_SETS)}")
    show_vectors(folder, LARGE, few_sets, COMPUTED[1:])
    found = {way: _auroc(folder / cache_of(way), few_sets) for way in COMPUTED}
    for way, values in found.items():
        print(f"  {way:<36} AUROC of max-logit {values:6.2f}  {values - found[EXACT]:+.3f}")
    first, second = (
        oodcache.open(folder / cache_of(EXACT)).images(LARGE, name).embeddings for name in few_sets
    )
    spread = 1 - first @ second.T
    print(f"  two images: 1 - cosine: median {np.median(spread):.1e}, least {spread.min():.1e}")


def _auroc(cache: Path, sets: Sequence[str]) -> float:
    rows = oodcache.open(cache).evaluate(
        *(LARGE,),
        classes=CLASSES,
        id=sets[0],
        ood=sets[1:],
        scores="max-logit",
        note=lambda text: None,
    )
    return 100 * rows[0].auroc


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command(Path(folder), "demo")
        small(Path(folder))
        large(Path(folder))


if __name__ == "__main__":
    main()
