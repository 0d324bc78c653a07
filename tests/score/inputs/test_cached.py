"""Claims about what is found in a model's cache: classes, ID and OOD images, bank, negatives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.cache.cuts import cut_texts
from samples.score.words import unit_rows

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.negatives import Negatives
from oodcache.cache.files.texts import TextFile
from oodcache.score.inputs.cached import Cached, CachedBank, CachedNegatives, of_model

Images, Texts = Callable[..., ImageFile], Callable[..., TextFile]
PETS = ["cat", "dog", "crane"]
DINO: dict[str, Any] = {"logit_scale": None, "logit_bias": None, "architecture": {"timm": "dino"}}


def silent(line: str) -> None:
    """Fail: nothing is to be noted."""
    raise AssertionError(line)


def test_labels_tell_the_id_set_the_bank_and_the_ood_sets(
    tmp_path: Path, write_images: Images, write_texts: Texts
) -> None:
    write_texts("pets", unit_rows(3, 0), class_names=PETS)
    # 21,841 names may contain those of the classes.
    write_texts("words", unit_rows(4, 1), class_names=[*PETS, "fjord"])
    rows = unit_rows(9, 2)
    write_images("train", rows[:5], labels=[0, 1, 2, 0, 1], label_names=PETS, failed=[4])
    write_images("val", rows, labels=[0, 1, 2] * 3, label_names=PETS)
    write_images("half", rows[:2], labels=[0, 1], label_names=["cat", "fox"])
    write_images("strays", rows[:2], labels=[0, 0], label_names=["fox"])
    write_images("unlabelled", rows[:2])
    write_images("noise15", rows[:2], encoding={"size": 8, "noise": "from 0 to 1"})
    found = of_model(tmp_path, "tiny", silent)
    assert found.noise == ("noise15",)
    assert (found.label, found.scale, found.bias) == ("Tiny/one", 40.0, -12.0)
    assert (found.classes, found.count, found.id_set) == ("pets", 3, "val")
    assert found.bank == CachedBank("train", rows=4, smallest=1, has_every_class=True)
    assert found.ood_sets == ("strays", "unlabelled")
    assert found.negatives is None


def test_class_numbers_are_labels_and_a_bank_may_lack_classes(
    tmp_path: Path, write_images: Images, write_texts: Texts
) -> None:
    write_texts("pets", unit_rows(3, 0), class_names=PETS)
    numbered: dict[str, Any] = {
        "label_names": ["0", "1"],
        "source": {"name": "n", "fingerprint": "f", "labels": "numbers"},
    }
    write_images("small", unit_rows(2, 1), labels=[0, 1], **numbered)
    write_images("large", unit_rows(4, 2), labels=[0, 1, 0, 1], **numbered)
    found = of_model(tmp_path, "tiny", silent)
    assert found.id_set == "small"
    assert found.bank == CachedBank("large", rows=4, smallest=2, has_every_class=False)


def test_without_labels_no_set_is_taken_for_id_or_ood(
    tmp_path: Path, write_images: Images, write_texts: Texts
) -> None:
    write_texts("pets", unit_rows(3, 0))
    write_images("a", unit_rows(2, 1))
    write_images("b", unit_rows(2, 1), labels=[0, 0], label_names=["fox"])
    found = of_model(tmp_path, "tiny", silent)
    assert (found.id_set, found.ood_sets, found.bank) == (None, (), None)


def test_negatives_count_without_the_pool_and_their_lists_are_no_classes(
    tmp_path: Path, mined: Callable[..., Negatives]
) -> None:
    kept = mined(csp=["pool"])
    found = of_model(tmp_path, "tiny", silent)
    assert (found.classes, found.count) == ("pets", 9)
    words = len(kept.lists[0].words) + len(kept.lists[1].words)
    assert found.negatives == CachedNegatives("x", words, has_pool=True)
    mined(nearest=5)
    found = of_model(tmp_path, "tiny", silent)
    assert found.negatives is not None and found.negatives.near == 5


def test_negatives_that_are_damaged_or_lack_a_word_list_are_left_out_with_a_note(
    tmp_path: Path, mined: Callable[..., Negatives], lists: dict[str, TextFile]
) -> None:
    path = mined().path
    lists["adjectives"].path.unlink()
    notes: list[str] = []
    assert of_model(tmp_path, "tiny", notes.append).negatives is None
    assert notes == [
        f"{path}: its word list adjectives is not cached; it is left out: extract the list again "
        "with: oodcache extract --model Tiny/one --classes adjectives=FILE"
    ]
    path.write_bytes(path.read_bytes()[:-9])
    assert of_model(tmp_path, "tiny", notes.append).negatives is None
    assert notes[1].startswith(f"{path}: is not valid JSON")
    assert notes[1].endswith(
        f"it is left out: mine it again with --overwrite, or type: oodcache cache rm {path}"
    )


def test_a_model_without_class_names_is_told_how_to_add_them(
    tmp_path: Path, write_images: Images
) -> None:
    write_images("a", np.eye(4, dtype=np.float32))
    with pytest.raises(InputError) as caught:
        of_model(tmp_path, "tiny", silent)
    assert str(caught.value) == (
        f"{tmp_path}/Tiny/one: has no class names; add them with: oodcache extract --model "
        "Tiny/one --classes NAME=FILE"
    )


def test_without_texts_the_classes_are_those_of_the_labels_that_sets_share(
    tmp_path: Path, write_images: Images
) -> None:
    rows = unit_rows(9, 2)
    write_images("val", rows[:6], labels=[0, 1, 2] * 2, label_names=PETS, **DINO)
    write_images("train", rows[:5], labels=[0, 1, 2, 0, 1], label_names=PETS, **DINO)
    write_images("strays", rows, labels=[0] * 9, label_names=["fox"], **DINO)
    write_images("unlabelled", rows[:2], **DINO)
    found = of_model(tmp_path, "tiny", silent)
    assert (found.label, found.scale, found.bias) == ("Tiny/one", None, None)
    assert (found.classes, found.count, found.id_set) == (None, 3, "val")
    assert found.bank == CachedBank("train", rows=5, smallest=1, has_every_class=True)
    assert found.ood_sets == ("strays", "unlabelled")
    assert found.negatives is None


def test_without_texts_and_shared_labels_only_a_set_called_train_is_a_bank(
    tmp_path: Path, write_images: Images
) -> None:
    write_images("strays", unit_rows(9, 2), labels=[0] * 9, label_names=["fox"], **DINO)
    write_images("pets", unit_rows(3, 2), labels=[0, 1, 2], label_names=PETS, **DINO)
    assert of_model(tmp_path, "tiny", silent) == Cached("Tiny/one", None, None, None, 0)
    write_images("train", unit_rows(5, 2), **DINO)
    bank = CachedBank("train", rows=5, smallest=5, has_every_class=False)
    assert of_model(tmp_path, "tiny", silent) == Cached("Tiny/one", None, None, None, 0, bank=bank)


def test_complete_shards_count_and_incomplete_ones_do_not(
    tmp_path: Path, write_images: Images, write_texts: Texts
) -> None:
    for name in ("pets", "half"):
        file = write_texts(name, unit_rows(3, 0), class_names=PETS)
        parts = cut_texts(file.path, file.path, shard_rows=2)
        file.path.unlink()
    parts[0].unlink()
    write_images("a", unit_rows(3, 1), labels=[0, 1, 2], label_names=PETS)
    found = of_model(tmp_path, "tiny", silent)
    assert (found.classes, found.count, found.id_set) == ("pets", 3, "a")


def test_a_damaged_file_is_left_out_with_a_note_on_how_to_mend_it(
    tmp_path: Path, write_images: Images, write_texts: Texts
) -> None:
    write_texts("pets", unit_rows(3, 0), class_names=PETS)
    write_images("val", unit_rows(3, 2), labels=[0, 1, 2], label_names=PETS)
    broken = write_images("broken", unit_rows(3, 2)).path
    broken.write_bytes(broken.read_bytes()[:500])
    notes: list[str] = []
    found = of_model(tmp_path, "tiny", notes.append)
    assert (found.id_set, found.ood_sets) == ("val", ())
    (line,) = notes
    assert line.startswith(f"{broken}: ")
    assert line.endswith(
        f"it is left out: extract it again with --overwrite, or type: oodcache cache rm {broken}"
    )
