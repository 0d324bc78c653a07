"""Claims about one set of images through every kind of source: the same rows, to the bit."""

from __future__ import annotations

import csv
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from samples import planned, silent, slow_except
from samples.extract.runs import REQUEST, extract, load_once, once
from samples.extract.stored import (
    IMAGE,
    class_label,
    structs,
    table,
    write_arrow,
    write_parquet,
    write_saved,
)
from samples.extract.tars import member, write_tar

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile, open_images
from oodcache.cache.watch import Watch
from oodcache.extract.run import run
from oodcache.extract.sources.listing import Options

Make = Callable[[Path, Path], str]
NAMES = [f"{kind}/{number}.png" for kind in ("cat", "dog") for number in range(6)]
CLASSES = {"cat": "7", "dog": "12"}


def number(name: str) -> str:
    return CLASSES[name.split("/")[0]]


def as_list(photos: Path, place: Path) -> str:
    lines = [f"photos/{name} {number(name)}" for name in NAMES]
    (place / "x.txt").write_text("\n".join(lines).replace("photos/", "") + "\n")
    return f"x={place / 'x.txt'}"


def as_text(suffix: str, delimiter: str) -> Make:
    def make(photos: Path, place: Path) -> str:
        with (place / f"x{suffix}").open("w", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter)
            writer.writerow(["id", "label", "filepath"])
            writer.writerows([row, name.split("/")[0], name] for row, name in enumerate(NAMES))
        return f"x={place / f'x{suffix}'}"

    return make


def as_parquet(photos: Path, place: Path) -> str:
    numbers = [int(number(name)) for name in NAMES]
    absolute = [str(photos / name) for name in NAMES]
    parquet.write_table(pa.table({"path": absolute, "class": numbers}), place / "x.parquet")
    return f"x={place / 'x.parquet'}"


def as_tar(photos: Path, place: Path) -> str:
    files = [(f"./{name}", (photos / name).read_bytes()) for name in NAMES]
    path = write_tar(place / "x.tar", member("./", kind=tarfile.DIRTYPE), *files)
    return f"x={path}"


def as_tars(photos: Path, place: Path) -> str:
    for tar in range(4):
        files = [(name, (photos / name).read_bytes()) for name in NAMES[3 * tar : 3 * tar + 3]]
        write_tar(place / f"{tar:03d}.tar", *files)
    return f"x={place}/{{000..003}}.tar"


def as_folder_of_tars(photos: Path, place: Path) -> str:
    as_tars(photos, place / "tars")
    return f"x={place / 'tars'}"


def as_clip_benchmark(photos: Path, place: Path) -> str:
    for tar in range(2):
        files: list[tuple[str, bytes | str]] = []
        for name in NAMES[6 * tar : 6 * tar + 6]:
            files += [(name, (photos / name).read_bytes())]
            files += [(name.replace(".png", ".cls"), number(name))]
        write_tar(place / "test" / f"{tar}.tar", *files)
    (place / "test" / "nshards.txt").write_text("2")
    return f"x={place}"


def stored(photos: Path, names: list[str], *, numbered: bool = False) -> pa.Table:
    """Return rows as Hugging Face stores them: the labels in another order than ours."""
    images = structs([((photos / name).read_bytes(), name) for name in names])
    if numbered:
        return table({"image": images, "label": [int(number(name)) for name in names]})
    labels = [["dog", "cat"].index(name.split("/")[0]) for name in names]
    features = {"image": IMAGE, "label": class_label("dog", "cat")}
    return table({"image": images, "label": labels}, features)


def as_hub_folder(photos: Path, place: Path) -> str:
    for shard in range(3):
        rows = stored(photos, NAMES[4 * shard : 4 * shard + 4])
        write_parquet(place / "data" / f"test-{shard:05d}-of-00003.parquet", rows, 3)
    return f"x={place}"


def as_hub_pattern(photos: Path, place: Path) -> str:
    as_hub_folder(photos, place)
    return f"x={place}/data/test-*.parquet"


def as_stored_braces(photos: Path, place: Path) -> str:
    as_hub_folder(photos, place)
    return f"x={place}/data/test-{{00000..00002}}-of-00003.parquet"


def as_saved_to_disk(photos: Path, place: Path) -> str:
    write_saved(place / "test", stored(photos, NAMES[:7]), stored(photos, NAMES[7:]))
    (place / "dataset_dict.json").write_text('{"splits": ["test"]}')
    return f"x={place}"


def as_arrow(photos: Path, place: Path) -> str:
    return f"x={write_arrow(place / 'x.arrow', stored(photos, NAMES))}"


def as_numbered_parquet(photos: Path, place: Path) -> str:
    path = write_parquet(place / "x.parquet", stored(photos, NAMES, numbered=True), 100)
    return f"x={path}"


