"""One garment of the demo sample, fitted once for all tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import lookweave.demo

GARMENTS = Path(lookweave.demo.__file__).parent / "sample" / "garments"


@pytest.fixture(scope="session")
def fits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where fitted garments are kept."""
    return tmp_path_factory.mktemp("fits")


@pytest.fixture(scope="session")
def dress_photo() -> Path:
    return GARMENTS / "lw-00012.jpg"


@pytest.fixture(scope="session")
def fitted(renderer: Any, fits: Path, dress_photo: Path) -> Any:
    from lookweave.studio.shoot import fit, record

    return fit.fit(renderer, record.Garment(photo=str(dress_photo)), fits)
