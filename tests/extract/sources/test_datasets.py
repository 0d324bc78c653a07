"""Claims about how datasets are found and listed."""

from __future__ import annotations

from pathlib import Path

import pytest
from samples import permissions_bind
from samples.extract.stored import structs, table, write_parquet
from samples.extract.tars import write_tar

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.extract.sources import datasets
from oodcache.extract.sources.known_sets import KNOWN_SETS
from oodcache.extract.sources.listing import Options


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("imagenet-val", "imagenet/val"),
        ("imagenet-val", "images_largescale/imagenet_1k/val"),
        ("iNaturalist", "MOS/iNaturalist/images"),
        ("iNaturalist", "images_largescale/inaturalist"),
        ("SUN", "ImageNet_OOD_dataset/SUN"),
        ("Places", "MOS/Places/images"),
        ("Textures", "MOS/dtd/images"),
        ("Textures", "ImageNet_OOD_dataset/dtd/images"),
    ],
)
def test_known_sets_are_found_in_each_layout(tmp_path: Path, name: str, folder: str) -> None:
    touch(tmp_path / folder, "x.jpg")
    assert datasets.find(name, tmp_path).root == tmp_path / folder


def test_a_missing_data_root_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give --data-root FOLDER or set OODCACHE_DATA"):
        datasets.find("SUN", tmp_path / "none")


def test_a_data_root_without_the_set_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="contains no SUN .looked for MOS/SUN"):
        datasets.find("SUN", tmp_path)


def test_an_unknown_set_says_how_to_name_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="for your own images, use NAME=PATH"):
        datasets.find("pets", tmp_path)
    (tmp_path / "cats").mkdir()
    folder = tmp_path / "cats"
    with pytest.raises(InputError, match=f"for your own images, use cats={folder}"):
        datasets.find(str(folder), tmp_path)


@pytest.mark.parametrize("name", ["../x", "a/b", "", "average", ".hidden", "a b"])
def test_a_name_that_cannot_be_a_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="dataset"):
        datasets.find(f"{name}={tmp_path}", tmp_path)


def test_an_unset_variable_is_not_the_current_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^pets=: names no path"):
        datasets.find("pets=", tmp_path)


def test_tars_and_images_in_one_folder_are_refused_with_what_to_type(tmp_path: Path) -> None:
    few = touch(tmp_path / "few", "000.tar", "preview.png")
    with pytest.raises(InputError) as refused:
        datasets.find(f"t={few}", tmp_path)
    advice = f"give the tars as t={few}/000.tar, or take preview.png out"
    assert str(refused.value) == f"{few} holds 1 tar and 1 image: {advice}"
    many = touch(tmp_path / "many", "val.TAR", "cat/a.jpg", "cat/b.jpg", "dog/c.jpg")
    with pytest.raises(InputError, match="1 tar and 3 images: .*, or take val.TAR out"):
        datasets.find(f"t={many}", tmp_path)


def test_tars_that_are_not_read_beside_those_that_are_are_reported(tmp_path: Path) -> None:
    write_tar(tmp_path / "0.TAR", ("cat/a.jpg", b"x"))
    touch(tmp_path, "1.tar.gz", "more/2.tar", "sizes.json", "old.tar/notes.txt")
    found = datasets.list_images(datasets.find(f"t={tmp_path}", tmp_path))
    assert found.rows == 1
    assert found.notes == (
        "beside its tars, left out: 1 .tar, 1 .tar.gz, 1 .json, 1 .txt "
        "(.tar, .tar.gz may hold images: unpack them)",
    )


