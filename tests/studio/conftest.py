"""One OpenGL context for all tests of the renderer."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def renderer():  # type: ignore[no-untyped-def]
    pytest.importorskip("moderngl", reason="the extra [studio] is not installed")
    from lookweave.studio.render.draw import NoRenderer, Renderer

    try:
        return Renderer()
    except NoRenderer as error:
        pytest.skip(str(error))
