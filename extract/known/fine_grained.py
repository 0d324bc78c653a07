"""Datasets of fine-grained classes, whose own files say which of their images are the test set."""

from __future__ import annotations

from oodcache.extract.known import splits
from oodcache.extract.known.known_set import ID, KnownSet

FINE_GRAINED = {
    "cub200": KnownSet(
        5_794,
        ("CUB_200_2011", "CUB_200_2011/CUB_200_2011"),
        split=splits.CUB,
        origin="https://www.vision.caltech.edu/datasets/cub_200_2011",
        role=ID,
    ),
    "stanford-cars": KnownSet(
        8_041,
        ("stanford_cars", "stanford_cars/devkit", "stanford-cars"),
        split=splits.CARS,
        origin="a mirror of Stanford Cars, whose own site is gone",
        role=ID,
    ),
    "food101": KnownSet(
        101 * 250,
        ("food-101", "food101/food-101", "food101"),
        split=splits.FOOD,
        origin="https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101",
        role=ID,
    ),
    "oxford-pet": KnownSet(
        3_669,
        ("oxford-iiit-pet", "oxford_pets"),
        split=splits.PETS,
        origin="https://www.robots.ox.ac.uk/~vgg/data/pets",
        role=ID,
    ),
}
