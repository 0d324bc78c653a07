"""Claims about data sets as they are typed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.score.inputs.sets import typed_sets


def refusal(id_set: str, ood_sets: Sequence[str], select_on: str | None = None) -> str:
    with pytest.raises(InputError) as error:
        typed_sets(id_set, ood_sets, select_on)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_id_set_is_first_and_what_settings_are_picked_on_last() -> None:
    found = typed_sets("val:imagenet10", ["SUN", "val:imagenet20"], "Places")
    assert [str(one) for one in found] == [
        *("--id val:imagenet10", "--ood SUN", "--ood val:imagenet20", "--select-on Places"),
    ]
    assert [one.data_set for one in found] == ["val", "SUN", "val", "Places"]
    assert [one.subset and len(one.subset.ids) for one in found] == [10, None, 20, None]


@pytest.mark.parametrize(
    ("id_set", "ood_sets", "select_on", "words"),
    [
        ("a", ["a"], None, "'a' is both --id and --ood; give two sets"),
        ("a", ["b", "b"], None, "--ood 'b' is given twice"),
        ("a", ["b"], "a", "'a' is both --id and --select-on; give two sets"),
        (
            *("a", ["b", "c"], "c"),
            "'c' is both --ood and --select-on: a set that picks a setting cannot measure it; omit "
            "--ood c, or pick on another set",
        ),
        (
            *("a", ["b"], "a:imagenet10"),
            "--id a and --select-on a:imagenet10 share images: one contains the other",
        ),
        (
            *("a", ["b:imagenet10"], "b"),
            "--ood b:imagenet10 and --select-on b share images: one contains the other",
        ),
        (
            *("a:imagenet20", ["b"], "c:imagenet100"),
            "--id a:imagenet20 and --select-on c:imagenet100 share classes: n01632458, n04147183; "
            "remove them from one, with a list of ids: NAME:@FILE",
        ),
        (
            *("a", ["b:imagenet20"], "b:imagenet100"),
            "--ood b:imagenet20 and --select-on b:imagenet100 share classes: n01632458, n04147183; "
            "remove them from one, with a list of ids: NAME:@FILE",
        ),
    ],
)
def test_sets_that_share_images_are_refused(
    id_set: str, ood_sets: list[str], select_on: str | None, words: str
) -> None:
    assert refusal(id_set, ood_sets, select_on) == words


def test_ood_sets_and_what_is_picked_on_may_have_images_of_the_same_classes(
    tmp_path: Path,
) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("cat\n")
    assert len(typed_sets("a", ["b:imagenet20"], "c:imagenet20")) == 3
    assert len(typed_sets("a:imagenet10", [f"b:@{listed}"], "b:imagenet20")) == 3


def test_sets_joined_by_a_comma_say_to_repeat_the_option() -> None:
    with pytest.raises(InputError, match=r"^--ood 'a, b': repeat the option: --ood a --ood b$"):
        typed_sets("pets", ["a, b"], None)
    with pytest.raises(InputError, match=r"^--id 'a,b': give one dataset$"):
        typed_sets("a,b", ["c"], None)


def shifted(csid: Sequence[str], id_set: str = "val", select_on: str | None = None) -> str:
    with pytest.raises(InputError) as error:
        typed_sets(id_set, ["SUN", "net:imagenet20"], select_on, csid)
    return str(error.value)


def test_csid_sets_come_after_ood_sets_and_may_share_classes_with_the_id_set() -> None:
    found = typed_sets("val:imagenet10", ["SUN"], "Places", ["v2:imagenet10", "r"])
    assert [one.option for one in found] == ["--id", "--ood", "--csid", "--csid", "--select-on"]
    assert [one.typed for one in found][2:4] == ["v2:imagenet10", "r"]


@pytest.mark.parametrize(
    ("csid", "words"),
    [
        (["val"], "'val' is both --id and --csid; give two sets"),
        (["SUN"], "'SUN' is both --csid and --ood; give two sets"),
        (["v2", "v2"], "--csid 'v2' is given twice"),
        (["val:imagenet10"], "--id val and --csid val:imagenet10 share images"),
        (["net"], "--csid net and --ood net:imagenet20 share images"),
        (["v2:imagenet20"], "--csid v2:imagenet20 and --ood net:imagenet20 share classes"),
        (["v2", "v2:imagenet10"], "--csid v2 and --csid v2:imagenet10 share images"),
        (["v2,r"], "repeat the option: --csid v2 --csid r"),
    ],
)
def test_csid_sets_share_no_images_with_others(csid: list[str], words: str) -> None:
    assert words in shifted(csid)


def test_a_csid_set_does_not_pick_settings() -> None:
    assert shifted(["v2"], select_on="v2") == "'v2' is both --csid and --select-on; give two sets"


@pytest.mark.parametrize("name", ["full-spectrum", "csid:imagenet10"])
def test_an_id_set_is_not_named_like_rows_on_csid_images(name: str) -> None:
    assert "is reserved for rows on csid images" in shifted(["v2"], name)
    assert typed_sets(name, ["SUN"], None)
