from __future__ import annotations

from pathlib import Path

from lookweave.config import load
from lookweave.evaluate import ablations, as_text, evaluate
from lookweave.models.cards import chosen
from lookweave.pipeline.run import run_pipeline
from lookweave.progress import Progress
from lookweave.store.workspace import Workspace


def test_each_part_is_measured_alone_in_the_same_workspace(
    photo_folders: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    garments, looks, truth = photo_folders
    config = load(garments=(str(garments),), looks=(str(looks),))
    workspace = Workspace.create(tmp_path / "ws")
    with Progress(quiet=True) as progress:
        run_pipeline(workspace, config, progress)
        found = ablations(workspace, config, truth, progress)
        regions = workspace.table("regions")
        rows = regions.count()
        ablations(workspace, config, truth, progress)
    assert list(found) == [
        "whole photo only", "detection + visual", "description only", "all together",
    ]  # fmt: skip
    assert regions.count() == rows
    ours = regions.values("detector")
    assert len(ours) == 2
    assert chosen(config).detector.key in ours
    result = evaluate(workspace, config, truth)
    assert found["all together"]["garment_to_look"] == result["garment_to_look"]
    assert found["all together"]["look_to_garment"] == result["look_to_garment"]
    assert found["whole photo only"]["filter_recall"]["recall"] == 1.0
    assert all(row["garment_to_look"]["n"] == 12 for row in found.values())
    text = as_text({**result, "ablations": found})
    assert "whole photo only:" in text
    assert text.count("garment -> look") == 5
