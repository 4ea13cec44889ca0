"""Every region's vector and description in memory, so that a search ranks all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookweave.pipeline.setup import Setup
from lookweave.records import ATTRIBUTE_WIDTH
from lookweave.search import Catalogue, Reading, together
from lookweave.store.conditions import column, matching
from lookweave.store.workspace import Workspace
from lookweave.web.library import Library, Mask, Places

Scores = NDArray[np.float32]

_COPIED = 8  # times the cost of a row's product


@dataclass
class Index:
    """The regions of all photos that may be shown, those of a photo together.

    Attributes:
        region: object array of ids.
        place: int64, of each region's photo in the library, ascending.
        vectors: float32 (n, dimension), of unit length; zero where there is none.
        attributes: float32 (n, ATTRIBUTE_WIDTH); zero where nothing is described. Not in half the
            bytes: to widen them took most of a search's time.
        embedded, described: which have a vector, a description.
        catalogue: what catalogue and credits say of the photos.
    """

    region: NDArray[np.object_]
    place: Places
    vectors: Scores
    attributes: Scores
    embedded: Mask
    described: Mask
    catalogue: Catalogue

    @classmethod
    def read(cls, store: Workspace, setup: Setup, library: Library) -> Index:
        """Of a workspace as it was at one moment."""
        models = setup.models
        mine = column("subject").contains(f":{models.detector.key}:")
        place: dict[str, int] = {}
        table = store.embeddings(models.encoder.key, models.encoder.dimension or 0)
        described = matching(model=models.describer.key) & mine
        for scan in (table.scan(["subject", "kind"], mine),
                     store.table("descriptions").scan(["subject", "kind"], described)):  # fmt: skip
            for batch in scan:
                for row in batch.to_pylist():
                    at = library.place.get((row["kind"], row["subject"].partition(":")[0]))
                    if at is not None:
                        place[row["subject"]] = at
        regions = sorted(place, key=lambda region: (place[region], region))
        row_of = {region: row for row, region in enumerate(regions)}
        vectors = np.zeros((len(regions), models.encoder.dimension or 0), np.float32)
        attributes = np.zeros((len(regions), ATTRIBUTE_WIDTH), np.float32)
        for batch in table.scan(["subject", "vector"], mine):
            _put(vectors, row_of, batch.column("subject").to_pylist(), batch.column("vector"))
        has = np.zeros(len(regions), bool)
        descriptions = store.table("descriptions").scan(["subject", "attributes"], described)
        for batch in descriptions:
            rows = _put(attributes, row_of, batch.column("subject").to_pylist(),
                        batch.column("attributes"))  # fmt: skip
            has[rows] = True
        return cls(
            np.array(regions, object), np.array([place[one] for one in regions], np.int64),
            vectors, attributes, np.asarray(vectors.any(axis=1)), has, Catalogue.read(store),
        )  # fmt: skip

    def vector(self, region: str) -> Scores | None:
        """Of a region's id, float32; None where there is none."""
        at = np.flatnonzero(self.region == region)
        found: Scores | None = self.vectors[at[0]] if len(at) else None
        return found if found is not None and found.any() else None

    def alike(self, vector: Scores, rows: Places) -> Scores:
        """Cosine of some regions with a vector; NaN for regions without one."""
        if len(rows) * _COPIED > len(self.vectors):  # all products cost less than a copy of so many
            found = (self.vectors @ vector)[rows]
        else:
            found = self.vectors[rows] @ vector
        found[~self.embedded[rows]] = np.nan
        return found

    def worded(self, reading: Reading, library: Library, rows: Places) -> Scores:
        """Score of some regions by words, as `search.search` gives it; NaN for those that words
        say nothing of."""
        if not reading.wishes:
            assert reading.vector is not None
            return self.alike(reading.vector, rows)
        everything = len(rows) == len(self.attributes)
        attributes = self.attributes if everything else self.attributes[rows]
        agreed = np.zeros(len(rows), np.float32)
        for wish in reading.wishes:
            agreement = wish.agreement(attributes)
            titles = np.zeros(len(library), np.float32)
            for key, fit in self.catalogue.fits(wish.terms).items():
                if key in library.place:
                    titles[library.place[key]] = fit
            agreed += np.where(self.described[rows], agreement + titles[self.place[rows]], 0.0)
        if reading.vector is None:
            return np.where(agreed > 0, agreed, np.float32(np.nan))
        scores: Scores = together(agreed, self.alike(reading.vector, rows))
        return scores

    def rows(self, photos: Mask) -> Places:
        """The regions of some photos of the library."""
        return np.flatnonzero(photos[self.place]) if len(self.place) else self.place

    def best(self, rows: Places, scores: Scores) -> tuple[Places, Places, Scores]:
        """Photos by their best region: places in the library, rows of those regions, scores.

        Best first; equals in the order of the library. Regions whose score is NaN count as none.
        """
        known = ~np.isnan(scores)
        rows, scores = rows[known], scores[known]
        order = np.lexsort((rows, -scores))
        places = self.place[rows[order]]
        _, first = np.unique(places, return_index=True)
        chosen = order[np.sort(first)]
        return self.place[rows[chosen]], rows[chosen], scores[chosen]


def _put(
    to: Scores, row_of: dict[str, int], subjects: list[str], values: object
) -> NDArray[np.int64]:
    """Write a batch's lists to their rows; returns those rows."""
    flat = values.combine_chunks().flatten().to_numpy(zero_copy_only=False)  # type: ignore[attr-defined]
    lists = flat.reshape(len(subjects), -1)
    known = [(at, row_of[subject]) for at, subject in enumerate(subjects) if subject in row_of]
    at, rows = np.array(known, np.int64).reshape(-1, 2).T
    to[rows] = lists[at]
    return np.asarray(rows)
