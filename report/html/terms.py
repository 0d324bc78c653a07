"""The page's terms: what each heading and word means, and where the docs have more."""

from __future__ import annotations

from dataclasses import dataclass

MEASURES = "docs/measures.md"


@dataclass(frozen=True)
class Term:
    """A term: its `slug` in links, its name, its meaning, and the docs' page and heading."""

    slug: str
    name: str
    meaning: str
    page: str
    heading: str


_FOUR = "AUROC, AUPR, FPR95, accuracy"
_INTERVALS = "Intervals of the AUROC"
_DIFFERENCES = "Comparing two scores"
TERMS = (
    Term(
        "id",
        "ID",
        "In-distribution: images of the classes that the model is asked about. ID is the positive "
        "class, and the ID column counts its images.",
        *(MEASURES, "Signs"),
    ),
    Term(
        "ood",
        "OOD",
        "Out-of-distribution: images of none of these classes. The OOD column counts the images of "
        "the row's set.",
        *(MEASURES, "Signs"),
    ),
    Term(
        "score",
        "score",
        "A number for each image. A higher score means more in-distribution, in every score and "
        "table.",
        *("docs/scores.md", "The scores"),
    ),
    Term(
        "auroc",
        "AUROC",
        "The probability that a random ID image scores above a random OOD image; a tie counts one "
        "half. 100 % is perfect, 50 % is chance.",
        *(MEASURES, _FOUR),
    ),
    Term(
        "interval",
        "interval",
        "The 95 % confidence interval of the AUROC (DeLong): how far it may be off because other "
        "test images could have been drawn. With several draws of a bank: their range.",
        *(MEASURES, _INTERVALS),
    ),
    Term(
        "fpr95",
        "FPR95",
        "The share of OOD images that are kept by the highest threshold that keeps at least 95 % "
        "of the ID images. Lower is better.",
        *(MEASURES, _FOUR),
    ),
    Term(
        "convention",
        "FPR convention",
        "Which threshold FPR95 is read at. There are four conventions, and they can reverse the "
        "order of two scores.",
        *(MEASURES, "FPR95 has four conventions"),
    ),
    Term(
        "aupr-in",
        "AUPR in",
        "Average precision with ID as the positive class. It depends on the ratio of ID to OOD "
        "images.",
        *(MEASURES, _FOUR),
    ),
    Term(
        "aupr-out",
        "AUPR out",
        "Average precision with OOD as the positive class, from the lowest score up.",
        *(MEASURES, _FOUR),
    ),
    Term(
        "accuracy",
        "ID acc",
        "The share of labelled ID images whose nearest class is their own. It does not depend on "
        "the score.",
        *(MEASURES, _FOUR),
    ),
    Term(
        "average",
        "average",
        "The plain mean of a measure over the OOD sets, whatever their sizes.",
        *(MEASURES, "Averages over OOD sets"),
    ),
    Term(
        "ties",
        "ties",
        "Images with equal scores. No threshold separates them, and each pair counts one half in "
        "AUROC.",
        *(MEASURES, "Ties"),
    ),
    Term(
        "difference",
        "difference",
        "The AUROC of one score minus that of another on the same images, in percentage points.",
        *(MEASURES, _DIFFERENCES),
    ),
    Term(
        "p",
        "p, p (Holm)",
        "The p-value of a paired DeLong test: how likely a difference at least as large is if the "
        "scores are equally good. Holm's adjustment accounts for testing many pairs. Below .05 a "
        "difference is called significant.",
        *(MEASURES, _DIFFERENCES),
    ),
    Term(
        "leaks",
        "leaks",
        "Negative words that name a class of the OOD set. A score that compares with them has been "
        "told what it should detect.",
        *("docs/scores.md", "Leaks"),
    ),
    Term(
        "threshold",
        "threshold",
        "An image is kept as ID if its score is at or above the threshold.",
        *(MEASURES, "Signs"),
    ),
    Term(
        "scale",
        "score scale",
        "Published: the number that the score's formula gives. Ranking: the same order, on a scale "
        "that keeps images apart where published numbers would round to one; measures use it.",
        *("docs/scores.md", "The scores"),
    ),
    Term(
        "reliability",
        "reliability",
        "Of a score that is a probability p of being ID: the share of ID among images of about the "
        "same p. On the diagonal both are equal. The absolute threshold is p = 0.5.",
        *(MEASURES, "Reliability at an absolute threshold"),
    ),
    Term(
        "stream",
        "stream",
        "The order in which images come to a score that learns from the images before.",
        *(MEASURES, "Streams"),
    ),
)
SLUGS = {
    **{one.name: one.slug for one in TERMS},
    **{"OOD set": "ood", "p": "p", "p (Holm)": "p"},
    "Score scale": "scale",
    "Reliability": "reliability",
}
