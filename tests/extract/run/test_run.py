"""Claims about planning and running an extraction that no command line shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from samples import SmallModel, planned, silent, write_image

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import open_images
from oodcache.cache.watch import Watch
from oodcache.extract.model.request import ModelRequest
from oodcache.extract.run import run


def extract(tmp_path: Path, request: ModelRequest, **given: Any) -> list[Path]:
    notes: list[str] = []
    return run.run(planned(tmp_path, request, notes, **given), Watch(notes.append, silent))


def test_an_option_that_the_model_does_not_take_is_refused_before_the_cache_is_read(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "known_label", lambda *_: pytest.fail("the cache was read"))
    request = ModelRequest("transformers:a/b", preprocessing={"resize_mode": "squash"})
    with pytest.raises(InputError, match="--image-resize-mode: transformers:a/b has an image proc"):
        extract(tmp_path, request, sources=[f"c={photos}"])


@pytest.mark.slow
def test_texts_come_first_and_every_path_is_returned(tmp_path: Path, photos: Path) -> None:
    paths = extract(
        tmp_path, ModelRequest("tiny-clip"), sources=[f"c={photos}"], classes=f"c={photos}"
    )
    assert [path.parent.name for path in paths] == ["texts", "images"]
    assert all(path.is_file() for path in paths)


@pytest.mark.parametrize("batch_size", [1, 5, 12, 100])
def test_a_bad_row_is_zero_at_its_place_in_any_batch(
    tmp_path: Path, photos: Path, batch_size: int
) -> None:
    (photos / "cat" / "2.png").write_bytes(b"no image")
    (path,) = extract(
        tmp_path, ModelRequest("tiny-clip"), sources=[f"c={photos}"], batch_size=batch_size
    )
    file = open_images(path)
    (vectors,) = file.blocks()
    assert np.flatnonzero(~vectors.any(axis=1)).tolist() == [2]
    assert list(file.errors()) == [2]


def test_vectors_that_are_not_finite_make_no_file(
    tmp_path: Path, photos: Path, small_model: SmallModel
) -> None:
    state = torch.load(small_model.checkpoint, weights_only=True)
    state["visual.proj"].fill_(3e38)  # Finite, but no sum of such numbers is.
    broken = tmp_path / "broken.pt"
    torch.save(state, broken)
    request = ModelRequest("small", broken, small_model.config)
    with pytest.raises(InputError, match="none of 12 images .* non-finite values"):
        extract(tmp_path, request, sources=[f"c={photos}"])
    state["text_projection"].fill_(3e38)
    torch.save(state, broken)
    with pytest.raises(InputError, match="not finite"):
        extract(tmp_path, request, classes=f"c={photos}")
    assert not list((tmp_path / "embeddings").rglob("*.h5"))


@pytest.mark.slow
def test_other_weights_under_one_name_get_a_folder_of_their_own(
    tmp_path: Path, photos: Path, small_model: SmallModel
) -> None:
    state = torch.load(small_model.checkpoint, weights_only=True)
    state["logit_scale"] += 1
    other = tmp_path / "other.pt"
    torch.save(state, other)
    paths = [
        extract(
            tmp_path,
            ModelRequest("small", checkpoint, small_model.config),
            sources=[f"c={photos}"],
        )[0]
        for checkpoint in (small_model.checkpoint, other)
    ]
    assert paths[0] != paths[1]
    scales = [open_images(path).identity.model.logit_scale for path in paths]
    assert scales[1] == pytest.approx(scales[0] * np.e, rel=1e-5)


@pytest.mark.slow
def test_progress_counts_every_image_and_prompt(tmp_path: Path, photos: Path) -> None:
    write_image(photos / "cat" / "more.png", 7)
    extract(
        tmp_path,
        ModelRequest("tiny-clip"),
        sources=[f"c={photos}"],
        classes=f"c={photos}",
        templates=["a {}", "the {}"],
        batch_size=5,
    )


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("transformers:openai/clip-vit-base-patch32", ["same weights, --model ViT-B-32/openai; "]),
        ("ViT-B-32/openai", []),
    ],
)
def test_a_twin_is_named_before_the_model_is_loaded(
    tmp_path: Path, photos: Path, model: str, words: list[str]
) -> None:
    def start(planned: Any, watch: Watch) -> Any:
        raise InputError("stops here")

    notes: list[str] = []
    asked = planned(tmp_path, ModelRequest(model), notes, sources=[f"c={photos}"])
    with pytest.raises(InputError, match="stops here"):
        run.run(asked, Watch(notes.append, silent), start)
    said = [note for note in notes if "weights" in note]
    assert len(said) == len(words)
    assert all(word in note for word, note in zip(words, said, strict=True))
