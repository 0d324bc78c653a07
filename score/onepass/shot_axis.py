"""The axis of shots: a bank with several numbers of images per class, or drawn several times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from oodcache.cache.errors import InputError

NUMBER = re.compile("[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class DrawnBank:
    """One bank of the axis: as typed for it alone, its images per class, and its seed."""

    typed: str
    per_class: int
    seed: int


@dataclass(frozen=True)
class ShotAxis:
    """A bank's `name`, its `numbers` of images per class, each drawn `draws` times."""

    name: str
    numbers: tuple[int, ...]
    draws: int

    def banks(self, seed: int) -> Iterator[DrawnBank]:
        """Yield every bank, the draws of one number together; the draws have seeds from `seed`.

        Banks of one seed are nested: the images of a smaller number are among those of a larger.
        """
        for number in self.numbers:
            for draw in range(self.draws):
                yield DrawnBank(f"{self.name}:{number}", number, seed + draw)


def axis(bank: str | None, draws: int) -> ShotAxis | None:
    """Return the axis of a bank NAME:N|N or of several draws, None for a single bank.

    >>> axis("train:1|2|4", 1).numbers
    (1, 2, 4)

    Raises InputError for what is no number, and for draws of a bank that is not drawn.
    """
    name, colon, numbers = (bank or "").partition(":")
    if draws > 1 and not colon:
        given = f"the bank {name[:120]} is whole" if bank else "there is no bank"
        raise InputError(
            f"--bank-draws {draws}: nothing is drawn, because {given}; give --bank NAME:N, such as "
            f"--bank {name[:120] or 'train'}:4"
        )
    several = numbers.split("|")
    if draws == 1 and len(several) == 1:
        return None
    if not all(map(NUMBER.fullmatch, several)):
        raise InputError(
            f"--bank {str(bank)[:200]}: give NAME:N for N images per class, or NAME:1|2|4 for "
            "several N"
        )
    return ShotAxis(name, tuple(dict.fromkeys(map(int, several))), draws)
