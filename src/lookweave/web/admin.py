"""Users and the audit log, for admins."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from lookweave.web import sessions
from lookweave.web.accounts import INVITATION_DAYS, ROLES, Accounts
from lookweave.web.pages import own_form, page
from lookweave.web.problems import NotShown
from lookweave.web.signing import By, Password, TheAccounts, Who, confirm

router = APIRouter()

_OWN_FORM = [Depends(own_form)]
_LINES = 100

Role = Literal["viewer", "reviewer", "admin"]
Name = Annotated[str, Form(max_length=100)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")
    password: str = Field(max_length=1000, description="yours, again")


class NewUser(_Body):
    """A user to add."""

    name: str = Field(max_length=100)
    role: Role
    again: bool = Field(False, description="the name was removed, and it is the same person")


class NewRole(_Body):
    """Another role."""

    role: Role


class Confirmed(_Body):
    """One's own password, again."""


@router.get("/admin/users", include_in_schema=False)
def users_page(request: Request, kept: TheAccounts) -> Response:
    """Users, invitations, tokens."""
    return _users(request, kept)


@router.post("/admin/users", dependencies=_OWN_FORM, include_in_schema=False)
def add_by_form(
    request: Request, who: Who, by: By, kept: TheAccounts, name: Name, role: Annotated[str, Form()],
    password: Password, again: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    """Add a user."""
    confirm(request, who, password)
    user, secret = kept.add(name.strip(), role, by, again=again)
    return _users(request, kept, user.name, secret)


@router.post("/admin/users/{name}/invite", dependencies=_OWN_FORM, include_in_schema=False)
def invite_by_form(
    request: Request, name: str, who: Who, by: By, kept: TheAccounts, password: Password
) -> Response:
    """A new link."""
    _known(kept, name)
    confirm(request, who, password)
    user, secret = kept.invite(name, by)
    return _users(request, kept, user.name, secret)


@router.post("/admin/users/{name}/role", dependencies=_OWN_FORM, include_in_schema=False)
def role_by_form(
    request: Request, name: str, who: Who, by: By, kept: TheAccounts, password: Password,
    role: Annotated[str, Form()],
) -> Response:  # fmt: skip
    """Another role."""
    _known(kept, name)
    confirm(request, who, password)
    kept.change_role(name, role, by)
    return RedirectResponse("/admin/users", 303)


@router.post("/admin/users/{name}/remove", dependencies=_OWN_FORM, include_in_schema=False)
def remove_by_form(
    request: Request, name: str, who: Who, by: By, kept: TheAccounts, password: Password
) -> Response:
    """Let a user in no more."""
    _known(kept, name)
    confirm(request, who, password)
    kept.remove(name, by)
    return RedirectResponse("/admin/users", 303)


@router.post("/admin/tokens/{id}/end", dependencies=_OWN_FORM, include_in_schema=False)
def end_token_by_form(id: str, by: By, kept: TheAccounts) -> Response:
    """End anybody's token."""
    if not sessions.revoke(kept, id, by):
        raise NotShown("token")
    return RedirectResponse("/admin/users", 303)


@router.get("/admin/audit", include_in_schema=False)
def audit_page(
    request: Request,
    kept: TheAccounts,
    before: Annotated[int | None, Query(ge=1, lt=1 << 62)] = None,
) -> Response:
    """Who did what."""
    lines = kept.log(before, _LINES)
    more = lines[-1].seq if len(lines) == _LINES and lines[-1].seq > 1 else None
    return page(request, "audit.html", "audit", lines=lines, more=more)


@router.get("/api/v1/users", tags=["accounts"])
def list_users(kept: TheAccounts) -> dict[str, Any]:
    """All users."""
    return {"users": [one.to_dict() for one in kept.users()]}


@router.post("/api/v1/users", status_code=201, tags=["accounts"])
def add_user(new: NewUser, request: Request, who: Who, by: By, kept: TheAccounts) -> dict[str, Any]:
    """Add a user. The invitation is in this answer and nowhere else."""
    confirm(request, who, new.password)
    user, secret = kept.add(new.name, new.role, by, again=new.again)
    return {**user.to_dict(), "invitation": link(request, secret)}


@router.post("/api/v1/users/{name}/invitation", status_code=201, tags=["accounts"])
def invite_user(
    name: str, again: Confirmed, request: Request, who: Who, by: By, kept: TheAccounts
) -> dict[str, Any]:
    """A new invitation: the user chooses a new password with it."""
    _known(kept, name)
    confirm(request, who, again.password)
    user, secret = kept.invite(name, by)
    return {**user.to_dict(), "invitation": link(request, secret)}


@router.patch("/api/v1/users/{name}", tags=["accounts"])
def change_role(
    name: str, new: NewRole, request: Request, who: Who, by: By, kept: TheAccounts
) -> dict[str, Any]:
    """Give a user another role."""
    _known(kept, name)
    confirm(request, who, new.password)
    return kept.change_role(name, new.role, by).to_dict()


@router.delete("/api/v1/users/{name}", status_code=204, tags=["accounts"])
def remove_user(name: str, by: By, kept: TheAccounts) -> None:
    """Let a user in no more. What they said stays."""
    _known(kept, name)
    kept.remove(name, by)


@router.get("/api/v1/audit", tags=["accounts"])
def audit(
    kept: TheAccounts,
    before: Annotated[int | None, Query(ge=1, lt=1 << 62)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = _LINES,
) -> dict[str, Any]:
    """Who did what, newest first; `next` is the next page's `before`."""
    lines = kept.log(before, limit)
    following = lines[-1].seq if len(lines) == limit and lines[-1].seq > 1 else None
    return {"lines": [one.to_dict() for one in lines], "next": following}


def link(request: Request, secret: str) -> str:
    """An invitation as it is sent to somebody."""
    host = request.headers["host"]
    return f"{request.app.state.address or f'http://{host}'}/invitation/{secret}"


def _known(kept: Accounts, name: str) -> None:
    if kept.user(name) is None:
        raise NotShown("user")


def _users(request: Request, kept: Accounts, invited: str = "", secret: str = "") -> Response:
    return page(
        request, "users.html", "users", users=kept.users(), roles=ROLES,
        tokens=sessions.tokens(kept), invited=invited, days=INVITATION_DAYS,
        link=link(request, secret) if secret else "",
    )  # fmt: skip
