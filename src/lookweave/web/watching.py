"""`serve --watch`: what comes into a folder is built while the server runs.

Folders are looked at again and again, for network mounts tell nobody of new files.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lookweave.errors import InputError, LookweaveError
from lookweave.web.builds import Builds

SECONDS = 2.0
PATIENCE = 300.0
_SHARE = 20  # of the time, at most one part of so many goes into looking
_FIRST_WAIT, _LONGEST_WAIT = 30.0, 3600.0

_log = logging.getLogger(__name__)

Seen = dict[str, tuple[int, int]]
"""Path of each file -> its size and the time of its last change."""


@dataclass(frozen=True)
class Folder:
    """A folder that is watched.

    Attributes:
        kind: ``garments`` or ``looks``; "" where builds know it already.
    """

    path: Path
    kind: str


def folder(given: str, known: Sequence[str]) -> Folder:
    """A folder as ``--watch`` names it: ``FOLDER``, ``garments=FOLDER`` or ``looks=FOLDER``.

    Args:
        known: the inputs of the workspace.

    Raises:
        InputError: it is no folder, or what it holds is not known.
    """
    kind, equals, rest = given.partition("=")
    if not equals or kind not in ("garments", "looks"):
        kind, rest = "", given
    path = Path(rest).expanduser().resolve()
    if not path.is_dir():
        raise InputError(f"--watch {given}: {path} is no folder.")
    places = [Path(one) for one in known if "://" not in one]
    if not kind and not any(
        path == one or path in one.parents or one in path.parents for one in places
    ):
        raise InputError(
            f"--watch {given}: no build was given this folder, so say what is in it: --watch "
            f"garments={rest} or --watch looks={rest}."
        )
    return Folder(path, kind)


class Watcher:
    """Looks at folders, and builds once what is new there has come to rest.

    A build takes whatever lies there, so it waits until no file changes any more, though no
    longer than `PATIENCE`: a photo that is half there is then turned away, and read once more
    by the build that follows its last change.
    """

    def __init__(self, builds: Builds, folders: Sequence[Folder]) -> None:
        self._builds, self._folders = builds, list(folders)
        self._before: Seen | None = None
        self._taken: Seen | None = None
        self._building: Seen | None = None
        self._restless: float | None = None
        self._retry, self._wait = 0.0, _FIRST_WAIT
        self._trouble = ""
        self._ended = threading.Event()

    def told(self) -> str:
        """What is watched, and what hinders it; a sentence for a page."""
        names = ", ".join(str(one.path) for one in self._folders)
        return f"Watching {names}. {self._trouble}".strip()

    def run(self) -> None:
        """Look until `end` is called."""
        pause = SECONDS
        while not self._ended.wait(pause):
            began = time.monotonic()
            try:
                self.look(began)
            except Exception as error:  # it goes on with the next look
                self._trouble = f"It cannot be watched: {error}"
                _log.exception("watching failed")
            pause = max(SECONDS, _SHARE * (time.monotonic() - began))

    def end(self) -> None:
        """Look no more; a build under way goes on."""
        self._ended.set()

    def look(self, now: float) -> None:
        """Look once, and begin a build where something new has come to rest.

        Args:
            now: in seconds, of a clock that only goes forward.
        """
        if self._building is not None:
            if self._builds.running():
                return
            self._settle(now)
        seen = self._see()
        if seen is None:
            return
        still, self._before = seen == self._before, seen
        if seen == self._taken or now < self._retry:
            self._restless = None
            return
        if self._restless is None:
            self._restless = now
        if not still and now - self._restless < PATIENCE:
            return
        try:
            self._builds.start(self._named("garments"), self._named("looks"))
        except LookweaveError as error:
            self._trouble = str(error)  # such as a build from elsewhere: the next look tries again
            return
        self._building, self._restless, self._trouble = seen, None, ""

    def _settle(self, now: float) -> None:
        told = self._builds.told()
        if told.state == "finished":
            self._taken, self._wait = self._building, _FIRST_WAIT
        else:
            self._retry = now + self._wait
            self._wait = min(2 * self._wait, _LONGEST_WAIT)
            self._trouble = (
                f"The last build ended early ({told.told or told.state}); it is tried again."
            )
        self._building = None

    def _named(self, kind: str) -> list[str]:
        return [str(one.path) for one in self._folders if one.kind == kind]

    def _see(self) -> Seen | None:
        """All files with something in them; None where a folder cannot be looked at, or is all
        empty that was not: a disk that is away must not count as photos that are gone."""
        seen: Seen = {}
        for one in self._folders:
            before = len(seen)
            try:
                _walk(str(one.path), seen)
            except OSError as error:
                self._trouble = f"{one.path} cannot be looked at ({error.strerror})."
                return None
            inside = f"{one.path}{os.sep}"
            had = any(path.startswith(inside) for path in self._taken or ())
            if len(seen) == before and had:
                self._trouble = f"{one.path} is empty, and was not: nothing is built of that."
                return None
        return seen


def _walk(top: str, seen: Seen) -> None:
    with os.scandir(top) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    _walk(entry.path, seen)
                elif entry.is_file():
                    found = entry.stat()
                    if found.st_size:
                        seen[entry.path] = (found.st_size, found.st_mtime_ns)
            except FileNotFoundError:  # gone meanwhile
                continue
