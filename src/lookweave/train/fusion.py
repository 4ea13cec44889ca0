"""The recipe of the score: what each attribute of two descriptions says for "the same garment",
and how much descriptions, visual likeness and details count.

The tables are judged on the kind of data that they were not learned from (street photos, renders):
what holds on one kind alone must not count on a third. So evidence is shrunk as far as is needed
for no kind to lose by it, and λ2 and λ3 go from those that were set before towards those that fit
best as far as none loses. A loss counts from one standard error on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import logsumexp

from lookweave.matching.details import TokenSet, likeness
from lookweave.matching.evidence import (
    KNOTS,
    LARGEST,
    Evidence,
    Table,
    attribute_blocks,
    base_rates,
    features,
    learn_ratios,
    whole,
)
from lookweave.matching.fusion import VERSION, Choice, fit_weights, log_likelihoods
from lookweave.models.cards import resolve
from lookweave.models.fusion import fusion_file
from lookweave.taxonomy import ATTRIBUTES
from lookweave.train.fusion_pairs import Eyes, LabelledSource, parsed_source, rendered_source

Floats = NDArray[np.float64]

WIDTHS = tuple(len(values) for values in ATTRIBUTES.values())
PARTS = ("descriptions", "visual", "details")

WORDS = 0.1
"""λ1: what brands and credits, which are part of S_VLM, count. Pictures cannot teach that; how far
the attributes' evidence moves S_VLM is learned instead, by shrinking it."""

PRESENT = (0.7 / 2.7, 2.0 / 2.7)
"""S_visual and S_detail by the weights that were set before: what is learned has to beat them."""

DESCRIPTIONS = None

LEAST_PAIRS = 100
"""An attribute that fewer pairs speak of on both sides says nothing."""

LIMITS = (
    "holds for one encoder and describer, and where candidates are compared part by part; others"
    " keep the inner product of the descriptions until the command has learned from them",
    "street photos teach with cut-outs of themselves, so pose, light and camera are too alike in"
    " them; rendered pairs are foreign in texture and folds",
    "evidence is shrunk until neither kind loses by it: what an attribute is worth in one shop's"
    " photos may be more",
    "brands and credits are in no picture: what descriptions count on the whole is set, not"
    " learned, until `calibrate` learns it from labels of your own",
    "learned among the nearest candidates by the vectors: it brings in none from further down",
)


class FusionConfig(BaseModel):
    """Everything that decides what a run gives; part of its record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parsed: Path | None
    """Folder of Clothing Co-Parsing: photos/, masks/, labels.json."""
    rendered: Path | None
    """Folder that ``lookweave render --labels`` wrote."""
    out: Path | None = None
    """The file to write; None for where builds look for it."""
    models: str = "embedded"
    models_dir: Path | None = None
    pool: int = Field(50, ge=2)
    """Candidates that a garment chooses from: the right one, and those next by the vectors."""
    doubts: tuple[float, ...] = (5.0, 20.0, 80.0)
    """Pairs that agree by chance alone, beside the labelled ones; the best is taken."""
    leasts: tuple[float, ...] = (0.02, 0.1, 0.25)
    """Least ratios of an attribute; the best is taken."""
    steps: tuple[float, ...] = (1.0, 0.75, 0.5, 0.25)
    """How far λ2 and λ3 go from those that were set before to those that fit best: the best of
    those that harm no kind of data, or else not at all."""
    shrinks: tuple[float, ...] = (1.0, 0.5, 0.25, 0.1)
    """What evidence is multiplied with: the best of those that harm no kind of data, or else the
    least."""
    seed: int = 7


def train(config: FusionConfig) -> dict[str, Any]:
    """Look at the data, learn, judge and write; returns the file's content."""
    began = time.monotonic()
    models = resolve(config.models)
    eyes = Eyes(models, config.models_dir)
    sources = []
    if config.parsed is not None:
        sources.append(parsed_source(config.parsed, eyes, config.seed))
    if config.rendered is not None:
        sources.append(rendered_source(config.rendered, eyes))
    learned = learn(sources, config)
    content = {
        "version": VERSION,
        "name": "fusion",
        "task": "score",
        "licence": "Apache-2.0",
        "encoder": models.encoder.key,
        "describer": models.describer.key,
        **learned,
        "recipe": "lookweave.train.fusion",
        "config": config.model_dump(
            mode="json", exclude={"parsed", "rendered", "out", "models_dir"}
        ),
        "seed": config.seed,
        "made": time.strftime("%Y-%m-%d"),
        "trained_minutes": round((time.monotonic() - began) / 60, 1),
        "limits": list(LIMITS),
    }
    out = config.out or fusion_file(models, config.models_dir)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(out)
    return {**content, "file": str(out)}


