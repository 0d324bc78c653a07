"""Claims about which files are images, by name or content, and how the others are counted."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from oodcache.cache.image_formats import EXTENSIONS
from oodcache.extract.sources.image_files import (
    LONGEST,
    LeftOut,
    aside,
    extension,
    is_image,
    starts_like_an_image,
    tar_aside,
)


def left_out(*paths: bytes) -> LeftOut:
    found = LeftOut()
    for path in paths:
        found.add(path)
    return found


def test_every_extension_of_pillows_own_for_the_formats_that_are_opened_is_known() -> None:
    Image.init()
    unread = {".pfm", ".avifs"}  # Depths; films.
    own = {one for one, form in Image.registered_extensions().items() if form in EXTENSIONS}
    screens = {".icb", ".vda", ".vst"}  # TGA's of the 1980s.
    assert {one for one in own - screens if not is_image(b"a" + one.encode())} == unread


@pytest.mark.parametrize("name", [b"a.JPG", b"a.JFIF", b"a.avif", b"a.ico", b"x/a.b.Jp2"])
def test_the_case_of_an_extension_does_not_matter(name: bytes) -> None:
    assert is_image(name)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (b"a.HEIC", b".heic"),
        (b"a.tar.gz", b".tar.gz"),
        (b"a.b.gz", b".gz"),
        (b"a", b""),
        (b"x.y/a", b""),
        (b"frame.0001", b""),
        (b"a.jpg?w=300", b""),
        (b"St. Bernard 1", b""),
        (b"a.mp3", b".mp3"),
        (b"a.7z", b".7z"),
        (b".png", b""),
    ],
)
def test_an_extension_is_a_dot_and_a_few_letters_or_digits(name: bytes, found: bytes) -> None:
    assert extension(name) == found


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG2000", "AVIF"])
def test_an_image_is_known_by_its_first_bytes(form: str) -> None:
    content = io.BytesIO()
    Image.new("RGB", (9, 9)).save(content, form)
    assert starts_like_an_image(content.getvalue()[:LONGEST])


@pytest.mark.parametrize(
    "content", [b"", b"# README", b"BMW is a car maker", b"RIFF\0\0\0\0WAVEfmt ", b"%!PS", b"II"]
)
def test_other_files_do_not_start_like_an_image(content: bytes) -> None:
    assert not starts_like_an_image(content[:LONGEST])


def test_files_are_counted_by_extension_possible_images_first() -> None:
    found = left_out(b"1.txt", b"2.TXT", b"3.txt", b"README", b"x/a.HEIC")
    assert str(found) == "1 .heic, 3 .txt, 1 extensionless file"
    assert found.note == f"left out: {found} (.heic may be images: convert them to .png)"
    assert (found.total, found.may_be_images) == (5, True)


def test_files_that_nobody_takes_for_images_need_no_advice() -> None:
    found = left_out(b"a.txt", b"a.csv")
    assert (found.note, found.may_be_images) == ("left out: 1 .csv, 1 .txt", False)
    assert LeftOut().note == ""


def test_many_kinds_of_files_make_no_long_line() -> None:
    found = left_out(*(b"a.x%d" % kind for kind in range(500)), *[b"a." + b"y" * 200] * 7)
    assert found.total == 507
    assert len(found.note) < 200
    assert found.note.endswith(" others")


@pytest.mark.parametrize("name", [b"@eaDir", b".thumbnails", b".AppleDouble", b"__MACOSX"])
def test_folders_of_thumbnails_and_copies_are_left_out_and_named(name: bytes) -> None:
    assert aside(name, is_folder=True) == f"{name.decode()} folder"
    assert tar_aside(b"cat/" + name + b"/a.jpg") == f"{name.decode()} file"


def test_hidden_images_are_counted_and_other_hidden_files_are_not() -> None:
    names = [b"._a.jpg", b".a.jpg", b".DS_Store", b"a.jpg", b"@eaDir"]
    found = [aside(name, is_folder=False) for name in names]
    assert found == ["._ file", "hidden image", "", None, None]
    assert tar_aside(b".git/a.jpg") == "hidden image"
    assert tar_aside(b".git/config") == ""
    assert tar_aside(b"cat/a.jpg") is None


def test_archives_that_are_read_after_all_are_not_counted() -> None:
    found = left_out(b"0.tar", b"more/1.tar", b"a.json").without([b"0.tar"])
    assert found.counts == {".tar": 1, ".json": 1}
    assert found.archives == [b"more/1.tar"]
    assert not left_out(b"0.tar", b"a.json").without([b"0.tar"]).may_be_images
