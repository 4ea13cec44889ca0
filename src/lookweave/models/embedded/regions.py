"""From the class of every pixel to one mask for each garment.

A network that wavers leaves patches of two categories on one garment, and a bag cuts trousers in
two. The map of classes is taken apart into connected pieces; what is known of a piece (its size,
its neighbours, its mean colour, what the network thinks of it) is gathered once, and pieces that
look like one garment are put together by these figures alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lookweave.models.colour import to_lab
from lookweave.models.protocols import Floats, Pixels
from lookweave.taxonomy import CATEGORIES

Numbers = NDArray[np.intp]
Figures = NDArray[np.float64]

MIN_AREA = 0.004
"""Regions below this share of the photo are left out."""

WAVERING = 60.0
"""Two touching pieces of one slot are one garment when their mean colours are nearer than
WAVERING · w in CIELAB, where w is how much probability each piece gives to the other's category.
A network that cannot tell shirt from top inside one garment leaves patches of both; a jacket over
a shirt is two colours and little doubt."""

_GAP = 0.04  # of the frame's height: pieces of one garment cut by a bag or an arm are this near

BRIDGE, PAIR_GAP = 0.2, 0.16
"""The widest gap, in heights of the frame, over which parts of one garment are joined."""

SAME_GARMENT = 30.0
"""Mean colours farther apart than this in CIELAB are two garments, even of one category."""

_PAIRS = frozenset({"shoes"})

_CROSS = ndimage.generate_binary_structure(2, 1)  # neighbours; scipy makes it anew in each call

_ALIKE: tuple[frozenset[str], ...] = (
    frozenset({"jacket", "coat"}), frozenset({"trousers", "jeans"}), frozenset({"top", "shirt"}),
)  # fmt: skip
"""Categories that two parts of one garment are often given."""

_SLOTS: tuple[frozenset[str], ...] = (
    frozenset({"top", "shirt", "knitwear", "jacket", "coat", "vest", "dress", "jumpsuit"}),
    frozenset({"skirt", "trousers", "jeans", "shorts", "hosiery", "dress", "jumpsuit"}),
)
"""Categories that networks mistake for each other on one garment."""

_SAME_SLOT = [
    [any({one, other} <= slot for slot in _SLOTS) for other in CATEGORIES] for one in CATEGORIES
]


@dataclass(frozen=True)
class Region:
    """One garment.

    Attributes:
        place: the rows and columns of its box in the frame.
        mask: bool (rows, columns), within the box.
        opinion: float32 (categories,), mean probability of each over the mask.
    """

    place: tuple[slice, slice]
    mask: NDArray[np.bool_]
    opinion: Floats


def garment_regions(logits: Floats, pixels: Pixels) -> list[Region]:
    """The garments of a photo that cover at least `MIN_AREA` of it.

    Args:
        logits: float32 (classes, h, w), of which probabilities are the softmax; class 0 is
            background, then come the categories.
        pixels: uint8 (h, w, 3), sRGB.
    """
    labels = logits.argmax(axis=0)
    numbers, categories = _pieces(labels)
    if not categories:
        return []
    garments = _reunite(_join(_Pieces.of(numbers, categories, logits, pixels)), labels)
    owner = np.zeros(len(categories) + 1, np.intp)
    for number, garment in enumerate(garments, start=1):
        owner[[1 + piece for piece in garment.members]] = number
    owned = owner[numbers]
    places = ndimage.find_objects(owned, len(garments))
    return [
        Region(place, owned[place] == number, garment.opinion.astype(np.float32))
        for number, (garment, place) in enumerate(zip(garments, places, strict=True), start=1)
        if garment.size >= MIN_AREA * labels.size
    ]


@dataclass(frozen=True)
class _Pieces:
    """The connected pieces of a frame.

    Attributes:
        numbers: (h, w), 1 + the piece that a pixel belongs to, 0 for none.
        categories: of each piece.
        sizes: (n,), pixels.
        scores: (n, categories), summed probabilities.
        colours: (n, 3), summed CIELAB.
        touching: bool (n, n), whether two have pixels side by side.
    """

    numbers: Numbers
    categories: Sequence[int]
    sizes: Figures
    scores: Figures
    colours: Figures
    touching: NDArray[np.bool_]

    @classmethod
    def of(
        cls, numbers: Numbers, categories: Sequence[int], logits: Floats, pixels: Pixels
    ) -> _Pieces:
        count = len(categories) + 1
        inside = np.flatnonzero(numbers)
        owned = numbers.ravel()[inside, None] == np.arange(1, count)
        member = owned.astype(np.float32)  # (pixels, pieces): sums over pieces are products with it
        # Most of a photo is no garment: what is only asked of pieces is computed of them.
        layers = _softmax(logits.reshape(len(logits), -1)[:, inside])[1 : 1 + len(CATEGORIES)]
        colours = to_lab(pixels.reshape(-1, 3)[inside])
        touching = np.zeros((count, count), bool)
        for one, other in ((numbers[1:], numbers[:-1]), (numbers[:, 1:], numbers[:, :-1])):
            touching[one, other] = True
        return cls(
            numbers,
            categories,
            owned.sum(axis=0).astype(np.float64),
            (layers @ member).T.astype(np.float64),
            (member.T @ colours).astype(np.float64),
            (touching | touching.T)[1:, 1:],
        )


def _softmax(logits: Floats) -> Floats:
    raised: Floats = np.exp(logits - logits.max(axis=0, keepdims=True))
    shares: Floats = raised / raised.sum(axis=0, keepdims=True)
    return shares


class _Garment:
    """Pieces that are taken for one garment."""

    def __init__(self, pieces: _Pieces, members: Sequence[int]) -> None:
        self._pieces = pieces
        self.members = list(members)

    def add(self, other: _Garment) -> None:
        self.members += other.members

    @property
    def size(self) -> float:
        return float(self._pieces.sizes[self.members].sum())

    @property
    def opinion(self) -> Figures:
        """(categories,): mean probabilities."""
        mean: Figures = self._pieces.scores[self.members].sum(axis=0) / self.size
        return mean

    @property
    def colour(self) -> Figures:
        """(3,): mean CIELAB."""
        mean: Figures = self._pieces.colours[self.members].sum(axis=0) / self.size
        return mean

    @property
    def categories(self) -> set[int]:
        """What the network calls its pieces."""
        return {self._pieces.categories[member] for member in self.members}

    @property
    def mask(self) -> NDArray[np.bool_]:
        chosen = np.zeros(len(self._pieces.categories) + 1, bool)
        chosen[[1 + member for member in self.members]] = True
        mask: NDArray[np.bool_] = chosen[self._pieces.numbers]
        return mask

    def touches(self, other: _Garment) -> bool:
        return bool(self._pieces.touching[self.members][:, other.members].any())


def _pieces(labels: Numbers) -> tuple[Numbers, list[int]]:
    """Connected pieces of one category, near ones taken together: (h, w) 1 + number of the
    piece, 0 for none, and each piece's category."""
    gap = max(1, round(_GAP * labels.shape[0]))
    numbers = np.zeros(labels.shape, np.intp)
    categories: list[int] = []
    for category, place in enumerate(ndimage.find_objects(labels, len(CATEGORIES))):
        if place is None:
            continue
        near = _grown(place, gap)  # the rest of the frame holds nothing of this category
        mask = labels[near] == category + 1
        joined, count = ndimage.label(mask, _CROSS)
        if count > 1:
            joined, count = ndimage.label(ndimage.binary_dilation(mask, _CROSS, gap), _CROSS)
        numbers[near][mask] = joined[mask] + len(categories)
        categories += [category] * count
    return numbers, categories