def learn(sources: Sequence[LabelledSource], config: FusionConfig) -> dict[str, Any]:
    """Tables and weights from labelled data, and how they do on data that they were not learned
    from.

    Args:
        sources: at least one; a single one is judged by its families, half against half.
    """
    folds = _folds(sources)
    settings = [(doubt, least) for doubt in config.doubts for least in config.leasts]
    alone = {one: _held_out(folds, one, config.pool, 0.0, DESCRIPTIONS) for one in settings}
    doubt, least = max(settings, key=lambda one: _overall(alone[one]))
    evidence = _evidence(sources, doubt, least)
    choices = [one for source in sources for one in choices_of(source, evidence, config.pool)]
    learned = _ratio(fit_weights(choices, (1, 2)))
    before = _likelihoods(choices, PRESENT)
    steps = {step: _between(PRESENT, learned, step) for step in config.steps}
    beats = {
        step: _by_source(choices, _likelihoods(choices, one) - before)
        for step, one in steps.items()
    }
    step = _best(beats)
    ratio = PRESENT if step is None else steps[step]
    shrunk = {
        shrink: _held_out(folds, (doubt, least), config.pool, shrink, ratio)
        for shrink in (0.0, *config.shrinks)
    }
    gains = {
        shrink: {name: shrunk[shrink][name] - shrunk[0.0][name] for name in shrunk[0.0]}
        for shrink in config.shrinks
    }
    shrink = _best(gains) or min(config.shrinks)
    return {
        "weights": [WORDS, *(round((1 - WORDS) * one, 4) for one in ratio)],
        "evidence": {
            list(ATTRIBUTES)[place]: {
                "rarity": round(shrink * table.rarity, 5),
                "slopes": [round(shrink * slope, 5) for slope in table.slopes],
                "offset": round(shrink * table.offset, 5),
                "ratios": table.ratios.tolist(),
            }
            for place, table in evidence.tables.items()
        },
        "data": [
            {
                "name": source.name, "licence": source.licence, "used": source.used,
                "products": len(source.products.vectors),
                "looks": int(source.photos.max()) + 1, "regions": len(source.photos),
                "pairs": len(source.answers),
            }
            for source in sources
        ],
        "quality": {
            "doubt": doubt,
            "least": least,
            "shrink": shrink,
            "learned_ratio": [round(one, 4) for one in learned],
            "step": step or 0.0,
            "gain_of_steps": {str(one): _means(beats[one]) for one in config.steps},
            "gain_of_evidence": {str(one): _means(gains[one]) for one in config.shrinks},
            "descriptions_alone": _means(alone[doubt, least]),
            "R@1_of_the_pool": {
                source.name: _first([one for one in choices if one.source == source.name],
                                    shrink, ratio)
                for source in sources
            },
        },
    }  # fmt: skip


@dataclass(frozen=True)
class _Fold:
    """What is learned from, and what is judged: sources with some of their answers."""

    learned: list[LabelledSource]
    judged: list[LabelledSource]


def _folds(sources: Sequence[LabelledSource]) -> list[_Fold]:
    if len(sources) > 1:
        return [_Fold([one for one in sources if one is not held], [held]) for held in sources]
    (only,) = sources
    side = {name: at % 2 for at, name in enumerate(sorted(set(only.families)))}
    halves = [
        replace(only, answers=[one for one in only.answers if side[only.families[one[0]]] == half])
        for half in (0, 1)
    ]
    return [_Fold([halves[0]], [halves[1]]), _Fold([halves[1]], [halves[0]])]


