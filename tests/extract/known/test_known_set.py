"""Claims about what a known dataset says of itself."""

from __future__ import annotations

from oodcache.extract.known.known_set import Archive, KnownSet

ARCHIVE = Archive("https://x.org/files/all.tar.gz", "top")


def test_an_archive_is_named_by_the_end_of_its_address() -> None:
    assert ARCHIVE.name == "all.tar.gz"


def test_a_set_belongs_where_fetch_puts_it_or_where_it_says_or_in_its_first_folder() -> None:
    folders = ("other/images", "top/images")
    assert KnownSet(3, folders, archive=ARCHIVE).place == "MOS/top"
    assert KnownSet(3, folders).place == "other/images"
    assert KnownSet(3, belongs="lists").place == "lists"


def test_the_images_of_an_archive_are_in_the_folder_that_begins_with_its_own() -> None:
    assert KnownSet(3, ("other/images", "top/images"), archive=ARCHIVE).unpacked == "top/images"
