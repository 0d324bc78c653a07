"""Claims about cached sets and class names that are not those a protocol points to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from samples import write_image
from samples.study.benchmark import CLIP, OPENAI, identity, unit, write_words

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageBatch, ImageRows, write_images
from oodcache.cache.watch import Watch
from oodcache.extract.sources import datasets
from oodcache.study.protocols.lines import ProtocolRequest
from oodcache.study.protocols.protocol import Protocol, ProtocolRun
from oodcache.study.protocols.sameness import check_same

RUN = ProtocolRun("pets", "breeds=names.txt", ood=("photos",))
OWN = Protocol("mine.toml", "", (RUN,), {"pets": "pets", "photos": "textures"})


@pytest.fixture
def wanted(tmp_path: Path) -> ProtocolRequest:
    return ProtocolRequest("clip-openai", tmp_path / "embeddings", tmp_path / "data")


def extracted(wanted: ProtocolRequest, name: str, folder: str) -> Path:
    """Write the cached file of a set as if it was extracted from a folder, and return it."""
    listing = datasets.list_images(
        datasets.find(f"{name}={wanted.data_root / folder}", wanted.data_root)
    )
    path = names.image_path(wanted.cache, OPENAI, name)
    vectors = unit(np.random.default_rng(0).normal(size=(listing.rows, 16)))
    write_images(
        path,
        [ImageBatch(vectors, np.ones(listing.rows, np.float32), {})],
        rows=ImageRows(listing.images.paths, listing.images.labels, listing.images.label_names),
        identity=replace(identity(name, OPENAI, CLIP), source=listing.origin),
    )
    return path


@pytest.fixture
def folders(wanted: ProtocolRequest) -> None:
    for number, name in enumerate(("pets", "textures", "textures", "elsewhere")):
        write_image(wanted.data_root / name / f"{number}.png", number)


def told(wanted: ProtocolRequest) -> list[str]:
    notes: list[str] = []
    check_same(OWN, wanted, Watch(notes.append))
    return notes


def test_a_set_of_other_images_under_the_same_name_is_an_error(
    wanted: ProtocolRequest, folders: None
) -> None:
    extracted(wanted, "pets", "pets")
    path = extracted(wanted, "photos", "textures")
    assert told(wanted) == []
    path.unlink()
    extracted(wanted, "photos", "elsewhere")
    with pytest.raises(InputError) as caught:
        told(wanted)
    assert str(caught.value) == (
        f"{path}: inputs changed: the cache has 1 image, the source has 2; new: '1.png', '2.png'; "
        "gone: '3.png'; replace it with oodcache extract --overwrite, use another name in "
        "mine.toml, or another --cache"
    )


def test_a_set_whose_images_are_not_there_is_taken_as_it_is_and_told(
    wanted: ProtocolRequest, folders: None
) -> None:
    extracted(wanted, "pets", "pets")
    extracted(wanted, "photos", "textures")
    for path in (wanted.data_root / "textures").iterdir():
        path.unlink()
    (wanted.data_root / "textures").rmdir()
    root = wanted.data_root
    assert told(wanted) == [f"not below {root}, so taken from the cache as they are: photos"]
    assert told(replace(wanted, model="other/model")) == []  # Nothing is cached for it.


def test_class_names_of_another_file_are_an_error(wanted: ProtocolRequest) -> None:
    wanted.data_root.mkdir()
    write_words(wanted.cache, name="breeds", words=["cat", "dog"])
    root = wanted.data_root
    taken = f"not below {root}, so taken from the cache as they are: breeds (classes)"
    assert told(wanted) == [taken]
    (root / "names.txt").write_text("cat\ndog\n")
    assert told(wanted) == []
    path = names.text_path(wanted.cache, OPENAI, "breeds")
    with pytest.raises(InputError, match="breeds.h5: inputs changed: .*names.txt has other class"):
        (root / "names.txt").write_text("cat\ncow\n")
        told(wanted)
    assert path.exists()
