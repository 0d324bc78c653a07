import errno
import os
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.format.place import shard_paths
from oodcache.cache.names import SHORT_NAMES
from oodcache.cache.store import store

CLIP = "openai/clip-vit-base-patch32"
Write = Callable[..., Path]
WriteShards = Callable[..., list[Path]]


@pytest.fixture(scope="module")
def four_models(
    tmp_path_factory: pytest.TempPathFactory, write_pets: Write, write_names: Write
) -> Path:
    """Write a cache of four models: two open_clip ones, two of local weights."""
    folder = tmp_path_factory.mktemp("four-models")
    for label, requested in [
        (SHORT_NAMES["siglip"], "siglip"),
        ("ViT-B-32/laion2b", "ViT-B-32/laion2b"),
        ("local/mine-00000000", "local-dir:models/mine"),
        ("local/tiny-11111111", "tiny"),
    ]:
        name, pretrained = label.split("/")
        model = {"name": name, "pretrained": pretrained, "requested": requested}
        write_pets(folder / label / "images" / "pets.h5", **model)
        write_names(folder / label / "texts" / "names.h5", **model)
    return folder


@pytest.fixture
def cache(tmp_path: Path, four_models: Path) -> Path:
    """Copy the cache of four models."""
    return shutil.copytree(four_models, tmp_path, dirs_exist_ok=True)


def test_entries_are_the_files_of_the_layout_in_order(cache: Path) -> None:
    for stray in ("notes.h5", "a/b/images/.x.h5", "a/b/images/x.h5.part", "a/b/other/x.h5"):
        (cache / stray).parent.mkdir(parents=True, exist_ok=True)
        (cache / stray).touch()
    found = [(entry.label, entry.kind, entry.name) for entry in store.entries(cache)]
    assert found == [
        (label, kind, name)
        for label in sorted({entry.label for entry in store.entries(cache)})
        for kind, name in (("images", "pets"), ("texts", "names"))
    ]
    assert len(found) == 8


@pytest.mark.parametrize("where", ["missing", "ViT-B-32"])
def test_a_folder_without_embeddings_has_no_entries(cache: Path, where: str) -> None:
    assert store.entries(cache / where) == []


def test_a_name_with_dots_keeps_them(tmp_path: Path, write_pets: Write) -> None:
    write_pets(tmp_path / "m" / "p" / "images" / "v1.0.h5")
    assert [entry.name for entry in store.entries(tmp_path)] == ["v1.0"]


def test_an_identity_is_read_from_its_file(cache: Path) -> None:
    requested = {store.read_identity(one).model.requested for one in store.entries(cache)}
    assert requested == {"siglip", "ViT-B-32/laion2b", "local-dir:models/mine", "tiny"}


def test_a_file_in_the_folder_of_the_other_kind_is_refused(cache: Path) -> None:
    folder = cache / "ViT-B-32" / "laion2b"
    (folder / "texts" / "names.h5").rename(folder / "images" / "names.h5")
    (entry,) = (one for one in store.entries(cache) if one.path.match("images/names.h5"))
    with pytest.raises(InputError, match="kind is 'texts', expected 'images'"):
        store.read_identity(entry)


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ("siglip", SHORT_NAMES["siglip"]),
        (SHORT_NAMES["siglip"], SHORT_NAMES["siglip"]),
        ("ViT-B-32/laion2b", "ViT-B-32/laion2b"),
        ("laion2b", "ViT-B-32/laion2b"),
        ("local-dir:models/mine", "local/mine-00000000"),
        ("local/mine-00000000", "local/mine-00000000"),
        ("mine-00000000", "local/mine-00000000"),
        ("tiny", "local/tiny-11111111"),
        ("mine", "local/mine-00000000"),
    ],
)
def test_a_model_is_found_by_any_of_its_names(cache: Path, model: str, label: str) -> None:
    assert store.find_model(cache, model) == label


def test_several_matches_are_listed_and_refused(cache: Path, write_pets: Write) -> None:
    path = cache / "local" / "tiny-22222222" / "images" / "pets.h5"
    write_pets(path, name="local", pretrained="tiny-22222222", requested="tiny")
    with pytest.raises(InputError) as refused:
        store.find_model(cache, "tiny")
    assert str(refused.value) == (
        f"{cache}: model 'tiny' matches several models: "
        "give --model local/tiny-11111111 or local/tiny-22222222"
    )


