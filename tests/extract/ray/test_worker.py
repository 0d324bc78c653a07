"""Claims about the process that makes shards as ordered: run here, without a cluster."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, TypeVar

import pytest
from PIL import Image
from samples import SmallModel, load_small, planned
from samples.extract.runs import REQUEST, extract, files, half, load_once, once

from oodcache.cache.files.images import open_image_shard, open_images
from oodcache.cache.files.texts import open_text_rows
from oodcache.cache.format.place import shard_folder
from oodcache.extract.ray.worker import Failed, Loaded, Made, Order, Surroundings, Worker, unlike
from oodcache.extract.run import plan, targets
from oodcache.extract.run.tasks import Task

Value = TypeVar("Value")


def sent(value: Value) -> Value:
    """Return what comes out at the other end."""
    return ForkingPickler.loads(ForkingPickler.dumps(value))  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put back the folder and the threads that a worker takes over."""
    monkeypatch.chdir(Path.cwd())
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def sources(photos: Path) -> list[str]:
    return [f"c={photos}"]


def ordered(tmp_path: Path, **given: Any) -> tuple[plan.Plan, Worker, targets.Target]:
    """Return a plan, a worker of it that has loaded the model, and its one file."""
    settings = {"shard_rows": 5, "batch_size": 2, "workers": 0, **given}
    made = planned(tmp_path, REQUEST, [], **settings)
    worker = Worker(sent(made), Surroundings.here())
    loaded = sent(worker.load())
    assert isinstance(loaded, Loaded)
    (target,) = targets.targets(made, loaded.signature.identity.label)
    return made, worker, target


def make(worker: Worker, target: targets.Target, tasks: list[Task]) -> list[Made | Failed]:
    return [sent(worker.make(sent(Order.of(task, target.path, 0)))) for task in tasks]


def test_what_is_sent_there_and_back_makes_the_shards_of_a_run(
    tmp_path: Path, photos: Path, sources: list[str]
) -> None:
    (photos / "cat" / "1.png").write_bytes(b"no image")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (9, 9)).save(photos / "cat" / "2.png", exif=exif)
    whole = once(tmp_path, sources=sources)
    made, worker, target = ordered(tmp_path, sources=sources)
    loaded = worker.load()
    assert isinstance(loaded, Loaded)
    run = targets.wanted(made, target.listing, loaded.signature)
    tasks = [Task(place) for place in run.places(12)]
    answers = make(worker, target, tasks)
    counts = [(one.encoded, one.failed, one.rotated) for one in answers if isinstance(one, Made)]
    assert counts == [(5, 1, 1), (5, 0, 0), (2, 0, 0)]
    assert len(files(shard_folder(target.path))) == 3
    (path,) = extract(tmp_path, sources=sources)
    assert path.read_bytes() == whole.read_bytes()


def test_an_order_says_what_its_task_does_without_its_rows(
    tmp_path: Path, photos: Path, sources: list[str]
) -> None:
    (photos / "cat" / "1.png").write_bytes(b"no image")
    path = half(tmp_path, sources)
    shard = open_image_shard(min(shard_folder(path).iterdir()))
    assert shard.place is not None
    (path,) = extract(tmp_path, sources=sources, part=2, parts=2)
    second = replace(shard.place, first=5)
    begun = Task(shard.place, open_image_shard(once_more(tmp_path, sources)))
    for task in (Task(second, open_images(path), 5), begun, Task(second)):
        order = Order.of(task, path, 0)
        assert len(ForkingPickler.dumps(order)) < 2000
        again = sent(order).task()
        assert again.missing.tolist() == task.missing.tolist()
        assert (again.place, again.offset) == (task.place, task.offset)
        assert (again.known is None) == (task.known is None)
    assert begun.missing.tolist() == [False, True, False, False, False]


def once_more(tmp_path: Path, sources: list[str]) -> Path:
    """Return the first shard of a run in a cache of its own."""
    path = half(tmp_path, sources, cache=tmp_path / "begun")
    return min(shard_folder(path).iterdir())


def test_whatever_goes_wrong_is_one_line(tmp_path: Path, photos: Path, sources: list[str]) -> None:
    made, worker, target = ordered(tmp_path, sources=sources)
    loaded = worker.load()
    assert isinstance(loaded, Loaded)
    run = targets.wanted(made, target.listing, loaded.signature)
    away = photos.rename(tmp_path / "away")
    (failed,) = make(worker, target, [Task(run.places(12)[0])])
    assert isinstance(failed, Failed)
    assert failed.reason.startswith(f"{photos}: missing or empty")
    unloaded = sent(Worker(made, Surroundings.here()).load())
    assert isinstance(unloaded, Failed)
    assert "the machines of a cluster must share the file system" in unloaded.reason
    away.rename(photos)
    bug = sent(worker.make(Order(target.path, 7, run.places(12)[0])))
    assert isinstance(bug, Failed)
    assert re.fullmatch(r"IndexError: .* \(worker\.py:\d+\)", bug.reason)


def test_a_folder_that_is_not_there_is_refused_and_threads_are_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = planned(tmp_path, REQUEST, [], classes="c=" + str(names(tmp_path)))
    nowhere = Worker(made, Surroundings(str(tmp_path / "nowhere"), None)).load()
    assert isinstance(nowhere, Failed)
    assert f"{tmp_path}/nowhere: No such file or directory" in nowhere.reason
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    Surroundings(str(tmp_path), "7").enter()
    assert os.environ.pop("OMP_WAIT_POLICY") == "PASSIVE"
    assert (Path.cwd(), os.environ["OMP_NUM_THREADS"]) == (tmp_path, "7")
    Surroundings(str(tmp_path), None).enter()
    assert "OMP_NUM_THREADS" not in os.environ


def test_a_worker_without_a_gpu_of_its_own_sees_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    Surroundings.here().enter()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"  # What Ray gave it.
    Surroundings.here(hides_gpus=True).enter()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""


def test_an_order_to_add_templates_makes_the_shards_of_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_once(monkeypatch)
    given = {"classes": "c=" + str(names(tmp_path)), "shard_rows": 3}
    extract(tmp_path, **given, templates=["a {}"])
    made, worker, target = ordered(tmp_path, **given, templates=["my {}", "{}"])
    loaded = worker.load()
    assert isinstance(loaded, Loaded)
    run, known = targets.wanted(made, target.listing, loaded.signature), open_text_rows(target.path)
    tasks = [Task(place, known, place.first) for place in run.places(6)]
    orders = [Order.of(one, target.path, 0, target.templates) for one in tasks]
    assert [sent(worker.make(sent(one))).encoded for one in orders] == [1, 3]
    (path,) = extract(tmp_path, **given, templates=["my {}", "{}"])
    whole = once(tmp_path, **given, templates=["a {}", "my {}", "{}"])
    assert path.read_bytes() == whole.read_bytes()


def names(tmp_path: Path) -> Path:
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    return tmp_path / "names.txt"


def test_models_that_make_other_vectors_are_told_apart(
    tmp_path: Path, sources: list[str], small_model: SmallModel
) -> None:
    made, worker, _ = ordered(tmp_path, sources=sources)
    loaded = worker.load()
    assert isinstance(loaded, Loaded)
    ours = loaded.signature
    elsewhere = replace(ours, precision={**ours.precision, "device": "another"})
    assert unlike(made, ours, elsewhere) is None
    assert unlike(made, ours, load_small(small_model).signature) == "other weights"
