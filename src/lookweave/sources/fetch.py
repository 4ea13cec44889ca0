"""Fetch photos from http(s) addresses that nobody vouches for.

The machine that runs Lookweave can often reach more than the person who wrote a manifest may:
its own services, the cloud's metadata address. So every address, and every address that it
redirects to, is resolved, each of its IP addresses is checked, and the connection goes to an
address that was checked: a name that resolves differently the second time changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import logging
import random
import re
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from lookweave import __version__
from lookweave.errors import Rejected

_log = logging.getLogger(__name__)

TOGETHER = 8
"""Addresses fetched at a time by one call."""

_REDIRECTS = {301, 302, 303, 307, 308}
_LONGEST_WAIT = 20.0  # seconds between two attempts, whatever Retry-After asks for
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class FetchLimits:
    """What a fetch may take.

    Attributes:
        max_bytes: of one photo, after decompression.
        timeout: seconds for one attempt at one address, redirects included.
        retries: further attempts after a time-out, a broken connection, 429 or 5xx.
        redirects: most redirects followed.
        allow_private_addresses: let addresses of this machine and its network be fetched.
        first_wait: seconds before the first retry; doubled for each further one, with jitter.
    """

    max_bytes: int = 100_000_000
    timeout: float = 15.0
    retries: int = 2
    redirects: int = 5
    allow_private_addresses: bool = False
    first_wait: float = 0.5


def fetch_all(addresses: Sequence[str], limits: FetchLimits) -> list[bytes | Rejected]:
    """Fetch some photos, a few at a time.

    Holds all of them in memory: call it with few addresses.

    Returns:
        For each address its bytes, or why there are none: bad_address, private_address,
        unknown_host, connection_failed, certificate_not_valid, time_out, too_many_redirects,
        address_not_found, address_forbidden, too_many_requests, server_error, address_error,
        incomplete_download, too_large_file, broken_download, empty_file.
    """
    return asyncio.run(_fetch_all(addresses, limits))


async def _fetch_all(addresses: Sequence[str], limits: FetchLimits) -> list[bytes | Rejected]:
    gate = asyncio.Semaphore(TOGETHER)
    async with _Connections(limits.timeout) as connections:

        async def one(address: str) -> bytes | Rejected:
            async with gate:
                try:
                    return await _with_retries(connections, address, limits)
                except Rejected as why:
                    return why

        return list(await asyncio.gather(*(one(address) for address in addresses)))


class _Connections:
    """Open connections, those of each host apart.

    Requests go to an IP address that was checked, so a pool would know a connection by that
    address. Two hosts may share it: in one pool, the connection whose certificate was checked
    for the first would carry the second's photos, whose certificate nobody saw.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._open = contextlib.AsyncExitStack()
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def __aenter__(self) -> _Connections:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    def to(self, host: str) -> httpx.AsyncClient:
        """The client that talks to this host, and to no other."""
        host = host.lower()
        if host not in self._clients:
            # trust_env=False: a proxy from the environment would connect where we did not check.
            client = httpx.AsyncClient(
                verify=_tls(),
                trust_env=False,
                follow_redirects=False,
                timeout=httpx.Timeout(self._timeout),
                headers={
                    "User-Agent": f"lookweave/{__version__}",
                    "Accept": "image/*,*/*;q=0.1",
                    "Accept-Encoding": "identity",
                },
            )
            self._open.push_async_callback(client.aclose)
            self._clients[host] = client
        return self._clients[host]


@functools.cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=True)  # honours SSL_CERT_FILE


class _Again(Rejected):
    """A failure that the next attempt may not meet."""

    def __init__(self, reason: str, detail: str, after: float = 0.0) -> None:
        super().__init__(reason, detail, retry=True)
        self.after = after


