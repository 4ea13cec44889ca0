"""What each part of the match contributes: the same truth with parts left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lookweave.config import Config
from lookweave.evaluate.apart import made_apart
from lookweave.evaluate.recall import Ranked, Ranks, ranked
from lookweave.evaluate.truth import Truth, read_truth
from lookweave.matching.fuse import ScoreWeights
from lookweave.matching.intervals import gain, gain_of_some
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.match import score_weights
from lookweave.progress import Progress
from lookweave.store.workspace import Workspace

ALL = "all together"

_WORDS = ("captions", "brand", "credits")
_HUBS = "hubness correction"
_SWITCHES = {_HUBS: "hubness_beta", "category filter": "categories"}
"""What can be switched off in the settings of the match -> the setting that is then 0."""


def ablations(
    workspace: Workspace, config: Config, truth: Path, progress: Progress
) -> dict[str, Any]:
    """Recall with the whole photo only, with parts of the score only, with all, and with all but
    the details, or one of the captions, brands and credits, where the workspace has any; with
    hubness correction and category filter the other way than the settings have them.

    The whole photo's rows are made in a workspace of their own, which is removed: this one is
    only read.

    Returns:
        Name of the variant -> what `recall` gives, and ``change``: what it has more than all
        together, with 95 % intervals paired by query, whole clusters resampled. All together has
        ``mutual`` instead: how often the first look is right where each is the other's first.

    Raises:
        InputError: the truth file does not fit.
    """
    known = read_truth(workspace, truth)
    whole = _whole_photo(config)
    with made_apart(workspace, whole, progress) as apart:
        without = ranked(apart, whole, known, ScoreWeights(0.0, 1.0))
    return against_all({"whole photo only": without, **variants(workspace, config, known)})


def variants(workspace: Workspace, config: Config, known: Truth) -> dict[str, Ranked]:
    """Those of `ablations` that this workspace's rows tell."""
    learned = score_weights(workspace, Setup.of(config))
    weighed = {
        "detection + visual": ScoreWeights(0.0, 1.0),
        "description only": ScoreWeights(1.0, 0.0),
        ALL: learned,
    }
    if learned.detail:
        weighed["visual + details"] = learned._replace(vlm=0.0, visual=learned.visual or 1.0)
        weighed["all but details"] = learned._replace(detail=0.0)
    found = {name: ranked(workspace, config, known, weights) for name, weights in weighed.items()}
    for name, changed in _switched(config, found[ALL]).items():
        settings = config.model_copy(update={"match": config.match.model_copy(update=changed)})
        found[name] = ranked(workspace, settings, known, learned)
    return found


def against_all(found: dict[str, Ranked]) -> dict[str, Any]:
    """What `ablations` returns, of variants of which one is `ALL`."""
    told = {name: {**one.told, "change": _change(found[ALL], one)} for name, one in found.items()}
    del told[ALL]["change"]
    told[ALL]["mutual"] = _mutual(found[ALL])
    return told


def _switched(config: Config, whole: Ranked) -> dict[str, dict[str, float]]:
    """Name of a variant -> the settings of the match that differ: each part of S_VLM that speaks
    left out, and filter and hubness correction the other way than they are."""
    spoken = whole.told["parts"]
    found: dict[str, dict[str, float]] = {
        f"all but {part}": {f"weight_{part}": 0.0}
        for part in (_WORDS if len(spoken) > 1 else ())
        if part in spoken
    }
    usual = {name: type(config.match).model_fields[name].default for name in _SWITCHES.values()}
    for what, setting in _SWITCHES.items():
        if not getattr(config.match, setting):
            found[f"all and {what}"] = {setting: usual[setting]}
        elif what != _HUBS or whole.corrects_hubs:
            found[f"all but {what}"] = {setting: 0}
    return found


def _change(whole: Ranked, variant: Ranked) -> dict[str, Any]:
    """What a variant has more than all together, in R@1 and MRR, of the same queries."""
    return {
        direction: {
            "R@1": gain(_firsts(before), _firsts(after), clusters),
            "MRR": gain(1.0 / before, 1.0 / after, clusters),
        }
        for direction, before, after, clusters in (
            ("garment_to_look", whole.to_looks, variant.to_looks, whole.clusters[0]),
            ("look_to_garment", whole.to_garments, variant.to_garments, whole.clusters[1]),
        )
    }


def _firsts(ranks: Ranks) -> Ranks:
    """1.0 for each query whose first is right, else 0.0."""
    return (ranks <= 1).astype(np.float64)


def _mutual(whole: Ranked) -> dict[str, Any]:
    """How often a garment's first look is right: of all, and of those that are mutual."""
    right, mutual = _firsts(whole.to_looks), whole.mutual
    return {
        "garments": len(right),
        "right": float(right.mean()) if len(right) else 0.0,
        "mutual": int(mutual.sum()),
        "mutual_right": float(right[mutual].mean()) if mutual.any() else 0.0,
        "change": gain_of_some(right, mutual, whole.clusters[0]),
    }


def _whole_photo(config: Config) -> Config:
    models = Setup.of(config).models
    no_filter = config.match.model_copy(update={"categories": 0})
    names = f"whole-photo+{models.encoder.name}+{models.describer.name}"
    return config.model_copy(update={"models": names, "match": no_filter})
