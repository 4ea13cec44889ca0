"""What may not be published is not, whatever catalogues say in five builds in a row."""

from __future__ import annotations

import csv
import hashlib
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.pipeline.steps.shop import id_of
from tests.quick_models import quick_models

from lookweave.building import build_workspace, open_workspace
from lookweave.config import load
from lookweave.pipeline import run as pipeline
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.ingest import Ingest
from lookweave.progress import Progress
from lookweave.publish import publish
from lookweave.publish.options import Options
from lookweave.store.products import products_of
from lookweave.store.workspace import Workspace
from lookweave.takedown import lift_takedown

QUIET = Progress(quiet=True)
PHOTOS = {"garment": 5, "look": 3}
RIGHTS = {
    "CC0": True, "CC BY 4.0": True, "MIT": True, "cleared": True, "": None,
    "all rights reserved": False, "no publication": False, "CC BY pending": False,
    "not CC BY": False, "© Maison": False,
}  # fmt: skip
"""Whether a statement allows publication; None: it says nothing."""


@dataclass(frozen=True)
class Row:
    """One row of a manifest: which photo, and what it says."""

    photo: int
    rights: str
    licence: str
    taken_down: bool
    sku: int

    def allows(self) -> list[bool]:
        said = [RIGHTS[self.rights], RIGHTS[self.licence]]
        return [one for one in said if one is not None]


@dataclass(frozen=True)
class Round:
    """One build: both manifests, whether the bare folder is given too, and what is lifted."""

    garments: list[Row]
    looks: list[Row]
    order: int
    lifted: list[tuple[str, int]]


def rows(kind: str) -> st.SearchStrategy[list[Row]]:
    likely = st.sampled_from([*["CC0"] * 10, "CC BY 4.0", *RIGHTS])
    row = st.builds(
        Row,
        photo=st.integers(0, PHOTOS[kind] - 1),
        rights=likely,
        licence=st.sampled_from([*[""] * 30, *RIGHTS]),
        taken_down=st.sampled_from([False] * 30 + [True]),
        sku=st.integers(1, 9),
    )
    return st.lists(row, min_size=PHOTOS[kind], max_size=3 * PHOTOS[kind])


rounds = st.builds(
    Round,
    garments=rows("garment"),
    looks=rows("look"),
    order=st.integers(0, 99),
    lifted=st.lists(st.tuples(st.sampled_from(["garment", "look"]), st.integers(0, 2)), max_size=1),
)


@dataclass
class Truth:
    """What may be published, told without Lookweave."""

    said: dict[tuple[str, int], bool] = field(default_factory=dict)
    down: set[tuple[str, int]] = field(default_factory=set)
    may: dict[tuple[str, int], bool] = field(default_factory=dict)

    def hear(self, one: Round) -> None:
        self.may = {}
        for kind, listed in (("garment", one.garments), ("look", one.looks)):
            for photo in range(PHOTOS[kind]):
                key = (kind, photo)
                mine = [row for row in listed if row.photo == photo]
                says = any(row.taken_down for row in mine)
                if says and not self.said.get(key):
                    self.down.add(key)
                if mine:
                    self.said[key] = says
                allows = [allowed for row in mine for allowed in row.allows()]
                self.may[key] = bool(allows) and all(allows)

    def publishable(self, kind: str) -> set[int]:
        return {
            photo
            for photo in range(PHOTOS[kind])
            if self.may[kind, photo] and (kind, photo) not in self.down
        }


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("catalogue")
    for kind, count in PHOTOS.items():
        for photo in range(count):
            draw = random.Random(f"{kind} {photo}")
            picture = Image.new("RGB", (8, 8))
            picture.putdata([tuple(draw.randrange(256) for _ in range(3)) for _ in range(64)])
            where = folder / f"{kind}{photo}.png"
            picture.resize((64, 64), Image.Resampling.NEAREST).save(where)
    return folder


def write(folder: Path, name: str, kind: str, listed: list[Row], order: int) -> str:
    listed = list(listed)
    random.Random(order).shuffle(listed)
    columns = ["path", "rights", "licence", "taken_down", "sku"]
    lines = [
        f"{kind}{row.photo}.png,{row.rights},{row.licence},{'yes' if row.taken_down else 'no'},"
        f"{kind[0]}-{row.photo}-{row.sku}"
        for row in listed
    ]
    (folder / name).write_text("\n".join([",".join(columns), *lines]) + "\n", encoding="utf-8")
    return str(folder / name)


