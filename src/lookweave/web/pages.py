"""The pages, made on the server."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from lookweave.errors import InputError
from lookweave.review.queues import QUEUES
from lookweave.web import people
from lookweave.web.desk import agreement

router = APIRouter(include_in_schema=False)
naming = APIRouter(include_in_schema=False)
"""Where there are no accounts."""

NAVIGATION: tuple[tuple[str, str, str], ...] = (
    ("/", "home", "Coverage"),
    ("/review", "review", "Review"),
    ("/review/stats", "stats", "Agreement"),
    ("/library", "library", "Library"),
    ("/selections", "selections", "Selections"),
    ("/gaps", "gaps", "Gaps"),
    ("/duplicates", "duplicates", "Duplicates"),
    ("/rejects", "rejects", "Rejects"),
    ("/start", "start", "Build"),
    ("/admin/users", "users", "Users"),
    ("/admin/audit", "audit", "Log"),
)
"""Path, id and label of each page in the bar; everybody sees those that they may open."""


def page(
    request: Request, name: str, here: str, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """A template of the folder templates/."""
    state = request.app.state
    html = state.templates.get_template(name).render(
        who=request.state.who, accounts=state.accounts is not None, here=here,
        nav=_open_to(request), token=state.secret.token(people.session(request)), **values,
    )  # fmt: skip
    response = HTMLResponse(html, status)
    people.remember_session(request, response)
    return response


def _open_to(request: Request) -> list[tuple[str, str, str]]:
    state, who = request.app.state, request.state.who
    found = []
    for entry in NAVIGATION:
        right = state.rights.find("GET", entry[0])
        if right is None or right.path.startswith("/{"):  # before there is a workspace
            continue
        there = right.rule.accounts in (None, state.accounts is not None)
        there = there and not (right.rule.here and state.address is not None)
        if there and who is not None and who.may(right.role):
            found.append(entry)
    return found


def own_form(request: Request, token: Annotated[str, Form()] = "") -> None:
    """Refuses a form that this server did not give to this browser.

    Raises:
        HTTPException: 403.
    """
    if not request.app.state.secret.fits(people.session(request), token):
        raise HTTPException(403, "This form is too old: go back, load the page again, and repeat.")


@router.get("/review")
@router.get("/review/{queue}")
def review(request: Request, queue: str = "mixed") -> Response:
    """The review desk."""
    if queue == "stats":
        return stats(request)
    if queue not in QUEUES and not queue.startswith("category-"):
        raise InputError(f"There is no queue {queue!r}: {', '.join(QUEUES)}, or category-NAME.")
    return page(request, "review.html", "review", queue=queue, queues=QUEUES)


def stats(request: Request) -> Response:
    """Agreement, audit, pace."""
    site = request.app.state.site
    found = agreement(site, people.reviewer(request))
    return page(request, "stats.html", "stats", **found)


@naming.post("/name", dependencies=[Depends(own_form)])
def name(name: Annotated[str, Form(max_length=100)]) -> Response:
    """Say who one is."""
    response = RedirectResponse("/review", 303)
    people.call_oneself(response, name.strip())
    return response
