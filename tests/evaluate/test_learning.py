from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from tests.invented import Invented, invent

from lookweave import building
from lookweave.config import load
from lookweave.errors import InputError
from lookweave.evaluate import evaluate, learn
from lookweave.pipeline.run import run_step
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.match import CALIBRATION, Match, calibration, score_weights
from lookweave.progress import Progress
from lookweave.records import REVIEW
from lookweave.store.workspace import Workspace

# Colours in the descriptions tell little here, vectors much: the weights set are wrong.
CONFIG = load(match={"top_k": 20, "reverse_k": 3, "lambda_vlm": 0.9, "lambda_visual": 0.1})


def match(workspace: Workspace) -> list[dict[str, object]]:
    with Progress(quiet=True) as progress:
        run_step(Match(Setup.of(CONFIG)), workspace, progress)
    rows: list[dict[str, object]] = workspace.table("matches").read().to_pylist()
    return rows


@pytest.fixture(scope="module")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Invented:
    return invent(tmp_path_factory.mktemp("learn") / "ws", CONFIG, 60, 70, noise=1.5)


def test_a_truth_file_teaches_weights_and_probability(invented: Invented, tmp_path: Path) -> None:
    truth = invented.write_truth(tmp_path / "truth.csv")
    before = evaluate(invented.workspace, CONFIG, truth)["garment_to_look"]
    told = learn(invented.workspace, CONFIG, truth)
    # Vectors tell most here, parts something, colours little.
    assert told["lambda_detail"] > 0.05 and told["lambda_vlm"] < 0.3
    weights = [told[f"lambda_{part}"] for part in ("vlm", "visual", "detail")]
    assert sum(weights) == pytest.approx(1)
    learned = calibration(invented.workspace, CONFIG)
    assert learned is not None
    assert learned.labels == told["labels"] > told["positives"] > 50
    assert evaluate(invented.workspace, CONFIG, truth)["garment_to_look"]["MRR"] >= before["MRR"]
    rows = match(invented.workspace)
    true = {(invented.garments[g], invented.looks[look]) for g, look in invented.truth}
    probability = np.array([row["probability"] for row in rows])
    right = np.array([(row["garment"], row["look"]) in true for row in rows])
    assert all(row["calibrated"] for row in rows)
    assert probability[right].mean() > 5 * probability[~right].mean()
    assert probability.sum() == pytest.approx(right.sum(), rel=0.25)
    (invented.workspace.path / CALIBRATION).unlink()


def test_without_parts_the_other_two_are_weighed(invented: Invented, tmp_path: Path) -> None:
    match = CONFIG.match.model_copy(update={"details": False})
    config = CONFIG.model_copy(update={"match": match})
    truth = invented.write_truth(tmp_path / "truth.csv")
    before = evaluate(invented.workspace, config, truth)["garment_to_look"]
    told = learn(invented.workspace, config, truth)
    assert told["lambda_visual"] > 0.5 and told["lambda_detail"] == 0.0
    assert told["lambda_vlm"] + told["lambda_visual"] == pytest.approx(1)
    assert evaluate(invented.workspace, config, truth)["garment_to_look"]["MRR"] > before["MRR"]
    (invented.workspace.path / CALIBRATION).unlink()


def test_reviews_teach_too(invented: Invented) -> None:
    rows = match(invented.workspace)
    true = {(invented.garments[g], invented.looks[look]) for g, look in invented.truth}
    reviews = [
        {
            "garment": row["garment"],
            "region": row["region"],
            "look": row["look"],
            "reviewer": "ann",
            "decision": "yes" if (row["garment"], row["look"]) in true else "no",
            "at": datetime.now(UTC),
        }
        for row in rows
        if row["rank"] is not None and int(str(row["rank"])) <= 5
    ]
    invented.workspace.table("reviews").append([REVIEW.table(reviews)])
    told = learn(invented.workspace, CONFIG)
    assert told["labels"] <= len(reviews)
    assert told["positives"] >= 20
    assert calibration(invented.workspace, CONFIG) is not None
    invented.workspace.table("reviews").delete("true")
    (invented.workspace.path / CALIBRATION).unlink()


def test_too_few_labels_are_told(invented: Invented, tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    garment, look = invented.truth[0]
    truth.write_text(f"garment,look\ng{garment}.jpg,l{look}.jpg\n")
    with pytest.raises(InputError, match="20 of each are needed"):
        learn(invented.workspace, CONFIG, truth)
    with pytest.raises(InputError, match="0 are labelled yes and 0 no"):
        learn(invented.workspace, CONFIG)
    assert not (invented.workspace.path / CALIBRATION).exists()


def test_learned_weights_can_be_switched_off_and_are_said(
    invented: Invented, tmp_path: Path
) -> None:
    off = load(match={"top_k": 20, "reverse_k": 3, "lambda_vlm": 0.9, "lambda_visual": 0.1,
                      "calibrated": False})  # fmt: skip
    assert Match(Setup.of(off)).recipe == Match(Setup.of(CONFIG)).recipe
    learn(invented.workspace, CONFIG, invented.write_truth(tmp_path / "truth.csv"))
    learned = calibration(invented.workspace, CONFIG)
    assert learned is not None and calibration(invented.workspace, off) is None
    assert score_weights(invented.workspace, Setup.of(CONFIG)) == learned.score_weights
    assert score_weights(invented.workspace, Setup.of(off)) == (0.9, 0.1, 2.0)

    (said,) = building._weights(invented.workspace, CONFIG)
    assert f"{learned.lambda_vlm:.2f}, {learned.lambda_visual:.2f} and " in said
    assert f"{learned.lambda_detail:.2f} count in place of" in said
    assert "match.calibrated = false" in said and building._weights(invented.workspace, off) == []

    (invented.workspace.path / "lookweave.toml").write_text("[match]\nlambda_visual = 0.5\n")
    weight = {one.name: one for one in building.explained(invented.workspace)}[
        "match.lambda_visual"
    ]
    assert (weight.value, weight.origin) == (learned.lambda_visual, CALIBRATION)
    (invented.workspace.path / "lookweave.toml").write_text(
        "[match]\nlambda_visual = 0.5\ncalibrated = false\n"
    )
    weight = {one.name: one for one in building.explained(invented.workspace)}[
        "match.lambda_visual"
    ]
    assert (weight.value, weight.origin) == (0.5, "lookweave.toml")
    (invented.workspace.path / CALIBRATION).unlink()
