"""Claims about files of different precision: which are told, in which words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.texts import TextFile
from oodcache.score.inputs.precision import CONSEQUENCE, differences

VECTORS = np.eye(4, dtype=np.float32)
Files = Callable[..., list[ImageFile | TextFile]]


@pytest.fixture
def files(write_images: Callable[..., ImageFile]) -> Files:
    """Write files with these precisions, called a, b, c …"""

    def write(*precisions: dict[str, Any], **changes: Any) -> list[ImageFile | TextFile]:
        named = zip("abc", precisions, strict=False)
        return [write_images(name, VECTORS, precision=one, **changes) for name, one in named]

    return write


def test_each_way_is_told_once_in_the_words_of_the_options(files: Files) -> None:
    plain, coarse = {"autocast": "float32"}, {"autocast": "bfloat16", "compile": True}
    a, b, c = files(plain, coarse, coarse)
    assert differences([a, b, c]) == [
        f"{b.path} and 1 more file: computed in bfloat16, with --compile, but {a.path} "
        f"computed in float32, without --compile; {CONSEQUENCE}"
    ]
    a, b, c = files(coarse, coarse, {"other": 3})
    assert differences([a, b, c])[0].startswith(
        f"{c.path}: computed in unknown, without --compile, with other 3, but {a.path} computed in "
        "bfloat16, with --compile, with other unknown; "
    )


def test_devices_and_equal_precisions_are_not_told(files: Files) -> None:
    alike = [{"autocast": "bfloat16", "device": device} for device in ("cpu", "cuda")]
    assert differences(files(*alike)) == []


def test_the_stored_type_is_part_of_it(write_images: Callable[..., ImageFile]) -> None:
    one = write_images("a", VECTORS, precision={"autocast": "float32"})
    half = write_images("b", VECTORS, dtype=np.float16, precision={"autocast": "float32"})
    assert differences([one, half]) == [
        f"{half.path}: stored as float16, but {one.path} stored as float32; {CONSEQUENCE}"
    ]


def test_of_an_imported_file_only_the_stored_type_is_known(
    files: Files, write_images: Callable[..., ImageFile]
) -> None:
    plain, coarse = {"autocast": "float32"}, {"autocast": "bfloat16"}
    _, b, c = files(plain, plain, coarse)
    imported, half = (
        write_images(name, VECTORS, precision={"stored": kind}, encoding={"imported": "npy"})
        for name, kind in (("d", "float32"), ("e", "float16"))
    )
    told = [line.split(": ") for line in differences([imported, b, c, half])]
    assert [path for path, _ in told] == [str(c.path), str(half.path)]
    assert told[1][1].startswith(f"stored as float16, but {imported.path} stored as float32; ")


def test_others_come_first_and_their_own_differences_are_not_told_again(files: Files) -> None:
    a, b, c = files({"autocast": "float32"}, {"autocast": "bfloat16"}, {"autocast": "float16"})
    assert [line.split(":")[0] for line in differences([c], [a, b])] == [str(c.path)]
    assert differences([a], [a, b]) == []


def test_the_id_set_texts_ood_sets_and_references_are_held_against_each_other(
    score: Callable[..., Any],
    write_images: Callable[..., ImageFile],
    write_texts: Callable[..., TextFile],
    tmp_path: Path,
) -> None:
    coarse = {"autocast": "bfloat16"}
    write_texts("pets", VECTORS, precision=coarse)
    write_images("inside", VECTORS, precision={"autocast": "float32"})
    write_images("outside", -VECTORS, precision={"autocast": "float16"})
    write_images("train", np.concatenate([VECTORS, -VECTORS]), precision=coarse)
    said: list[str] = []
    score("knn:k=1", bank="train", bank_labels="predicted", note=said.append)
    told = [line.split(": computed in ")[1].split(",")[0] for line in said if CONSEQUENCE in line]
    assert told == ["bfloat16", "float16", "bfloat16"]  # Texts, OOD images, bank.
