"""Claims about `cache.extract`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
from samples import Run, write_photos, write_strays

import oodcache as package
from oodcache import extracting
from oodcache.extract.demo import embedded
from oodcache.wording import reporter


@pytest.fixture
def cache(tmp_path: Path) -> package.Cache:
    return package.open(tmp_path / "cache", create=True)


@pytest.mark.slow
def test_a_notebook_and_the_command_line_make_the_same_files(
    cache: package.Cache, oodcache: Run, tmp_path: Path
) -> None:
    write_photos(tmp_path / "photos")
    write_strays(tmp_path / "strays")
    notes: list[str] = []
    made = cache.extract("tiny-clip", "photos", name="pets", classes="photos", note=notes.append)
    strays = cache.extract("tiny-clip", "strays", name="strays", note=notes.append)
    assert (made.model, strays.model) == ("tiny-clip/demo", "tiny-clip/demo")
    given = ("--classes", "pets=photos", "pets=photos", "strays=strays", "--cache", "by-command")
    assert oodcache("extract", "--model", "tiny-clip", *given).status == 0
    for path in (*made.files, *strays.files):
        other = tmp_path / "by-command" / path.relative_to(cache.folder)
        assert path.read_bytes() == other.read_bytes()
    assert f"wrote {made.files[1]}: 12 images in 2 class folders" in notes
    rows = cache.evaluate("tiny-clip", id="pets", ood="strays", scores="mcm")
    assert len(rows) == 1


@pytest.mark.slow
def test_a_model_in_memory_goes_on_with_the_files_of_the_same_model_by_name(
    cache: package.Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_photos(tmp_path / "photos")
    place = f"local-dir:{embedded.MODELS['tiny-clip']}"
    module, preprocess = open_clip.create_model_from_pretrained(place)
    model = (module, preprocess, open_clip.get_tokenizer(place))
    alone = package.open(tmp_path / "alone", create=True)
    own = alone.extract(model, "photos", name="pets", classes="photos", model_name="mine")
    assert own.model.startswith("local/mine-")
    made = cache.extract("tiny-clip", "photos", name="pets", classes="photos")
    kept: list[str] = []
    again = cache.extract(model, "photos", name="pets", classes="photos", note=kept.append)
    assert again == made
    assert kept == [f"kept {path}" for path in made.files]
    by_name, in_memory = cache.images("tiny-clip", "pets"), alone.images(own.model, "pets")
    assert np.array_equal(by_name.embeddings, in_memory.embeddings)
    ours, theirs = cache.texts("tiny-clip", "pets"), alone.texts(own.model, "pets")
    assert np.array_equal(ours.embeddings, theirs.embeddings)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"batch_size": 0}, "batch_size is 0 (int); give a whole number, at least 1"),
        ({"shard_rows": 2.5}, "shard_rows is 2.5 (float); give a whole number, at least 1"),
        ({"precision": "int8"}, "precision is 'int8'; give one of 'float32', 'bfloat16', 'flo"),
        ({"dtype": "float64"}, "dtype is 'float64'; give one of 'float32', 'float16'"),
        ({"max_bad": 2}, "max_bad is 2 (int); give a share from 0 to 1"),
        ({"model_name": "mine"}, "model name 'mine': tiny-clip has a name; only weights of your"),
        ({"preprocess_id": "x"}, "preprocess_id is for a model in memory"),
        ({"model": (1, 2), "checkpoint": "x"}, "checkpoint and model_config are for a model by"),
        ({"model": None}, "model is a NoneType: expected a name, or (module, preprocess, token"),
        ({"classes": "nowhere"}, "classes 'nowhere' is not known"),
        (
            {"images": "imagenet-c-fog-5", "data_root": "nowhere"},
            "nowhere: no such data root, needed for imagenet-c-fog-5; give data_root=FOLDER",
        ),
        ({"classes": "cub200", "data_root": "nowhere"}, "nowhere: no such data root, needed for c"),
        ({"model": "siglop"}, "model siglop: names no weights; did you mean siglip?"),
    ],
)
def test_a_mistake_is_one_line_in_pythons_terms(
    cache: package.Cache, given: dict[str, Any], said: str
) -> None:
    arguments = {"model": "tiny-clip", "classes": ["cat"], "name": "pets", **given}
    with pytest.raises(package.InputError) as refused:
        cache.extract(arguments.pop("model"), **arguments)
    assert str(refused.value).startswith(said)
    assert len(str(refused.value).encode()) < 600
    assert "--" not in str(refused.value)


@pytest.mark.parametrize("off", [None, False])
def test_notes_and_progress_are_shown_unless_they_are_turned_off(
    off: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    """`_watch` is what `extract` reports to; extraction itself takes seconds."""
    notes: list[str] = []
    extracting._watch(reporter(True), True).note("use --overwrite")
    extracting._watch(notes.append, off).note("use --overwrite")
    for quiet in (extracting._watch(reporter(off), on) for on in (off, True)):
        quiet.note("use --overwrite")
        with quiet.progress("reading", 1, "images") as advance:
            advance(1)
    assert notes == ["use overwrite=True"]
    assert capfd.readouterr() == ("", "use overwrite=True\n")


@pytest.mark.parametrize(("name", "value"), [("progress", "tqdm"), ("note", 3), ("progress", [])])
def test_what_cannot_report_is_refused_before_anything_else(
    cache: package.Cache, name: str, value: Any
) -> None:
    given: dict[str, Any] = {name: value}
    with pytest.raises(package.InputError, match=f"{name} is .*; give True, False, None or a"):
        cache.extract("nothing", None, **given)


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        (print, "what progress returns is None; give True, or a function (description,"),
        (lambda *count: nullcontext(3), "what progress yields is 3 (int); give True"),
        (lambda total: None, "progress fails: <lambda>() takes 1 positional argument but 3 were"),
    ],
)
def test_what_a_progress_of_your_own_gives_is_checked(progress: Any, said: str) -> None:
    watch = extracting._watch(None, progress)  # type: ignore[arg-type]
    with pytest.raises(package.InputError) as refused, watch.progress("reading", 1, "images"):
        pass
    assert said in str(refused.value)
    assert len(str(refused.value).encode()) < 600


def test_a_progress_of_your_own_counts_and_sees_errors() -> None:
    seen: list[object] = []

    @contextmanager
    def progress(*about: object) -> Iterator[Any]:
        seen.append(about)
        try:
            yield seen.append
        finally:
            seen.append("ended")

    watch = extracting._watch(None, progress)  # type: ignore[arg-type]
    with pytest.raises(OSError, match="disk"), watch.progress("reading", 3, "images") as advance:
        advance(2)
        raise OSError("disk")
    assert seen == [("reading", 3, "images"), 2, "ended"]


def test_every_argument_of_the_method_is_shown_for_completion() -> None:
    found = inspect.signature(package.Cache.extract).parameters
    assert list(found)[1:4] == ["model", "images", "name"]
    assert {"classes", "batch_size", "device", "overwrite", "preprocess_id"} <= found.keys()
