"""Tokens come with the vectors, when they are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lance
import numpy as np
import pytest
from tests.conftest import write_photos

from lookweave.config import Config, load
from lookweave.models.details import BYTES, unpacked
from lookweave.pipeline.run import Outcome, run_pipeline
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.embed import embeddings
from lookweave.pipeline.steps.match import Match
from lookweave.progress import Progress
from lookweave.store.workspace import Workspace

TOKENS = ["token_values", "token_places", "tokens_by"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    garments, looks, _ = write_photos(tmp_path_factory.mktemp("photos"), 3)
    return {"garments": (str(garments),), "looks": (str(looks),)}


def build(workspace: Workspace, config: Config) -> dict[str, Outcome]:
    with Progress(quiet=True) as progress:
        return {one.step: one for one in run_pipeline(workspace, Setup.of(config), progress)}


def rows_of(workspace: Workspace, config: Config) -> dict[str, dict[str, Any]]:
    table = embeddings(workspace, Setup.of(config))
    return {row["subject"]: row for row in table.read().to_pylist()}


def test_tokens_asked_for_later_are_added_and_vectors_stay(
    tmp_path: Path, photos: dict[str, Any]
) -> None:
    without, wanted = (load(match={"details": details}, **photos) for details in (False, True))
    workspace = Workspace.create(tmp_path / "ws")
    first = build(workspace, without)
    before = rows_of(workspace, without)
    assert all(row[name] is None for row in before.values() for name in TOKENS)
    matches = workspace.table("matches").read().to_pylist()
    assert matches and all(row["s_detail"] is None for row in matches)

    second = build(workspace, wanted)
    after = rows_of(workspace, wanted)
    assert (second["describe"].read, second["embed"].read) == (0, first["embed"].read)
    assert after.keys() == before.keys()
    for subject, row in after.items():
        assert row["vector"] == before[subject]["vector"]
        assert row["tokens_by"] == Setup.of(wanted).tokens
        values, places = unpacked(row["token_values"]), row["token_places"]
        assert len(places) == 2 * len(values) and values.shape[1] == 120
        assert len(row["token_values"]) + len(places) <= BYTES
    made = workspace.table("matches").read(where=Match(Setup.of(wanted)).rows).to_pylist()
    assert made and all(-1 <= row["s_detail"] <= 1.1 for row in made)
    pairs = workspace.table("pairs").read(["recipe", "s_detail"]).to_pylist()
    assert any(row["s_detail"] is not None for row in pairs)

    third = build(workspace, wanted)
    assert [third[name].read for name in ("embed", "match", "tier")] == [0, 0, 0]


def test_a_table_of_an_earlier_version_gets_the_columns(
    tmp_path: Path, photos: dict[str, Any]
) -> None:
    config = load(**photos)
    workspace = Workspace.create(tmp_path / "ws")
    build(workspace, config)
    expected = rows_of(workspace, config)
    table = embeddings(workspace, Setup.of(config))
    dataset = lance.dataset(str(table.path))
    dataset.drop_columns(TOKENS)

    older = Workspace.create(tmp_path / "ws")
    assert set(embeddings(older, Setup.of(config)).read().column_names) >= set(TOKENS)
    again = build(older, config)
    assert again["embed"].read == len(expected)
    assert rows_of(older, config) == expected


def test_a_look_that_described_them_is_the_look_that_embeds_them(
    tmp_path: Path, photos: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lookweave.models.embedded.features import ImageTower

    seen: list[int] = []
    see = ImageTower.see

    def counted(self: ImageTower, crops: list[Any]) -> Any:
        seen.append(len(crops))
        return see(self, crops)

    monkeypatch.setattr(ImageTower, "see", counted)
    workspace = Workspace.create(tmp_path / "ws")
    done = build(workspace, load(**photos))
    assert sum(seen) == done["describe"].read == done["embed"].read
    values = [unpacked(row["token_values"]) for row in rows_of(workspace, load(**photos)).values()]
    assert len({one.tobytes() for one in values}) == len(values)
    assert all(np.linalg.norm(one / 200, axis=1).min() > 0.8 for one in values)