def test_an_image_is_no_source_of_images(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    with pytest.raises(InputError, match="is not a folder, list, table or tar of"):
        datasets.find(f"x={tmp_path / 'a.jpg'}", tmp_path)


def write_list(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.mark.parametrize(
    ("name", "folder", "listed", "count", "group"),
    [
        ("SSB-hard", "ssb_hard", "test_ssb_hard.txt", 49_000, "near"),
        ("NINCO", "ninco", "test_ninco.txt", 5_879, "near"),
        ("OpenImage-O", "openimage_o", "test_openimage_o.txt", 15_869, "far"),
    ],
)
def test_openoods_list_decides_where_it_is_there_and_the_folder_otherwise(
    tmp_path: Path, name: str, folder: str, listed: str, count: int, group: str
) -> None:
    touch(tmp_path / "images_largescale" / folder, "a.jpg", "b.jpg", "c.jpg")
    source = datasets.find(name, tmp_path)
    assert source.root == tmp_path / "images_largescale" / folder
    assert (source.expected, source.group) == (count, group)
    assert datasets.list_images(source).rows == 3
    write_list(
        tmp_path / "benchmark_imglist/imagenet" / listed, f"{folder}/c.jpg -1", f"{folder}/a.jpg -1"
    )
    source = datasets.find(name, tmp_path)
    assert (source.expected, source.group) == (count, group)
    found = datasets.list_images(source)
    assert found.images.paths == [f"{folder}/c.jpg".encode(), f"{folder}/a.jpg".encode()]
    assert not found.numbered


def test_openoods_imagenet_is_labelled_by_wordnet_ids_in_place_of_numbers(tmp_path: Path) -> None:
    images = [f"imagenet_1k/val/{number}.JPEG" for number in range(3)]
    touch(tmp_path / "images_largescale", *images)
    labels = (999, 0, 5)
    lines = [f"{image} {label}" for image, label in zip(images, labels, strict=True)]
    path = write_list(tmp_path / "benchmark_imglist/imagenet/test_imagenet.txt", *lines)
    source = datasets.find("imagenet-openood", tmp_path)
    assert source.expected == 45_000
    found = datasets.list_images(source)
    assert found.images.label_names == ("n01440764", "n01496331", "n15075141")
    assert found.images.labels.tolist() == [2, 0, 1]
    assert "labels" not in found.origin
    write_list(path, f"{images[0]} 3", f"{images[1]} 1000")
    with pytest.raises(
        InputError, match="line 2: label '1000' is not a class number from 0 to 999"
    ):
        datasets.list_images(datasets.find("imagenet-openood", tmp_path))


def test_imagenet_of_openood_without_its_list_says_which_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"looked for benchmark_imglist/imagenet/test_imagenet.tx"):
        datasets.find("imagenet-openood", tmp_path)


def test_known_names_are_those_that_the_cache_knows() -> None:
    assert set(KNOWN_SETS) <= set(names.KNOWN)
    near = {name for name, group in names.GROUPS.items() if group == "near"}
    assert {name for name in near if "cifar" not in name} == {"SSB-hard", "NINCO"}
    assert set(names.GROUPS) <= set(KNOWN_SETS)


def test_options_of_lists_are_refused_where_no_list_is_given(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    options = Options(image_root=tmp_path)
    with pytest.raises(InputError, match="--image-root applies to .*none is given"):
        datasets.check_options([datasets.find(f"x={tmp_path}", tmp_path, options)], options)
    options = Options(label_column="cat")
    source = datasets.find(f"x={write_list(tmp_path / 'x.txt')}", tmp_path, options)
    with pytest.raises(InputError, match="--label-column apply to tables only: none is given"):
        datasets.check_options([source], options)


def rows_of(specification: str, tmp_path: Path) -> list[bytes]:
    return list(datasets.list_images(datasets.find(specification, tmp_path)).images.paths)


def test_tars_are_given_one_by_one_by_braces_or_by_their_folder(tmp_path: Path) -> None:
    for number in range(11):
        write_tar(tmp_path / "t" / f"{number:02d}.tar", (f"{number}.jpg", b"x"))
    assert rows_of(f"x={tmp_path}/t/07.tar", tmp_path) == [b"7.jpg"]
    assert rows_of(f"x={tmp_path}/t/{{09..10}}.tar", tmp_path) == [b"9.jpg", b"10.jpg"]
    assert rows_of(f"x={tmp_path}/t", tmp_path) == [b"%d.jpg" % number for number in range(11)]
    touch(tmp_path / "t", "deep/a.png")
    with pytest.raises(InputError, match="holds 11 tars and 1 image: give the tars as"):
        rows_of(f"x={tmp_path}/t", tmp_path)


def test_a_tar_that_is_missing_in_a_range_is_named(tmp_path: Path) -> None:
    write_tar(tmp_path / "0.tar", ("a.jpg", b"x"))
    with pytest.raises(InputError, match=r"/1\.tar does not exist \(2 of 3 are missing\)"):
        datasets.find(f"x={tmp_path}/{{0..2}}.tar", tmp_path)


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tgz", "a.tar.zst", "a.zip"])
def test_what_is_compressed_is_refused_with_what_to_do(tmp_path: Path, name: str) -> None:
    touch(tmp_path, name)
    with pytest.raises(InputError, match="is compressed.*unpack it and give"):
        datasets.find(f"x={tmp_path / name}", tmp_path)


@pytest.mark.parametrize("specification", ["x={}", "{}", "x={}.tar"])
def test_a_name_that_no_disk_can_hold_is_refused_in_one_line(
    tmp_path: Path, specification: str
) -> None:
    with pytest.raises(InputError, match="cannot be read: File name too long"):
        datasets.find(specification.format("a" * 300), tmp_path)


@permissions_bind
def test_a_folder_that_is_closed_is_refused_in_one_line(tmp_path: Path) -> None:
    touch(tmp_path / "closed", "a.jpg")
    (tmp_path / "closed").chmod(0)
    with pytest.raises(InputError, match="closed: cannot be read: Permission denied"):
        datasets.find(f"x={tmp_path / 'closed'}", tmp_path)
    (tmp_path / "closed").chmod(0o700)


def held(path: Path, *names: str) -> Path:
    """Write a file that holds images of these names."""
    return write_parquet(path, table({"img": structs([(b"x", name) for name in names])}))


def test_files_that_hold_images_are_found_by_braces_pattern_and_folder(tmp_path: Path) -> None:
    held(tmp_path / "data" / "t-0-of-2.parquet", "b")
    held(tmp_path / "data" / "t-1-of-2.parquet", "a")
    for typed in ("", "/data", "/data/t-*.parquet", "/data/t-{0..1}-of-2.parquet"):
        assert rows_of(f"x={tmp_path}{typed}", tmp_path) == [b"b", b"a"]
    assert rows_of(f"x={tmp_path}/data/t-1-of-2.parquet", tmp_path) == [b"a"]
    with pytest.raises(InputError, match="t-2-of-2.parquet does not exist .1 of 3 are missing"):
        datasets.find(f"x={tmp_path}/data/t-{{0..2}}-of-2.parquet", tmp_path)


def test_a_saved_dataset_without_rows_says_so(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"_data_files": []}')
    (tmp_path / "dataset_info.json").write_text("{}")
    with pytest.raises(InputError, match=f"{tmp_path}: has no rows: a dataset without any was"):
        datasets.find(f"x={tmp_path}", tmp_path)


def test_a_table_of_paths_beside_images_is_left_out_as_before(tmp_path: Path) -> None:
    touch(tmp_path, "cat/a.jpg", "junk.parquet")
    write_parquet(tmp_path / "meta.parquet", table({"path": ["cat/a.jpg"]}))
    assert rows_of(f"x={tmp_path}", tmp_path) == [b"cat/a.jpg"]


def test_a_folder_of_images_and_of_files_that_hold_some_is_rejected(tmp_path: Path) -> None:
    touch(tmp_path, "assets/logo.png")
    path = held(tmp_path / "data" / "t.parquet", "a", "b")
    with pytest.raises(InputError) as refused:
        datasets.find(f"x={tmp_path}", tmp_path)
    assert str(refused.value) == (
        f"{tmp_path} holds 1 file of images and 1 image: give the files as x={path}, or take "
        "assets/logo.png out"
    )


def test_a_parquet_is_a_table_or_holds_images_by_its_columns_or_the_option(tmp_path: Path) -> None:
    both = table({"photo": structs([(b"x", None)]), "path": ["a.png"]})
    path = write_parquet(tmp_path / "x.parquet", both)
    for options, form in (
        (Options(), "stored"),
        (Options(path_column="path"), "table"),
        (Options(image_column="photo"), "stored"),
    ):
        assert datasets.find(f"x={path}", tmp_path, options).form == form
    options = Options(image_column="photo")
    source = datasets.find(f"x={path}", tmp_path, options)
    datasets.check_options([source], options)
    with pytest.raises(InputError, match="--image-column applies to images in .parquet or .arrow"):
        datasets.check_options(
            [datasets.find(f"x={touch(tmp_path / 'p', 'a.jpg')}", tmp_path)], options
        )
    with pytest.raises(InputError, match="--path-column and --label-column apply to tables only"):
        datasets.check_options([source], Options(path_column="path"))
