"""What words say for a match: brands, product names and article numbers.

A catalogue names a garment, an editorial's page names what is worn in it. `Words` holds both
sides as codes of words, a few integers a row, and is asked about pairs: `garments[i]` and
`looks[j]` name the i-th garment and the j-th look. A score is 0..1, and NaN where one side says
nothing: absent words are no evidence, and `semantic_score` leaves them out rather than count
them as disagreement.
"""

from __future__ import annotations

import json
import re
import unicodedata
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
_LONGEST_SKU = 5  # pieces that an article number may be written in: LM 9021 77
_BLOCK = 1024
_PAIRS = 16 * _BLOCK

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
        said: what the descriptions' agreement weighs, beside the brand.
        brand: agreement of the two brand fields.
        credits: how far a product named in the credits raises the score; 1 raises it to 1.
    """

    said: float = 1.0
    brand: float = 0.25
    credits: float = 0.8


def semantic_score(said: Scores, brand: Scores, credits: Scores, weights: WordWeights) -> Scores:
    """S_VLM of each pair, from its parts.

    The mean of description and brand by weight, where the brand is known; then raised towards 1
    by what the credits say, because an editorial that does not name a garment speaks for another
    no more than for this one.

    Args:
        said: agreement of the descriptions, float32 of any shape, 0..1, as are the others.
        brand, credits: NaN where unknown.

    Returns:
        float32, 0..1; `said` itself where no words are known, NaN where it is NaN.
    """
    score = said.astype(np.float64)
    total = weights.said + weights.brand
    if weights.brand > 0 and total > 0:
        mean = (weights.said * score + weights.brand * brand) / total
        score = np.where(np.isnan(brand), score, mean)
    if weights.credits > 0:
        score += (1.0 - score) * min(1.0, weights.credits) * np.nan_to_num(credits)
    return score.astype(np.float32)


@dataclass(frozen=True)
class GarmentText:
    """What the catalogue says of a garment."""

    brand: str | None
    title: str | None
    sku: str | None


@dataclass(frozen=True)
class LookText:
    """What its page says of a look; `credits` is one text: title, credits and whatever else."""

    brand: str | None
    credits: str | None


class Words:
    """The words of both sides, coded; made by `read`, kept by `save`.

    Attributes:
        branded: garments and looks that name a brand.
        credited: looks whose credits have a word.
    """

    def __init__(self, arrays: dict[str, NDArray[Any]], brands: list[list[str]]) -> None:
        self._arrays, self._brands = arrays, brands
        self._ours, self._theirs = arrays["our_brand"], arrays["their_brand"]
        words = len(arrays["rarity"])
        ones = np.ones(len(arrays["said"]), np.float64)
        self._weighted = sparse.csr_matrix(
            (arrays["rarity"][arrays["named"]], arrays["named"], arrays["named_starts"]),
            shape=(len(self._ours), words),
        )
        self._said = sparse.csr_matrix(
            (ones, arrays["said"], arrays["said_starts"]), shape=(len(self._theirs), words)
        )
        self._sums = np.asarray(self._weighted.sum(axis=1)).ravel()
        self.branded = (int((self._ours >= 0).sum()), int((self._theirs >= 0).sum()))
        self.credited = int(arrays["credited"].sum())

    @classmethod
    def read(
        cls,
        garments: Iterable[tuple[int, GarmentText]],
        looks: Iterable[tuple[int, LookText]],
        counts: tuple[int, int],
    ) -> Words:
        """Code the words of both sides.

        Args:
            garments, looks: row and text, in any order, each row at most once.
            counts: rows of garments and of looks.
        """
        ours, theirs = _Side(counts[0]), _Side(counts[1])
        skus: dict[str, int] = {}
        articles = np.full(counts[0], -1, np.int64)
        for row, text in garments:
            ours.add(row, text.brand, _words(f"{text.brand or ''} {text.title or ''}"))
            sku = _compact(text.sku)
            if len(sku) >= _SHORTEST_SKU:
                articles[row] = skus.setdefault(sku, len(skus))
        named_skus: list[tuple[int, int]] = []
        for row, look in looks:
            theirs.add(row, look.brand, _words(look.credits or ""))
            named_skus += [(row, skus[piece]) for piece in _runs(look.credits) if piece in skus]
        brands, our_brand = ours.brands()
        other_brands, their_brand = theirs.brands()
        vocabulary, named = ours.bags()
        other_vocabulary, written = theirs.bags()
        said = (written @ _alike(vocabulary, other_vocabulary).T).tocsr()
        for matrix in (named, said):
            matrix.sort_indices()  # so that sums do not depend on the order of reading
        known = sorted({row * len(skus) + code for row, code in named_skus})
        arrays = {
            "our_brand": our_brand, "their_brand": their_brand,
            "rarity": np.log((1.0 + named.shape[0]) / (1.0 + named.getnnz(axis=0))),
            "named": named.indices, "named_starts": named.indptr,
            "said": said.indices, "said_starts": said.indptr,
            "credited": written.getnnz(axis=1) > 0,
            "article": articles, "articles": np.array(known, np.int64),
            "skus": np.array([len(skus)], np.int64),
        }  # fmt: skip
        return cls(arrays, [brands, other_brands])

    def __bool__(self) -> bool:
        """Whether there is anything to say of any pair."""
        return min(self.branded) > 0 or bool(self._sums.any() and self.credited)

    def save(self, path: Path) -> None:
        """Keep everything in one file, ``.npz``."""
        names = np.frombuffer(json.dumps(self._brands).encode(), np.uint8)
        np.savez(path, brand_names=names, **self._arrays)  # type: ignore[arg-type]

    @classmethod
    def open(cls, path: Path) -> Words:
        """Open what `save` kept."""
        with np.load(path) as kept:
            arrays = {name: kept[name] for name in kept.files}
        return cls(arrays, json.loads(arrays.pop("brand_names").tobytes()))

    def pairs(self, garments: Indices, looks: Indices) -> tuple[Scores, Scores]:
        """Brand and credits of each pair, float32 (n,) each; NaN where a side says nothing.

        The brand is 1 where the two fields name one house, spelling and suffixes aside, 0 where
        they name two, and between for doubtful spellings.

        The credits say how surely they name the garment. An article number is certain. Otherwise
        it is the share of the brand's and title's words that the credits have too, misspellings
        allowed, each weighted by its rarity in the catalogue: *coat* says little, *Manteau
        Clément* says nearly all.
        """
        brand = self._agreement(self._ours[garments], self._theirs[looks])
        credits = np.empty(len(garments), np.float32)
        for start in range(0, len(garments), _PAIRS):
            block = slice(start, start + _PAIRS)
            i, j = garments[block], looks[block]
            shared = np.asarray(self._weighted[i].multiply(self._said[j]).sum(axis=1)).ravel()
            credits[block] = self._named(shared, i, j)
        return brand, credits

    def table(self, garments: Indices, looks: Indices) -> tuple[Scores, Scores]:
        """The same for every garment with every look, float32 (garments, looks) each."""
        left, row = np.unique(self._ours[garments], return_inverse=True)
        right, column = np.unique(self._theirs[looks], return_inverse=True)
        every = self._agreement(np.repeat(left, len(right)), np.tile(right, len(left)))
        brand = every.reshape(len(left), len(right))[np.ix_(row.reshape(-1), column.reshape(-1))]
        shared = (self._weighted[garments] @ self._said[looks].T).toarray()
        return brand, self._named(shared, garments[:, None], looks[None])

    def _agreement(self, left: Indices, right: Indices) -> Scores:
        """Agreement of brands by their codes."""
        scores = np.full(len(left), np.nan, np.float32)
        known = (left >= 0) & (right >= 0)
        if not known.any():
            return scores
        # Far fewer pairs of brands than of photos: compare each once.
        names, others = self._brands
        pairs, back = np.unique(left[known] * len(others) + right[known], return_inverse=True)
        ratio = process.cpdist(
            [names[pair] for pair in (pairs // len(others)).tolist()],
            [others[pair] for pair in (pairs % len(others)).tolist()],
            scorer=fuzz.token_sort_ratio, dtype=np.float32,
        )  # fmt: skip
        alike = np.clip((ratio - _DIFFERENT) / (_SAME - _DIFFERENT), 0.0, 1.0)
        scores[known] = alike[back.reshape(-1)]
        return scores

    def _named(self, shared: NDArray[np.float64], garments: Indices, looks: Indices) -> Scores:
        """How surely the credits name the garments; `shared`: the rarity of the words in both."""
        sums = self._sums[garments]
        known = (sums > 0) & self._arrays["credited"][looks]
        part = np.where(known, shared / np.where(sums > 0, sums, 1.0), np.nan)
        certain = self._arrays["articles"]
        if len(certain):
            article = self._arrays["article"][garments]
            keys = looks * int(self._arrays["skus"][0]) + article
            at = np.minimum(np.searchsorted(certain, keys), len(certain) - 1)
            part = np.where((certain[at] == keys) & (article >= 0), 1.0, part)
        return np.minimum(part, 1.0).astype(np.float32)


class _Side:
    """The texts of one side as they are read: codes of brands and of words."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._brand_codes: dict[str, int] = {}
        self._brand = np.full(count, -1, np.int64)
        self._word_codes: dict[str, int] = {}
        self._rows, self._columns = array("q"), array("q")

    def add(self, row: int, brand: str | None, words: list[str]) -> None:
        if name := _brand(brand):
            self._brand[row] = self._brand_codes.setdefault(name, len(self._brand_codes))
        for word in words:
            self._rows.append(row)
            self._columns.append(self._word_codes.setdefault(word, len(self._word_codes)))

    def brands(self) -> tuple[list[str], NDArray[np.int64]]:
        """Distinct brands, and each row's place among them, -1 for none."""
        return list(self._brand_codes), self._brand

    def bags(self) -> tuple[list[str], sparse.csr_matrix]:
        """The vocabulary in order, and a matrix rows x words of ones."""
        words = sorted(self._word_codes)
        place = np.empty(len(words), np.int64)
        place[[self._word_codes[word] for word in words]] = np.arange(len(words))
        columns = place[np.frombuffer(self._columns, np.int64)] if self._columns else place[:0]
        rows = np.frombuffer(self._rows, np.int64) if self._rows else place[:0]
        ones = np.ones(len(rows), np.float32)
        return words, sparse.csr_matrix((ones, (rows, columns)), shape=(self._count, len(words)))


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


def _compact(text: str | None) -> str:
    return re.sub(r"[^0-9a-z]", "", _plain(text or ""))


def _runs(text: str | None) -> set[str]:
    """All runs of a few neighbouring pieces of a text, written together."""
    pieces = re.findall(r"[0-9a-z]+", _plain(text or ""))
    return {
        "".join(pieces[start:stop])
        for start in range(len(pieces))
        for stop in range(start + 1, min(len(pieces), start + _LONGEST_SKU) + 1)
    }


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
