"""Claims about the command lines that a protocol is."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from samples.study.benchmark import NICE, OPENAI, PLAIN, write_sets, write_words

from oodcache.cache.errors import InputError
from oodcache.study.protocols import lines, reading, shipped
from oodcache.study.protocols.lines import ProtocolRequest
from oodcache.study.protocols.protocol import Protocol, ProtocolRun

MOS = shipped.find("mos")
OPENOOD = shipped.find("openood-imagenet")
EMPTY = ProtocolRequest("clip-openai", Path("embeddings"), Path("data"))


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Be in an empty folder, without settings of the user's own."""
    monkeypatch.chdir(tmp_path)
    for variable in ("OODCACHE_DIR", "OODCACHE_DATA", "RANK", "SLURM_ARRAY_TASK_ID"):
        monkeypatch.delenv(variable, raising=False)


def typed(found: object) -> list[str]:
    return [lines.typed(one) for one in found]  # type: ignore[attr-defined]


def test_without_a_cache_all_is_extracted_and_then_scored() -> None:
    assert typed(lines.extractions(MOS, EMPTY)) == [
        "oodcache extract --model clip-openai --classes imagenet --template 'a photo of a {}' "
        "imagenet-val iNaturalist SUN Places Textures"
    ]
    assert typed(lines.scorings(MOS, EMPTY)) == [
        "oodcache score --model clip-openai --classes imagenet --id imagenet-val "
        "--ood iNaturalist --ood SUN --ood Places --ood Textures --template 'a photo of a {}'"
    ]


def test_what_is_cached_is_not_extracted_again(tmp_path: Path) -> None:
    write_sets(tmp_path / "embeddings", sets={"SUN": 3, "Places": 3, "Textures": 3})
    write_words(tmp_path / "embeddings", (PLAIN,), words=["cat", "dog"])
    found = typed(lines.extractions(MOS, EMPTY))
    assert found == ["oodcache extract --model clip-openai imagenet-val iNaturalist"]
    write_sets(tmp_path / "embeddings", sets={"imagenet-val": 3, "iNaturalist": 3})
    assert lines.extractions(MOS, EMPTY) == []


def test_a_template_that_the_vocabulary_lacks_is_extracted(tmp_path: Path) -> None:
    write_sets(tmp_path / "embeddings")
    write_words(tmp_path / "embeddings", (PLAIN,), words=["cat", "dog"])
    wanted = replace(EMPTY, templates=(NICE,), scoring=("--template", NICE))
    assert typed(lines.extractions(MOS, wanted)) == [
        "oodcache extract --model clip-openai --classes imagenet --template 'the nice {}'"
    ]
    (line,) = typed(lines.scorings(MOS, wanted))
    assert line.count("--template") == 1 and line.endswith("--template 'the nice {}'")


def test_a_file_without_templates_has_the_prompt_that_its_page_states(tmp_path: Path) -> None:
    place = tmp_path / "mine.toml"
    place.write_text('about = "x"\nid = "imagenet-val"\nclasses = "imagenet"\nfar = ["SUN"]\n')
    protocol = reading.read(place, "mine")
    write_sets(tmp_path / "embeddings", sets={"imagenet-val": 3, "SUN": 3})
    write_words(tmp_path / "embeddings", (NICE,), words=["cat", "dog"])
    (extraction,) = typed(lines.extractions(protocol, EMPTY))
    assert extraction.endswith("--classes imagenet --template 'a photo of a {}'")
    (scoring,) = typed(lines.scorings(protocol, EMPTY))
    assert scoring.endswith("--template 'a photo of a {}'")


def test_weights_of_ones_own_are_always_extracted_since_no_name_tells_them_apart(
    tmp_path: Path,
) -> None:
    write_sets(tmp_path / "embeddings", label=OPENAI)
    wanted = replace(EMPTY, model=OPENAI, own_weights=True, extracting=("--checkpoint", "w.pt"))
    (line,) = typed(lines.extractions(MOS, wanted))
    assert "--checkpoint w.pt" in line
    assert line.endswith("imagenet-val iNaturalist SUN Places Textures")


def test_the_set_to_select_on_is_used_only_if_a_score_chooses() -> None:
    (unused,) = [*lines.scorings(OPENOOD, EMPTY)]
    assert "--select-on" not in unused
    assert "OpenImage-O-val" not in lines.uncached(OPENOOD, EMPTY)
    choosing = replace(EMPTY, selects=True)
    (used,) = [*lines.scorings(OPENOOD, choosing)]
    assert used[used.index("--select-on") + 1] == "OpenImage-O-val"
    assert "OpenImage-O-val" in lines.uncached(OPENOOD, choosing)


