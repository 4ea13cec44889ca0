from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.invented import Invented, identity, invent

from lookweave.config import Config, load
from lookweave.errors import InputError
from lookweave.evaluate import as_text, evaluate
from lookweave.models.cards import models_of
from lookweave.pipeline.run import run_step
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.match import Match
from lookweave.progress import Progress
from lookweave.records import REJECT, SOURCE
from lookweave.store.workspace import Workspace


def settings(**match: Any) -> Config:
    return load(match={"categories": 2, "reverse_k": 3, **match})


@pytest.fixture(scope="module")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Invented:
    return invent(tmp_path_factory.mktemp("recall") / "ws", settings(), 60, 50, noise=14.0, worn=2)


def test_recall_is_that_of_the_matches(invented: Invented, tmp_path: Path) -> None:
    """With a top k that keeps everything, ranks can be read off the table."""
    config = settings(top_k=10_000)
    with Progress(quiet=True) as progress:
        run_step(Match(Setup.of(config)), invented.workspace, progress)
    best: dict[str, dict[str, float]] = {}
    where = f"{Match(Setup.of(config)).rows} AND rank IS NOT NULL"
    for row in invented.workspace.table("matches").read(where=where).to_pylist():
        looks = best.setdefault(row["garment"], {})
        looks[row["look"]] = max(looks.get(row["look"], -9.0), row["score"])
    true: dict[str, set[str]] = {}
    for garment, look in invented.truth:
        true.setdefault(invented.garments[garment], set()).add(invented.looks[look])
    ranks = []
    for garment, looks in true.items():
        order = sorted(best[garment], key=lambda look: (-best[garment][look], look))
        ranks.append(
            min([order.index(look) + 1 for look in looks if look in order], default=np.inf)
        )
    found = evaluate(invented.workspace, config, invented.write_truth(tmp_path / "truth.csv"))
    result = found["garment_to_look"]
    assert (result["n"], result["gallery"]) == (len(true), 50)
    assert result["R@1"] == pytest.approx(np.mean(np.array(ranks) <= 1))
    assert result["R@10"] == pytest.approx(np.mean(np.array(ranks) <= 10))
    assert result["MRR"] == pytest.approx(np.mean(1 / np.array(ranks)))
    assert 0.2 < result["R@1"] < 1.0
    assert not list((invented.workspace.path / "cache").iterdir())


def test_looks_are_searched_for_garments_without_correction(
    invented: Invented, tmp_path: Path
) -> None:
    config = settings(categories=0, lambda_vlm=0.0, details=False)
    found = evaluate(invented.workspace, config, invented.write_truth(tmp_path / "truth.csv"))
    models = models_of(config)
    table = invented.workspace.embeddings(models.encoder.key, models.encoder.dimension or 0)
    vectors = {row["subject"]: np.array(row["vector"]) for row in table.read().to_pylist()}
    garments = sorted(invented.garments)
    gallery = np.array([vectors[f"{one}:{models.detector.key}:cut"] for one in garments])
    ranks = []
    for look in sorted({look for _, look in invented.truth}):
        regions = [
            vectors[f"{invented.looks[look]}:{models.detector.key}:{at:02d}"] for at in (0, 1)
        ]
        score = (gallery @ np.array(regions).T).max(axis=1)
        true = [
            garments.index(invented.garments[g]) for g, other in invented.truth if other == look
        ]
        ranks.append(min(1 + int((score > score[at]).sum()) for at in true))
    result = found["look_to_garment"]
    assert (result["n"], result["gallery"]) == (len(ranks), 60)
    assert result["R@1"] == pytest.approx(np.mean(np.array(ranks) <= 1))
    assert result["MRR"] == pytest.approx(np.mean(1 / np.array(ranks)))
    assert found["filter_recall"]["recall"] == 1.0


def test_parts_find_what_vectors_confuse(invented: Invented, tmp_path: Path) -> None:
    truth = invented.write_truth(tmp_path / "truth.csv")
    without, compared = (
        evaluate(invented.workspace, settings(details=details, evidence=False), truth)
        for details in (False, True)
    )
    assert compared["garment_to_look"]["R@1"] > without["garment_to_look"]["R@1"]
    few = evaluate(
        invented.workspace, settings(top_k=1, reverse_k=1, detail_pool=1, evidence=False), truth
    )
    # With a single candidate there is nothing to put into another order.
    assert few["garment_to_look"]["R@1"] == without["garment_to_look"]["R@1"]


