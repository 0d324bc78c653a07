"""The command of the original study's README, on top of `oodcache extract` and `score`."""

from __future__ import annotations

import sys
from typing import Any

try:
    import click

    from oodcache.cli.commands import StrictCommand
    from oodcache.cli.main import main, oodcache
    from oodcache.cli.options import CACHE, DEVICE, SETTINGS, WATCH, command_line, data_root, note
    from oodcache.study import study
except ImportError as error:
    sys.exit(f"main.py: {error}; run in this folder:  pip install -e '.[extract]'")


@click.command(cls=StrictCommand, context_settings=SETTINGS)
@click.option("--model_type", type=click.Choice(tuple(study.TYPES)), required=True)
@click.option(
    "--ood-dataset",
    "ood_set",
    type=click.Choice((*study.FIELD.ood_sets, "all")),
    default="all",
)
@click.option("--use_sigmoid", is_flag=True, help="Use sigmoid MCM with the bias. [softmax MCM]")
@click.option("--bs", "batch_size", type=click.IntRange(1), default=256)
@data_root("--dir", "Folder with ImageNet and the OOD datasets; see oodcache data ls.")
@CACHE
@DEVICE
def run(model_type: str, ood_set: str, use_sigmoid: bool, **given: Any) -> None:
    """Extract missing embeddings, score them, and print ACC, AUROC, AUPR and FPR95.

    \b
    python main.py --model_type clip --ood-dataset iNaturalist --bs 1024
    python main.py --model_type siglip2 --ood-dataset all --bs 1024 --use_sigmoid --dir /data
    """
    from oodcache.report.tables import formats
    from oodcache.study import reproducing

    benchmark = study.single(model_type, ood_set)
    study.extract_missing(
        benchmark,
        study.ExtractionSettings(**given),
        oodcache=command_line(oodcache),
        note=note,
    )
    grid = reproducing.single(benchmark, given["cache"], use_sigmoid, WATCH)
    click.echo(formats.written([grid], "table", None), nl=False)


if __name__ == "__main__":
    main(run, "main.py")
