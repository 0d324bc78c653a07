"""The original study: its models, images and prompts, and which of them are not cached yet.

"Re-evaluating OoD detection for sigmoid-based vision-language models": CLIP with a softmax, SigLIP
with a softmax, SigLIP with a sigmoid that keeps its bias, on ImageNet against four OOD sets. The
bundled benchmark replaces them if no data and no weights are available.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.names import SHORT_NAMES
from oodcache.cache.shards.shard_set import open_texts
from oodcache.cache.store import store
from oodcache.cache.watch import Hint, Note
from oodcache.extract.demo import embedded
from oodcache.extract.model.request import check_torch
from oodcache.extract.run import rank

PROMPT = "a photo of a {}"
PROMPTS = (PROMPT, "{}", "the nice {}")
TINY = "tiny"


@dataclass(frozen=True)
class Benchmark:
    """What the study compares: models by their short names, and images.

    CLIP's checkpoints start with the one that the study's scripts load and end with OpenAI's.
    """

    clips: tuple[str, ...]
    siglips: tuple[str, ...]
    classes: str
    id_set: str
    ood_sets: tuple[str, ...]
    is_embedded: bool = False

    @property
    def models(self) -> tuple[str, ...]:
        """Return all models."""
        return (*self.clips, *self.siglips)


FIELD = Benchmark(
    clips=("clip", "clip-datacomp", "clip-openai"),
    siglips=("siglip", "siglip2"),
    classes="imagenet",
    id_set="imagenet-val",
    ood_sets=("iNaturalist", "SUN", "Places", "Textures"),
)
TYPES = {"clip": "clip", "siglip1": "siglip", "siglip2": "siglip2"}
EMBEDDED = Benchmark(
    clips=("tiny-clip",),
    siglips=("tiny-sigmoid",),
    classes="study",
    id_set="digits",
    ood_sets=("eight-nine", "photos", "textures"),
    is_embedded=True,
)


def chosen(models: Sequence[str]) -> Benchmark:
    """Return the study on some of its models, all if none is given, or the bundled benchmark.

    Raises InputError if the latter is combined with others.
    """
    if TINY in models:
        if set(models) != {TINY}:
            raise InputError(f"--model {TINY} cannot be combined with other models")
        return EMBEDDED
    wanted = set(models or FIELD.models)
    return replace(
        FIELD,
        clips=tuple(one for one in FIELD.clips if one in wanted),
        siglips=tuple(one for one in FIELD.siglips if one in wanted),
    )


def single(model_type: str, ood_set: str) -> Benchmark:
    """Return the study on one model against one OOD set, or against "all"."""
    ood_sets = FIELD.ood_sets if ood_set == "all" else (ood_set,)
    return replace(chosen([TYPES[model_type]]), ood_sets=ood_sets)


@dataclass(frozen=True)
class ExtractionSettings:
    """Where a study's embeddings and images are, and how to extract missing ones."""

    cache: Path
    data_root: Path
    batch_size: int
    device: str | None = None

    @property
    def arguments(self) -> list[str]:
        """Return the arguments of `extract`, without the data root."""
        device = [] if self.device is None else ["--device", self.device]
        # Extract everything, whatever the rank in a cluster.
        share = ["--shard", "1/1"] if rank.is_in(os.environ) else []
        return ["--cache", str(self.cache), "--batch-size", str(self.batch_size), *device, *share]


def extract_missing(
    benchmark: Benchmark,
    extraction: ExtractionSettings,
    *,
    oodcache: Callable[[Sequence[str]], object],
    note: Note,
) -> None:
    """Show and run `oodcache extract` for what the cache lacks of each model.

    `oodcache` runs a command from its arguments.
    """
    for model in benchmark.models:
        missing = _missing(benchmark, model, extraction)
        if not missing:
            continue
        check_torch()
        if benchmark.is_embedded:
            embedded.write_images(extraction.data_root / "demo")
        arguments = ["extract", "--model", model, *missing, *extraction.arguments]
        note(Hint(f"$ oodcache {shlex.join(arguments)}"))
        oodcache(arguments)


def _missing(benchmark: Benchmark, model: str, extraction: ExtractionSettings) -> list[str]:
    """Return the arguments of `extract` that name what is not in the cache."""
    label = SHORT_NAMES[model]
    images = extraction.data_root / "demo"
    wanted = [
        f"{name}={images / name}" if benchmark.is_embedded else name
        for name in (benchmark.id_set, *benchmark.ood_sets)
        if not names.image_path(extraction.cache, label, name).exists()
    ]
    if not benchmark.is_embedded and wanted:
        wanted = ["--data-root", str(extraction.data_root), *wanted]
    if not names.text_path(extraction.cache, label, benchmark.classes).exists():
        templates = [part for prompt in PROMPTS for part in ("--template", prompt)]
        own = f"{benchmark.classes}={images / benchmark.id_set}"
        classes = own if benchmark.is_embedded else benchmark.classes
        wanted = ["--classes", classes, *templates, *wanted]
    return wanted


def prompts(benchmark: Benchmark, model: str, cache: Path) -> tuple[str, ...]:
    """Return the study's prompts that are cached, its own first.

    Raises InputError if its own is missing.
    """
    path = names.text_path(cache, store.find_model(cache, model), benchmark.classes)
    cached = open_texts(path).vocabulary.templates
    if PROMPT not in cached:
        raise InputError(
            f"{path}: lacks the prompt {PROMPT!r} (it has: {', '.join(cached)}); move the file "
            "away and run the same command again"
        )
    return tuple(prompt for prompt in PROMPTS if prompt in cached)
