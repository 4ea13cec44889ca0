"""A workspace of invented rows: clustered vectors and categories, no photo, no model.

Each garment has a direction of its own around the centre of its category; a look shows some
garments, as regions near those directions. So there is a truth, and it is not trivial.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lookweave.config import Config
from lookweave.models.cards import models_of
from lookweave.models.details import packed, stored
from lookweave.pipeline.setup import Setup
from lookweave.records import DESCRIPTION, GARMENT, LOOK, REGION, SOURCE, photo_id, region_id
from lookweave.store.workspace import Workspace
from lookweave.taxonomy import ATTRIBUTES, CATEGORIES, COLOURS

TOKEN_WIDTH = 16
WIDTH = sum(len(values) for values in ATTRIBUTES.values())


@dataclass
class Invented:
    """The workspace, and for each garment (by its number) the looks that show it."""

    workspace: Workspace
    config: Config
    garments: list[str]
    looks: list[str]
    truth: list[tuple[int, int]]

    def write_truth(self, path: Path) -> Path:
        lines = [f"g{garment}.jpg,l{look}.jpg" for garment, look in self.truth]
        path.write_text("\n".join(["garment,look", *lines]), encoding="utf-8")
        return path


def identity(name: str) -> str:
    return photo_id(hashlib.sha256(name.encode()).hexdigest())


def invent(
    path: Path,
    config: Config,
    garments: int,
    looks: int,
    *,
    worn: int = 2,
    noise: float = 0.6,
    seed: int = 0,
    described: float = 0.9,
    order: int = 0,
    chunk: int = 4096,
    parted: float = 0.9,
) -> Invented:
    """Write a workspace.

    Args:
        worn: regions of a look.
        noise: of a region around its garment, relative to the garment's own spread.
        described: share of regions that have a description.
        order: seed of the order in which rows are written; the rows do not depend on it.
        chunk: photos written at a time.
        parted: share of regions with tokens, where candidates are compared part by part.
    """
    workspace = Workspace.create(path)
    random = np.random.default_rng(seed)
    dimension = models_of(config).encoder.dimension or 0
    centres = _units(random.normal(size=(len(CATEGORIES), dimension)))
    category = random.integers(0, len(CATEGORIES), max(garments, 1))
    colour = random.integers(0, len(COLOURS), max(garments, 1))
    shown = random.integers(0, max(garments, 1), (looks, worn))
    garment_ids = [identity(f"garment {number}") for number in range(garments)]
    look_ids = [identity(f"look {number}") for number in range(looks)]
    shuffle = np.random.default_rng(order) if order else None
    made = _Writer(workspace, config, described, parted)

    def directions(numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        own = np.stack([np.random.default_rng([seed, at]).normal(size=dimension) for at in numbers])
        return _units(centres[category[numbers]] * 1.2 + own / np.sqrt(dimension))

    for kind, count in (("garment", garments), ("look", looks)):
        for numbers in _chunks(count, chunk, shuffle):
            ids = [(garment_ids if kind == "garment" else look_ids)[at] for at in numbers]
            made.photos(kind, ids, numbers)
            for place in range(1 if kind == "garment" else worn):
                whose = numbers if kind == "garment" else shown[numbers, place]
                vectors = directions(whose)
                if kind == "look":
                    jitter = np.stack(
                        [
                            np.random.default_rng([seed, 1, at, place]).normal(size=dimension)
                            for at in numbers
                        ]
                    )
                    vectors = _units(vectors + noise * jitter / np.sqrt(dimension))
                made.regions(kind, ids, place, category[whose], colour[whose], vectors, whose)
    truth = sorted({(int(garment), look) for look in range(looks) for garment in shown[look]})
    return Invented(workspace, config, garment_ids, look_ids, truth)


class _Writer:
    def __init__(
        self, workspace: Workspace, config: Config, described: float, parted: float
    ) -> None:
        self._workspace = workspace
        self._models = models_of(config)
        self._described, self._parted = described, parted
        self._tokens_by = Setup.of(config).tokens

    def photos(self, kind: str, ids: list[str], numbers: NDArray[np.int64]) -> None:
        noun = GARMENT if kind == "garment" else LOOK
        names = [f"{kind[0]}{at}.jpg" for at in numbers.tolist()]
        photo = [
            {
                "id": one,
                "path": f"/invented/{name}",
                "name": name,
                "width": 60,
                "height": 80,
                "phash": one[:16],
            }
            for one, name in zip(ids, names, strict=True)
        ]
        self._workspace.table(noun.name).append([noun.table(photo)])
        sources = [
            {"kind": kind, "path": f"/invented/{name}", "name": name, "id": one}
            for one, name in zip(ids, names, strict=True)
        ]
        self._workspace.table("sources").append([SOURCE.table(sources)])

    def _tokens(self, photo: str, index: int, garment: int) -> NDArray[np.int8]:
        drawn = int(hashlib.sha256(f"{photo} {index} parted".encode()).hexdigest()[:8], 16)
        if self._tokens_by is None or drawn / 2**32 > self._parted:
            return np.empty((0, TOKEN_WIDTH), np.int8)
        return token_values(garment, photo, index)

    def regions(
        self,
        kind: str,
        ids: list[str],
        index: int,
        category: NDArray[np.int64],
        colour: NDArray[np.int64],
        vectors: NDArray[np.float32],
        whose: NDArray[np.int64],
    ) -> None:
        key = self._models.detector.key
        regions = [region_id(one, key, index, kind) for one in ids]
        rows = [
            {"id": region, "subject": one, "kind": kind, "detector": key, "index": index,
             "box": [0, 0, 60, 80], "label": CATEGORIES[at], "score": 0.9}
            for region, one, at in zip(regions, ids, category.tolist(), strict=True)
        ]  # fmt: skip
        self._workspace.table("regions").append([REGION.table(rows)])
        encoder = self._models.encoder
        table = self._workspace.embeddings(encoder.key, encoder.dimension or 0)
        flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
        tokens = [self._tokens(one, index, at) for one, at in zip(ids, whose.tolist(), strict=True)]
        rows = pa.table(
            {
                "subject": regions,
                "kind": pa.repeat(kind, len(ids)),
                "vector": flat,
                "made_of": pa.nulls(len(ids), pa.string()),
                "token_values": pa.array([packed(one) if len(one) else None for one in tokens]),
                "token_places": pa.array([bytes(2 * len(one)) or None for one in tokens]),
                "tokens_by": pa.array([self._tokens_by if len(one) else None for one in tokens]),
            },
            schema=table.spec.schema,
        )
        table.append([rows])
        descriptions = []
        drawn = zip(ids, regions, category.tolist(), colour.tolist(), strict=True)
        for one, region, which, tint in drawn:
            # Not from the region's id, which changes with the detector: the truth would, too.
            seed = int(hashlib.sha256(f"{one} {index}".encode()).hexdigest()[:8], 16)
            if seed / 2**32 > self._described:
                continue
            descriptions.append(
                {
                    "subject": region,
                    "model": self._models.describer.key,
                    "kind": kind,
                    "attributes": attributes(seed, which, tint),
                }
            )
        self._workspace.table("descriptions").append([DESCRIPTION.table(descriptions)])


def token_values(garment: int, photo: str, index: int) -> NDArray[np.int8]:
    """A few parts that are the garment's own, and a few of nobody's."""
    own = np.random.default_rng([3, garment]).normal(size=(6, TOKEN_WIDTH))
    seed = int(hashlib.sha256(f"{photo} {index} parts".encode()).hexdigest()[:8], 16)
    random = np.random.default_rng(seed)
    shown = own[random.permutation(6)[: random.integers(1, 7)]]
    parts = np.concatenate([shown, random.normal(size=(random.integers(0, 4), TOKEN_WIDTH))])
    parts += 0.5 * random.normal(size=parts.shape)
    return stored(_units(parts))


def attributes(seed: int, category: int, colour: int) -> NDArray[np.float32]:
    """Sure of the category in most cases, of the colour in part, silent on the rest."""
    random = np.random.default_rng(seed)
    vector = np.zeros(WIDTH, np.float32)
    vector[: len(CATEGORIES)] = random.dirichlet(np.full(len(CATEGORIES), 0.05)) * 0.4
    vector[category] += 0.6
    tints = random.dirichlet(np.full(len(COLOURS), 0.2)) * 0.5
    tints[colour] += 0.5
    vector[len(CATEGORIES) : len(CATEGORIES) + len(COLOURS)] = tints
    return vector


def _units(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _chunks(
    count: int, chunk: int, shuffle: np.random.Generator | None
) -> Iterator[NDArray[np.int64]]:
    numbers = shuffle.permutation(count) if shuffle else np.arange(count)
    for start in range(0, count, chunk):
        yield numbers[start : start + chunk]
