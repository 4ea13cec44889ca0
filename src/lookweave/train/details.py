"""The recipe of an encoder's tokens: mean and whitening of its inner features.

The features inside garments' masks are whitened at half power, which brings the few directions
that most garments share down to the measure of the others; where there are many, those of largest
variance are kept. Nothing else is learned, and the encoder itself stays as it is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from rich.progress import track

from lookweave.models.card import Card
from lookweave.models.cards import resolve
from lookweave.models.details import (
    SCALE,
    Patches,
    Whitening,
    details_file,
    inside,
    most_tokens,
    packed,
    stored,
    unit_rows,
)
from lookweave.models.embedded.features import ImageTower
from lookweave.models.protocols import Crop, Pixels, Vectors
from lookweave.train.export import write_record
from lookweave.train.garment_crops import Garment, worn_garments
from lookweave.train.garment_views import TEST_STRENGTH, ViewStrength, masked_view
from lookweave.train.parsed_photos import Split, load_parsed_photos
from lookweave.train.retrieval_quality import retrieval_scores
from lookweave.train.running import sample_generator, seed_everything

LIMITS = [
    "compares what both photos show: a back view and a front view share few parts",
    "parts have no place in the comparison: a print that moved counts as found",
    "one network at one resolution: lettering and seams below a sixteenth of the crop are lost",
    "learned from street photos of people; flat product photos only as cut-outs of these",
]
EVERY_CELL = 10_000
SHOWN_SIDE = 256
"""Height and width of the views, in pixels, before the encoder frames them as its crops."""


class PatchEncoder(Protocol):
    """What the recipe asks of an encoder."""

    def encode_with_patches(self, crops: list[Crop]) -> tuple[Vectors, list[Patches]]:
        """Unit vectors, and of each crop a map and what it shows of the photo."""
        ...


class DetailsConfig(BaseModel):
    """Everything that decides what a run gives; part of its record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parsed: Path
    """Folder of Clothing Co-Parsing: photos/, masks/, labels.json."""
    out: Path | None = None
    """The file to write, its record beside it; None for where the encoder looks for it."""
    encoder: str = "lookweave-encoder"
    models_dir: Path | None = None
    width: int = Field(128, ge=4, le=255)
    """Values of a token, at most: an encoder with fewer channels keeps all."""
    power: float = Field(0.5, ge=0, le=1)
    """Of the whitening: 1 makes all directions equal."""
    garments: int = Field(800, ge=2)
    """Garments of training photos, at most; two views of each."""
    seed: int = 7
    threads: int = 2


def train(config: DetailsConfig) -> dict[str, Any]:
    """Learn, measure and write mean and projection; returns the record."""
    began = time.monotonic()
    seed_everything(config.seed)
    card = resolve(config.encoder).encoder
    encoder = _patch_encoder(card, config.models_dir)
    out = config.out or details_file(card, config.models_dir)
    known = _garments(config.parsed, ["train"])
    chosen = np.random.default_rng(config.seed).permutation(len(known))[: config.garments]
    garments = [known[place] for place in sorted(chosen.tolist())]
    views, _ = _views(encoder, garments, ViewStrength(), config.seed, config.threads)
    learned = whitening([one for side in views for one in side], config.width, config.power)
    _write(out, learned)
    held_out = _garments(config.parsed, ["validation", "test"])
    record = {
        "name": "details",
        "task": "tokens",
        "file": out.name,
        "licence": "Apache-2.0",
        "architecture": f"mean and projection of an encoder's inner map to {learned.width} values",
        # The package's encoder is known by its weights alone, as in the describer's record.
        "encoder": card.key if card.elsewhere else card.weights_sha256,
        "weights": learned.mean.size + learned.projection.size,
        "data": [
            {
                "name": "Clothing Co-Parsing",
                "licence": "Apache-2.0 (repository; photos third-party)",
                "used": f"{len(garments)} garments by their true masks, of photos whose number"
                " does not end in 7, one in twenty photos kept for validation",
            }
        ],
        "recipe": "lookweave.train.details",
        "config": config.model_dump(mode="json", exclude={"parsed", "out", "models_dir"}),
        "seed": config.seed,
        "made": time.strftime("%Y-%m-%d"),
        "trained_minutes": round((time.monotonic() - began) / 60, 1),
        "limits": LIMITS,
        "quality": _quality(config, encoder, learned, held_out),
    }
    write_record(out, record)
    return record


def whitening(features: Sequence[Vectors], width: int, power: float) -> Whitening:
    """Mean and projection of features, each (parts, channels).

    The directions of largest variance, whitened: P = U · diag(w)^(-power / 2).
    """
    rows = np.concatenate(features).astype(np.float64)
    mean = rows.mean(axis=0)
    covariance = np.cov((rows - mean).T)
    covariance += 1e-3 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    variances, directions = np.linalg.eigh(covariance)
    largest = np.argsort(-variances)[:width]
    projection = directions[:, largest] / np.sqrt(variances[largest]) ** power
    return Whitening(mean.astype(np.float32), projection.astype(np.float32))


Views = tuple[list[Vectors], list[Vectors]]
"""Features of the parts of each garment: cut out, and in its look."""


def _garments(parsed: Path, splits: Sequence[Split]) -> list[Garment]:
    return worn_garments(load_parsed_photos(parsed, splits))


def _patch_encoder(card: Card, models_dir: Path | None) -> PatchEncoder:
    if card.elsewhere:
        encoder: PatchEncoder = card.load(models_dir)
        return encoder
    # The package's encoder does not load without what is learned here: its tower does.
    assert card.weights is not None and card.input_size is not None
    mean, std = (tuple(card.settings[name]) for name in ("mean", "std"))
    return ImageTower(card.weights, card.input_size[0], mean, std)


