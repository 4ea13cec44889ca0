"""``lookweave users``: who may sign in to what `serve` shows, and who did what there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lookweave import api
from lookweave.cli.options import Json, WorkspacePath
from lookweave.errors import InputError, UsageError
from lookweave.terminal import say, show_result, show_table

if TYPE_CHECKING:
    from lookweave.web.accounts import Accounts, Actor, User

app = typer.Typer(invoke_without_command=True)

Name = Annotated[str, typer.Argument(help="of the user")]
Role = Annotated[str, typer.Option(help="viewer, reviewer or admin")]
Address = Annotated[
    str, typer.Option(metavar="URL", help="where the server is, for the link that is printed")
]


@app.callback()
def _root(context: typer.Context, workspace: WorkspacePath) -> None:
    context.obj = workspace
    if context.invoked_subcommand is None:
        list_users(context)


def list_users(context: typer.Context, json_: Json = False) -> None:
    """Every user, and whether they chose a password yet."""
    found = _accounts(context, reading=True).users()
    if json_:
        show_result({"users": [one.to_dict() for one in found]}, True)
        return
    rows = [(one.name, one.role, _state(one), f"{one.added:%Y-%m-%d}") for one in found]
    show_table("", ("name", "role", "state", "added"), rows)


def add_user(
    context: typer.Context,
    name: Name,
    role: Role = "reviewer",
    again: Annotated[
        bool, typer.Option("--again", help="the name was removed; it is the same person")
    ] = False,
    address: Address = "http://localhost:8090",
    json_: Json = False,
) -> None:
    """Add a user; prints the link with which they choose a password."""
    user, secret = _accounts(context).add(name, role, _actor(), again=again)
    _show_link(user, secret, address, json_)


def invite_user(
    context: typer.Context, name: Name, address: Address = "http://localhost:8090",
    json_: Json = False,
) -> None:  # fmt: skip
    """Print a new link for a user, who chooses a new password with it."""
    user, secret = _accounts(context).invite(name, _actor())
    _show_link(user, secret, address, json_)


def role_user(context: typer.Context, name: Name, role: Role, json_: Json = False) -> None:
    """Give a user another role; it holds at once."""
    user = _accounts(context).change_role(name, role, _actor())
    show_result(user.to_dict() if json_ else f"{user.name} is a {user.role} now", json_)


def remove_user(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Let a user in no more. What they said stays, under their name."""
    _accounts(context).remove(name, _actor())
    show_result({"removed": name} if json_ else f"{name} is let in no more", json_)


def token_user(
    context: typer.Context,
    name: Name,
    label: Annotated[str, typer.Option("--for", help="what it is for")],
    scope: Annotated[list[str], typer.Option(help="read, review or metrics; repeat it")],
    days: Annotated[int, typer.Option(help="that it holds")] = 90,
    json_: Json = False,
) -> None:
    """Print a token with which a program uses the API in a user's name."""
    from lookweave.web.sessions import make_token

    made, secret = make_token(_accounts(context), name, label, scope, days, _actor())
    show_result({**made.to_dict(), "secret": secret} if json_ else secret, json_)


def log_users(
    context: typer.Context,
    last: Annotated[int, typer.Option(help="lines")] = 100,
    json_: Json = False,
) -> None:
    """Who did what, the newest last."""
    if last < 1:
        raise UsageError(f"--last is a number of lines, not {last}.")
    lines = _accounts(context, reading=True).log(count=last)[::-1]
    if json_:
        show_result({"lines": [one.to_dict() for one in lines]}, True)
        return
    rows = [(f"{one.at:%Y-%m-%d %H:%M:%S}", one.who, one.what, one.about, one.address)
            for one in lines]  # fmt: skip
    show_table("", ("at (UTC)", "who", "what", "about", "from"), rows)


VERBS = (list_users, add_user, invite_user, role_user, remove_user, token_user, log_users)
"""``add_user`` is called ``add``."""


def _accounts(context: typer.Context, *, reading: bool = False) -> Accounts:
    try:
        from lookweave.web.accounts import Accounts
    except ImportError as error:
        raise UsageError(
            f"`lookweave users` needs the extra serve ({error}): pip install 'lookweave[serve]'."
        ) from error
    return Accounts(Path(api.open(context.obj).path), reading=reading)


def _actor() -> Actor:
    from lookweave.store.takedowns import person
    from lookweave.web.accounts import Actor

    return Actor(f"{person()} at the command line")


def _show_link(user: User, secret: str, address: str, json_: bool) -> None:
    if "://" not in address:
        raise InputError(f"--address is what people type into the browser, not {address!r}.")
    link = f"{address.rstrip('/')}/invitation/{secret}"
    if json_:
        show_result({**user.to_dict(), "invitation": link}, True)
        return
    say(f"{user.name} ({user.role}) chooses a password at this address, once, until "
        f"{user.invited_until:%Y-%m-%d}:")  # fmt: skip
    say(link)


def _state(user: User) -> str:
    waits = f"invited until {user.invited_until:%Y-%m-%d}" if user.invited_until else ""
    if user.active:
        return f"active, {waits}" if waits else "active"
    return waits or "the invitation ran out"
