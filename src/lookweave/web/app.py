"""The application: guards, routes, pages."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from lookweave import __version__
from lookweave.web import (
    admin,
    browsing,
    deciding,
    desk,
    details,
    finding,
    gaps,
    guiding,
    linking,
    metrics,
    pages,
    selecting,
    signing,
    starting,
)
from lookweave.web.accounts import FILE, Accounts
from lookweave.web.asking import Pictures
from lookweave.web.builds import Builds
from lookweave.web.images import Images
from lookweave.web.problems import told
from lookweave.web.rights import ANYBODY, Door, Rights, Rule
from lookweave.web.safety import Guard, Secret
from lookweave.web.site import Site

_HERE = Path(__file__).parent

NEW = "lookweave-workspace"
"""The folder for a workspace that a page proposes, in the one where the server was started."""

health = APIRouter(prefix="/health", tags=["health"])
pictures = APIRouter(prefix="/api/v1/images", tags=["images"])
described = APIRouter(include_in_schema=False)

ROUTERS: tuple[tuple[APIRouter, Rule], ...] = (
    (health, Rule(ANYBODY)),
    (signing.router, Rule(ANYBODY, accounts=True, logged=False)),
    (signing.own, Rule("viewer", accounts=True, person=True, logged=False)),
    (admin.router, Rule("admin", accounts=True, person=True, logged=False)),
    (starting.router, Rule("admin", here=True)),
    (metrics.router, Rule("admin", scope=metrics.SCOPE)),
    (described, Rule("viewer")),
    (pictures, Rule("viewer")),
    (desk.router, Rule("reviewer", logged=False)),
    (details.router, Rule("reviewer")),
    (deciding.history, Rule("reviewer", logged=False)),
    (deciding.disputes, Rule("admin")),
    (guiding.router, Rule("reviewer", "admin")),
    (finding.router, Rule("viewer", logged=False)),
    (pages.router, Rule("reviewer")),
    (pages.naming, Rule("reviewer", accounts=False)),
    (browsing.router, Rule("viewer", logged=False)),
    (linking.router, Rule("reviewer", logged=False)),
    (linking.api, Rule("reviewer", logged=False)),
    (gaps.router, Rule("viewer", "reviewer", logged=False)),
    (gaps.api, Rule("reviewer", logged=False)),
    (selecting.router, Rule("viewer", "reviewer", logged=False)),
    (selecting.api, Rule("viewer", "reviewer", logged=False)),
)
"""Every router and who may use it, in the order in which they are asked."""


def create_app(
    workspace: Path, address: str | None = None, *, builds: Builds | None = None
) -> FastAPI:
    """The review desk, the library and their API for one workspace.

    With users in the workspace everybody signs in; without any it is for this machine alone.

    Args:
        workspace: its folder. The journal of verdicts, a secret, and the accounts where there
            are any are written to it.
        address: that people type, such as ``https://review.example.com``, as
            `safety.own_address` gives it; None: this machine's own.
        builds: of this workspace, where there are some already.

    Raises:
        InputError: there is no workspace.
    """
    site = Site(workspace)
    app = bare_app(ROUTERS, builds or Builds(site.path))
    app.state.site = site
    app.state.images = Images()
    app.state.pictures = Pictures()
    app.state.secret = Secret(site.path)
    app.state.address = address
    app.state.secure = bool(address and address.startswith("https:"))
    there = (site.path / FILE).exists()
    accounts = Accounts(site.path) if there or address else None
    app.state.accounts = accounts if accounts and (address or accounts.users()) else None
    app.state.attempts = signing.Attempts()
    app.state.metrics = metrics.Metrics(site, app.state.builds)
    finish_app(app, ROUTERS)
    app.add_middleware(metrics.Measured, metrics=app.state.metrics, rights=app.state.rights)
    return app


def bare_app(routers: Sequence[tuple[APIRouter, Rule]], builds: Builds) -> FastAPI:
    """What every application here has: rights, templates, builds."""
    # Its documentation pages would load scripts of another host.
    app = FastAPI(
        title="Lookweave", version=__version__, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.state.builds = builds
    app.state.new = Path.cwd() / NEW
    app.state.watched = None
    app.state.rights = Rights(routers, mounted=["/static/"])
    app.state.templates = Environment(
        loader=PackageLoader("lookweave.web"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return app


def finish_app(app: FastAPI, routers: Sequence[tuple[APIRouter, Rule]]) -> FastAPI:
    """Its routes, and the guards that every request passes."""
    for error in (HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(error, told)
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    for router, _ in routers:
        app.include_router(router)
    app.add_middleware(Door, rights=app.state.rights, accounts=app.state.accounts)
    app.add_middleware(Guard, address=app.state.address)
    return app


@health.get("/live")
def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@health.get("/ready")
def ready(request: Request) -> dict[str, str]:
    """Workspace and journal can be read."""
    request.app.state.site.now()
    request.app.state.site.journal.events(1 << 62)
    return {"status": "ready"}


@described.get("/openapi.json")
def openapi(request: Request) -> Response:
    """What `/api/v1` takes and gives."""
    return JSONResponse(request.app.openapi())


@pictures.get("/{photo}/{region}/{size}/0/default.webp")
def image(photo: str, region: str, size: int, request: Request) -> Response:
    """A photo (`full`), a garment's cut-out (`cut`) or a look's region (two digits), as WebP.

    Sizes are 200, 400, 800 and 1600 pixels of the longest side.
    """
    state = request.app.state
    content = state.images.picture(state.site.now(), photo, region, size)
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    # Always asked again: a photo that was taken down meanwhile is shown no more.
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="image/webp", headers=headers)
