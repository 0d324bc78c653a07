"""Claims about the study's benchmarks, and what of them is missing in a cache."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from samples.study.study import write_study

from oodcache.cache.errors import InputError
from oodcache.cli import reproduce
from oodcache.study import study
from oodcache.study.study import EMBEDDED, FIELD, PROMPT, Extraction


def shown(benchmark: study.Benchmark, extraction: Extraction) -> list[list[str]]:
    """Return the commands that would extract what is missing."""
    ran: list[list[str]] = []

    def run(arguments: Sequence[str]) -> None:
        ran.append([*arguments])

    note: list[str] = []
    study.extract_missing(*(benchmark, extraction), oodcache=run, note=note.append)
    return ran


def test_without_names_all_models_of_the_field_are_chosen() -> None:
    assert study.chosen(()) == FIELD
    assert FIELD.models == ("clip", "clip-datacomp", "clip-openai", "siglip", "siglip2")


def test_the_command_offers_every_model_of_the_field_and_tiny() -> None:
    assert (*FIELD.models, study.TINY) == reproduce.MODELS


def test_models_keep_the_studys_order_whatever_was_typed() -> None:
    found = study.chosen(("siglip", "clip-openai", "clip"))
    assert (found.clips, found.siglips) == (("clip", "clip-openai"), ("siglip",))


def test_tiny_is_the_embedded_benchmark_and_goes_with_no_other() -> None:
    assert study.chosen(("tiny", "tiny")) == EMBEDDED
    with pytest.raises(InputError) as refused:
        study.chosen(("tiny", "clip"))
    assert str(refused.value) == ("--model tiny cannot be combined with other models")


@pytest.mark.parametrize(
    ("model_type", "models"),
    [("clip", ("clip",)), ("siglip1", ("siglip",)), ("siglip2", ("siglip2",))],
)
def test_a_model_type_is_one_model(model_type: str, models: tuple[str, ...]) -> None:
    assert study.single(model_type, "SUN").models == models
    assert study.single(model_type, "SUN").ood_sets == ("SUN",)
    assert study.single(model_type, "all").ood_sets == FIELD.ood_sets


def test_all_of_a_model_is_missing_at_first_and_nothing_in_the_end(tmp_path: Path) -> None:
    extraction = Extraction(tmp_path / "c", tmp_path, 64, "cpu")
    benchmark = study.chosen(("clip",))
    (command,) = shown(benchmark, extraction)
    assert command[:3] == ["extract", "--model", "clip"]
    assert command[-11:-6] == ["imagenet-val", "iNaturalist", "SUN", "Places", "Textures"]
    assert command[-4:] == ["--batch-size", "64", "--device", "cpu"]
    write_study(tmp_path / "c", ["clip"])
    assert shown(benchmark, extraction) == []


def test_in_a_clusters_share_all_of_it_is_extracted_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    monkeypatch.setenv("SLURM_ARRAY_TASK_COUNT", "4")
    (command,) = shown(study.chosen(("clip",)), Extraction(tmp_path, tmp_path, 64))
    assert command[-2:] == ["--shard", "1/1"]


def test_where_extraction_cannot_run_it_says_so_before_a_command_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise InputError("no torch")

    monkeypatch.setattr(study, "check_torch", refuse)
    notes: list[str] = []
    with pytest.raises(InputError, match="no torch"):
        study.extract_missing(
            FIELD,
            Extraction(tmp_path, tmp_path, 1),
            oodcache=lambda arguments: None,
            note=notes.append,
        )
    assert notes == []


def test_prompts_are_those_of_the_study_that_are_cached(tmp_path: Path) -> None:
    write_study(tmp_path, ["clip"], templates=["the nice {}", "a sketch of a {}", PROMPT])
    assert study.prompts(FIELD, "clip", tmp_path) == (PROMPT, "the nice {}")
