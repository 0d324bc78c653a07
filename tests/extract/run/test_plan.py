"""Claims about what a plan finds, keeps and refuses before any model is touched."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from samples import SmallModel, planned, silent
from samples.extract.stored import structs, table, write_parquet
from samples.extract.tars import write_tar

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Watch
from oodcache.extract.model.request import ModelRequest
from oodcache.extract.run import run


def extract(tmp_path: Path, request: ModelRequest, sources: list[str]) -> list[Path]:
    made = planned(tmp_path, request, [], sources=sources)
    return run.run(made, Watch(lambda text: None, silent))


def test_few_images_start_no_workers(tmp_path: Path, photos: Path) -> None:
    sources = [f"c={photos}"]
    few = planned(tmp_path, ModelRequest("tiny-clip"), [], sources=sources, batch_size=64)
    many = planned(tmp_path, ModelRequest("tiny-clip"), [], sources=sources, batch_size=2)
    assert few.workers == 0
    assert 1 <= many.workers <= 8


def test_many_files_of_rows_are_announced(tmp_path: Path) -> None:
    for number in range(9):
        rows = table({"image": structs([(b"x", f"{number}.png")])})
        write_parquet(tmp_path / f"{number}.parquet", rows)
    notes: list[str] = []
    planned(tmp_path, ModelRequest("tiny-clip"), notes, sources=[f"c={tmp_path}"])
    assert notes[0] == "c: reading the rows of 9 files …"


def test_rotations_that_are_not_applied_are_reported(tmp_path: Path, photos: Path) -> None:
    sources = [f"c={photos}"]
    without = planned(tmp_path, ModelRequest("tiny-clip"), [], sources=sources)
    (listing,) = without.images
    end = "a rotation, which is not applied, as in open_clip; --exif applies it"
    assert without.rotation(listing, 312) == f"c: 312 images carry {end}"
    assert without.rotation(listing, 1) == f"c: 1 image carries {end}"
    assert without.rotation(listing, 0) == ""
    applied = planned(tmp_path, ModelRequest("tiny-clip", exif=True), [], sources=sources)
    assert applied.rotation(listing, 312) == ""


@pytest.mark.parametrize(
    ("model", "has_fast_decode"),
    [("tiny-clip", True), ("transformers:org/name", False), ("timm:org/name", False)],
)
def test_fast_decoding_is_offered_where_it_exists(
    tmp_path: Path, photos: Path, model: str, has_fast_decode: bool
) -> None:
    made = planned(tmp_path, ModelRequest(model), [], sources=[f"c={photos}"])
    assert ("--fast-decode" in made.faster(made.images[0])) is has_fast_decode


def test_ones_own_weights_are_found_in_the_cache_without_loading_them(
    tmp_path: Path, photos: Path, small_model: SmallModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ModelRequest("small", small_model.checkpoint, small_model.config)
    first = extract(tmp_path, request, [f"c={photos}"])

    def loaded(*_: object) -> None:
        raise AssertionError("the model was loaded")

    with monkeypatch.context() as patch:
        patch.setattr("oodcache.extract.model.loading.load", loaded)
        assert extract(tmp_path, request, [f"c={photos}"]) == first


def test_a_broken_file_of_another_model_is_in_nobodys_way(
    tmp_path: Path, photos: Path, small_model: SmallModel
) -> None:
    other = tmp_path / "embeddings" / "local" / "small-00000000" / "images" / "c.h5"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"broken")
    request = ModelRequest("small", small_model.checkpoint, small_model.config)
    (path,) = extract(tmp_path, request, [f"c={photos}"])
    assert path.is_file()


def test_the_same_weights_in_another_file_are_the_same_model(
    tmp_path: Path, photos: Path, small_model: SmallModel
) -> None:
    copy = tmp_path / "copy.pt"
    # One byte more after the archive's end: another file, the same weights.
    copy.write_bytes(small_model.checkpoint.read_bytes() + b"\0")
    sources = [f"c={photos}"]
    first = extract(
        tmp_path, ModelRequest("small", small_model.checkpoint, small_model.config), sources
    )
    assert extract(tmp_path, ModelRequest("small", copy, small_model.config), sources) == first


def test_settings_given_once_are_not_dropped_in_silence(
    tmp_path: Path, photos: Path, small_model: SmallModel
) -> None:
    model = ("small", small_model.checkpoint, small_model.config)
    sources = [f"c={photos}"]
    extract(tmp_path, ModelRequest(*model, preprocessing={"mean": [0.1] * 3}), sources)
    with pytest.raises(InputError, match="made with other preprocessing"):
        extract(tmp_path, ModelRequest(*model), sources)


@pytest.mark.slow
def test_a_tag_whose_weights_have_changed_is_never_mixed_with_the_old(
    tmp_path: Path, photos: Path, small_model: SmallModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    import open_clip
    import torch

    def publish(checkpoint: Path) -> None:
        entry = {"tag": {"file": str(checkpoint)}}
        monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "small", entry)

    request = ModelRequest("small/tag", config=small_model.config)
    publish(small_model.checkpoint)
    extract(tmp_path, request, [f"c={photos}"])
    state = torch.load(small_model.checkpoint, weights_only=True)
    state["logit_scale"] += 1
    torch.save(state, tmp_path / "new.pt")
    publish(tmp_path / "new.pt")
    with pytest.raises(InputError, match="made with other weights; use --overwrite"):
        extract(tmp_path, request, [f"c={photos}", f"d={photos}"])
    assert not (tmp_path / "embeddings" / "small" / "tag" / "images" / "d.h5").exists()


def test_a_changed_bundled_model_is_other_weights(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from oodcache.extract.demo import embedded

    sources = [f"c={photos}"]
    extract(tmp_path, ModelRequest("tiny-clip"), sources)
    trained_again = tmp_path / "tiny-clip"
    shutil.copytree(embedded.MODELS["tiny-clip"], trained_again)
    with (trained_again / "open_clip_model.safetensors").open("r+b") as file:
        file.seek(-2, 2)
        file.write(b"\x01\x3c")
    monkeypatch.setattr(embedded, "MODELS", {"tiny-clip": trained_again})
    with pytest.raises(InputError, match="made with other weights"):
        extract(tmp_path, ModelRequest("tiny-clip"), sources)


def local_copy(tmp_path: Path) -> Path:
    """Return a copy of a bundled model, as a folder of the user's own."""
    from oodcache.extract.demo import embedded

    return Path(shutil.copytree(embedded.MODELS["tiny-sigmoid"], tmp_path / "mine"))


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a JSON file."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda all: all["preprocess_cfg"].update(resize_mode="longest"), "other preprocessing"),
        (lambda all: all["model_cfg"].update(quick_gelu=True), "another architecture"),
    ],
)
def test_the_same_weights_under_an_edited_configuration_are_not_the_same_model(
    tmp_path: Path, photos: Path, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    folder = local_copy(tmp_path)
    request, sources = ModelRequest(f"local-dir:{folder}"), [f"c={photos}"]
    extract(tmp_path, request, sources)
    edit(folder / "open_clip_config.json", change)
    with pytest.raises(InputError, match=f"made with {words}; use --overwrite"):
        extract(tmp_path, request, sources)


def test_an_edited_model_configuration_is_another_architecture(
    tmp_path: Path, photos: Path, small_model: SmallModel
) -> None:
    config = Path(shutil.copy(small_model.config, tmp_path / "small-edited.json"))
    request = ModelRequest("small-edited", small_model.checkpoint, config)
    extract(tmp_path, request, [f"c={photos}"])
    edit(config, lambda all: all.update(quick_gelu=True))
    with pytest.raises(InputError, match="made with another architecture"):
        extract(tmp_path, request, [f"c={photos}"])


def test_a_file_added_to_a_local_folder_changes_nothing(tmp_path: Path, photos: Path) -> None:
    folder = local_copy(tmp_path)
    request, sources = ModelRequest(f"local-dir:{folder}"), [f"c={photos}"]
    first = extract(tmp_path, request, sources)
    (folder / "NOTES.txt").write_text("of no matter")
    assert extract(tmp_path, request, sources) == first


def test_nothing_to_extract_and_templates_without_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to extract"):
        planned(tmp_path, ModelRequest("tiny-clip"), [])
    with pytest.raises(InputError, match="give --classes too"):
        planned(tmp_path, ModelRequest("tiny-clip"), [], sources=["x=."], templates=["a {}"])


def test_several_tars_under_one_name_hint_at_the_quotes(tmp_path: Path, photos: Path) -> None:
    for number in range(2):
        write_tar(tmp_path / f"{number}.tar", (f"{number}.jpg", b"x"))
    tars = [f"x={tmp_path}/{number}.tar" for number in range(2)]
    with pytest.raises(InputError, match=r"given twice.*quote the braces: 'x=x/\{0..9\}.tar"):
        planned(tmp_path, ModelRequest("tiny-clip"), [], sources=tars)
    with pytest.raises(InputError, match="each needs its own name$"):
        planned(tmp_path, ModelRequest("tiny-clip"), [], sources=[f"x={photos}", tars[0]])


def test_what_a_user_should_know_of_a_source_is_said(tmp_path: Path, photos: Path) -> None:
    assert photos.is_dir()
    (tmp_path / "x.csv").write_text("path\nphotos/cat/0.png\n")
    said: list[str] = []
    planned(tmp_path, ModelRequest("tiny-clip"), said, sources=[f"x={tmp_path / 'x.csv'}"])
    assert said == [
        "x: no column label or class: the images are unlabelled; use --label-column for another"
    ]
