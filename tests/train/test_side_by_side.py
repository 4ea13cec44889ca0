"""Whole runs in processes of their own."""

import os
import signal
import time
from pathlib import Path

import pytest

pytest.importorskip("loky", reason="pip install 'lookweave[train]'")

from lookweave.errors import WorkError
from lookweave.train.side_by_side import side_by_side

WAIT = "import time; time.sleep(120)"


def written(path: Path) -> str:
    return f"open({str(path)!r}, 'w').close()"


def test_all_are_done_when_the_body_is(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(3)]
    with side_by_side(exec, [(written(path),) for path in paths], 2):
        pass
    assert all(path.exists() for path in paths)


def test_one_that_is_killed_ends_the_others_and_says_what_to_do() -> None:
    began = time.monotonic()
    with (
        pytest.raises(WorkError, match="--at-once 1"),
        side_by_side(exec, [("import os; os.abort()",), (WAIT,)], 2),
    ):
        pass
    assert time.monotonic() - began < 60


def test_one_that_is_killed_from_outside_is_missed(tmp_path: Path) -> None:
    """As by the kernel, for want of memory, while the body is at work."""
    note = tmp_path / "pid"
    code = f"import os, pathlib; pathlib.Path({str(note)!r}).write_text(str(os.getpid())); {WAIT}"
    began = time.monotonic()
    with pytest.raises(WorkError, match="--at-once 1"), side_by_side(exec, [(code,), (WAIT,)], 2):
        while not (note.exists() and note.read_text()):
            assert time.monotonic() - began < 60
            time.sleep(0.01)
        os.kill(int(note.read_text()), signal.SIGKILL)
    assert time.monotonic() - began < 60


def test_they_end_with_the_body_that_fails(tmp_path: Path) -> None:
    class PowerCutError(Exception):
        pass

    began = time.monotonic()
    code = f"open({str(tmp_path / 'begun')!r}, 'w').close(); {WAIT}"
    with pytest.raises(PowerCutError), side_by_side(exec, [(code,)], 1):
        while not (tmp_path / "begun").exists():
            assert time.monotonic() - began < 60
            time.sleep(0.01)
        raise PowerCutError
    assert time.monotonic() - began < 60


def test_what_one_raises_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError), side_by_side(exec, [("1 / 0",)], 1):
        pass
