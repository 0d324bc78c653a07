"""Claims about `oodcache negatives`, and about its files in `oodcache cache`."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from samples import Run

from oodcache.cache.files.images import ImageBatch, ImageRows, write_images
from oodcache.cache.files.negatives import read_negatives
from oodcache.cache.files.texts import Vocabulary, write_texts
from oodcache.cache.format.identity import Identity, ModelIdentity

FILE = Path("embeddings/small/demo/negatives/x.json")
IDENTITY = Identity(
    ModelIdentity("small", "demo", "tiny", {"embed_dim": 4}, "00" * 32, None, 10.0, -5.0),
    {"name": "pets", "fingerprint": "11" * 32},
    {"tokenizer": "SimpleTokenizer", "clean": "_clean_lower"},
    {"autocast": "float32"},
    {"oodcache": "0.1.0"},
)
MINE = ("negatives", "--model", "tiny", "--classes", "pets", "--words", "nouns", "-o", "x")


def write(name: str, words: list[str], template: str = "the nice {}", seed: int = 0) -> None:
    rows = np.random.default_rng(seed).normal(size=(1, len(words), 4))
    rows /= np.linalg.norm(rows, axis=-1, keepdims=True)
    write_texts(
        Path(f"embeddings/small/demo/texts/{name}.h5"),
        rows.astype(np.float32),
        np.ones((1, len(words)), np.float32),
        vocabulary=Vocabulary(tuple(words), ("",) * len(words), (template,)),
        identity=replace(IDENTITY, source={**IDENTITY.source, "name": name}),
    )


@pytest.fixture
def lists(oodcache: Run) -> None:
    """Write two classes, forty nouns, one of them twice and one a class, and ten adjectives."""
    write("pets", ["cat", "dog"])
    write("nouns", [*(f"noun {at}" for at in range(38)), "Noun 0", "CAT"], seed=1)
    write("adjectives", [f"old {at}" for at in range(10)], "This is a {} photo", seed=2)


def test_a_file_is_written_and_what_was_kept_is_said(oodcache: Run, lists: None) -> None:
    mined = oodcache(*MINE, "--words", "adjectives", "--keep", "50%", "--csp", "pets")
    assert mined.status == 0
    assert mined.out == ""
    said = mined.err.splitlines()
    assert said[0] == (
        "nouns: 40 words (skipped: 1 duplicate, 1 class name); kept 19 of 38 candidates"
    )
    assert said[1] == "adjectives: 10 words; kept 5 of 10 candidates"
    assert said[2] == "pets: 2 words (skipped: 2 class names); kept 0 of 0 candidates"
    assert said[3].startswith("classes in 'the nice {}', but adjectives in 'This is a {} photo'")
    assert said[4] == f"wrote {FILE}: 24 words of 48 (--keep 50%)"
    found = read_negatives(FILE)
    assert [one.role for one in found.lists] == ["negative", "negative", "csp"]
    assert set(found.versions) == {"oodcache", "numpy"}


def test_the_nearest_words_are_kept_and_shown(oodcache: Run, lists: None) -> None:
    assert oodcache(*MINE, "--keep", "30", "--nearest", "8").status == 0
    found = read_negatives(FILE)
    lines = oodcache("cache", "info", FILE, "--all").out.splitlines()
    assert lines[0].endswith("candidates, and the 8 nearest words")
    listed = oodcache("cache", "ls").out
    assert "30 + 8 near" in listed
    start = lines.index("  the 8 nearest words:") + 1
    assert lines[start : start + 8] == [f"  {word}" for word in found.lists[0].near]
    refused = oodcache(*MINE, "--keep", "30", "--nearest", "9", "--overwrite")
    assert (refused.status, refused.err.splitlines()[-1]) == (
        1,
        "oodcache: --nearest 9: 8 words left beside the 30 farthest; give at most 8, or a smaller "
        "--keep",
    )
    for number in ("0", "-1", "x", "50%"):
        refused = oodcache(*MINE, "--nearest", number)
        assert refused.status == 2
        assert f"{number!r}: give a number of words, such as 5000" in refused.err


def test_the_same_command_gives_the_same_bytes(oodcache: Run, lists: None) -> None:
    assert oodcache(*MINE).status == 0
    before = FILE.read_bytes()
    assert oodcache(*MINE, "--overwrite").status == 0
    assert FILE.read_bytes() == before


def test_a_file_that_is_there_is_not_replaced_unasked(oodcache: Run, lists: None) -> None:
    assert oodcache(*MINE).status == 0
    for changed in (("--keep", "7%"), ("--percentile", "50")):
        refused = oodcache(*MINE, *changed)
        assert refused.status == 1
        assert f"oodcache: {FILE}: exists" in refused.err
        assert "replace it with --overwrite" in refused.err


def test_the_same_command_again_ends_well_also_after_a_kill(oodcache: Run, lists: None) -> None:
    assert oodcache(*MINE).status == 0
    before = FILE.read_bytes()
    again = oodcache(*MINE)
    assert again.status == 0
    assert again.err.endswith(f"{FILE}: mined already, with the same words\n")
    assert FILE.read_bytes() == before
    FILE.rename(FILE.with_name(f".{FILE.name}.0badcafe.part"))  # Killed before the rename.
    assert oodcache(*MINE).status == 0
    assert FILE.read_bytes() == before
    assert [path.name for path in FILE.parent.iterdir()] == [FILE.name]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "other"), "no embeddings of model 'other' (there are: small/demo)"),
        (("--words", "verbs"), "no vocabulary 'verbs' (there are: adjectives, nouns, pets)"),
        (("--keep", "15"), None),
        (("--keep", "x"), "--keep: 'x' is not a share, such as 15%, or a count"),
        (("--percentile", "nan"), "--percentile nan: give a number from 0 to 100, such as 95"),
        (("-o", "a/b"), "negatives 'a/b' is not a valid file name"),
        (("--template", "a {}"), "has no template 'a {}'"),
    ],
)
def test_mistakes_are_one_line(
    oodcache: Run, lists: None, arguments: tuple[str, ...], words: str | None
) -> None:
    option, value = arguments
    command = list(MINE)
    if option in command and option != "--words":  # Only --words may repeat.
        command[command.index(option) + 1] = value
        arguments = ()
    mined = oodcache(*command, *arguments)
    if words is None:
        assert mined.status == 0
        return
    assert mined.status == 1
    assert words in mined.err
    assert mined.err.count("\n") == 1


@pytest.mark.parametrize("option", ["--percentile=101", "--nothing"])
def test_options_that_make_no_sense_are_usage_errors(
    oodcache: Run, lists: None, option: str
) -> None:
    assert oodcache(*MINE, option).status == 2


def test_cache_ls_lists_negatives(oodcache: Run, lists: None) -> None:
    oodcache(*MINE)
    lines = [" ".join(line.split()) for line in oodcache("cache", "ls").out.splitlines()]
    (line,) = [line for line in lines if line.startswith("negatives x")]
    assert line.startswith("negatives x 5 – – ")
    assert line.endswith(" complete")
    one = json.loads(oodcache("cache", "ls", "--format", "json").out)[0]
    assert (one["path"], one["kind"], one["name"]) == (str(FILE), "negatives", "x")
    assert (one["state"], one["rows"], one["dimension"]) == ("complete", 5, None)
    assert one["bytes"] == FILE.stat().st_size
    FILE.write_text("{}")
    one = json.loads(oodcache("cache", "ls", "--format", "json").out)[0]
    assert (one["state"], one["rows"]) == ("not valid", None)
    assert "(rule N1)" in one["error"]
    assert "NOT VALID: its format is None" in oodcache("cache", "ls").out


def test_cache_info_shows_words_parameters_and_weights(oodcache: Run, lists: None) -> None:
    oodcache(*MINE, "--keep", "30", "--percentile", "90")
    found = read_negatives(FILE)
    shown = oodcache("cache", "info", FILE)
    assert shown.status == 0
    lines = shown.out.splitlines()
    assert lines[0] == f"{FILE}: 30 negatives of 38 candidates"
    assert lines[1] == f"model: small/demo, weights {'00' * 32}"
    assert "keep: 30" in lines
    assert "negative: nouns, the nice {}, percentile 90: 30 of 38" in lines
    assert f"  {found.lists[0].words[0]}" in lines
    assert "  … and 10 more: use --all to list them" in lines
    assert f"  {found.lists[0].words[-1]}" in oodcache("cache", "info", FILE, "--all").out


def test_cache_verify_checks_negatives(oodcache: Run, lists: None) -> None:
    oodcache(*MINE)
    for arguments in ((), (FILE,), ("--quick",)):
        assert f"sound  {FILE}\n" in oodcache("cache", "verify", *arguments).out
    FILE.write_text("[]")
    broken = oodcache("cache", "verify")
    assert broken.status == 1
    assert f"BROKEN {FILE}: its format is 'list'" in broken.out
    assert "1 of 4 files is broken; remake the broken files with: oodcache negatives" in broken.err


@pytest.mark.parametrize("content", [None, b"broken"])
def test_cache_rm_removes_negatives_and_leaves_no_folder_of_theirs(
    oodcache: Run, lists: None, content: bytes | None
) -> None:
    oodcache(*MINE)
    if content is not None:
        FILE.write_bytes(content)
    removed = oodcache("cache", "rm", FILE, "--yes")
    assert (removed.status, FILE.parent.exists()) == (0, False)
    assert Path("embeddings/small/demo/texts/nouns.h5").exists()


def test_cache_rm_of_a_model_takes_its_negatives(oodcache: Run, lists: None) -> None:
    oodcache(*MINE)
    (FILE.parent / ".y.json.0badcafe.part").write_text("")
    removed = oodcache("cache", "rm", "tiny", "--yes")
    assert removed.status == 0
    assert "left" not in removed.err
    assert list(Path("embeddings").iterdir()) == []


def test_cache_rm_removes_a_model_of_which_only_negatives_are_left(
    oodcache: Run, lists: None
) -> None:
    oodcache(*MINE)
    for path in Path("embeddings/small/demo/texts").iterdir():
        path.unlink()
    assert oodcache("cache", "rm", "small/demo", "--yes").status == 0
    assert not Path("embeddings/small/demo/negatives").exists()


def test_cache_rm_leaves_json_files_that_are_not_negatives(oodcache: Run, lists: None) -> None:
    Path("results.json").write_text("{}")
    refused = oodcache("cache", "rm", "results.json", "--yes")
    assert refused.status == 1
    assert "is not of this format" in refused.err
    oodcache(*MINE)
    FILE.rename("mine.json")
    assert oodcache("cache", "rm", "mine.json", "--yes").status == 0
    assert not Path("mine.json").exists()


def test_mining_needs_neither_torch_nor_scikit_learn(oodcache: Run, lists: None) -> None:
    code = (
        "import sys\n"
        "for name in ('torch', 'open_clip', 'sklearn', 'scipy', 'PIL', 'transformers'):\n"
        "    sys.modules[name] = None\n"
        f"sys.argv = ['oodcache', *{MINE!r}]\n"
        "from oodcache.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert FILE.exists()


WORDNET = Path(__file__).parents[1] / "score" / "words" / "wordnet"


@pytest.fixture
def strays(lists: None) -> None:
    """Write images of "Noun-3", a "noun 4" and no noun, and a set whose labels are numbers."""
    vectors = np.eye(4, dtype=np.float32)
    for name, labels in (("strays", ["Noun-3", "a noun 4", "NOUN__7", "x"]), ("plain", ["0"])):
        rows = ImageRows(
            paths=[f"{row}.png".encode() for row in range(4)],
            labels=np.arange(4) % len(labels),
            label_names=labels,
        )
        write_images(
            Path(f"embeddings/small/demo/images/{name}.h5"),
            [ImageBatch(vectors, np.ones(4, np.float32), {})],
            rows=rows,
            identity=replace(IDENTITY, source={**IDENTITY.source, "name": name}),
        )


def test_leaks_are_printed_after_mining_and_of_negatives_that_exist(
    oodcache: Run, strays: None
) -> None:
    mined = oodcache(*MINE, "--keep", "100%", "--leaks-of", "strays", "--leaks-of", "plain")
    assert mined.status == 0, mined.err
    assert mined.out.splitlines() == [
        "strays: 2 leaks among 38 words, by spelling; 4 classes from labels of its images",
        "  noun 3: Noun-3",
        "  noun 7: NOUN__7",
        "  only spellings were compared; --wordnet FOLDER finds synonyms too",
        "plain: leaks not known, since its labels are class numbers; give its class names with "
        "--leaks-of plain=FILE",
    ]
    before = FILE.read_bytes()
    Path("names.txt").write_text("noun 30\nwhooper\n")
    again = ("negatives", "--model", "tiny", "-o", "x", "--wordnet", WORDNET)
    found = oodcache(*again, "--leaks-of", "plain=names.txt")
    assert (found.status, found.err) == (0, "")
    assert found.out.splitlines() == [
        "plain: 1 leak among 38 words, by WordNet 3.0; 2 classes (1 in WordNet) from names.txt",
        "  noun 30: noun 30",
    ]
    assert FILE.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("n03017168\tnoun 3\nn03126707\tbeach\n", ["noun 3"]),
        ("n03017168 noun 3, Noun 9\nn03126707 beach\n", ["noun 3"]),
        ("noun 3, noun 9\nbeach\n", ["noun 3", "noun 9"]),
        ("noun 0\nbeach 1\n", []),
        ("0 noun 3\n1 beach\n", ["noun 3"]),
        ('["noun 3", "beach"]', ["noun 3"]),
        ("class_name\nnoun 3\n", None),
    ],
)
def test_class_names_are_read_as_extract_reads_them_or_rejected(
    oodcache: Run, strays: None, text: str, found: list[str] | None
) -> None:
    assert oodcache(*MINE, "--keep", "100%").status == 0
    Path("names.txt").write_text(text)
    told = oodcache("negatives", "--model", "tiny", "-o", "x", "--leaks-of", "plain=names.txt")
    if found is None:
        assert told.status == 1
        assert "names.txt: line 1 looks like a header, 'class_name': remove it" in told.err
        return
    assert told.status == 0, told.err
    first, *lines = told.out.splitlines()
    assert sorted(one.strip().partition(":")[0] for one in lines if one.startswith("  noun")) == (
        found
    )
    assert "2 classes" in first or len(found) == 0


def test_class_names_are_read_before_anything_is_mined(oodcache: Run, strays: None) -> None:
    for wanted in ("strays=none.txt", "stray"):
        assert oodcache(*MINE, "--leaks-of", wanted).status == 1
    assert oodcache(*MINE, "--leaks-of", "strays", "--wordnet", "nowhere").status == 1
    assert not FILE.exists()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--leaks-of", "stray"), 1, "no images 'stray'"),
        (("--leaks-of", "strays", "--leaks-of", "strays"), 1, "'strays' is given twice"),
        (("--leaks-of", "strays", "--wordnet", "nowhere"), 1, "nowhere: contains no data.noun"),
        (("--leaks-of", "strays", "--classes", "pets"), 2, "--words is missing: mining needs"),
        (("--leaks-of", "strays", "--words", "nouns"), 2, "--classes is missing: mining needs"),
        (("--leaks-of", "strays", "--overwrite"), 2, "--classes is missing: mining needs"),
        (("--leaks-of", "strays", "--keep", "15%"), 2, "--classes is missing: mining needs"),
        (("--leaks-of", "strays", "--keep", "7"), 2, "--classes is missing: mining needs"),
        (("--classes", "pets"), 2, "Missing option '--words'; for example: oodcache negatives"),
        (("--words", "nouns"), 2, "Missing option '--classes'; for example: oodcache negatives"),
        (("--classes", "pets", "--words", "nouns", "--wordnet", "x"), 2, "without --leaks-of SET"),
    ],
)
def test_mistakes_about_leaks_are_told(
    oodcache: Run, strays: None, arguments: tuple[str, ...], status: int, words: str
) -> None:
    assert oodcache(*MINE).status == 0
    found = oodcache("negatives", "--model", "tiny", "-o", "x", *arguments)
    assert (found.status, found.out) == (status, "")
    assert words in found.err


EVIL = "\x1b]0;owned\x07\x1b[2J\r\n\t\u202e[bold red]{0}%s"
SHOWN = r"\x1b]0;owned\x07\x1b[2J\r\n\t\u202e[bold red]{0}%s"


def test_a_strangers_words_are_shown_escaped(oodcache: Run, lists: None) -> None:
    oodcache(*MINE)
    found = json.loads(FILE.read_text())
    del found["sha256"]
    found["version"] = 1
    for one in (found, *found["lists"]):
        del one["templates"]
    found["lists"][0]["words"][0] = found["template"] = found["keep"] = EVIL
    FILE.write_text(json.dumps(found))
    for command in (("info", FILE), ("verify", FILE), ("ls",)):
        shown = oodcache("cache", *command)
        assert "\x1b" not in shown.out + shown.err
    found["keep"] = "15%"
    FILE.write_text(json.dumps(found))
    assert f"  {SHOWN}" in oodcache("cache", "info", FILE).out.splitlines()


@pytest.mark.slow
def test_the_whole_path_runs_on_wordnets_own_lines(oodcache: Run) -> None:
    wordnet = Path(__file__).parents[1] / "extract" / "texts" / "wordnet"
    extract = ("extract", "--model", "tiny-clip", "--template")
    for template, classes in (
        ("the nice {}", "imagenet10"),
        ("the nice {}", f"nouns={wordnet / 'index.noun'}"),
        ("This is a {} photo", f"adjectives={wordnet / 'index.adj'}"),
        ("This is a {} photo", f"pool=csp:{wordnet / 'index.adj'}"),
    ):
        assert oodcache(*extract, template, "--classes", classes).status == 0
    mined = oodcache(
        *("negatives", "--model", "tiny-clip", "--classes", "imagenet10", "--keep", "20%"),
        *("--words", "nouns", "--words", "adjectives", "--csp", "pool", "-o", "neglabel"),
    )
    assert mined.status == 0, mined.err
    found = read_negatives(Path("embeddings/tiny-clip/demo/negatives/neglabel.json"))
    assert [len(one.words) for one in found.lists[:2]] == [5, 5]
