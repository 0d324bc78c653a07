"""Claims about sources: which csid images are taken for copies of ID images, by their names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oodcache.score.measures.spectrum.sources import NamedImages, grouped

FLAT = [b"val_01.JPEG", b"val_02.JPEG", b"val_03.JPEG"]


def images(paths: Sequence[bytes], classes: Sequence[int]) -> NamedImages:
    return NamedImages(paths, np.array(classes))


def test_every_corruption_and_severity_has_the_image_that_it_was_made_from() -> None:
    corrupted = [b"fog/1/n1/val_02.JPEG", b"fog/5/n1/val_02.JPEG", b"snow/1/n0/val_01.png"]
    sets = {"val": images(FLAT, [0, 1, 1]), "c": images(corrupted, [1, 1, 0])}
    positives, found = grouped(sets)
    assert positives.groups.tolist() == [0, 1, 2, 1, 1, 0]
    assert found == {"c": 3}


def test_id_images_that_share_file_names_are_told_apart_by_their_folders() -> None:
    sets = {
        "val": images([b"cat/1.png", b"dog/1.png"], [0, 1]),
        "c": images([b"fog/dog/1.png", b"fog/cat/1.png"], [1, 0]),
    }
    assert grouped(sets)[0].groups.tolist() == [0, 1, 1, 0]


def test_an_equal_name_in_another_class_is_no_source() -> None:
    sets = {"val": images(FLAT, [0, 1, 1]), "r": images([b"n2/val_01.jpg"], [2])}
    positives, found = grouped(sets)
    assert positives.groups.tolist() == [0, 1, 2, 3] and found == {"r": 0}


def test_images_without_labels_have_a_source_by_name_alone() -> None:
    sets = {"val": images(FLAT, [0, 1, 1]), "c": images([b"val_03.png"], [-1])}
    assert grouped(sets)[1] == {"c": 1}
    numbers = {"val": images([b"1.png", b"2.png"], [0, 1]), "c": images([b"1.png"], [-1])}
    assert grouped(numbers)[1] == {"c": 0}


def test_a_few_equal_names_are_chance() -> None:
    names = [b"val_01.jpg", b"a.jpg", b"b.jpg"]
    sets = {"val": images(FLAT, [0, 1, 1]), "r": images(names, [0, 1, 1])}
    positives, found = grouped(sets)
    assert found == {"r": 0} and positives.are_independent


def test_copies_of_an_image_that_is_not_in_the_id_set_are_a_group() -> None:
    names = [b"fog/val_9.png", b"fog/val_8.png", b"snow/val_9.png"]
    sets = {"val": images(FLAT, [0, 1, 1]), "c": images(names, [0, 0, 0])}
    groups = grouped(sets)[0].groups.tolist()
    assert groups[3] == groups[5] != groups[4] and min(groups[3:]) == 3 and max(groups) == 4


def test_two_sets_share_sources_but_no_other_group() -> None:
    sets = {
        "val": images(FLAT, [0, 1, 1]),
        "c": images([b"fog/val_01.png", b"x.png"], [0, 1]),
        "bar": images([b"rain/val_01.png", b"x.png"], [0, 1]),
    }
    assert grouped(sets)[0].groups.tolist() == [0, 1, 2, 0, 3, 0, 4]
