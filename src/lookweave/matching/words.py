"""What words say for a match: captions, brands, product names and article numbers.

Everything here is about pairs: `garments[i]` and `looks[j]` name the i-th garment and the j-th
look of a pair, so only candidates that survived the visual join are scored. A score is 0..1, and
NaN where one side says nothing: absent words are no evidence, and `semantic_score` leaves
them out rather than count them as disagreement.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

Scores = NDArray[np.float32]
Indices = NDArray[np.integer]

_SAME, _DIFFERENT = 92.0, 60.0  # ratios at which two brands count as one, and as two
_ALIKE = 86.0  # ratio at which two words are the same one, misspelt or inflected
_SHORTEST_FUZZY = 5  # shorter words are compared letter by letter: "silk" is no "milk"
_SHORTEST_SKU = 5  # shorter article numbers occur by chance
_BLOCK = 1024

_COMPANY = re.compile(
    r"\b(?:the|official|studios?|paris|milano|london|new york|inc|ltd|gmbh|srl|spa|sa|co)\b"
)
_STOP_WORDS = frozenset(
    ("the", "and", "with", "for", "from", "size", "new", "look", "photo", "model", "wears")
)


@dataclass(frozen=True)
class WordWeights:
    """How much each part counts; 0 switches it off.

    Attributes:
        attributes: agreement of the described attributes.
        captions: cosine of the captions' text vectors.
        brand: agreement of the two brand fields.
        credits: how far a product named in the credits raises the score; 1 raises it to 1.
    """

    attributes: float = 1.0
    captions: float = 0.5
    brand: float = 0.25
    credits: float = 0.8


def semantic_score(
    attributes: Scores,
    captions: Scores | None = None,
    brand: Scores | None = None,
    credits: Scores | None = None,
    weights: WordWeights | None = None,
) -> Scores:
    """S_VLM of each pair, from its parts.

    The mean of attributes, captions and brand by weight, over those that are known; then raised
    towards 1 by what the credits say, because an editorial that does not name a garment speaks
    for another no more than for this one.

    Args:
        attributes: float32 (n,), as are the others; NaN where unknown; None leaves a part out.

    Returns:
        float32 (n,), 0..1; 0 where nothing at all is known.
    """
    weights = weights or WordWeights()
    total = np.zeros(len(attributes), np.float64)
    weight = np.zeros(len(attributes), np.float64)
    for part, share in (
        (attributes, weights.attributes),
        (captions, weights.captions),
        (brand, weights.brand),
    ):
        if part is not None and share > 0:
            known = ~np.isnan(part)
            total[known] += share * part[known]
            weight[known] += share
    score = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
    if credits is not None and weights.credits > 0:
        score += (1.0 - score) * min(1.0, weights.credits) * np.nan_to_num(credits)
    return np.clip(score, 0.0, 1.0).astype(np.float32)


def caption_similarity(
    garment_vectors: Scores,
    region_vectors: Scores,
    garments: Indices,
    regions: Indices,
    floor: float = 0.0,
) -> Scores:
    """Cosine of the captions' text vectors for each pair, `floor`..1 stretched to 0..1.

    Args:
        garment_vectors: unit vectors, float32 (garments, d); a row of zeros or NaN: no caption.
        region_vectors: likewise (regions, d), of the same text encoder.
        garments: row of the first for each pair, (n,).
        regions: row of the second for each pair, (n,).
        floor: cosine of unrelated captions, which is far from 0 in most text encoders.

    Returns:
        float32 (n,), NaN where a caption is missing.
    """
    scores = np.empty(len(garments), np.float32)
    for start in range(0, len(garments), _BLOCK * 16):
        block = slice(start, start + _BLOCK * 16)
        left, right = garment_vectors[garments[block]], region_vectors[regions[block]]
        cosine = np.einsum("ij,ij->i", left, right)
        absent = ~(left.any(axis=1) & right.any(axis=1))
        scores[block] = np.where(absent, np.nan, (cosine - floor) / (1.0 - floor))
    return np.clip(scores, 0.0, 1.0)


def brand_agreement(
    garment_brands: Sequence[str | None],
    look_brands: Sequence[str | None],
    garments: Indices,
    looks: Indices,
) -> Scores:
    """Whether the two brand fields of each pair name one house, spelling and suffixes aside.

    Returns:
        float32 (n,): 1 the same, 0 another, between for doubtful spellings, NaN where one is
        empty.
    """
    names, left = _distinct([_brand(brand) for brand in garment_brands])
    others, right = _distinct([_brand(brand) for brand in look_brands])
    # Far fewer pairs of brands than of photos: compare each once.
    pairs, back = np.unique(
        left[garments].astype(np.int64) * len(others) + right[looks], return_inverse=True
    )
    ours = [names[pair // len(others)] for pair in pairs]
    theirs = [others[pair % len(others)] for pair in pairs]
    ratio = process.cpdist(ours, theirs, scorer=fuzz.token_sort_ratio, dtype=np.float32)
    scores = np.clip((ratio - _DIFFERENT) / (_SAME - _DIFFERENT), 0.0, 1.0)
    unknown = np.array([not (a and b) for a, b in zip(ours, theirs, strict=True)], bool)
    result: Scores = np.where(unknown, np.nan, scores).astype(np.float32)[back.reshape(-1)]
    return result


def credits_naming(
    brands: Sequence[str | None],
    titles: Sequence[str | None],
    skus: Sequence[str | None],
    credits: Sequence[str | None],
    garments: Indices,
    looks: Indices,
) -> Scores:
    """How surely a look's credits name the garment of each pair.

    An article number in the credits is certain. Otherwise it is the share of the brand's and
    title's words that the credits have too, misspellings allowed, each weighted by its rarity in
    the catalogue: *coat* says little, *Manteau Clément* says nearly all.

    Args:
        brands: of each garment; with `titles` and `skus`, what the catalogue knows.
        titles: of each garment.
        skus: of each garment.
        credits: of each look, one text: credits, title and whatever else its page says.
        garments: row of the first three for each pair, (n,).
        looks: row of `credits` for each pair, (n,).

    Returns:
        float32 (n,), 0..1; NaN where the look has no credits or the garment no words.
    """
    named = [
        _words(f"{brand or ''} {title or ''}") for brand, title in zip(brands, titles, strict=True)
    ]
    written = [_words(text or "") for text in credits]
    vocabulary, ours = _bags(named)
    their_vocabulary, theirs = _bags(written)
    rarity = np.log((1.0 + len(named)) / (1.0 + ours.getnnz(axis=0)))
    weighted = ours @ sparse.diags(rarity)
    sums = np.asarray(weighted.sum(axis=1)).ravel()
    alike = _alike(vocabulary, their_vocabulary)
    said = (theirs @ alike.T).astype(bool).astype(np.float32)  # looks x our words
    scores = np.full(len(garments), np.nan, np.float32)
    compact = [re.sub(r"[^0-9a-z]", "", _plain(text or "")) for text in credits]
    articles = [re.sub(r"[^0-9a-z]", "", _plain(sku or "")) for sku in skus]
    for start in range(0, len(garments), _BLOCK * 16):
        block = slice(start, start + _BLOCK * 16)
        i, j = garments[block], looks[block]
        shared = np.asarray(weighted[i].multiply(said[j]).sum(axis=1)).ravel()
        known = (sums[i] > 0) & (theirs.getnnz(axis=1)[j] > 0)
        part = np.where(known, shared / np.where(sums[i] > 0, sums[i], 1.0), np.nan)
        certain = [
            len(articles[g]) >= _SHORTEST_SKU and articles[g] in compact[look]
            for g, look in zip(i.tolist(), j.tolist(), strict=True)
        ]
        scores[block] = np.where(certain, 1.0, part)
    return scores


def _plain(text: str) -> str:
    """Lower case, accents off."""
    parts = unicodedata.normalize("NFKD", text.lower())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def _brand(name: str | None) -> str:
    plain = re.sub(r"[^0-9a-z&]+", " ", _plain(name or "")).replace("&", " and ")
    bare = " ".join(_COMPANY.sub(" ", plain).split())
    return bare or " ".join(plain.split())  # a house called "Co" keeps its name


def _words(text: str) -> list[str]:
    found = re.findall(r"[0-9a-z]{3,}", _plain(text))
    return [word for word in dict.fromkeys(found) if word not in _STOP_WORDS]


def _distinct(values: list[str]) -> tuple[list[str], Indices]:
    codes = {value: code for code, value in enumerate(dict.fromkeys(values))}
    return list(codes), np.array([codes[value] for value in values], np.int64)


def _bags(texts: list[list[str]]) -> tuple[list[str], sparse.csr_matrix]:
    """The vocabulary and a matrix texts x words of ones."""
    vocabulary, columns = _distinct([word for words in texts for word in words])
    rows = np.repeat(np.arange(len(texts)), [len(words) for words in texts])
    ones = np.ones(len(columns), np.float32)
    shape = (len(texts), len(vocabulary))
    return vocabulary, sparse.csr_matrix((ones, (rows, columns)), shape=shape)


def _alike(ours: list[str], theirs: list[str]) -> sparse.csr_matrix:
    """Which of our words are which of theirs, as a matrix of ones.

    Long words are compared within their first letter only: a misspelling rarely changes it, and
    the comparisons fall by more than ten.
    """
    places = {word: place for place, word in enumerate(theirs)}
    pairs = [(place, places[word]) for place, word in enumerate(ours) if word in places]
    for letter in {word[0] for word in ours}:
        left = [n for n, word in enumerate(ours) if word[0] == letter and _may_vary(word)]
        right = [n for n, word in enumerate(theirs) if word[0] == letter and _may_vary(word)]
        choices = [theirs[n] for n in right]
        for start in range(0, len(left) if right else 0, _BLOCK):
            block = left[start : start + _BLOCK]
            ratio = process.cdist(
                [ours[n] for n in block], choices, scorer=fuzz.ratio, score_cutoff=_ALIKE,
                dtype=np.uint8,
            )  # fmt: skip
            rows, columns = np.nonzero(ratio)
            pairs += [
                (block[a], right[b]) for a, b in zip(rows.tolist(), columns.tolist(), strict=True)
            ]
    found = np.array(pairs, np.int64).reshape(-1, 2)
    ones = np.ones(len(found), np.float32)
    return sparse.csr_matrix((ones, (found[:, 0], found[:, 1])), shape=(len(ours), len(theirs)))


def _may_vary(word: str) -> bool:
    return len(word) >= _SHORTEST_FUZZY and not any(letter.isdigit() for letter in word)
