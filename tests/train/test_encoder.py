"""The encoder's recipe, its loss and its whitened start."""

# ruff: noqa: E402
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

for _package in ("torch", "cv2", "onnx"):
    pytest.importorskip(_package, reason=f"needs {_package}: install lookweave[train]")

import numpy as np
import onnx
import onnx.numpy_helper
import torch

from lookweave.models.embedded.words import CONCEPTS, read
from lookweave.taxonomy import CATEGORIES
from lookweave.train import encoder
from lookweave.train.captions import caption_of, captions, spoken
from lookweave.train.encoder_ablation import ablate
from lookweave.train.encoder_network import PairSigmoidLoss, TextSigmoidLoss, new_encoder, whitening
from lookweave.train.garment_crops import Garment
from lookweave.train.garment_pairs import GarmentPair, rendered_pairs
from lookweave.train.garment_views import ViewStrength
from lookweave.train.labelled_crops import confirmed_label
from lookweave.train.model_page import write_model_page
from lookweave.train.pair_batches import PairBatches
from lookweave.train.retrieval_quality import identity_scores, retrieval_scores
from lookweave.train.running import TrainingRun, load_checkpoint, save_checkpoint


def test_full_whitening_gives_equal_variances() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(500, 12)).astype(np.float32) * np.arange(1, 13)
    weight, bias = whitening(features.astype(np.float32), 6, 1.0)
    variances = (features @ weight.T + bias).var(0)
    assert variances == pytest.approx(np.full(6, variances.mean()), rel=1e-3)


def test_loss_matches_its_formula() -> None:
    loss = PairSigmoidLoss()
    embeddings = torch.nn.functional.normalize(torch.randn(4, 8), dim=1)
    garments = torch.tensor([0, 1, 0, 1])
    expected = 0.0
    for i in range(4):
        for j in range(4):
            if i != j:
                sign = 1.0 if garments[i] == garments[j] else -1.0
                logit = 10 * float(embeddings[i] @ embeddings[j]) - 10
                expected += float(np.log1p(np.exp(-sign * logit))) / 4
    assert float(loss(embeddings, garments)) == pytest.approx(expected, rel=1e-4)


def test_retrieval_scores_count_ranks() -> None:
    gallery = np.eye(4, dtype=np.float32)
    queries = gallery.copy()
    queries[0] = [0.5, 0.8, 0.1, 0.0]
    scores = retrieval_scores(queries, gallery)
    assert scores["R@1"] == 0.75
    assert scores["MRR"] == pytest.approx((1 + 1 + 1 + 0.5) / 4)


def test_the_best_picture_of_a_garment_counts() -> None:
    gallery = np.eye(4, dtype=np.float32)
    queries = np.array([[0.1, 0.9, 0.8, 0.0], [0.9, 0.0, 0.3, 0.2]], np.float32)
    scores = identity_scores(queries, ["a", "b"], gallery, ["a", "b", "a", "b"])
    assert scores["R@1"] == 0.0 and scores["R@5"] == 1.0 and scores["gallery"] == 4
    assert scores["MRR"] == pytest.approx((1 / 2 + 1 / 3) / 2, abs=1e-4)


def test_what_is_not_known_of_a_caption_costs_nothing() -> None:
    loss = TextSigmoidLoss()
    texts, views = (torch.nn.functional.normalize(torch.randn(n, 8), dim=1) for n in (2, 3))
    signs = torch.tensor([[1, -1, 0], [0, 0, -1]])
    expected = 0.0
    for i in range(2):
        for j in range(3):
            logit = 10 * float(texts[i] @ views[j]) - 5
            expected += abs(int(signs[i, j])) * float(np.log1p(np.exp(-int(signs[i, j]) * logit)))
    assert float(loss(texts, views, signs)) == pytest.approx(expected / 3, rel=1e-4)


def _truth(*names: str) -> np.ndarray:
    truth = np.full(len(CONCEPTS), -1, np.int8)
    truth[[CONCEPTS.index(name) for name in names]] = 1
    return truth