def as_folder(photos: Path, place: Path) -> str:
    return f"x={photos}"


SOURCES: dict[str, Make] = {
    "folder": as_folder,
    "list": as_list,
    "csv": as_text(".csv", ","),
    "tsv": as_text(".tsv", "\t"),
    "parquet": as_parquet,
    "tar": as_tar,
    "tars": as_tars,
    "folder of tars": as_folder_of_tars,
    "CLIP_benchmark": as_clip_benchmark,
    "hub folder": as_hub_folder,
    "hub pattern": as_hub_pattern,
    "hub braces": as_stored_braces,
    "saved to disk": as_saved_to_disk,
    "arrow": as_arrow,
    "numbered parquet": as_numbered_parquet,
}
# Other ways to the readers of the rest: csv, tars, hub folder and parquet.
SLOW = {
    *("tsv", "tar", "folder of tars"),
    *("hub pattern", "hub braces", "arrow", "numbered parquet"),
}
IN_WORKERS = {"tar", "tars", "folder of tars", "hub folder", "saved to disk"}
TABLES = {"list", "csv", "tsv", "parquet"}
NUMBERED = {"list", "parquet", "CLIP_benchmark", "numbered parquet"}


@pytest.fixture(autouse=True)
def one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the model once: the claims are about images."""
    load_once(monkeypatch)


def opened(path: Path) -> tuple[ImageFile, Any]:
    found = open_images(path)
    return found, np.concatenate(list(found.stored_blocks()))


@pytest.mark.parametrize("kind", slow_except({*SOURCES} - SLOW, SOURCES))
def test_the_same_images_give_the_same_file_whatever_they_come_in(
    tmp_path: Path, photos: Path, kind: str
) -> None:
    (photos / "cat" / "2.png").write_bytes((photos / "cat" / "2.png").read_bytes()[:200])
    (photos / "dog" / "3.png").write_bytes(b"")
    place = tmp_path / "place"
    (place / "tars").mkdir(parents=True)
    options = Options(image_root=photos) if kind in TABLES else Options()
    specification = SOURCES[kind](photos, place)
    workers = 2 if kind in IN_WORKERS else 0
    folder, vectors = opened(once(tmp_path, "folder", sources=[f"x={photos}"]))
    found, same = opened(
        once(tmp_path, "other", sources=[specification], options=options, workers=workers)
    )
    assert found.paths() == folder.paths() == [name.encode() for name in NAMES]
    assert same.tobytes() == vectors.tobytes()
    assert found.norm.tobytes() == folder.norm.tobytes()
    assert found.errors() == folder.errors()
    assert sorted(found.errors()) == [2, 9]
    numbered = found.identity.source.get("labels") == "numbers"
    assert numbered == (kind in NUMBERED)
    expected = [number(name) if numbered else name.split("/")[0] for name in NAMES]
    assert [found.label_names[label] for label in found.label.tolist()] == expected


@pytest.mark.parametrize(
    "kind", slow_except({"tars", "hub folder"}, ["tars", "hub folder", "saved to disk"])
)
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(
    tmp_path: Path, photos: Path, kind: str
) -> None:
    (tmp_path / "place").mkdir()
    sources = [SOURCES[kind](photos, tmp_path / "place")]
    whole = once(tmp_path, sources=sources)
    extract(tmp_path, sources=sources, part=2, parts=2)
    (path,) = extract(tmp_path, sources=sources)
    assert path.read_bytes() == whole.read_bytes()


def test_a_tar_that_is_gone_as_it_is_read_ends_the_run_and_keeps_what_is_done(
    tmp_path: Path, photos: Path
) -> None:

    from oodcache.cache.errors import InputError

    (tmp_path / "place").mkdir()
    made = planned(
        tmp_path, REQUEST, [], sources=[as_tars(photos, tmp_path / "place")], shard_rows=3
    )
    for tar in (2, 3):
        with (tmp_path / "place" / f"{tar:03d}.tar").open("ab") as file:
            file.write(bytes(1024))
    with pytest.raises(InputError, match="missing or empty: run the same command again"):
        run.run(made, Watch(lambda text: None, silent))
    assert len(list((tmp_path / "embeddings").rglob("*-of-00004-*.h5"))) == 2


def test_a_corrected_label_is_not_taken_for_the_same_data_set(tmp_path: Path, photos: Path) -> None:
    specification = as_list(photos, photos)
    extract(tmp_path, sources=[specification])
    text = (photos / "x.txt").read_text()
    (photos / "x.txt").write_text(text.replace("cat/3.png 7", "cat/3.png 12"))
    with pytest.raises(InputError, match="inputs changed: "):
        extract(tmp_path, sources=[specification])