async def _with_retries(connections: _Connections, address: str, limits: FetchLimits) -> bytes:
    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.after if isinstance(error, _Again) else 0.0
        doubled = limits.first_wait * 2.0 ** (state.attempt_number - 1)
        return min(_LONGEST_WAIT, max(asked, doubled) * random.uniform(1.0, 1.5))

    def log(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        seconds = state.next_action.sleep if state.next_action else 0.0
        # Without its query, which may hold a signature.
        _log.info("%s is asked again in %.1f s: %s", address.partition("?")[0], seconds, error)

    attempts = AsyncRetrying(
        stop=stop_after_attempt(limits.retries + 1),
        wait=wait,
        retry=retry_if_exception(lambda error: isinstance(error, _Again)),
        before_sleep=log,
        reraise=True,
    )
    content: bytes = await attempts(_attempt, connections, address, limits)
    return content


async def _attempt(connections: _Connections, address: str, limits: FetchLimits) -> bytes:
    try:
        async with asyncio.timeout(limits.timeout):
            return await _follow(connections, address, limits)
    except (TimeoutError, httpx.TimeoutException) as error:
        raise _Again(
            "time_out", f"The server took longer than {limits.timeout:g} s (http_timeout)."
        ) from error
    except httpx.ConnectError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise Rejected(
                "certificate_not_valid", f"The server's certificate is not valid: {_brief(error)}."
            ) from error
        raise _Again(
            "connection_failed", f"No connection to the server: {_brief(error)}."
        ) from error
    except httpx.RemoteProtocolError as error:
        if "illegal" in str(error).lower():
            raise Rejected(
                "address_error", f"The server's answer is no HTTP: {_brief(error)}."
            ) from error
        raise _Again(
            "incomplete_download", f"The connection broke off: {_brief(error)}."
        ) from error
    except httpx.TransportError as error:
        raise _Again(
            "incomplete_download", f"The connection broke off: {_brief(error)}."
        ) from error


async def _follow(connections: _Connections, address: str, limits: FetchLimits) -> bytes:
    url = _parsed(address)
    for _ in range(limits.redirects + 1):
        target = await _target(url, limits.allow_private_addresses)
        client = connections.to(_host(url))
        request = client.build_request(
            "GET",
            url.copy_with(host=str(target)),
            headers={"Host": url.netloc.decode("ascii")},
            extensions={"sni_hostname": _host(url)},
        )
        response = await client.send(request, stream=True)
        try:
            if response.status_code not in _REDIRECTS or "location" not in response.headers:
                _check_status(response)
                return await _body(response, limits.max_bytes)
            try:
                url = _parsed(str(url.join(response.headers["location"])))
            except httpx.InvalidURL as error:
                raise Rejected(
                    "bad_address", f"It redirects to no address: {_brief(error)}."
                ) from error
        finally:
            await response.aclose()
    raise Rejected(
        "too_many_redirects",
        f"The address redirects more than {limits.redirects} times (http_redirects).",
    )


def _parsed(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
        port_is_odd = url.port is not None and not 0 < url.port < 65536
    except (httpx.InvalidURL, ValueError) as error:
        raise Rejected("bad_address", f"This is no valid address: {_brief(error)}.") from error
    if url.scheme not in ("http", "https"):
        raise Rejected(
            "bad_address", f"Only http and https are fetched, not {url.scheme or 'this'}."
        )
    if not re.fullmatch(r"[\w.:-]+", _host(url), re.ASCII) or port_is_odd:
        raise Rejected("bad_address", "The address names no server.")
    return url


def _host(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii")


async def _target(url: httpx.URL, allow_private: bool) -> IPAddress:
    """The IP address to connect to; every one that the host has was checked.

    Raises:
        Rejected: ``private_address`` if any is not a public one, ``unknown_host``.
    """
    host = _host(url)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, url.port or 0, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError) as error:
        raise _Again(
            "unknown_host", f"The name {host} leads to no server: {_brief(error)}."
        ) from error
    resolved = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not resolved:
        raise _Again("unknown_host", f"The name {host} leads to no server.")
    if not allow_private and (private := [each for each in resolved if not is_public(each)]):
        raise Rejected(
            "private_address",
            f"{host} leads to {private[0]}, an address of this machine or its own network. If "
            "that is meant, set ingest.allow_private_addresses.",
        )
    return min(resolved, key=lambda each: each.version)  # IPv4 first: it works in more places


def is_public(address: IPAddress) -> bool:
    """Whether anyone on the internet could reach this address, also the IPv4 one that an IPv6
    one may stand for (mapped, 6to4, Teredo, NAT64)."""
    if isinstance(address, ipaddress.IPv6Address):
        inside: list[ipaddress.IPv4Address | None] = [address.ipv4_mapped, address.sixtofour]
        inside += list(address.teredo or ())
        if address in _NAT64:
            inside.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
        if any(each is not None and not is_public(each) for each in inside):
            return False
        if address.ipv4_mapped is not None:
            return True
    return address.is_global and not address.is_multicast


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status == 200:
        return
    said = f"The server answered {status} {response.reason_phrase}".rstrip() + "."
    if status in (404, 410):
        raise Rejected("address_not_found", f"{said} The photo is not there: check the address.")
    if status in (401, 403, 407, 451):
        raise Rejected("address_forbidden", f"{said} Download the photo with your own access.")
    if status == 429:
        raise _Again("too_many_requests", said, _retry_after(response))
    if status == 408 or status >= 500:
        raise _Again("server_error", said, _retry_after(response))
    raise Rejected("address_error", said)


def _retry_after(response: httpx.Response) -> float:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdecimal() else 0.0


async def _body(response: httpx.Response, max_bytes: int) -> bytes:
    """The body, never holding more than a little over `max_bytes`, whatever the headers say."""
    claimed = response.headers.get("content-length", "")
    if claimed.isdecimal() and int(claimed) > max_bytes:
        raise _too_large(max_bytes)
    content = bytearray()
    async for piece in _pieces(response, max_bytes):
        content += piece
        if len(content) > max_bytes:
            raise _too_large(max_bytes)
    if not content:
        raise Rejected("empty_file", "The server sent no bytes: check the address.")
    return bytes(content)


async def _pieces(response: httpx.Response, max_bytes: int) -> AsyncIterator[bytes]:
    """The body's pieces, decompressed here and not by httpx: a compressed piece may stand for a
    thousand times its size, and compressed twice for a million times."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        async for piece in response.aiter_raw():
            yield piece
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Rejected(
            "broken_download", f"The server sent the photo compressed ({encoding}), unasked."
        )
    decompressor = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, by its header
    try:
        async for piece in response.aiter_raw():
            yield decompressor.decompress(piece, max_bytes + 1)
            if decompressor.unconsumed_tail:
                raise _too_large(max_bytes)
    except zlib.error as error:
        raise Rejected(
            "broken_download", f"The compressed answer is damaged: {_brief(error)}."
        ) from error
    if not decompressor.eof:
        raise _Again("incomplete_download", "The compressed answer ends too early.")


def _too_large(max_bytes: int) -> Rejected:
    return Rejected("too_large_file", f"The photo has more than max_bytes ({max_bytes}) bytes.")


def _brief(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")[:200] or type(error).__name__
