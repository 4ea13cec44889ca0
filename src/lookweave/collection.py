"""A catalogue as the articles of a campaign: each with the photo to use, or why it is not shown."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lookweave.errors import Rejected
from lookweave.publish.rights import Judgement, RightsRules, Standing
from lookweave.records import photo_id
from lookweave.sources import Listing, Notices, Options, ProductFacts, Source
from lookweave.store.takedowns import Takedowns
from lookweave.studio.direction.campaign import Article, Refusal
from lookweave.taxonomy import sold_as

_Row = tuple[str, int | str]


def read(
    catalogue: str, options: Options, rules: RightsRules, takedowns: Takedowns | None = None
) -> tuple[list[Article], list[Refusal], list[str]]:
    """The articles of a folder or manifest, in its order.

    Of an article the first photo is taken that shows it alone and may be used. Articles that share
    that photo (sizes of one style) are shown once. A photo that several rows name, or copies of it,
    is held to what all of them say.

    Args:
        catalogue: a folder of product photos, whose sub-folders may be named after categories, or
            a manifest.
        options: how a manifest is to be read.
        rules: which words of rights forbid. A licence that forbids altered copies forbids pictures
            made from the photo, and so do words that are not understood.
        takedowns: what a workspace knows to be taken down; None: only what the catalogue says.

    Returns:
        Articles, refusals, and what reading the catalogue had to guess, in sentences.

    Raises:
        InputError: the catalogue cannot be used.
    """
    listed = Listing("garment", (catalogue,), options, Notices())
    rows: dict[_Row, list[Source]] = {}
    said: dict[str, list[Source]] = {}
    identities: dict[str, str | None] = {}
    for source in listed:
        rows.setdefault((source.input, source.line or source.path), []).append(source)
        if source.path not in identities:
            identities[source.path] = _identity(source)
        said.setdefault(identities[source.path] or source.path, []).append(source)
    articles: dict[str, Article] = {}
    refused: list[Refusal] = []
    for photos in rows.values():
        problem: Rejected | None = None
        for photo in sorted(photos, key=lambda one: (one.role != "main", one.position)):
            try:
                identity = identities[photo.path]
                rights = _usable(photo, identity, said[identity or photo.path], rules, takedowns)
            except Rejected as error:
                problem = problem or error
                continue
            assert identity is not None
            articles[identity] = _article(articles.get(identity), identity, photo, rights.words)
            break
        else:
            assert problem is not None
            refused.append(_refusal(photos[0], problem))
    return list(articles.values()), refused, listed.notices.sentences()


def _identity(photo: Source) -> str | None:
    """The id of the photo's bytes; None where they cannot be read here."""
    if photo.problem is not None or photo.is_address:
        return None
    try:
        with Path(photo.path).open("rb") as file:
            return photo_id(hashlib.file_digest(file, "sha256").hexdigest())
    except OSError:
        return None


def _usable(
    photo: Source, identity: str | None, said: Sequence[Source], rules: RightsRules,
    takedowns: Takedowns | None,
) -> Judgement:  # fmt: skip
    """The rights of a photo that may be used.

    Raises:
        Rejected: it may not, or it cannot be read.
    """
    if down := [statement for row in said for statement in row.takedowns]:
        raise Rejected("taken_down", f"The catalogue takes it down ({'; '.join(down)}).")
    rights = rules.judge_all(words for row in said for words in row.rights)
    if rights.standing is Standing.FORBIDDEN:
        raise Rejected("rights_forbid", f"Its rights forbid publication: {rights.words}.")
    if rights.standing is Standing.UNKNOWN and rights.words:
        raise Rejected(
            "rights_unknown",
            f"Its rights are not understood: {rights.words}. Say with --allow-rights that these "
            "words allow, or mend the catalogue.",
        )
    if rights.no_derivatives:
        raise Rejected("no_derivatives", f"Its rights forbid altered copies: {rights.words}.")
    if photo.problem is not None:
        raise photo.problem
    if photo.is_address:
        raise Rejected("not_here", f"The photo lies at {photo.path}: bring it to a folder.")
    if identity is None:
        raise Rejected("missing_file", f"{photo.path} is not there or cannot be read.")
    if photo.role in ("worn", "swatch"):
        raise Rejected("not_alone", "No photo of the article shows it alone and whole.")
    if takedowns is not None and takedowns.covers(identity, [row.path for row in said]):
        raise Rejected("taken_down", "The workspace knows it as taken down.")
    return rights


def _article(before: Article | None, identity: str, photo: Source, rights: str) -> Article:
    facts = photo.facts
    assert isinstance(facts, ProductFacts)
    numbers = tuple(filter(None, (facts.sku,)))
    if before is not None:
        skus = tuple(dict.fromkeys((*before.skus, *numbers)))
        return replace(before, skus=skus)
    folder = photo.name.rpartition("/")[0].rpartition("/")[2] if photo.line is None else ""
    word = facts.category or folder
    category = sold_as(word, facts.title or "")
    return Article(identity, photo.path, numbers, facts.title or "", category, rights, word)


def _refusal(photo: Source, problem: Rejected) -> Refusal:
    facts = photo.facts
    assert isinstance(facts, ProductFacts)
    numbers = tuple(filter(None, (facts.sku,)))
    return Refusal(photo.name, numbers, facts.title or "", problem.reason, problem.detail)
