"""`lookweave serve`: one process that answers until it is stopped."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lookweave.errors import InputError, UsageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_MISSING = "`lookweave {verb}` needs the extra serve ({error}): pip install 'lookweave[serve]'."


def serve(
    workspace: Path | None, host: str, port: int, say: Callable[[str], object], *,
    address: str | None = None, proxies: Sequence[str] = (), watch: Sequence[str] = (),
) -> None:  # fmt: skip
    """Serve a workspace until the process is told to stop.

    Args:
        workspace: its folder; where it is none yet, or None, a page builds one.
        host: to listen on: ``localhost`` or a loopback address; any other one, and any `address`,
            wants users.
        port: 0 for any that is free.
        say: told the address once it answers there, and what is unsafe about it.
        address: that people type into the browser, where it is not this machine's own.
        proxies: addresses or networks of reverse proxies whose word on the client's address
            (X-Forwarded-For) is taken; nobody else's is.
        watch: folders whose new photos are built meanwhile, as `watching.folder` reads them.

    Raises:
        InputError: no workspace, no admin, no address, or a port that cannot be had.
        UsageError: the extra ``serve`` is not installed.
    """
    if not 0 <= port <= 65535:
        raise InputError(f"--port is a number from 0 to 65535, not {port}.")
    trusted = [_network(one) for one in proxies]
    needed("serve")
    from lookweave.web.app import create_app
    from lookweave.web.first_run import first_run
    from lookweave.web.safety import own_address

    if address is None and not _is_loopback(host):
        raise InputError(
            f"--host {host} lets other machines connect. That wants users (`lookweave users "
            f"{workspace} add NAME --role admin`), and --address: what people type into their "
            "browsers. With a reverse proxy that speaks TLS (docs/serving.md has two) that is such "
            "as https://review.example.com. An address that begins with http:// is not encrypted: "
            "whoever is on the way reads passwords and photos."
        )
    own = own_address(address) if address is not None else None
    if workspace is None and own is not None:
        raise InputError("With --address, name the workspace whose users may sign in.")
    first = first_run(workspace) if own is None else None
    if first is not None:
        if watch:
            raise InputError("--watch wants a workspace that is built: leave it out, build one.")
        _answer(first, host, port, say, own, trusted)
        return
    assert workspace is not None
    app = create_app(workspace, own)
    if own is not None and not _has_admin(app.state.accounts):
        raise InputError(
            f"Other machines may connect once there is an admin: `lookweave users {workspace} add "
            "NAME --role admin`, then start again. Without accounts only this machine may: leave "
            "--host and --address out."
        )
    if not watch:
        _answer(app, host, port, say, own, trusted)
        return
    from lookweave.web.starting import known_inputs
    from lookweave.web.watching import Watcher, folder

    known = [place for places in known_inputs(app.state.builds.path).values() for place in places]
    watcher = Watcher(app.state.builds, [folder(one, known) for one in watch])
    app.state.watched = watcher
    threading.Thread(target=watcher.run, daemon=True, name="watching").start()
    try:
        _answer(app, host, port, say, own, trusted)
    finally:
        watcher.end()


def needed(verb: str) -> None:
    """See that what serves is installed.

    Raises:
        UsageError: the extra ``serve`` is not.
    """
    try:
        import uvicorn  # noqa: F401

        import lookweave.web.app  # noqa: F401
    except ImportError as error:
        raise UsageError(_MISSING.format(verb=verb, error=error)) from error


def _answer(
    app: ASGIApp, host: str, port: int, say: Callable[[str], object], own: str | None,
    trusted: list[str],
) -> None:  # fmt: skip
    import uvicorn

    try:
        listening = socket.create_server((host, port), family=_family(host))
    except OSError as error:
        raise InputError(
            f"Nothing can listen on {host}:{port} ({error.strerror}): name another --port."
        ) from error
    with listening:
        at = listening.getsockname()[1]
        here = f"[{host}]" if ":" in host else host
        say(f"{own or f'http://{here}:{at}'}/")
        if own is not None and own.startswith("http:") and not _is_loopback_address(own):
            say(f"{own} is not encrypted: whoever is on the way reads passwords and photos.")
        config = uvicorn.Config(
            app, log_level="warning", proxy_headers=bool(trusted), forwarded_allow_ips=trusted,
            server_header=False, ws="none", timeout_graceful_shutdown=5, lifespan="off",
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[listening])


def _has_admin(accounts: object) -> bool:
    users = accounts.users() if accounts is not None else []  # type: ignore[attr-defined]
    return any(one.role == "admin" for one in users)


def _network(given: str) -> str:
    try:
        return str(ipaddress.ip_network(given))
    except ValueError as error:
        raise InputError(
            f"--trust-proxy is the address of a reverse proxy or its network, not {given!r}."
        ) from error


def _is_loopback(host: str) -> bool:
    return host.lower() in ("localhost", "127.0.0.1", "::1")


def _is_loopback_address(address: str) -> bool:
    return address.partition("://")[2].rpartition(":")[0].strip("[]") in (
        "localhost", "127.0.0.1", "::1",
    )  # fmt: skip


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
