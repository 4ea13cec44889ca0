from __future__ import annotations

from pathlib import Path

import pytest
from tests.invented import invent

import lookweave
from lookweave.config import load
from lookweave.evaluate import ablations, as_text, evaluate
from lookweave.evaluate.ablations import against_all, variants
from lookweave.evaluate.recall import ranked
from lookweave.evaluate.truth import read_truth
from lookweave.pipeline.run import run_pipeline, run_step
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.match import Match
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
        "visual + details", "all but details", "all but category filter",
    ]  # fmt: skip  # too few garments to correct hubs
    assert again.table("regions").values("detector") == {Setup.of(config).models.detector.key}
    result = evaluate(workspace, config, truth)
    assert found["all together"]["garment_to_look"] == result["garment_to_look"]
    assert found["all together"]["look_to_garment"] == result["look_to_garment"]
    assert found["whole photo only"]["filter_recall"]["recall"] == 1.0
    assert all(row["garment_to_look"]["n"] == 12 for row in found.values())
    without = config.match.model_copy(update={"details": False})
    switched_off = evaluate(workspace, config.model_copy(update={"match": without}), truth)
    assert found["all but details"]["garment_to_look"] == switched_off["garment_to_look"]
    for name, row in found.items():
        assert ("change" in row) == (name != "all together")
        for direction, change in row.get("change", {}).items():
            for measure, one in change.items():
                gained = row[direction][measure] - found["all together"][direction][measure]
                assert one["value"] == pytest.approx(gained)
    mutual = found["all together"]["mutual"]
    assert mutual["garments"] == 12
    assert mutual["right"] == pytest.approx(result["garment_to_look"]["R@1"])
    text = as_text({**result, "ablations": found})
    assert "whole photo only:" in text
    assert text.count("garment -> look") == 8
    assert text.count("against all together: R@1 ") == 12


def test_hubs_and_filter_are_rows_that_do_what_the_settings_would(tmp_path: Path) -> None:
    config = load(match={"categories": 2, "reverse_k": 3, "lambda_vlm": 0.0, "details": False})
    made = invent(tmp_path / "ws", config, 60, 50, noise=14.0, worn=2)
    truth = made.write_truth(tmp_path / "truth.csv")
    known = read_truth(made.workspace, truth)
    found = against_all(variants(made.workspace, config, known))
    switched_off = {
        name: config.model_copy(update={"match": config.match.model_copy(update={name: 0})})
        for name in ("hubness_beta", "categories")
    }
    for name, setting in (
        ("hubness correction", "hubness_beta"),
        ("category filter", "categories"),
    ):
        row = found[f"all but {name}"]
        expected = evaluate(made.workspace, switched_off[setting], truth)
        assert row["garment_to_look"] == expected["garment_to_look"]
        assert row["look_to_garment"] == expected["look_to_garment"]
        assert row["garment_to_look"] != found["all together"]["garment_to_look"]
        low, high = row["change"]["garment_to_look"]["R@1"]["ci95"]
        assert low <= row["change"]["garment_to_look"]["R@1"]["value"] <= high
    without = variants(made.workspace, switched_off["hubness_beta"], known)
    assert without["all and hubness correction"].told == ranked(made.workspace, config, known).told
    assert "all but hubness correction" not in without


def test_mutual_firsts_are_those_of_the_matches(tmp_path: Path) -> None:
    config = load(match={"reverse_k": 3})
    made = invent(tmp_path / "ws", config, 60, 50, noise=14.0, worn=2)
    known = read_truth(made.workspace, made.write_truth(tmp_path / "truth.csv"))
    found = ranked(made.workspace, config, known)
    with Progress(quiet=True) as progress:
        run_step(Match(Setup.of(config)), made.workspace, progress)
    rows = made.workspace.table("matches").read(["garment", "mutual"]).to_pylist()
    mutual = {row["garment"] for row in rows if row["mutual"]}
    assert found.mutual.tolist() == [garment in mutual for garment in known.looks_of()]
    assert 0 < found.mutual.sum() < len(found.mutual)


def test_what_hangs_together_is_one_cluster(tmp_path: Path) -> None:
    config = load()
    made = invent(tmp_path / "ws", config, 30, 12, noise=0.5, worn=2)
    known = read_truth(made.workspace, made.write_truth(tmp_path / "truth.csv"))
    garments, looks = ranked(made.workspace, config, known).clusters
    of_garment = dict(zip(known.looks_of(), garments, strict=True))
    of_look = dict(zip(known.garments_of(), looks, strict=True))
    assert all(of_garment[garment] == of_look[look] for garment, look in known.pairs)
    assert 1 < len(set(garments)) < len(garments)


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
