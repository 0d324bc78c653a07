"""`oodcache score`: tables of results from cached embeddings."""

from __future__ import annotations

from typing import Any

import click

from oodcache.cli.commands import StrictCommand
from oodcache.cli.groups import OUTPUT, SCORES, SETS
from oodcache.cli.measuring import bank_seed, conventions, deliver, measuring
from oodcache.cli.options import (
    BANK,
    BANK_DRAWS,
    BANK_LABELS,
    BANK_SEED,
    CACHE,
    CLASS_NAMES,
    CLASSES,
    FILE,
    NEGATIVES,
    STREAM_SEED,
    STREAMS,
    WATCH,
    asked,
    class_lists,
    typed_line,
    wordnet_folder,
)


@click.command(cls=StrictCommand, short_help="Compare scores on cached embeddings.")
@SETS.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    help="Model, as passed to extract; may repeat.",
)
@CLASSES
@SETS.option(
    "--id",
    "id_set",
    required=True,
    help="In-distribution dataset: NAME, NAME:imagenet10 or NAME:@FILE.",
)
@SETS.option(
    "--ood",
    "ood_sets",
    multiple=True,
    required=True,
    help="Out-of-distribution dataset, or NAME:SUBSET; may repeat.",
)
@SETS.option(
    "--csid",
    multiple=True,
    metavar="DATASET",
    help="Covariate-shifted ID dataset, such as imagenet-r: also counted as ID, alone and with "
    "--id as the full spectrum; may repeat.",
)
@SETS.option(
    "--drop",
    type=FILE,
    help="List of images, a path or DATASET:PATH per line: also measure without them.",
)
@SETS.option(
    "--select-on",
    metavar="DATASET",
    help="Choose each score's parameters by AUROC on this OOD dataset; report on --ood.",
)
@SCORES.option(
    "--score",
    "specifications",
    multiple=True,
    help="Score: NAME, NAME:key=value|value,… or FILE.py:FUNCTION (or CLASS, for a stream); may "
    "repeat; see oodcache scores.",
)
@SCORES.option(
    "--ablation",
    type=FILE,
    help="Scores and templates from a TOML file; see docs/scores.md.",
)
@SETS.option(
    "--template",
    "templates",
    multiple=True,
    help="Cached template, each, average or cosine-mean; may repeat. [the only one, or average]",
)
@CLASS_NAMES
@NEGATIVES
@BANK
@BANK_LABELS
@BANK_SEED
@BANK_DRAWS
@STREAMS
@STREAM_SEED
@SCORES.option(
    "--leaks-of",
    multiple=True,
    metavar="SET=FILE",
    help="Class names of an OOD set, one per line, to count the negatives that name them; may "
    "repeat: --leaks-of dtd=classes.txt. [labels of its images]",
)
@wordnet_folder(SCORES)
@SCORES.option(
    "--without-leaks",
    is_flag=True,
    help="Leave out negatives that name a class of any --ood: a diagnostic, no zero-shot result.",
)
# No effect; kept for scripts written for 0.1.
@click.option("--neighbours", type=click.Choice(("numpy",)), hidden=True, expose_value=False)
@measuring
@OUTPUT.option(
    "--published",
    is_flag=True,
    help="Show published numbers of these models next to yours.",
)
@OUTPUT.option(
    "--save-scores",
    type=FILE,
    help="File for every image's path, label and scores: .h5, .csv or .tsv.",
)
@CACHE
@click.pass_context
def score(context: click.Context, /, **given: Any) -> None:
    """Compare scores on cached embeddings: AUROC, FPR95, AUPR and accuracy. Needs no PyTorch.

    \b
    oodcache score --model siglip2 --classes imagenet --id imagenet-val --ood iNaturalist --ood SUN
    oodcache score --model siglip2 --id pets --ood strays --compare --save-scores all.csv
    oodcache score --model siglip2 --id pets --ood strays --negatives words --bank train:16
    oodcache score --model siglip2 --id pets --ood strays --bank "train:1|2|4" --bank-draws 5
    oodcache score --model siglip2 --id pets --ood strays --score "mcm:temperature=1|0.1|learned" \\
        --select-on others --format json --output results.json
    oodcache score --model siglip2 --id pets --ood strays --score mcm --score my_scores.py:top5_gap
    """
    from oodcache.score import scoring
    from oodcache.score.words.leak_search import LeakSearch

    if given["save_scores"] is not None and given["save_scores"] == given["output"]:
        raise click.UsageError("--save-scores and --output name the same file; use two")
    draws = "--bootstrap N or --bank NAME:N"
    seed = bank_seed(given)
    leaks = LeakSearch(class_lists(given), given["wordnet"], given["without_leaks"])
    how = {"conventions": conventions(given, draws), "leaks": leaks}
    question = asked(given | {"bank_seed": seed}, **how)
    question = question.asking(given["specifications"], given["ablation"])
    results = scoring.score(
        *(question, WATCH),
        command=typed_line(context),
        compare_scores=given["compare"],
        save_scores=given["save_scores"],
    )
    if given["published"]:
        from oodcache.study.counterparts import counterparts

        results = results._replace(published=counterparts(question, WATCH))
    deliver(context, results, given)
