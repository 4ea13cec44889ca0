"""The tables of an open workspace, as Arrow and as files for other programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookweave.arguments import AnyPath, path_of, positive, writable_file
from lookweave.errors import InputError, told
from lookweave.results import Pairs

if TYPE_CHECKING:
    import pyarrow as pa

    from lookweave.config import Config
    from lookweave.exports.bundle import Export
    from lookweave.pair_images import PairImages
    from lookweave.store.workspace import Workspace as Store


class WorkspaceTables:
    """What an open workspace holds.

    The methods `export_…` write a file, CSV or Parquet as its name ends, without holding the table
    in memory, and return how many rows it has. They raise an `InputError` before any work where
    the file cannot be written, or its name ends otherwise.
    """

    _store: Store
    _config: Config

    @told()
    def garments(self) -> pa.Table:
        """The product photos, and what the catalogue says of each."""
        return self._store.table("garments").read()

    @told()
    def looks(self) -> pa.Table:
        """The editorial photos, and their credits."""
        return self._store.table("looks").read()

    @told()
    def regions(self) -> pa.Table:
        """The garments found in looks and the cut-outs of product photos, by the detector in use.

        Boxes are x0, y0, x1, y1 in pixels of the oriented photo.
        """
        from lookweave.models.cards import models_of
        from lookweave.store.conditions import matching

        detector = models_of(self._config).detector.key
        return self._store.table("regions").read(where=matching(detector=detector))

    @told()
    def products(self) -> pa.Table:
        """The articles of the catalogues, also those without a usable photo."""
        return self._store.table("products").read()

    @told()
    def matches(self, top: int = 10, *, sku: str | None = None) -> pa.Table:
        """The best regions of every garment, best first: the columns of the table `matches`, and
        ``garment_path``, ``look_path`` and ``region_box``.

        Args:
            top: how many of each garment.
            sku: only of garments that show this article.

        Raises:
            InputError: nothing is matched yet, or no article has this number.
        """
        from lookweave.exports.rows import match_rows

        found = _joined(match_rows(self._store, self._config, positive("top", top), sku))
        return found.sort_by([("garment", "ascending"), ("rank", "ascending")])

    @told()
    def pairs(self, tier: str | None = None) -> Pairs:
        """The pairs of the data set, of one tier or of all, the likeliest first; without photos
        that are taken down or listed no more.

        Args:
            tier: ``high``, ``medium`` or ``low``.

        Raises:
            InputError: there is no such tier.
        """
        from lookweave.exports.rows import pair_rows

        rows = _joined(pair_rows(self._store, self._config, tier))
        order = [("probability", "descending"), ("garment", "ascending"), ("look", "ascending")]
        return Pairs(rows.sort_by(order), self._store.thumbnail_path)

    @told()
    def torch_dataset(
        self,
        tier: str | None = None,
        split: str | None = None,
        *,
        side: int | None = None,
        transform: Callable[[dict[str, Any]], Any] | None = None,
    ) -> PairImages:
        """Pairs with their pictures, for ``torch.utils.data.DataLoader`` or any loop; see
        `lookweave.pair_images.PairImages`.

        Args:
            tier: ``high``, ``medium`` or ``low``; None: all.
            split: ``train``, ``validation`` or ``test``; None: all.
            side: give squares of so many pixels, which batch; None: Pillow images.
            transform: of each item, after all else.

        Raises:
            InputError: there is no such tier or split, or no such pair.
        """
        from lookweave.pair_images import PairImages

        return PairImages(
            self._store, self._config, tier=tier, split=split, side=side, transform=transform
        )

    @told()
    def unmatched(self, bound: float = 0.5) -> pa.Table:
        """The listed articles that no look seems to show: never photographed.

        Args:
            bound: an article counts as photographed from this probability of its best match on.
                It is a calibrated one where `is_calibrated`, else a rule of thumb.

        Returns:
            Columns of `exports.articles.UNMATCHED_SCHEMA`: what the catalogue says, the best
            match, and why the article is here.

        Raises:
            InputError: nothing is matched yet, or the bound is not from 0 to 1.
        """
        from lookweave.exports.articles import export_unmatched

        return _joined(export_unmatched(self._store, self._config, bound))

    @told()
    def is_calibrated(self) -> bool:
        """Whether the probabilities of the matches were learned from labels (`calibrate`)."""
        from lookweave.exports.articles import is_calibrated

        return is_calibrated(self._store, self._config)

    @told()
    def hard_negatives(self, truth: AnyPath | None = None) -> pa.Table:
        """The matches that known pairs or reviews refuse: what the models confuse.

        Args:
            truth: known pairs, complete for the garments that they name; without it the reviews.

        Returns:
            Columns garment, look, region, score, rank, and why: ``truth`` or ``reviews``.

        Raises:
            InputError: nothing is matched yet, nobody judged a match, or the file does not fit.
        """
        from lookweave.exports.negatives import hard_negatives

        file = None if truth is None else path_of(truth, "truth")
        found = _joined(hard_negatives(self._store, self._config, file))
        return found.sort_by([("garment", "ascending"), ("rank", "ascending")])

    @told()
    def export_matches(self, to: AnyPath, *, top: int = 10, sku: str | None = None) -> int:
        """Write the best matches of every garment, or of those that show one article.

        Raises:
            InputError: nothing is matched yet, or no article has this number.
        """
        from lookweave.exports.rows import export_matches

        where = table_file(to)
        batches = export_matches(self._store, self._config, positive("top", top), sku)
        return write_table(where, batches)

    @told()
    def export_unmatched(self, to: AnyPath, *, bound: float = 0.5) -> int:
        """Write the listed articles that no look seems to show; see `unmatched`."""
        from lookweave.exports.articles import export_unmatched

        where = table_file(to)
        return write_table(where, export_unmatched(self._store, self._config, bound))

    @told()
    def export_hard_negatives(self, to: AnyPath, *, truth: AnyPath | None = None) -> int:
        """Write the matches that known pairs or reviews refuse; see `hard_negatives`."""
        from lookweave.exports.negatives import hard_negatives

        where = table_file(to)
        file = None if truth is None else path_of(truth, "truth")
        return write_table(where, hard_negatives(self._store, self._config, file))

    @told()
    def export_pairs(self, to: AnyPath, *, tier: str | None = None) -> int:
        """Write the pairs of the data set, of one tier or of all; see `pairs`."""
        from lookweave.exports.rows import export_pairs

        where = table_file(to)
        return write_table(where, export_pairs(self._store, self._config, tier))

    @told()
    def export_products(self, to: AnyPath) -> int:
        """Write every article, with its photos, its best match and the tier of its best pair."""
        from lookweave.exports.articles import export_articles

        where = table_file(to)
        return write_table(where, export_articles(self._store, self._config))

    @told()
    def export(
        self,
        to: AnyPath,
        *,
        selection: str | None = None,
        photos: Sequence[str] | None = None,
        tiers: Sequence[str] = (),
        metadata: bool = True,
        allow_unknown_rights: bool = False,
    ) -> Export:
        """Write chosen photos for others, as far as takedowns and rights let them out.

        Args:
            to: a file that ends in .csv, .json, .pdf (a contact sheet) or .zip, or a new folder.
                A ZIP and a folder hold copies of the photos, and the tables.
            selection: the name of one that is kept in the library.
            photos: ids, in place of it.
            tiers: also links of these tiers; by default only those that people said.
            metadata: write articles and their places into the copies (IPTC, as XMP).
            allow_unknown_rights: also photos whose rights say something that is not understood.

        Returns:
            How many went out, and which were left out, with reasons.

        Raises:
            InputError: selection and photos, or neither; no such selection, photo or tier; a
                place that cannot be written to.
        """
        from lookweave.exports import bundle
        from lookweave.exports.selection import gather, keys_of, selected

        if (selection is None) == (photos is None):
            raise InputError("Give the name of a selection, or photos, and not both.")
        where = path_of(to, "the file or folder")
        form = where.suffix.lower().removeprefix(".")
        if form in bundle.FORMS:
            writable_file(where, (where.suffix.lower(),))
        elif where.suffix:
            known = ", ".join(f".{one}" for one in bundle.FORMS)
            raise InputError(f"{where} ends in {where.suffix}: {known}, or name a folder.")
        store = self._store
        keys = keys_of(store, photos) if photos is not None else selected(store, selection or "")
        found = gather(
            store, self._config, keys, tiers=tiers, allow_unknown_rights=allow_unknown_rights
        )
        if form not in bundle.FORMS:
            return bundle.write_folder(store, found, where, metadata=metadata)
        with bundle.whole_file(where) as file:
            done = bundle.write(store, found, form, file, metadata=metadata)
        return replace(done, to=str(where))


def table_file(to: AnyPath) -> Path:
    """Where a table is to be written.

    Raises:
        InputError: the name ends otherwise than a table's, or it cannot be written there.
    """
    from lookweave.exports.files import SUFFIXES

    where = path_of(to, "the file")
    writable_file(where, SUFFIXES)
    return where


def write_table(where: Path, batches: Iterable[pa.Table]) -> int:
    """Write a table as its file's name says; see `exports.files.write_table`."""
    from lookweave.exports import files

    return files.write_table(where, batches)


def _joined(batches: Iterable[pa.Table]) -> pa.Table:
    import pyarrow as pa

    return pa.concat_tables(batches)
