"""Claims about the scores to start with: chosen by scale, bias and what is cached, with reasons."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from oodcache.score.formulas.definition import Score
from oodcache.score.inputs import bank_classes
from oodcache.score.inputs.cached import Cached, CachedBank, CachedNegatives
from oodcache.score.inputs.question import Question
from oodcache.score.onepass.variants import parse_all
from oodcache.score.starting import command, facts, next_steps, of_streams, starts
from oodcache.score.streams.methods import STREAM_SCORES

ROOT = Path(__file__).parent.parent.parent
CLIP = Cached("ViT-B-16/openai", 100.0, None, "pets", 37, "pets", ("strays",))
SIGLIP = replace(CLIP, label="ViT-B-16-SigLIP/webli", scale=112.0, bias=-16.8)
BANK = CachedBank("train", 3680, 90, has_every_class=True)
NEGATIVES = CachedNegatives("words", 10_000, has_pool=True, near=5000)
DINO = Cached("timm/dino", None, None, None, 37, "val", ("strays",), BANK)
WHOLE = replace(SIGLIP, bank=BANK, negatives=NEGATIVES, noise=("noise15",))
FAR = CachedNegatives("words", 300, has_pool=False)


def scores(cached: Cached) -> list[str]:
    return [one.score for one in starts(cached)]


def why(cached: Cached, score: str) -> str:
    return next(one.why for one in starts(cached) if one.score == score)


def test_class_names_alone_give_the_baselines() -> None:
    assert scores(CLIP) == ["mcm", "mcm:temperature=learned", "max-logit"]
    assert "1/100 = 0.01" in why(CLIP, "mcm:temperature=learned")


def test_a_bias_gives_a_probability_that_is_one_half_at_its_cosine() -> None:
    assert scores(SIGLIP) == [*scores(CLIP), "sigmoid-mcm"]
    assert why(SIGLIP, "sigmoid-mcm").endswith("0.5 at the cosine 0.15")
    high = replace(SIGLIP, scale=10.0)
    assert why(high, "sigmoid-mcm").endswith("0.5 at the cosine 1.68, which no image can have")


@pytest.mark.parametrize(("scale", "end"), [(20.0, "the margin"), (0.5, "the largest cosine")])
def test_the_own_temperature_ranks_nearer_to_the_margin_if_it_is_below_1(
    scale: float, end: str
) -> None:
    said = why(replace(CLIP, scale=scale), "mcm:temperature=learned")
    assert f"which ranks nearer to {end}" in said


@pytest.mark.parametrize(
    ("cached", "names"),
    [
        (SIGLIP, "oodd"),
        (WHOLE, ", ".join(STREAM_SCORES)),
        (replace(CLIP, count=1), "oodd:base=max-logit"),
        # What runs with the words and the images that there are.
        (replace(WHOLE, negatives=FAR), "oodd, adaneg, tanl"),
        (
            replace(WHOLE, negatives=replace(FAR, near=10)),
            "oodd, adaneg, tanl, clipscope:near=mined,far=mined",
        ),
        (replace(WHOLE, noise=()), "oodd, adaneg, clipscope"),
    ],
)
def test_scores_of_streams_are_told_apart_and_in_no_command(cached: Cached, names: str) -> None:
    told = of_streams(cached)
    assert told.startswith(f"also there: {names}; each image's score sees other test images, ")
    is_missing = "; tanl needs images of noise: oodcache extract --model siglip noise15" in told
    assert is_missing == (cached.negatives is not None and not cached.noise)
    parse_all(names.split(", "))
    assert not any(one in command(cached) for one in STREAM_SCORES)


def test_a_model_without_texts_has_no_score_of_streams() -> None:
    assert of_streams(DINO) == ""


def test_scores_that_would_repeat_another_are_left_out() -> None:
    assert scores(replace(CLIP, count=1)) == ["max-logit"]  # All softmaxes are 1.
    assert scores(replace(CLIP, count=2)) == ["mcm", "max-logit"]  # No temperature matters.
    assert scores(replace(CLIP, scale=1.0)) == ["mcm", "max-logit"]
    assert scores(replace(CLIP, scale=None)) == ["mcm", "max-logit"]


def test_negatives_add_their_scores_and_the_own_temperature_if_it_is_far_from_clips() -> None:
    added = scores(replace(SIGLIP, negatives=NEGATIVES))[4:]
    assert added == ["neglabel", "neglabel-sigmoid", "csp"]
    tiny = replace(CLIP, scale=20.0, negatives=CachedNegatives("few", 30, has_pool=False))
    assert scores(tiny)[3:] == ["neglabel:temperature=0.01|learned,groups=30"]
    assert "this model's is 1/20 = 0.05" in starts(tiny)[3].why


def test_a_bank_adds_its_scores_and_means_only_with_images_of_every_class() -> None:
    assert scores(replace(CLIP, bank=BANK))[3:] == ["knn", "vim", "mahalanobis"]
    partial = CachedBank("train", 400, 60, has_every_class=False)
    assert scores(replace(CLIP, bank=partial))[3:] == ["knn", "vim"]


def test_knn_has_a_k_that_stays_within_the_smallest_class() -> None:
    few = replace(CLIP, bank=replace(BANK, smallest=20))
    assert "knn:k=20" in scores(few)
    assert why(few, "knn:k=20").endswith(
        "with a larger k a neighbour lies outside the smallest class, of 20 images"
    )
    assert "smallest class" not in why(replace(CLIP, bank=BANK), "knn")


def test_a_model_without_texts_starts_with_the_scores_of_a_bank_that_need_no_scale() -> None:
    assert scores(DINO) == ["knn", "residual", "mahalanobis"]
    asked = Question(Path(), ["dino"], "val", ["strays"], bank="train").asking(scores(DINO))
    bank_classes.check(asked, DINO.label, [], "timm:dino")  # Rejects what needs texts.
    assert facts(DINO) == (
        "timm/dino: no class texts; ID val; OOD strays; bank train (3,680 images of 37 classes)"
    )
    assert command(DINO) == (
        "oodcache score --model timm/dino --id val --ood strays --bank train --score knn "
        "--score residual --score mahalanobis"
    )


def test_without_texts_and_labels_the_command_has_a_placeholder_for_the_bank() -> None:
    bare = Cached("timm/dino", None, None, None, 0)
    assert facts(bare) == (
        "timm/dino: no class texts; ID unknown: no images have the bank's classes as labels; "
        "no bank"
    )
    assert "--id ID --ood OOD --bank BANK --score knn --score residual" in command(bare)
    assert next_steps(bare) == []


def test_every_score_can_be_typed_and_names_a_paper_unless_it_is_arithmetic() -> None:
    parse_all({*scores(WHOLE), *scores(DINO)})
    for one in (*starts(WHOLE), *starts(DINO)):
        is_cited = re.search(r"(19|20)\d\d", one.why) is not None
        arithmetic = ("mcm:temperature=learned", "max-logit", "sigmoid-mcm", "neglabel-sigmoid")
        assert is_cited != (one.score in arithmetic), one


def test_the_command_has_every_set_and_placeholders_for_unknown_ones() -> None:
    assert command(replace(CLIP, bank=BANK, negatives=NEGATIVES), Path("my cache")) == (
        "oodcache score --model clip-openai --classes pets --id pets --ood strays "
        "--negatives words --bank train --score mcm --score mcm:temperature=learned "
        "--score max-logit --score neglabel --score csp --score knn --score vim "
        "--score mahalanobis --cache 'my cache'"
    )
    unknown = command(replace(CLIP, id_set=None, ood_sets=()))
    assert "--id ID --ood OOD --score" in unknown


def test_facts_say_what_is_unknown() -> None:
    assert facts(replace(WHOLE, scale=None, id_set=None, ood_sets=())) == (
        "ViT-B-16-SigLIP/webli: scale unknown, bias -16.8; 37 classes of pets; ID unknown: no "
        "images have the classes as labels; bank train (3,680 images), negatives words (10,000)"
    )


def test_the_next_steps_are_a_command_a_line_without_a_long_one() -> None:
    why = "why: oodcache scores --for clip-openai --cache c"
    assert next_steps(CLIP, Path("c")) == [f"next: {command(CLIP, Path('c'))}", why]
    many = replace(WHOLE, ood_sets=tuple(f"set-{number:02}" for number in range(30)))
    assert next_steps(many) == ["next: oodcache scores --for siglip"]
    assert next_steps(replace(CLIP, ood_sets=())) == []
    assert next_steps(replace(CLIP, id_set=None)) == []


@pytest.mark.parametrize(
    ("page", "heading", "others"),
    [
        ("README.md", "## Which score?", STREAM_SCORES),  # For images that arrive in an order.
        ("docs/scores.md", "## Which score to start with", {}),
    ],
)
def test_the_pages_have_the_same_scores(page: str, heading: str, others: dict[str, Score]) -> None:
    section = (ROOT / page).read_text().split(f"{heading}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[2] for line in section.splitlines() if line.startswith("|")]
    typed = {
        one for row in rows for one in re.findall(r"`([^`]+)`", row) if not one.startswith("-")
    }
    assert {*scores(WHOLE), *scores(DINO), *others} == typed
    assert "oodcache scores --for MODEL" in section
