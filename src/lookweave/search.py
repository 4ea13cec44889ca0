"""Search a workspace by words or by a photo, one query at a time, for a person who waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from heapq import nlargest
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lookweave import photos
from lookweave.config import Config
from lookweave.errors import InputError, Rejected
from lookweave.matching.terms import Term, is_unspaced, said, terms
from lookweave.models import colour
from lookweave.models.card import Card
from lookweave.models.cards import Models, models_of
from lookweave.models.cutout import garment_region
from lookweave.models.protocols import Crop
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.subjects import WORKING_SIDE
from lookweave.pipeline.steps.tier import TIERS, Tier
from lookweave.store.conditions import column, matching
from lookweave.store.products import products_of
from lookweave.store.workspace import Workspace
from lookweave.taxonomy import ATTRIBUTES, SYNONYMS, normalise

Scores = np.ndarray[Any, np.dtype[np.float32]]

KINDS = ("garment", "look")
_AT_ONCE = 4096  # values in one condition
_FLOOR = 0.01  # no value that a description holds unlikely is impossible
_NAMED = 0.9  # the least that a colour counts which a description would name
_UNNAMED = 0.05  # weight of the share of one that it would not
_TEXT_WEIGHT = 0.5  # of the cosine beside the agreement, see `together`
_TITLE_WEIGHT = 0.4  # of the catalogue's and credits' own words beside the agreement


def search(
    workspace: Workspace,
    config: Config,
    *,
    words: str | None = None,
    image: Path | None = None,
    kind: str | None = None,
    top: int = 10,
) -> dict[str, Any]:
    """The photos that fit best.

    Args:
        words: such as "red floral midi dress", compared with the pictures, with what the
            describer said and with what the catalogue knows; the answer's ``by`` says which.
        image: a photo; its garment is cut out and compared with all regions.
        kind: ``garment``, ``look`` or None for both.

    Returns:
        ``{"by": …, "results": [{"score", "kind", "id", "name", "path", "title", "box", "what",
        "products", "tier", "taken_down", "listed"}, …]}``, best first, one result for each photo.
        Where nothing is found, ``note`` says why and what would help.

    Raises:
        InputError: no such kind, an unreadable photo, or words that nothing can be compared with.
    """
    if kind is not None and kind not in KINDS:
        raise InputError(f"--kind is garment or look, not {kind!r}.")
    kinds = (kind,) if kind else KINDS
    models = models_of(config)
    if image is not None:
        by = f"the photo {image.name}, as {models.encoder.name} sees it"
        hits = _nearest(workspace, models, _vector_of(image, models, config), kinds, top)
    else:
        by, hits = _worded(workspace, models, config, words or "", kinds, top)
    results = _results(workspace, config, hits, top)
    why = {} if results else {"note": _why_nothing(workspace, models, words, kinds)}
    return {"by": by, "results": results, **why}


def _why_nothing(
    workspace: Workspace, models: Models, words: str | None, kinds: tuple[str, ...]
) -> str:
    """Why nothing was found, and what would help."""
    what = " and ".join(f"{kind}s" for kind in kinds)
    if not any(workspace.table(f"{kind}s").count() for kind in kinds):
        return f"The workspace has no {what}."
    regions = workspace.table("regions")
    of_kinds = matching(detector=models.detector.key) & column("kind").is_in(kinds)
    if not regions.count(of_kinds):
        return (
            f"No garment was found in its {what} by {models.detector.name} yet: run `lookweave "
            "build`, and `lookweave status` shows what is left."
        )
    if words is None:
        return (
            f"Its {what} have no vectors of {models.encoder.name} yet: run `lookweave build`, and "
            "`lookweave status` shows what is left."
        )
    asked = [" ".join(term.parts) for term in terms(words)]
    known = {word for values in ATTRIBUTES.values() for word in values}
    known.update(word for others in SYNONYMS.values() for word in others)
    unknown = [word for word in asked if word not in known]
    if not unknown:
        return (
            f"No garment of the {what} is described as {', '.join(asked)}; `lookweave status` "
            "shows whether descriptions are left to make."
        )
    near = [one for word in unknown for one in get_close_matches(word, sorted(known), 1)]
    meant = f" Did you mean {', '.join(dict.fromkeys(near))}?" if near else ""
    return (
        f"No title, brand, season, credit or article's number of the {what} has the words "
        f"{', '.join(asked)}, and they name no category, colour, pattern or the like.{meant} Words "
        'such as "red striped shirt" are always understood, and so is a photo (--image FILE).'
    )


def _worded(
    workspace: Workspace,
    models: Models,
    config: Config,
    words: str,
    kinds: tuple[str, ...],
    top: int,
) -> tuple[str, list[Hit]]:
    """How words were compared, and the hits.

    An encoder that says what it reads and the descriptions both answer, see `together`, and words
    that it does not read are asked of descriptions and catalogue once more. An encoder with an
    open vocabulary reads everything, and answers alone.
    """
    reading = read_words(models, lambda: _loaded(_Wanted.of(models.encoder, config)), words)
    if reading.vector is None:
        return reading.by, _Descriptions(workspace, models).best(reading.wishes[0], kinds, top)
    if not reading.wishes:
        return reading.by, _nearest(workspace, models, reading.vector, kinds, top)
    return reading.by, _agreed(workspace, models, reading.vector, reading.wishes, kinds, top)


@dataclass(frozen=True)
class Reading:
    """How words are to be compared: by descriptions and catalogue, by a vector, or by both.

    Attributes:
        by: the same in words.
        wishes: to hold against descriptions and catalogue; the first is all that was asked.
        vector: float32, of unit length, in the encoder's space; None where it reads nothing.
    """

    by: str
    wishes: tuple[Wish, ...]
    vector: Scores | None


def read_words(models: Models, encoder: Callable[[], Any], words: str) -> Reading:
    """How these words are to be compared.

    Args:
        encoder: loads the encoder, where it reads text.

    Raises:
        InputError: there is no word.
    """
    wish = Wish.parse(words)
    spoken = f"words of {models.describer.name} and of the catalogue"
    if not models.encoder.text:
        return Reading(f"{spoken} ({models.encoder.name} reads no text)", (wish,), None)
    loaded = encoder()
    reading = loaded.reading(words) if hasattr(loaded, "reading") else None
    if reading is not None and not reading.concepts:
        return Reading(f"{spoken} ({models.encoder.name} reads none of them)", (wish,), None)
    vector = loaded.encode_text([words])[0]
    by = f"text in the space of {models.encoder.name}"
    if reading is None:
        return Reading(by, (), vector)
    unread = (Wish.parse(" ".join(reading.unread)),) if reading.unread else ()
    return Reading(f"{by}, and {spoken}", (wish, *unread), vector)


def together(agreement: Scores, similarity: Scores) -> Scores:
    """The score of regions by their descriptions and by the text tower, any shape.

    What is asked for in words of the taxonomy the description knows best: its colours are measured
    and its category is calibrated. The tower reads finer words (boots, blazer), and orders what
    descriptions cannot tell apart. Its weight was chosen on garments that neither describer nor
    tower was trained on, and none of the test photos.

    Args:
        agreement: of `Wish.agreement`, 0..1.
        similarity: cosine of text and region, -1..1.
    """
    return agreement + _TEXT_WEIGHT * similarity


def _agreed(
    workspace: Workspace,
    models: Models,
    vector: Scores,
    wishes: tuple[Wish, ...],
    kinds: tuple[str, ...],
    top: int,
) -> list[Hit]:
    """What is best by the vector or by a wish, each of these regions scored by all of them."""
    descriptions = _Descriptions(workspace, models)
    lists = [_nearest(workspace, models, vector, kinds, top)]
    lists += [descriptions.best(one, kinds, top) for one in wishes]
    captions = {region: caption for hits in lists for _, region, caption in hits}
    if not captions:
        return []
    agreed, seen = dict.fromkeys(captions, 0.0), dict.fromkeys(captions, 0.0)
    for one in wishes:
        for hits in descriptions.fitting(one, "subject", captions):
            for score, region, _ in hits:
                agreed[region] += score
    table = workspace.embeddings(models.encoder.key, models.encoder.dimension or 0)
    for row in table.rows_by("subject", captions, ["subject", "vector"]).to_pylist():
        seen[row["subject"]] = float(vector @ np.array(row["vector"], np.float32))
    agreement, similarity = (np.array([*part.values()], np.float32) for part in (agreed, seen))
    scores = together(agreement, similarity).tolist()
    return sorted(zip(scores, captions, captions.values(), strict=True), key=_order)


@dataclass(frozen=True)
class Wish:
    """What the words of a query ask for.

    Attributes:
        attributes: attribute -> the values asked for.
        terms: all words, for titles, brands and numbers of articles.
    """

    attributes: dict[str, tuple[str, ...]]
    terms: tuple[Term, ...]

    @classmethod
    def parse(cls, text: str) -> Wish:
        """Words of the taxonomy or its synonyms become attributes.

        >>> Wish.parse("Navy striped jumper").attributes
        {'category': ('knitwear',), 'colours': ('navy',), 'pattern': ('striped',)}
        """
        asked_for = terms(text)
        if not asked_for:
            raise InputError(
                'There are no words to search for: give some, such as "red midi dress".'
            )
        words = [word.strip(".,;:!?\"'()").lower() for word in text.split()]
        words = [word for word in words if word]
        pairs = [f"{one} {other}" for one, other in pairwise(words)]
        asked: dict[str, tuple[str, ...]] = {}
        for attribute in ATTRIBUTES:
            found = [normalise(attribute, term.replace(" ", "-")) for term in [*pairs, *words]]
            if values := tuple(dict.fromkeys(value for value in found if value)):
                asked[attribute] = values
        return cls(asked, asked_for)

    def agreement(self, attributes: Scores) -> Scores:
        """How likely each description is all that was asked for, float32 (n,) in 0..1.

        The geometric mean over the attributes asked for, so that a red shirt is no half of a red
        dress; an attribute that a description does not speak of counts as even. Colours are no
        guess but measured: one that a description would name counts nearly whole, whether it
        covers a third of a print or all of a garment, and of several asked for each its part.

        Args:
            attributes: float32 (n, ATTRIBUTE_WIDTH), see `models.attributes`.
        """
        logarithms = np.zeros(len(attributes), np.float32)
        start = 0
        for attribute, values in ATTRIBUTES.items():
            block = attributes[:, start : start + len(values)]
            start += len(values)
            if asked := self.attributes.get(attribute):
                wanted = [values.index(value) for value in asked]
                if attribute == "colours":
                    likely = _coloured(block)[:, wanted].mean(axis=1)
                else:
                    likely = block[:, wanted].sum(axis=1)
                likely = np.where(block.any(axis=1), likely, len(asked) / len(values))
                logarithms += np.log(likely + _FLOOR)
        mean = np.exp(logarithms / max(1, len(self.attributes)))
        agreed: Scores = np.maximum(mean - _FLOOR, 0.0)
        return agreed if self.attributes else np.zeros_like(agreed)


def _coloured(shares: Scores) -> Scores:
    """How far each colour is the garment's, 0..1, from its shares of the surface (n, colours).

    A little more the more it covers: who asks for red alone wants the reddest first.
    """
    named = colour.spoken(shares)
    return np.where(named, _NAMED + (1 - _NAMED) * shares, _UNNAMED * shares)


def _vector_of(image: Path, models: Models, config: Config) -> np.ndarray[Any, Any]:
    try:
        photo = photos.load(image, max_side=WORKING_SIDE)
    except Rejected as why:
        raise InputError(f"{image} cannot be searched with: {why.detail}") from why
    found = _loaded(_Wanted.of(models.detector, config)).detect([photo.pixels])[0]
    one = garment_region(models.detector, photo.pixels, found)
    crop = Crop(photo.pixels, one.box, one.mask, "garment", one.label_scores)
    vector: np.ndarray[Any, Any] = _loaded(_Wanted.of(models.encoder, config)).encode([crop])[0]
    return vector


@dataclass(frozen=True)
class _Wanted:
    """A model, told apart by its key and where its weights lie."""

    key: str
    models_dir: Path | None
    card: Card = field(compare=False)

    @classmethod
    def of(cls, card: Card, config: Config) -> _Wanted:
        return cls(card.key, config.models_dir, card)


@lru_cache(maxsize=2)
def _loaded(wanted: _Wanted) -> Any:
    """The model, kept for the next search of this process: an encoder and a detector at most."""
    return wanted.card.load(wanted.models_dir)


Hit = tuple[float, str, str | None]
"""(score, region, what is said of it)"""


def _nearest(
    workspace: Workspace, models: Models, vector: object, kinds: tuple[str, ...], top: int
) -> list[Hit]:
    table = workspace.embeddings(models.encoder.key, models.encoder.dimension or 0)
    mine = f":{models.detector.key}:"
    hits: list[Hit] = []
    for kind in kinds:
        where = matching(kind=kind) & column("subject").contains(mine)
        # A look has several regions and shows once, so some more are asked for.
        rows = table.nearest(vector, min(8 * top, max(1, table.count())), where)
        distances = rows.column("_distance").to_pylist()
        regions = rows.column("subject").to_pylist()
        hits += [
            (1.0 - distance, region, None)
            for distance, region in zip(distances, regions, strict=True)
        ]
    captions = _captions(workspace, models, [region for _, region, _ in hits])
    return sorted(((score, region, captions.get(region)) for score, region, _ in hits), key=_order)


def _captions(workspace: Workspace, models: Models, regions: list[str]) -> dict[str, str | None]:
    descriptions = workspace.table("descriptions")
    if not regions:
        return {}
    mine = matching(model=models.describer.key)
    rows = descriptions.rows_by("subject", regions, ["subject", "caption"], mine).to_pylist()
    return {row["subject"]: row["caption"] for row in rows}


class _Descriptions:
    """What descriptions, catalogue and credits say, asked by several wishes."""

    def __init__(self, workspace: Workspace, models: Models) -> None:
        self._workspace = workspace
        self._table = workspace.table("descriptions")
        self._describer, self._detector = models.describer.key, f":{models.detector.key}:"
        self._titles: dict[tuple[Term, ...], dict[tuple[str, str], float]] = {}

    def best(self, wish: Wish, kinds: tuple[str, ...], top: int) -> list[Hit]:
        """What fits the wish best, in one pass; memory stays at `top` hits."""
        best: list[Hit] = []
        for hits in self.fitting(wish, "kind", kinds):
            best = nlargest(8 * top, [*best, *hits], key=lambda hit: (hit[0], hit[1]))
        return sorted(best, key=_order)

    def fitting(self, wish: Wish, name: str, values: Iterable[str]) -> Iterator[list[Hit]]:
        """What fits the wish at all, of the descriptions whose column `name` is one of `values`."""
        if wish.terms not in self._titles:
            self._titles[wish.terms] = catalogue_fit(self._workspace, wish.terms)
        titles = self._titles[wish.terms]
        for batch in self._batches(name, list(values)):
            flat = batch.column("attributes").combine_chunks().flatten()
            rows = flat.to_numpy(zero_copy_only=False).reshape(batch.num_rows, -1)
            regions, captions = (batch.column(one).to_pylist() for one in ("subject", "caption"))
            fit = wish.agreement(rows)
            if titles:
                kinds = batch.column("kind").to_pylist()
                photo = (region.split(":", 1)[0] for region in regions)
                fit = fit + np.array(
                    [titles.get(key, 0.0) for key in zip(kinds, photo, strict=True)]
                )
            yield [
                (float(score), region, caption)
                for score, region, caption in zip(fit, regions, captions, strict=True)
                if score > 0 and self._detector in region
            ]

    def _batches(self, name: str, values: list[str]) -> Iterator[pa.Table]:
        columns = ["subject", "kind", "caption", "attributes"]
        for start in range(0, len(values), _AT_ONCE):
            some = column(name).is_in(values[start : start + _AT_ONCE])
            yield from self._table.scan(columns, matching(model=self._describer) & some)


_SAID: dict[str, tuple[str, ...]] = {
    "garment": ("title", "brand", "category", "product", "sku"),
    "look": ("title", "brand", "season", "photographer", "shoot"),
}
_ARTICLE = ("title", "brand", "category", "style", "colour", "size", "sku", "gtin")
_NUMBERS = ("sku", "gtin", "product", "style")
_TOLD = ("sku", "gtin", "title", "brand", "style", "colour", "size")


def catalogue_fit(workspace: Workspace, asked: tuple[Term, ...]) -> dict[tuple[str, str], float]:
    """How far catalogue and credits say the terms, by kind and photo; photos that say none are
    missing.

    The share of the terms that stand in a photo's own words, weighed; and a whole point more where
    one of them is the number of its article.
    """
    return Catalogue.read(workspace, asked).fits(asked)


@dataclass
class Catalogue:
    """The words of catalogue and credits, ready for many queries.

    Attributes:
        owners: photos that each text speaks of, by kind and id: one, or those of an article.
        places: word -> the texts that have it.
        joined: each text without spaces, for scripts that put none.
        numbers: an article's number, joined -> the texts of which it is one.
    """

    owners: list[tuple[tuple[str, str], ...]]
    places: dict[str, list[int]]
    joined: list[str]
    numbers: dict[str, list[int]]

    @classmethod
    def read(cls, workspace: Workspace, asked: tuple[Term, ...] | None = None) -> Catalogue:
        """Of a workspace.

        Args:
            asked: keep only texts that say one of these; None: all.
        """
        found = cls([], {}, [], {})
        for kind, columns in _SAID.items():
            for batch in workspace.table(f"{kind}s").scan(["id", *columns]):
                for row in batch.to_pylist():
                    found._add(row, columns, ((kind, row["id"]),), asked)
        # A photo may show several articles, and its own row names one of them.
        listed = column("listed").is_not_false()
        shown: dict[str, list[tuple[str, str]]] = {}
        for batch in workspace.table("product_photos").scan(["product", "garment"], listed):
            for row in batch.to_pylist():
                if row["garment"]:
                    shown.setdefault(row["product"], []).append(("garment", row["garment"]))
        for batch in workspace.table("products").scan(["id", *_ARTICLE], listed):
            for row in batch.to_pylist():
                if row["id"] in shown:
                    found._add(row, _ARTICLE, tuple(shown[row["id"]]), asked)
        return found

    def fits(self, asked: tuple[Term, ...]) -> dict[tuple[str, str], float]:
        """As `catalogue_fit`."""
        counts: dict[int, int] = {}
        for term in asked:
            for at in self._saying(term):
                counts[at] = counts.get(at, 0) + 1
        named = {at for term in asked for at in self.numbers.get(term.joined, ())}
        fits: dict[tuple[str, str], float] = {}
        for at, count in counts.items():
            fit = _TITLE_WEIGHT * count / len(asked) + (1.0 if at in named else 0.0)
            for owner in self.owners[at]:
                fits[owner] = max(fit, fits.get(owner, 0.0))
        return fits

    def _saying(self, term: Term) -> set[int]:
        """As `Term.is_in`."""
        parts = [set(self.places.get(part, ())) for part in term.parts]
        found = set(self.places.get(term.joined, ())) | set.intersection(*parts)
        if is_unspaced(term.joined):
            found |= {at for at, text in enumerate(self.joined) if term.joined in text}
        return found

    def _add(
        self,
        row: Mapping[str, Any],
        columns: tuple[str, ...],
        owners: tuple[tuple[str, str], ...],
        asked: tuple[Term, ...] | None,
    ) -> None:
        words = said(" ".join(row[name] for name in columns if row[name]))
        if not words.words or (asked is not None and not any(one.is_in(words) for one in asked)):
            return
        at = len(self.owners)
        self.owners.append(owners)
        self.joined.append(words.joined)
        for word in words.words:
            self.places.setdefault(word, []).append(at)
        for name in _NUMBERS:
            if row.get(name):
                self.numbers.setdefault(said(row[name]).joined, []).append(at)


def _results(
    workspace: Workspace, config: Config, hits: list[Hit], top: int
) -> list[dict[str, Any]]:
    """The best hit of each photo, with what a person needs to find it."""
    best: dict[str, Hit] = {}
    for hit in hits:
        best.setdefault(hit[1].split(":", 1)[0], hit)
    chosen = dict(list(best.items())[:top])
    regions = workspace.table("regions").rows_by(
        "id", [region for _, region, _ in chosen.values()], ["id", "kind", "box"]
    )
    found = {row["id"]: row for row in regions.to_pylist()}
    columns = ["id", "name", "path", "title", "taken_down", "listed"]
    rows = {
        (kind, row["id"]): row
        for kind in KINDS
        for row in workspace.table(f"{kind}s").rows_by("id", chosen, columns).to_pylist()
    }
    articles = _articles(workspace, chosen)
    tiers = _tiers(workspace, config, chosen)
    results = []
    for photo, (score, region, what) in chosen.items():
        kind = found[region]["kind"] if region in found else ""
        if (kind, photo) in rows:  # else another build has removed it meanwhile
            row = rows[kind, photo]
            results.append(
                {
                    "score": score, "kind": kind, "what": what, **row,
                    "taken_down": bool(row["taken_down"]), "listed": row["listed"] is not False,
                    "box": found[region]["box"], "tier": tiers.get((kind, photo)),
                    "products": articles.get(photo, []) if kind == "garment" else [],
                }
            )  # fmt: skip
    return results


def _articles(workspace: Workspace, photos: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Garment -> its articles."""
    return {
        photo: [{name: getattr(one, name) for name in _TOLD} for one in articles]
        for photo, articles in products_of(workspace, photos).items()
    }


def _tiers(
    workspace: Workspace, config: Config, photos: Iterable[str]
) -> dict[tuple[str, str], str]:
    """Kind and photo -> the best tier of its pairs."""
    made = Tier(Setup.of(config)).rows
    found: dict[tuple[str, str], str] = {}
    for kind in KINDS:
        rows = workspace.table("pairs").rows_by(kind, photos, [kind, "tier"], made).to_pylist()
        for row in sorted(rows, key=lambda row: TIERS.index(row["tier"])):
            found.setdefault((kind, row[kind]), row["tier"])
    return found


def _order(hit: Hit) -> tuple[float, str]:
    return (-hit[0], hit[1])