def test_captions_say_what_is_true_and_the_tower_reads_them() -> None:
    truth = np.stack([_truth("dress", "red"), _truth("coat", "navy", "long-sleeved")], axis=1)
    truth[CONCEPTS.index("red"), 1] = 0
    seen = set()
    for seed in range(40):
        texts, signs = captions(truth, np.random.default_rng(seed))
        assert signs.shape == (len(texts), 2)
        for text, row in zip(texts, signs, strict=True):
            concepts = read(text).concepts
            assert concepts and not read(text).unread
            places = [CONCEPTS.index(name) for name in concepts]
            assert row.tolist() == truth[places].min(axis=0).tolist()
            seen.add(text)
    assert {"red dress", "dress, red", "coat, navy, long-sleeved"} <= seen
    assert caption_of(_truth(), np.random.default_rng(0)) == ()
    assert spoken(("red",), np.random.default_rng(1)) == "red"


@pytest.mark.parametrize(
    ("opinion", "tags", "label"),
    [
        ({"top": 0.8}, ["t-shirt", "jeans"], "t-shirt"),
        ({"top": 0.6, "shirt": 0.3}, ["blouse", "jeans"], "blouse"),  # the top there is none of
        ({"top": 0.5, "shirt": 0.4}, ["t-shirt", "blouse"], None),
        ({"top": 0.8, "shirt": 0.1}, ["t-shirt", "blouse"], "t-shirt"),
        ({"top": 0.8}, ["t-shirt", "bodysuit"], None),  # both are tops
        ({"bag": 0.9}, ["dress", "hair", "null"], None),
        ({"bag": 0.9}, [], None),
        ({"jacket": 0.9}, ["suit"], None),
        (None, ["dress"], None),
    ],
)
def test_a_tag_confirms_a_region(
    opinion: dict[str, float] | None, tags: list[str], label: str | None
) -> None:
    scores = None
    if opinion is not None:
        scores = np.array([opinion.get(name, 0.0) for name in CATEGORIES], np.float32)
    assert confirmed_label(scores, tags) == label


def _pairs(count: int) -> list[GarmentPair]:
    """Garments of two categories and a growing shade, two pictures of each, three to a photo."""
    made = []
    for number in range(count):
        pixels = np.full((40, 30, 3), 6 * number, np.uint8)
        mask = np.zeros((40, 30), np.uint8)
        mask[5:35, 5:25] = 1
        group = ("top", "skirt")[number % 2]
        garment = Garment(pixels, mask, group, f"{number // 3}")
        shade = np.array([np.cos(number / 40), np.sin(number / 40)], np.float32)
        pair = GarmentPair(garment, garment, f"{number}", group, f"{number // 3}", shade,
                           _truth(group))  # fmt: skip
        made += [pair, pair]
    return made


def test_batches_show_no_garment_twice_and_hard_ones_are_alike() -> None:
    pairs = _pairs(40)

    def order(hard_share: float, epoch: int = 1) -> list[list[int]]:
        return PairBatches(pairs, 8, hard_share, 32, ViewStrength(), seed=2).order(epoch)

    def spread(batches: list[list[int]]) -> float:
        """How far apart the shades of the first four of a batch lie."""
        return float(np.mean([np.ptp([int(pairs[place].identity) for place in batch[:4]])
                              for batch in batches[:4]]))  # fmt: skip

    for hard_share in (0.0, 1.0):
        batches = order(hard_share)
        places = [place for batch in batches for place in batch]
        assert len(places) == len(set(places)) and len(batches) >= 8
        for batch in batches:
            assert len({pairs[place].identity for place in batch}) == len(batch) == 8
        assert order(hard_share) == batches != order(hard_share, 2)
    assert all(len({pairs[place].group for place in batch[:4]}) == 1 for batch in order(1.0))
    assert spread(order(1.0)) < 0.7 * spread(order(0.0))


def test_a_run_goes_on_with_the_batches_it_would_have_seen() -> None:
    batches = PairBatches(_pairs(10), 4, 0.5, 32, ViewStrength(), seed=2)
    straight = batches.from_step(0)
    whole = [next(straight) for _ in range(7)]
    for first in (3, 6):
        later = next(batches.from_step(first))
        assert torch.equal(later.views, whole[first].views)
        assert later.texts == whole[first].texts and torch.equal(later.signs, whole[first].signs)
    assert whole[0].signs.shape == (len(whole[0].texts), len(whole[0].views))
    assert whole[0].garments[:4].tolist() == whole[0].garments[4:].tolist()