def test_what_the_filter_shuts_out_is_a_miss(tmp_path: Path) -> None:
    config = settings()
    made = invent(tmp_path / "ws", config, 12, 12, worn=1, described=0.0)
    truth = made.write_truth(tmp_path / "truth.csv")
    whole = evaluate(made.workspace, config, truth)
    assert whole["filter_recall"] == {
        "recall": 1.0,
        "pairs": 12,
        "ci95": pytest.approx([0.757, 1.0], abs=1e-3),
    }
    assert whole["garment_to_look"]["R@1"] == 1.0
    regions = made.workspace.table("regions")
    row = regions.read(where="kind = 'look'").slice(0, 1).to_pylist()[0]
    other = "bag" if row["label"] != "bag" else "eyewear"
    regions.upsert(regions.spec.table([{**row, "label": other}]))
    shut_out = evaluate(made.workspace, config, truth)
    assert shut_out["filter_recall"]["recall"] == pytest.approx(11 / 12)
    assert shut_out["look_to_garment"]["R@1"] == pytest.approx(11 / 12)
    assert shut_out["look_to_garment"]["R@10"] == pytest.approx(11 / 12)


def test_a_photo_that_was_turned_away_is_a_miss_and_named(tmp_path: Path) -> None:
    made = invent(tmp_path / "ws", settings(), 10, 10, worn=1)
    reject = {"step": "ingest", "recipe": "r", "subject": "/x/broken.jpg", "kind": "look",
              "name": "sub/broken.jpg", "reason": "truncated_image", "detail": "."}  # fmt: skip
    made.workspace.table("rejects").append([REJECT.table([reject])])
    garment, look = made.truth[0]
    truth = tmp_path / "truth.csv"
    truth.write_text(
        f"garment,look,view\ng{garment}.jpg,l{look}.jpg,front\ng{garment}.jpg,broken.jpg,\n"
        f"g{made.truth[-1][0]}.jpg,sub/broken.jpg,back\n"
    )
    found = evaluate(made.workspace, settings(), truth)
    queries = {garment, made.truth[-1][0]}
    assert len(queries) == 2
    assert found["missing"] == ["broken.jpg", "sub/broken.jpg"]
    assert (found["garment_to_look"]["n"], found["garment_to_look"]["R@1"]) == (2, 0.5)
    assert "broken.jpg" in as_text(found)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            "garment,look\ng1.jpg,nowhere.jpg\ng2.jpg,l1.jpg\nlost.jpg,l1.jpg",
            "no garment named 'lost.jpg'.*no look named 'nowhere.jpg'",
        ),
        ("garment,photo\ng1.jpg,l1.jpg", "no column look"),
        ("", "no column garment and look"),
        ("garment,look\n", "has no rows"),
        ("garment,look\ntwice.jpg,l1.jpg", "several garments are named 'twice.jpg'"),
    ],
)  # fmt: skip
def test_a_truth_file_that_does_not_fit_is_told_why(
    tmp_path: Path, content: str, says: str
) -> None:
    made = invent(tmp_path / "ws", settings(), 4, 4)
    rows = [{"kind": "garment", "path": f"/{folder}/twice.jpg", "name": f"{folder}/twice.jpg",
             "id": identity(f"garment {at}")} for at, folder in enumerate("ab")]  # fmt: skip
    made.workspace.table("sources").append([SOURCE.table(rows)])
    truth = tmp_path / "truth.csv"
    truth.write_text(content)
    with pytest.raises(InputError, match=says):
        evaluate(made.workspace, settings(), truth)


def test_two_files_with_the_same_bytes_are_one_photo_under_either_name(tmp_path: Path) -> None:
    made = invent(tmp_path / "ws", settings(), 6, 6)
    garment, look = made.truth[0]
    row = {"kind": "look", "path": "/b/copy.jpg", "name": "b/copy.jpg", "id": made.looks[look]}
    same = {**row, "path": f"/b/l{look}.jpg", "name": f"b/l{look}.jpg"}
    made.workspace.table("sources").append([SOURCE.table([row, same])])
    truth = tmp_path / "truth.csv"
    truth.write_text(f"garment,look\ng{garment}.jpg,copy.jpg\ng{garment}.jpg,l{look}.jpg\n")
    assert evaluate(made.workspace, settings(), truth)["look_to_garment"]["n"] == 1


def test_nothing_built_is_told(tmp_path: Path) -> None:
    made = invent(tmp_path / "ws", settings(), 3, 3)
    models = models_of(settings())
    made.workspace.embeddings(models.encoder.key, models.encoder.dimension or 0).delete("true")
    with pytest.raises(InputError, match="lookweave build"):
        evaluate(made.workspace, settings(), made.write_truth(tmp_path / "truth.csv"))
    with pytest.raises(InputError, match="cannot be read"):
        evaluate(Workspace.open(made.workspace.path), settings(), tmp_path / "none.csv")
