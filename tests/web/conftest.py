from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.built import build

pytest.importorskip("fastapi", reason="needs the extra serve")

from fastapi.testclient import TestClient

from lookweave.store.workspace import Workspace
from lookweave.web.app import create_app


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, photo_folders: tuple[Path, Path, Path]) -> Path:
    """A built workspace: read only."""
    out = tmp_path_factory.mktemp("served") / "ws"
    build(out, photo_folders)
    return out


@dataclass
class Served:
    """A workspace of one's own and a client of its application."""

    path: Path
    client: TestClient

    @property
    def workspace(self) -> Workspace:
        return Workspace.open(self.path)


@pytest.fixture
def served(built: Path, tmp_path: Path) -> Iterator[Served]:
    path = tmp_path / "ws"
    shutil.copytree(built, path)
    app = create_app(path)
    with TestClient(app, base_url="http://127.0.0.1:8090", raise_server_exceptions=False) as client:
        yield Served(path, client)
