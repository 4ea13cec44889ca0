"""Fetch photos from http(s) addresses that nobody vouches for.

The machine that runs Lookweave can often reach more than the person who wrote a manifest may:
its own services, the cloud's metadata address. So every address, and every address that it
redirects to, is resolved, each of its IP addresses is checked, and the connection goes to an
address that was checked: a name that resolves differently the second time changes nothing.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import logging
import queue
import random
import re
import socket
import ssl
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Coroutine, Generator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from lookweave import __version__
from lookweave.errors import Rejected
from lookweave.sources.permission import MOST_BYTES, OPT_OUT, Robots, opted_out

_log = logging.getLogger(__name__)

_REDIRECTS = {301, 302, 303, 307, 308}
_LONGEST_WAIT = 20.0  # seconds between two attempts; who asks for more is asked by the next build
_NAMES_HOLD = 60.0  # seconds
_NO_ROBOTS = {
    "address_not_found", "address_forbidden", "address_error", "empty_file",
    "too_many_redirects", "bad_address",
}  # fmt: skip
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
        together: photos on their way, or arrived and waiting for their decoding.
        per_host: requests to one host at a time.
        robots: ask each host's robots.txt first, and keep to it.
        opt_out: directives of X-Robots-Tag that keep a photo out; see `permission.opted_out`.
    """

    max_bytes: int = 100_000_000
    timeout: float = 15.0
    retries: int = 2
    redirects: int = 5
    allow_private_addresses: bool = False
    first_wait: float = 0.5
    together: int = 64
    per_host: int = 16
    robots: bool = True
    opt_out: tuple[str, ...] = OPT_OUT


def fetch_all(addresses: Sequence[str], limits: FetchLimits) -> list[bytes | Rejected]:
    """Fetch some photos. Holds all of them in memory: call it with few addresses.

    Returns:
        For each address its bytes, or why there are none; see `Fetcher.fetch`.
    """
    with closing(Fetcher(limits)) as fetcher:
        found: dict[int, bytes | Rejected] = {}
        for place, content in fetcher.fetch(addresses):
            found[place] = content
            fetcher.done_with(content)
    return [found[place] for place in range(len(addresses))]


