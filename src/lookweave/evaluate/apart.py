"""What other settings make of the same photos, in a workspace of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from lookweave.config import Config
from lookweave.pipeline.run import run_step
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.step import Step
from lookweave.pipeline.steps.describe import Describe
from lookweave.pipeline.steps.detect import Detect
from lookweave.pipeline.steps.embed import Embed
from lookweave.pipeline.steps.group import Group
from lookweave.progress import Progress
from lookweave.store.workspace import Workspace

_STEPS: tuple[type[Step], ...] = (Detect, Describe, Embed, Group)


def is_made(workspace: Workspace, config: Config) -> bool:
    """Whether a workspace has all that these settings' models make of its photos."""
    setup = Setup.of(config)
    return not any(step(setup).plan(workspace).count for step in _STEPS[:-1])


@contextmanager
def made_apart(workspace: Workspace, config: Config, progress: Progress) -> Iterator[Workspace]:
    """A workspace with the same photos and all that these settings' models make of them. It is
    removed at the end; `workspace` is only read."""
    with TemporaryDirectory(prefix="lookweave-apart-") as folder:
        apart = Workspace.create(Path(folder) / "workspace")
        for name in ("garments", "looks"):
            photos = workspace.table(name).scan()
            apart.table(name).append(_where_they_are(workspace, rows) for rows in photos)
        setup = Setup.of(config)
        for step in _STEPS:
            run_step(step(setup), apart, progress)
        yield apart


def _where_they_are(workspace: Workspace, photos: pa.Table) -> pa.Table:
    """The rows with the paths that a photo is read from; some lie in the workspace."""
    ids, paths = (photos.column(name).to_pylist() for name in ("id", "path"))
    found = [workspace.photo_path(one, path) for one, path in zip(ids, paths, strict=True)]
    at = photos.schema.get_field_index("path")
    return photos.set_column(at, photos.schema.field("path"), pa.array(found, pa.string()))
