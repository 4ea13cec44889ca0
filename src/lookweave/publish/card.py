"""The card of a publication: README.md with the front matter that `datasets` and hubs read."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from lookweave import __version__
from lookweave.config import Config
from lookweave.models.card import Card
from lookweave.models.cards import all_cards, card_of
from lookweave.publish.columns import ARTICLE_COLUMNS, Column, columns
from lookweave.publish.options import Destination, Options
from lookweave.publish.tally import Tally, distributions, shorten
from lookweave.text import visible

REASONS: dict[str, str] = {
    "taken_down": "a photo was taken down",
    "not_listed": "a photo is in no input any more",
    "same_photo": "both photos are the same picture",
    "duplicate_taken_down": "a photo is a near-duplicate of one that was taken down",
    "rights_forbid": "a photo's rights forbid publication",
    "duplicate_rights_forbid": "a photo is a near-duplicate of one whose rights forbid it",
    "refused_in_audit": "an audit did not find it right",
    "rights_unclear": "a photo's rights are stated in words that are not understood",
    "rights_unknown": "a photo's rights are not stated",
    "source_missing": "a photo's file could not be read any more",
    "source_changed": "a photo's file was not the one that was ingested",
    "source_remote": "a photo's file was on the web only",
    "no_such_photo": "a row was missing",
    "no_such_region": "a row was missing",
}
_SHOWN_RIGHTS = 20
_TAGS = ("fashion", "garment", "lookbook", "image-retrieval", "virtual-try-on", "lookweave")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"),
          (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What the card tells besides the counts."""

    title: str
    recipe: str
    snapshot: str
    held: dict[str, int]
    destination: Destination
    missing_tiers: list[str]
    audits: dict[str, str] = field(default_factory=dict)


def card(tally: Tally, facts: Facts, config: Config, options: Options) -> str:
    """The whole README.md."""
    environment = Environment(
        loader=PackageLoader("lookweave.publish", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "thousands": "{:,}".format,
        "cell": _cell,
        "kind": _kind,
        "python": _python,
    }
    tiers = tally.tiers()
    rights = tally.rights()
    known, unknown = _models(tally.models)
    rest = rights[_SHOWN_RIGHTS:]
    text = environment.get_template("card.md.j2").render(
        front_matter=_front_matter(tally, facts, options),
        title=facts.title,
        version=__version__,
        options=options,
        tally=tally,
        tiers=tiers,
        splits=tally.splits() or ["train"],
        first_split=next(iter(tally.splits(tiers[0])), "train") if tiers else "train",
        tier_total=lambda tier: sum(n for (name, _), n in tally.pairs.items() if name == tier),
        split_total=lambda split: sum(n for (_, name), n in tally.pairs.items() if name == split),
        missing_tiers=facts.missing_tiers,
        load_name=facts.destination.repository or facts.destination.name,
        load_name_is_hub=bool(facts.destination.repository),
        tier_text=tier_definitions(config),
        distributions=distributions(tally),
        audits=facts.audits,
        expected_precision=tally.expected_precision(),
        recipe=facts.recipe,
        snapshot=facts.snapshot,
        models=known,
        unknown_models=unknown,
        columns=columns(options.metadata),
        article_columns=ARTICLE_COLUMNS,
        rights=rights[:_SHOWN_RIGHTS],
        more_rights=(len(rest), sum(count for _, _, count in rest)) if rest else None,
        noted=tally.noted(),
        sites=shorten(tally.sites.items()),
        held=facts.held,
        held_total=sum(facts.held.values()),
        reasons=REASONS,
        citation=citation(facts, options),
    )
    return re.sub(r"\n{3,}", "\n\n", text)


_TIER_RULES = {
    "high": "confirmed by a person, or garment and region are each other's first choice",
    "medium": "the garment's first region, or the region's first garment",
    "low": "any other match that was kept",
}


def tier_definitions(config: Config) -> str:
    """What high, medium and low mean, as configured."""
    tier = config.tier
    quotas = {"high": tier.high, "medium": tier.medium, "low": tier.low}
    lines = []
    for position, (name, quota) in enumerate(quotas.items()):
        size = f"{quota:,.0f} pairs" if quota > 1 else f"{quota:.0%} of the candidate pairs"
        if tier.target_precision:
            target = tier.target_precision[position]
            rule = (
                "a stretch of the order by probability, cut where exact tests of a random sample "
                f"bear a precision of {target:.0%} out"
                if target
                else "the rest of the order by probability"
            )
        else:
            rule = _TIER_RULES[name]
        lines.append(f"- **{name}**: {rule}; at most {size}, the most probable first.\n")
    return "".join(lines) + (
        f"\nAt most {tier.looks_per_garment} looks a garment and {tier.garments_per_look} "
        f"garments a look; {tier.validation:.0%} of the pairs for validation and {tier.test:.0%} "
        f"for testing, seed {tier.seed}."
    )


def citation(facts: Facts, options: Options) -> str:
    """BibTeX of this data set."""
    entries = [("title", "{" + _bibtex(facts.title) + "}")]
    if options.authors:
        entries.append(("author", _bibtex(options.authors)))
    if options.year:
        entries.append(("year", str(options.year)))
    if facts.destination.repository:
        entries.append(("howpublished", _bibtex(facts.destination.repository)))
    if options.homepage:
        entries.append(("url", re.sub(r"[\\{}`\s]", "", options.homepage)))
    entries.append(("note", _bibtex(f"Made with Lookweave {__version__}, recipe {facts.recipe}")))
    key = re.sub(r"[^a-z0-9]+", "-", facts.title.lower()).strip("-") or "lookweave-pairs"
    fields = ",\n".join(f"  {name} = {{{value}}}" for name, value in entries)
    return f"@misc{{{key},\n{fields}\n}}"


def _front_matter(tally: Tally, facts: Facts, options: Options) -> str:
    total = tally.total
    size = next((name for limit, name in _SIZES if total < limit), "n>10M")
    data: dict[str, Any] = {"pretty_name": facts.title, "license": options.licence.lower()}
    if options.licence.lower() == "other":
        data["license_name"] = "each-image-keeps-its-own-rights"
    data |= {
        "task_categories": ["image-feature-extraction", "image-to-image"],
        "tags": list(_TAGS),
        "size_categories": [size],
    }
    if configs := _configs(tally, options):
        data["configs"] = configs
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True))


