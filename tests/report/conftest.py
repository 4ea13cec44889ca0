from __future__ import annotations

from pathlib import Path

import pytest
from tests.report.drawn_workspace import Drawn, drawn_workspace


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """A filled workspace that tests only read."""
    return drawn_workspace(tmp_path_factory.mktemp("drawn"))


@pytest.fixture
def own(tmp_path: Path) -> Drawn:
    """A filled workspace that a test may change."""
    return drawn_workspace(tmp_path)
