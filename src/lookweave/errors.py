"""Everything Lookweave raises on purpose.

::

    LookweaveError
    ├── UsageError            the call was wrong: exit code 2
    │   ├── ConfigError       a setting is unknown, missing or out of range
    │   ├── InputError        a folder, manifest or truth file cannot be used at all
    │   └── UnknownModel      no card, preset, folder or file has this name
    └── WorkError             the call was right, the work failed: exit code 1
        ├── WorkspaceError    the workspace is damaged, locked or not one
        │   ├── WorkspaceLocked
        │   └── WorkspaceFull     no space left where the workspace lives
        ├── SystemRefused     the operating system refused a file, a folder, memory
        ├── ModelError        a model cannot be loaded or gave something impossible
        │   ├── HubUnreachable    weights are neither here nor to be had
        │   ├── ServerUnusable    a model's server is away, refuses us or cannot do the work
        │   └── CeilingReached    the next request would cost more than was allowed
        └── PublishError      a data set could not be written or pushed

A photo that cannot be used is not an exception for the caller: it becomes a row of the
`rejects` table. Inside a step it travels as `Rejected`, which is no `LookweaveError`.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class LookweaveError(Exception):
    """Base of all errors raised on purpose. Its text says what, where and what to do."""

    exit_code = 1


class UsageError(LookweaveError):
    exit_code = 2


class ConfigError(UsageError):
    pass


class InputError(UsageError):
    pass


class UnknownModel(UsageError):
    pass


class WorkError(LookweaveError):
    exit_code = 1


class WorkspaceError(WorkError):
    pass


class WorkspaceLocked(WorkspaceError):
    pass


class WorkspaceFull(WorkspaceError):
    pass


class SystemRefused(WorkError):
    pass


class ModelError(WorkError):
    pass


class HubUnreachable(ModelError):
    pass


class ServerUnusable(ModelError):
    pass


class CeilingReached(ModelError):
    pass


class PublishError(WorkError):
    pass


class Rejected(Exception):
    """One subject cannot go on, for a reason a person can act on.

    Raised while a step works on one row; the step turns it into a row of `rejects`.

    Attributes:
        reason: a short slug that groups alike cases, such as ``truncated_image``.
        detail: a sentence that says what was found and what would help.
        retry: True when trying again may help with nothing changed (a time-out, a
            source that was away); such rows are tried again by the next build.
    """

    def __init__(self, reason: str, detail: str, *, retry: bool = False) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.retry = retry


_ADVICE = {
    errno.ENOENT: "It is not there, or the folder it should lie in is not.",
    errno.EACCES: "You have no permission for it: ask its owner, or name another place.",
    errno.EPERM: "You have no permission for it: ask its owner, or name another place.",
    errno.EROFS: "The disk can only be read: name a place on another one.",
    errno.ENOSPC: "No space is left there: free some and run the same command again.",
    errno.EDQUOT: "Your share of that disk is used up: free some and run the same command again.",
    errno.ENOTDIR: "A part of its path is a file and no folder.",
    errno.EISDIR: "It is a folder: name a file.",
    errno.ENAMETOOLONG: "The name is too long for this disk: choose a shorter one.",
    errno.EMFILE: "Too many files are open: raise the limit (`ulimit -n`) or use fewer --workers.",
    errno.ENFILE: "Too many files are open on this machine.",
    errno.EIO: "The disk fails to read or write: check it, and restore from a backup if need be.",
    errno.ESTALE: "The network drive has lost it: mount it again.",
    errno.ENOMEM: "No memory is left: use fewer --workers.",
}


def from_system(
    error: OSError | MemoryError, path: Path | str | None = None, done: str = ""
) -> LookweaveError:
    """What the operating system refused, as a sentence.

    Args:
        error: as raised; also one of Lance, which tells its number in the text alone.
        path: what was to be used; by default what the error names.
        done: what was to be done to it: ``read``, ``written``, ``made``; by default ``used``.

    Returns:
        A `WorkspaceFull` where no space is left, else a `SystemRefused`; to raise ``from error``.
    """
    if isinstance(error, MemoryError):
        return SystemRefused(
            "No memory is left. What was committed is safe: use fewer workers, or a larger "
            "machine, and run the same again."
        )
    number = error.errno or _number_in(str(error))
    where = path or error.filename or "A file"
    if isinstance(where, bytes):
        where = os.fsdecode(where)
    advice = _ADVICE.get(number or 0)
    first_line = str(error).partition("\n")[0][:300]
    reason = os.strerror(number) if number else first_line or "no reason told"
    if number in (errno.ENOSPC, errno.EDQUOT):
        return WorkspaceFull(f"{where} cannot be {done or 'written'}: {reason}. {advice}")
    return SystemRefused(
        f"{where} cannot be {done or 'used'}: {reason}." + (f" {advice}" if advice else "")
    )


@contextmanager
def told() -> Iterator[None]:
    """Turn what the operating system refuses inside the block into a sentence.

    Raises:
        WorkError: in place of the OSError or the MemoryError.
    """
    try:
        yield
    except (OSError, MemoryError) as error:
        raise from_system(error) from error


def _number_in(text: str) -> int | None:
    found = re.search(r"os error (\d+)|\[[Ee]rrno (\d+)\]", text)
    return int(found[1] or found[2]) if found else None
