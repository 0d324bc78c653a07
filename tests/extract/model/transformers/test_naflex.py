"""Claims about NaFlex images: packing loses nothing, and padding changes nothing."""

from __future__ import annotations

import torch

from oodcache.extract.model.transformers.naflex import packed, unpacked

PATCH = 12  # Numbers: 2 x 2 pixels of 3 channels.


def test_what_is_packed_is_unpacked() -> None:
    patches = torch.randint(0, 256, (2, 8, PATCH), dtype=torch.uint8)
    shapes = torch.tensor([[2, 3], [1, 8]])
    images = torch.stack([packed(*one) for one in zip(patches, shapes, strict=True)])
    found = unpacked(images, lambda pixels: pixels)
    assert found.shapes.equal(shapes)
    assert found.mask.tolist() == [[1] * 6 + [0] * 2, [1] * 8]
    assert found.values[1].equal(patches[1].float())
    assert found.values[0, :6].equal(patches[0, :6].float())
    assert not found.values[0, 6:].any()


def test_more_than_255_patches_in_a_row_are_counted() -> None:
    for kind in (torch.uint8, torch.float32):
        image = packed(torch.zeros(600, PATCH, dtype=kind), torch.tensor([2, 300]))
        assert unpacked(image[None], lambda pixels: pixels).shapes.tolist() == [[2, 300]]


def test_each_channel_is_normalised_by_itself_and_padding_stays_zero() -> None:
    colours = torch.tensor([10, 20, 30], dtype=torch.uint8)
    image = packed(colours.repeat(3, PATCH // 3), torch.tensor([1, 2]))
    mean = torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1, 1)
    found = unpacked(image[None], lambda pixels: pixels.float() - mean)
    assert found.values[0, :2].reshape(-1, 3).unique(dim=0).tolist() == [[9, 18, 27]]
    assert not found.values[0, 2].any()
