"""Against a real server on this machine that misbehaves in every way we know."""

from __future__ import annotations

import dataclasses
import gzip
import http.server
import ipaddress
import socket
import ssl
import struct
import threading
import time
import tracemalloc
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from email.utils import formatdate
from itertools import pairwise
from typing import ClassVar

import pytest
import trustme
from tests.photo_bytes import encoded, upright

from lookweave.errors import Rejected
from lookweave.sources import fetch
from lookweave.sources.fetch import FetchLimits

PHOTO = encoded(upright(), "JPEG")
BOMB = gzip.compress(bytes(60_000_000), 9)  # 58 KB
BOMB_IN_BOMB = zlib.compress(zlib.compress(bytes(60_000_000), 9), 9)  # a few hundred bytes
QUICK = FetchLimits(
    max_bytes=200_000, timeout=0.6, retries=2, redirects=3, allow_private_addresses=True,
    first_wait=0.01,
)  # fmt: skip


class Misbehaving(http.server.BaseHTTPRequestHandler):
    """Answers `/NAME` as its method `NAME` does."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[Counter[str]] = Counter()

    def do_GET(self) -> None:
        name = self.path[1:].partition("?")[0]
        self.asked[name] += 1
        self.close_connection = True
        with_status = name.removeprefix("status-")
        if with_status != name:
            self.answer(b"no", status=int(with_status))
        elif hasattr(self, name):
            getattr(self, name)()
        else:
            self.answer(b"no", status=404)

    def answer(
        self, body: bytes, status: int = 200, length: int | None = -1, **headers: str
    ) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(len(body) if length < 0 else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def redirect(self, to: str) -> None:
        self.answer(b"", status=302, Location=to)

    def photo(self) -> None:
        self.answer(PHOTO)

    def echo(self) -> None:
        self.answer(str(self.headers).encode())

    def no_length(self) -> None:
        self.answer(PHOTO, length=None)

    def chunked(self) -> None:
        self.answer(b"", length=None, Transfer_Encoding="chunked")
        self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(PHOTO), PHOTO))

    def page(self) -> None:
        self.answer(b"<!doctype html><p>Please log in", Content_Type="text/html")

    def empty(self) -> None:
        self.answer(b"")

    def drops(self) -> None:
        self.answer(PHOTO[:300], length=len(PHOTO))

    def resets(self) -> None:
        self.answer(PHOTO[:300], length=len(PHOTO))
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def says_less(self) -> None:
        self.answer(PHOTO, length=300)

    def says_more(self) -> None:
        self.answer(PHOTO, length=len(PHOTO) + 1)

    def says_too_much(self) -> None:
        self.answer(PHOTO, length=10**12)

    def huge(self) -> None:
        self.answer(b"", length=None)
        self.pour(lambda: b"\xff" * 65536)

    def huge_chunked(self) -> None:
        self.answer(b"", length=None, Transfer_Encoding="chunked")
        self.pour(lambda: b"10000\r\n" + bytes(65536) + b"\r\n")

    def drips(self) -> None:
        self.answer(b"", length=1000)
        self.pour(lambda: b"x", pause=0.05)

    def drips_headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        self.pour(lambda: b"X: y\r\n", pause=0.05)

    def pour(self, piece: Callable[[], bytes], pause: float = 0.0) -> None:
        try:
            for _ in range(5000):
                self.wfile.write(piece())
                self.wfile.flush()
                time.sleep(pause)
        except OSError:
            pass  # the client has had enough

    def sleeps(self) -> None:
        time.sleep(1.0)

    def no_http(self) -> None:
        self.wfile.write(b"220 mail server ready\r\n\r\n")

    def zipped(self) -> None:
        self.answer(gzip.compress(PHOTO), Content_Encoding="gzip")

    def zipped_cut(self) -> None:
        self.answer(gzip.compress(PHOTO)[:-20], Content_Encoding="gzip")

    def zipped_badly(self) -> None:
        self.answer(PHOTO, Content_Encoding="gzip")

    def bomb(self) -> None:
        self.answer(BOMB, Content_Encoding="gzip")

    def bomb_in_bomb(self) -> None:
        self.answer(BOMB_IN_BOMB, Content_Encoding="deflate, deflate")

    def moved(self) -> None:
        self.redirect("/photo")

    def moved_relative(self) -> None:
        self.redirect("photo?size=large")

    def moved_twice(self) -> None:
        self.redirect("/moved")

    def moved_round(self) -> None:
        self.redirect("/moved_round")

    def moved_to_file(self) -> None:
        self.redirect("file:///etc/passwd")

    def moved_nowhere(self) -> None:
        self.redirect("http://[bad")

    def moved_inside(self) -> None:
        self.redirect("http://169.254.169.254/latest/meta-data/")

    def busy_once(self) -> None:
        if self.asked["busy_once"] == 1:
            self.answer(b"", status=503, Retry_After="0")
        else:
            self.answer(PHOTO)

    def drops_once(self) -> None:
        self.drops() if self.asked["drops_once"] == 1 else self.answer(PHOTO)

    def asks_for_time(self) -> None:
        self.answer(b"", status=503, Retry_After="3600")

    def busy_until(self) -> None:
        at = formatdate(time.time() + 1.0, usegmt=True)
        if self.asked["busy_until"] == 1:
            self.answer(b"", status=429, Retry_After=at)
        else:
            self.answer(PHOTO)

    def log_message(self, format: str, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Misbehaving) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(autouse=True)
def _asked_nothing() -> None:
    Misbehaving.asked.clear()


def fetched(address: str, limits: FetchLimits = QUICK) -> bytes | Rejected:
    return fetch.fetch_all([address], limits)[0]


def reason(address: str, limits: FetchLimits = QUICK) -> str:
    why = fetched(address, limits)
    assert isinstance(why, Rejected), "it was fetched"
    assert why.detail.endswith(".")
    return why.reason


@pytest.mark.parametrize(
    "name",
    ["photo", "no_length", "chunked", "zipped", "moved", "moved_relative", "moved_twice",
     "busy_once", "drops_once"],
)  # fmt: skip
def test_photo_arrives(server: str, name: str) -> None:
    assert fetched(f"{server}/{name}") == PHOTO


@pytest.mark.parametrize(
    ("name", "expected", "retry", "attempts"),
    [
        ("status-404", "address_not_found", False, 1),
        ("status-410", "address_not_found", False, 1),
        ("status-401", "address_forbidden", False, 1),
        ("status-403", "address_forbidden", False, 1),
        ("status-418", "address_error", False, 1),
        ("status-204", "address_error", False, 1),
        ("status-429", "too_many_requests", True, 3),
        ("status-500", "server_error", True, 3),
        ("status-503", "server_error", True, 3),
        ("sleeps", "time_out", True, 3),
        ("drips", "time_out", True, 3),
        ("drips_headers", "time_out", True, 3),
        ("drops", "incomplete_download", True, 3),
        ("resets", "incomplete_download", True, 3),
        ("says_more", "incomplete_download", True, 3),
        ("zipped_cut", "incomplete_download", True, 3),
        ("no_http", "address_error", False, 1),
        ("says_too_much", "too_large_file", False, 1),
        ("huge", "too_large_file", False, 1),
        ("huge_chunked", "too_large_file", False, 1),
        ("bomb", "too_large_file", False, 1),
        ("bomb_in_bomb", "broken_download", False, 1),
        ("zipped_badly", "broken_download", False, 1),
        ("empty", "empty_file", False, 1),
        ("moved_round", "too_many_redirects", False, 4),
        ("moved_to_file", "bad_address", False, 1),
        ("moved_nowhere", "bad_address", False, 1),
    ],
)
def test_what_goes_wrong_is_named(
    server: str, name: str, expected: str, retry: bool, attempts: int
) -> None:
    why = fetched(f"{server}/{name}")
    assert isinstance(why, Rejected), "it was fetched"
    assert (why.reason, why.retry) == (expected, retry)
    assert why.detail.endswith(".")
    assert Misbehaving.asked[name] == attempts


def test_every_retry_is_logged_without_what_may_be_a_signature(
    server: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="lookweave.sources.fetch"):
        fetched(f"{server}/status-502?signature=secret")
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert all("/status-502 is asked again in" in one and "secret" not in one for one in said)


def test_length_that_says_less_gives_what_it_says(server: str) -> None:
    assert fetched(f"{server}/says_less") == PHOTO[:300], "cut short: decoding will tell"


def test_page_arrives_for_decoding_to_turn_away(server: str) -> None:
    body = fetched(f"{server}/page")
    assert isinstance(body, bytes)
    assert body.startswith(b"<!doctype html>")


def test_bombs_take_no_memory(server: str) -> None:
    tracemalloc.start()
    try:
        for name in ("bomb_in_bomb", "huge", "bomb"):
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            reason(f"{server}/{name}")
            assert tracemalloc.get_traced_memory()[1] - before < 5_000_000
    finally:
        tracemalloc.stop()


def test_several_addresses_each_get_their_own_outcome(server: str) -> None:
    names = ["photo", "status-404", "echo", "page", "sleeps"] + ["photo"] * 20
    began = time.monotonic()
    found = fetch.fetch_all([f"{server}/{name}" for name in names], QUICK)
    assert time.monotonic() - began < 5
    assert [isinstance(each, bytes) for each in found] == [True, False, True, True, False] + [
        True
    ] * 20


def test_server_sees_its_own_name_and_no_wish_for_compression(server: str) -> None:
    headers = fetched(server.replace("127.0.0.1", "localhost") + "/echo")
    assert isinstance(headers, bytes)
    assert b"Host: localhost:" in headers
    assert b"ncoding: identity" in headers
    assert b"lookweave/" in headers


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "ftp://a.example/a.jpg", "http://", "http://[::1",
     "https://a.example:99999/a.jpg", "a.jpg", ""],
)  # fmt: skip
def test_addresses_that_are_none(address: str) -> None:
    assert reason(address) == "bad_address"


def test_server_that_is_not_there() -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert reason(f"http://127.0.0.1:{port}/a.jpg") == "connection_failed"


PUBLIC_ONLY = FetchLimits(timeout=2, retries=0, first_wait=0.01)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0", "10.0.0.1", "192.168.1.1",
     "172.16.5.5", "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "[::1]",
     "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[fe80::1]", "[fd00::1]", "[::]",
     "[64:ff9b::7f00:1]", "[2002:7f00:1::]"],
)  # fmt: skip
def test_private_addresses_are_refused(host: str) -> None:
    assert reason(f"http://{host}/a.jpg", PUBLIC_ONLY) == "private_address"


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:4700::1111"])
def test_public_addresses_are_public(address: str) -> None:
    assert fetch.is_public(ipaddress.ip_address(address))
    if ":" not in address:
        assert fetch.is_public(ipaddress.ip_address(f"::ffff:{address}"))


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """Names and what they resolve to, each time they are asked for; counts as public: 127.0.0.1."""
    answers: dict[str, list[list[str]]] = {}

    def getaddrinfo(host: object, port: int, *_: object, **__: object) -> list[object]:
        name = host.decode() if isinstance(host, bytes) else str(host)
        given = answers.get(name, [[name]])
        found = given.pop(0) if len(given) > 1 else given[0]
        kinds = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(kinds[":" in each], socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

    public = fetch.is_public
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(
        fetch, "is_public", lambda address: str(address) == "127.0.0.1" or public(address)
    )
    return answers


def test_one_private_address_among_public_ones_is_enough(
    names: dict[str, list[list[str]]],
) -> None:
    names["shop.example"] = [["93.184.215.14", "10.0.0.7"]]
    assert reason("http://shop.example/a.jpg", PUBLIC_ONLY) == "private_address"


def test_redirect_to_a_private_address_is_refused(
    server: str, names: dict[str, list[list[str]]]
) -> None:
    assert reason(f"{server}/moved_inside", PUBLIC_ONLY) == "private_address"
    assert fetched(f"{server}/moved", PUBLIC_ONLY) == PHOTO


def test_name_that_resolves_differently_the_second_time_changes_nothing(
    server: str, names: dict[str, list[list[str]]]
) -> None:
    names["rebinding.example"] = [["127.0.0.1"], ["10.255.255.1"]]
    address = server.replace("127.0.0.1", "rebinding.example")
    assert fetched(f"{address}/photo", PUBLIC_ONLY) == PHOTO
    assert names["rebinding.example"] == [["10.255.255.1"]], "it was resolved once"
    assert reason(f"{address}/photo", PUBLIC_ONLY) == "private_address"


def test_name_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    why = fetched("http://nowhere.example/a.jpg")
    assert isinstance(why, Rejected)
    assert (why.reason, why.retry) == ("unknown_host", True)


def test_certificate_of_one_host_is_never_used_for_another_at_the_same_address(
    names: dict[str, list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    names.update({"a.example": [["127.0.0.1"]], "b.example": [["127.0.0.1"]]})
    authority = trustme.CA()
    trusting, serving = ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.configure_trust(trusting)
    authority.issue_cert("a.example").configure_cert(serving)
    monkeypatch.setattr(fetch, "_tls", lambda: trusting)
    one_by_one = dataclasses.replace(QUICK, together=1)  # b comes when a's connection is free
    connections: set[int] = set()

    class Secret(Misbehaving):
        def do_GET(self) -> None:
            connections.add(self.client_address[1])
            self.answer(PHOTO)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Secret)
    server.socket = serving.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        hosts = ("a.example", "b.example", "a.example", "A.example")
        addresses = [f"https://{host}:{server.server_port}/" for host in hosts]
        first, other, *again = fetch.fetch_all(addresses, one_by_one)
    finally:
        server.shutdown()
        server.server_close()
    assert isinstance(other, Rejected)
    assert other.reason == "certificate_not_valid"
    assert [first, *again] == [PHOTO, PHOTO, PHOTO]
    assert len(connections) == 1, "one host's connection is used again"


def test_a_server_that_wants_more_time_than_we_wait_is_left_to_the_next_build(server: str) -> None:
    why = fetched(f"{server}/asks_for_time")
    assert isinstance(why, Rejected)
    assert (why.reason, why.retry, Misbehaving.asked["asks_for_time"]) == ("server_error", True, 1)


def test_a_date_in_retry_after_is_waited_for(server: str) -> None:
    began = time.time()
    assert fetched(f"{server}/busy_until") == PHOTO
    assert time.time() >= float(int(began + 1.0)), "seconds are all that such a date tells"


class Site(http.server.BaseHTTPRequestHandler):
    """A shop of photos with a robots.txt, which notes what it was asked, when, and by how many
    at a time."""

    protocol_version = "HTTP/1.1"
    robots: ClassVar[tuple[int, bytes]] = (404, b"")
    said: ClassVar[dict[str, str]] = {}
    asked: ClassVar[list[tuple[str, float]]] = []
    connections: ClassVar[set[int]] = set()
    busy: ClassVar[list[int]] = [0, 0]
    lock: ClassVar[threading.Lock] = threading.Lock()

    def do_GET(self) -> None:
        with self.lock:
            self.asked.append((self.path, time.monotonic()))
            self.connections.add(self.client_address[1])
            self.busy[0] += 1
            self.busy[1] = max(self.busy)
        status, body = self.robots if self.path == "/robots.txt" else (200, PHOTO)
        if self.path.startswith("/slow"):
            time.sleep(0.05)
        with self.lock:
            self.busy[0] -= 1
        self.send_response(status)
        for name, value in self.said.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *_: object) -> None:
        pass


@contextmanager
def site(robots: tuple[int, bytes] = (404, b""), **said: str) -> Iterator[tuple[str, type[Site]]]:
    headers = {name.replace("_", "-"): value for name, value in said.items()}
    own = type(
        "Own", (Site,),
        {"robots": robots, "said": headers, "asked": [], "connections": set(), "busy": [0, 0],
         "lock": threading.Lock()},
    )  # fmt: skip
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), own) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", own
        server.shutdown()


def reasons(addresses: list[str], limits: FetchLimits = QUICK) -> list[str | None]:
    return [
        one.reason if isinstance(one, Rejected) else None
        for one in fetch.fetch_all(addresses, limits)
    ]


def test_robots_txt_is_asked_for_once_and_kept_to() -> None:
    rules = b"User-agent: *\nDisallow: /private\nUser-agent: other\nDisallow: /\n"
    with site((200, rules)) as (address, own):
        names = ["a.jpg", "private/b.jpg", "c.jpg", "d.jpg"]
        found = reasons([f"{address}/{name}" for name in names])
        assert found == [None, "robots_disallow", None, None]
        assert sorted(path for path, _ in own.asked) == [
            "/a.jpg", "/c.jpg", "/d.jpg", "/robots.txt",
        ]  # fmt: skip
        switched_off = dataclasses.replace(QUICK, robots=False)
        assert reasons([f"{address}/private/b.jpg"], switched_off) == [None]


def test_rules_for_us_by_name_count_before_those_for_all() -> None:
    rules = b"User-agent: *\nDisallow: /\nUser-agent: lookweave\nAllow: /\n"
    with site((200, rules)) as (address, _):
        assert reasons([f"{address}/a.jpg"]) == [None]


@pytest.mark.parametrize(
    ("status", "expected"), [(404, None), (403, None), (503, "robots_unreachable")]
)
def test_a_server_without_robots_txt_allows_all_and_one_that_fails_nothing(
    status: int, expected: str | None
) -> None:
    with site((status, b"")) as (address, own):
        assert reasons([f"{address}/a.jpg"]) == [expected]
        assert ("/a.jpg" in [path for path, _ in own.asked]) == (expected is None)


def test_a_crawl_delay_is_waited_for_between_requests() -> None:
    with site((200, b"User-agent: *\nCrawl-delay: 0.2\n")) as (address, own):
        assert reasons([f"{address}/{n}.jpg" for n in range(3)]) == [None] * 3
        at = sorted(when for path, when in own.asked if path != "/robots.txt")
        assert min(later - one for one, later in pairwise(at)) > 0.15


def test_a_redirect_leads_to_a_host_whose_rules_count_too(server: str) -> None:
    with site((200, b"User-agent: *\nDisallow: /\n")) as (address, own):
        Misbehaving.moved_elsewhere = lambda self: self.redirect(f"{address}/a.jpg")  # type: ignore[attr-defined]
        assert reason(f"{server}/moved_elsewhere") == "robots_disallow"
        assert [path for path, _ in own.asked] == ["/robots.txt"]


@pytest.mark.parametrize(
    ("header", "value", "counts"),
    [
        ("X_Robots_Tag", "noai", True),
        ("X_Robots_Tag", "index, NoImageAI", True),
        ("X_Robots_Tag", "none", True),
        ("X_Robots_Tag", "nofollow", False),
        ("X_Robots_Tag", "otherbot: noai", False),
        ("X_Robots_Tag", "lookweave: noindex", True),
        ("X_Robots_Tag", "unavailable_after: 25 Jun 2030 15:00:00 PST", False),
        ("TDM_Reservation", "1", True),
        ("TDM_Reservation", "0", False),
    ],
)
def test_headers_that_opt_out(header: str, value: str, counts: bool) -> None:
    with site(**{header: value}) as (address, _):
        assert reasons([f"{address}/a.jpg"]) == ["opted_out" if counts else None]
        all_welcome = dataclasses.replace(QUICK, opt_out=())
        assert reasons([f"{address}/a.jpg"], all_welcome) == [None]


def test_no_host_has_more_requests_at_a_time_than_it_may_and_connections_are_used_again() -> None:
    limits = dataclasses.replace(QUICK, per_host=3, together=20)
    with site() as (address, own):
        assert reasons([f"{address}/slow{n}.jpg" for n in range(20)], limits) == [None] * 20
        assert own.busy[1] == 3
        assert len(own.connections) <= 4, "the first asked for robots.txt"


def test_no_more_photos_are_in_memory_than_may_be_together() -> None:
    limits = dataclasses.replace(QUICK, together=2)
    with site() as (address, own), closing(fetch.Fetcher(limits)) as fetcher:
        arriving = fetcher.fetch([f"{address}/{n}.jpg" for n in range(6)])
        held = [next(arriving)[1] for _ in range(2)]
        time.sleep(0.2)
        assert len([path for path, _ in own.asked if path != "/robots.txt"]) == 2
        for content in held:
            fetcher.done_with(content)
        for _, content in arriving:
            fetcher.done_with(content)
        assert len(own.asked) == 7


def test_who_wants_no_more_leaves_room_for_others() -> None:
    limits = dataclasses.replace(QUICK, together=2)
    with site() as (address, _), closing(fetch.Fetcher(limits)) as fetcher:
        arriving = fetcher.fetch([f"{address}/slow{n}.jpg" for n in range(6)])
        _, content = next(arriving)
        fetcher.done_with(content)
        arriving.close()
        found = fetcher.fetch([f"{address}/{n}.jpg" for n in range(6)])
        for _, content in found:
            assert content == PHOTO
            fetcher.done_with(content)


def test_connections_to_many_hosts_do_not_pile_up(names: dict[str, list[list[str]]]) -> None:
    limits = dataclasses.replace(QUICK, together=2)
    with site() as (address, own):
        hosts = [f"shop{n}.example" for n in range(8)]
        names.update({host: [["127.0.0.1"]] for host in hosts})
        with closing(fetch.Fetcher(limits)) as fetcher:
            asked = [address.replace("127.0.0.1", host) + "/a.jpg" for host in hosts]
            for _, content in fetcher.fetch(asked):
                assert content == PHOTO
                fetcher.done_with(content)
            assert len(fetcher._hosts._idle) <= 4
        assert len(own.connections) >= 8, "each host its own"
