"""The page that builds: the first time, and whenever photos came.

It reads folders of this machine, so it is there only where the server is for this machine alone,
and for admins where there are users.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from lookweave.building import open_workspace
from lookweave.demo import SAMPLE
from lookweave.errors import InputError, LookweaveError, from_system
from lookweave.store import inputs
from lookweave.store.workspace import MARKER
from lookweave.web.builds import Builds, Told
from lookweave.web.pages import own_form, page

router = APIRouter()

_OWN_FORM = [Depends(own_form)]
_LONGEST = 4096

STEPS = {
    "ingest": "Read the photos", "detect": "Find garments in them",
    "describe": "Describe each garment", "embed": "See what each looks like",
    "group": "Group photos of one article", "match": "Compare garments with looks",
    "link": "Add links that people made", "tier": "Choose pairs",
}  # fmt: skip
"""What each step of a build does, in its order."""

Place = Annotated[str, Form(max_length=_LONGEST)]


@router.get("/start", include_in_schema=False)
def start_page(request: Request) -> Response:
    """The form, a build under way, or what it came to."""
    return _shown(request)


@router.post("/start", dependencies=_OWN_FORM, include_in_schema=False)
def start(
    request: Request, garments: Place = "", looks: Place = "", to: Place = "", sample: Place = ""
) -> Response:
    """Begin a build."""
    builds: Builds = request.app.state.builds
    given = {"garments": garments, "looks": looks, "to": to}
    try:
        if sample:
            garments, looks = str(SAMPLE / "catalogue.csv"), str(SAMPLE / "credits.csv")
        first = builds.path is None or not (builds.path / MARKER).exists()
        products = _place(garments, "product photos", needed=first)
        editorials = _place(looks, "editorial photos", needed=first)
        builds.start(products, editorials, to=_folder(to) if first else None)
    except LookweaveError as error:
        return _shown(request, wrong=str(error), given=given, status=422)
    return RedirectResponse("/start", 303)


@router.post("/start/stop", dependencies=_OWN_FORM, include_in_schema=False)
def stop(request: Request) -> Response:
    """Tell the build to end."""
    request.app.state.builds.stop()
    return RedirectResponse("/start", 303)


@router.get("/api/v1/build", tags=["builds"])
def build(request: Request) -> dict[str, Any]:
    """How the build is: state, seconds, stages (done of total), what went wrong, result."""
    return asdict(request.app.state.builds.told())


def _shown(
    request: Request, *, wrong: str = "", given: dict[str, str] | None = None, status: int = 200
) -> Response:
    builds: Builds = request.app.state.builds
    told: Told = builds.told()
    there = builds.path is not None and (builds.path / MARKER).exists()
    known = known_inputs(builds.path) if there and builds.path else {"garment": (), "look": ()}
    watcher = request.app.state.watched
    fields = given or {"garments": "", "looks": "", "to": str(builds.path or request.app.state.new)}
    first = not (known["garment"] and known["look"])
    return page(
        request, "start.html", "start", status=status, build=told, steps=STEPS, known=known,
        first=first, there=there, path=shlex.quote(str(builds.path)), wrong=wrong, given=fields,
        stages={one.name: one for one in told.stages},
        unusable=getattr(request.app.state, "unusable", ""),
        watched=watcher.told() if watcher else "",
    )  # fmt: skip


def known_inputs(path: Path) -> dict[str, tuple[str, ...]]:
    """Its inputs. Those of a build that was stopped early are among its flags alone."""
    workspace, config = open_workspace(path)
    known = inputs.known(workspace)
    flags = {"garment": config.garments, "look": config.looks}
    return {kind: tuple(dict.fromkeys([*known[kind], *map(str, flags[kind])])) for kind in known}


def _place(given: str, what: str, *, needed: bool) -> list[str]:
    text = _plain(given)
    if not text:
        if needed:
            raise InputError(f"Say where the {what} are: a folder, or a file that lists them.")
        return []
    if "://" in text:
        raise InputError(
            f"{text} is an address, and this page reads files of this machine alone: save the "
            "export here and type its path."
        )
    path = _folder(text)
    try:
        there = path.exists()
        readable = os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0))
    except OSError as error:
        raise InputError(str(from_system(error, path, "read"))) from error
    if not there:
        raise InputError(
            f"There is nothing at {path}: look whether the path of the {what} is right."
        )
    if not readable:
        raise InputError(f"{path} cannot be read: whoever started this server may not.")
    return [str(path)]


def _folder(given: str) -> Path:
    text = _plain(given)
    if not text:
        raise InputError("Say where the workspace is to be: a new folder.")
    if not text.isprintable():
        raise InputError("A path has a character in it that cannot be seen: type it again.")
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:
        raise InputError(f"{text}: there is no such person on this machine.") from error
    if not path.is_absolute():
        raise InputError(f"{text} is not the whole path: it begins with {Path.cwd().anchor} or ~.")
    return path


def _plain(given: str) -> str:
    """What was typed; file managers put quotes around a path that is copied."""
    text = given.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