class Fetcher:
    """Fetches photos for several threads at a time, over connections that stay open.

    Its own thread runs the requests. At most `FetchLimits.together` photos are on their way or
    in memory, whatever number of addresses is asked for: one that has arrived keeps its place
    until `done_with`.
    """

    def __init__(self, limits: FetchLimits) -> None:
        self._limits = limits
        self._loop = asyncio.new_event_loop()
        self._slots = asyncio.Semaphore(limits.together)
        self._hosts = _Hosts(limits)
        self._thread = threading.Thread(target=self._run, name="fetch", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def close(self) -> None:
        """Close all connections. What is asked for then is no more answered."""
        asyncio.run_coroutine_threadsafe(self._hosts.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def fetch(
        self, addresses: Sequence[str]
    ) -> Generator[tuple[int, bytes | Rejected], None, None]:
        """Fetch photos and give each back as it arrives: its position, and its bytes or why there
        are none. `done_with` is to be called with each.

        The reasons are bad_address, private_address, unknown_host, connection_failed,
        certificate_not_valid, time_out, too_many_redirects, address_not_found,
        address_forbidden, too_many_requests, server_error, address_error, incomplete_download,
        too_large_file, broken_download, empty_file; robots_disallow, robots_unreachable,
        opted_out.
        """
        arrived: queue.SimpleQueue[tuple[int, bytes | Rejected | Exception]] = queue.SimpleQueue()
        left = len(addresses)
        every = asyncio.run_coroutine_threadsafe(self._start(addresses, arrived), self._loop)
        try:
            while left:
                place, content = arrived.get()
                left -= 1
                if isinstance(content, Exception) and not isinstance(content, Rejected):
                    raise content
                yield place, content
        finally:
            if left:  # nobody wants the rest
                tasks = every.result()
                asyncio.run_coroutine_threadsafe(_cancelled(tasks), self._loop).result()
                while not arrived.empty():
                    self.done_with(arrived.get()[1])

    def done_with(self, content: bytes | Rejected | Exception) -> None:
        """Make room for another photo."""
        if isinstance(content, bytes):
            self._loop.call_soon_threadsafe(self._slots.release)

    async def _start(
        self,
        addresses: Sequence[str],
        arrived: queue.SimpleQueue[tuple[int, bytes | Rejected | Exception]],
    ) -> list[asyncio.Task[None]]:
        async def one(place: int, address: str) -> None:
            content: bytes | Rejected | Exception
            try:
                content = await self._with_retries(address)
            except Exception as error:
                content = error
            arrived.put((place, content))

        return [asyncio.create_task(one(place, address)) for place, address in enumerate(addresses)]

    async def _with_retries(self, address: str) -> bytes:
        limits = self._limits

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.after if isinstance(error, _Again) else 0.0
            doubled = limits.first_wait * 2.0 ** (state.attempt_number - 1)
            return max(asked, min(_LONGEST_WAIT, doubled)) * random.uniform(1.0, 1.5)

        def log(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            seconds = state.next_action.sleep if state.next_action else 0.0
            # Without its query, which may hold a signature.
            _log.info("%s is asked again in %.1f s: %s", address.partition("?")[0], seconds, error)

        attempts = AsyncRetrying(
            stop=stop_after_attempt(limits.retries + 1),
            wait=wait,
            # A server that wants more time than that gets it: the next build asks again.
            retry=retry_if_exception(
                lambda error: isinstance(error, _Again) and error.after <= _LONGEST_WAIT
            ),
            before_sleep=log,
            reraise=True,
        )
        content: bytes = await attempts(self._attempt, address)
        return content

    async def _attempt(self, address: str) -> bytes:
        """One attempt; what arrived holds a slot."""
        url = _parsed(address)
        host = self._hosts.of(url)
        async with host.gate:
            await self._slots.acquire()
            try:
                return await _told(self._hosts.photo(url), self._limits.timeout)
            except BaseException:
                self._slots.release()
                raise


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class _Host:
    """One scheme, name and port: its connections, what its name leads to, what it allows.

    Requests go to an IP address that was checked, so a pool would know a connection by that
    address. Two hosts may share it: in one pool, the connection whose certificate was checked
    for the first would carry the second's photos, whose certificate nobody saw.
    """

    def __init__(self, limits: FetchLimits) -> None:
        self.gate = asyncio.Semaphore(limits.per_host)
        self._limits = limits
        self.idle: list[httpx.AsyncClient] = []
        self.target: tuple[IPAddress, float] | None = None
        self.robots: asyncio.Task[Robots] | None = None
        self._resolving = asyncio.Lock()
        self._next = 0.0

    def client(self) -> httpx.AsyncClient:
        """What keeps one connection.

        A client for each: httpx looks through all connections of a client at every request, which
        with dozens of them costs more than the photos do.
        """
        # trust_env=False: a proxy from the environment would connect where we did not check.
        return httpx.AsyncClient(
            verify=_tls(),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(self._limits.timeout),
            limits=httpx.Limits(max_connections=1),
            headers={
                "User-Agent": f"lookweave/{__version__}",
                "Accept": "image/*,*/*;q=0.1",
                "Accept-Encoding": "identity",
            },
        )

    async def resolved(self, url: httpx.URL, allow_private: bool) -> IPAddress:
        """The checked IP address to connect to, asked for once a minute."""
        async with self._resolving:
            now = asyncio.get_running_loop().time()
            if self.target is None or self.target[1] < now:
                self.target = await _target(url, allow_private), now + _NAMES_HOLD
            return self.target[0]

    async def turn(self, delay: float) -> None:
        """Wait until the last request was `delay` seconds ago."""
        now = asyncio.get_running_loop().time()
        at = max(now, self._next)
        self._next = at + delay
        if at > now:
            await asyncio.sleep(at - now)


class _Hosts:
    """All hosts that were asked for something."""

    def __init__(self, limits: FetchLimits) -> None:
        self._limits = limits
        self._known: dict[tuple[str, str, int | None], _Host] = {}
        self._idle: OrderedDict[httpx.AsyncClient, _Host] = OrderedDict()

    def of(self, url: httpx.URL) -> _Host:
        """The host of an address."""
        key = (url.scheme, _host(url).lower(), url.port)
        if key not in self._known:
            self._known[key] = _Host(self._limits)
        return self._known[key]

    async def close(self) -> None:
        for host in self._known.values():
            if host.robots:
                host.robots.cancel()
        for client in self._idle:
            await client.aclose()

    @asynccontextmanager
    async def _connection(self, host: _Host) -> AsyncIterator[httpx.AsyncClient]:
        """A connection to a host, one that is open already where one is idle. Of idle ones twice as
        many are kept as photos may be together: there may be more hosts than open files."""
        if host.idle:
            client = host.idle.pop()
            del self._idle[client]
        else:
            client = host.client()
        try:
            yield client
        finally:
            host.idle.append(client)
            self._idle[client] = host
            if len(self._idle) > 2 * self._limits.together:
                oldest, owner = self._idle.popitem(last=False)
                owner.idle.remove(oldest)
                await oldest.aclose()

    async def photo(self, url: httpx.URL) -> bytes:
        """The photo at an address, if its server lets us have it."""
        return await self._follow(url, self._limits.max_bytes, is_photo=True)

    async def _follow(self, url: httpx.URL, max_bytes: int, *, is_photo: bool) -> bytes:
        limits = self._limits
        for _ in range(limits.redirects + 1):
            host = self.of(url)
            if is_photo and limits.robots:
                await self._allowed(host, url)
            target = await host.resolved(url, limits.allow_private_addresses)
            async with self._connection(host) as client:
                request = client.build_request(
                    "GET",
                    url.copy_with(host=str(target)),
                    headers={"Host": url.netloc.decode("ascii")},
                    extensions={"sni_hostname": _host(url)},
                )
                response = await client.send(request, stream=True)
                try:
                    if (to := _redirected(response)) is None:
                        _check_status(response)
                        said = opted_out(response.headers.multi_items(), limits.opt_out)
                        if is_photo and said:
                            raise Rejected(
                                "opted_out",
                                f"The server says that it is not for data sets ({said}): see "
                                "ingest.http_opt_out.",
                            )
                        return await _body(response, max_bytes)
                finally:
                    await response.aclose()
            try:
                url = _parsed(str(url.join(to)))
            except httpx.InvalidURL as error:
                raise Rejected(
                    "bad_address", f"It redirects to no address: {_brief(error)}."
                ) from error
        raise Rejected(
            "too_many_redirects",
            f"The address redirects more than {limits.redirects} times (http_redirects).",
        )

    async def _allowed(self, host: _Host, url: httpx.URL) -> None:
        """Return when robots.txt lets us ask, and no sooner than it wishes.

        Raises:
            Rejected: ``robots_disallow``, or why the file could not be read.
        """
        if host.robots is None:
            where = url.copy_with(path="/robots.txt", query=None, fragment=None)
            host.robots = asyncio.create_task(self._read_robots(where))
        reading = host.robots
        try:
            robots = await asyncio.shield(reading)  # others wait for it too
        except Rejected:
            if host.robots is reading:
                host.robots = None  # the next attempt asks again
            raise
        if not robots.allows(str(url)):
            raise Rejected(
                "robots_disallow",
                f"The robots.txt of {_host(url)} keeps us from this address: see "
                "ingest.http_robots.",
            )
        if robots.delay:
            await host.turn(robots.delay)

    async def _read_robots(self, where: httpx.URL) -> Robots:
        """As RFC 9309, 2.3.1 has it: a server that has none, or keeps it from us, allows all; one
        that fails allows nothing while it does."""
        try:
            content = await _told(
                self._follow(where, MOST_BYTES, is_photo=False), self._limits.timeout
            )
        except _Again as why:
            if why.reason in ("server_error", "too_many_requests"):
                raise _Again(
                    "robots_unreachable",
                    f"The server's robots.txt cannot be read: {why.detail}",
                    why.after,
                ) from why
            raise
        except Rejected as why:
            if why.reason in _NO_ROBOTS:
                return Robots(b"")
            raise
        return Robots(content)


@functools.cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=True)  # honours SSL_CERT_FILE


class _Again(Rejected):
    """A failure that the next attempt may not meet."""

    def __init__(self, reason: str, detail: str, after: float = 0.0) -> None:
        super().__init__(reason, detail, retry=True)
        self.after = after


async def _told(work: Coroutine[None, None, bytes], timeout: float) -> bytes:
    """What `work` gives, and what goes wrong in it in our words.

    Raises:
        Rejected: `_Again` where another attempt may do.
    """
    try:
        async with asyncio.timeout(timeout):
            return await work
    except (TimeoutError, httpx.TimeoutException) as error:
        raise _Again(
            "time_out", f"The server took longer than {timeout:g} s (http_timeout)."
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


def _redirected(response: httpx.Response) -> str | None:
    """Where an answer sends us; None where it sends us nowhere."""
    is_redirect = response.status_code in _REDIRECTS
    to: str | None = response.headers.get("location") if is_redirect else None
    return to


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
    """Seconds that the server wants to be left alone (RFC 9110, 10.2.3); 0: it does not say."""
    value = response.headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0


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
