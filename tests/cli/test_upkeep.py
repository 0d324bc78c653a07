"""Claims about `oodcache cache verify`, `merge` and `rm`."""

from __future__ import annotations

import fcntl
import os
import pty
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
from samples import Run, permissions_bind

from oodcache.cache.files.texts import open_texts, write_texts

Write = Callable[..., Path]
Cut = Callable[..., list[Path]]
CACHE = Path("embeddings")
IMAGES = CACHE / "small/demo/images"
TEXTS = CACHE / "small/demo/texts"
MAIN = [sys.executable, "-m", "oodcache", "cache"]


def there(folder: Path = CACHE) -> set[str]:
    return {str(path) for path in folder.rglob("*")}


OPEN = [
    *(sys.executable, "-c"),
    "import sys; from pathlib import Path\n"
    "from oodcache.cache.errors import InputError\n"
    "from oodcache.cache.format.container import opened\n"
    "try:\n  opened(Path(sys.argv[1])).__enter__()\nexcept InputError as error:\n  print(error)",
]


def spoil(path: Path) -> None:
    """Turn a unit vector round: it breaks no rule that can be seen without the SHA-256."""
    with h5py.File(path, "r+") as file:
        file["embeddings"][0] = -file["embeddings"][0]


@pytest.fixture
def whole(write_pets: Write, tmp_path: Path) -> Path:
    """A file that stands elsewhere, to be cut into shards, and to compare merged ones with."""
    return write_pets(tmp_path / "small/demo/images/pets.h5")


def test_verify_quick_reads_no_vector(oodcache: Run, write_pets: Write, write_names: Write) -> None:
    pets, names = write_pets(IMAGES / "pets.h5"), write_names(TEXTS / "names.h5")
    spoil(pets)
    spoil(names)
    done = oodcache("cache", "verify", "--quick")
    assert done.status == 0
    assert done.out.splitlines() == [f"sound  {pets}", f"sound  {names}"]
    assert done.err == ""
    assert oodcache("cache", "verify").out.count("BROKEN") == 2


def test_verify_reports_classes_that_share_a_vector(
    oodcache: Run, write_names: Write, tmp_path: Path
) -> None:
    texts = open_texts(write_names(tmp_path / "n.h5"))
    stored = texts.stored.copy()
    stored[:, 2] = stored[:, 0]
    path = TEXTS / "same.h5"
    path.parent.mkdir(parents=True)
    write_texts(path, stored, texts.norm, vocabulary=texts.vocabulary, identity=texts.identity)
    first, _, last = texts.vocabulary.names
    assert oodcache("cache", "verify", path).out.splitlines() == [
        f"sound  {path}",
        f"equal  {path}: 2 of 3 classes have the same vector as another, such as {first!r} and "
        f"{last!r}: they cannot be told apart",
    ]
    assert oodcache("cache", "verify", "--quick", path).out == f"sound  {path}\n"


@pytest.mark.parametrize("options", [(), ("--deep",)])
def test_verify_finds_a_flipped_vector_in_files_and_in_shards(
    oodcache: Run,
    write_pets: Write,
    write_names: Write,
    cut: Cut,
    whole: Path,
    options: tuple[str, ...],
) -> None:
    pets, names = write_pets(IMAGES / "pets.h5"), write_names(TEXTS / "names.h5")
    shards = cut(whole, IMAGES / "other.h5")
    done = oodcache("cache", "verify", *options)
    assert done.status == 0
    assert done.out.splitlines() == [f"sound  {path}" for path in (pets, names, *shards)]
    assert done.err == ""
    for path in (pets, names, shards[1]):
        spoil(path)
    done = oodcache("cache", "verify", *options)
    assert done.status == 1
    broken = [line.startswith("BROKEN ") for line in done.out.splitlines()]
    assert broken == [True, True, False, True, False]
    assert done.out.count("(rule F10)") == 1
    assert done.out.count("(rule F14)") == 2
    assert "oodcache: 3 of 5 files are broken; remake the broken" in done.err


