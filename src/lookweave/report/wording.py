"""Numbers and findings in words."""

from __future__ import annotations

from lookweave.matching.select import wilson
from lookweave.report.contents import Contents
from lookweave.report.distributions import TIERS
from lookweave.report.hubs import Hubness

THIN = "\u202f"
"""Narrow no-break space: between thousands, before units."""

SCORE_TITLES: dict[str, str] = {
    "score": "Composite score S",
    "s_detail": "Likeness part by part",
    "s_visual": "Visual likeness",
    "s_vlm": "Agreement of descriptions",
    "probability": "Probability",
}

WHY: dict[str, str] = {
    "strongest": "among the strongest",
    "typical": "drawn at random",
    "doubtful": "near the border",
}

TIER_MEANING: dict[str, str] = {
    "high": "Confirmed by a person, or garment and region are each other’s first choice.",
    "medium": "One is the other’s first choice, but not the other way round.",
    "low": "Any other match that was kept.",
}

STEP_VERBS: dict[str, str] = {
    "ingest": "Reading the files",
    "detect": "Finding the garments",
    "describe": "Describing them",
    "embed": "Embedding them",
    "group": "Grouping the photos",
    "match": "Matching",
    "tier": "Choosing pairs",
}


def count(value: int) -> str:
    """1234567 as 1 234 567, with narrow no-break spaces, from 10 000 on."""
    return f"{value:,}".replace(",", THIN) if abs(value) >= 10_000 else str(value)


def share(value: float, digits: int = 0) -> str:
    """0.973 as 97 %; never 100 % or 0 % for what is only nearly so."""
    if 0 < value < 0.5 * 10 ** -(digits + 2):
        return f"<{THIN}{10**-digits:g}{THIN}%"
    if 1 - 0.5 * 10 ** -(digits + 2) < value < 1:
        return f">{THIN}{100 - 10**-digits:g}{THIN}%"
    return f"{100 * value:.{digits}f}{THIN}%"


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def things(number: int, singular: str, plural: str | None = None) -> str:
    """*1 look*, *12 looks*."""
    return f"{count(number)} {singular if number == 1 else plural or singular + 's'}"


def summary(it: Contents) -> str:
    """The report in one sentence."""
    garments, looks = (each.value for each in it.stages[1].counts)
    if not garments and not looks:
        return "No photo has come into this workspace yet."
    photos = f"{things(garments, 'garment')} and {things(looks, 'look')}"
    if not it.spread.pairs:
        return f"{photos} are here, but no pair has been made of them yet."
    tiers = ", ".join(f"{count(it.spread.total(tier))} {tier}" for tier in it.tiers)
    return f"{photos} gave {things(it.spread.pairs, 'pair')}: {tiers}."


def next_step(it: Contents) -> str:
    """What to do when there are no pairs, or "" when there are."""
    if it.spread.pairs:
        return ""
    garments, looks = (each.value for each in it.stages[1].counts)
    regions = it.stages[2].total
    if not garments and not looks and it.turned_away:
        return (
            "Every file was turned away. The section on what was turned away says why, and what "
            "helps; then run the same build again."
        )
    if not garments or not looks:
        both = not garments and not looks
        missing = "photos" if both else "garments" if not garments else "looks"
        return (
            f"There are no {missing}. Run `lookweave build` with folders or manifests that have "
            "both garments and looks."
        )
    if not regions:
        return (
            "No garment was found in any photo yet. Run the build again to go on; if detection "
            "has run, try another detector (`lookweave models` lists them)."
        )
    if not it.stages[5].total:
        return "Nothing has been matched yet. Run the same build again: it goes on where it was."
    return (
        "There are matches, but none was chosen as a pair. Run the same build again, or loosen "
        "the settings of the tiers."
    )


def calibration(it: Contents) -> str:
    """Whether the probabilities can be taken at their word."""
    if it.calibrated:
        learned = it.measured.calibration
        labels = f" {count(learned.labels)}" if learned else ""
        return (
            f"Probabilities are calibrated: they were fitted to{labels} labelled matches, so that "
            "of the matches given 80\u202f% about 80\u202f% should be right."
        )
    return (
        "Probabilities are not calibrated: nothing has been learned from labelled pairs, so they "
        "put matches in order but promise no share of right ones. With some known pairs, run "
        "`lookweave calibrate` and build again."
    )


def judges(it: Contents) -> str:
    """Who judged how many pairs."""
    known = it.judged
    parts = [f"{things(known.by_truth, 'pair')} by the truth"] if known.by_truth else []
    if known.by_reviews:
        parts.append(
            f"{things(known.by_reviews, 'pair')} by people "
            f"({things(known.reviews, 'review')} by {things(known.reviewers, 'reviewer')})"
        )
    return f"Judged: {' and '.join(parts)}. Intervals are 95{THIN}% (Wilson)."


def recipe(it: Contents) -> str:
    """How a score is made: what follows the formula of S."""
    settings, learned = it.scope.config.match, it.measured.calibration
    weights = "" if learned is None else " with weights learned from labels"
    where = (
        f", in a garment’s {settings.categories} likeliest categories"
        if settings.categories
        else ", without a category filter"
    )
    kept = f", the best {settings.top_k} regions of each garment kept"
    hubs = f"; hubness corrected with β = {settings.hubness_beta:g}"
    return weights + where + kept + (hubs if settings.hubness_beta else "")


def filter_loss(it: Contents) -> str:
    """What the category filter costs, or "" where that was not measured."""
    found = it.measured.match
    categories = it.scope.config.match.categories
    if found is None or not categories or not found.filter_sample:
        return ""
    low, high = wilson(found.filter_lost, found.filter_sample)
    return (
        f"The category filter lets a garment meet the regions of its {categories} likeliest "
        f"categories. Of {things(found.filter_sample, 'garment')} searched without it, "
        f"{count(found.filter_lost)} had their best region outside: "
        f"{share(found.filter_lost / found.filter_sample, 1)} lost "
        f"(95{THIN}% interval {share(low, 1)} to {share(high, 1)})."
    )


def tier_meaning(it: Contents, tier: str) -> str:
    """What a tier promises."""
    targets = it.scope.config.tier.target_precision
    if targets:
        target = dict(zip(TIERS, targets, strict=True))[tier]
        if not target:
            return "The rest of the likeliest pairs; nothing is promised of them."
        return (
            f"As many of the likeliest pairs as a random sample says are right in {share(target)}."
        )
    return TIER_MEANING[tier]


def hub_correction(it: Contents) -> str:
    """Whether hubness was corrected, or "" where that is not known."""
    found = it.measured.match
    if found is None:
        return ""
    if found.hubness_off:
        return f"No correction for hubs: {found.hubness_off.rstrip('.')}."
    return (
        f"Scores are corrected for hubs with a bank of {count(found.bank)} held-out queries; "
        f"{count(round(found.hubs))} regions count as hubs there."
    )


def hubness(hubs: Hubness) -> str:
    """What the skewness of N_k means."""
    if hubs.skewness > 4:
        verdict = "A few regions crowd out many others"
    elif hubs.skewness > 2:
        verdict = "Some regions come up too often"
    else:
        verdict = "The matches are spread evenly"
    return (
        f"{verdict}: the skewness of how often each region is among a garment’s ten best is "
        f"{hubs.skewness:.1f} (0 is even, above 2 marked). {share(hubs.reached / hubs.regions)} "
        "of the regions are among the ten best of some garment."
    )
