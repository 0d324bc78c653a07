"""Claims about what `oodcache benchmark check` counts, and says is wanted where."""

from __future__ import annotations

from pathlib import Path

import pytest
from samples import write_image

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Watch
from oodcache.study.protocols import checking, shipped
from oodcache.study.protocols.protocol import Protocol, ProtocolRun

OWN = Protocol(
    "mine.toml",
    "",
    (ProtocolRun("pets", "pets=names.txt", near=("wolves",), far=("SUN",)),),
    {"pets": "photos/pets", "wolves": "wolves.txt"},
)


def checked(protocol: Protocol, data_root: Path) -> tuple[list[str], str]:
    """Return the lines, and the error after them."""
    found = []
    with pytest.raises(InputError) as caught:
        for line in checking.checked(protocol, data_root, progress=Watch().progress):
            found.append(line)
    return found, str(caught.value)


def test_a_missing_set_says_which_list_or_folder_is_wanted_where(tmp_path: Path) -> None:
    found, _ = checked(shipped.find("openood-imagenet"), tmp_path)
    assert found[0] == (
        f"missing    imagenet-openood (ID): wanted is {tmp_path}/benchmark_imglist/imagenet/"
        f"test_imagenet.txt, a list of images below {tmp_path}/images_largescale/imagenet_1k/val; "
        "from image-net.org, which requires a login, and its list from OpenOOD's folder on Google "
        "Drive"
    )
    assert found[1].startswith(
        f"missing    SSB-hard (near): wanted is {tmp_path}/images_largescale/ssb_hard, a folder"
    )
    assert found[3].endswith(f"get it: oodcache data fetch iNaturalist --data-root {tmp_path}")
    assert found[-1].startswith("missing    OpenImage-O-val (select on): ")
    (cub, *_), _ = checked(shipped.find("mcm-fine-grained"), tmp_path)
    assert f"wanted is {tmp_path}/CUB_200_2011/train_test_split.txt; from https://" in cub


def test_sets_and_class_names_of_ones_own_are_counted(tmp_path: Path) -> None:
    for name in ("cat/1.png", "cat/2.png", "dog/3.png"):
        write_image(tmp_path / "photos/pets" / name, 1)
    (tmp_path / "wolves.txt").write_text("photos/pets/dog/3.png -1\n")
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    write_image(tmp_path / "MOS/SUN/1.jpg", 1)
    found, _ = checked(OWN, tmp_path)
    assert found == [
        f"counted    pets (ID): 3 images: {tmp_path}/photos/pets",
        f"counted    wolves (near): 1 image: {tmp_path}/wolves.txt",
        f"WRONG      SUN (far): 1 image, 10,000 expected: {tmp_path}/MOS/SUN",
        f"counted    pets (classes): 2 classes: {tmp_path}/names.txt",
    ]


def test_the_error_at_the_end_counts_and_names_what_is_wrong(tmp_path: Path) -> None:
    found, error = checked(OWN, tmp_path)
    assert error == (
        f"mine.toml: 4 of 4 datasets and class lists are not complete below {tmp_path}: pets, "
        "wolves, SUN, pets (classes); the lines above say what is wanted where (another place: "
        "--data-root FOLDER)"
    )
    assert found[1] == (
        f"missing    wolves (near): wanted is {tmp_path}/wolves.txt, a folder, list or table of "
        "images"
    )
    assert found[3] == (
        f"missing    pets (classes): wanted is {tmp_path}/names.txt, with one name per line"
    )


def test_a_list_without_any_of_its_images_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "wolves.txt").write_text("none/3.png -1\n")
    assert checked(OWN, tmp_path)[0][1].startswith(f"WRONG      wolves (near): {tmp_path}/wolves")
