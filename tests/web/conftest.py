from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from tests.built import build

pytest.importorskip("fastapi", reason="needs the extra serve")

from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from lookweave.store.workspace import Workspace
from lookweave.web import sessions
from lookweave.web.accounts import ROLES, Accounts, Actor
from lookweave.web.app import create_app
from lookweave.web.signing import Attempts


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Argon2 at its least: a real hash takes half a second here."""
    with pytest.MonkeyPatch.context() as patch:
        quick = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr("lookweave.web.accounts.PasswordHasher", quick)
        yield


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, photo_folders: tuple[Path, Path, Path]) -> Path:
    """A built workspace: read only."""
    out = tmp_path_factory.mktemp("served") / "ws"
    build(out, photo_folders)
    return out


@dataclass
class Served:
    """A workspace of one's own and a client of its application."""

    path: Path
    client: TestClient

    @property
    def workspace(self) -> Workspace:
        return Workspace.open(self.path)


@pytest.fixture
def served(built: Path, tmp_path: Path) -> Iterator[Served]:
    path = tmp_path / "ws"
    shutil.copytree(built, path)
    app = create_app(path)
    with TestClient(app, base_url="http://127.0.0.1:8090", raise_server_exceptions=False) as client:
        yield Served(path, client)


ADDRESS = "https://review.example.com"
PASSWORD = "four plain quiet words"


@dataclass
class Manned(Served):
    """The same with accounts, one of each role, of that name.

    Attributes:
        accounts: of the workspace.
        cookies: name of each user -> the header with a session of theirs.
    """

    accounts: Accounts
    cookies: dict[str, dict[str, str]]

    def form(self, who: str) -> str:
        """The token of a user's forms."""
        page = self.client.get("/account", headers=self.cookies[who]).text
        return page.split('name="token" value="')[1].split('"')[0]


def manned_at(path: Path) -> Manned:
    """A workspace with users, served at `ADDRESS`; close its client."""
    accounts = Accounts(path)
    kept = accounts._hash("x", PASSWORD)
    cookies = {}
    for role in ROLES:
        accounts.add(role, role, Actor("test"))
        with accounts.writing() as connection:
            connection.execute("UPDATE users SET password = ? WHERE name = ?", (kept, role))
        cookies[role] = {"cookie": f"__Host-lookweave={sessions.begin(accounts, role, '')}"}
    client = TestClient(create_app(path, ADDRESS), base_url=ADDRESS, raise_server_exceptions=False)
    return Manned(path, client, accounts, cookies)


@pytest.fixture(scope="session")
def manned(
    built: Path, quick_passwords: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Manned]:
    """Shared: tests that change users take names of their own."""
    path = tmp_path_factory.mktemp("manned") / "ws"
    shutil.copytree(built, path)
    found = manned_at(path)
    with found.client:
        yield found


@pytest.fixture(autouse=True)
def nothing_counted(request: pytest.FixtureRequest) -> None:
    """Each test has all its attempts to sign in."""
    if "manned" in request.fixturenames:
        manned = request.getfixturevalue("manned")
        manned.client.app.state.attempts = Attempts()
