"""A workspace, the folders that it is built from, and what ingest made of them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from tests.photo_bytes import encoded, grainy

from lookweave import config as settings
from lookweave.config import Config
from lookweave.errors import Rejected
from lookweave.pipeline import run as pipeline
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.ingest import Ingest
from lookweave.progress import Progress
from lookweave.records import photo_id
from lookweave.sources import fetch
from lookweave.store.workspace import Workspace

_TABLES = ("sources", "garments", "looks", "products", "product_photos", "rejects")


def photo(seed: int) -> bytes:
    return encoded(grainy(seed=seed), "JPEG")


def id_of(content: bytes) -> str:
    return photo_id(hashlib.sha256(content).hexdigest())


class Shop:
    """A workspace and the folders that it is built from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.garments, self.looks = path / "garments", path / "looks"
        self.workspace = Workspace.create(path / "ws")

    def put(self, name: str, content: bytes, modified_ns: int | None = None) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if modified_ns is not None:
            os.utime(path, ns=(modified_ns, modified_ns))
        return path

    def config(self, **flags: Any) -> Config:
        flags.setdefault("garments", (str(self.garments),))
        flags.setdefault("looks", (str(self.looks),) if self.looks.exists() else ())
        flags.setdefault("run", {"workers": 2, "batch_rows": 3})
        return settings.load(None, **flags)

    def ingest(self, **flags: Any) -> pipeline.Outcome:
        config = self.config(**flags)
        with self.workspace.lock():
            return pipeline.run_step(Ingest(Setup.of(config)), self.workspace, Progress(quiet=True))

    def rows(self, table: str, *columns: str) -> list[Any]:
        """Rows sorted; of one column its values, of several tuples, of none dictionaries."""
        found = self.workspace.table(table).read(list(columns) or None).to_pylist()
        if not columns:
            return sorted(found, key=lambda row: json.dumps(row, default=str))
        if len(columns) == 1:
            return sorted(row[columns[0]] for row in found)
        return sorted(tuple(row[name] for name in columns) for row in found)

    def listed(self, table: str, *columns: str) -> list[Any]:
        """The same of rows that some input lists and whose photo was read."""
        found = [row for row in self.rows(table) if row["listed"] and row["id"]]
        if len(columns) == 1:
            return sorted(row[columns[0]] for row in found)
        return sorted(tuple(row[name] for name in columns) for row in found)

    def rejects(self) -> dict[str, str]:
        return dict(self.rows("rejects", "name", "reason"))

    def tables(self) -> dict[str, list[Any]]:
        return {name: self.rows(name) for name in _TABLES}


def web_of(
    fetch_all: Callable[[list[str], fetch.FetchLimits], list[bytes | Rejected]],
) -> Callable[[fetch.FetchLimits], fetch.Fetcher]:
    """In the place of `fetch.Fetcher`: what a function gives for some addresses."""

    class Web(fetch.Fetcher):
        def __init__(self, limits: fetch.FetchLimits) -> None:
            self._limits = limits

        def fetch(
            self, addresses: Sequence[str]
        ) -> Generator[tuple[int, bytes | Rejected], None, None]:
            # The last one first: the order of arrival must not matter.
            yield from reversed(list(enumerate(fetch_all(list(addresses), self._limits))))

        def done_with(self, content: object) -> None:
            pass

        def close(self) -> None:
            pass

    return Web
