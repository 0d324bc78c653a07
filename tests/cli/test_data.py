"""Claims about `oodcache data`, against a server on this machine; once with the real count."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from samples import Run, SmallModel, write_image
from samples.extract.web_server import Site, images, packed, serving

from oodcache.cache.files.images import open_images
from oodcache.extract.sources.known_sets import KNOWN_SETS

CUT_AT = 3 * 2**20
COUNT = 12
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "OODCACHE_DATA"}
# The command line, of which iNaturalist has another count.
FEWER = """
import sys
from dataclasses import replace
from oodcache.cli.main import main
from oodcache.extract.sources.known_sets import KNOWN_SETS
KNOWN_SETS["iNaturalist"] = replace(KNOWN_SETS["iNaturalist"], images=int(sys.argv.pop(1)))
main()
"""


@pytest.fixture
def site() -> Iterator[Site]:
    """A server that has an iNaturalist of a dozen images."""
    archive = packed(images("iNaturalist/images", COUNT, 6 * 10**5))
    with serving(**{"iNaturalist.tar.gz": archive}) as started:
        yield started


@pytest.mark.parametrize("count", [COUNT, pytest.param(10_000, marks=pytest.mark.slow)])
def test_what_is_fetched_is_whole_and_is_not_fetched_again(
    oodcache: Run, monkeypatch: pytest.MonkeyPatch, site: Site, count: int
) -> None:
    if count == COUNT:
        fewer = replace(KNOWN_SETS["iNaturalist"], images=count)
        monkeypatch.setitem(KNOWN_SETS, "iNaturalist", fewer)
    else:
        site.files["iNaturalist.tar.gz"] = packed(images("iNaturalist/images", count))
    fetched = oodcache("data", "fetch", "iNaturalist", "--mirror", f"{site.url}/")
    # On a busy machine what takes ten seconds has lines of progress.
    assert [one for one in fetched.err.splitlines() if not one.startswith("unpacking ")] == [
        f"downloading {site.url}/iNaturalist.tar.gz …",
        "next: oodcache extract --model siglip2 iNaturalist",
    ]
    where = f"{count:,} images in data/MOS/iNaturalist/images\n"
    assert (fetched.status, fetched.out) == (0, f"iNaturalist: fetched: {where}")
    again = oodcache("data", "fetch", "iNaturalist", "--mirror", site.url)
    assert (again.status, again.out) == (0, f"iNaturalist: already there: {where}")
    assert len(site.asked) == 1
    checked = oodcache("data", "check", "iNaturalist")
    assert (checked.status, checked.err) == (0, "")
    assert checked.out == f"complete   iNaturalist: {count:,} images: data/MOS/iNaturalist/images\n"
    rows = {one["name"]: one for one in json.loads(oodcache("data", "ls", "--format", "json").out)}
    assert rows["iNaturalist"]["path"] == "data/MOS/iNaturalist/images"
    Path("data/MOS/iNaturalist/images/7.jpg").unlink()
    wrong = oodcache("data", "check")
    assert wrong.status == 1
    assert wrong.err == (
        "oodcache: 1 of 9 datasets is not complete: move what is wrong elsewhere, and run: "
        "oodcache data fetch iNaturalist\n"
    )


def test_extract_says_how_to_fetch_what_is_missing(oodcache: Run) -> None:
    Path("data").mkdir()
    for name, command in (("SUN", "fetch SUN --data-root data"), ("SSB-hard", "ls SSB-hard")):
        refused = oodcache("extract", "--model", "tiny-clip", name)
        assert refused.status == 1
        assert refused.err.endswith(f"{name}=FOLDER; or run: oodcache data {command}\n")


def test_what_is_wrong_is_one_line_and_status_1(oodcache: Run) -> None:
    refused = oodcache("data", "fetch", "imagenet-val")
    assert (refused.status, refused.err) == (
        1,
        "oodcache: imagenet-val: cannot be fetched: get it from image-net.org, which requires a "
        "login, and put it in data/imagenet/val\n",
    )
    assert oodcache("data", "fetch").status == 2
    assert not Path("data").exists()


def test_a_list_of_data_sets_is_a_table(oodcache: Run) -> None:
    listed = oodcache("data", "ls")
    assert listed.status == 0
    assert "more are known: oodcache data ls all, or one of mos," in listed.err
    assert oodcache("data", "ls", "all").err == ""
    assert re.split("  +", listed.out.split("\n")[0]) == [
        "dataset",
        "images",
        "role",
        "found",
    ]


def start(site: Site, root: Path, count: int = COUNT) -> subprocess.Popen[str]:
    command = ["data", "fetch", "iNaturalist", "--mirror", site.url, "--data-root", str(root)]
    return subprocess.Popen(
        [sys.executable, "-c", FEWER, str(count), *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )


def wait_for(path: Path, size: int = 0) -> None:
    end = time.monotonic() + 60
    while not path.exists() or path.stat().st_size < size:
        assert time.monotonic() < end, path
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status", "said"),
    [
        (signal.SIGINT, 130, "oodcache: stopped; run the same command again to resume\n"),
        pytest.param(
            *(signal.SIGTERM, 143),
            "oodcache: stopped; run the same command again to resume\n",
            marks=pytest.mark.slow,
        ),
        pytest.param(signal.SIGKILL, -9, "", marks=pytest.mark.slow),
    ],
)
def test_a_load_that_is_stopped_half_way_is_gone_on_with(
    site: Site, tmp_path: Path, number: int, status: int, said: str
) -> None:
    site.cuts, site.held = [CUT_AT], threading.Event()
    part = tmp_path / "MOS/.fetch/iNaturalist.tar.gz.part"
    process = start(site, tmp_path)
    wait_for(part, CUT_AT - 2**20)
    process.send_signal(number)
    site.held.set()  # A signal that comes just before a read does not interrupt it.
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.split("…\n")[1]) == (status, said)
    there = part.stat().st_size
    assert there >= CUT_AT - 2**20
    assert not (tmp_path / "MOS/iNaturalist").exists()
    site.asked.clear()
    done = start(site, tmp_path)
    assert done.communicate(timeout=60)[0].startswith("iNaturalist: fetched: 12 images")
    assert [one.range for one in site.asked] == [f"bytes={there}-"]
    assert sorted(one.name for one in (tmp_path / "MOS/.fetch").iterdir()) == ["lock"]


@pytest.mark.slow
def test_one_that_is_killed_as_it_unpacks_unpacks_again(site: Site, tmp_path: Path) -> None:
    site.files["iNaturalist.tar.gz"] = packed(images("iNaturalist/images", 1000))
    process = start(site, tmp_path, 1000)
    wait_for(tmp_path / "MOS/.fetch/iNaturalist/iNaturalist/images/1.jpg")
    process.kill()
    process.communicate()
    assert not (tmp_path / "MOS/iNaturalist").exists()
    assert (tmp_path / "MOS/.fetch/iNaturalist/iNaturalist/images/0.jpg").exists()
    done = start(site, tmp_path, 1000)
    assert done.communicate(timeout=60)[0].startswith("iNaturalist: fetched: 1,000 images")
    assert len(site.asked) == 1
    assert sorted(one.name for one in (tmp_path / "MOS/.fetch").iterdir()) == ["lock"]


@pytest.mark.slow
def test_a_second_fetch_stops_while_the_first_is_at_work(site: Site, tmp_path: Path) -> None:
    site.cuts, site.held = [CUT_AT], threading.Event()
    first = start(site, tmp_path)
    wait_for(tmp_path / "MOS/.fetch/iNaturalist.tar.gz.part", CUT_AT - 2**20)
    second = start(site, tmp_path)
    assert second.communicate(timeout=60)[1] == (
        f"oodcache: {tmp_path}: another oodcache data fetch is running there: wait until it ends\n"
    )
    assert second.returncode == 1
    first.kill()
    first.communicate()


@pytest.mark.parametrize("command", [["ls", "all"], ["check"], ["fetch", "SUN"]])
def test_only_fetching_needs_the_library_of_the_hub_and_nothing_needs_torch(
    tmp_path: Path, command: list[str]
) -> None:
    code = (
        "import sys\n"
        "sys.modules['torch'] = sys.modules['huggingface_hub'] = None\n"
        f"sys.argv = ['oodcache', 'data', *{command!r}, '--data-root', {str(tmp_path)!r}]\n"
        "from oodcache.cli.main import main\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    needs = "fetching needs huggingface_hub: type  pip install 'oodcache[extract]'"
    wanted = (1, f"oodcache: {needs}\n") if command[0] == "fetch" else (0, "")
    assert (done.returncode, done.stderr) == wanted


# Images as in the datasets' own archives, all of the first class of ImageNet-200 or CIFAR-10.
LAYOUTS = {
    "imagenet-v2": "imagenetv2-matched-frequency-format-val/1/a.jpeg",
    "imagenet-r": "imagenet-r/n01443537/art_0.jpg",
    "imagenet-a": "imagenet-a/n01443537/0.0_0.1.jpg",
    "imagenet-sketch": "imagenet-sketch/sketch/n01443537/sketch_0.JPEG",
    "imagenet-c": "imagenet-c/fog/5/n01443537/ILSVRC2012_val_00000236.JPEG",
    "imagenet-c-fog-5": "imagenet-c/fog/5/n01443537/ILSVRC2012_val_00000262.JPEG",
    "imagenet200-v2": "images_largescale/imagenet_v2/1/b.jpeg",
    "NINCO-clean-Places": "MOS/NINCO/NINCO_popular_datasets_subsamples/Places/p_0.jpg",
    "SVHN": "images_classic/svhn/test/000001_5.jpg",
}


@pytest.mark.slow
def test_sets_in_their_own_layouts_are_extracted_by_name_and_scored_with_their_labels(
    oodcache: Run, small_model: SmallModel
) -> None:
    for number, path in enumerate(LAYOUTS.values()):
        write_image(Path("data", path), number)
    lists = Path("data/benchmark_imglist/imagenet200")
    lists.mkdir(parents=True)
    (lists / "test_imagenet200_v2.txt").write_text("imagenet_v2/1/b.jpeg 0\n")
    done = oodcache("extract", *small_model.arguments, "--classes", "imagenet200", *LAYOUTS)
    assert done.status == 0, done.err
    assert "imagenet-r: 1 image under data/imagenet-r, 30,000 expected" in done.err
    assert "imagenet-c: 1 images" not in done.err and "imagenet-c: 2 images" not in done.err
    (folder,) = Path("embeddings/local").iterdir()
    labels = {name: open_images(folder / f"images/{name}.h5").label_names for name in LAYOUTS}
    of_places = labels.pop("NINCO-clean-Places"), labels.pop("SVHN")
    assert of_places == ((), ()) and {*labels.values()} == {("n01443537",)}
    typed = ("--model", f"local/{folder.name}", "--classes", "imagenet200", "--id", "imagenet-v2")
    scored = oodcache("score", *typed, "--ood", "NINCO-clean-Places", "--ood", "SVHN")
    assert scored.status == 0, scored.err
    assert "no label" not in scored.err
