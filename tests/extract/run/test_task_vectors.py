"""Claims about shards encoded and written: whose vectors they are, and what is said of the time."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import open_clip
import pytest
import torch
from PIL import Image
from samples import planned, silent
from samples.extract.runs import REQUEST, StoppedError, extract, once, stop, stopping

from oodcache.cache.files.images import open_images
from oodcache.cache.files.texts import open_texts
from oodcache.cache.watch import Watch
from oodcache.extract.demo import embedded
from oodcache.extract.model.pixels import decode
from oodcache.extract.run import run

FAST = replace(REQUEST, fast_decode=True)


def unit(features: torch.Tensor) -> npt.NDArray[np.float32]:
    vectors: npt.NDArray[np.float32] = torch.nn.functional.normalize(features, dim=-1).numpy()
    return vectors


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_vectors_of_images_are_a_bare_loops_to_the_bit(
    tmp_path: Path, photos: Path, workers: int
) -> None:
    path = once(tmp_path, sources=[f"c={photos}"], workers=workers)
    model, _, preprocess = open_clip.create_model_and_transforms(
        f"local-dir:{embedded.MODELS['tiny-clip']}"
    )
    paths = [photos / one.decode() for one in open_images(path).paths()]
    ready = [preprocess(decode(one.read_bytes()).image) for one in paths]
    # Batches of 2 in shards of 5.
    cuts = [(0, 2), (2, 4), (4, 5), (5, 7), (7, 9), (9, 10), (10, 12)]
    with torch.inference_mode():
        expected = [
            unit(model.eval().encode_image(torch.stack(ready[first:stop]))) for first, stop in cuts
        ]
    assert np.array_equal(
        np.concatenate(list(open_images(path).blocks())), np.concatenate(expected)
    )


def test_vectors_of_prompts_are_a_bare_loops_to_the_bit(tmp_path: Path, photos: Path) -> None:
    templates = ["a {}", "the {}", "{}"]
    path = once(tmp_path, classes=f"c={photos}", templates=templates, shard_rows=5)
    local = f"local-dir:{embedded.MODELS['tiny-clip']}"
    model, tokenize = open_clip.create_model(local).eval(), open_clip.get_tokenizer(local)
    prompts = [one.replace("{}", name) for one in templates for name in ("cat", "dog")]
    with torch.inference_mode():
        expected = [
            unit(model.encode_text(tokenize(prompts[first:stop])))
            for first, stop in [(0, 2), (2, 4), (4, 5), (5, 6)]
        ]
    found = open_texts(path).embeddings.reshape(6, -1)
    assert np.abs(found - np.concatenate(expected)).max() < 1e-7


def jpegs(folder: Path, count: int = 7) -> list[str]:
    folder.mkdir()
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 60, 3), dtype=np.uint8)
        image = Image.fromarray(pixels)
        image.save(folder / f"{number}.{'png' if number == 3 else 'jpg'}")
    return [f"c={folder}"]


def fast(tmp_path: Path, name: str, sources: list[str], **given: object) -> Path:
    notes: list[str] = []
    settings = {"shard_rows": 5, "batch_size": 2, "sources": sources, **given}
    wanted = planned(tmp_path, FAST, notes, cache=tmp_path / name, **settings)
    return run.run(wanted, Watch(notes.append, silent))[-1]


@pytest.mark.slow
def test_fast_decoding_is_near_and_the_same_in_processes_after_texts(tmp_path: Path) -> None:
    sources = jpegs(tmp_path / "jpegs")
    names = tmp_path / "names.txt"
    names.write_text("cat\ndog\n")
    alone = fast(tmp_path, "alone", sources, workers=0)
    shared = fast(tmp_path, "shared", sources, workers=2, classes=f"c={names}")
    assert alone.read_bytes() == shared.read_bytes()
    slow = once(tmp_path, sources=sources)
    (ours,), (theirs,) = open_images(alone).blocks(), open_images(slow).blocks()
    assert 0 < np.abs(ours - theirs).max() < 0.01
    assert open_images(alone).identity.encoding["decoder"] == "torchvision"
    assert open_images(slow).identity.encoding["decoder"] == "pillow"


def test_a_damaged_jpeg_of_a_fast_run_is_a_bad_row_and_prints_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sources = jpegs(tmp_path / "jpegs")
    bad = tmp_path / "jpegs" / "1.jpg"
    bad.write_bytes(bad.read_bytes()[:-40])
    odd = tmp_path / "jpegs" / "2.jpg"  # PIL takes what follows for grey, libjpeg prints of it.
    odd.write_bytes(odd.read_bytes()[:-900] + bytes(900))
    path = fast(tmp_path, "fast", sources, workers=2)
    assert list(open_images(path).errors()) == [1]
    assert "truncated" in open_images(path).errors()[1]
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_the_time_is_summed_up_before_what_was_written(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oodcache.extract.run.timing.LEAST_SECONDS", 0)
    notes: list[str] = []
    extract(tmp_path, notes, sources=[f"c={photos}"], classes=f"c={photos}")
    texts, images = [note for note in notes if "bottleneck" in note]
    assert texts.startswith("c: 2 prompts in ")
    assert " % for tokenizing, " in texts
    assert images.startswith("c: 12 images in ")
    assert " % for decode, " in images
    assert notes[notes.index(images) + 1].startswith("wrote ")


def test_of_a_run_that_goes_on_only_what_it_encoded_is_summed_up(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oodcache.extract.run.timing.LEAST_SECONDS", 0)
    with pytest.raises(StoppedError):
        extract(tmp_path, progress=stopping(6, stop), sources=[f"c={photos}"])
    notes: list[str] = []
    extract(tmp_path, notes, sources=[f"c={photos}"])
    assert [note[:15] for note in notes if "bottleneck" in note] == ["c: 7 images in "]


@pytest.mark.slow
def test_prompts_are_tokenized_in_a_thread_that_is_gone_before_images_are_decoded(
    tmp_path: Path, photos: Path
) -> None:
    seen: dict[str, bool] = defaultdict(bool)

    @contextmanager
    def progress(description: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
        def advance(done: int) -> None:
            seen[unit] |= any(one.name.startswith("ahead") for one in threading.enumerate())

        yield advance

    templates = [f"{number} {{}}" for number in range(10)]
    given = {"classes": f"c={photos}", "templates": templates, "sources": [f"c={photos}"]}
    extract(tmp_path, progress=progress, **given)
    assert seen == {"prompts": True, "images": False}


def test_a_stop_among_prompts_ends_the_thread(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(StoppedError):
        extract(tmp_path, progress=stopping(1, stop), classes=f"c={photos}")
    assert not any(one.name.startswith("ahead") for one in threading.enumerate())


def test_what_is_decoded_can_be_pinned_by_torchs_loader() -> None:
    from torch.utils.data._utils.pin_memory import pin_memory

    from oodcache.extract.run.decoding import Decoded

    class Pinned:
        """A tensor where there is no GPU: says that it was pinned."""

        def pin_memory(self) -> str:
            return "pinned"

    found = pin_memory(Decoded(Pinned(), {1: "torn"}))  # type: ignore[arg-type]
    assert (found.images, found.errors) == ("pinned", {1: "torn"})
