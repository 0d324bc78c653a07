"""Claims about layouts of Hugging Face datasets: which files, in which order, and what to type."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.sources.hugging_face import layouts


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


def found(root: Path) -> list[str]:
    return [one.relative_to(root).as_posix() for one in layouts.files_in("x", root)]


def state(folder: Path, *names: object, **more: object) -> None:
    touch(folder, *(name for name in names if isinstance(name, str)))
    files = [{"filename": name} for name in names]
    (folder / "state.json").write_text(json.dumps({"_data_files": files, **more}))


@pytest.mark.parametrize(
    "names",
    [
        [f"data/test-0000{at}-of-00003.parquet" for at in range(3)],
        ["default/test/0000.parquet", "default/test/0001.parquet"],
        ["9.parquet", "10.parquet", "100.parquet"],
        ["test.parquet"],
        ["pets/default-0123/0.0.0/4567/pets-test.arrow"],
        ["pets-test-00000-of-00002.arrow", "pets-test-00001-of-00002.arrow"],
    ],
)
def test_the_files_of_one_split_are_taken_in_order(tmp_path: Path, names: list[str]) -> None:
    touch(tmp_path, *reversed(names), "README.md", ".gitattributes", "cache-0123.arrow")
    assert found(tmp_path) == names


def test_several_splits_are_answered_with_what_to_type(tmp_path: Path) -> None:
    touch(tmp_path, "data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet")
    touch(tmp_path, "data/test-00000-of-00001.parquet", "val.parquet", "other/0000.parquet")
    with pytest.raises(InputError) as refused:
        found(tmp_path)
    assert str(refused.value) == (
        f"{tmp_path}: holds 4 splits or datasets; give one: 'x={tmp_path}/val.parquet' or "
        f"'x={tmp_path}/data/test-*-of-00001.parquet' or "
        f"'x={tmp_path}/data/train-*-of-00002.parquet' or 'x={tmp_path}/other/*.parquet'"
    )
    for pattern, count in (("data/train-*-of-00002", 2), ("val", 0), ("other/*", 1)):
        if count:
            assert len(layouts.matching("x", f"{tmp_path}/{pattern}.parquet")) == count


def test_parts_of_other_names_are_answered_with_what_takes_all(tmp_path: Path) -> None:
    names = [f"part-0000{at}-c000.snappy.parquet" for at in range(9)]
    touch(tmp_path, *names)
    with pytest.raises(InputError, match=r"… and 5 more; or all: 'x=.*/\*.parquet'$"):
        found(tmp_path)
    taken = layouts.matching("x", f"{tmp_path}/*.parquet")
    assert [one.name for one in taken] == names


def test_a_missing_shard_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    touch(tmp_path, *(f"t-{at}-of-4.parquet" for at in (0, 1, 3)))
    with pytest.raises(InputError) as refused:
        found(tmp_path)
    assert str(refused.value) == (
        f"{tmp_path}: t-2-of-4.parquet is missing (3 of 4 files are there): get it, or give those: "
        f"'x={tmp_path}/{{t-0-of-4,t-1-of-4,t-3-of-4}}.parquet'"
    )
    with pytest.raises(InputError, match="t-2-of-4.parquet is missing"):
        layouts.matching("x", f"{tmp_path}/t-*.parquet")


def test_claims_of_absurdly_many_shards_cost_nothing(tmp_path: Path) -> None:
    touch(tmp_path, "t-0-of-999999999.parquet")
    with pytest.raises(InputError, match="t-000000001-of-999999999.parquet is missing"):
        found(tmp_path)


def test_a_shard_that_does_not_belong_is_rejected(tmp_path: Path) -> None:
    touch(tmp_path, "t-00-of-02.parquet", "t-01-of-02.parquet", "t-1-of-02.parquet")
    with pytest.raises(InputError, match="has 3 files of 't', but their names say 2"):
        found(tmp_path)


def test_a_pattern_takes_what_it_matches(tmp_path: Path) -> None:
    touch(tmp_path, "b.parquet", "a.parquet", "a.txt", "c.csv")
    assert [one.name for one in layouts.matching("x", f"{tmp_path}/*.parquet")] == [
        *("a.parquet", "b.parquet")
    ]
    with pytest.raises(InputError, match="no .parquet or .arrow file matches"):
        layouts.matching("x", f"{tmp_path}/z*.parquet")
    with pytest.raises(InputError, match=r"a \* may only be in the file name; give x=FOLDER"):
        layouts.matching("x", f"{tmp_path}/*/z.parquet")


def test_a_saved_dataset_has_the_order_of_its_state(tmp_path: Path) -> None:
    state(tmp_path, "b.arrow", "a.arrow")
    touch(tmp_path, "cache-1.arrow")
    assert found(tmp_path) == ["b.arrow", "a.arrow"]


def test_a_saved_dataset_without_one_of_its_files_is_rejected(tmp_path: Path) -> None:
    state(tmp_path, "b.arrow", "a.arrow")
    (tmp_path / "a.arrow").unlink()
    with pytest.raises(InputError, match="a.arrow is missing .1 of 2 files.; copy the whole fold"):
        found(tmp_path)


@pytest.mark.parametrize("name", ["../a.arrow", "/etc/passwd", "", "..", "a\0b", 3, None])
def test_a_state_that_leads_out_of_its_folder_is_rejected(tmp_path: Path, name: object) -> None:
    (tmp_path / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
    with pytest.raises(InputError, match="'_data_files' are no list of file names"):
        found(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 10**5, '{"_data_files": {"a": 1}}'])
def test_a_state_that_is_no_state_is_rejected(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(InputError, match="state.json: ") as refused:
        found(tmp_path)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("key", layouts.INDICES)
def test_a_selection_of_an_old_version_is_answered_with_what_to_type(
    tmp_path: Path, key: str
) -> None:
    state(tmp_path, "a.arrow", **{key: [{"filename": "indices.arrow"}]})
    with pytest.raises(InputError, match=r"flatten_indices\(\).save_to_disk"):
        found(tmp_path)


def test_splits_of_a_saved_dictionary_are_answered_with_what_to_type(tmp_path: Path) -> None:
    for split in ("train", "test"):
        state(touch(tmp_path / split), f"{split}.arrow")
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    with pytest.raises(InputError) as refused:
        found(tmp_path)
    assert str(refused.value) == (
        f"{tmp_path}: holds 2 splits; give one: x={tmp_path}/train or x={tmp_path}/test"
    )
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["test"]}')
    assert found(tmp_path) == ["test/test.arrow"]
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["../test"]}')
    with pytest.raises(InputError, match="'splits' are no list of folders"):
        found(tmp_path)


def test_class_folders_are_not_searched(tmp_path: Path) -> None:
    touch(tmp_path, "cat/0.jpg", "cat/zz/deep.parquet", "dog/1.png")
    assert layouts.below(tmp_path) == []
    touch(tmp_path, "preview.png", "data/x.parquet")
    assert layouts.below(tmp_path) == [tmp_path / "data" / "x.parquet"]