def test_verify_takes_a_link_to_itself_for_broken(oodcache: Run, write_pets: Write) -> None:
    write_pets(IMAGES / "pets.h5")
    loop = IMAGES / "loop.h5"
    loop.symlink_to("loop.h5")
    done = oodcache("cache", "verify")
    assert done.status == 1
    assert f"BROKEN {loop}: cannot be read: Too many levels of symbolic links" in done.out


def test_a_file_that_another_program_writes_is_not_broken(oodcache: Run, write_pets: Write) -> None:
    path = write_pets(IMAGES / "pets.h5")
    with h5py.File(path, "r+"):
        done = oodcache("cache", "verify")
        other = subprocess.run([*OPEN, str(path)], capture_output=True, text=True)
    assert "is open for writing in another program" in other.stdout
    assert done.status == 1
    assert f"UNREAD {path}: is open in this program; close that h5py.File first" in done.out
    assert done.err == "oodcache: 1 of 1 file could not be read: see above\n"
    assert oodcache("cache", "verify").status == 0


def test_verify_takes_a_folder_of_shards_for_its_shards(
    oodcache: Run, cut: Cut, whole: Path
) -> None:
    shards = cut(whole, IMAGES / "pets.h5")
    for asked in (IMAGES / "pets.shards", IMAGES / "pets.h5"):
        done = oodcache("cache", "verify", asked)
        assert done.out.splitlines() == [f"sound  {path}" for path in shards]
    shards[0].write_bytes(b"")
    assert "oodcache: 1 of 3 files is broken" in oodcache("cache", "verify", asked).err


def test_verify_names_whatever_is_no_file(oodcache: Run, write_pets: Write) -> None:
    pets = write_pets(IMAGES / "pets.h5")
    os.mkfifo("fifo")
    Path("text.h5").write_text("words")
    done = oodcache("cache", "verify", "none.h5", "fifo", ".", "text.h5", pets)
    assert done.status == 1
    assert [line.split(":")[0] for line in done.out.splitlines()] == [
        "BROKEN none.h5",
        "BROKEN fifo",
        "BROKEN .",
        "BROKEN text.h5",
        f"sound  {pets}",
    ]
    assert "4 of 5 files are broken" in done.err
    assert oodcache("cache", "verify", "pets").out == f"sound  {pets}\n"
    typo = oodcache("cache", "verify", "cats", pets)
    assert typo.out == ""
    assert typo.err == (
        "oodcache: cats: no such file, and embeddings has no model, dataset or vocabulary of that "
        "name (there are: pets); list its files with: oodcache cache ls\n"
    )


def test_verify_of_nothing_is_refused(oodcache: Run) -> None:
    (IMAGES / "pets.shards").mkdir(parents=True)
    assert "contains no embeddings to verify" in oodcache("cache", "verify").err
    empty = oodcache("cache", "verify", IMAGES / "pets.shards")
    assert (empty.status, "contains no shard" in empty.err) == (1, True)


@permissions_bind
def test_a_file_without_permission_is_one_line(oodcache: Run, write_pets: Write) -> None:
    pets = write_pets(IMAGES / "pets.h5")
    pets.chmod(0)
    for command in ("info", "verify", "merge"):
        done = oodcache("cache", command, pets)
        assert done.status == 1
        assert f"{pets}: cannot be read: Permission denied" in done.out + done.err