def test_csid_sets_are_extracted_and_count_as_id() -> None:
    (line,) = [*lines.scorings(OPENOOD, EMPTY)]
    csid = [line[place + 1] for place, one in enumerate(line) if one == "--csid"]
    assert csid == ["imagenet-v2", "imagenet-c-openood", "imagenet-r", "imagenet-es"]
    assert {*csid} < {*lines.uncached(OPENOOD, EMPTY)}


def test_places_are_shown_unless_they_are_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(EMPTY, cache=Path("c"), data_root=Path("/d e"))
    (line,) = typed(lines.extractions(MOS, other))
    assert "--data-root '/d e' --cache c" in line
    monkeypatch.setenv("OODCACHE_DIR", "/elsewhere")
    (line,) = typed(lines.scorings(MOS, EMPTY))
    assert "--cache embeddings" in line
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    (line,) = typed(lines.extractions(MOS, EMPTY))
    assert "--shard 1/1" in line


def test_sets_classes_and_groups_of_ones_own_are_named_in_the_lines() -> None:
    run = ProtocolRun(
        *("pets", "pets=names.txt", ("wolves", "cows"), ("SUN", "Places"), ("x",)),
        groups={"animals": ("wolves", "cows", "x")},
    )
    protocol = Protocol("mine.toml", "", (run,), {"pets": "photos/pets", "x": "x.csv"})
    (extraction,) = typed(lines.extractions(protocol, EMPTY))
    assert "--classes pets=data/names.txt --template 'a photo of a {}'" in extraction
    assert "{}' pets=data/photos/pets wolves cows" in extraction
    assert extraction.endswith("SUN Places x=data/x.csv")
    (line,) = [*lines.scorings(protocol, EMPTY)]
    groups = [line[place + 1] for place, one in enumerate(line) if one == "--group"]
    assert groups == ["own-near=wolves,cows", "animals=wolves,cows,x"]
    assert line[line.index("--classes") + 1] == "pets"


def test_a_group_of_one_set_has_its_average_beside_the_other_group() -> None:
    def groups(near: tuple[str, ...], far: tuple[str, ...]) -> list[str]:
        protocol = Protocol("mine.toml", "", (ProtocolRun("pets", "pets=names.txt", near, far),))
        (line,) = [*lines.scorings(protocol, EMPTY)]
        return [line[place + 1] for place, one in enumerate(line) if one == "--group"]

    assert groups(("wolves",), ("x", "y")) == ["own-near=wolves", "own-far=x,y"]
    assert groups(("wolves",), ("x",)) == []
    assert groups((), ("x", "y")) == []


def test_each_of_several_runs_has_files_of_its_own() -> None:
    wanted = replace(EMPTY, scoring=("--output", "out/r.json", "--score", "mcm"))
    found = typed(lines.scorings(shipped.find("imagenet10-20"), wanted))
    assert [shlex.split(one)[-3] for one in found] == [
        "out/r-imagenet-val-imagenet10.json",
        "out/r-imagenet-val-imagenet20.json",
    ]
    (single,) = [*lines.scorings(MOS, wanted)]
    assert "out/r.json" in single


def test_a_vocabulary_more_is_a_line_more_and_no_image_is_extracted_twice() -> None:
    found = lines.extractions(shipped.find("mcm-fine-grained"), EMPTY)
    assert [one[one.index("--classes") + 1] for one in found] == [
        *("cub200", "stanford-cars", "food101", "oxford-pet"),
    ]
    assert [one for line in found for one in line].count("SUN") == 1


def test_all_that_is_neither_cached_nor_there_is_named_at_once(tmp_path: Path) -> None:
    write_sets(tmp_path / "embeddings", sets={"SUN": 3})
    (tmp_path / "data/MOS/Places").mkdir(parents=True)
    with pytest.raises(InputError) as caught:
        lines.check_there(MOS, EMPTY)
    assert str(caught.value) == (
        "mos: 3 datasets of 5 are neither in the cache nor below data: imagenet-val, iNaturalist, "
        "Textures; what is wanted where: oodcache benchmark check mos"
    )
    (tmp_path / "data/imagenet/val").mkdir(parents=True)
    with pytest.raises(InputError, match="mos; or leave them out: --without iNaturalist …$"):
        lines.check_there(MOS, EMPTY)
