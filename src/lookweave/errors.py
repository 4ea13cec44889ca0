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
        ├── ModelError        a model cannot be loaded or gave something impossible
        │   ├── HubUnreachable    weights are neither here nor to be had
        │   ├── ServerUnusable    a model's server is away, refuses us or cannot do the work
        │   └── CeilingReached    the next request would cost more than was allowed
        └── PublishError      a data set could not be written or pushed

A photo that cannot be used is not an exception for the caller: it becomes a row of the
`rejects` table. Inside a step it travels as `Rejected`, which is no `LookweaveError`.
"""

from __future__ import annotations


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