def test_merge_makes_what_is_complete_and_refuses_the_rest_by_its_gap(
    oodcache: Run, cut: Cut, cut_texts: Cut, whole: Path
) -> None:
    cut(whole, IMAGES / "pets.h5")
    cut(whole, IMAGES / "gap.h5")[1].unlink()
    cut_texts(TEXTS / "names.h5")
    done = oodcache("cache", "merge")
    assert done.status == 1
    gap, pets, names = done.out.splitlines()
    assert gap.startswith(f"FAILED {IMAGES / 'gap.shards'}: rows 3 to 5 are missing (shard 2 of 3)")
    assert pets == f"{IMAGES / 'pets.h5'}: merged 3 shards, 7 rows, 1 not ok"
    assert names == f"{TEXTS / 'names.h5'}: merged 2 shards, 2 rows, 0 not ok"
    assert done.err == "oodcache: 1 of 3 files could not be merged\n"
    assert (IMAGES / "pets.h5").read_bytes() == whole.read_bytes()
    assert not (IMAGES / "pets.shards").exists()
    assert len(list((IMAGES / "gap.shards").iterdir())) == 2


def test_merge_of_what_is_merged_says_so(oodcache: Run, cut: Cut, whole: Path) -> None:
    cut(whole, IMAGES / "pets.h5")
    assert oodcache("cache", "merge").status == 0
    again = oodcache("cache", "merge")
    assert (again.status, again.out) == (0, "embeddings: 1 file, all merged already\n")
    named = oodcache("cache", "merge", IMAGES / "pets.h5")
    assert (named.status, named.out) == (0, f"{IMAGES / 'pets.h5'}: merged already\n")


def test_merge_of_no_cache_is_refused(oodcache: Run) -> None:
    done = oodcache("cache", "merge")
    assert (done.status, done.err) == (1, "oodcache: embeddings: contains no embeddings to merge\n")


@pytest.mark.parametrize("named", ["pets.h5", "pets.shards"])
def test_merge_takes_a_target_or_its_folder_wherever_it_is(
    oodcache: Run, cut: Cut, whole: Path, named: str
) -> None:
    target = Path("elsewhere/small/demo/images/pets.h5")
    cut(whole, target)
    done = oodcache("cache", "merge", target.parent / named)
    assert done.status == 0
    assert target.read_bytes() == whole.read_bytes()
    assert not CACHE.exists()


def test_shards_of_several_machines_make_one_file_of_the_cache(
    oodcache: Run, cut: Cut, whole: Path
) -> None:
    paths = cut(whole, Path("from/a.h5"))
    Path("other").mkdir()
    given = [paths[2], paths[1].rename(f"other/{paths[1].name}"), paths[0].rename("any.h5")]
    partly = oodcache("cache", "merge", "--cache", "there", *given[:2])
    assert partly.status == 1
    assert "rows 0 to 2 are missing (shard 1 of 3)" in partly.err
    assert not Path("there").exists()
    done = oodcache("cache", "merge", "--cache", "there", *given)
    target = Path("there/small/demo/images/pets.h5")
    assert (done.status, done.out) == (0, f"{target}: merged 3 shards, 7 rows, 1 not ok\n")
    assert target.read_bytes() == whole.read_bytes()
    assert all(path.exists() for path in given)


def test_shards_of_two_runs_and_shards_given_twice_make_no_file(
    oodcache: Run, cut: Cut, whole: Path, write_pets: Write, tmp_path: Path
) -> None:
    ours = cut(whole, Path("a.h5"))
    other = write_pets(tmp_path / "b/demo/images/pets.h5", weights="ff" * 32)
    theirs = cut(other, Path("b.h5"))
    mixed = oodcache("cache", "merge", *ours[:2], theirs[2])
    assert "made from other weights than" in mixed.err
    copy = Path("copy.h5")
    copy.write_bytes(ours[0].read_bytes())
    doubled = oodcache("cache", "merge", *ours, copy)
    assert "repeats rows 0 to 2 of " in doubled.err
    assert oodcache("cache", "merge", *ours, ours[0]).status == 0
    assert mixed.status == doubled.status == 1


def test_a_complete_run_replaces_a_file_of_the_same_run(
    oodcache: Run, cut: Cut, whole: Path
) -> None:
    target = IMAGES / "pets.h5"
    cut(whole, target)
    target.write_bytes(whole.read_bytes())
    done = oodcache("cache", "merge")
    assert (done.status, done.err) == (0, "")
    assert there(IMAGES) == {str(target)}
    assert target.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("change", ["weights", "dtype", "damage"])
