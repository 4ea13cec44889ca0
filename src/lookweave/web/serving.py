"""`lookweave serve`: one process that answers until it is stopped."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from lookweave.errors import InputError, UsageError


def serve(workspace: Path, host: str, port: int, say: Callable[[str], object]) -> None:
    """Serve a workspace until the process is told to stop.

    Args:
        host: ``localhost`` or a loopback address.
        port: 0 for any that is free.
        say: told the address once it answers there.

    Raises:
        InputError: no workspace, another host, or a port that cannot be had.
        UsageError: the extra ``serve`` is not installed.
    """
    if not _is_loopback(host):
        raise InputError(
            f"--host {host}: only this machine may connect, since there are no accounts yet: use "
            "localhost, and from another machine an SSH tunnel "
            "(ssh -L 8090:localhost:8090 THIS-MACHINE)."
        )
    if not 0 <= port <= 65535:
        raise InputError(f"--port is a number from 0 to 65535, not {port}.")
    try:
        import uvicorn

        from lookweave.web.app import create_app
    except ImportError as error:
        raise UsageError(
            f"`lookweave serve` needs the extra serve ({error}): pip install 'lookweave[serve]'."
        ) from error
    app = create_app(workspace)
    try:
        listening = socket.create_server((host, port), family=_family(host))
    except OSError as error:
        raise InputError(
            f"Nothing can listen on {host}:{port} ({error.strerror}): name another --port."
        ) from error
    with listening:
        at = listening.getsockname()[1]
        say(f"http://{f'[{host}]' if ':' in host else host}:{at}/")
        config = uvicorn.Config(
            app, log_level="warning", proxy_headers=False, server_header=False, ws="none",
            timeout_graceful_shutdown=5, lifespan="off",
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[listening])


def _is_loopback(host: str) -> bool:
    return host.lower() in ("localhost", "127.0.0.1", "::1")


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