def test_rendered_families_stay_on_one_side(tmp_path: Path) -> None:
    import cv2

    for folder in ("garments", "looks", "labels/garments", "labels/looks"):
        (tmp_path / folder).mkdir(parents=True)
    ids = np.zeros((60, 60), np.uint8)
    ids[5:55, 5:50] = 10

    def picture(folder: str, stem: str, sku: str, listed: bool = True) -> None:
        found = [{"id": 10, "sku": sku, "listed": listed, "category": "dress",
                  "pixels": int((ids == 10).sum())}]  # fmt: skip
        cv2.imwrite(str(tmp_path / folder / f"{stem}.jpg"), np.full((60, 60, 3), 90, np.uint8))
        cv2.imwrite(str(tmp_path / "labels" / folder / f"{stem}.ids.png"), ids)
        labels = tmp_path / "labels" / folder / f"{stem}.json"
        labels.write_text(json.dumps({"garments": found}), encoding="utf-8")

    rows = ["sku,family"]
    for number, family in enumerate((1, 1, 5, 6)):
        sku = f"LW-{number:05}"
        rows.append(f"{sku},{family}")
        picture("garments", sku.lower(), sku)
        picture("looks", f"look-{number}-0", sku)
        picture("looks", f"look-{number}-1", sku, listed=number != 3)
    (tmp_path / "truth.csv").write_text("\n".join(rows), encoding="utf-8")
    train, validation = rendered_pairs(tmp_path)
    assert [pair.identity for pair in train] == [
        *["rendered LW-00000"] * 2, *["rendered LW-00001"] * 2, "rendered LW-00003",
    ]  # fmt: skip
    assert {pair.identity for pair in validation} == {"rendered LW-00002"}
    one = train[0]
    assert one.group == "rendered dress" and one.near == "rendered 1"
    assert one.truth[CONCEPTS.index("dress")] == 1 and one.truth[CONCEPTS.index("grey")] == 1
    assert one.truth[CONCEPTS.index("skirt")] == -1
    assert one.product.photo == "lw-00000" and one.worn.photo == "look-0-0"


def test_a_network_reads_words_in_any_order() -> None:
    network = new_encoder("lite0", 8, imagenet=False)
    one, other, third = network.text_vectors(["red dress", "dress in red", "red skirt"])
    assert torch.allclose(one, other) and not torch.allclose(one, third)
    assert float(one.detach().norm()) == pytest.approx(1.0, abs=1e-5)


