"""What is served where there is no workspace yet: the page that builds one, and then all pages."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lookweave.errors import InputError
from lookweave.store.workspace import MARKER, usable_folder
from lookweave.web import starting
from lookweave.web.app import bare_app, create_app, finish_app
from lookweave.web.builds import Builds
from lookweave.web.problems import problem
from lookweave.web.rights import ANYBODY, Rule

health = APIRouter(prefix="/health")
elsewhere = APIRouter(include_in_schema=False)


@health.get("/live")
def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@health.get("/ready")
def ready() -> Response:
    """Not before there is a workspace."""
    return problem(503, "There is no workspace yet: open /start.")


@elsewhere.get("/{path:path}")
def to_start(path: str, request: Request) -> Response:
    """Whatever is asked for, there is one page yet."""
    if request.url.path.startswith(("/api/", "/openapi", "/metrics")):
        return problem(503, "There is no workspace yet: open /start.")
    return RedirectResponse("/start", 303)


ROUTERS: tuple[tuple[APIRouter, Rule], ...] = (
    (health, Rule(ANYBODY)),
    (starting.router, Rule("admin", here=True)),
    (elsewhere, Rule("viewer")),
)


class _Secret:
    """As `safety.Secret`, while there is no folder to keep it in."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def token(self, session: str) -> str:
        return hmac.new(self._key, session.encode(), hashlib.sha256).hexdigest()

    def fits(self, session: str, token: str) -> bool:
        return bool(session) and hmac.compare_digest(self.token(session), token)


class FirstRun:
    """The page that builds, until a build made a workspace; then that workspace's application.

    For this machine alone: without a workspace there are no users.

    Args:
        builds: of the workspace to be.
        unusable: why a folder that was named can be none, for the page.
    """

    def __init__(self, builds: Builds, unusable: str = "") -> None:
        self.builds = builds
        self._lock = threading.Lock()
        self._app: ASGIApp | None = None
        self._before = _page(builds, unusable)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if app is None:
            app = await run_in_threadpool(self._newest)
        await app(scope, receive, send)

    def _newest(self) -> ASGIApp:
        with self._lock:
            if self._app is None and self.builds.ready():
                assert self.builds.path is not None
                self._app = create_app(self.builds.path, builds=self.builds)
            return self._app or self._before


def _page(builds: Builds, unusable: str) -> FastAPI:
    app = bare_app(ROUTERS, builds)
    app.state.address, app.state.secure, app.state.accounts = None, False, None
    app.state.secret = _Secret()
    app.state.unusable = unusable
    return finish_app(app, ROUTERS)


def first_run(workspace: Path | None) -> FirstRun | None:
    """The first run of a server, or None where the workspace is there.

    Args:
        workspace: as it was named, if it was.

    Raises:
        InputError: it is a file.
    """
    if workspace is None:
        return FirstRun(Builds(None))
    path = workspace.expanduser().resolve()
    if (path / MARKER).exists():
        return None
    try:
        return FirstRun(Builds(usable_folder(path)))
    except InputError as error:
        if path.exists() and not path.is_dir():
            raise
        return FirstRun(Builds(None), str(error))
