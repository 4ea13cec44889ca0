"""The folders and manifests of a workspace: what the verb `sources` does."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import dataclass
from typing import Any

from lookweave.config import Config
from lookweave.errors import InputError
from lookweave.pipeline.steps.ingest.changes import adopt_earlier_rows, unlist
from lookweave.pipeline.steps.ingest.listing import canonical
from lookweave.records import PRODUCT, PRODUCT_PHOTO
from lookweave.sources import absolute
from lookweave.store import inputs, takedowns
from lookweave.store.conditions import column, matching
from lookweave.store.workspace import Workspace


@dataclass(frozen=True)
class InputState:
    """One input of a workspace.

    Attributes:
        kind: garment or look.
        path: of the folder or manifest.
        added: by a build, at this moment.
        photos: that it lists and that could be read.
        not_read: pictures that it lists and that could not be read; rejects say why.
        listed_no_more: pictures that it listed once.
    """

    kind: str
    path: str
    added: datetime.datetime
    photos: int
    not_read: int
    listed_no_more: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**self.__dict__, "added": self.added.isoformat()}


def input_states(workspace: Workspace) -> list[InputState]:
    """What every build of the workspace lists, in the order in which it came."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for batch in workspace.table("sources").scan(["kind", "input", "id", "listed"]):
        for row in batch.to_pylist():
            state = "gone" if row["listed"] is False else "photo" if row["id"] else "not read"
            counts[row["kind"], row["input"] or "", state] += 1
    stored = inputs.stored(workspace)
    return [
        InputState(
            kind, path, stored[kind, path]["added"], counts[kind, path, "photo"],
            counts[kind, path, "not read"], counts[kind, path, "gone"],
        )
        for kind, paths in inputs.known(workspace).items()
        for path in paths
    ]  # fmt: skip


def drop_input(workspace: Workspace, config: Config, path: str) -> int:
    """List an input no more. Its photos leave pairs and publications, but for those that another
    input lists; their rows stay, and so do takedowns that it told.

    Returns:
        How many photos are listed by nobody now.

    Raises:
        InputError: no build was given it.
        WorkspaceLocked: another process is writing.
    """
    with workspace.lock():
        wanted = {path, str(absolute(path))}
        known = inputs.stored(workspace)
        rows = [
            row for (_, known_path), row in known.items()
            if known_path in wanted and row["dropped"] is None
        ]  # fmt: skip
        if not rows:
            listed = ", ".join(
                sorted({path for paths in inputs.known(workspace).values() for path in paths})
            )
            raise InputError(
                f"No build of {workspace.path} was given {path}. Its inputs are {listed or 'none'}."
            )
        adopt_earlier_rows(workspace, canonical(config))
        gone = 0
        for row in rows:
            source = matching(kind=row["kind"], input=row["path"]) & column("listed").is_not_false()
            for batch in workspace.table("sources").scan(["kind", "place", "input"], source):
                gone += unlist(workspace, batch.to_pylist())
        _unlist_articles(workspace, rows[0]["path"])
        inputs.write(workspace, [{**row, "dropped": takedowns.now()} for row in rows])
    return gone


def _unlist_articles(workspace: Workspace, catalogue: str) -> None:
    products, links = workspace.table("products"), workspace.table("product_photos")
    of_it = matching(catalogue=catalogue) & column("listed").is_not_false()
    rows = products.read(None, of_it).to_pylist()
    products.upsert(PRODUCT.table([{**row, "listed": False} for row in rows]))
    shown = links.rows_by(
        "product", [row["id"] for row in rows], None, column("listed").is_not_false()
    )
    links.upsert(PRODUCT_PHOTO.table([{**row, "listed": False} for row in shown.to_pylist()]))