def _held_out(
    folds: Sequence[_Fold], setting: tuple[float, float], pool: int, shrink: float,
    ratio: tuple[float, float] | None,
) -> dict[str, Floats]:  # fmt: skip
    """Log likelihood of held-out choices by source, of one score: only how steeply it is taken is
    fitted where the tables were learned.

    Args:
        ratio: of S_visual and S_detail; None for descriptions alone.
    """
    found: dict[str, list[Floats]] = {}
    for fold in folds:
        evidence = _evidence(fold.learned, *setting)
        seen, held = (
            [
                one if ratio is None else _scored(one, shrink, ratio)
                for source in some
                for one in choices_of(source, evidence, pool)
            ]
            for some in (fold.learned, fold.judged)
        )
        steepness = fit_weights(seen, (0,))
        for name, one in _by_source(held, log_likelihoods(held, steepness)).items():
            found.setdefault(name, []).append(one)
    return {name: np.concatenate(values) for name, values in found.items()}


def _scored(choice: Choice, shrink: float, ratio: tuple[float, float]) -> Choice:
    """The same with S as its only part."""
    nats = np.clip(shrink * choice.parts[:, 0], -LARGEST, LARGEST)
    rest = choice.parts[:, 1:] @ np.array(ratio)
    score = WORDS * (0.5 + nats / (2 * LARGEST)) + (1 - WORDS) * rest
    return Choice(score[:, None], choice.group, choice.source)


def _likelihoods(choices: Sequence[Choice], ratio: tuple[float, float]) -> Floats:
    """Of each choice, by families that were left out when the steepness was fitted."""
    scored = [_scored(one, 0.0, ratio) for one in choices]
    names = sorted({one.group for one in choices})
    fold = {name: at % 5 for at, name in enumerate(names)}
    found = np.empty(len(choices))
    for part in range(5):
        held = [at for at, one in enumerate(scored) if fold[one.group] == part]
        seen = [one for one in scored if fold[one.group] != part]
        if held:
            found[held] = log_likelihoods([scored[at] for at in held], fit_weights(seen, (0,)))
    return found


def _ratio(weights: Floats) -> tuple[float, float]:
    """Of S_visual and S_detail, sum 1."""
    return float(weights[1] / weights[1:].sum()), float(weights[2] / weights[1:].sum())


def _between(
    one: tuple[float, float], other: tuple[float, float], step: float
) -> tuple[float, float]:
    visual = (1 - step) * one[0] + step * other[0]
    return visual, 1 - visual


def _best(gains: dict[float, dict[str, Floats]]) -> float | None:
    """The setting that gains most of those that harm no source; None where there is none."""
    harmless = [one for one, gain in gains.items() if _admissible(gain)]
    return max(harmless, key=lambda one: _overall(gains[one]), default=None)


def _by_source(choices: Sequence[Choice], values: Floats) -> dict[str, Floats]:
    names = np.array([one.source for one in choices])
    return {name: values[names == name] for name in dict.fromkeys(names.tolist())}


def _overall(values: dict[str, Floats]) -> float:
    """The mean, every source counting the same."""
    return float(np.mean([one.mean() for one in values.values()]))


def _admissible(gains: dict[str, Floats]) -> bool:
    """Whether no source loses more than its standard error, and all together gain."""
    harmed = [one.mean() < -one.std(ddof=1) / np.sqrt(len(one)) for one in gains.values()]
    return _overall(gains) > 0 and not any(harmed)


def _means(values: dict[str, Floats]) -> dict[str, dict[str, float]]:
    return {
        name: {
            "mean": round(float(one.mean()), 4),
            "standard_error": round(float(one.std(ddof=1) / np.sqrt(len(one))), 4),
        }
        for name, one in values.items()
    }


def _evidence(sources: Sequence[LabelledSource], doubt: float, least: float) -> Evidence:
    """Tables of all attributes that enough pairs speak of."""
    ratios: dict[int, Floats] = {}
    for place, block in enumerate(attribute_blocks(WIDTHS)):
        ours, theirs = [], []
        for source in sources:
            products, regions = np.array(source.answers, np.int64).T
            ours.append(source.products.attributes[products][:, block])
            theirs.append(source.regions.attributes[regions][:, block])
        left, right = np.concatenate(ours), np.concatenate(theirs)
        if int(((left.sum(axis=1) > 0) & (right.sum(axis=1) > 0)).sum()) < LEAST_PAIRS:
            continue
        rates = [
            np.mean([base_rates(getattr(one, side).attributes[:, block]) for one in sources], 0)
            for side in ("products", "regions")
        ]
        ratios[place] = learn_ratios(left, right, (rates[0], rates[1]), doubt, least)
    return Evidence(WIDTHS, _weighed(sources, ratios) if ratios else {})