def _grown(place: tuple[slice, ...], by: int) -> tuple[slice, ...]:
    """A box, wider by so much on all sides."""
    return tuple(slice(max(0, one.start - by), one.stop + by) for one in place)


def _join(pieces: _Pieces) -> list[_Garment]:
    """Touching pieces of one cloth put together, largest first."""
    garments: list[_Garment] = []
    order = sorted(
        range(len(pieces.categories)), key=lambda one: (-pieces.sizes[one], pieces.categories[one])
    )
    for piece in (_Garment(pieces, [number]) for number in order):
        for larger in garments:
            if _mistakable(piece, larger) and piece.touches(larger) and _one_cloth(piece, larger):
                larger.add(piece)
                break
        else:
            garments.append(piece)
    return garments


def _mistakable(piece: _Garment, larger: _Garment) -> bool:
    """Whether all of the larger one's categories are taken for the piece's now and then."""
    (category,) = piece.categories
    return all(_SAME_SLOT[category][other] for other in larger.categories)


def _one_cloth(piece: _Garment, larger: _Garment) -> bool:
    (category,) = piece.categories
    wavering = larger.opinion[category] + piece.opinion[sorted(larger.categories)].sum()
    apart = np.linalg.norm(piece.colour - larger.colour)
    return bool(apart < WAVERING * wavering)


def _reunite(garments: list[_Garment], labels: Numbers) -> list[_Garment]:
    """Join the parts of one garment that something worn or held before it has cut apart.

    Between the halves of an open jacket or of trousers behind a bag lies what the person wears;
    between two people lies background. The shoes of a pair need no bridge, only to be near.
    """
    whole: list[tuple[str, _Garment]] = []
    for garment in sorted(garments, key=lambda one: -one.size):
        category = CATEGORIES[int(garment.opinion.argmax())]
        for other, larger in whole:
            if category != other and {category, other} not in _ALIKE:
                continue
            apart = np.linalg.norm(garment.colour - larger.colour)
            if apart < SAME_GARMENT and _bridge(category, garment.mask, larger.mask, labels):
                larger.add(garment)
                break
        else:
            whole.append((category, garment))
    return [garment for _, garment in whole]


def _bridge(
    category: str, mask: NDArray[np.bool_], larger: NDArray[np.bool_], labels: Numbers
) -> bool:
    """Whether the shortest way from one part to the other is short and leads over the person."""
    distance, nearest = ndimage.distance_transform_edt(~larger, return_indices=True)
    start = np.unravel_index(np.where(mask, distance, np.inf).argmin(), mask.shape)
    gap: float = float(distance[start]) / labels.shape[0]
    if category in _PAIRS:
        return gap < PAIR_GAP
    end = nearest[:, start[0], start[1]]
    steps = max(2, int(np.ceil(distance[start])) + 1)
    rows = np.linspace(start[0], end[0], steps).round().astype(int)
    columns = np.linspace(start[1], end[1], steps).round().astype(int)
    return gap < BRIDGE and float((labels[rows, columns] == 0).mean()) < 0.25
