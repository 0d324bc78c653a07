"""Claims about what is there of a run, and what this one may go on with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from samples import SmallModel, planned, silent, write_image
from samples.extract.runs import (
    REQUEST,
    StoppedError,
    extract,
    files,
    half,
    load_once,
    once,
    stop,
    stopping,
)

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import open_images
from oodcache.cache.files.texts import open_texts
from oodcache.cache.format.place import shard_folder
from oodcache.cache.shards import merging
from oodcache.cache.watch import Watch
from oodcache.extract.model.request import ModelRequest
from oodcache.extract.run import run


@pytest.fixture
def sources(photos: Path) -> list[str]:
    return [f"c={photos}"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shard_rows": 4}, "made with --shard-rows 5; resume that run"),
        ({"dtype": "float16"}, "made with --dtype float32; resume that run"),
        ({}, "inputs changed: the cache has 12 images, the source has 13"),
    ],
)
def test_shards_of_another_run_are_refused_with_the_way_out(
    tmp_path: Path, photos: Path, sources: list[str], change: dict[str, Any], words: str
) -> None:
    path = half(tmp_path, sources)
    before = files(path.parent)
    if not change:
        write_image(photos / "cat" / "new.png", 5)
    with pytest.raises(InputError) as refused:
        extract(tmp_path, sources=sources, **change)
    assert words in str(refused.value)
    assert "or drop its shards with --overwrite" in str(refused.value)
    assert files(path.parent) == before
    extract(tmp_path, sources=sources, overwrite=True, **change)
    assert files(path.parent) == ["c.h5"]


@pytest.mark.slow
def test_files_and_shards_made_by_options_are_not_taken_for_ones_made_without(
    tmp_path: Path, photos: Path, sources: list[str]
) -> None:
    request = replace(REQUEST, fast_decode=True, channels_last=True)
    texts = {"classes": f"c={photos}"}

    def faster(**given: Any) -> list[Path]:
        wanted = planned(tmp_path, request, [], shard_rows=5, batch_size=2, workers=0, **given)
        return run.run(wanted, Watch(lambda text: None, silent))

    faster(sources=sources, part=1, parts=2)
    with pytest.raises(InputError, match="made with precision float32 with --channels-last; res"):
        extract(tmp_path, sources=sources)
    (path,) = faster(sources=sources)
    assert faster(sources=sources) == [path]
    request = replace(request, channels_last=False)
    with pytest.raises(InputError, match="made with precision float32 with --channels-last; use"):
        faster(sources=sources)
    faster(sources=sources, overwrite=True)
    with pytest.raises(InputError, match="made with other preprocessing, with --fast-decode; use"):
        extract(tmp_path, sources=sources)
    squashed = replace(REQUEST, preprocessing={"resize_mode": "squash"}, fast_decode=True)
    with pytest.raises(InputError, match="other preprocessing, without --image-resize-mode; use"):
        planned_run = planned(tmp_path, squashed, [], sources=sources, shard_rows=5, workers=0)
        run.run(planned_run, Watch(lambda text: None, silent))
    # Prompts are not decoded.
    assert extract(tmp_path, **texts) == faster(**texts)


@pytest.mark.slow
def test_turned_images_have_a_name_of_their_own_and_rotations_are_counted(
    tmp_path: Path, photos: Path, sources: list[str]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (20, 10)).save(photos / "cat" / "turned.jpg", exif=exif)
    notes: list[str] = []
    (path,) = extract(tmp_path, notes, sources=sources)
    text = "c: 1 image carries a rotation, which is not applied, as in open_clip; --exif applies it"
    assert text in notes
    assert "exif" not in open_images(path).identity.encoding
    request, said = replace(REQUEST, exif=True), list[str]()
    wanted = planned(
        tmp_path, request, said, shard_rows=5, batch_size=2, workers=0, sources=sources
    )
    with pytest.raises(InputError, match="made with other preprocessing, without --exif; use"):
        run.run(wanted, Watch(said.append, silent))
    settings = replace(wanted.settings, overwrite=True)
    run.run(replace(wanted, settings=settings), Watch(said.append, silent))
    assert open_images(path).identity.encoding["exif"] is True
    assert not [one for one in said if "rotation" in one]


def test_other_weights_under_one_tag_never_share_a_run(
    tmp_path: Path, sources: list[str], small_model: SmallModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    import open_clip
    import torch

    state = torch.load(small_model.checkpoint, weights_only=True)
    state["logit_scale"] += 1
    torch.save(state, tmp_path / "new.pt")
    request = ModelRequest("small/tag", config=small_model.config)
    for checkpoint, refusal in ((small_model.checkpoint, None), (tmp_path / "new.pt", "weights")):
        entry = {"tag": {"file": str(checkpoint)}}
        monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "small", entry)
        made = planned(tmp_path, request, [], sources=sources, shard_rows=5, parts=2)
        watch = Watch(lambda text: None, silent)
        if refusal is None:
            run.run(made, watch)
            continue
        with pytest.raises(InputError, match="made with other weights; resume"):
            run.run(made, watch)


def test_a_damaged_shard_is_made_again(tmp_path: Path, sources: list[str]) -> None:
    whole = once(tmp_path, sources=sources)
    path = half(tmp_path, sources)
    first = min(shard_folder(path).iterdir())
    first.write_bytes(first.read_bytes()[:-1000])
    extract(tmp_path, sources=sources)
    assert path.read_bytes() == whole.read_bytes()


def test_an_overwriting_run_goes_on_too_and_the_old_file_stays_until_then(
    tmp_path: Path, sources: list[str]
) -> None:
    path = once(tmp_path, "embeddings", sources=sources)
    before = path.read_bytes()
    with pytest.raises(StoppedError):
        extract(tmp_path, progress=stopping(6, stop), sources=sources, overwrite=True)
    assert path.read_bytes() == before
    notes: list[str] = []
    extract(tmp_path, notes, sources=sources)
    assert any("1 shard of a run that replaces the finished file" in note for note in notes)
    extract(tmp_path, notes, sources=sources, overwrite=True)
    assert "c: resuming: 1 of 3 shards are done" in notes
    assert path.read_bytes() == before
    assert files(path.parent) == ["c.h5"]


def test_a_merge_that_was_killed_before_it_tidied_is_finished(
    tmp_path: Path, sources: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(merging, "remove", lambda *_: None)
        (path,) = extract(tmp_path, sources=sources)
    before = path.read_bytes()
    assert len(files(path.parent)) == 4
    notes: list[str] = []
    extract(tmp_path, notes, sources=sources)
    assert f"merged the shards beside {path}" in notes
    assert path.read_bytes() == before
    assert files(path.parent) == ["c.h5"]


def test_a_shard_that_cannot_be_read_stays_until_it_is_made_again_or_overwritten(
    tmp_path: Path, sources: list[str]
) -> None:
    path = half(tmp_path, sources)
    newer = shard_folder(path) / "00001-of-00003-ffffffff.h5"
    newer.write_bytes(b"of a format that is not known yet")
    extract(tmp_path, sources=sources)
    assert newer.exists()
    extract(tmp_path, sources=sources, overwrite=True)
    assert files(path.parent) == ["c.h5"]


@pytest.mark.slow
def test_a_file_that_another_run_made_meanwhile_is_never_replaced_unasked(
    tmp_path: Path, sources: list[str]
) -> None:
    path = half(tmp_path, sources)
    other = once(tmp_path, "other", sources=sources, dtype="float16").read_bytes()

    def finish() -> None:
        path.write_bytes(other)

    with pytest.raises(InputError, match="another run wrote it meanwhile, from another --dtype"):
        extract(tmp_path, progress=stopping(1, finish), sources=sources)
    assert path.read_bytes() == other
    extract(tmp_path, sources=sources, overwrite=True)
    assert path.read_bytes() == once(tmp_path, sources=sources).read_bytes()


def test_a_vocabulary_of_other_classes_or_settings_is_not_added_to(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_once(monkeypatch)
    given = {"classes": f"c={photos}"}
    (path,) = extract(tmp_path, **given, templates=["a {}"])
    before = path.read_bytes()
    with pytest.raises(InputError, match="made with --dtype float32; use --overwrite"):
        extract(tmp_path, **given, templates=["the {}"], dtype="float16")
    with pytest.raises(InputError) as untyped:
        extract(tmp_path, **given)
    assert "you gave 'a photo of a {}'; add it with --template 'a photo of a {}', use" in str(
        untyped.value
    )
    (photos / "cat").rename(photos / "fox")
    with pytest.raises(InputError, match=r"class 1 'cat', you gave 'dog'; use --overwrite"):
        extract(tmp_path, **given, templates=["the {}"])
    assert path.read_bytes() == before
    assert files(path.parent) == ["c.h5"]


def test_shards_that_add_another_template_are_refused_with_the_way_out(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_once(monkeypatch)
    given = {"classes": f"c={photos}", "shard_rows": 1}
    (path,) = extract(tmp_path, **given, templates=["a {}"])
    extract(tmp_path, **given, templates=["the {}"], part=1, parts=2)
    with pytest.raises(InputError) as refused:
        extract(tmp_path, **given, templates=["my {}"])
    shard = min(shard_folder(path).iterdir())
    assert str(refused.value).startswith(
        f"{shard}: another run is adding other templates: wait for it, and run the same command "
        "again; if it was stopped, resume it with its own command, or drop"
    )
    way_out = f"drop its shards with oodcache cache rm {shard_folder(path)}"
    assert str(refused.value).endswith(way_out)


def test_an_unfinished_addition_leaves_what_is_there_to_use(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_once(monkeypatch)
    given = {"classes": f"c={photos}", "shard_rows": 1}
    (path,) = extract(tmp_path, **given, templates=["a {}"])
    extract(tmp_path, **given, templates=["the {}"], part=1, parts=2)
    before = {one: one.read_bytes() for one in path.parent.rglob("*.h5")}
    folder, notes = shard_folder(path), list[str]()
    extract(tmp_path, notes, **given, templates=["a {}"])
    assert notes == [
        f"{folder}: 2 shards of an unfinished run with other templates; resume it with its own "
        f"command, or remove them with: oodcache cache rm {folder}",
        f"kept {path}",
    ]
    assert before == {one: one.read_bytes() for one in path.parent.rglob("*.h5")}
    extract(tmp_path, **given, templates=["the {}"])
    assert open_texts(path).vocabulary.templates == ("a {}", "the {}")
    assert files(path.parent) == ["c.h5"]