def _weighed(sources: Sequence[LabelledSource], ratios: dict[int, Floats]) -> dict[int, Table]:
    """Tables with the weights with which descriptions alone choose best among all looks."""
    blocks = attribute_blocks(WIDTHS)
    alone = []
    for source in sources:
        for family, (ours, theirs) in _described(source):
            seen = [
                features(ours[:, blocks[place]], theirs[:, blocks[place]], known)[0]
                for place, known in ratios.items()
            ]
            alone.append(Choice(np.concatenate(seen, axis=1), family, source.name))
    weights = fit_weights(alone, range(alone[0].parts.shape[1])).round(4)
    wide = 1 + len(KNOTS)
    tables = {}
    for at, place in enumerate(ratios):
        mine = slice(at * wide, (at + 1) * wide)
        if weights[mine].any():
            wrong = np.concatenate([one.parts[1:, mine] for one in alone])
            said = wrong[wrong.any(axis=1)] @ weights[mine]  # without those that say nothing
            offset = -float(logsumexp(said) - np.log(len(said)))
            rarity, *slopes = weights[mine].tolist()
            tables[place] = Table(ratios[place].round(4), rarity, tuple(slopes), round(offset, 4))
    return tables


def _described(source: LabelledSource) -> list[tuple[str, tuple[Any, Any]]]:
    """Of each answer: its family, and the descriptions of the garment, repeated, beside those of
    the right region and of one region in every other look."""
    ours, theirs = whole(source.products.attributes), whole(source.regions.attributes)
    found = []
    looks = np.unique(source.photos, return_index=True)[1]
    for product, region in source.answers:
        others = looks[~_shows(source, product)[looks]]
        candidates = np.concatenate([[region], others])
        said = np.repeat(ours[product : product + 1], len(candidates), axis=0)
        found.append((source.families[product], (said, theirs[candidates])))
    return found


def _shows(source: LabelledSource, product: int) -> NDArray[np.bool_]:
    """Which regions are of looks that show a product."""
    looks = [look for one, look in source.shown if one == product]
    return np.isin(source.photos, looks)


def choices_of(source: LabelledSource, evidence: Evidence, pool: int) -> list[Choice]:
    """Of each answer the right region, and those of other looks that lie next by the vectors,
    with evidence in nats, S_visual and S_detail."""
    ours, theirs = whole(source.products.attributes), whole(source.regions.attributes)
    visual = source.products.vectors @ source.regions.vectors.T
    tokens = TokenSet.of(source.regions.tokens) if source.regions.tokens else None
    found = []
    for product, region in source.answers:
        wrong = np.where(_shows(source, product), -np.inf, visual[product])
        order = np.argsort(-wrong, kind="stable")[: pool - 1]
        candidates = np.concatenate([[region], order[np.isfinite(wrong[order])]])
        said = np.repeat(ours[product : product + 1], len(candidates), axis=0)
        detail = np.zeros(len(candidates), np.float32)
        if tokens is not None:
            detail = likeness(source.products.tokens[product], tokens.take(candidates))
        parts = [evidence.nats(said, theirs[candidates]), visual[product, candidates], detail]
        found.append(
            Choice(np.stack(parts, axis=1).astype(np.float64), source.families[product],
                   source.name)
        )  # fmt: skip
    return found


def _first(
    choices: Sequence[Choice], shrink: float, ratio: tuple[float, float]
) -> dict[str, float]:
    """How often the right candidate scores above all others."""
    scores = {
        "descriptions": [one.parts[:, 0] for one in choices],
        "visual": [one.parts[:, 1] for one in choices],
        "details": [one.parts[:, 2] for one in choices],
        "visual + details": [one.parts[:, 1:] @ np.array(ratio) for one in choices],
        "all": [_scored(one, shrink, ratio).parts[:, 0] for one in choices],
    }
    return {
        name: round(float(np.mean([bool((one[0] > one[1:]).all()) for one in each])), 4)
        for name, each in scores.items()
    }
