"""Whole runs in processes of their own."""

import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

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


def test_one_that_was_late_to_start_is_missed_when_it_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Python's pool does not watch a process that is started when it already watches others."""
    spawn = ProcessPoolExecutor._spawn_process  # type: ignore[attr-defined]

    def late(pool: ProcessPoolExecutor) -> None:
        time.sleep(1.0)
        spawn(pool)

    monkeypatch.setattr(ProcessPoolExecutor, "_spawn_process", late)
    began = time.monotonic()
    with (
        pytest.raises(WorkError, match="--at-once 1"),
        side_by_side(exec, [(WAIT,), ("import os; os.abort()",)], 2),
    ):
        pass
    assert time.monotonic() - began < 60


def test_they_end_with_the_body_that_fails() -> None:
    class PowerCutError(Exception):
        pass

    began = time.monotonic()
    with pytest.raises(PowerCutError), side_by_side(exec, [(WAIT,)], 1):
        raise PowerCutError
    assert time.monotonic() - began < 60


def test_what_one_raises_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError), side_by_side(exec, [("1 / 0",)], 1):
        pass
