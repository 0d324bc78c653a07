"""Claims about images from disk: what decodes to what, and what a bad one leaves behind."""

from __future__ import annotations

import inspect
import io
import os
import struct
import zlib
from collections.abc import Callable
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from samples import Run
from samples.extract.ghostscript import EPS, install
from samples.extract.runs import once

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import open_images
from oodcache.cache.image_formats import FORMATS
from oodcache.extract.known.noise import NoiseContents
from oodcache.extract.model import pixels
from oodcache.extract.run import decoding
from oodcache.extract.sources.folders import FolderContents


class Nearest:
    """A preparation by hand: 4 x 4 nearest pixels, channels first."""

    def prepared(self, content: bytes) -> decoding.Prepared:
        found = pixels.decode(content)
        image = np.asarray(found.image.resize((4, 4), 0)).copy()
        rotated = found.orientation != pixels.UPRIGHT
        return decoding.Prepared(torch.from_numpy(image).permute(2, 0, 1), rotated)

    def blank(self) -> torch.Tensor:
        return torch.zeros(3, 4, 4, dtype=torch.uint8)


def batches(
    root: Path, names: list[str], *, batch_size: int = 4, workers: int = 0, threads: int = 0
) -> list[decoding.Decoded]:
    paths = [os.fsencode(name) for name in names]
    rows = [
        range(len(paths))[first : first + batch_size] for first in range(0, len(paths), batch_size)
    ]
    contents = FolderContents(root, paths)
    given = {"workers": workers, "threads": threads}
    return list(decoding.batches(contents, Nearest(), rows, pin_memory=False, **given))


def red(mode: str) -> Image.Image:
    return Image.new("RGB", (8, 8), (255, 0, 0)).convert(mode)


@pytest.mark.parametrize(
    ("name", "make", "expected"),
    [
        ("cmyk.jpg", lambda: red("CMYK"), (254, 0, 0)),
        ("palette.png", lambda: red("P"), (255, 0, 0)),
        ("palette.gif", lambda: red("P"), (255, 0, 0)),
        ("alpha.png", lambda: red("RGBA"), (255, 0, 0)),
        ("bits.png", lambda: Image.new("1", (8, 8), 1), (255, 255, 255)),
        ("grey.png", lambda: Image.new("L", (8, 8), 77), (77, 77, 77)),
        ("pixel.png", lambda: Image.new("RGB", (1, 1), (1, 2, 3)), (1, 2, 3)),
        (
            "sixteen.png",
            lambda: Image.fromarray(np.full((8, 8), 0x8000, np.uint16)),
            (128, 128, 128),
        ),
        (
            "sixteen.tif",
            lambda: Image.fromarray(np.full((8, 8), 0xFFFF, np.uint16)),
            (255, 255, 255),
        ),
    ],
)
def test_every_kind_of_image_becomes_rgb(
    tmp_path: Path,
    name: str,
    make: Callable[[], Image.Image],
    expected: tuple[int, int, int],
) -> None:
    make().save(tmp_path / name)
    decoded = pixels.decode((tmp_path / name).read_bytes()).image
    assert decoded.mode == "RGB"
    assert np.abs(np.asarray(decoded, int)[0, 0] - expected).max() <= 1


def test_a_palette_becomes_colours_before_it_is_resized(tmp_path: Path) -> None:
    stripes = Image.fromarray(np.tile(np.array([[0, 255]], np.uint8), (8, 4))).convert("P")
    stripes.save(tmp_path / "p.png")
    with Image.open(tmp_path / "p.png") as stored:
        by_hand = stored.convert("RGB")
    assert np.array_equal(
        np.asarray(pixels.decode((tmp_path / "p.png").read_bytes()).image), np.asarray(by_hand)
    )


def test_exif_orientation_is_not_applied(tmp_path: Path) -> None:
    image = Image.new("RGB", (8, 4))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    assert pixels.decode((tmp_path / "turned.jpg").read_bytes()).image.size == (8, 4)


def write_turned(path: Path, turn: int) -> None:
    image = Image.new("RGB", (8, 4))
    exif = image.getexif()
    exif[0x0112] = turn
    image.save(path, exif=exif)


@pytest.mark.parametrize("workers", [0, 1])
def test_images_with_a_rotation_are_counted(tmp_path: Path, workers: int) -> None:
    for turn in (1, 3, 6):
        write_turned(tmp_path / f"{turn}.jpg", turn)
    (tmp_path / "bad.jpg").write_bytes(b"bad")
    (decoded,) = batches(tmp_path, ["1.jpg", "3.jpg", "6.jpg", "bad.jpg"], workers=workers)
    assert decoded.rotated == 2


