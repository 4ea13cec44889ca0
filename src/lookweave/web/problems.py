"""Errors as a browser and a program get them: a page, or problem+json (RFC 9457)."""

from __future__ import annotations

import http
import logging

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from lookweave.errors import LookweaveError, UsageError, WorkspaceFull

_log = logging.getLogger(__name__)


class NotShown(HTTPException):
    """What was asked for is not there, or may not be shown: the answer does not say which."""

    def __init__(self, what: str) -> None:
        super().__init__(404, f"There is no {what} of this id that may be shown.")


def problem(status: int, detail: str) -> JSONResponse:
    """The error as ``application/problem+json``."""
    title = http.HTTPStatus(status).phrase
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(content, status, media_type="application/problem+json")


def told(request: Request, error: Exception) -> Response:
    """Any error of a request; what was not expected is logged, and its text is not shown."""
    response = _told(request, error)
    if isinstance(error, HTTPException) and error.headers:
        response.headers.update(error.headers)
    return response


def _told(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        status, detail = error.status_code, str(error.detail)
    elif isinstance(error, RequestValidationError):
        places = [".".join(map(str, one["loc"][1:])) for one in error.errors()]
        said = [f"{place}: {one['msg']}" for place, one in zip(places, error.errors(), strict=True)]
        status, detail = 422, "; ".join(said)[:1000]
    elif isinstance(error, UsageError):
        status, detail = 422, str(error)
    elif isinstance(error, LookweaveError):
        status, detail = (507 if isinstance(error, WorkspaceFull) else 503), str(error)
    else:
        _log.exception("%s %s failed", request.method, request.url.path)
        status, detail = 500, "A fault in Lookweave itself; the server's log has it."
    path = request.url.path
    if path.startswith(("/api/", "/health", "/metrics", "/openapi")):
        return problem(status, detail)
    page = request.app.state.templates.get_template("error.html")
    title = http.HTTPStatus(status).phrase
    html = page.render(title=title, detail=detail, who=None, accounts=False, nav=(), here="")
    return Response(html, status, media_type="text/html")
