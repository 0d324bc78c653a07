"""What rows.c offers; arrays are contiguous."""

from oodcache.score.kernel.definition import Floats, Places, Scores

instructions: str

def read(
    numbers: Floats,
    columns: int,
    find: bool,
    asked: Scores,
    vectors: Floats,
    others: Floats,
    dimension: int,
    places: Places,
    values: Scores,
    sums: Scores,
) -> None: ...
def add_terms(
    numbers: Floats,
    columns: int,
    scale: float,
    bias: float,
    sigmoid: bool,
    order: Places,
    groups: Places,
    sums: Scores,
) -> None: ...