def _views(
    encoder: PatchEncoder, garments: Sequence[Garment], strength: ViewStrength, seed: int,
    threads: int,
) -> tuple[Views, tuple[Vectors, Vectors]]:  # fmt: skip
    """Of two views of each garment, the features of their parts, float16 (parts, channels), and
    their vectors."""

    def both(place: int) -> tuple[Vectors, list[Vectors]]:
        crops = _view_crops(garments[place], strength, seed, place)
        vectors, patches = encoder.encode_with_patches(crops)
        return vectors, [_parts(one, crop) for one, crop in zip(patches, crops, strict=True)]

    with ThreadPoolExecutor(threads) as pool:
        done = pool.map(both, range(len(garments)))
        seen = list(track(done, "looking at garments", len(garments)))
    vectors = np.stack([one for one, _ in seen])
    parts = [one for _, one in seen]
    return (
        ([cut for cut, _ in parts], [worn for _, worn in parts]),
        (vectors[:, 0], vectors[:, 1]),
    )


def _view_crops(garment: Garment, strength: ViewStrength, seed: int, place: int) -> list[Crop]:
    """A garment cut out, and in its look, as the pipeline would hand them to an encoder."""
    random = sample_generator(seed, 0, place)
    return [
        _crop(*masked_view(garment, cut_out, SHOWN_SIDE, strength, random))
        for cut_out in (True, False)
    ]


def _crop(pixels: Pixels, mask: Pixels) -> Crop:
    if not mask.any():
        mask = np.ones_like(mask)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    box = (float(left), float(top), float(right), float(bottom))
    return Crop(pixels, box, np.ascontiguousarray(mask[top:bottom, left:right]) * np.uint8(255))


def _parts(patches: Patches, crop: Crop) -> Vectors:
    shown, frame = patches
    cells = inside(crop, frame, shown.shape[1], shown.shape[2], EVERY_CELL)
    return np.asarray(shown.reshape(len(shown), -1)[:, cells].T, np.float16)


def _write(out: Path, learned: Whitening) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_suffix(".part.npz")
    np.savez(part, mean=learned.mean, projection=learned.projection)
    part.replace(out)


def _quality(
    config: DetailsConfig, encoder: PatchEncoder, learned: Whitening, garments: Sequence[Garment]
) -> dict[str, Any]:
    """Cut-outs of held-out garments seek their looks: by vectors, by tokens, by both; and how far
    stored tokens rank as unrounded ones of every part."""
    features, vectors = _views(encoder, garments, TEST_STRENGTH, 0, config.threads)
    visual = vectors[0] @ vectors[1].T
    exact = [
        [
            unit_rows(np.asarray((one - learned.mean) @ learned.projection, np.float32))
            for one in side
        ]
        for side in features
    ]
    compact = [[_compacted(one) for one in side] for side in exact]
    by_all, by_stored = _all_pairs(*exact), _all_pairs(*compact)
    scores = {
        "vectors": visual, "tokens": by_stored, "vectors + tokens": visual + by_stored,
        "vectors + 2 tokens": visual + 2 * by_stored,
    }  # fmt: skip
    return {
        "cut_out_to_look": {name: _ranked(score) for name, score in scores.items()},
        "order_as_unrounded": {
            "tokens": _same_order(visual, by_all, by_stored),
            "vectors + 2 tokens": _same_order(visual, visual + 2 * by_all, visual + 2 * by_stored),
        },
        "parts": round(float(np.mean([len(one) for side in features for one in side])), 1),
        "bytes": round(float(np.mean([_bytes(one) for side in exact for one in side]))),
        "garments": len(garments),
    }


def _compacted(unit: Vectors) -> Vectors:
    most = most_tokens(unit.shape[1])
    kept = unit if len(unit) <= most else unit[np.arange(most) * len(unit) // most]
    return np.asarray(stored(kept) / SCALE, np.float32)


def _bytes(unit: Vectors) -> int:
    values = stored(unit[: most_tokens(unit.shape[1])])
    return len(packed(values)) + 2 * len(values)


def _all_pairs(ones: Sequence[Vectors], others: Sequence[Vectors]) -> Vectors:
    """Likeness of every one with every other, float32 (ones, others)."""
    gallery = np.concatenate(others)
    lengths = np.array([len(other) for other in others])
    begins = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    rows = []
    for one in ones:
        product = gallery @ one.T
        answered = np.add.reduceat(product.max(axis=1), begins) / lengths
        asked = np.maximum.reduceat(product, begins, axis=0).mean(axis=1)
        rows.append((answered + asked) / 2)
    return np.asarray(np.stack(rows), np.float32)


def _ranked(score: Vectors) -> dict[str, float]:
    return retrieval_scores(score, np.eye(len(score), dtype=np.float32))


def _same_order(visual: Vectors, first: Vectors, second: Vectors, candidates: int = 50) -> float:
    """Of two candidates among the best by vectors, how often both scores put the same one first."""
    best = np.argsort(-visual, axis=1, kind="stable")[:, :candidates]
    signs = []
    for score in (first, second):
        chosen = np.take_along_axis(score, best, axis=1)
        signs.append(np.sign(chosen[:, :, None] - chosen[:, None]))
    pairs = np.triu_indices(best.shape[1], 1)
    return round(float((signs[0] == signs[1])[:, pairs[0], pairs[1]].mean()), 4)
