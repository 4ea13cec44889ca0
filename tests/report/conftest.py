from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.report.drawn_workspace import Drawn, drawn_workspace

from lookweave.store.workspace import Workspace


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """A filled workspace that tests only read."""
    return drawn_workspace(tmp_path_factory.mktemp("drawn"))


@pytest.fixture
def own(drawn: Drawn, tmp_path: Path) -> Drawn:
    """A filled workspace that a test may change; its photos are those of `drawn`."""
    shutil.copytree(drawn.workspace.path, tmp_path / "workspace")
    return replace(drawn, workspace=Workspace.create(tmp_path / "workspace"))
