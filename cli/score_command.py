"""`oodcache score`: tables of results from cached embeddings."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import click

from oodcache.options import CACHE, TYPED, note
from oodcache.progress import progress

FORMATS = ("table", "csv", "json", "markdown", "latex")
SUFFIXES = {".csv": "csv", ".json": "json", ".md": "markdown", ".tex": "latex"}


@click.command(short_help="Compare scores on cached embeddings.")
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    help="As it was given to extract; may repeat.",
)
@click.option("--classes", help="A cached vocabulary. [the only one there is]")
@click.option("--id", "id_set", required=True, help="The data set of in-distribution images.")
@click.option(
    "--ood",
    "ood_sets",
    multiple=True,
    required=True,
    help="A data set of other images; may repeat.",
)
@click.option(
    "--score",
    "specifications",
    multiple=True,
    help="NAME or NAME:key=value|value,…; may repeat; see: oodcache scores",
)
@click.option("--template", help="One of the cached templates, or average.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="Of what is printed or written. [table, or by --output's ending]",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write there, and print the table.",
)
@CACHE
@click.pass_context
def score(context: click.Context, /, **given: Any) -> None:
    """Compare scores on cached embeddings: AUROC, FPR95, AUPR and accuracy. Needs no PyTorch.

    \b
    oodcache score --model siglip2 --classes imagenet --id imagenet-val --ood iNaturalist --ood SUN
    oodcache score --model siglip2 --id pets --ood strays --score "mcm:temperature=1|0.1|learned" \\
        --format json --output results.json
    """
    from oodcache import scoring
    from oodcache.report import results

    scored = scoring.score(
        given["models"],
        given["cache"],
        classes=given["classes"],
        id_set=given["id_set"],
        ood_sets=given["ood_sets"],
        specifications=given["specifications"],
        template=given["template"],
        command=context.meta[TYPED],
        note=note,
        progress=progress,
    )
    output, form = given["output"], given["form"]
    if output is not None:
        text = results.FORMATS[form or SUFFIXES.get(output.suffix, "table")](*scored)
        scoring.save(text, output)
        note(f"wrote {output}")
    if output is not None or form in (None, "table"):
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        click.echo(results.table(*scored, width), nl=False)
    else:
        click.echo(results.FORMATS[form](*scored), nl=False)
