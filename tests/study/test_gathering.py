"""Claims about what a report is made of: the images' scores, and thumbnails."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import Run, run_in, write_image, write_photos, write_strays

from oodcache.cache.errors import InputError
from oodcache.cache.files.texts import open_texts, write_texts
from oodcache.cache.watch import Watch
from oodcache.report.content import Content, FooledImage, ImageRow
from oodcache.report.saved.results import read
from oodcache.study import gathering

SCORE = (
    *("score", "--model", "tiny-clip", "--id", "pets", "--ood", "strays", "--ood", "more"),
    *("--score", "mcm:temperature=1|learned", "--score", "energy", "--output", "r.json"),
)


PETS = Path("embeddings/tiny-clip/demo/texts/pets.h5")


def extract_pets(folder: Path) -> None:
    """Extract pets and two sets of others, from folders below `data` called as they are."""
    write_photos(folder / "data/pets")
    for name in ("strays", "more"):
        write_strays(folder / "data" / name)
    write_image(folder / "data/more/extra.png", 77)
    run_in(
        folder,
        *("extract", "--model", "tiny-clip", "--classes", "pets=data/pets"),
        *("pets=data/pets", "strays=data/strays", "more=data/more"),
    )


@pytest.fixture
def cached(oodcache: Run, made_once: Callable[..., Path], tmp_path: Path) -> None:
    """Copy the extracted pets into the folder that the test runs in."""
    shutil.copytree(made_once(extract_pets), tmp_path, dirs_exist_ok=True)


def content(**changes: Any) -> tuple[Content, list[str]]:
    notes: list[str] = []
    given: dict[str, Any] = {
        "scores": None,
        "cache": Path("embeddings"),
        "typed": [],
        "data_root": Path("data"),
    }
    sources = gathering.Sources(**(given | changes))
    return gathering.content(read(Path("r.json")), sources, Watch(notes.append)), notes


def without_embeddings(row: ImageRow) -> ImageRow:
    """Return a row as a report without the cache has it, which orders thumbnails otherwise."""

    def of(fooled: tuple[FooledImage, ...]) -> tuple[FooledImage, ...]:
        return tuple(replace(one, similar=None, thumbnail=None) for one in fooled)

    outside = {name: of(fooled) for name, fooled in row.fooled_ood.items()}
    return replace(row, fooled_id=of(row.fooled_id), fooled_ood=outside, on_map=())


CODE = """
def gap(batch, *, k=1):
    ordered = batch.cosines.copy()
    ordered.sort(axis=1)
    return ordered[:, -1] - ordered[:, -1 - k]
