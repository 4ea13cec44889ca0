"""Audits: a fresh random sample of a tier, what people say of it, and what that promises."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import betaincinv

from lookweave.errors import InputError
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.choosing import TIERS, frozen_candidates
from lookweave.pipeline.steps.tier import Tier
from lookweave.review.agreement import answers_in_common
from lookweave.review.journal import Event, Journal
from lookweave.review.state import State, fold
from lookweave.store import audits
from lookweave.store.audits import CANDIDATES, Pair, Sample
from lookweave.store.conditions import matching
from lookweave.store.reviews import VERDICTS
from lookweave.store.takedowns import SHOWN, down
from lookweave.store.workspace import Workspace

DELTA = 0.05
"""Chance that a bound is wrong."""

SIZE = 600
SEED = 2026


@dataclass(frozen=True)
class AuditResult:
    """What an audit tells of a frozen tier.

    Attributes:
        name: of the sample: its queue on the desk is called so, too.
        tier: high, medium, low, or candidates.
        population: pairs that were frozen.
        size: pairs that were drawn, each with the probability size / population.
        inclusion: that probability.
        seed: of the draw.
        frozen: SHA-256 of the frozen pairs, one a line, sorted.
        drawn_at: in UTC.
        current: whether the tier held exactly these pairs when this was asked.
        judged: drawn pairs of which somebody said something.
        right: of these, the pairs that most say show the same garment, or an adjudicator.
        tied: of these, the pairs that wait for a third person. They count as wrong.
        precision: right / judged; None while nothing is judged.
        lower, upper: Clopper and Pearson's bounds of the tier's precision, each wrong with the
            chance `delta` at most. What is not judged counts as wrong for the one and as right
            for the other.
        delta: see there.
        reviewers: who judged, by name.
        judged_twice: pairs of answers of two people, who both said yes or no.
        agreement: share of these that are equal; None where there are none.
        kappa: Cohen's (1960), of the same; None where it is not defined.
        sheet: the folder that the pairs were written to, where that was asked.
        read: verdicts that came from a sheet.
    """

    name: str
    tier: str
    population: int
    size: int
    inclusion: float
    seed: int
    frozen: str
    drawn_at: str
    current: bool
    judged: int
    right: int
    tied: int
    precision: float | None
    lower: float
    upper: float
    delta: float
    reviewers: tuple[str, ...]
    judged_twice: int
    agreement: float | None
    kappa: float | None
    sheet: str | None = None
    read: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """What ``lookweave audit --json`` prints."""
        return asdict(self)

    def text(self) -> str:
        """A few lines for a person."""
        lines = []
        if self.read is not None:
            lines.append(f"{self.read} verdicts were read.")
        if self.judged:
            lines.append(self.paragraph())
        else:
            lines.append(
                f"{self.size} of {self.population} {self.what} are drawn. Nothing is judged yet."
            )
        if not self.current:
            lines.append("The pairs are others now: this audit says nothing of them.")
        if self.judged < self.size or self.tied:
            lines.append(
                f"{self.size - self.judged} pairs wait for a verdict and {self.tied} for a third "
                f"person: on the desk (`lookweave serve`) the queue `audit` asks them."
            )
        if self.sheet:
            lines.append(
                f"The pairs are in {self.sheet}: fill in the column verdict ("
                f"{', '.join(VERDICTS)}), then call this again with --read and --reviewer."
            )
        return "\n".join(lines)

    @property
    def what(self) -> str:
        """The audited pairs, in the plural."""
        return "candidate pairs" if self.tier == CANDIDATES else f"{self.tier} pairs"

    def paragraph(self) -> str:
        """What a published card says."""
        share = f" ({self.right / self.judged:.1%})" if self.judged else ""
        wrong = self.judged - self.right
        return (
            f"Of {self.population:,} {self.what}, {self.size:,} were drawn at random (seed "
            f"{self.seed}) and {self.judged:,} judged by {_people(self.reviewers)} without sight "
            f"of scores: {self.right:,} are right{share}, {wrong:,} are not, or cannot be told. "
            f"With {1 - self.delta:.0%} confidence at least **{_down(self.lower)}** of the tier "
            "are right (Clopper and Pearson's exact bound, one-sided"
            f"{'; what is not judged counts as wrong' if self.judged < self.size else ''}). "
            f"{self._agreed()} None of these verdicts taught the models or chose a pair. The "
            f"audited list has the SHA-256 `{self.frozen[:16]}…`."
        )

    def _agreed(self) -> str:
        if self.agreement is None:
            return "Each pair was judged by one person."
        kappa = "" if self.kappa is None else f", kappa {self.kappa:.2f}"
        return (
            f"Two people's answers to {self.judged_twice:,} pairs agree in "
            f"{self.agreement:.1%}{kappa}."
        )


def draw(
    workspace: Workspace, setup: Setup, tier: str, frozen: Sequence[Pair], size: int, seed: int
) -> Sample:
    """Draw a fresh sample of a tier as it is now, or of all candidates.

    Of a tier that is exactly as it was at an earlier audit the earlier sample comes back: an audit
    that failed is not drawn again until it pleases.

    Args:
        frozen: its pairs, see `frozen_pairs`.
        size: how many to draw; all where there are fewer.

    Raises:
        InputError: there is no such tier or no pair in it; or a sample of another size or seed is
            being judged already.
    """
    if not frozen:
        raise InputError(f"There is no pair to audit in {tier}: build first.")
    digest = audits.hash_of(frozen)
    name = audits.name_of(tier, digest)
    earlier = next((one for one in audits.samples(workspace) if one.name == name), None)
    size = min(size, len(frozen))
    if earlier is not None:
        if (earlier.size, earlier.seed) == (size, seed):
            return earlier
        if fold(_said(Journal(workspace.path, reading=True), name)).pairs(name):
            raise InputError(
                f"{name} is being judged already, with {earlier.size} pairs and seed "
                f"{earlier.seed}. The same pairs are not audited twice: leave --n and --seed out "
                "to go on with it; or change the tier, build, and audit it anew."
            )
    order = np.random.default_rng(seed).permutation(len(frozen))[:size]
    sample = Sample(
        name, tier, len(frozen), size, seed, digest,
        datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        Tier(setup).recipe, audits.folder_of(workspace, name),
    )  # fmt: skip
    audits.save_sample(sample, frozen, [frozen[at] for at in order.tolist()])
    return sample


def frozen_pairs(workspace: Workspace, setup: Setup, tier: str) -> list[Pair]:
    """Garment, look and region of the pairs of a tier as they are now, sorted; without photos
    that are taken down or listed no more.

    Raises:
        InputError: there is no such tier.
    """
    if tier == CANDIDATES:
        return sorted(frozen_candidates(workspace, setup))
    if tier not in TIERS:
        raise InputError(f"A tier is {', '.join(TIERS)} or {CANDIDATES}, not {tier!r}.")
    where = Tier(setup).rows & matching(tier=tier)
    rows = workspace.table("pairs").read(["garment", "look", "region"], where)
    gone = down(workspace)
    shown = {
        kind: workspace.table(f"{kind}s").values("id", SHOWN) - gone for kind in ("garment", "look")
    }
    names = (rows.column(name).to_pylist() for name in ("garment", "look", "region"))
    return sorted(
        pair
        for pair in zip(*names, strict=True)
        if pair[0] in shown["garment"] and pair[1] in shown["look"]
    )


def result(
    workspace: Workspace,
    sample: Sample,
    delta: float = DELTA,
    only: Iterable[Pair] | None = None,
) -> AuditResult:
    """What was said of a sample until now.

    Args:
        delta: chance that a bound is wrong.
        only: count these pairs alone, such as those that a publication may hold. They must be
            chosen without regard to the audit's verdicts; then what is left of the sample is a
            random sample of what is left of the tier.
    """
    state = fold(_said(Journal(workspace.path, reading=True), sample.name))
    kept = None if only is None else set(only)
    frozen, drawn = sample.frozen_pairs(), sample.pairs
    if kept is not None:
        frozen = [pair for pair in frozen if pair in kept]
        drawn = [pair for pair in drawn if pair in kept]
    votes = {pair: decided(state, sample.name, pair) for pair in drawn}
    judged = [one for one in votes.values() if one is not None]
    right, size = sum(one is True for one in judged), len(drawn)
    twice, agreement, kappa = _agreement(state, sample.name)
    return AuditResult(
        name=sample.name,
        tier=sample.tier,
        population=len(frozen),
        size=size,
        inclusion=sample.inclusion,
        seed=sample.seed,
        frozen=sample.frozen,
        drawn_at=sample.drawn_at,
        current=True,
        judged=len(judged),
        right=right,
        tied=sum(one == "tied" for one in judged),
        precision=right / len(judged) if judged else None,
        lower=lower_bound(right, size, delta),
        upper=1 - lower_bound(len(judged) - right, size, delta),
        delta=delta,
        reviewers=tuple(
            sorted(
                {
                    one.reviewer
                    for garment, look, _ in drawn
                    for one in state.verdicts(garment, look, sample.name)
                }
            )
        ),
        judged_twice=twice,
        agreement=agreement,
        kappa=kappa,
    )


def _agreement(state: State, audit: str) -> tuple[int, float | None, float | None]:
    answers = [pair for pairs in answers_in_common(state, audit).values() for pair in pairs]
    if not answers:
        return 0, None, None
    # Nobody is the reference: each pair of answers counts in both orders.
    one, other = np.array([*answers, *(pair[::-1] for pair in answers)], bool).T
    from sklearn.metrics import cohen_kappa_score  # takes long to load, and few calls come here

    both = len({*one.tolist(), *other.tolist()}) == 2
    kappa = float(cohen_kappa_score(one, other)) if both else None
    return len(answers), float((one == other).mean()), kappa


def decided(state: State, audit: str, pair: Pair) -> bool | str | None:
    """Whether a pair is right: most say it is the same garment, or an adjudicator does. Whoever
    cannot tell does not say so. ``tied`` where a third person must decide; None where nobody has
    said anything."""
    said = state.verdicts(pair[0], pair[1], audit)
    last = [one for one in said if one.kind == "adjudication"]
    if last:
        return last[-1].verdict == "same"
    blind = [one.verdict == "same" for one in said if not one.score_shown]
    if not blind:
        return None
    yes = sum(blind)
    return "tied" if 2 * yes == len(blind) else 2 * yes > len(blind)


def lower_bound(right: int, size: int, delta: float) -> float:
    """Clopper and Pearson's one-sided lower bound of a proportion (1934).

    Exact for draws with replacement; without, as here, it holds all the more.
    """
    return float(betaincinv(right, size - right + 1, delta)) if right else 0.0


def refused(workspace: Workspace) -> set[Pair]:
    """The pairs that the last audit of each tier, and of the candidates, did not find right."""
    found: set[Pair] = set()
    for tier in (*TIERS, CANDIDATES):
        if sample := audits.newest(workspace, tier):
            state = fold(_said(Journal(workspace.path, reading=True), sample.name))
            votes = {pair: decided(state, sample.name, pair) for pair in sample.pairs}
            found |= {pair for pair, said in votes.items() if said is not None and said is not True}
    return found


def published(workspace: Workspace, tier: str, pairs: Sequence[Pair]) -> str:
    """What a card says of a tier's audit; "" where there was none.

    Args:
        pairs: of the tier, that may be published. Those that the audit refused are among them: left
            out, they would count as if they had never been drawn.
    """
    sample = audits.newest(workspace, tier)
    if sample is None:
        return ""
    if not set(pairs) <= set(sample.frozen_pairs()):
        return (
            f"An audit of {sample.drawn_at[:10]} says nothing of the {tier} pairs here: they were "
            "chosen anew since."
        )
    found = result(workspace, sample, only=pairs)
    return found.paragraph() if found.judged else ""


def _said(journal: Journal, audit: str) -> list[Event]:
    """The events of an audit, and every withdrawal, which may be of one of them."""
    return [one for one in journal.events() if one.queue == audit or one.kind == "withdrawal"]


def _people(names: tuple[str, ...]) -> str:
    return "nobody" if not names else f"{len(names)} {'person' if len(names) == 1 else 'people'}"


def _down(share: float) -> str:
    """A bound as a percentage, never rounded up."""
    return f"{np.floor(share * 1000) / 10:.1f}%"
