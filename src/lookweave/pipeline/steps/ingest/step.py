"""ingest: files and addresses -> garments and looks, each with its thumbnail and hashes."""

from __future__ import annotations

import hashlib
import threading
import weakref
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from functools import cached_property
from typing import Any, ClassVar

import pyarrow as pa

from lookweave import photos, sources
from lookweave.errors import Rejected
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.step import NOTHING, Plan, Step, Worker, outcome, reject_row
from lookweave.pipeline.steps.ingest import changes, listing, photo_rows
from lookweave.records import LOOK, SOURCE, TableSpec, fingerprint, photo_id
from lookweave.sources import fetch
from lookweave.store.conditions import column, matching
from lookweave.store.tables import Table
from lookweave.store.workspace import Workspace, write_atomically

_INGESTED = TableSpec(
    "sources",
    SOURCE.key,
    pa.schema(
        [
            *(SOURCE.schema.field(name) for name in ("kind", "place", "id", "size", "modified_ns")),
            *(LOOK.schema.field(name) for name in photo_rows.DECODED),
        ]
    ),
)
"""A place and the photo that was read there."""


class Reading(Worker):
    """Reads each photo once: hashes it, decodes it as small as the thumbnail, checks it."""

    def __init__(self, workspace: Workspace, setup: Setup) -> None:
        super().__init__(workspace, setup)
        self._recipe = Ingest(setup).recipe
        given = setup.config.ingest
        self._side = given.thumbnail_side
        self._copy = given.copy_photos
        self._limits = photos.Limits(given.max_pixels, given.max_bytes, given.min_side)
        self._fetching = fetch.FetchLimits(
            max_bytes=given.max_bytes,
            timeout=given.http_timeout,
            retries=given.http_retries,
            redirects=given.http_redirects,
            allow_private_addresses=given.allow_private_addresses,
            together=given.http_together,
            per_host=given.http_per_host,
            robots=given.http_robots,
            opt_out=given.http_opt_out,
        )
        # More threads than cores may wait for servers; no more than cores decode.
        self._decoding = threading.Semaphore(setup.config.run.workers)
        self._making = threading.Lock()
        self._made: fetch.Fetcher | None = None

    @property
    def _fetcher(self) -> fetch.Fetcher:
        """One for all threads: connections are used again by whichever comes next."""
        with self._making:
            if self._made is None:
                self._made = fetch.Fetcher(self._fetching)
                weakref.finalize(self, self._made.close)
            return self._made

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Map rows of `listing.TO_READ` to the photos found there."""
        rows: dict[int, dict[str, object]] = {}
        rejects: dict[int, dict[str, object]] = {}
        for place, source, content in self._contents(batch.to_pylist()):
            try:
                if isinstance(content, Rejected):
                    raise content
                with self._decoding:
                    rows[place] = self._ingested(source, content)
            except Rejected as why:
                told = {name: source[name] for name in ("kind", "name", "size", "modified_ns")}
                rejects[place] = reject_row("ingest", self._recipe, source["place"], why, **told)
        # In the order of the listing, however they arrived.
        return outcome(_INGESTED, _in_order(rows), _in_order(rejects))

    def _contents(
        self, batch: list[dict[str, Any]]
    ) -> Iterator[tuple[int, dict[str, Any], photos.FileBytes | bytes | Rejected]]:
        """Each source, its position, and its bytes or why there are none; files first, then
        addresses as they arrive."""
        wanted: dict[str, list[int]] = defaultdict(list)
        for place, source in enumerate(batch):
            if source["reason"]:
                retry = bool(source["retry"])
                yield place, source, Rejected(source["reason"], source["detail"], retry=retry)
            elif sources.is_address(source["path"]):
                wanted[source["path"]].append(place)
            else:
                yield place, source, self._read(source["path"])
        if not wanted:
            return
        with closing(self._fetcher.fetch(list(wanted))) as arriving:
            places = list(wanted.values())
            for number, content in arriving:
                try:
                    for place in places[number]:
                        yield place, batch[place], content
                finally:
                    self._fetcher.done_with(content)

    def _read(self, path: str) -> photos.FileBytes | Rejected:
        try:
            return photos.read_file(path, self._limits.max_bytes)
        except Rejected as why:
            return why

    def _ingested(
        self, source: dict[str, Any], content: photos.FileBytes | bytes
    ) -> dict[str, object]:
        data = content if isinstance(content, bytes) else content.data
        # A JPEG's halves, quarters or eighths that lie between these need no further resizing.
        photo = photos.load(
            data, max_side=4 * self._side // 3, enough=2 * self._side // 3, limits=self._limits
        )
        sha256 = hashlib.sha256(data).hexdigest()
        found = photo_id(sha256)
        self.workspace.keep_thumbnail(found, photos.thumbnail(photo, self._side))
        copy = self.workspace.copy_path(found)
        # What was fetched cannot be relied upon to be there again.
        wants_copy = isinstance(content, bytes) or self._copy
        if wants_copy and not copy.exists():
            write_atomically(copy, data)
        if not isinstance(content, bytes):
            # As it was when read: a file that changed since the listing is no other next time.
            source = {**source, "size": content.size, "modified_ns": content.modified_ns}
        return {
            **{name: source[name] for name in ("kind", "place", "size", "modified_ns")},
            "id": found,
            "width": photo.width,
            "height": photo.height,
            "format": photo.format,
            "bytes": len(data),
            "sha256": sha256,
            "phash": photos.perceptual_hash(photo),
        }


class Ingest(Step):
    """Every photo that is listed, once."""

    name: ClassVar[str] = "ingest"
    worker: ClassVar[type[Worker]] = Reading
    spec = _INGESTED  # a source with the columns of the photo found there
    _has_addresses = False

    @cached_property
    def recipe(self) -> str:
        """Names the limits: under others, what was turned away is looked at again."""
        given = self.setup.config.ingest
        limits = (given.max_pixels, given.max_bytes, given.min_side, given.allow_private_addresses)
        return f"ingest2-{fingerprint(*limits, given.http_robots, *given.http_opt_out)}"

    def at_once(self, workers: int) -> int:
        """A batch is as slow as its slowest server: where there are addresses, as many more are
        under way as photos may be."""
        return workers + self.setup.config.ingest.http_together * self._has_addresses

    def table(self, workspace: Workspace) -> Table:
        """The sources; `commit` writes garments and looks too."""
        return workspace.table("sources")

    def plan(self, workspace: Workspace) -> Plan:
        """Places that are new or changed; what catalogues say is written down before the work.

        Raises:
            InputError: a folder or manifest cannot be used.
        """
        config = self.setup.config
        listed = listing.take_inventory(workspace, config, self.recipe)
        if listed is None:
            return NOTHING
        canonical = listing.canonical(config)
        self._has_addresses = listed.ledger.has_addresses()

        def settle(workspace: Workspace) -> list[str]:
            return changes.settle(workspace, listed.ledger, listed.given, canonical)

        return Plan(
            listed.ledger.count_to_read(), listed.batches(config.run.batch_rows), settle=settle
        )

    def commit(self, workspace: Workspace, rows: pa.Table) -> None:
        """Garments and looks first, then the sources that point to them."""
        photo_rows.read_again(workspace, rows.to_pylist())
        places = rows.column("place").to_pylist()
        rejects = workspace.table("rejects")
        dealt_with = matching(step="ingest") & column("subject").is_in(places)
        if rejects.count(dealt_with):
            rejects.delete(dealt_with)

    def finish(self, workspace: Workspace) -> None:
        """Drop rejects of limits that no longer hold, compact."""
        _drop_superseded(workspace, self.recipe)
        for name in ("sources", "garments", "looks", "products", "product_photos"):
            workspace.table(name).compact()


def _in_order(rows: dict[int, dict[str, object]]) -> list[dict[str, object]]:
    return [row for _, row in sorted(rows.items())]


def _drop_superseded(workspace: Workspace, recipe: str) -> None:
    """Rejects of earlier limits whose file was turned away under the present ones too."""
    rejects = workspace.table("rejects")
    older = matching(step="ingest") & column("recipe").differs(recipe)
    if not rejects.count(older):
        return
    subjects = rejects.values("subject", older)
    now = rejects.values("subject", matching(step="ingest", recipe=recipe))
    if again := sorted(subjects & now):
        rejects.delete(older & column("subject").is_in(again))