def _configs(tally: Tally, options: Options) -> list[dict[str, Any]]:
    """One configuration a tier, and `default` with all of them. Empty ones are left out:
    `datasets` refuses a configuration whose files do not exist."""
    if "parquet" not in options.formats or not tally.total:
        return []
    configs: list[dict[str, Any]] = [
        {"config_name": "default", "data_files": _data_files("*", tally.splits())}
    ]
    for tier in tally.tiers():
        configs.append({"config_name": tier, "data_files": _data_files(tier, tally.splits(tier))})
    return configs


def _data_files(tier: str, splits: list[str]) -> list[dict[str, str]]:
    return [{"split": split, "path": f"data/{tier}/{split}-*.parquet"} for split in splits]


def _models(named: set[str]) -> tuple[list[Card], list[str]]:
    """The cards of the models that made the rows, and the keys that no card has."""
    known = {name: card_of(name) or all_cards().get(name) for name in named}
    used = sorted(
        {card.name: card for card in known.values() if card}.values(),
        key=lambda one: (one.task, one.name),
    )
    # A key of another version of a known model is told as it is: its licence may differ.
    others = [
        key for key, card in known.items()
        if card is None and any(key.startswith(f"{name}-") for name in all_cards())
    ]  # fmt: skip
    return used, sorted(others)


def _cell(words: str) -> str:
    """Free text inside a table: it must not end the cell, the row, or start markup."""
    flat = visible(" ".join(words.split()), one_line=True)
    flat = flat if len(flat) <= 120 else flat[:117] + "…"
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", flat)


def _kind(column: Column) -> str:
    if column.is_image:
        return "image"
    if column.fields:
        return "list of " + ", ".join(part.name for part in column.fields)
    if column.is_list:
        return f"list of {column.feature['feature']['dtype']}"
    return str(column.feature["dtype"])


def _python(text: str) -> str:
    """A string of Python, in double quotes where it can be."""
    return json.dumps(text, ensure_ascii=False).replace("`", "\\x60")


def _bibtex(value: str) -> str:
    plain = " ".join(re.sub(r"[\\{}`]", "", value).split())
    return re.sub(r"([%&#_$])", r"\\\1", plain)
