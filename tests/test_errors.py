"""What the operating system refuses, in words."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from lookweave.errors import (
    InputError,
    LookweaveError,
    SystemRefused,
    WorkError,
    WorkspaceFull,
    from_system,
    told,
)


@pytest.mark.parametrize("number", sorted(errno.errorcode))
def test_every_refusal_is_a_sentence_with_the_systems_reason(number: int) -> None:
    error = from_system(OSError(number, os.strerror(number), "/a/b"))
    assert isinstance(error, WorkError) and error.exit_code == 1
    assert str(error).startswith("/a/b cannot be ") and os.strerror(number) in str(error)
    assert str(error).endswith(".") and "Errno" not in str(error)


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (OSError(28, "No space left on device", "/d/x"), WorkspaceFull, "free some"),
        (OSError("LanceError(IO): Quota exceeded (os error 122)"), WorkspaceFull, "used up"),
        (OSError("Failed to open: [errno 13] Permission denied"), SystemRefused, "permission"),
        (
            OSError("something of Lance's own\nand a backtrace"),
            SystemRefused,
            "something of Lance's",
        ),
        (OSError(), SystemRefused, "no reason told"),
        (MemoryError(), SystemRefused, "No memory is left"),
        (OSError(2, "No such file or directory", b"/d/\xff"), SystemRefused, "It is not there"),
    ],
)
def test_the_number_is_found_where_lance_hides_it(
    error: OSError, kind: type[LookweaveError], said: str
) -> None:
    found = from_system(error)
    assert type(found) is kind and said in str(found) and "backtrace" not in str(found)


def test_what_was_to_be_done_is_said(tmp_path: Path) -> None:
    error = from_system(PermissionError(13, "Permission denied"), tmp_path, "read")
    assert str(error).startswith(f"{tmp_path} cannot be read: Permission denied. You have no")


def test_only_the_systems_errors_change_their_class() -> None:
    with pytest.raises(SystemRefused) as caught, told():
        raise FileNotFoundError(2, "No such file or directory", "/x")
    assert isinstance(caught.value.__cause__, FileNotFoundError)
    for error in (InputError("mine"), ValueError("a bug"), KeyboardInterrupt()):
        with pytest.raises(type(error)) as kept, told():
            raise error
        assert kept.value is error
