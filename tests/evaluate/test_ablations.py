from __future__ import annotations

from pathlib import Path

import pytest

import lookweave
from lookweave.config import load
from lookweave.evaluate import ablations, as_text, evaluate
from lookweave.pipeline.run import run_pipeline
from lookweave.pipeline.setup import Setup
from lookweave.progress import Progress
from lookweave.store.workspace import Workspace


def test_each_part_is_measured_alone_and_nothing_is_written(
    photo_folders: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    garments, looks, truth = photo_folders
    config = load(garments=(str(garments),), looks=(str(looks),))
    workspace = Workspace.create(tmp_path / "ws")
    with Progress(quiet=True) as progress:
        run_pipeline(workspace, Setup.of(config), progress)
        before = Workspace.open(workspace.path).versions()
        found = ablations(workspace, config, truth, progress)
    again = Workspace.open(workspace.path)
    assert again.versions() == before
    assert list(found) == [
        "whole photo only", "detection + visual", "description only", "all together",
        "visual + details", "all but details",
    ]  # fmt: skip
    assert again.table("regions").values("detector") == {Setup.of(config).models.detector.key}
    result = evaluate(workspace, config, truth)
    assert found["all together"]["garment_to_look"] == result["garment_to_look"]
    assert found["all together"]["look_to_garment"] == result["look_to_garment"]
    assert found["whole photo only"]["filter_recall"]["recall"] == 1.0
    assert all(row["garment_to_look"]["n"] == 12 for row in found.values())
    without = config.match.model_copy(update={"details": False})
    switched_off = evaluate(workspace, config.model_copy(update={"match": without}), truth)
    assert found["all but details"]["garment_to_look"] == switched_off["garment_to_look"]
    text = as_text({**result, "ablations": found})
    assert "whole photo only:" in text
    assert text.count("garment -> look") == 7


def test_models_are_compared_side_by_side_and_nothing_is_written(
    photo_folders: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    garments, looks, truth = photo_folders
    workspace = lookweave.build(
        garments=garments, looks=looks, out=tmp_path / "ws", models="whole-photo"
    )
    before = Workspace.open(tmp_path / "ws").versions()
    found = workspace.evaluate(truth, models=["embedded", "whole-photo"])
    assert list(found.models) == ["embedded", "whole-photo"]
    alone = workspace.evaluate(truth)
    assert found.models["whole-photo"].garment_to_look == alone.garment_to_look
    assert found.garment_to_look == found.models["embedded"].garment_to_look
    assert Workspace.open(tmp_path / "ws").versions() == before
    assert "embedded:" in found.text() and "whole-photo:" in found.text()
    with pytest.raises(lookweave.InputError, match="once"):
        workspace.evaluate(truth, models=["embedded", "embedded"])
    with pytest.raises(lookweave.UnknownModel):
        workspace.evaluate(truth, models=["no-such-model"])
