"""Claims about `oodcache extract`, run as a user runs it on real files."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import open_clip
import pytest
import timm
import torch
from PIL import Image
from samples import Run, SmallModel, permissions_bind, write_image
from samples.extract.tars import write_tar

from oodcache.cache.files.images import open_images
from oodcache.cache.files.texts import open_texts
from oodcache.extract.model.pixels import decode


def only(pattern: str) -> Path:
    (found,) = Path().glob(pattern)
    return found


def leftovers() -> list[Path]:
    return [path for path in Path("embeddings").rglob("*") if path.name.startswith(".")]


def test_images_and_texts_become_one_file_each(
    oodcache: Run, small_model: SmallModel, photos: Path, strays: Path
) -> None:
    Path("names.txt").write_text("cat\ndog\nhorse\n")
    typed = (
        *("extract", *small_model.arguments, "--classes", "pets=names.txt"),
        *("--template", "a photo of a {}, a pet", "--template", "{}"),
        *(f"mypets={photos}", f"strays={strays}"),
    )
    done = oodcache(*typed)
    assert done.status == 0, done.err
    assert done.out == ""
    (folder,) = Path("embeddings/local").iterdir()
    next_step = f"next: oodcache score --model local/{folder.name} --classes pets --id mypets --ood"
    *_, command, why = done.err.splitlines()
    assert command.startswith(f"{next_step} strays --score mcm")
    assert why == f"why: oodcache scores --for local/{folder.name}"
    assert "next:" not in oodcache(*typed).err  # Nothing new was written.
    texts = open_texts(only("embeddings/local/small-*/texts/pets.h5"))
    assert texts.vocabulary.templates == ("a photo of a {}, a pet", "{}")
    assert texts.embeddings.shape == (2, 3, 16)
    images = open_images(only("embeddings/local/small-*/images/mypets.h5"))
    assert images.label_names == ("cat", "dog")
    assert images.label.tolist() == [0] * 6 + [1] * 6
    assert images.paths()[7] == b"dog/1.png"
    assert open_images(only("embeddings/local/small-*/images/strays.h5")).label.tolist() == [-1] * 5
    assert not leftovers()


def test_noise_needs_no_files_and_its_identity_says_what_it_is(
    oodcache: Run, small_model: SmallModel
) -> None:
    typed = ("extract", *small_model.arguments, "noise15")
    assert oodcache(*typed).status == 0
    found = open_images(only("embeddings/local/small-*/images/noise15.h5"))
    assert found.ok.all() and found.rows == 15 and found.label_names[0] == "gaussian"
    assert "without its mean and standard deviation" in found.identity.encoding["noise"]
    assert f"kept {found.path}" in oodcache(*typed).err


def test_lists_tables_and_tars_are_data_sets_beside_folders(
    oodcache: Run, small_model: SmallModel, photos: Path, strays: Path
) -> None:
    Path("list.txt").write_text("cat/1.png 3\ndog/5.png 0\n")
    Path("table.csv").write_text("where,kind,label\ndog/5.png,dog,x\ncat/1.png,,y\n")
    write_tar(Path("shards/00.tar"), ("a.jpg", (strays / "0.jpg").read_bytes()))
    write_tar(Path("shards/01.tar"), ("b.jpg", (strays / "1.jpg").read_bytes()))
    done = oodcache(
        *("extract", *small_model.arguments, "--image-root", photos, "--path-column", "where"),
        *("--label-column", "kind", "list=list.txt", "table=table.csv"),
        *("tars=shards/{00..01}.tar", f"mypets={photos}"),
    )
    assert done.status == 0, done.err
    assert "tars: reading the headers of 2 tars …" in done.err
    paths = {path.stem: path for path in Path("embeddings").rglob("images/*.h5")}
    found = {name: open_images(path) for name, path in paths.items()}
    assert found["list"].paths() == [b"cat/1.png", b"dog/5.png"]
    assert found["list"].identity.source["labels"] == "numbers"
    assert found["table"].label_names == ("dog",)
    assert found["table"].label.tolist() == [0, -1]
    assert found["tars"].paths() == [b"a.jpg", b"b.jpg"]
    rows = [found["mypets"].paths().index(path) for path in found["list"].paths()]
    (whole,), (some,) = found["mypets"].blocks(), found["list"].blocks()
    np.testing.assert_allclose(some, whole[rows], atol=1e-6)
    shown = oodcache("cache", "info", paths["list"])
    assert "labels: 2 class numbers" in shown.out.splitlines()


@pytest.mark.slow
def test_the_vectors_are_those_of_open_clip(
    oodcache: Run, small_model: SmallModel, photos: Path
) -> None:
    arguments = [*small_model.arguments, "--classes", f"c={photos}", "--batch-size", "5"]
    assert oodcache("extract", *arguments, "--workers", "2", f"c={photos}").status == 0
    model, _, preprocess = open_clip.create_model_and_transforms(
        "small", pretrained=str(small_model.checkpoint)
    )
    model.eval()
    images = open_images(only("embeddings/local/small-*/images/c.h5"))
    with torch.no_grad():
        batch = torch.stack(
            [
                preprocess(decode((photos / os.fsdecode(path)).read_bytes()).image)
                for path in images.paths()
            ]
        )
        expected = model.encode_image(batch, normalize=True).numpy()
        tokens = open_clip.get_tokenizer("small")(["a photo of a cat", "a photo of a dog"])
        prompts = model.encode_text(tokens, normalize=True).numpy()
    assert np.abs(np.concatenate(list(images.blocks())) - expected).max() < 1e-6
    texts = open_texts(only("embeddings/local/small-*/texts/c.h5"))
    assert np.abs(texts.embeddings[0] - prompts).max() < 1e-6


def test_a_file_can_be_read_with_bare_h5py(
    oodcache: Run, small_model: SmallModel, photos: Path
) -> None:
    assert oodcache("extract", *small_model.arguments, f"c={photos}").status == 0
    with h5py.File(only("embeddings/local/small-*/images/c.h5")) as file:
        assert file["embeddings"][:].dtype == np.float32
        assert file.attrs["logit_scale"] == pytest.approx(1 / 0.07)
        assert "logit_bias" not in file.attrs


@pytest.mark.slow
def test_two_runs_give_equal_files(oodcache: Run, photos: Path) -> None:
    for cache in ("one", "two"):
        done = oodcache(
            "extract",
            "--model",
            "tiny-sigmoid",
            "--classes",
            f"c={photos}",
            "--cache",
            cache,
            f"c={photos}",
        )
        assert done.status == 0
    for kind in ("images", "texts"):
        one, two = (Path(cache, "tiny-sigmoid/demo", kind, "c.h5") for cache in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.slow
def test_files_that_are_there_are_kept_until_overwritten(
    oodcache: Run, small_model: SmallModel, photos: Path
) -> None:
    arguments = ["extract", *small_model.arguments, "--classes", f"c={photos}", f"c={photos}"]
    oodcache(*arguments)
    path = only("embeddings/local/small-*/images/c.h5")
    written = path.stat().st_mtime_ns
    again = oodcache(*arguments)
    assert again.status == 0
    assert f"kept {path}" in again.err
    assert "loading" not in again.err
    assert path.stat().st_mtime_ns == written
    assert oodcache(*arguments, "--overwrite").status == 0
    assert path.stat().st_mtime_ns > written


def test_a_broken_file_can_be_overwritten(oodcache: Run, photos: Path) -> None:
    arguments = ["extract", "--model", "tiny-clip", f"c={photos}"]
    path = Path("embeddings/tiny-clip/demo/images/c.h5")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"broken")
    refused = oodcache(*arguments)
    assert refused.status == 1
    assert "is not a whole HDF5 file" in refused.err
    assert oodcache(*arguments, "--overwrite").status == 0
    open_images(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda photos: write_image(photos / "cat" / "new.png", 9),
            "inputs changed: the cache has 12 images, the source has 13; new: 'cat/new.png'",
        ),
        (lambda photos: ["--precision", "bfloat16"], "made with precision float32"),
        (
            lambda photos: ["--image-mean", "0.1", "0.2", "0.3"],
            "made with other preprocessing, without --image-mean",
        ),
        (
            lambda photos: ["--image-resize-mode", "squash"],
            "made with other preprocessing, without --image-resize-mode",
        ),
        (lambda photos: ["--fast-decode"], "made with other preprocessing, without --fast-decode"),
        (lambda photos: ["--channels-last"], "made with precision float32 without --channels-last"),
        (lambda photos: ["--compile"], "made with precision float32 without --compile"),
    ],
)
def test_a_file_made_from_something_else_is_never_taken_for_this(
    oodcache: Run, photos: Path, change: Callable[[Path], object], words: str
) -> None:
    assert oodcache("extract", "--model", "tiny-clip", f"c={photos}").status == 0
    changed = change(photos)
    more = changed if isinstance(changed, list) else []
    refused = oodcache("extract", "--model", "tiny-clip", *more, f"c={photos}")
    assert refused.status == 1
    assert f"{words}; use --overwrite to replace it" in refused.err
    assert "loading" not in refused.err


@pytest.mark.slow
def test_a_template_that_is_typed_later_is_added(oodcache: Run, photos: Path) -> None:
    first = ["extract", "--model", "tiny-clip", "--classes", f"c={photos}"]
    assert oodcache(*first).status == 0
    told = oodcache(*first, "--template", "the {}").err
    assert "c: adding 1 template to the 1 in the cache" in told
    found = open_texts(only("embeddings/tiny-clip/demo/texts/c.h5"))
    assert found.vocabulary.templates == ("a photo of a {}", "the {}")


def test_odd_images_are_decoded_and_bad_ones_keep_their_rows(
    oodcache: Run, small_model: SmallModel, photos: Path
) -> None:
    Image.new("CMYK", (9, 9)).save(photos / "cat" / "a-cmyk.jpg")
    Image.new("P", (9, 9)).save(photos / "cat" / "b-palette.png")
    Image.fromarray(np.full((9, 9), 40000, np.uint16)).save(photos / "cat" / "c-sixteen.png")
    Image.new("RGB", (1, 1)).save(photos / "cat" / "d-pixel.png")
    (photos / "cat" / "e-bad.png").write_bytes(b"no image")
    (photos / "notes.txt").write_text("no image at all")
    done = oodcache("extract", *small_model.arguments, f"c={photos}")
    assert done.status == 0
    assert "c: left out: 1 .txt" in done.err
    assert "1 could not be decoded, first 'cat/e-bad.png'" in done.err
    images = open_images(only("embeddings/local/small-*/images/c.h5"))
    row = images.paths().index(b"cat/e-bad.png")
    assert np.flatnonzero(~images.ok).tolist() == [row]
    assert "UnidentifiedImageError" in images.errors()[row]
    assert not next(images.blocks())[row].any()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ([], 2, "--model is missing, for example: --model siglip2"),
        (["--model", "tiny-clip"], 1, "nothing to extract: name a dataset"),
        (["--model", "tiny-clip", "x=none"], 1, "none: no such file or folder"),
        (["--model", "tiny-clip", "x=empty"], 1, "empty: contains no images"),
        (["--model", "tiny-clip", "SUN"], 1, "data: no such data root, needed for SUN"),
        (["--model", "tiny-clip", "cifar"], 1, "use NAME=PATH"),
        (["--model", "tiny-klip", "x=photos"], 1, "names no weights; did you mean tiny-clip?"),
        (["--model", "VIT-B-32/openai", "x=photos"], 1, "did you mean ViT-B-32"),
        (["--model", "tiny-clip", "x=photos", "x=strays"], 1, "'x' is given twice"),
        (["--model", "tiny-clip", "--classes", "c=blank.txt"], 1, "line 2 is blank"),
        (["--model", "tiny-clip", "--classes", "c=none.txt"], 1, "none.txt: No such file"),
        (["--model", "tiny-clip", "--template", "a {}", "x=photos"], 1, "give --classes too"),
        (["--model", "local-dir:empty", "x=photos"], 1, "contains neither open_clip_config.json"),
        (["--model", "tiny-clip", "--batch-size", "0", "x=photos"], 2, "0 is not in the range"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    oodcache: Run, photos: Path, strays: Path, arguments: list[str], status: int, words: str
) -> None:
    Path("empty").mkdir()
    Path("blank.txt").write_text("cat\n\ndog\n")
    refused = oodcache("extract", *arguments)
    assert refused.status == status
    assert words in refused.err
    assert "Traceback" not in refused.err
    if status == 1:
        assert refused.err.count("\n") == 1 + refused.err.count("loading")
    assert not Path("embeddings").exists()


def test_the_data_root_is_checked_before_the_model_is_looked_at(oodcache: Run) -> None:
    refused = oodcache("extract", "--model", "no-such/model", "--data-root", "nowhere", "SUN")
    assert "nowhere: no such data root" in refused.err


def test_a_folder_of_broken_images_leaves_no_file(oodcache: Run) -> None:
    Path("bad").mkdir()
    for number in range(3):
        Path("bad", f"{number}.jpg").write_bytes(b"no image")
    refused = oodcache("extract", "--model", "tiny-clip", "x=bad")
    assert refused.status == 1
    assert "none of 3 images could be decoded, the first: " in refused.err
    assert not list(Path("embeddings").rglob("*.h5"))
    assert not leftovers()


def test_a_wrong_count_of_a_known_set_is_said(oodcache: Run) -> None:
    write_image(Path("data/MOS/SUN/images/a.jpg"), 1)
    done = oodcache("extract", "--model", "tiny-clip", "SUN")
    assert done.status == 0
    assert "SUN: 1 image under data/MOS/SUN/images, 10,000 expected" in done.err


@permissions_bind
def test_a_cache_that_may_not_be_written_is_one_line(oodcache: Run, photos: Path) -> None:
    Path("embeddings").mkdir(mode=0o500)
    refused = oodcache("extract", "--model", "tiny-clip", f"c={photos}")
    assert refused.status == 1
    assert "cannot be written: Permission denied" in refused.err


def test_a_cache_below_a_file_is_one_line(oodcache: Run, photos: Path) -> None:
    Path("embeddings").write_text("a file")
    refused = oodcache("extract", "--model", "tiny-clip", f"c={photos}")
    assert refused.status == 2
    assert "Directory 'embeddings' is a file" in refused.err


@contextmanager
def small_disk(size: str) -> Iterator[Callable[[str], None]]:
    """Mount a file system of so many bytes as `full`; give a function that changes its size."""
    Path("full").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", "full"]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        yield (
            lambda size: (
                subprocess.run(["mount", "-o", f"remount,size={size}", "full"], check=True) and None
            )
        )
    finally:
        subprocess.run(["umount", "full"], check=True)


def test_a_full_disk_is_one_line_and_leaves_nothing(oodcache: Run, photos: Path) -> None:
    with small_disk("4k"):
        refused = oodcache("extract", "--model", "tiny-clip", "--cache", "full", f"c={photos}")
        assert refused.status == 1
        assert os.strerror(errno.ENOSPC) in refused.err
        assert "give another folder with --cache" in refused.err
        assert not [path for path in Path("full").rglob("*") if path.is_file()]


@pytest.mark.slow
def test_a_run_that_filled_the_disk_goes_on_when_there_is_room(oodcache: Run, photos: Path) -> None:
    arguments = ["extract", "--model", "tiny-clip", "--shard-rows", "3", f"c={photos}"]
    assert oodcache(*arguments, "--cache", "whole").status == 0
    name = Path("tiny-clip/demo/images/c.h5")
    done = []
    with small_disk("16k") as resize:
        for size in ("16k", "32k", "48k", "64k", "1m"):
            resize(size)
            done.append(oodcache(*arguments, "--cache", "full"))
            assert not list(Path("full").rglob(".*.part"))
            if done[-1].status:
                assert os.strerror(errno.ENOSPC) in done[-1].err
                # Loading, going on, why it ended; and where the time went, if it took a second.
                assert done[-1].err.count("\n") <= 4
        assert [one.status for one in done][0::4] == [1, 0]
        assert any("of 4 shards are done" in one.err for one in done)
        assert Path("full", name).read_bytes() == Path("whole", name).read_bytes()


def test_control_codes_in_names_are_shown_escaped(oodcache: Run) -> None:
    refused = oodcache("extract", "--model", "tiny-clip", "x=\x1b[31mred\nfolder")
    assert "\x1b" not in refused.err
    assert r"\x1b[31mred\nfolder: no such file or folder" in refused.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status", "tell"),
    [
        (signal.SIGINT, 130, os.kill),
        (signal.SIGINT, 130, os.killpg),  # The workers too, as a terminal or a cluster does.
        (signal.SIGTERM, 143, os.killpg),
    ],
)
def test_a_run_that_is_stopped_leaves_whole_shards_and_goes_on(
    oodcache: Run,
    photos: Path,
    tmp_path: Path,
    number: signal.Signals,
    status: int,
    tell: Callable[[int, int], None],
) -> None:
    for copy in range(588):
        shutil.copyfile(photos / "cat" / "0.png", photos / "cat" / f"copy{copy}.png")
    arguments = ["extract", "--model", "tiny-clip", "--batch-size", "2", "--workers", "1"]
    arguments += ["--shard-rows", "20", f"c={photos}"]
    command = [sys.executable, "-m", "oodcache", *arguments]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while not list(Path().glob("embeddings/**/00002-*.h5")) and time.monotonic() < deadline:
        time.sleep(0.02)
    tell(process.pid, number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == status
    assert "Traceback" not in said
    assert "stopped; run the same command again to resume" in said
    assert not leftovers()
    shards = list(Path().glob("embeddings/**/*.h5"))
    assert 2 <= len(shards) < 30
    again = oodcache(*arguments)
    assert again.status == 0
    assert f"c: resuming: {len(shards)} of 30 shards are done" in again.err
    assert open_images(only("embeddings/tiny-clip/demo/images/c.h5")).rows == 600
    assert len(list(Path().glob("embeddings/**/*.h5"))) == 1


def test_shares_of_a_cluster_make_one_file(oodcache: Run, photos: Path) -> None:
    arguments = ["extract", "--model", "tiny-clip", "--shard-rows", "5", f"c={photos}"]
    said = [oodcache(*arguments, "--shard", f"{part}/4") for part in (4, 2, 3, 1)]
    assert [one.status for one in said] == [0] * 4
    assert "c: nothing to do for --shard 4/4: only 3 shards" in said[0].err
    assert "c: 2 of 3 shards are done; the process that writes the last one merges" in said[2].err
    assert "wrote embeddings/tiny-clip/demo/images/c.h5: 12 images" in said[3].err


@pytest.mark.slow
def test_a_cluster_says_which_share_is_whose_until_one_is_typed(
    oodcache: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["extract", "--model", "tiny-clip", "--shard-rows", "5", f"c={photos}"]
    assert oodcache(*arguments, "--cache", "whole").status == 0
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in (1, 0):
        monkeypatch.setenv("RANK", str(rank))
        done = oodcache(*arguments)
        assert done.status == 0
        assert f"shards {rank + 1}/2, from RANK; --shard 1/1 does all" in done.err
    name = "tiny-clip/demo/images/c.h5"
    assert Path("embeddings", name).read_bytes() == Path("whole", name).read_bytes()
    monkeypatch.setenv("RANK", "2")
    refused = oodcache(*arguments, "--cache", "typed")
    assert refused.status == 1
    assert "RANK 2 of WORLD_SIZE 2, counted from 0; give --shard I/N" in refused.err
    typed = oodcache(*arguments, "--cache", "typed", "--shard", "1/1")
    assert "share" not in typed.err
    assert Path("typed", name).read_bytes() == Path("whole", name).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--engine", "ray", "--shard", "1/2"], "distributes the shards itself: omit --shard"),
        (
            ["--engine", "ray", "--gpus-per-actor", "1.5"],
            "1.5 is neither a fraction of a GPU nor a",
        ),
        (["--num-actors", "2"], "--num-actors and --gpus-per-actor need --engine ray"),
        (["--gpus-per-actor", "0"], "--num-actors and --gpus-per-actor need --engine ray"),
    ],
)
def test_options_that_contradict_the_engine_are_usage_errors(
    oodcache: Run, photos: Path, arguments: list[str], words: str
) -> None:
    refused = oodcache("extract", "--model", "tiny-clip", *arguments, f"c={photos}")
    assert refused.status == 2
    assert words in refused.err
    assert not Path("embeddings").exists()


def test_the_environments_share_is_nothing_to_ray(
    oodcache: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["extract", "--model", "tiny-clip", f"c={photos}"]
    assert oodcache(*arguments).status == 0
    monkeypatch.setenv("RANK", "nonsense")
    done = oodcache(*arguments, "--engine", "ray")
    assert done.err.splitlines() == [
        "--engine ray distributes the shards itself: ignoring the environment's rank",
        "kept embeddings/tiny-clip/demo/images/c.h5",
    ]


def test_class_names_of_an_image_only_model_are_a_usage_error(oodcache: Run) -> None:
    refused = oodcache("extract", "--model", "timm:test_vit", "--classes", "pets=pets.txt")
    assert refused.status == 2
    assert refused.err.splitlines()[-1] == (
        "Error: --classes: timm:test_vit is image-only and embeds no class names; omit it: scores "
        "take the classes of --bank"
    )


@pytest.mark.slow
def test_an_image_only_model_goes_from_images_to_a_table(
    oodcache: Run, photos: Path, strays: Path, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    torch.save(timm.create_model("test_resnet").state_dict(), "mine.pt")
    model = ("--model", "timm:test_resnet", "--checkpoint", "mine.pt")
    command = ("extract", *model, "--name", "dino", f"pets={photos}", f"strays={strays}")
    done = oodcache(*command, f"train={photos}", "--shard-rows", 5, "--workers", 0)
    assert done.status == 0, done.err
    again = oodcache(*command)
    assert again.err.count("kept ") == 2 and "loading" not in again.err
    assert oodcache("cache", "verify").status == 0
    stored = open_images(only("embeddings/local/dino-*/images/pets.h5")).identity.model
    assert (stored.logit_scale, stored.logit_bias) == (None, None)
    asked = ("--model", "dino", "--id", "pets", "--ood", "strays", "--bank", "train")
    table = oodcache("score", *asked, "--score", "knn:k=1", "--output", "r.json")
    assert table.status == 0, table.err
    assert "accuracy by the nearest class mean of the bank" in table.out
    assert oodcache("report", "r.json", "--output", "r.html").status == 0


def test_a_name_for_weights_that_have_one_is_a_usage_error(oodcache: Run) -> None:
    refused = oodcache("extract", "--model", "tiny-clip", "--name", "mine", "c=photos")
    assert refused.status == 2
    assert "--name is for weights of your own: --checkpoint or a folder" in refused.err


@pytest.mark.parametrize("share", ["0/2", "3/2", "1", "1/0", "a/b", "-1/2"])
def test_a_share_that_is_none_is_a_usage_error(oodcache: Run, share: str) -> None:
    refused = oodcache("extract", "--model", "tiny-clip", "--shard", share, "c=.")
    assert refused.status == 2
    assert "is not I/N with I from 1 to N, such as 2/4" in refused.err


def test_bad_rows_are_retried_and_too_many_are_status_1(oodcache: Run, photos: Path) -> None:
    sound = (photos / "dog" / "3.png").read_bytes()
    (photos / "dog" / "3.png").write_bytes(bytes(len(sound)))
    arguments = ["extract", "--model", "tiny-clip", "--dtype", "float16", f"c={photos}"]
    refused = oodcache(*arguments, "--max-bad", "0.05")
    assert refused.status == 1
    assert "1 of 12 images so far cannot be read, such as 'dog/3.png'" in refused.err
    assert "more than --max-bad 0.05 of all 12; finished shards are kept" in refused.err
    (photos / "dog" / "3.png").write_bytes(sound)
    assert oodcache(*arguments, "--max-bad", "0.05", "--retry-failed").status == 0
    images = open_images(only("embeddings/tiny-clip/demo/images/c.h5"))
    assert images.ok.all()
    assert images.dtype == np.float16


def test_a_short_name_of_a_precision_is_answered_with_the_whole_one(oodcache: Run) -> None:
    for short, whole in (("bf16", "bfloat16"), ("fp16", "float16")):
        done = oodcache("extract", "--model", "tiny-clip", "--precision", short)
        assert done.status == 2
        assert f"'{short}' is not one of" in done.err and f"did you mean {whole}?" in done.err