def inputs(folder: Path, one: Round, order: int) -> dict[str, Any]:
    return {
        "garments": (write(folder, "garments.csv", "garment", one.garments, order),),
        "looks": (write(folder, "looks.csv", "look", one.looks, order),),
        "ingest": {"min_side": 8},
        "match": {"categories": 8},
    }


def published(workspace: Path, to: Path) -> tuple[dict[str, set[str]], dict[str, str]]:
    """Ids of the published photos by kind, and the digest of every file that goes out."""
    opened, config = open_workspace(workspace)
    publish(
        opened,
        config,
        str(to),
        progress=QUIET,
        options=Options(title="Data", allow_unknown_rights=False),
    )
    found: dict[str, set[str]] = {"garment": set(), "look": set()}
    for shard in to.glob("data/*/*.parquet"):
        for kind in found:
            found[kind] |= set(pq.read_table(shard).column(f"{kind}_id").to_pylist())
    if (to / "products.csv").exists():
        with (to / "products.csv").open(newline="", encoding="utf-8") as file:
            found["garment"] |= {row["garment_id"] for row in csv.DictReader(file)}
    files = {
        str(path.relative_to(to)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(to.rglob("*"))
        if path.is_file()
    }
    return found, files


@pytest.fixture(scope="module")
def models() -> Iterator[str]:
    with quick_models() as names:
        yield names


WENT_OUT: Counter[str] = Counter()


@settings(
    max_examples=3, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(rounds=st.lists(rounds, min_size=5, max_size=5), seed=st.integers(0, 9))
def test_nothing_forbidden_taken_down_or_unlisted_is_ever_published(
    catalogue: Path, models: str, tmp_path: Path, rounds: list[Round], seed: int
) -> None:
    where, other, out = tmp_path / "ws", tmp_path / "other", tmp_path / "out" / "data"
    for folder in tmp_path.iterdir():
        shutil.rmtree(folder)
    names = {
        id_of((catalogue / f"{kind}{photo}.png").read_bytes()): (kind, photo)
        for kind, count in PHOTOS.items()
        for photo in range(count)
    }
    truth = Truth()
    for number, one in enumerate(rounds):
        for order, workspace in ((one.order, where), (one.order + 1, other)):
            flags = {**inputs(catalogue, one, order), "models": models}
            if workspace == where or number == len(rounds) - 1:
                build_workspace(workspace, flags, QUIET)
            else:  # the other one hears the same, and makes no pairs until the end
                hear_only(workspace, flags)
        truth.hear(one)
        went, files = published(where, out)
        for kind, ids in went.items():
            assert {names[photo] for photo in ids} <= {(kind, p) for p in truth.publishable(kind)}
            WENT_OUT[kind] += len(ids)
        if number < len(rounds) - 1:
            lift(truth, one, (where, other))
        listed = {f"g-{row.photo}-{row.sku}" for row in one.garments}
        known = products_of(open_workspace(where)[0], list(names))
        assert {product.sku for products in known.values() for product in products} == listed
    build_workspace(where, {**inputs(catalogue, rounds[-1], seed), "models": models}, QUIET)
    assert published(where, tmp_path / "again" / "data")[1] == files, (
        "the same input in another order"
    )
    build_workspace(other, {"models": models}, QUIET)
    assert published(other, tmp_path / "elsewhere" / "data")[1] == files, "the same input elsewhere"


def test_something_was_published_at_all() -> None:
    assert WENT_OUT["garment"] > 5 and WENT_OUT["look"] > 5


def hear_only(workspace: Path, flags: dict[str, Any]) -> None:
    opened = Workspace.create(workspace)
    with opened.lock():
        pipeline.run_step(Ingest(Setup.of(load(None, **flags))), opened, QUIET)


def lift(truth: Truth, one: Round, workspaces: tuple[Path, ...]) -> None:
    for kind, photo in one.lifted:
        if (kind, photo) in truth.down:
            truth.down.discard((kind, photo))
            for workspace in workspaces:
                config = open_workspace(workspace)[1]
                lift_takedown(Workspace.create(workspace), config, f"{kind}{photo}.png")