"""


def test_a_users_own_score_is_recomputed_with_its_code_alone(oodcache: Run, cached: None) -> None:
    Path("code").mkdir()
    Path("code/mine.py").write_text(CODE)
    assert oodcache("score", "--score", "code/mine.py:gap", *SCORE[1:]).status == 0
    found, _ = content(code=["code/mine.py:gap"])
    assert [row.key[2] for row in found.rows][:2] == ["mine.py:gap:k=1", "mcm"]
    assert content()[0].missing.startswith(
        "r.json: made with 'mine.py:gap', code of your own; add --score FILE.py:gap"
    )
    Path("code/mine.py").write_text(CODE.replace("k=1", "k=2"))
    assert "its code has changed" in content(code=["code/mine.py:gap"])[0].missing
    Path("code/mine.py").write_text(CODE)
    changed = json.loads(Path("r.json").read_text())
    changed.pop("sha256", None)
    for row in changed["results"]:
        if row["score"] == "mine.py:gap":
            row["parameters"] = {"j": 1.0}
    Path("r.json").write_text(json.dumps(changed))
    missing = content(code=["code/mine.py:gap"])[0].missing
    assert "'mine.py:gap:j=1': the code has the parameters k" in missing


@pytest.mark.parametrize("ending", [".h5", ".csv"])
def test_saved_scores_and_the_cache_give_the_same_to_the_last_digit(
    oodcache: Run, cached: None, ending: str
) -> None:
    assert oodcache(*SCORE, "--save-scores", f"all{ending}").status == 0
    by_file, notes = content(cache=Path("nowhere"))
    Path(f"all{ending}").rename(f"elsewhere{ending}")
    by_cache, _ = content()
    typed, _ = content(cache=Path("nowhere"), scores=Path(f"elsewhere{ending}"))
    assert by_file == typed and by_file.maps == () and "nowhere" in by_file.no_maps
    assert [without_embeddings(row) for row in by_cache.rows] == [
        without_embeddings(row) for row in by_file.rows
    ]
    assert by_cache.maps and by_cache.no_maps == ""
    assert notes == []
    assert [row.key for row in by_file.rows] == [
        ("tiny-clip/demo", "a photo of a {}", score)
        for score in ("mcm", "mcm:temperature=learned", "energy")
    ]
    assert by_file.missing == ""


def write_templates(*templates: str) -> None:
    """Write the vocabulary anew, under some templates with vectors of their own."""
    found = open_texts(PETS)
    each = [
        np.random.default_rng(sum(map(ord, one))).normal(size=found.stored[0].shape)
        for one in templates
    ]
    unit = np.array([one / np.linalg.norm(one, axis=1, keepdims=True) for one in each])
    norm = np.ones(unit.shape[:2], np.float32)
    vocabulary = replace(found.vocabulary, templates=templates)
    write_texts(PETS, unit, norm, vocabulary=vocabulary, identity=found.identity)


@pytest.mark.parametrize("how", ["average", "cosine-mean"])
def test_an_average_is_recomputed_of_the_templates_that_it_had(
    oodcache: Run, cached: None, how: str
) -> None:
    write_templates("a {}", "the {}")
    assert oodcache(*SCORE, "--template", how).status == 0
    before, _ = content()
    write_templates("a {}", "the {}", "my {}")
    after, _ = content()
    assert after == before
    assert after.rows
    write_templates("a {}", "my {}")
    assert "has no template 'the {}'" in (content()[0].missing or "")


def test_saved_scores_are_found_beside_the_results(oodcache: Run, cached: None) -> None:
    assert oodcache(*SCORE, "--save-scores", "all.h5").status == 0
    Path("moved").mkdir()
    for name in ("r.json", "all.h5"):
        Path(name).rename(Path("moved") / name)
    Path("moved/r.json").replace("r.json")
    assert "no cache nowhere" in content(cache=Path("nowhere"))[0].missing
    Path("moved/all.h5").replace("all.h5")
    assert content(cache=Path("nowhere"))[0].rows


def test_every_fooled_image_has_its_thumbnail(oodcache: Run, cached: None) -> None:
    assert oodcache(*SCORE).status == 0
    found, notes = content()
    assert notes == []
    for row in found.rows:
        for one in (*row.fooled_id, *row.fooled_ood["strays"], *row.fooled_ood["more"]):
            assert one.thumbnail is not None and found.thumbnails[one.thumbnail]
    assert len(found.thumbnails) == 12 + 5 + 6
    assert {one.path for one in found.rows[0].fooled_ood["more"]} >= {"extra.png"}
    assert {one.label for one in found.rows[0].fooled_id} == {"cat", "dog"}


def test_a_folder_that_is_typed_is_taken_and_one_that_is_missing_is_told(
    oodcache: Run, cached: None
) -> None:
    assert oodcache(*SCORE).status == 0
    Path("data").rename("other")
    found, notes = content(typed=["pets=other/pets"])
    assert len(found.thumbnails) == 12
    assert notes == ["no thumbnails of strays, more: add --data-root FOLDER or strays=FOLDER"]
    with pytest.raises(InputError, match="fish=other: the results have no dataset 'fish'"):
        content(typed=["fish=other"])
    with pytest.raises(InputError, match="nowhere: no such file or folder; pets=PATH"):
        content(typed=["pets=nowhere"])


def test_no_more_thumbnails_are_made_than_a_page_holds(
    oodcache: Run, cached: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert oodcache(*SCORE).status == 0
    monkeypatch.setattr(gathering, "MOST_THUMBNAILS", 7)
    assert len(content()[0].thumbnails) == 7


def test_no_more_thumbnails_are_kept_than_a_page_has_room_for(
    oodcache: Run, cached: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert oodcache(*SCORE).status == 0
    every = content()[0].thumbnails
    room = len(every[0]) + len(every[1])
    monkeypatch.setattr(gathering, "LARGEST_THUMBNAILS", room)
    assert content()[0].thumbnails == every[:2]


def test_scores_that_name_files_outside_the_folder_bring_none_into_the_report(
    oodcache: Run, cached: None
) -> None:
    assert oodcache(*SCORE, "--save-scores", "all.csv").status == 0
    write_image(Path("data/secret.png"), 5)
    lines = Path("all.csv").read_text()
    Path("all.csv").write_text(lines.replace("cat/0.png", "../secret.png"))
    rows, _ = content(cache=Path("nowhere"))
    (climbing, *_) = (one for one in rows.rows[0].fooled_id if one.path == "../secret.png")
    assert climbing.thumbnail is None and len(rows.thumbnails) == 12 - 1 + 5 + 6


def test_images_of_a_list_have_thumbnails_too(oodcache: Run, cached: None) -> None:
    lines = "".join(f"{number}.jpg -1\n" for number in range(5))
    Path("strays.txt").write_text(lines)
    Path("data/strays").rename("elsewhere")
    assert oodcache(*SCORE).status == 0
    Path("elsewhere").rename("data/lists")
    Path("strays.txt").replace("data/lists/strays.txt")
    found, notes = content(typed=["strays=data/lists/strays.txt"])
    assert notes == [] and len(found.thumbnails) == 12 + 5 + 6


def test_without_scores_it_says_what_to_type(oodcache: Run, cached: None) -> None:
    assert oodcache(*SCORE).status == 0
    found, _ = content(cache=Path("nowhere"))
    assert found == Content((), missing=found.missing)
    assert found.missing == (
        "r.json: found no file of --save-scores and no cache nowhere. Save every image's "
        "scores; with the command that the file records: "
        f"{json.loads(Path('r.json').read_text())['provenance']['command']} "
        "--save-scores r.h5"
    )


def test_a_path_that_is_not_used_or_holds_other_images_is_told(oodcache: Run, cached: None) -> None:
    assert oodcache(*SCORE).status == 0
    found, _ = content(cache=Path("nowhere"), typed=["pets=data/pets"])
    assert "no cache nowhere. pets=data/pets: not used." in (found.missing or "")
    _, notes = content(typed=["strays=data/pets/cat"])
    assert notes == [
        "strays=data/pets/cat: has none of the 5 images of strays that are shown: is it another "
        "folder, or are the results of another run?"
    ]


@pytest.mark.slow
def test_a_cache_that_is_not_the_results_own_is_told(oodcache: Run, cached: None) -> None:
    assert oodcache(*SCORE).status == 0
    shutil.rmtree("embeddings")
    write_image(Path("data/strays/0.jpg"), 4)
    done = oodcache(
        *("extract", "--model", "tiny-clip", "--classes", "pets=data/pets"),
        *("pets=data/pets", "strays=data/strays", "more=data/strays"),
    )
    assert done.status == 0, done.err
    found, _ = content()
    assert "embeddings: scores 'mcm' by tiny-clip/demo, 'a photo of a {}', give AUROC" in (
        found.missing
    )
    assert "the command that the file records: oodcache score" in found.missing


def test_saved_scores_that_are_typed_and_of_another_run_are_refused(
    oodcache: Run, cached: None
) -> None:
    assert oodcache(*SCORE, "--score", "margin", "--save-scores", "all.h5").status == 0
    other = ("score", "--model", "tiny-clip", "--id", "pets", "--ood", "strays")
    assert oodcache(*other, "--save-scores", "other.h5").status == 0
    with pytest.raises(InputError, match="other.h5: no scores 'mcm' by .* of the images of mo"):
        content(scores=Path("other.h5"))


@pytest.mark.parametrize("lower", [False, True])
def test_scores_of_another_program_have_curves_and_no_images(oodcache: Run, lower: bool) -> None:
    sign = -1 if lower else 1
    draws = np.random.default_rng(0)
    np.save("a.npy", sign * draws.normal(1, 1, 60))
    np.savez("b.npz", sun=sign * draws.normal(0, 1, 40), other=np.zeros(40))
    np.savetxt("c.csv", sign * draws.normal(0, 1, 30))
    sets = ("--id", "a.npy", "--ood", "c.csv", "--output", "r.json")
    turned = ("--lower-is-id",) if lower else ()
    assert oodcache("metrics", *sets, *turned).status == 0
    found, notes = content()
    assert found.missing == "" and notes == []
    (row,) = found.rows
    assert (row.key, row.n_id, dict(row.n_ood)) == ((None, None, "score"), 60, {"c": 30})
    assert row.curve.kept_id[-1] == 60 and row.fooled_id == () and row.reliability is None
    Path("c.csv").rename("d.csv")
    assert content()[0].missing.startswith("c.csv: not found, nor next to r.json. Measure")
    np.savetxt("c.csv", np.arange(30))
    assert "they are from another run" in content()[0].missing


@pytest.mark.parametrize("files", [None, [], 3, [3], [{"path": "a.npy"}], [{"columns": []}]])
def test_results_that_do_not_say_their_files_have_no_curves(oodcache: Run, files: Any) -> None:
    np.save("a.npy", np.arange(3.0))
    np.save("b.npy", np.arange(2.0))
    assert oodcache("metrics", "--id", "a.npy", "--ood", "b.npy", "--output", "r.json").status == 0
    whole = json.loads(Path("r.json").read_text())
    whole["provenance"]["files"] = files
    del whole["sha256"]  # On purpose.
    Path("r.json").write_text(json.dumps(whole))
    missing = content()[0].missing
    assert missing.startswith("r.json: does not name the files it was measured on. Measure them")


def test_saved_scores_measured_again_have_curves(oodcache: Run, cached: None) -> None:
    assert oodcache(*SCORE, "--save-scores", "all.h5").status == 0
    sets = ("--id", "pets=all.h5", "--ood", "strays=all.h5", "--ood", "more=all.h5")
    assert oodcache("metrics", *sets, "--output", "r.json").status == 0
    found, _ = content()
    assert [row.key[2] for row in found.rows] == ["mcm", "mcm:temperature=learned", "energy"]
