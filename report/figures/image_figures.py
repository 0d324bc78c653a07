"""Figures of single images and classes: images that fooled a score, and classes that fail."""

from __future__ import annotations

import base64
import binascii
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from oodcache.report.content import FailingClass, FooledImage
from oodcache.report.figures.canvas import (
    COLOURS,
    LINE,
    NARROW,
    SMALL,
    fitted,
    new_figure,
    subplots,
    width_of,
)
from oodcache.report.figures.kinds import Subject

CELL, GAP = 0.8, 0.06
HEADING, CAPTION = 0.2, 0.125
CAPTION_LINES = 3
# Extra points of a text if a renderer rounds each letter to whole pixels.
ROUNDING = 2
MOST_CLASSES = 10
NO_LABEL = "no label"


@dataclass(frozen=True)
class Strip:
    """The images of one set that fooled the score, under their heading."""

    heading: str
    images: tuple[FooledImage, ...]


def fooled(subject: Subject) -> Figure:
    """Return thumbnails: the ID images with the lowest scores, each OOD set's with the highest."""
    (row,) = subject.rows
    columns = max(1, int((subject.width + GAP) / CELL))
    names = _named("ID, lowest scores", "OOD, highest scores", subject, 72 * subject.width - 4)
    images = [row.fooled_id, *(row.fooled_ood[ood] for ood in subject.chosen.ood_sets)]
    strips = [Strip(name, one[:columns]) for name, one in zip(names, images, strict=True)]
    side = (subject.width + GAP) / columns - GAP
    tall = HEADING + side + CAPTION_LINES * CAPTION + 0.12
    # Positions are fixed, in inches from the top left, so nothing can overlap.
    figure = new_figure(subject.width, tall * len(strips), layout=None)
    for number, strip in enumerate(strips):
        _text(figure, 0, number * tall + HEADING / 2, strip.heading)
        if not strip.images:
            _text(figure, 0, number * tall + HEADING * 1.5, "none")
        for place, one in enumerate(strip.images):
            _picture(subject, figure, one, place * (side + GAP), number * tall + HEADING, side)
    return figure


def _named(inside: str, outside: str, subject: Subject, points: float) -> list[str]:
    """Return the headings of ID and each OOD set, names shortened to fit."""
    headings = [inside, *[outside] * len(subject.chosen.ood_sets)]
    room = points - max(width_of(f"{one}: ") for one in headings)
    chosen = subject.chosen
    names = fitted([chosen.shown(subject.rows[0].id), *chosen.titles()], room)
    return [f"{heading}: {name}" for heading, name in zip(headings, names, strict=True)]


def _picture(
    subject: Subject, figure: Figure, one: FooledImage, left: float, top: float, side: float
) -> None:
    """Draw an image with three lines below it: its label, its nearest class, its score."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((left / width, 1 - (top + side) / height, side / width, side / height))
    axes.set_xticks([])
    axes.set_yticks([])
    pixels = None if one.thumbnail is None else _pixels(subject.thumbnails[one.thumbnail])
    if pixels is None:
        axes.set_facecolor("0.92")
        (name,) = fitted([one.path.rsplit("/", 1)[-1]], 72 * side - 4, SMALL)
        axes.text(
            0.5, 0.5, name, ha="center", va="center", fontsize=SMALL, transform=axes.transAxes
        )
    else:
        axes.imshow(pixels)
        axes.set_frame_on(False)
    score = one.score if subject.form == "shown" else one.ranked
    lines = [
        one.label or NO_LABEL,
        f"→ {one.nearest}",
        "infinite" if score is None else f"{score:#.4g}",
    ]
    for number, line in enumerate(lines):
        (cut,) = fitted([line], 72 * side - ROUNDING, SMALL)
        middle = top + side + 0.03 + (number + 0.5) * CAPTION
        _text(figure, left, middle, cut, size=SMALL)


def _text(figure: Figure, left: float, middle: float, text: str, size: float | None = None) -> None:
    width, height = figure.get_size_inches()
    figure.text(left / width, 1 - middle / height, text, va="center", fontsize=size)


def _pixels(thumbnail: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | None:
    try:
        with Image.open(io.BytesIO(base64.b64decode(thumbnail)), formats=["JPEG"]) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, binascii.Error):
        return None


def classes(subject: Subject) -> Figure:
    """Return the classes with the largest shares of ID rejected, and of each OOD set kept."""
    (row,) = subject.rows
    columns = 1 if subject.width < NARROW else 2
    names = _named("ID rejected", "OOD kept", subject, 72 * 0.46 * subject.width / columns)
    failing = [row.failing_id, *(row.failing_ood[ood] for ood in subject.chosen.ood_sets)]
    parts = list(zip(names, failing, strict=True))
    lines = math.ceil(len(parts) / columns)
    heights = [
        max(1, *(len(part[:MOST_CLASSES]) for _, part in parts[line * columns :][:columns]), 1)
        for line in range(lines)
    ]
    figure = new_figure(subject.width, sum(LINE * one + 0.42 for one in heights) + 0.3)
    axes = subplots(figure, len(parts), columns, height_ratios=[one + 0.6 for one in heights])
    for place, (one, (title, worst)) in enumerate(zip(axes, parts, strict=True)):
        _bars(one, worst[:MOST_CLASSES], heights[place // columns], subject.width / columns)
        one.set_title(title, loc="left")
    figure.supxlabel("failing at 95 % TPR (%)")
    return figure


def _bars(axes: Axes, failing: Sequence[FailingClass], rows: int, width: float) -> None:
    """Draw a bar with its counts for each class, from the top down."""
    names = [f"{one.label or NO_LABEL} → {one.nearest}" for one in failing]
    shares = [100 * one.failed / one.total for one in failing]
    axes.barh(range(len(failing)), shares, height=0.7, color=COLOURS[0])
    for place, (one, share) in enumerate(zip(failing, shares, strict=True)):
        inside = share > 60
        axes.text(
            share - 2 if inside else share + 2,
            place,
            f"{one.failed:,}/{one.total:,}",
            ha="right" if inside else "left",
            va="center",
            color="white" if inside else "black",
            fontsize=SMALL,
        )
    axes.set_yticks(range(len(failing)), fitted(names, 72 * 0.48 * width))
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_xlim(0, 100)
    axes.set_xticks([0, 50, 100])
    axes.tick_params(axis="y", length=0)
    if not failing:
        axes.text(50, 0, "none", ha="center", va="center")
