from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.invented import identity

from lookweave.config import load
from lookweave.models.cards import models_of
from lookweave.pipeline.run import Outcome, run_step
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.group import Group, together
from lookweave.progress import Progress
from lookweave.records import GARMENT, LOOK, REGION, region_id
from lookweave.store.conditions import matching
from lookweave.store.workspace import Workspace

CONFIG = load()


def run(workspace: Workspace) -> Outcome:
    with Progress(quiet=True) as progress:
        return run_step(Group(Setup.of(CONFIG)), workspace, progress)


def photo(name: str, phash: int | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": identity(name), "path": f"/{name}", "name": name,
        "phash": None if phash is None else f"{phash:016x}", **more,
    }  # fmt: skip


def embed(workspace: Workspace, kind: str, vectors: dict[str, np.ndarray]) -> None:
    models = models_of(CONFIG)
    table = workspace.embeddings(models.encoder.key, models.encoder.dimension or 0)
    rows = [
        {
            "subject": region_id(identity(name), models.detector.key, 0, kind),
            "kind": kind,
            "vector": vector,
        }
        for name, vector in vectors.items()
    ]
    table.append([pa.Table.from_pylist(rows, schema=table.spec.schema)])


def unit(angle: float) -> np.ndarray:
    vector = np.zeros(models_of(CONFIG).encoder.dimension or 0, np.float32)
    vector[:2] = np.cos(angle), np.sin(angle)
    return vector


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "ws")


