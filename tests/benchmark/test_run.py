"""Whole runs on the miniatures: what comes out, and that a stopped run goes on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.benchmark import miniatures

from lookweave.benchmark import run_benchmark, vectors
from lookweave.config import Config
from lookweave.errors import ConfigError, InputError
from lookweave.models import registry
from lookweave.models.card import Card
from lookweave.models.protocols import Crop
from lookweave.progress import Progress


class Thumbnails:
    """An encoder that needs no network: the crop at 6 x 8 pixels."""

    dimension = 144
    calls = 0

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        pass

    def encode(self, crops: list[Crop]) -> np.ndarray[Any, np.dtype[np.float32]]:
        Thumbnails.calls += len(crops)
        rows = []
        for crop in crops:
            cut = Image.fromarray(crop.photo).crop(tuple(round(edge) for edge in crop.box))
            row = np.asarray(cut.resize((6, 8)), np.float32).ravel() - 127.5
            rows.append(row / np.linalg.norm(row))
        return np.array(rows, np.float32).reshape(-1, 144)


@pytest.fixture(autouse=True)
def _thumbnails() -> Iterator[None]:
    card = Card(name="thumbnails", task="encoder", licence="Apache-2.0", dimension=144)
    registry.register_model(card, Thumbnails, replace_it=True)
    Thumbnails.calls = 0
    yield
    registry.forget_model("thumbnails")


MODELS = "whole-photo+thumbnails"


def run(name: str, data: Path, out: Path, **more: Any) -> dict[str, Any]:
    configs = [Config(models=one) for one in more.pop("models", [MODELS])]
    with Progress(quiet=True) as progress:
        return run_benchmark(name, data, configs, out, progress, **more).to_dict()


def first(found: dict[str, Any], task: int = 0, meaning: str | None = None) -> dict[str, Any]:
    right = found["tasks"][task]["systems"][MODELS]["right"]
    tables: dict[str, Any] = right[meaning] if meaning else next(iter(right.values()))
    return tables


@pytest.mark.parametrize("name", list(miniatures.MINIATURES))
def test_every_benchmark_runs_by_its_own_rule(name: str, tmp_path: Path) -> None:
    miniatures.MINIATURES[name](tmp_path / "data")
    found = run(name, tmp_path / "data", tmp_path / "out")
    assert json.loads((tmp_path / "out/result.json").read_text())["benchmark"] == name
    assert (tmp_path / "out/result.md").read_text().startswith(f"# {found['title']}")
    with Image.open(tmp_path / "out/gallery-size.png") as drawn:
        assert drawn.format == "PNG" and min(drawn.size) > 200
    for task in found["tasks"]:
        tables = task["systems"][MODELS]["right"]
        for own in tables.values():
            assert own["measures"]["queries"] == task["queries"]
            assert own["gallery_sizes"][-1]["gallery"] == task["systems"][MODELS]["ranked"]
    assert found["rejects"]["count"] == 0


RECALLS = {"viton-hd": 1.0, "dress-code": 1.0, "lrvs-f": 1.0, "lookbench": 1.0}
"""Where a garment's photo has the look's very pixels, the first is right."""


@pytest.mark.parametrize(("name", "recall"), RECALLS.items())
def test_equal_pictures_find_each_other(name: str, recall: float, tmp_path: Path) -> None:
    miniatures.MINIATURES[name](tmp_path / "data")
    found = run(name, tmp_path / "data", tmp_path / "out")
    for at in range(len(found["tasks"])):
        assert first(found, at)["measures"]["R@1"]["value"] == recall


def test_groups_and_directions(tmp_path: Path) -> None:
    miniatures.dress_code(tmp_path / "data")
    found = run("dress-code", tmp_path / "data", tmp_path / "out")
    names = [task["task"] for task in found["tasks"]]
    assert names[:2] == ["all", "all, the other way"]
    assert {name: own["queries"] for name, own in first(found)["by_category"].items()} == {"dresses": 2, "upper_body": 2}  # fmt: skip


def test_fine_stands_beside_item(tmp_path: Path) -> None:
    miniatures.lookbench(tmp_path / "data")
    found = run("lookbench", tmp_path / "data", tmp_path / "out")
    assert list(found["tasks"][0]["systems"][MODELS]["right"]) == ["item", "fine"]
    assert set(first(found)["by_difficulty"]) == {"easy", "hard"}


def test_an_unreadable_photo_is_told_and_missed(tmp_path: Path) -> None:
    miniatures.viton_hd(tmp_path / "data")
    (tmp_path / "data/test/image/00001_00.jpg").write_bytes(b"no photo at all, but long enough")
    (tmp_path / "data/test/cloth/00002_00.jpg").write_bytes(b"")
    found = run("viton-hd", tmp_path / "data", tmp_path / "out")
    assert sorted(found["rejects"]["first"]) == ["test/cloth/00002_00.jpg", "test/image/00001_00.jpg"]  # fmt: skip
    assert "not_an_image" in found["rejects"]["first"]["test/image/00001_00.jpg"]
    assert first(found)["measures"]["R@10"]["value"] == 0.0
    assert found["tasks"][0]["systems"][MODELS]["ranked"] == 2


def test_given_boxes_are_cut_out(tmp_path: Path) -> None:
    miniatures.in_shop(tmp_path / "data")
    whole = run("in-shop", tmp_path / "data", tmp_path / "out")
    given = run("in-shop", tmp_path / "data", tmp_path / "out", regions="given")
    assert whole["tasks"][0]["by_its_own_rule"] and not given["tasks"][0]["by_its_own_rule"]
    assert Thumbnails.calls == 10  # five photos, twice: the box is part of what is kept
    (tmp_path / "data/Anno/list_bbox_inshop.txt").unlink()
    with pytest.raises(InputError, match="gives no boxes"):
        run("in-shop", tmp_path / "data", tmp_path / "out", regions="given")


def test_a_second_run_embeds_nothing(tmp_path: Path) -> None:
    miniatures.street2shop(tmp_path / "data")
    before = run("street2shop", tmp_path / "data", tmp_path / "out")
    assert Thumbnails.calls == 5
    assert run("street2shop", tmp_path / "data", tmp_path / "out") == before
    assert Thumbnails.calls == 5
    miniatures.save(tmp_path / "data/images/000000011.jpg", 99)  # a photo that has changed
    run("street2shop", tmp_path / "data", tmp_path / "out")
    assert Thumbnails.calls == 6


def test_a_stopped_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    miniatures.folder(tmp_path / "data")
    whole = run("folder", tmp_path / "data", tmp_path / "whole")
    monkeypatch.setattr(vectors, "_PART", 2)
    write, written = vectors.write_atomically, []

    def stop(path: Path, content: bytes) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path)
        write(path, content)

    monkeypatch.setattr(vectors, "write_atomically", stop)
    with pytest.raises(KeyboardInterrupt):
        run("folder", tmp_path / "data", tmp_path / "out")
    monkeypatch.setattr(vectors, "write_atomically", write)
    Thumbnails.calls = 0
    found = run("folder", tmp_path / "data", tmp_path / "out")
    assert Thumbnails.calls == 3  # of seven photos, four were kept
    assert {**found, "folder": ""} == {**whole, "folder": ""}


def test_nothing_of_others_is_written_over(tmp_path: Path) -> None:
    miniatures.viton_hd(tmp_path / "data")
    out = tmp_path / "out"
    out.mkdir()
    (out / "result.md").write_text("somebody's own")
    with pytest.raises(InputError, match="holds other things"):
        run("viton-hd", tmp_path / "data", out)
    assert (out / "result.md").read_text() == "somebody's own"
    (out / "result.md").unlink()
    run("viton-hd", tmp_path / "data", out)
    miniatures.folder(tmp_path / "other")
    with pytest.raises(InputError, match="holds a run of viton-hd"):
        run("folder", tmp_path / "other", out)


def test_systems_are_compared_with_the_first(tmp_path: Path) -> None:
    miniatures.viton_hd(tmp_path / "data")

    class Alike(Thumbnails):
        def encode(self, crops: list[Crop]) -> np.ndarray[Any, np.dtype[np.float32]]:
            return np.full((len(crops), 144), 1 / 12, np.float32)

    card = Card(name="alike", task="encoder", licence="Apache-2.0", dimension=144)
    registry.register_model(card, Alike, replace_it=True)
    try:
        found = run("viton-hd", tmp_path / "data", tmp_path / "out",
                    models=[MODELS, "whole-photo+alike"])  # fmt: skip
    finally:
        registry.forget_model("alike")
    rows = found["comparisons"]
    assert [(row["gained"], row["lost"]) for row in rows] == [(0, 2), (0, 2)]
    assert [row["p"] for row in rows] == [0.5, 0.5]
    assert [row["p_holm"] for row in rows] == [1.0, 1.0]
    # Equal scores never favour the query: with all vectors alike, the last place is what is left.
    alike = found["tasks"][0]["systems"]["whole-photo+alike"]["right"]["item"]["measures"]
    assert alike["R@1"]["value"] == 0.0 and alike["MRR"]["value"] == pytest.approx(1 / 3)


def test_from_the_command_line(tmp_path: Path, call: Callable[..., tuple[int, str, str]]) -> None:
    miniatures.folder(tmp_path / "data")
    given = ("benchmark", "folder", "--data", tmp_path / "data", "--models", MODELS,
             "--out", tmp_path / "out")  # fmt: skip
    code, printed, _ = call(*given, "--json")
    assert code == 0 and json.loads(printed)["tasks"][0]["task"] == "garment to look"
    code, printed, _ = call(*given)
    assert code == 0 and "## look to garment" in printed
    (tmp_path / "data/truth.csv").unlink()
    code, _, told = call(*given)
    assert code == 2 and "truth.csv" in told


def test_without_the_extra_it_is_named_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    miniatures.viton_hd(tmp_path / "data")
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    with pytest.raises(ConfigError, match=r"lookweave\[benchmark\]"):
        run("viton-hd", tmp_path / "data", tmp_path / "out")
    assert Thumbnails.calls == 0 and not (tmp_path / "out").exists()
