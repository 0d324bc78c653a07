"""Claims about similar images and maps, against cosines and components computed in full."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import Run, run_in, write_photos, write_strays

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile, open_images
from oodcache.cache.watch import Watch
from oodcache.report.content import Content
from oodcache.report.saved.results import read
from oodcache.study import embeddings, gathering
from oodcache.study.embeddings import divided, spread

FOLDER = Path("embeddings/tiny-clip/demo/images")
SETS = ("pets", "strays")


def extract(folder: Path) -> None:
    """Extract and score pets against strays."""
    write_photos(folder / "data/pets")
    write_strays(folder / "data/strays")
    run_in(
        folder,
        *("extract", "--model", "tiny-clip", "--classes", "pets=data/pets"),
        *("pets=data/pets", "strays=data/strays"),
    )
    run_in(
        folder,
        *("score", "--model", "tiny-clip", "--id", "pets", "--ood", "strays"),
        *("--score", "mcm", "--score", "energy", "--output", "r.json", "--save-scores", "r.h5"),
    )


@pytest.fixture
def scored(made_once: Callable[..., Path], tmp_path: Path) -> None:
    """Copy the results into the folder that the test runs in."""
    shutil.copytree(made_once(extract), tmp_path, dirs_exist_ok=True)


def content() -> Content:
    sources = gathering.Sources(None, Path("embeddings"), [], Path("data"))
    return gathering.content(read(Path("r.json")), sources, Watch(lambda note: None))


def vectors(file: ImageFile) -> Any:
    return np.concatenate([*file.blocks()]).astype(np.float64)


def test_the_similar_image_has_the_largest_cosine_of_all_others(
    oodcache: Run, scored: None
) -> None:
    files = {name: open_images(FOLDER / f"{name}.h5") for name in SETS}
    every = {name: vectors(one) for name, one in files.items()}
    paths = {name: [path.decode() for path in one.paths()] for name, one in files.items()}
    found = content()
    for row in found.rows:
        fooled = [("pets", one) for one in row.fooled_id]
        fooled += [("strays", one) for one in row.fooled_ood["strays"]]
        for name, one in fooled:
            cosines = every["pets"] @ every[name][paths[name].index(one.path)]
            if name == "pets":
                cosines[paths["pets"].index(one.path)] = -2
            similar = one.similar
            assert similar is not None and similar.data_set == "pets"
            assert similar.path != one.path or name != "pets"
            assert similar.cosine == pytest.approx(cosines.max(), abs=1e-6)
            nearest = cosines[paths["pets"].index(similar.path)]
            assert nearest == pytest.approx(cosines.max(), abs=1e-6)
            assert similar.label == similar.path.partition("/")[0]
            assert similar.thumbnail is not None


def test_a_map_has_the_principal_components_of_all_images(oodcache: Run, scored: None) -> None:
    found = content()
    (chart,) = found.maps
    assert (chart.model, chart.sets, chart.id_sets) == ("tiny-clip/demo", SETS, 1)
    every = np.concatenate([vectors(open_images(FOLDER / f"{name}.h5")) for name in SETS])
    assert chart.images == len(chart.paths) == len(every)
    centred = every - every.mean(axis=0)
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    for points, direction in zip((chart.x, chart.y), directions, strict=False):
        expected = centred @ direction
        sign = np.sign(expected[0] * points[0])
        assert points == pytest.approx((sign * expected).tolist(), abs=1e-5)
    shares = singular**2 / (singular**2).sum()
    assert chart.explained == pytest.approx(shares[:2].tolist(), rel=1e-4)
    for row in found.rows:
        by_path = {one.path: one.ranked for one in (*row.fooled_id, *row.fooled_ood["strays"])}
        shown = dict(zip(chart.paths, row.on_map, strict=True))
        assert {path: shown[path] for path in by_path} == by_path


def test_a_larger_set_leaves_its_points_to_none(
    oodcache: Run, scored: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "MOST_POINTS", 8)
    (chart,) = content().maps
    counts = [chart.set_of.count(place) for place in (0, 1)]
    assert counts == [4, 4] and chart.images == len(chart.paths) + 9
    assert chart.paths[0] == open_images(FOLDER / "pets.h5").paths()[0].decode()


@pytest.mark.parametrize(
    ("sizes", "most", "shares"),
    [([3, 100, 2], 50, [3, 45, 2]), ([9, 9], 5, [2, 3]), ([4], 9, [4]), ([], 3, [])],
)
def test_points_that_a_set_does_not_need_go_to_the_others(
    sizes: list[int], most: int, shares: list[int]
) -> None:
    assert divided(sizes, most) == shares


def test_a_sample_is_spread_from_the_first_to_the_last() -> None:
    assert spread(3, 5).tolist() == [0, 1, 2]
    assert spread(11, 3).tolist() == [0, 5, 10] and spread(7, 1).tolist() == [0]


def test_embeddings_of_another_run_are_not_used(oodcache: Run, scored: None) -> None:
    whole = json.loads(Path("r.json").read_text())
    whole.pop("sha256", None)
    for file in whole["provenance"]["files"]:
        file["vectors"] = "0" * 64
    Path("r.json").write_text(json.dumps(whole))
    found = content()
    assert found.maps == () and found.rows[0].fooled_id[0].similar is None
    assert "pets.h5: not the embeddings that the results were made of" in found.no_maps


def test_images_that_are_gone_are_named(oodcache: Run, scored: None) -> None:
    saved = read(Path("r.json"))
    sources = gathering.Sources(None, Path("embeddings"), [], Path("data"))
    rows = gathering.content(saved, sources, Watch(lambda note: None)).rows
    parts = gathering.read_images(Path("r.h5"))
    odd = [replace(one, paths=lambda one=one: [b"gone.png"] * len(one)) for one in parts]  # type: ignore[misc]
    with pytest.raises(InputError, match=r"pets\.h5: has no image 'gone\.png'"):
        embeddings.add(rows, saved, odd, Path("embeddings"), lambda result: {})
    none = [replace(one, paths=tuple[bytes, ...]) for one in parts]
    with pytest.raises(InputError, match="which images of pets have which scores is not known"):
        embeddings.add(rows, saved, none, Path("embeddings"), lambda result: {})