@pytest.fixture
def small_side(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("encoder", "encoder_ablation", "encoder_quality"):
        monkeypatch.setattr(f"lookweave.train.{module}.SIDE", 64)
    monkeypatch.setattr("lookweave.train.garment_crops.prepare_crop.__defaults__", (64, 0.85))


def _config(parsed: Path, out: Path, **changed: object) -> encoder.EncoderConfig:
    return encoder.EncoderConfig(
        parsed=parsed, out=out, cache=out.parent, trunk="lite0", dimension=8,
        frozen_blocks=0, pairs_per_batch=4, train_side=64, imagenet=False, seed=1, **{"stage": 2, **changed},
    )  # fmt: skip


@pytest.mark.usefixtures("small_side")
def test_every_ingredient_gets_the_same_steps_and_the_page_shows_them(
    parsed_folder: Path, tmp_path: Path
) -> None:
    config = _config(parsed_folder, tmp_path / "run", steps=2, runs=1)
    rows = ablate(config)
    assert [row["steps"] for row in rows] == [0, 0, 2, 2, 2, 2]
    assert rows[2]["cut_out_to_scene"]["gallery"] == rows[0]["cut_out_to_scene"]["gallery"] > 0
    assert all((tmp_path / f"run/ablation-{number}/encoder.onnx").exists() for number in range(5))
    encoder.train(config)
    write_model_page(tmp_path / "run" / "encoder.json", tmp_path / "encoder.md")
    page = (tmp_path / "encoder.md").read_text(encoding="utf-8")
    assert "| + hard negatives | 2 |" in page and "2 steps," in page


@pytest.mark.usefixtures("small_side")
def test_recipe_resumes_identically(parsed_folder: Path, tmp_path: Path) -> None:
    def config(out: str) -> encoder.EncoderConfig:
        return _config(parsed_folder, tmp_path / out, steps=4)

    class PowerCutError(Exception):
        pass

    def interrupt(run: TrainingRun) -> None:
        raise PowerCutError

    whole = encoder.train(config("whole"))
    with pytest.raises(PowerCutError):
        encoder.train(config("halves"), interrupt)
    resumed = encoder.train(config("halves"))
    assert [row["loss"] for row in resumed["history"]] == pytest.approx(
        [row["loss"] for row in whole["history"]], rel=1e-5
    )
    assert resumed["runs"] == [
        {**run, "minutes": pytest.approx(run["minutes"], abs=5)} for run in whole["runs"]
    ]
    assert resumed["onnx_difference"] < 0.1, "at any precision that was chosen"
    assert (tmp_path / "halves" / "encoder.onnx").exists()


@pytest.mark.usefixtures("small_side")
def test_the_mean_of_runs_from_one_start_is_exported(
    parsed_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lookweave.train.precision.PRECISIONS", ("float16",))
    config = _config(parsed_folder, tmp_path / "run", steps=2, runs=3, blend=1.0)
    record = encoder.train(config)
    assert [run["seed"] for run in record["runs"]] == [1, 2, 3]
    assert record["trained_steps"] == 6
    folders = (config.out, config.out / "run-2", config.out / "run-3")
    bests = [load_checkpoint(folder / "encoder.checkpoint.pt")["best"] for folder in folders]
    name = "project.weight"
    assert not torch.equal(bests[0][name], bests[1][name])
    exported = onnx.load(config.out / "encoder.onnx").graph.initializer
    mean = (sum(best[name] for best in bests) / 3).numpy()
    assert any(
        np.allclose(stored, mean, atol=1e-3)
        for stored in map(onnx.numpy_helper.to_array, exported)
        if stored.shape == mean.shape
    )
    rows = {row["what"]: row["steps"] for row in record["quality"]["ablation"]}
    assert rows["the run of seed 3 alone, blended"] == 2
    write_model_page(config.out / "encoder.json", tmp_path / "encoder.md")
    page = (tmp_path / "encoder.md").read_text(encoding="utf-8")
    assert "seed 2: 2 steps" in page and "the mean of 3 whole runs" in page


def test_runs_side_by_side_are_to_the_last_digit_those_in_turn(
    parsed_folder: Path, tmp_path: Path
) -> None:
    def record(out: str, at_once: int) -> dict[str, Any]:
        config = _config(parsed_folder, tmp_path / out, steps=2, runs=3)
        encoder.train(config, at_once=at_once)
        written: dict[str, Any] = json.loads((config.out / "encoder.json").read_text("utf-8"))
        return written

    turns, beside = record("turns", 1), record("beside", 2)
    assert (tmp_path / "beside/run-3/run.log").read_text("utf-8").count("'epoch': 1.0") == 1
    assert beside["sha256"] == turns["sha256"]
    assert beside["quality"] == turns["quality"]


@pytest.mark.usefixtures("small_side")
def test_a_run_out_of_patience_stays_ended(parsed_folder: Path, tmp_path: Path) -> None:
    config = _config(parsed_folder, tmp_path / "run", steps=40, stage=1, runs=1, patience=2)
    first = encoder.train(config)
    assert first["trained_steps"] < 40, "the made photos have no plateau: choose another seed"
    assert encoder.train(config)["runs"] == first["runs"]


def test_exported_weights_lie_between_start_and_best(tmp_path: Path) -> None:
    start, best = ({"a": torch.full((3,), value)} for value in (1.0, 3.0))
    save_checkpoint(tmp_path / encoder.START, start)
    for blend, expected in ((0.0, 1.0), (0.7, 2.4), (1.0, 3.0)):
        config = _config(tmp_path, tmp_path, blend=blend)
        assert encoder.blended(config, best)["a"].tolist() == pytest.approx([expected] * 3)
