"""Builds that the server starts: each is a process of its own, and never two at a time.

Such a process lives on when the server ends, as any `lookweave build`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from lookweave.errors import InputError, WorkspaceLocked, from_system
from lookweave.progress import Stage
from lookweave.store import build_state
from lookweave.store.workspace import MARKER, usable_folder

_LONGEST_TOLD = 4000


@dataclass(frozen=True)
class Told:
    """How the build is, for a page or a program.

    Attributes:
        state: as `BuildState.state`; ``none`` before the first one.
        seconds: since it began, or that it took.
        stages: the steps that had something to do, in order.
        told: what went wrong.
        result: what it came to.
    """

    state: str
    seconds: float = 0.0
    stages: list[Stage] = field(default_factory=list)
    told: str = ""
    result: dict[str, Any] = field(default_factory=dict)


class Builds:
    """The builds of one workspace. Safe to use from several threads.

    Args:
        path: of the workspace; None while nobody has said where it is to be.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path.expanduser().resolve() if path else None
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._complaints: IO[bytes] | None = None
        self._began = 0.0
        self._stopped = False

    def start(
        self, garments: Sequence[str] = (), looks: Sequence[str] = (), *, to: Path | None = None
    ) -> None:
        """Begin a build, of further inputs or of those that the workspace has.

        Args:
            to: the workspace, where there is none yet.

        Raises:
            InputError: no workspace can be made there.
            WorkspaceLocked: one is under way.
            SystemRefused: no process can be started.
        """
        with self._lock:
            if self._running():
                raise WorkspaceLocked("A build is under way. Wait for it, or stop it.")
            wanted = to or self.path
            if wanted is None:
                raise InputError("Say where the workspace is to be.")
            path = usable_folder(wanted)
            command = [sys.executable, "-m", "lookweave", "build", "--out", str(path), "--json"]
            for flag, places in (("--garments", garments), ("--looks", looks)):
                command += [word for place in places for word in (flag, place)]
            # No name in any folder: nothing is left behind, whoever ends first.
            complaints = tempfile.TemporaryFile()  # noqa: SIM115
            began = time.time()
            try:
                # A session of its own: Ctrl-C at the server's terminal is not for the build.
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=complaints, start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                complaints.close()
                raise from_system(error, sys.executable, "started") from error
            if self._complaints is not None:
                self._complaints.close()
            self.path, self._complaints = path, complaints
            self._began, self._stopped = began, False

    def stop(self) -> bool:
        """Tell the build to end; what it committed is safe. Returns whether there was one."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._stopped = True
                self._process.terminate()
                return True
            state = build_state.read(self.path) if self.path else None
            if state is None or state.state != "running":
                return False
            with contextlib.suppress(ProcessLookupError):
                os.kill(state.pid, signal.SIGTERM)
            return True

    def told(self) -> Told:
        """How the build is now."""
        with self._lock:
            return self._told()

    def running(self) -> bool:
        """Whether one is under way, wherever it was started."""
        with self._lock:
            return self._running()

    def ready(self) -> bool:
        """Whether there is a workspace, and no build of it under way."""
        return self.path is not None and (self.path / MARKER).exists() and not self.running()

    def _running(self) -> bool:
        if self._process is not None and self._process.poll() is None:
            return True
        # A build from somewhere else may hold the lock before it has said anything.
        return self.path is not None and build_state.locked(self.path)

    def _told(self) -> Told:
        state = build_state.read(self.path) if self.path else None
        process = self._process
        if process is not None and (state is None or state.began < self._began):
            # Before it has its lock it says nothing of itself in the workspace.
            code = process.poll()
            if code is None:
                return Told("running", time.time() - self._began)
            if code and not self._stopped:
                return Told("failed", told=self._said() or f"It ended with exit code {code}.")
            if self._stopped:
                return Told("stopped")
        if state is None:
            return Told("none")
        ended = state.ended or time.time()
        alive = process is not None and process.pid == state.pid and process.poll() is None
        return Told(
            "running" if alive else state.state, ended - state.began, state.stages, state.told,
            state.result,
        )  # fmt: skip

    def _said(self) -> str:
        """The complaint with which the process ended."""
        assert self._complaints is not None
        self._complaints.seek(0)
        text = self._complaints.read().decode("utf-8", "replace")
        told = text.rpartition("lookweave: ")[2].strip()
        return told[:_LONGEST_TOLD]