def test_a_recorded_prefix_need_not_be_typed(cache: Path, write_pets: Write) -> None:
    for name, pretrained, requested in (
        ("transformers", "openai--clip-vit-base-patch32", f"transformers:{CLIP}"),
        ("local", "new-44444444", "transformers:runs/new"),
    ):
        path = cache / name / pretrained / "images" / "pets.h5"
        write_pets(path, name=name, pretrained=pretrained, requested=requested)
    for typed in (CLIP, f"transformers:{CLIP}"):
        assert store.find_model(cache, typed) == "transformers/openai--clip-vit-base-patch32"
    for typed in ("runs/new", "./runs/new/", "transformers:runs/new", "new"):
        assert store.find_model(cache, typed) == "local/new-44444444"


@pytest.mark.parametrize("typed", ["ViT-L-32/laion2b", "siglip2-384", "ViT-B-16/laion2b"])
def test_a_model_of_another_size_is_not_asked_for(cache: Path, typed: str) -> None:
    with pytest.raises(InputError) as refused:
        store.find_model(cache, typed)
    assert "did you mean" not in str(refused.value)


def test_a_name_that_one_model_has_is_not_taken_for_a_part_of_anothers(
    cache: Path, write_pets: Write
) -> None:
    path = cache / "local" / "mine-2-33333333" / "images" / "pets.h5"
    write_pets(path, name="local", pretrained="mine-2-33333333", requested="ViT-B-32")
    assert store.find_model(cache, "mine") == "local/mine-00000000"
    assert store.find_model(cache, "mine-2") == "local/mine-2-33333333"


def test_a_missing_model_is_answered_with_what_is_there_and_the_line_to_type(cache: Path) -> None:
    with pytest.raises(InputError) as refused:
        store.find_model(cache, "local-dir:my models")
    said = str(refused.value)
    assert f"{cache}: no embeddings of model 'local-dir:my models' (there are: " in said
    assert "ViT-B-16-SigLIP/webli, ViT-B-32/laion2b, local/mine-00000000" in said
    typed = shlex.split(said.rpartition("make them with: ")[2])
    assert typed[:4] == ["oodcache", "extract", "--model", "local-dir:my models"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("minee", "mine"),
        ("sigllip", "siglip"),
        ("ViT-B-23/laion2b", "ViT-B-32/laion2b"),
    ],
)
def test_a_model_that_is_nearly_typed_is_asked_for(cache: Path, typed: str, meant: str) -> None:
    with pytest.raises(InputError, match=f"did you mean {meant}\\? Otherwise make them with: "):
        store.find_model(cache, typed)


@pytest.mark.parametrize(
    ("part", "label"),
    [
        ("SigLIP", SHORT_NAMES["siglip"]),
        ("B-32", "ViT-B-32/laion2b"),
        ("b-32/LAION", "ViT-B-32/laion2b"),
        ("1111", "local/tiny-11111111"),
    ],
)
def test_a_part_that_one_model_has_finds_it(cache: Path, part: str, label: str) -> None:
    assert store.find_model(cache, part) == label


def test_models_with_a_comma_between_them_ask_to_repeat_the_option(cache: Path) -> None:
    with pytest.raises(InputError, match=r"one name; .* repeat the option: --model a --model b$"):
        store.find_model(cache, "a, b")


def test_models_with_a_common_part_are_listed(cache: Path) -> None:
    with pytest.raises(InputError) as refused:
        store.find_model(cache, "ViT-B-")
    assert str(refused.value) == (
        f"{cache}: model 'ViT-B-' matches several models: "
        f"give --model {SHORT_NAMES['siglip']} or ViT-B-32/laion2b"
    )


def test_a_short_name_is_never_a_part_of_another_models_name(
    tmp_path: Path, write_pets: Write
) -> None:
    write_pets(tmp_path / SHORT_NAMES["siglip2"] / "images/pets.h5", requested="siglip2")
    with pytest.raises(InputError, match="no embeddings of model 'siglip'"):
        store.find_model(tmp_path, "siglip")


