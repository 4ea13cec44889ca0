"""The segmenter's recipe on a handful of synthetic figures."""

# ruff: noqa: E402
from __future__ import annotations

import json
from pathlib import Path

import pytest

for _package in ("torch", "cv2", "onnx"):
    pytest.importorskip(_package, reason=f"needs {_package}: install lookweave[train]")

import numpy as np
import onnx
import onnxruntime
import torch
from typer.testing import CliRunner

from lookweave.errors import InputError
from lookweave.train import segmenter
from lookweave.train.cli import app
from lookweave.train.depthwise import depthwise
from lookweave.train.export import export_onnx
from lookweave.train.labels import CLASS_COUNT, IGNORE, admissible_classes
from lookweave.train.model_page import model_page
from lookweave.train.parsed_photos import load_parsed_photos
from lookweave.train.precision import Answer, same_classes, same_neighbours
from lookweave.train.running import device_of
from lookweave.train.segmentation_data import Batch, SegmentationBatches, labelled_photos
from lookweave.train.segmenter_config import FURTHER, SegmenterConfig
from lookweave.train.segmenter_network import new_segmenter, segmentation_loss
from lookweave.train.tagged_photos import load_tagged_photos


def _config(parsed: Path, out: Path, epochs: int) -> SegmenterConfig:
    return SegmenterConfig(
        parsed=parsed, out=out, trunk="lite0", channels=16, frozen_blocks=0, epochs=epochs,
        batch_size=4, small_until=0.0, imagenet=False, seed=1, canvas=(96, 64),
    )  # fmt: skip


def test_steps_lower_the_loss() -> None:
    torch.manual_seed(0)
    network = new_segmenter("lite0", 16, imagenet=False)
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3)
    target = torch.zeros(4, 16, 16, dtype=torch.long)
    target[:, 4:12, 4:12] = 7
    images = torch.zeros(4, 3, 64, 64)
    images[:, 0, 16:48, 16:48] = 1
    admissible = torch.from_numpy(admissible_classes())
    anything = torch.ones(4, CLASS_COUNT, dtype=torch.bool)
    losses = []
    for _ in range(6):
        loss = segmentation_loss(*network.forward_training(images), target, admissible, anything)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]


def test_loss_ignores_what_no_label_says() -> None:
    logits = torch.randn(1, CLASS_COUNT, 4, 4, requires_grad=True)
    presence = torch.zeros(1, CLASS_COUNT)
    ignored = len(admissible_classes()) - 1
    target = torch.full((1, 4, 4), ignored)
    target[0, 0, 0] = 3
    anything = torch.ones(1, CLASS_COUNT, dtype=torch.bool)
    admissible = torch.from_numpy(admissible_classes())
    loss = segmentation_loss(logits, presence, target, admissible, anything)
    loss.backward()
    assert logits.grad is not None
    assert logits.grad[0, :, 0, 0].abs().sum() > 0
    assert logits.grad[0, :, 1:, 1:].abs().sum() == 0


