"""The study's whole cache, made up: its five models under their real names, its prompts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from samples.study.benchmark import CLIP, SIGLIP, write_sets, write_words

from oodcache.cache.names import SHORT_NAMES
from oodcache.study.study import FIELD, PROMPTS


def write_study(
    cache: Path, models: Sequence[str] = FIELD.models, *, templates: Sequence[str] = PROMPTS
) -> None:
    """Write what the study wants of each model; every model has other class vectors."""
    for seed, model in enumerate(models):
        label = SHORT_NAMES[model]
        encoding = SIGLIP if "SigLIP" in label else CLIP
        write_words(cache, templates, label=label, seed=10 * seed, encoding=encoding)
        write_sets(cache, label=label)
