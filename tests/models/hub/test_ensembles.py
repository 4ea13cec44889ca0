"""Whole ensembles by name through `lookweave build`: tiny weights where the hub's would lie, and a
fake server in place of the vision-language model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lookweave.models.cards import PRESETS
from lookweave.testing.fake_vlm import FakeVlm

Folders = tuple[Path, Path, Path]
Call = Callable[..., tuple[int, str, str]]

NAMES = "fashion-siglip+yolos-fashionpedia+vlm"


@pytest.fixture(scope="session")
def fetched(tmp_path_factory: pytest.TempPathFactory, open_clip: Any) -> Path:
    """A models folder as `models fetch` leaves it, with tiny models of the cards' widths."""
    from tests.models.hub import tiny_models

    folder = tmp_path_factory.mktemp("fetched")
    tiny_models.open_clip_siglip(folder / "Marqo--marqo-fashionSigLIP", open_clip, dimension=768)
    tiny_models.yolos(folder / "valentinafeve--yolos-fashionpedia", sees="shirt, blouse")
    tiny_models.clip(folder / "patrickjohncyh--fashion-clip", dimension=512)
    tiny_models.siglip(folder / "google--siglip-so400m-patch14-384", width=1152)
    return folder


@pytest.fixture(scope="module")
def server() -> Iterator[FakeVlm]:
    with FakeVlm() as running:
        yield running


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, server: FakeVlm) -> None:
    monkeypatch.setenv("LOOKWEAVE_VLM__URL", server.url)
    monkeypatch.setenv("LOOKWEAVE_VLM__MODEL", server.model)
    monkeypatch.setenv("LOOKWEAVE_VLM__PRICE_INPUT", "2")
    monkeypatch.setenv("LOOKWEAVE_HUB__DEVICE", "cpu")


@pytest.mark.parametrize("models", [NAMES, *PRESETS])
def test_an_ensemble_is_built_by_its_name(
    call: Call, fetched: Path, server: FakeVlm, photo_folders: Folders, tmp_path: Path, models: str
) -> None:
    garments, looks, truth = photo_folders
    asked = len(server.asked)

    code, out, err = call(
        "build", "--garments", garments, "--looks", looks, "--out", tmp_path / "ws",
        "--models", models, "--models-dir", fetched, "--json",
    )  # fmt: skip

    assert code == 0, err
    counts = json.loads(out)["counts"]
    assert counts["garments"] == counts["looks"] == 12
    assert counts["regions"] == counts["descriptions"] >= 24
    assert counts["matches"] > 0
    code, out, err = call("status", tmp_path / "ws", "--json")
    status = json.loads(out)
    assert {model["name"] for model in status["models"] if model["in_use"]} == set(
        PRESETS.get(models, models).split("+")
    )
    spent = status["vlm"]
    if "vlm" in PRESETS.get(models, models):
        requests = len(server.asked) - asked
        assert spent["requests"] == requests >= counts["descriptions"]
        assert spent["cost"] == pytest.approx(2 * spent["tokens_in"] / 1e6) and spent["cost"] > 0
        assert f"{requests} requests" in call("status", tmp_path / "ws")[1]
    else:
        assert spent is None
        assert len(server.asked) == asked
    code, out, err = call("evaluate", tmp_path / "ws", "--truth", truth, "--json")
    assert code == 0, err
    assert ("captions" in json.loads(out)["parts"]) == (spent is not None)


def test_the_order_of_the_names_is_no_matter(
    call: Call, fetched: Path, server: FakeVlm, photo_folders: Folders, tmp_path: Path
) -> None:
    """`best` is the same three models: nothing is made again, nothing asked again."""
    garments, looks, _ = photo_folders
    where = ("--garments", garments, "--looks", looks, "--out", tmp_path / "ws")
    for models in (NAMES, "best", "vlm+yolos-fashionpedia+fashion-siglip"):
        code, out, err = call("build", *where, "--models", models, "--models-dir", fetched)
        assert code == 0, err
        assert ("nothing was new" in out) == (models != NAMES)


def test_models_says_what_is_ready_here(call: Call, fetched: Path) -> None:
    code, out, _ = call("models", "--models-dir", fetched, "--json")
    assert code == 0
    listed = json.loads(out)
    ready = {model["name"]: model["ready"] for model in listed["models"]}
    assert ready["fashion-siglip"] and ready["yolos-fashionpedia"] and ready["siglip-so400m"]
    assert ready["fashion-clip-zero-shot"] and ready["lookweave-encoder"]
    assert not ready["siglip2-large"] and not ready["owlv2"]
    missing = {model["name"]: model["missing"] for model in listed["models"]}
    assert "models fetch owlv2 --to DIR" in missing["owlv2"]
    assert listed["presets"] == PRESETS


def test_weights_that_are_nowhere_are_one_error_with_both_ways_out(
    call: Call, photo_folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("torch", "transformers"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    garments, looks, _ = photo_folders
    code, out, err = call(
        "build", "--garments", garments, "--looks", looks, "--out", tmp_path / "ws",
        "--models", NAMES, "--models-dir", tmp_path / "empty",
    )  # fmt: skip
    assert (code, out) == (1, "")
    assert err.count("lookweave:") == 1
    assert "models fetch" in err and "--models-dir" in err and "--models embedded" in err
    assert not (tmp_path / "ws").exists()