def groups(workspace: Workspace) -> set[tuple[str, str, str, frozenset[str]]]:
    """(kind, how, group, members)."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for row in workspace.table("groups").read().to_pylist():
        found.setdefault((row["kind"], row["how"], row["group"]), set()).add(row["subject"])
    return {(*group, frozenset(members)) for group, members in found.items()}


def expect(kind: str, how: str, *names: str) -> tuple[str, str, str, frozenset[str]]:
    ids = [identity(name) for name in names]
    return kind, how, min(ids), frozenset(ids)


def test_products_and_shoots_are_what_the_catalogue_says(workspace: Workspace) -> None:
    garments = [
        photo("a", product="P1"), photo("b", product="P1", sku="S9"), photo("c", sku="S1"),
        photo("d", sku="S1"), photo("e", sku="S9"), photo("f"), photo("g", product="P3"),
    ]  # fmt: skip
    looks = [
        photo("k", shoot="X"),
        photo("l", shoot="X"),
        photo("m", shoot="X"),
        photo("n"),
        photo("o"),
    ]
    workspace.table("garments").append([GARMENT.table(garments)])
    workspace.table("looks").append([LOOK.table(looks)])
    run(workspace)
    assert groups(workspace) == {
        expect("garment", "same_product", "a", "b"),
        expect("garment", "same_product", "c", "d"),
        expect("look", "same_shoot", "k", "l", "m"),
    }


def test_one_picture_in_several_copies_is_one_group(workspace: Workspace) -> None:
    base = 0x0F0F_3C3C_A5A5_1234
    looks = [
        photo("first", base), photo("smaller", base ^ 0b11), photo("cut", base ^ 0b111111 << 20),
        photo("equal", base), photo("another", base ^ 0b1111111 << 30), photo("unhashed"),
    ]  # fmt: skip
    workspace.table("looks").append([LOOK.table(looks)])
    names = ("first", "smaller", "cut", "equal", "another")
    embed(workspace, "look", {name: unit(0.02 * at) for at, name in enumerate(names)})
    run(workspace)
    # `another` is alike to the embedding, and 7 bits off: another frame of the shoot.
    assert groups(workspace) == {expect("look", "same_photo", "first", "smaller", "cut", "equal")}


def test_garments_laid_out_alike_are_not_one_picture(workspace: Workspace) -> None:
    base = 0x0F0F_3C3C_A5A5_1234
    photos = {
        "blue": (0, 0.0), "blue, smaller": (0b11, -0.9), "blue, cut": (0b111, 0.4),
        "grey": (0b1, 2.0), "navy": (0b1111 << 8, 0.6),
    }  # fmt: skip
    garments = [photo(name, base ^ bits) for name, (bits, _) in photos.items()]
    workspace.table("garments").append([GARMENT.table(garments)])
    embed(workspace, "garment", {name: unit(angle) for name, (_, angle) in photos.items()})
    run(workspace)
    expected = expect("garment", "same_photo", "blue", "blue, smaller", "blue, cut")
    assert groups(workspace) == {expected}


def test_without_vectors_only_a_very_near_hash_counts(workspace: Workspace) -> None:
    base = 0x0F0F_3C3C_A5A5_1234
    looks = [photo("one", base), photo("two", base ^ 0b11), photo("three", base ^ 0b11100000)]
    workspace.table("looks").append([LOOK.table(looks)])
    run(workspace)
    assert groups(workspace) == {expect("look", "same_photo", "one", "two")}


def test_a_photo_may_be_in_groups_of_each_kind(workspace: Workspace) -> None:
    base = 0x0F0F_3C3C_A5A5_1234
    garments = [
        photo("a", base, product="P"),
        photo("b", product="P"),
        photo("c", base),
        photo("d"),
    ]
    workspace.table("garments").append([GARMENT.table(garments)])
    workspace.table("looks").append([LOOK.table([photo("a", base)])])  # the same file as a look
    run(workspace)
    assert groups(workspace) == {
        expect("garment", "same_product", "a", "b"),
        expect("garment", "same_photo", "a", "c"),
        expect("garment", "same_picture", "a", "c"),
        ("look", "same_picture", min(identity(name) for name in "ac"), frozenset({identity("a")})),
    }
    ids = {identity(name) for name in "abc"}
    assert together(workspace, Setup.of(CONFIG), "garment") == dict.fromkeys(ids, min(ids))
    assert together(workspace, Setup.of(CONFIG), "look")[identity("a")] == min(
        identity("a"), identity("c")
    )


def test_groups_are_made_anew_only_when_photos_change(workspace: Workspace) -> None:
    workspace.table("garments").append(
        [GARMENT.table([photo("a", product="P"), photo("b", product="P")])]
    )
    assert run(workspace).written == 2
    assert run(workspace).read == 0
    workspace.table("garments").append([GARMENT.table([photo("c", product="P")])])
    assert run(workspace).written == 3
    assert workspace.table("groups").count() == 3
    workspace.table("garments").delete("true")
    run(workspace)
    assert workspace.table("groups").count() == 0
    assert run(workspace).read == 0


def test_groups_of_another_model_are_not_ones_own(workspace: Workspace) -> None:
    base = 0x0F0F_3C3C_A5A5_1234
    looks = [photo("one", base), photo("two", base ^ 0b1111)]
    workspace.table("looks").append([LOOK.table(looks)])
    other = load(models="whole-photo+clip-base")
    for config, angles in ((CONFIG, (0.0, 0.1)), (other, (0.0, 1.5))):
        models = Setup.of(config).models
        table = workspace.embeddings(models.encoder.key, models.encoder.dimension or 0)
        rows = []
        for name, angle in zip(("one", "two"), angles, strict=True):
            vector = np.zeros(models.encoder.dimension or 0, np.float32)
            vector[:2] = np.cos(angle), np.sin(angle)
            region = region_id(identity(name), models.detector.key, 0, "look")
            rows.append({"subject": region, "kind": "look", "vector": vector})
        table.append([table.spec.table(rows)])
    found = []
    for config in (CONFIG, other, CONFIG):
        with workspace.lock():
            run_step(Group(Setup.of(config)), workspace, Progress(quiet=True))
        found.append(len(together(workspace, Setup.of(config), "look")))
    assert found == [2, 0, 2]


def test_a_cut_copy_among_the_looks_is_the_same_picture(workspace: Workspace) -> None:
    base = 0x0F0F_3C3C_A5A5_1234
    workspace.table("garments").append([GARMENT.table([photo("sold", base)])])
    looks = [photo("cut copy", base ^ 0b1111), photo("laid out alike", base ^ 0b1111_0000)]
    workspace.table("looks").append([LOOK.table(looks)])
    models = Setup.of(CONFIG).models
    table = workspace.embeddings(models.encoder.key, models.encoder.dimension or 0)
    rows, regions = [], []
    for name, kind, angle in (
        ("sold", "garment", 0.0),
        ("cut copy", "look", 0.3),
        ("laid out alike", "look", 1.2),
    ):
        vector = np.zeros(models.encoder.dimension or 0, np.float32)
        vector[:2] = np.cos(angle), np.sin(angle)
        region = region_id(identity(name), models.detector.key, 0, kind)
        rows.append({"subject": region, "kind": kind, "vector": vector})
        regions.append(
            {
                "id": region,
                "subject": identity(name),
                "kind": kind,
                "index": 0,
                "detector": models.detector.key,
            }
        )
    table.append([table.spec.table(rows)])
    workspace.table("regions").append([REGION.table(regions)])
    run(workspace)
    found = workspace.table("groups").read(where=matching(how="same_picture")).to_pylist()
    assert {row["subject"] for row in found} == {identity("sold"), identity("cut copy")}
