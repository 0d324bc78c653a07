"""Compare scores that learn from the stream on the embedded benchmark, in every kind of order."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.demo.detectors import ENDS, command, measured, prepare
from oodcache.score.formulas.registry import SCORES as REGISTRY
from oodcache.score.measures.result import Result
from oodcache.score.onepass.variants import Variant
from oodcache.study.demo import MODELS

SHUFFLES = 20
ORDERS = (f"shuffle:{SHUFFLES}", "id-first", "ood-first", "drift", "ratio:10")
# Each with its base: without a stream there is no order.
SCORES = (
    *("mcm", "oodd", "oodd:queue=128"),
    *("mcm:temperature=learned", "oodd:base=mcm:temperature=learned,queue=128"),
    *("max-logit", "oodd:base=max-logit,queue=128"),
    *("neglabel", "adaneg", "adaneg:proxies=sample"),
    *("neglabel-sigmoid", "adaneg:form=sigmoid", "adaneg:form=sigmoid,proxies=sample"),
    *("tanl", "tanl:settings=paper", "tanl:form=sigmoid", "tanl:settings=paper,form=sigmoid"),
)
# Of both ends. With beta=0 `eoe` is clipscope's p·P, over the farthest words alone.
OF_ENDS = ("eoe:temperature=learned,beta=0", "clipscope", "clipscope:form=sigmoid")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        for model in MODELS:
            command(Path(folder), "extract", "--model", model, "noise15")
        for model in MODELS:
            show(Path(folder) / "embeddings", model)


def show(cache: Path, model: str) -> None:
    """Print a line for each row, with the standard deviations over the shuffles."""
    there = [one for one in SCORES if one.partition(":")[0] in REGISTRY]
    print(f"{model:<61} AUROC         FPR95")
    rows = measured(cache, model, there, stream=ORDERS)
    rows += measured(cache, model, OF_ENDS, negatives=ENDS, stream=ORDERS)
    for one in rows:
        label = Variant(one.score, one.parameters).label
        order = one.stream.order if one.stream else "any order"
        figures = [_figure(one, "auroc"), _figure(one, "fpr95")]
        print(f"  {label:<46} {order:<12} {'  '.join(figures)}")


def _figure(result: Result, measure: str) -> str:
    value = f"{100 * getattr(result, measure):5.2f}"
    if result.stream is None or result.stream.deviations is None:
        return f"{value}       "
    return f"{value} ± {100 * result.stream.deviations[measure]:4.2f}"


if __name__ == "__main__":
    main()
