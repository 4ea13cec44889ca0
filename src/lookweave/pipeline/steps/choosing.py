"""Which of all that match become pairs, of which tier and split."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookweave.matching import select
from lookweave.matching.splits import Splits, split_pairs, uneven
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.group import same_pictures, together
from lookweave.pipeline.steps.pool import Pool
from lookweave.store import audits
from lookweave.store.workspace import Workspace

TIERS = ("high", "medium", "low")
_STRATA = (0.1, 0.4)


@dataclass(frozen=True)
class Chosen:
    """Pairs that enter, one row each.

    Attributes:
        at: int64, their rows in the pool.
        tier: int8, high to low.
        split: int8, -1 where a pair ties two splits together and is left out.
        group: what may not be parted, by name.
        notes: sentences on what came out otherwise than asked for.
        cuts: of each tier with a target precision, how it was cut.
    """

    at: NDArray[np.int64]
    tier: NDArray[np.int8]
    split: NDArray[np.int8]
    group: list[str]
    notes: tuple[str, ...] = ()
    cuts: tuple[dict[str, Any], ...] = ()


def choose(workspace: Workspace, setup: Setup, pool: Pool) -> Chosen:
    """By quotas, or by precision where one is asked for."""
    nodes, edges = _graph(workspace, setup, pool)
    if setup.config.tier.target_precision:
        return _by_precision(workspace, setup, pool, nodes, edges)
    return _by_quota(setup, pool, nodes, edges)


def _by_quota(setup: Setup, pool: Pool, nodes: list[str], edges: NDArray[np.int64]) -> Chosen:
    settings = setup.config.tier
    candidates = _candidates(pool)
    tier = select.choose(
        candidates, _quotas(setup, pool), settings.looks_per_garment, settings.garments_per_look
    )
    at = np.flatnonzero(tier != select.OUT)
    dealt = _deal(setup, pool, at, tier[at], len(nodes), edges)
    return Chosen(at, tier[at], dealt.split, _names(nodes, dealt.component), dealt.short)


def _by_precision(
    workspace: Workspace, setup: Setup, pool: Pool, nodes: list[str], edges: NDArray[np.int64]
) -> Chosen:
    """Tiers as stretches of the order. What a random sample of it bears out is the promise, so the
    order is frozen after limits and splits: nothing that could change it comes behind the cut."""
    settings = setup.config.tier
    targets = settings.target_precision
    assert targets is not None
    at, order, dealt = _frozen(setup, pool, len(nodes), edges)
    sample = audits.newest(workspace, audits.CANDIDATES)
    known = dict.fromkeys(sample.frozen_pairs()) if sample else {}
    pairs = _pairs(workspace, pool, at[order])
    # What came after the sample was drawn is not covered by it.
    covered = np.array([pair in known for pair in pairs], bool)
    listed = order[covered]
    place = {pair: number for number, pair in enumerate(itertools.compress(pairs, covered))}
    said = sample.verdicts() if sample else {}
    drawn = sorted(
        (place[pair], said.get(pair, False)) for pair in (sample.pairs if sample else ())
        if pair in place
    )  # fmt: skip
    cuts = select.cut(
        np.array([number for number, _ in drawn], np.int64),
        np.array([right for _, right in drawn], bool),
        len(listed),
        targets,
        _quotas(setup, pool),
        further=len(order) - len(listed),
    )
    tier = np.full(len(at), select.OUT, np.int8)
    tier[: len(at) - len(order)] = select.HIGH  # confirmed by people
    walk = np.concatenate([listed, order[~covered]])
    for into, stretch in enumerate(cuts):
        tier[walk[stretch.start : stretch.end]] = into
    entered = tier != select.OUT
    notes = uneven(dealt.split[entered], tier[entered], settings.validation, settings.test)
    told = tuple(
        {"tier": name, "target": target, "pairs": one.end - one.start, "judged": one.judged,
         "right": one.right, "p_value": None if np.isnan(one.p_value) else one.p_value}
        for name, target, one in zip(TIERS, targets, cuts, strict=True)
    )  # fmt: skip
    empty = [one["tier"] for one in told if one["target"] and not one["pairs"]]
    if empty:
        notes += (_why_empty(empty, sample, len(said)),)
    if sample and not covered.all():
        notes += (
            f"{int((~covered).sum())} pairs came after the random sample {sample.name} was drawn: "
            "they are in no tier with a target precision until another is drawn.",
        )
    return Chosen(
        at[entered], tier[entered], dealt.split[entered],
        _names(nodes, dealt.component[entered]), notes, told,
    )  # fmt: skip


def frozen_candidates(workspace: Workspace, setup: Setup) -> list[audits.Pair]:
    """Garment, look and region of all that tiers with a target precision are cut from now."""
    pool = Pool.read(workspace, setup)
    nodes, edges = _graph(workspace, setup, pool)
    at, order, _ = _frozen(setup, pool, len(nodes), edges)
    return _pairs(workspace, pool, at[order])


def _frozen(
    setup: Setup, pool: Pool, count: int, edges: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Splits]:
    """What the limits let in: rows of the pool, first those that people confirmed; places among
    them of what may be cut, the best first; splits."""
    settings = setup.config.tier
    confirmed, rest = select.frozen(
        _candidates(pool), settings.looks_per_garment, settings.garments_per_look
    )
    confirmed = confirmed[: _quotas(setup, pool)[select.HIGH]]
    at = np.concatenate([confirmed, rest])
    # Where tiers will end is not known yet: tenths of the order stand for them.
    strata = np.searchsorted(_STRATA, np.arange(len(rest)) / max(1, len(rest)), side="right")
    of_all = np.concatenate([np.zeros(len(confirmed), np.int8), strata.astype(np.int8)])
    dealt = _deal(setup, pool, at, of_all, count, edges)
    inside = np.flatnonzero(dealt.split >= 0)
    confirmed_inside = inside[inside < len(confirmed)]
    rest_inside = inside[inside >= len(confirmed)]
    keep = np.concatenate([confirmed_inside, rest_inside])
    kept = Splits(dealt.split[keep], dealt.component[keep], dealt.left_out, dealt.short)
    return at[keep], np.arange(len(confirmed_inside), len(keep)), kept


def _why_empty(empty: Sequence[object], sample: audits.Sample | None, judged: int) -> str:
    tiers = " and ".join(str(name) for name in empty)
    ask = "`lookweave audit WS --tier candidates` draws one"
    if sample is None:
        return f"No pair is {tiers}: their precision is known only by a random sample; {ask}."
    if judged < sample.size:
        return (
            f"No pair is {tiers}: of the random sample {sample.name} {judged} of {sample.size} "
            "pairs are judged, and what is not judged counts as wrong."
        )
    return (
        f"No pair is {tiers}: the random sample {sample.name} does not bear their target "
        "precision out. A larger sample, or a lower target, may."
    )


def _names(nodes: list[str], component: NDArray[np.int64]) -> list[str]:
    return [nodes[at].partition(":")[2] for at in component.tolist()]


def _candidates(pool: Pool) -> select.Candidates:
    mutual = (pool.rank == 1) & (pool.reverse_rank == 1)
    either = (pool.rank == 1) | (pool.reverse_rank == 1)
    best = np.where(mutual, select.HIGH, np.where(either, select.MEDIUM, select.LOW))
    return select.Candidates(pool.garment, pool.look, best.astype(np.int8), pool.label)


def _quotas(setup: Setup, pool: Pool) -> list[int]:
    enter = int((pool.label != 0).sum())
    return [_quota(getattr(setup.config.tier, name), enter) for name in TIERS]


def _deal(
    setup: Setup,
    pool: Pool,
    at: NDArray[np.int64],
    tiers: NDArray[np.int8],
    count: int,
    edges: NDArray[np.int64],
) -> Splits:
    settings = setup.config.tier
    return split_pairs(
        pool.garment[at].astype(np.int64),
        pool.look[at].astype(np.int64) + len(pool.garments),
        tiers,
        count,
        edges,
        settings.validation,
        settings.test,
        settings.seed,
    )


def _pairs(workspace: Workspace, pool: Pool, at: NDArray[np.int64]) -> list[audits.Pair]:
    positions = pool.position[at].tolist()
    regions = workspace.table("matches").take(positions, ["region"]) if positions else None
    names = regions.column("region").to_pylist() if regions is not None else []
    garments = [pool.garments[one] for one in pool.garment[at].tolist()]
    looks = [pool.looks[one] for one in pool.look[at].tolist()]
    return list(zip(garments, looks, names, strict=True))


def _graph(workspace: Workspace, setup: Setup, pool: Pool) -> tuple[list[str], NDArray[np.int64]]:
    """Names of all garments, then all looks, then their groups; edges from photo to group."""
    nodes = [f"garment:{name}" for name in pool.garments] + [f"look:{name}" for name in pool.looks]
    edges: list[tuple[int, int]] = []
    groups: dict[str, int] = {}
    photos = len(nodes)
    for kind in ("garment", "look"):
        for photo, group in together(workspace, setup, kind).items():
            groups.setdefault(f"{kind}:{photo}", len(groups))
            groups.setdefault(f"{kind}:{group}", len(groups))
            edges.append((photos + groups[f"{kind}:{photo}"], photos + groups[f"{kind}:{group}"]))
    for garment, look in same_pictures(workspace, setup):  # a split may not part them
        groups.setdefault(f"garment:{garment}", len(groups))
        groups.setdefault(f"look:{look}", len(groups))
        edges.append((photos + groups[f"garment:{garment}"], photos + groups[f"look:{look}"]))
    edges += [(at, photos + groups[name]) for at, name in enumerate(nodes) if name in groups]
    return [*nodes, *groups], np.array(edges, np.int64).reshape(-1, 2)


def _quota(wanted: float, candidates: int) -> int:
    return int(wanted) if wanted > 1 else round(wanted * candidates)
