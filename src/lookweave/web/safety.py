"""What every request passes before anything looks at it, and what every answer carries."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lookweave.errors import InputError
from lookweave.web.problems import problem

LARGEST_BODY = 24 << 20
_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)
_TOO_LARGE = f"At most {LARGEST_BODY >> 20} MB can be sent at a time."
_READING = {"GET", "HEAD", "OPTIONS"}

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; img-src 'self' blob:; style-src 'self'; script-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """Refuses hosts and origins that are not this server's own, and bodies that are too large.

    A page of another site can make a browser ask this server: by a form, or under a name of its
    own that it lets point here (DNS rebinding). The Host header tells the second, Origin and
    Sec-Fetch-Site the first. Nothing that a proxy may claim (X-Forwarded-…) is read here.

    Args:
        address: that people type, such as ``https://review.example.com``; None: this machine's.
    """

    def __init__(self, app: ASGIApp, address: str | None) -> None:
        self._app, self._address = app, address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # no websockets here
        headers = Headers(scope=scope)
        refused = _refusal(scope["method"], headers, self._address)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    sent[name] = value
                sent.setdefault("cache-control", "no-store")
            await send(message)

        if refused is not None:
            status, detail = refused
            await problem(status, detail)(scope, receive, answer)
            return
        await self._app(scope, _limited(receive), answer)


def _limited(receive: Receive) -> Receive:
    read = 0

    async def limited() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > LARGEST_BODY:
            raise HTTPException(413, _TOO_LARGE)
        return message

    return limited


def _refusal(method: str, headers: Headers, address: str | None) -> tuple[int, str] | None:
    hosts = headers.getlist("host")
    host = hosts[0].lower() if len(hosts) == 1 else ""
    if address is None and not _LOOPBACK.fullmatch(host):
        return 421, "This server answers to localhost, 127.0.0.1 and [::1] alone."
    if address is not None and host != address.partition("://")[2]:
        return 421, f"This server answers to {address} alone."
    if method not in _READING:
        origin = headers.get("origin")
        if origin is not None and origin.lower() != (address or f"http://{host}"):
            return 403, "A page of another site asked for this."
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return 403, "A page of another site asked for this."
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > LARGEST_BODY:
        return 413, _TOO_LARGE
    return None


def own_address(given: str) -> str:
    """An address as browsers send it: lower case, no path, no usual port.

    Raises:
        InputError: it is none.
    """
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    proper = parts.scheme in ("http", "https") and parts.hostname and parts.path in ("", "/")
    if not proper or parts.query or parts.fragment or parts.username is not None:
        raise InputError(
            f"--address is what people type into the browser, such as "
            f"https://review.example.com, not {given!r}."
        )
    name = str(parts.hostname)
    name = f"[{name}]" if ":" in name else name
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{name}" + (f":{port}" if port not in (None, usual) else "")


class Secret:
    """The workspace's secret, made at its first use and readable by its owner alone.

    Forms carry a token made of it and of the browser's own cookie.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "serve.secret"
        if not path.exists():
            # Of two servers that start at once one makes it, whole, and both use it.
            handle, scratch = tempfile.mkstemp(dir=folder, prefix=".serve.secret.")
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(32))
            with contextlib.suppress(FileExistsError):
                os.link(scratch, path)
            Path(scratch).unlink()
        self._key = path.read_bytes()

    def token(self, session: str) -> str:
        """For the forms of one browser."""
        return hmac.new(self._key, session.encode(), hashlib.sha256).hexdigest()

    def fits(self, session: str, token: str) -> bool:
        """Whether a form's token is this browser's."""
        return bool(session) and hmac.compare_digest(self.token(session), token)