def test_a_file_of_another_run_or_a_damaged_one_is_never_replaced(
    oodcache: Run, cut: Cut, whole: Path, write_pets: Write, change: str
) -> None:
    target = IMAGES / "pets.h5"
    if change == "damage":
        IMAGES.mkdir(parents=True)
        target.write_bytes(whole.read_bytes()[:-100])
    else:
        write_pets(target, **{"weights": {"weights": "f"}, "dtype": {"dtype": "f2"}}[change])
    before, paths = target.read_bytes(), cut(whole, target)
    for given in ([], [IMAGES / "pets.shards"], paths):
        done = oodcache("cache", "merge", *given)
        assert done.status == 1
        said = done.out + done.err
        assert (
            f"{target}: {'is not a whole' if change == 'damage' else 'exists, made from'}" in said
        )
        assert f"oodcache cache rm {target}" in said
        assert target.read_bytes() == before
        assert all(path.exists() for path in paths)
    assert oodcache("cache", "rm", target, "--yes").status == 0
    assert oodcache("cache", "merge").status == 0
    assert target.read_bytes() == whole.read_bytes()


def test_copies_of_shards_never_replace_the_file_of_their_run(
    oodcache: Run, cut: Cut, whole: Path, write_pets: Write
) -> None:
    better = write_pets(IMAGES / "pets.h5", failed=())
    before = better.read_bytes()
    done = oodcache("cache", "merge", *cut(whole, Path("copies.h5")))
    assert done.status == 0
    assert f"{better}: merged already, from the same run" in done.out
    assert better.read_bytes() == before


def test_a_part_of_a_run_beside_its_whole_file_is_refused_with_both_ways_out(
    oodcache: Run, cut: Cut, whole: Path
) -> None:
    target = IMAGES / "pets.h5"
    cut(whole, target)[0].unlink()
    target.write_bytes(whole.read_bytes())
    done = oodcache("cache", "merge")
    assert done.status == 1
    assert "run the same oodcache extract again; or, as " in done.err
    typed = done.err.rpartition("remove the shards: ")[2]
    assert oodcache(*shlex.split(typed)[1:], "--yes").status == 0
    assert there(IMAGES) == {str(target)}


@pytest.mark.parametrize("damage", ["cut short", "flipped"])
def test_a_damaged_shard_is_one_line_with_the_way_out(
    oodcache: Run, cut: Cut, whole: Path, damage: str
) -> None:
    paths = cut(whole, IMAGES / "my pets.h5")
    if damage == "flipped":
        spoil(paths[1])
    else:
        paths[1].write_bytes(paths[1].read_bytes()[:-50])
    for given in ([IMAGES / "my pets.h5"], paths):
        done = oodcache("cache", "merge", *given, "--cache", "other")
        assert (done.status, done.out, done.err.count("\n")) == (1, "", 1)
        assert done.err.startswith(f"oodcache: {paths[1]}: ")
        assert f"oodcache cache rm {shlex.quote(str(paths[1]))} and run the same" in done.err
        assert all(path.exists() for path in paths)
    loose = paths[1].rename("loose.h5")
    done = oodcache("cache", "merge", paths[0], loose, paths[2])
    assert "expected a shard: was it copied completely?" in done.err


def test_shards_in_the_folder_of_the_other_kind_are_refused(
    oodcache: Run, cut: Cut, whole: Path
) -> None:
    cut(whole, TEXTS / "pets.h5")
    assert "holds images, not texts" in oodcache("cache", "merge").err
    assert not (TEXTS / "pets.h5").exists()


