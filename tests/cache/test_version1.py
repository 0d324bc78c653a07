"""Claims about the kept files of version 1, which every later reader must read.

All that is expected stands here, typed; nothing of it is read by our own writer.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from oodcache.cache.files.images import open_image_shard, open_images
from oodcache.cache.files.negatives import read_negatives
from oodcache.cache.files.scores import column_names, read_images
from oodcache.cache.files.texts import open_text_shard, open_texts
from oodcache.cache.shards.merging import peek
from oodcache.cache.store.verification import kind_of, verify

FOLDER = Path(__file__).parent / "version1"
SHA256 = {
    "image-shard": "2130d6f27352b13ab1a27c69f8464e568dc0fd59160e6057d4547db0b0bf1357",
    "images": "c9a54ccdaf4ab5026ab9630accf1deae96a0f1914e15ecc79b7021cce86eee47",
    "text-shard": "b99155eee9eca15f247b80ea33fc488ddbd830996e0fd3e91e77d8774d9f82ba",
    "texts": "0e576fc141721d91d19c2eca35d27d49c4cbcc25cae52f2e297b9aed60bb7e87",
}
# IEEE 754, little-endian: 1, 0.6 and 0.8, 0.5 and -0.5, -0.28 and 0.96, -1.
FLOAT32 = (
    "0000803f 00000000 00000000 00000000",
    "9a99193f cdcc4c3f 00000000 00000000",
    "00000000 00000000 00000000 00000000",
    "0000003f 000000bf 0000003f 000000bf",
    "00000000 00000000 295c8fbe 8fc2753f",
    "00000000 00000000 00000000 000080bf",
)
FLOAT16 = (
    "003c 0000 0000 0000",
    "cd38 663a 0000 0000",
    "0000 0000 0000 0000",
    "0038 00b8 0038 00b8",
    "0000 0000 7bb4 ae3b",
    "0000 0000 0000 00bc",
)
PATHS = [
    b"cat/0.png",
    b"cat/\xff\xfe.png",
    b"gr\xc3\xb6\xc3\x9fer/bad\n.png",
    b"dog/3.png",
    b"4.png",
    b"dog/five.png",
]
NAMES = ("cat", "dog", "größer")
REASON = {2: "UnidentifiedImageError: größer"}


def bits(*rows: str) -> bytes:
    return bytes.fromhex("".join(rows))


@pytest.mark.parametrize("kind", SHA256)
def test_the_kept_files_are_the_ones_that_were_kept_and_sound(kind: str) -> None:
    path = FOLDER / f"{kind}.h5"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == SHA256[kind]
    assert kind_of(path) == kind
    verify(path)


def test_the_kept_images_are_read_to_the_bit() -> None:
    file = open_images(FOLDER / "images.h5")
    assert (file.rows, file.dimension, file.dtype, file.place) == (6, 4, np.float32, None)
    assert b"".join(block.tobytes() for block in file.blocks(4)) == bits(*FLOAT32)
    assert file.ok.tolist() == [True, True, False, True, True, True]
    assert file.label.tolist() == [0, 0, 2, 1, -1, 1]
    assert file.label_names == NAMES
    assert file.norm.tolist() == [1, 2.5, 0, 0.125, 30, 7]
    assert file.paths() == PATHS
    assert file.errors() == REASON


def test_the_identity_of_the_kept_images_is_read() -> None:
    identity = open_images(FOLDER / "images.h5").identity
    model = identity.model
    assert (model.name, model.pretrained, model.requested) == ("kept", "one", "kept/one")
    assert (model.weights, model.checkpoint) == ("5e" * 32, None)
    assert model.architecture == {"embed_dim": 4, "vision_cfg": {"layers": 2}}
    assert (model.logit_scale, model.logit_bias) == (117.25, -12.5)
    assert identity.source == {"name": "pets", "fingerprint": "ab" * 32, "images": 6}
    assert identity.encoding == {"image_size": 16, "mean": [0.5, 0.25, 0.125]}
    assert identity.precision == {"autocast": "float32", "device": "cpu"}
    assert identity.versions == {"oodcache": "0.1.0", "torch": "2.14.1"}
    assert identity.vectors == hashlib.sha256(bits(*FLOAT32)).hexdigest()


def test_the_kept_shard_of_images_is_read_to_the_bit() -> None:
    path = FOLDER / "image-shard.h5"
    file = open_image_shard(path)
    assert (file.rows, file.dimension, file.dtype) == (4, 4, np.float16)
    assert b"".join(block.tobytes() for block in file.stored_blocks()) == bits(*FLOAT16[:4])
    assert np.concatenate(list(file.blocks()))[3].tolist() == [0.5, -0.5, 0.5, -0.5]
    assert file.paths() == PATHS[:4]
    assert (file.label.tolist(), file.label_names) == ([0, 0, 2, 1], NAMES)
    assert file.errors() == REASON
    assert file.place is not None
    assert (file.place.first, file.place.total, file.place.shard_rows) == (0, 6, 4)
    assert file.place.run == "86adc7f12de197b35f25d98288fc3d6e15f2b58e11da5e36e79a492766fccbda"
    assert peek(path).failed == 1


def test_the_kept_texts_are_read_to_the_bit() -> None:
    file = open_texts(FOLDER / "texts.h5")
    stored = bits(*(FLOAT16[row] for row in (0, 1, 3, 4, 5, 0)))
    rows = np.frombuffer(stored, "<f2").reshape(2, 3, 4).astype(np.float64)
    unit = rows / np.sqrt((rows**2).sum(axis=-1, keepdims=True))
    assert file.embeddings.dtype == np.float32
    assert np.abs(file.embeddings - unit).max() < 1e-7
    assert file.vocabulary.names == ("missile", "missile", "Größe")
    assert file.vocabulary.ids == ("n1", "n2", "n3")
    assert file.vocabulary.templates == ("{}", "a photo of a {}.")
    model = file.identity.model
    assert (model.label, model.requested, model.checkpoint) == ("kept-clip/one", "clip", "c4" * 32)
    assert (model.logit_scale, model.logit_bias) == (100, None)
    assert file.identity.source == {"name": "names", "fingerprint": "cd" * 32}
    assert file.identity.encoding == {"tokenizer": "SimpleTokenizer", "context_length": 77}
    assert file.identity.vectors == hashlib.sha256(stored).hexdigest()


def test_the_kept_shard_of_texts_is_read_to_the_bit() -> None:
    file = open_text_shard(FOLDER / "text-shard.h5")
    assert file.stored.dtype == np.float32
    assert file.stored.tobytes() == bits(FLOAT32[5], FLOAT32[0])
    assert file.norm.tolist() == [5, 6]
    assert file.vocabulary.templates == ("{}", "a photo of a {}.")
    assert (file.place.first, file.place.total, file.place.shard_rows) == (4, 6, 4)
    assert file.place.run == "e4eb2b1bd14623abeb80e191f637a76816cbebbc465f03243cbf8675570c0f3b"


def test_reading_leaves_a_file_as_it_was(tmp_path: Path) -> None:
    for kind in SHA256:
        path = Path(shutil.copy(FOLDER / f"{kind}.h5", tmp_path))
        path.chmod(0o400)
        before = path.stat()
        verify(path)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == SHA256[kind]
        assert path.stat().st_mtime_ns == before.st_mtime_ns
        assert path.stat().st_size == before.st_size
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted(SHA256)


def kept(name: str, digest: str) -> Path:
    path = FOLDER / name
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
    return path


def test_the_kept_negatives_are_read() -> None:
    path = kept(
        "negatives.json", "a67b9640c9538bd1b416f02d77f9a41ab167cb058d3e5ddba961c0ebf3e006d7"
    )
    found = read_negatives(path)
    assert (found.label, found.classes, found.template, found.keep) == (
        *("kept/one", "pets", "a {}"),
        "4",
    )
    assert (found.weights, found.architecture) == ("00" * 32, {"embed_dim": 4})
    assert found.class_vectors.startswith("b99fa329")
    (words,) = found.lists
    assert (words.vocabulary, words.role, words.percentile) == ("nouns", "negative", 95)
    assert (words.candidates, words.words) == (6, ("sand", "river", "wheel", "rock"))
    assert found.versions == {"oodcache": "0.1.0", "numpy": "2.4.6"}


def test_the_kept_scores_are_read() -> None:
    path = kept("scores.h5", "d137b525c85975016b43ba2890d419ab487e26c4eee9777607d0e5b6c2bdf726")
    names = ("mcm", "mcm:temperature=learned", "energy", "neglabel:groups=2", "knn:k=2")
    assert list(column_names(path)) == [f"{name}{end}" for name in names for end in ("", " shown")]
    pets, strays = read_images(path)
    assert (pets.model, pets.template, pets.data_set) == ("kept/one", "a {}", "pets")
    assert (len(pets), strays.data_set, len(strays)) == (7, "strays", 6)
    # The image that could not be decoded has no score.
    assert list(pets.paths()) == [b"%d.png" % row for row in (0, 1, 3, 4, 5, 6, 7)]
    assert list(pets.labels()) == [b"cat", b"dog", b"dog", b"cat", b"dog", b"cat", b"dog"]
    assert list(pets.nearest())[:4] == [b"cat", b"dog", b"dog", b"cat"]
    assert pets.scores["knn:k=2"][:2].tolist() == [-0.6275385236570441, -1.019742549490804]
    assert strays.scores["mcm shown"][3] == 0.6852140274533893
