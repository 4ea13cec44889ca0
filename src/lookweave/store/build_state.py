"""How far a workspace's build is, for whoever looks on: ``WS/progress.json``.

The build itself writes it, so it tells of every build, wherever that was started.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from lookweave.errors import LookweaveError, WorkspaceFull, from_system
from lookweave.progress import Progress, Stage
from lookweave.store.workspace import write_atomically

FILE = "progress.json"

_log = logging.getLogger(__name__)


@dataclass
class BuildState:
    """The last build of a workspace.

    Attributes:
        state: ``running``, ``finished``, ``failed``, ``stopped`` (it was told to) or ``killed``.
        pid: of its process.
        began, ended: seconds since 1970; `ended` is None while it runs.
        stages: the steps that had something to do, in order; the last one may be under way.
        told: why it failed, a sentence.
        result: what it came to, once it is finished.
    """

    state: str
    pid: int
    began: float
    ended: float | None = None
    stages: list[Stage] = field(default_factory=list)
    told: str = ""
    result: dict[str, Any] = field(default_factory=dict)


@contextmanager
def followed(workspace: Path, progress: Progress) -> Iterator[BuildState]:
    """Write how far the build of the block is. The caller holds the workspace's lock."""
    now = BuildState("running", os.getpid(), time.time())

    def write() -> None:
        try:
            write_atomically(workspace / FILE, json.dumps(asdict(now)).encode())
        except (OSError, WorkspaceFull) as error:  # the build itself is worth more than its telling
            _log.warning("how far the build is cannot be written: %s", error)

    def stage(one: Stage) -> None:
        now.stages = [*(each for each in now.stages if each.name != one.name), one]
        write()

    write()
    progress.listen(stage)
    try:
        yield now
        now.state = "finished"
    except BaseException as error:
        now.state = "failed" if isinstance(error, Exception) else "stopped"
        if isinstance(error, (OSError, MemoryError)):
            now.told = str(from_system(error))
        elif isinstance(error, LookweaveError):
            now.told = str(error)
        elif isinstance(error, Exception):
            now.told = f"A fault in Lookweave itself: {type(error).__name__}: {error}"
        raise
    finally:
        progress.listen(None)
        now.ended = time.time()
        write()


def read(workspace: Path) -> BuildState | None:
    """The last build; None where none was followed. One whose process is gone was killed."""
    try:
        found = json.loads((workspace / FILE).read_text(encoding="utf-8"))
        state = BuildState(**found | {"stages": [Stage(**one) for one in found["stages"]]})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError, KeyError):  # of another version; the next build writes it anew
        return None
    if state.state == "running" and not locked(workspace):
        state.state = "killed"
    return state


def locked(workspace: Path) -> bool:
    """Whether a process is writing to a workspace."""
    lock = workspace / ".lock"
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # may only be read: whoever writes here is not this machine's user
        return False