def test_loss_holds_unlabelled_pixels_and_presence_to_the_tags() -> None:
    admissible = torch.from_numpy(admissible_classes())
    logits = torch.zeros(1, CLASS_COUNT, 4, 4, requires_grad=True)
    presence = torch.zeros(1, CLASS_COUNT, requires_grad=True)
    target = torch.full((1, 4, 4), len(admissible) - 1)
    target[0, 0, 0] = 3
    possible = torch.zeros(1, CLASS_COUNT, dtype=torch.bool)
    possible[0, [0, 3, 9]] = True
    segmentation_loss(logits, presence, target, admissible, possible).backward()
    assert logits.grad is not None
    assert presence.grad is not None
    unlabelled = logits.grad[0, :, 2, 2]
    assert (unlabelled[possible[0]] < 0).all(), "what the tags allow is not encouraged"
    assert (unlabelled[~possible[0]] > 0).all()
    assert presence.grad[0, 3] < 0, "seen"
    assert presence.grad[0, 9] == 0, "tagged and not seen: unknown"
    assert (presence.grad[0, ~possible[0]] > 0).all()


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2)])
def test_quick_depthwise_gradients_are_the_convolutions_own(kernel: int, stride: int) -> None:
    torch.manual_seed(0)
    convolution = torch.nn.Conv2d(8, 8, kernel, stride, kernel // 2, groups=8)
    image = torch.randn(2, 8, 17, 13, requires_grad=True)
    parts = [image, convolution.weight, convolution.bias]
    expected = convolution(image)
    back = torch.randn_like(expected)
    wanted = [expected, *torch.autograd.grad(expected, parts, back)]
    with torch.autocast("cpu", torch.bfloat16):
        given = depthwise(convolution, image)
    assert given.dtype == torch.bfloat16
    found = [given, *torch.autograd.grad(given, parts, back.bfloat16())]
    for one, other in zip(wanted, found, strict=True):
        assert float((one - other.float()).norm() / one.norm()) < 0.01


@pytest.mark.parametrize(
    ("agreements", "kind", "most"),
    [
        ([0.991], onnx.TensorProto.INT8, 0.1),
        ([0.989, 0.991], onnx.TensorProto.FLOAT16, 1e-2),
        ([0.5, 0.5], onnx.TensorProto.FLOAT, 1e-4),
    ],
)
def test_onnx_agrees_with_torch_at_any_size_and_precision(
    tmp_path: Path, agreements: list[float], kind: int, most: float
) -> None:
    network = new_segmenter("lite0", 16, imagenet=False).eval()
    path = tmp_path / "segmenter.onnx"
    example = torch.zeros(2, 3, 96, 64)
    image = np.random.default_rng(0).uniform(-1, 1, (1, 3, 64, 128)).astype(np.float32)
    asked = iter(agreements)
    apart = []

    def agreement(first: Answer, second: Answer) -> float:
        apart.append(float(np.abs(first(image) - second(image)).max()))
        return next(asked)

    exported = export_onnx(
        network, path, example, "logits", {0: "batch", 2: "height", 3: "width"},
        {0: "batch", 2: "h", 3: "w"}, agreement,
    )  # fmt: skip
    assert apart == sorted(apart, reverse=True) and len(apart) == len(agreements)
    tried = exported.record("as asked")["precision"]["tried"]
    assert [one["agreement"] for one in tried][: len(agreements)] == agreements
    assert tried[-1]["bytes"] == path.stat().st_size
    assert [one["bytes"] for one in tried] == sorted(one["bytes"] for one in tried)
    stored = onnx.load(path).graph.initializer
    assert sum(t.data_type == kind for t in stored) > 40
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    given = session.run(None, {"image": image})[0]
    with torch.inference_mode():
        expected = network(torch.from_numpy(image)).numpy()
    assert given.shape == (1, CLASS_COUNT, 16, 32)
    assert exported.difference < most
    assert np.abs(given - expected).max() < most * max(1.0, np.abs(expected).max())


def test_agreement_counts_neighbours_and_what_is_no_background() -> None:
    gallery = np.eye(12, dtype=np.float32)
    queries = np.arange(12, dtype=np.float32)[None] / 12
    assert same_neighbours((queries, gallery), (2 * queries, gallery)) == 1
    assert same_neighbours((queries, gallery), (-queries, gallery)) == pytest.approx(0.8)
    one, other = np.zeros((2, 4), np.uint8), np.zeros((2, 4), np.uint8)
    one[0], other[0, :3], other[1, 0] = 5, 5, 7
    assert same_classes([one], [other]) == pytest.approx(3 / 5)


def test_resumed_run_equals_uninterrupted_and_writes_a_page(
    parsed_folder: Path, rendered_folder: Path, tmp_path: Path
) -> None:
    settings = {"tagged": True, "label_tagged_at": (2,), "rendered": rendered_folder}
    whole_config = _config(parsed_folder, tmp_path / "whole", 3).model_copy(update=settings)
    whole = segmenter.train(whole_config)

    class PowerCutError(Exception):
        pass

    def interrupt(run: segmenter.SegmenterRun) -> None:
        if len(run.history) < 3:
            raise PowerCutError

    halves = whole_config.model_copy(update={"out": tmp_path / "halves"})
    for _ in range(2):  # before the tagged photos get their masks, and after
        with pytest.raises(PowerCutError):
            segmenter.train(halves, interrupt)
    resumed = segmenter.train(halves)
    assert [row["loss"] for row in resumed["history"]] == pytest.approx(
        [row["loss"] for row in whole["history"]], rel=1e-5
    )
    assert len(resumed["history"]) == 3
    masks = sorted(path.name for path in (tmp_path / "halves" / "tagged").iterdir())
    assert masks == ["0009.png", "0032.png"], "test and validation photos are never learned from"
    record = json.loads((tmp_path / "halves" / "segmenter.json").read_text(encoding="utf-8"))
    assert (tmp_path / "halves" / "segmenter-curves.png").stat().st_size > 1000
    assert (tmp_path / "halves" / "segmenter-failures.jpg").exists()
    page = model_page(record)
    assert record["sha256"] in page
    assert "jacket/coat" in page


def test_later_weights_are_kept_unless_earlier_ones_were_clearly_better(tmp_path: Path) -> None:
    run = segmenter.SegmenterRun(_config(tmp_path, tmp_path, 1))
    mark = next(iter(run.averaged.state))
    told: list[tuple[bool, int]] = []
    for epoch, quality in enumerate((0.3, 0.295, 0.25, 0.289, 0.291, 0.31)):
        run.averaged.state[mark].fill_(epoch)
        told.append((run.judge(quality), int(run.best[mark].flatten()[0])))
    assert told == [(True, 0), (False, 1), (False, 1), (False, 1), (False, 4), (True, 5)]


def test_a_run_starts_from_the_best_weights_of_another(parsed_folder: Path, tmp_path: Path) -> None:
    first = _config(parsed_folder, tmp_path / "first", 1)
    segmenter.train(first)
    checkpoint = tmp_path / "first" / "segmenter.checkpoint.pt"
    second = _config(parsed_folder, tmp_path / "second", 1).model_copy(update={"start": checkpoint})
    run = segmenter.SegmenterRun(second)
    best = torch.load(checkpoint, weights_only=True)["best"]
    for name, value in run.network.state_dict().items():
        assert torch.equal(value, best[name]), name


def test_a_run_that_goes_on_has_settings_of_its_own(
    parsed_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[SegmenterConfig] = []

    def train(config: SegmenterConfig) -> dict[str, object]:
        seen.append(config)
        return {"file": "segmenter.onnx", "quality": {"parsed_test": {"mean_iou": 0.5}}}

    monkeypatch.setattr(segmenter, "train", train)
    start = tmp_path / "segmenter.checkpoint.pt"
    start.touch()
    given = ["segmenter", "--parsed", str(parsed_folder), "--out", str(tmp_path)]
    for more in ([], ["--start", str(start)], ["--start", str(start), "--epochs", "3"]):
        assert CliRunner().invoke(app, [*given, *more]).exit_code == 0
    alone, further, shorter = seen
    assert alone.canvases == ((384, 256), (320, 320), (256, 384))
    assert further.canvases == ((448, 288), (352, 352), (288, 448))
    assert further.model_dump() | FURTHER == further.model_dump()
    assert (shorter.epochs, shorter.batch_size) == (3, further.batch_size)


def test_tagged_photos_teach_before_they_have_masks(parsed_folder: Path, tmp_path: Path) -> None:
    config = SegmenterConfig(
        parsed=parsed_folder, out=tmp_path, trunk="lite0", channels=8, imagenet=False, tagged=True,
        label_tagged_at=(2,), threads=1,
    )  # fmt: skip
    run = segmenter.SegmenterRun(config)
    tagged = load_tagged_photos(parsed_folder)
    batches = SegmentationBatches(
        labelled_photos(load_parsed_photos(parsed_folder, ["train"])), [], [], (0, 0), 0.3, 4,
        [(64, 64)], 4, 1,
    )  # fmt: skip

    def drawn(epoch: int, begun: bool) -> list[np.ndarray]:
        segmenter._set_tagged(run, batches, tagged, epoch, begun)
        return [photo.mask for photo in batches._street if photo.possible is not None]

    first = drawn(1, True)
    assert len(first) == len(tagged) > 0 and all((mask == IGNORE).all() for mask in first)
    labelled = drawn(2, False)
    again = drawn(3, True)  # after a break: the masks that were kept
    assert [mask.tolist() for mask in again] == [mask.tolist() for mask in labelled]
    kept = {path.stem for path in (tmp_path / "tagged").iterdir()}
    assert kept == {photo.name for photo in tagged}


def test_processes_prepare_the_batches_that_threads_do(parsed_folder: Path) -> None:
    photos = labelled_photos(load_parsed_photos(parsed_folder, ["train"]))

    def epoch(workers: int) -> list[Batch]:
        batches = SegmentationBatches(
            photos, [], [], (0, 0), 0.3, 2, [(64, 64), (64, 32)], 4, 1, workers
        )
        return list(batches.epoch(3))

    threads, processes = epoch(0), epoch(2)
    assert len(threads) == len(processes) > 1
    for one, other in zip(threads, processes, strict=True):
        assert torch.equal(one.images, other.images)
        assert torch.equal(one.target, other.target)
        assert torch.equal(one.possible, other.possible)


def test_the_finished_network_is_used_at_a_size_of_its_own(
    parsed_folder: Path, tmp_path: Path
) -> None:
    config = _config(parsed_folder, tmp_path, 1).model_copy(update={"used_at": (128, 96)})
    record = segmenter.train(config)
    assert config.canvases[0] == (96, 64)
    assert record["canvases"] == [[128, 96], [96, 96], [96, 128]]
    assert (record["input_height"], record["input_width"]) == (128, 96)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA card")
def test_a_card_that_is_not_there_is_refused(parsed_folder: Path, tmp_path: Path) -> None:
    given = ["--parsed", str(parsed_folder), "--out", str(tmp_path), "--device", "cuda"]
    answer = CliRunner().invoke(app, ["segmenter", *given])
    assert isinstance(answer.exception, InputError)
    assert "no CUDA card" in str(answer.exception)
    assert device_of("auto").type == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA card")
def test_a_run_on_a_card_learns_and_exports(parsed_folder: Path, tmp_path: Path) -> None:
    settings = {"device": "cuda", "workers": 2, "tagged": True, "label_tagged_at": (2,)}
    config = _config(parsed_folder, tmp_path, 6).model_copy(update=settings)
    record = segmenter.train(config)
    losses = [row["loss"] for row in record["history"]]
    assert losses[-1] < losses[0]
    assert record["onnx_difference"] < 1e-2