@pytest.mark.parametrize("typed", ["siglip", "SigLIP"])
def test_a_folder_called_like_a_short_name_is_not_taken_for_it(
    tmp_path: Path, write_pets: Write, typed: str
) -> None:
    label = "local/siglip-22222222"
    own = {"name": "local", "pretrained": "siglip-22222222", "requested": "local-dir:m/siglip"}
    write_pets(tmp_path / label / "images" / "pets.h5", **own)
    with pytest.raises(InputError) as refused:
        store.find_model(tmp_path, typed)
    assert str(refused.value) == (
        f"{tmp_path}: no embeddings of model {typed!r}, which stands for ViT-B-16-SigLIP/webli; "
        f"for your own weights of that name: --model {label}"
    )
    assert store.find_model(tmp_path, "m/siglip") == store.find_model(tmp_path, label) == label
    write_pets(tmp_path / SHORT_NAMES["siglip"] / "images/pets.h5", requested="siglip")
    assert store.find_model(tmp_path, "siglip") == SHORT_NAMES["siglip"]


def test_a_folder_in_another_script_is_found_by_its_name(tmp_path: Path, write_pets: Write) -> None:
    for part, folder in (("model-00000000", "data/模型 é"), ("model-11111111", "数据/模型")):
        own = {"name": "local", "pretrained": part, "requested": f"transformers:{folder}"}
        write_pets(tmp_path / "local" / part / "images" / "pets.h5", **own)
    assert store.find_model(tmp_path, "模型 é") == "local/model-00000000"
    assert store.find_model(tmp_path, "transformers:数据/模型") == "local/model-11111111"
    with pytest.raises(InputError, match="no embeddings of model '数据'"):
        store.find_model(tmp_path, "数据")


def test_open_clips_layout_counts_for_a_folder_that_has_both(
    tmp_path: Path, write_pets: Write
) -> None:
    layouts = (
        ("transformers:n/mixed", "mixed-00000000"),
        ("local-dir:n/mixed", "mixed-11111111"),
        ("transformers:n/other", "other-22222222"),
        ("transformers:n/other", "other-33333333"),  # Trained further.
    )
    for requested, part in layouts:
        own = {"name": "local", "pretrained": part, "requested": requested}
        write_pets(tmp_path / "local" / part / "images" / "pets.h5", **own)
    assert store.find_model(tmp_path, "n/mixed") == "local/mixed-11111111"
    assert store.find_model(tmp_path, "transformers:n/mixed") == "local/mixed-00000000"
    for several in ("n/other", "mixed", "mixe"):
        with pytest.raises(InputError, match="matches several models"):
            store.find_model(tmp_path, several)


