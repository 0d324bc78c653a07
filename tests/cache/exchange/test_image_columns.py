"""Claims about the columns that hold images: which are taken, and what to type otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from samples.extract.stored import (
    IMAGE,
    STRUCT,
    class_label,
    structs,
    write_arrow,
    write_parquet,
)

from oodcache.cache.errors import InputError
from oodcache.cache.exchange import image_arrow, image_parquet
from oodcache.cache.exchange.image_columns import (
    ImageColumns,
    byte_columns,
    columns,
    image_columns,
)

HERE = Path("x.parquet")
AUDIO = {"_type": "Audio"}
ONE = {"image": STRUCT}


def schema(kinds: dict[str, Any], features: object = None) -> Any:
    metadata = None if features is None else json.dumps({"info": {"features": features}})
    found = pa.schema([*kinds.items()])
    return found if metadata is None else found.with_metadata({"huggingface": metadata})


def found(
    kinds: dict[str, Any],
    features: object = None,
    image: str | None = None,
    label: str | None = None,
) -> ImageColumns:
    return columns(HERE, schema(kinds, features), image, label)


def test_the_only_struct_of_bytes_and_path_is_the_image() -> None:
    one = found({"id": pa.int64(), "img": STRUCT, "label": pa.int64()})
    assert one == ImageColumns("img", True, True, "label", None)
    assert (one.content, one.described) == ("img.bytes", ["img.path", "label"])


def test_image_goes_before_other_columns_of_images() -> None:
    assert found({"mask": STRUCT, "image": STRUCT}).image == "image"
    with pytest.raises(InputError, match="several image columns, 'left', 'right'; give --image-c"):
        found({"left": STRUCT, "right": STRUCT})
    assert found({"left": STRUCT, "right": STRUCT}, image="right").image == "right"


def test_audio_is_no_image_though_its_struct_is_the_same() -> None:
    kinds, features = {"audio": STRUCT, "photo": STRUCT}, {"audio": AUDIO, "photo": IMAGE}
    assert image_columns(HERE, schema(kinds, features)) == ["photo"]
    assert image_columns(HERE, schema({"audio": STRUCT}, {"audio": AUDIO})) == []


def test_a_struct_whose_feature_is_a_struct_may_be_an_image() -> None:
    value = {"_type": "Value", "dtype": "binary"}
    features = {"image": {"bytes": value, "path": {**value, "dtype": "string"}}}
    assert image_columns(HERE, schema(ONE, features)) == ["image"]


def test_plain_bytes_are_images_only_by_name() -> None:
    plain = schema({"jpg": pa.binary(), "text": pa.string(), "png": pa.large_binary()})
    assert (image_columns(HERE, plain), byte_columns(plain)) == ([], ["jpg", "png"])
    with pytest.raises(InputError, match="no column of images.*or --image-column jpg$"):
        columns(HERE, plain, None, None)
    assert columns(HERE, plain, "png", None).content == "png"


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        (pa.list_(STRUCT), "several images per row"),
        (pa.int64(), "holds int64; expected one image per row"),
        (pa.struct([("path", pa.string())]), "holds struct<path: string>"),
        (pa.string(), "holds string"),
    ],
)
def test_a_named_column_of_another_type_is_rejected(kind: Any, holds: str) -> None:
    with pytest.raises(InputError, match=holds):
        found({"x": kind}, image="x")


def test_a_column_of_lists_of_images_is_named() -> None:
    with pytest.raises(InputError, match="column 'images' holds several images per row"):
        found({"images": pa.list_(STRUCT), "id": pa.int64()})


@pytest.mark.parametrize("option", ["image", "label"])
def test_a_column_that_is_not_there_is_answered_with_those_that_are(option: str) -> None:
    with pytest.raises(InputError, match=f"no column 'x', which --{option}-column names; has 'im"):
        found(ONE, **{option: "x"})


def test_the_only_class_label_is_the_label_and_has_names() -> None:
    kinds = {**ONE, "id": pa.int64(), "breed": pa.int64()}
    one = found(kinds, {"image": IMAGE, "breed": class_label("b", "a")})
    assert (one.label, one.classes) == ("breed", ("b", "a"))


def test_several_class_labels_need_a_choice_unless_one_is_called_label() -> None:
    fine, coarse = class_label("rose", "oak"), class_label("flower", "tree")
    kinds = {**ONE, "fine_label": pa.int64(), "coarse_label": pa.int64()}
    features = {"fine_label": fine, "coarse_label": coarse}
    with pytest.raises(InputError, match="'fine_label', 'coarse_label'; give --label-column NAME"):
        found(kinds, features)
    assert found(kinds, features, label="coarse_label").classes == ("flower", "tree")
    both = found({**kinds, "label": pa.int64()}, {**features, "label": class_label("x")})
    assert both.classes == ("x",)


def test_the_only_class_label_goes_before_plain_numbers_called_label() -> None:
    kinds = {**ONE, "label": pa.int64(), "species": pa.int64()}
    one = found(kinds, {"image": IMAGE, "species": class_label("cat", "dog")})
    assert (one.label, one.classes) == ("species", ("cat", "dog"))


def test_a_list_of_labels_is_said_or_rejected_if_it_is_named() -> None:
    kinds = {**ONE, "labels": pa.list_(pa.int64())}
    one = found(kinds)
    assert one.label is None
    assert one.note.startswith("column 'labels' holds list<")
    assert "several labels per image: the images are unlabelled" in one.note
    with pytest.raises(InputError, match="several labels per image; give --label-column"):
        found(kinds, label="labels")


def test_no_label_is_said() -> None:
    assert found(ONE).note == (
        "no column label, labels or class: the images are unlabelled; use --label-column for "
        "another"
    )


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        (b"{", "cannot be read"),
        (b"\xff", "cannot be read"),
        (b"[" * 10**5, "nested deeper than 16"),
        (b'{"a": 1, "a": 2}', "duplicate key"),
        (b" " * (2**24 + 1), "16,777,217 bytes of Hugging Face metadata"),
        (json.dumps({"info": {"features": {"label": class_label("a", "a")}}}), "two classes"),
        (json.dumps({"info": {"features": {"label": class_label("a", " ")}}}), "of the name ' '"),
        (
            json.dumps({"info": {"features": {"label": {"_type": "ClassLabel", "names": 3}}}}),
            "not a list of texts",
        ),
    ],
)
def test_hostile_metadata_is_rejected_in_one_line(metadata: bytes | str, why: str) -> None:
    hostile = schema({**ONE, "label": pa.int64()}).with_metadata({"huggingface": metadata})
    with pytest.raises(InputError, match=why) as refused:
        columns(HERE, hostile, None, None)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("metadata", ["[]", '{"info": 3}', '{"info": {"features": []}}', "null"])
def test_metadata_without_features_is_none(metadata: str) -> None:
    odd = schema({**ONE, "label": pa.int64()}).with_metadata({"huggingface": metadata})
    assert columns(HERE, odd, None, None).classes is None


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_a_name_that_is_not_utf8_is_rejected(tmp_path: Path, suffix: str) -> None:
    write, module = {
        ".parquet": (write_parquet, image_parquet),
        ".arrow": (write_arrow, image_arrow),
    }[suffix]
    path = write(tmp_path / f"x{suffix}", pa.table({"image": structs([]), "zzzzz": [""] * 0}))
    path.write_bytes(path.read_bytes().replace(b"zzzzz", b"zz\xffzz"))
    with pytest.raises(InputError, match="is not UTF-8 text|not a readable parquet file"):
        columns(path, module.schema(path), None, "x")