def write_bad(root: Path) -> dict[str, bytes]:
    """Write images that cannot be decoded, each in its own way."""
    whole = root / "whole.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(whole)
    return {
        "empty.jpg": b"",
        "text.png": b"not an image",
        "half.jpg": whole.read_bytes()[: len(whole.read_bytes()) // 2],
        "head.png": b"\x89PNG\r\n\x1a\n" + b"\0" * 20,
    }


def test_bad_images_keep_their_rows_and_the_others_their_pixels(tmp_path: Path) -> None:
    for name, content in write_bad(tmp_path).items():
        (tmp_path / name).write_bytes(content)
    good = Nearest().prepared((tmp_path / "whole.jpg").read_bytes()).pixels
    names = ["whole.jpg", "empty.jpg", "text.png", "half.jpg", "head.png", "gone.jpg", "whole.jpg"]
    first, second = batches(tmp_path, names)
    assert sorted(first.errors) == [1, 2, 3]
    assert sorted(second.errors) == [0, 1]
    assert torch.equal(first.images[0], good)
    assert torch.equal(second.images[2], good)
    assert not first.images[1:].any()


def test_threads_give_the_batches_of_one_process_in_order(tmp_path: Path) -> None:
    names = [f"{row}.png" for row in range(9)]
    for row, name in enumerate(names):
        Image.new("RGB", (8, 8), (row, 0, 0)).save(tmp_path / name)
    (tmp_path / names[5]).write_bytes(b"")
    alone, shared = (batches(tmp_path, names, threads=threads) for threads in (0, 3))
    assert len(shared) == 3
    for one, other in zip(alone, shared, strict=True):
        assert torch.equal(one.images, other.images)
        assert one.errors == other.errors
    assert batches(tmp_path, [], threads=3) == []


def test_an_error_of_the_dataset_stops_the_run(tmp_path: Path) -> None:
    class Changed(FolderContents):
        def read(self, row: int) -> bytes:
            raise InputError("changed")

    for threads in (0, 2):
        given = {"workers": 0, "pin_memory": False, "threads": threads}
        found = decoding.batches(Changed(tmp_path, [b"a"]), Nearest(), [range(1)], **given)
        with pytest.raises(InputError, match="changed"):
            list(found)


def test_a_decompression_bomb_is_one_bad_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (100, 100)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    (decoded,) = batches(tmp_path, ["bomb.png"])
    assert "DecompressionBombError" in decoded.errors[0]


def test_a_reason_is_one_line_without_the_root(tmp_path: Path) -> None:
    (tmp_path / "two\nlines.png").write_bytes(b"no")
    (decoded,) = batches(tmp_path, ["two\nlines.png"])
    assert str(tmp_path) not in decoded.errors[0]
    assert "\n" not in decoded.errors[0]


def test_no_image_starts_ghostscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = install(tmp_path / "gs", monkeypatch)
    names = ["a.jpg", "b.eps", "c.png", "d"]
    for name in names:
        (tmp_path / name).write_bytes(EPS)
    (decoded,) = batches(tmp_path, names)
    assert set(decoded.errors.values()) == {"UnidentifiedImageError: cannot identify image file"}
    assert len(decoded.errors) == 4
    assert not mark.exists()


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_of_the_list_is_read(form: str) -> None:
    content = io.BytesIO()
    lossless = {"WEBP": {"lossless": True}, "AVIF": {"quality": 100}, "ICO": {"sizes": [(8, 8)]}}
    red("RGB").save(content, form, **lossless.get(form, {}))
    found = np.asarray(pixels.decode(content.getvalue()).image, int)
    assert found.shape == (8, 8, 3)
    assert np.abs(found - (255, 0, 0)).max() <= 3


@pytest.mark.filterwarnings("error")
def test_any_number_of_workers_gives_the_same_batches_in_the_same_order(tmp_path: Path) -> None:
    for number in range(10):
        Image.new("RGB", (5, 5), (number, 0, 0)).save(tmp_path / f"{number}.png")
    names = [f"{number}.png" for number in (3, 1, 4, 0, 5, 9, 2, 6, 8, 7)]
    alone, shared = (
        batches(tmp_path, names),
        batches(tmp_path, names, workers=(os.cpu_count() or 1) + 1),
    )
    assert [len(one.images) for one in alone] == [4, 4, 2]
    for one, other in zip(alone, shared, strict=True):
        assert torch.equal(one.images, other.images)


class Dying:
    """An object of ours whose deletion fails."""

    def __del__(self) -> None:
        raise RuntimeError("a bug of ours")


def half_made() -> object:
    """Return torch's own iterator as an interrupted construction leaves it."""
    return decoding.ITERATOR.__new__(decoding.ITERATOR)


@pytest.mark.parametrize(("make", "printed"), [(half_made, 0), (Dying, 1)])
@pytest.mark.parametrize("fails", [False, True])
def test_torchs_iterator_is_deleted_without_a_word_and_a_bug_is_told(
    make: Callable[[], object], printed: int, fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", lambda one: said.append(one.exc_type))

    def work() -> None:
        dying = make()
        if fails:
            raise InputError("finished elsewhere")
        assert dying is not None

    try:
        with decoding.watching_workers():
            work()
    except InputError:
        assert len(said) == printed
    assert len(said) == printed
    make()
    assert len(said) == printed + 1


def test_a_worker_that_is_killed_while_it_hands_a_batch_over_is_one_line() -> None:
    ours, worker = Pipe()
    worker.close()
    killed = pytest.raises(InputError, match="a decoding process was killed")
    with killed, decoding.watching_workers():
        ours.recv()


def test_a_worker_that_took_the_thread_that_pins_with_it_is_one_line() -> None:
    words = "Pin memory thread exited unexpectedly"  # Which torch has without a GPU, too.
    assert words in inspect.getsource(torch.utils.data.dataloader)
    killed = pytest.raises(InputError, match="a decoding process was killed")
    with killed, decoding.watching_workers():
        raise RuntimeError(words)


@pytest.mark.parametrize("error", [EOFError, ConnectionResetError, RuntimeError])
def test_an_error_of_another_origin_is_no_killed_worker(error: type[Exception]) -> None:
    with pytest.raises(error), decoding.watching_workers():
        raise error("elsewhere")


@pytest.mark.parametrize(("suffix", "form"), [("gif", "GIF"), ("png", "PNG"), ("webp", "WEBP")])
def test_of_an_animation_the_first_frame_is_taken(tmp_path: Path, suffix: str, form: str) -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    first, *others = (Image.new("RGB", (16, 16), colour) for colour in colours)
    path = tmp_path / f"moving.{suffix}"
    first.save(path, form, save_all=True, append_images=others, duration=50)
    with Image.open(path) as stored:
        assert getattr(stored, "n_frames", 1) == 3
    decoded = np.asarray(pixels.decode(path.read_bytes()).image, int)
    assert np.abs(decoded - colours[0]).max() <= 8


def png(width: int, height: int) -> bytes:
    """Return a small PNG that claims so many black pixels, bit by bit, and holds them all."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = zlib.compress(bytes((width // 8 + 1) * height), 9)
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(kind, data) for kind, data in ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b""))
    )


def write_strange(root: Path) -> dict[bytes, str | None]:
    """Write images as the world has them; return why each is bad, None for a good one."""
    root.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (99, 99, 3), dtype=np.uint8)
    Image.fromarray(noise).save(root / "whole.jpg")
    whole = (root / "whole.jpg").read_bytes()
    bomb = png(20_000, 20_000)
    assert len(bomb) < 100_000
    files: dict[bytes, tuple[bytes, str | None]] = {
        b"bomb.png": (bomb, "DecompressionBombError: Image size (400000000 pixels) exceeds limit"),
        b"cut.jpg": (whole[: len(whole) // 2], "OSError: image file is truncated"),
        b"empty.png": (b"", "UnidentifiedImageError: cannot identify image file"),
        b"two\nlines\x1b[31m.jpg": (whole, None),
        b"two\nbad\x1b[31m.jpg": (b"no image", "UnidentifiedImageError: cannot identify image"),
        b"whole.jpg": (whole, None),
        b"\xff\xfe.jpg": (whole, None),
        b"\xff.jpg": (b"no image", "UnidentifiedImageError: cannot identify image file"),
    }
    for name, (content, _) in files.items():
        Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_bytes(content)
    return {name: why for name, (_, why) in files.items()}


@pytest.mark.slow
def test_images_as_the_world_has_them_are_extracted_and_the_bad_ones_shown(
    tmp_path: Path, oodcache: Run
) -> None:
    reasons = write_strange(tmp_path / "strange")
    path = once(tmp_path, sources=[f"x={tmp_path / 'strange'}"], workers=1)
    found = open_images(path)
    paths, errors = found.paths(), found.errors()
    assert paths == sorted(reasons)
    for row, name in enumerate(paths):
        why = reasons[name]
        assert errors[row].startswith(why) if why is not None else row not in errors
    good = [row for row, name in enumerate(paths) if reasons[name] is None]
    vectors = np.concatenate(list(found.blocks()))
    # On some processors a vector's last bit depends on its place in the batch.
    same = np.repeat(vectors[good[:1]], len(good), axis=0)
    np.testing.assert_allclose(vectors[good], same, rtol=0, atol=3e-7)
    shown = oodcache("cache", "info", path)
    assert (shown.status, shown.err) == (0, "")
    lines = shown.out.splitlines()
    assert "\x1b" not in shown.out
    after = lines[lines.index("not decoded: 5 images") + 1 :]
    assert len(after) == 5
    assert after[3].startswith(r"  row 3: two\nbad\x1b[31m.jpg: UnidentifiedImageError: ")
    assert after[4].startswith(r"  row 6: \udcff.jpg: UnidentifiedImageError: ")


def test_noise_is_drawn_at_the_size_of_a_preparation_that_can_undo_its_own() -> None:
    class Scaled(Nearest):
        def unscaled(self, pixels: torch.Tensor) -> torch.Tensor:
            return pixels * 255

    rows = [range(0, 8), range(8, 15)]
    found = list(decoding.batches(NoiseContents(), Scaled(), rows, workers=0, pin_memory=False))
    noise = torch.cat([one.images for one in found])
    assert noise.shape == (15, *Nearest().blank().shape) and noise.dtype == torch.float32
    assert not any(one.errors for one in found)
    with pytest.raises(InputError, match="noise15: .*; score with tanl:noise=stream"):
        next(decoding.batches(NoiseContents(), Nearest(), rows, workers=0, pin_memory=False))
