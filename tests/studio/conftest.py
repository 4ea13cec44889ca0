"""One OpenGL context and one fitted garment of the demo sample for all tests of the studio."""

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


@pytest.fixture(scope="session")
def renderer():  # type: ignore[no-untyped-def]
    pytest.importorskip("moderngl", reason="the extra [studio] is not installed")
    from lookweave.studio.render.draw import NoRenderer, Renderer

    try:
        return Renderer()
    except NoRenderer as error:
        pytest.skip(str(error))
