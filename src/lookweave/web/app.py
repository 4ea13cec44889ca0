"""The application: guards, routes, pages."""

from __future__ import annotations

import hashlib
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lookweave import __version__
from lookweave.web import browsing, desk, finding, pages
from lookweave.web.images import Images
from lookweave.web.problems import told
from lookweave.web.safety import Guard, Secret
from lookweave.web.site import Site

_HERE = Path(__file__).parent


def create_app(workspace: Path) -> FastAPI:
    """The review desk, the library and their API for one workspace, for this machine alone.

    Args:
        workspace: its folder. The journal of verdicts and a secret are written to it.

    Raises:
        InputError: there is no workspace.
    """
    # Its documentation pages would load scripts of another host.
    app = FastAPI(title="Lookweave", version=__version__, docs_url=None, redoc_url=None)
    app.state.site = Site(workspace)
    app.state.images = Images()
    app.state.secret = Secret(app.state.site.path)
    app.state.templates = Environment(
        loader=PackageLoader("lookweave.web"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    app.state.templates.globals["nav"] = pages.NAVIGATION
    for error in (HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(error, told)
    app.include_router(desk.router)
    app.include_router(finding.router)
    app.include_router(pages.router)
    app.include_router(browsing.router)
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")

    @app.get("/health/live", tags=["health"])
    def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @app.get("/health/ready", tags=["health"])
    def ready() -> dict[str, str]:
        """Workspace and journal can be read."""
        app.state.site.now()
        app.state.site.journal.events(1 << 62)
        return {"status": "ready"}

    @app.get("/api/v1/images/{photo}/{region}/{size}/0/default.webp", tags=["images"])
    def image(photo: str, region: str, size: int, request: Request) -> Response:
        """A photo (`full`), a garment's cut-out (`cut`) or a look's region (two digits), as WebP.

        Sizes are 200, 400, 800 and 1600 pixels of the longest side.
        """
        content = app.state.images.picture(app.state.site.now(), photo, region, size)
        tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
        # Always asked again: a photo that was taken down meanwhile is shown no more.
        headers = {"etag": tag, "cache-control": "private, no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type="image/webp", headers=headers)

    app.add_middleware(Guard)
    return app