@pytest.mark.slow
def test_two_merges_at_once_end_with_one_good_file(cut: Cut, whole: Path, tmp_path: Path) -> None:
    target = tmp_path / IMAGES / "pets.h5"
    cut(whole, target, 1)
    both = [
        subprocess.Popen([*MAIN, "merge"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert all("merged" in one for one in said)
    assert target.read_bytes() == whole.read_bytes()
    assert there(target.parent) == {str(target)}


def test_a_merge_that_another_process_finishes_first_is_no_failure(
    oodcache: Run, cut: Cut, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from oodcache.cache.shards import merging

    target = IMAGES / "pets.h5"
    cut(whole, target)
    real = merging.check_fit

    def late(shards: object) -> object:
        """Merge, as if by another process, between the look and the merge of this one."""
        monkeypatch.setattr(merging, "check_fit", real)
        merging.merge(target, merging.find(target).shards)
        return real(shards)  # type: ignore[arg-type]

    monkeypatch.setattr(merging, "check_fit", late)
    done = oodcache("cache", "merge")
    assert (done.status, done.out) == (0, f"{target}: merged already, by another process\n")
    assert target.read_bytes() == whole.read_bytes()


@pytest.mark.slow
def test_rm_lists_asks_and_removes_on_a_terminal(write_pets: Write, tmp_path: Path) -> None:
    path = write_pets(tmp_path / IMAGES / "pets.h5")
    for answer, left in (("n", True), ("y", False)):
        master, slave = pty.openpty()
        with subprocess.Popen(
            [*MAIN, "rm", str(IMAGES / "pets.h5")],
            **{"cwd": tmp_path, "stdin": slave, "text": True},
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE},
        ) as process:
            os.write(master, f"{answer}\n".encode())
            out, err = process.communicate()
        os.close(master)
        os.close(slave)
        assert f"  {IMAGES / 'pets.h5'}\n" in err
        assert "Remove 1 file, 0.00" in err
        assert path.exists() == left
        assert (process.returncode, out.startswith("removed 1 file")) == (left, not left)
    assert there(tmp_path / CACHE) == set()


def test_rm_off_a_terminal_wants_yes(oodcache: Run, write_pets: Write) -> None:
    path = write_pets(IMAGES / "pets.h5")
    code = f"cd {shlex.quote(str(Path.cwd()))}; {shlex.join([*MAIN, 'rm', str(path)])} < /dev/null"
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "not removed: no terminal to ask for confirmation; add --yes" in done.stderr
    assert path.exists()


def test_rm_of_a_model_takes_all_of_it_and_of_no_other(
    oodcache: Run, write_pets: Write, write_names: Write, cut: Cut, whole: Path
) -> None:
    write_pets(IMAGES / "pets.h5")
    write_names(TEXTS / "names.h5")
    cut(whole, IMAGES / "begun.h5")
    stale = IMAGES / ".pets.h5.0badcafe.part"
    stale.touch()
    (IMAGES / "begun.shards/.00001-of-00003-abcdef01.h5.0badcafe.part").touch()
    kept = write_pets(CACHE / "small/other/images/pets.h5", requested="another")
    done = oodcache("cache", "rm", "tiny", "--yes")
    assert done.status == 0
    assert done.out.startswith("removed 5 files, ")
    assert there() == {str(kept), *(str(path) for path in kept.parents if CACHE in path.parents)}


def test_rm_finds_a_model_that_is_only_begun(oodcache: Run, cut: Cut, whole: Path) -> None:
    cut(whole, IMAGES / "pets.h5")
    assert oodcache("cache", "rm", "tiny", "--yes").status == 0
    assert there() == set()


def test_rm_leaves_what_is_being_written_and_says_so(oodcache: Run, cut: Cut, whole: Path) -> None:
    folder = cut(whole, IMAGES / "pets.h5")[0].parent
    (folder / ".a.h5.0badcafe.part").touch()
    busy = folder / ".b.h5.0badcafe.part"
    with busy.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = oodcache("cache", "rm", folder, "--yes")
        assert done.status == 0
        assert f"kept {busy}: in use, or not in this format" in done.err
        assert list(folder.iterdir()) == [busy]
    assert oodcache("cache", "rm", folder, "--yes").status == 0
    assert there() == set()