def test_a_folder_is_found_by_any_path_to_it(
    tmp_path: Path, write_pets: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    label = "local/mine-00000000"
    model = {"name": "local", "pretrained": "mine-00000000", "requested": "transformers:m/mine"}
    write_pets(tmp_path / "c" / label / "images" / "pets.h5", **model)
    Path("m/mine").mkdir(parents=True)
    Path("other").mkdir()
    Path("link").symlink_to("m/mine")
    paths = ("link", "./m/../link/", "~/m/mine", str(tmp_path / "link"))
    for typed in (*paths, *(f"transformers:{one}" for one in paths)):
        assert store.find_model(Path("c"), typed) == label
    for typed in ("local-dir:link", "other", "hf-hub:m/mine", "x" * 5000):
        with pytest.raises(InputError, match="no embeddings of model"):
            store.find_model(Path("c"), typed)


@pytest.mark.parametrize("model", ["m7/a", "m7"])
def test_models_beside_the_one_that_is_asked_for_are_not_opened(
    tmp_path: Path, write_pets: Write, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    good = write_pets(tmp_path / "m7/a/images/pets.h5", requested="m7/a")
    for number in (*range(7), *range(8, 20)):
        other = tmp_path / f"m{number}/b/images/pets.h5"
        other.parent.mkdir(parents=True, exist_ok=True)
        other.write_bytes(good.read_bytes())
    monkeypatch.setattr(store, "opened", None)
    assert store.find_model(tmp_path, model) == "m7/a"
    (entry,) = store.known(tmp_path, "m7/a")
    assert (entry.path, entry.label, entry.kind) == (good, "m7/a", "images")


def test_a_long_list_of_models_is_cut(tmp_path: Path, write_pets: Write) -> None:
    good = write_pets(tmp_path / "m0/a/images/pets.h5", requested="x")
    for number in range(1, 60):
        other = tmp_path / f"m{number}/a/images/pets.h5"
        other.parent.mkdir(parents=True)
        other.write_bytes(good.read_bytes())
    for model in ("other", "a"):
        with pytest.raises(InputError, match="… and 52 more") as refused:
            store.find_model(tmp_path, model)
        assert len(str(refused.value)) < 600 + len(str(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
@pytest.mark.parametrize("closed", ["", "local", "local/tiny-11111111", "ViT-B-32/laion2b/images"])
def test_a_folder_that_cannot_be_read_is_not_an_empty_one(cache: Path, closed: str) -> None:
    (cache / closed).chmod(0)
    try:
        with pytest.raises(InputError, match="cannot be read: Permission denied"):
            store.entries(cache)
    finally:
        (cache / closed).chmod(0o700)


def test_a_folder_that_the_system_refuses_is_not_an_empty_one(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(InputError, match=f"^{cache}: cannot be read: Permission denied$"):
        store.entries(cache)


def test_an_empty_cache_holds_no_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there are: none"):
        store.find_model(tmp_path, "siglip")


def test_a_broken_file_of_another_model_is_in_nobodys_way(cache: Path) -> None:
    (cache / "ViT-B-32" / "laion2b" / "images" / "pets.h5").write_bytes(b"broken")
    assert store.find_model(cache, "tiny") == "local/tiny-11111111"


def test_a_model_that_comes_with_the_package_is_made_by_the_demo(cache: Path) -> None:
    with pytest.raises(InputError, match="make them with: oodcache demo$"):
        store.find_model(cache, "tiny-clip")


def test_what_is_begun_is_found_by_its_folder(cache: Path) -> None:
    images = cache / "ViT-B-32/laion2b/images"
    for name in ("v1.0.shards", "pets.shards", ".x.shards"):
        (images / name).mkdir()
    (images / "file.shards").touch()
    assert [(entry.path, entry.name, entry.label) for entry in store.begun(cache)] == [
        (images / "pets.h5", "pets", "ViT-B-32/laion2b"),
        (images / "v1.0.h5", "v1.0", "ViT-B-32/laion2b"),
    ]
    assert len(store.entries(cache)) == 8
    assert store.begun(cache / "missing") == []


def test_a_path_means_shards_if_it_is_their_folder_or_not_there_yet(
    tmp_path: Path, write_shards: WriteShards, write_pets: Write
) -> None:
    target = tmp_path / "pets.h5"
    paths = write_shards(target)
    (paths[0].parent / ".00001-of-00002-x.h5.0badcafe.part").touch()
    assert store.meant_target(target) == target
    assert store.meant_target(paths[0].parent) == target
    assert store.meant_target(paths[0]) is None
    assert store.meant_target(tmp_path) is None
    assert store.meant_target(tmp_path / "other.h5") is None
    assert shard_paths(target) == paths
    write_pets(target)
    assert store.meant_target(target) is None
    assert store.meant_target(paths[0].parent) == target


def test_a_model_that_is_only_begun_is_found(tmp_path: Path, write_shards: WriteShards) -> None:
    write_shards(tmp_path / "small/demo/images/pets.h5")[0].write_bytes(b"broken")
    assert store.find_model(tmp_path, "small") == "small/demo"
    assert store.find_model(tmp_path, "mall/d") == "small/demo"
    assert store.find_models(store.begun(tmp_path), "small") == ["small/demo"]
    assert store.find_models(store.begun(tmp_path), "large") == []
    with pytest.raises(InputError, match="there are: small/demo"):
        store.find_model(tmp_path, "large")


def test_what_is_finished_and_begun_is_known_once(
    tmp_path: Path, image_file: Path, write_shards: WriteShards
) -> None:
    write_shards(image_file)
    write_shards(tmp_path / "small/demo/images/a.h5")
    known = store.known(tmp_path)
    assert [(one.kind, one.name) for one in known] == [("images", "a"), ("images", "pets")]
