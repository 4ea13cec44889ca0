"""Pairs with their pictures, as a training loop reads them."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lookweave


@pytest.fixture(scope="module")
def workspace(
    tmp_path_factory: pytest.TempPathFactory, photo_folders: tuple[Path, Path, Path]
) -> lookweave.Workspace:
    garments, looks, _ = photo_folders
    out = tmp_path_factory.mktemp("pair-images") / "ws"
    return lookweave.build(garments=garments, looks=looks, out=out, models="whole-photo")


def test_every_pair_comes_once_with_its_pictures(workspace: lookweave.Workspace) -> None:
    data = workspace.torch_dataset()
    pairs = {(row["garment"], row["look"]): row for row in workspace.pairs().to_pylist()}
    items = [data[at] for at in range(len(data))]
    assert {(item["garment_id"], item["look_id"]) for item in items} == set(pairs)
    paths = {row["id"]: row["path"] for row in workspace.looks().to_pylist()}
    for item in items:
        with Image.open(paths[item["look_id"]]) as photo:
            assert item["look"].size == photo.size
        assert item["tier"] == pairs[item["garment_id"], item["look_id"]]["tier"]
        x0, y0, x1, y1 = item["box"].round().astype(int).tolist()
        assert item["region"].size == (x1 - x0, y1 - y0)


def test_squares_and_boxes_fit(workspace: lookweave.Workspace) -> None:
    whole, squares = workspace.torch_dataset(), workspace.torch_dataset(side=64)
    for item, square in zip(whole, squares, strict=True):
        assert {square[name].shape for name in ("garment", "look", "region")} == {(3, 64, 64)}
        assert square["look"].dtype == np.uint8
        width, height = item["look"].size
        scale = 64 / max(width, height)
        assert (square["box"][2] - square["box"][0]) == pytest.approx(
            (item["box"][2] - item["box"][0]) * scale, abs=1e-3
        )
        assert square["box"].min() >= 0 and square["box"].max() <= 64 + 1e-3


def test_tier_split_and_transform(workspace: lookweave.Workspace) -> None:
    high = workspace.torch_dataset("high", transform=lambda item: item["tier"])
    assert set(high) == {"high"}
    with pytest.raises(lookweave.InputError, match="split is train"):
        workspace.torch_dataset(split="dev")
    with pytest.raises(lookweave.InputError, match="tier is high"):
        workspace.torch_dataset("best")


def test_it_goes_to_other_processes(workspace: lookweave.Workspace) -> None:
    data = workspace.torch_dataset(side=32)
    again = pickle.loads(pickle.dumps(data))
    assert (again[0]["look"] == data[0]["look"]).all()


def test_torch_takes_it(workspace: lookweave.Workspace) -> None:
    torch = pytest.importorskip("torch")
    loader = torch.utils.data.DataLoader(workspace.torch_dataset(side=32), batch_size=3)
    batch = next(iter(loader))
    assert tuple(batch["garment"].shape) == (3, 3, 32, 32)
    assert tuple(batch["box"].shape) == (3, 4)
