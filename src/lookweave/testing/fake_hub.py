"""A hub on this machine: enough of its HTTP API for the real `huggingface_hub` client to push to.

::

    from lookweave.testing.fake_hub import fake_hub

    with fake_hub() as hub:
        publish(workspace, config, "hf://mia/street", progress=progress)
        hub.files("mia/street")          # path -> bytes, as readers see them

Inside the block this process's client talks to it; for a child process pass `hub.environment`.
Everything is kept in memory. It knows creating a repository, Git-LFS uploads, commits, listing,
plain downloads, squashing the history and deleting stored files; not the Xet protocol, which the
client is told to do without.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest import mock
from urllib.parse import unquote, urlsplit

_LARGE = (".parquet", ".tar")
_REPOSITORY = r"(?P<repository>[^/]+/[^/]+)"


@dataclass(frozen=True)
class _File:
    """A file of a commit: its bytes, or the SHA-256 of a stored object."""

    content: bytes | None = None
    sha256: str = ""


@dataclass
class FakeHub:
    """What the hub has and how it behaves; change it while the server runs.

    Attributes:
        url: where it listens.
        token: the one that may write.
        forbidden: owners in whose name that token may not write.
        uploads_left: refuse uploads after so many more; None: never.
        objects: SHA-256 -> bytes of large files, also those that no commit has.
        received: SHA-256 of each upload, in order: tells what was sent twice.
        commits: repository -> its commits, oldest first, each path -> file.
    """

    url: str = ""
    token: str = "hf_fake"
    forbidden: set[str] = field(default_factory=set)
    uploads_left: int | None = None
    objects: dict[str, bytes] = field(default_factory=dict)
    received: list[str] = field(default_factory=list)
    commits: dict[str, list[dict[str, _File]]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that point a child process here."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_TOKEN": self.token,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_OFFLINE": "0",
        }

    def files(self, repository: str, commit: int = -1) -> dict[str, bytes]:
        """Path -> bytes of one commit, the newest by default."""
        return {
            path: self.objects[file.sha256] if file.content is None else file.content
            for path, file in self.commits[repository][commit].items()
        }


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """A running hub, and this process's `huggingface_hub` pointed at it."""
    from huggingface_hub import constants

    hub = FakeHub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        with (
            mock.patch.dict(os.environ, hub.environment),
            # The client reads these two from the environment once, when it is imported.
            mock.patch.object(constants, "HF_HUB_DISABLE_XET", True),
            mock.patch.object(constants, "HF_HUB_OFFLINE", False),
        ):
            yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _RefusedError(Exception):
    def __init__(self, status: int, message: str, **more: str) -> None:
        self.status = status
        self.answer = {"error": message, **more}


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Silence: tests read the hub's state, not its log."""

    def _answer(self) -> None:
        body = self._body()
        try:
            answer = self._route(unquote(urlsplit(self.path).path), body)
            status, data = 200, answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        except _RefusedError as refused:
            status, data = refused.status, json.dumps(refused.answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status >= 400:
            self.send_header("X-Error-Message", json.loads(data)["error"])
        self.end_headers()
        self.wfile.write(data)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _route(self, path: str, body: bytes) -> Any:
        for method, pattern, name in _ROUTES:
            if self.command == method and (found := re.fullmatch(pattern, path)):
                if method == "POST":
                    self._authorise()
                return getattr(self, name)(body, **found.groupdict())
        raise _RefusedError(404, f"The fake hub does not know {self.command} {path}")

    def _authorise(self) -> None:
        if self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            raise _RefusedError(401, "Invalid user token.")

    def _commits(self, repository: str) -> list[dict[str, _File]]:
        if repository not in self.hub.commits:
            raise _RefusedError(404, "Repository not found")
        if self.command == "POST" and repository.partition("/")[0] in self.hub.forbidden:
            raise _RefusedError(403, "You don't have the rights to write to this repository")
        return self.hub.commits[repository]

    def _create(self, body: bytes) -> Any:
        asked = json.loads(body)
        repository = f"{asked.get('organization') or 'me'}/{asked['name']}"
        url = f"{self.hub.url}/datasets/{repository}"
        if repository.partition("/")[0] in self.hub.forbidden:
            raise _RefusedError(403, "You don't have the rights to create a repository here")
        if repository in self.hub.commits:
            raise _RefusedError(409, "You already created this repository", url=url)
        attributes = "".join(f"*{suffix} filter=lfs\n" for suffix in _LARGE).encode()
        self.hub.commits[repository] = [{".gitattributes": _File(attributes)}]
        return {"url": url, "name": repository}

    def _validate_yaml(self, body: bytes) -> Any:
        return {"errors": [], "warnings": []}

    def _preupload(self, body: bytes, repository: str) -> Any:
        latest = self._commits(repository)[-1]
        answers = []
        for asked in json.loads(body)["files"]:
            path = asked["path"]
            answers.append(
                {
                    "path": path,
                    "uploadMode": "lfs" if path.endswith(_LARGE) else "regular",
                    "shouldIgnore": False,
                    "oid": _oid(latest[path]) if path in latest else None,
                }
            )
        return {"files": answers}

    def _lfs_batch(self, body: bytes, repository: str) -> Any:
        self._commits(repository)
        objects = []
        for asked in json.loads(body)["objects"]:
            answer = {"oid": asked["oid"], "size": asked["size"]}
            if asked["oid"] not in self.hub.objects:
                answer["actions"] = {"upload": {"href": f"{self.hub.url}/lfs/{asked['oid']}"}}
            objects.append(answer)
        return {"transfer": "basic", "objects": objects}

    def _store(self, body: bytes, sha256: str) -> Any:
        if self.hub.uploads_left is not None:
            if not self.hub.uploads_left:
                raise _RefusedError(413, "Storage limit reached")
            self.hub.uploads_left -= 1
        if hashlib.sha256(body).hexdigest() != sha256:
            raise _RefusedError(400, "The bytes are not those that were announced")
        self.hub.received.append(sha256)
        self.hub.objects[sha256] = body
        return {}

    def _commit(self, body: bytes, repository: str) -> Any:
        commits = self._commits(repository)
        files = dict(commits[-1])
        for line in body.splitlines():
            operation = json.loads(line)
            value = operation["value"]
            if operation["key"] == "file":
                files[value["path"]] = _File(base64.b64decode(value["content"]))
            elif operation["key"] == "lfsFile":
                if value["oid"] not in self.hub.objects:
                    raise _RefusedError(400, f"{value['path']} was not uploaded")
                files[value["path"]] = _File(sha256=value["oid"])
            elif operation["key"] == "deletedFile" and files.pop(value["path"], None) is None:
                raise _RefusedError(404, f"No file {value['path']}")
        commits.append(files)
        return {
            "success": True,
            "commitOid": self._head(repository),
            "commitUrl": f"{self.hub.url}/datasets/{repository}/commit/{self._head(repository)}",
        }

    def _squash(self, body: bytes, repository: str) -> Any:
        commits = self._commits(repository)
        del commits[:-1]
        return {}

    def _list_lfs(self, body: bytes, repository: str) -> Any:
        self._commits(repository)
        return [
            {
                "fileOid": oid, "filename": oid, "oid": oid, "size": len(data), "ref": None,
                "pushedAt": "2026-01-01T00:00:00.000Z",
            }
            for oid, data in self.hub.objects.items()
        ]  # fmt: skip

    def _delete_lfs(self, body: bytes, repository: str) -> Any:
        self._commits(repository)
        for oid in json.loads(body)["deletions"]["sha"]:
            self.hub.objects.pop(oid, None)
        return {}

    def _tree(self, body: bytes, repository: str) -> Any:
        return [
            {"type": "file", "path": path, "size": self._size(file), "oid": _oid(file)}
            for path, file in sorted(self._commits(repository)[-1].items())
        ]

    def _info(self, body: bytes, repository: str) -> Any:
        siblings = []
        for path, file in sorted(self._commits(repository)[-1].items()):
            sibling: dict[str, Any] = {"rfilename": path, "size": self._size(file)}
            if file.content is None:
                lfs = {"size": self._size(file), "sha256": file.sha256, "pointerSize": 130}
                sibling["lfs"] = lfs
            siblings.append(sibling)
        return {"id": repository, "sha": self._head(repository), "siblings": siblings}

    def _resolve(self, body: bytes, repository: str, path: str) -> Any:
        files = self.hub.files(repository) if self._commits(repository) else {}
        if path not in files:
            raise _RefusedError(404, "Entry not found")
        return files[path]

    def _size(self, file: _File) -> int:
        return len(self.hub.objects[file.sha256] if file.content is None else file.content)

    def _head(self, repository: str) -> str:
        files = self.hub.commits[repository]
        state = "\n".join(f"{path} {_oid(file)}" for path, file in sorted(files[-1].items()))
        return hashlib.sha1(f"{len(files)} {state}".encode()).hexdigest()


def _oid(file: _File) -> str:
    """The SHA-256 of a large file, Git's blob id of another."""
    if file.content is None:
        return file.sha256
    return hashlib.sha1(b"blob %d\0" % len(file.content) + file.content).hexdigest()


_ROUTES: tuple[tuple[str, str, str], ...] = (
    ("POST", "/api/repos/create", "_create"),
    ("POST", "/api/validate-yaml", "_validate_yaml"),
    ("POST", f"/api/datasets/{_REPOSITORY}/preupload/main", "_preupload"),
    ("POST", f"/datasets/{_REPOSITORY}\\.git/info/lfs/objects/batch", "_lfs_batch"),
    ("PUT", "/lfs/(?P<sha256>[0-9a-f]{64})", "_store"),
    ("POST", f"/api/datasets/{_REPOSITORY}/commit/main", "_commit"),
    ("POST", f"/api/datasets/{_REPOSITORY}/super-squash/main", "_squash"),
    ("GET", f"/api/datasets/{_REPOSITORY}/lfs-files", "_list_lfs"),
    ("POST", f"/api/datasets/{_REPOSITORY}/lfs-files/batch", "_delete_lfs"),
    ("GET", f"/api/datasets/{_REPOSITORY}/tree/main", "_tree"),
    ("GET", f"/api/datasets/{_REPOSITORY}(?:/revision/main)?", "_info"),
    ("GET", f"/datasets/{_REPOSITORY}/resolve/main/(?P<path>.+)", "_resolve"),
)
