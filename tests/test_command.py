"""The command as a process: odd terminals, closed pipes, full disks, signals, logs."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import lookweave
from lookweave import __version__
from lookweave.cli.app import app
from lookweave.errors import InputError

Call = Callable[..., tuple[int, str, str]]
COMMAND = [sys.executable, "-m", "lookweave"]


def run(
    environment: dict[str, str], *arguments: object, **more: object
) -> tuple[int, bytes, bytes]:
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)], env={**environment, **more}, capture_output=True, check=False
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def odd_workspace(
    tmp_path_factory: pytest.TempPathFactory,
    photo_folders: tuple[Path, Path, Path],
    environment: dict[str, str],
) -> Path:
    """With an accent in its name, and a photo's name that a terminal would obey."""
    folder = tmp_path_factory.mktemp("odd")
    names = ["é👗.jpg", "[red]dress[/red] [/1].jpg", "esc\x1b[31m\nline.jpg", "x.jpg"]
    for kind, given in zip(("g", "l"), photo_folders[:2], strict=True):
        for name, photo in zip(names, sorted(given.iterdir()), strict=False):
            (folder / kind / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / kind / name).write_bytes(photo.read_bytes())
    code, _, err = run(
        environment, "build", "--garments", folder / "g", "--looks", folder / "l",
        "--out", folder / "wsü", "--models", "whole-photo", PYTHONIOENCODING="ascii",
    )  # fmt: skip
    assert code == 0, err
    return folder / "wsü"


def test_the_version() -> None:
    done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"lookweave {__version__}\n"


def test_messages_name_verbs_that_are_there() -> None:
    """A sentence that sends a person to a verb must not send them into the void."""
    verbs = {command.name or command.callback.__name__ for command in app.registered_commands}
    verbs |= {group.name for group in app.registered_groups}
    source = Path(lookweave.__file__).parent
    named = {
        (match[1], path.name)
        for path in source.rglob("*.py")
        for match in re.finditer(r"`lookweave ([a-z-]+)", path.read_text(encoding="utf-8"))
    }
    assert len(named) > 10
    assert {one for one in named if one[0] not in verbs} == set()


def test_no_verb_at_all_is_a_wrong_call_that_is_helped(call: Call) -> None:
    code, out, _ = call()
    assert code == 2 and "Commands:" in out


def test_an_ascii_terminal_shows_escapes(odd_workspace: Path, environment: dict[str, str]) -> None:
    for verb in (["search", odd_workspace, "red shirt"], ["status", odd_workspace],
                 ["config", odd_workspace]):  # fmt: skip
        code, out, err = run(environment, *verb, PYTHONIOENCODING="ascii")
        assert code == 0 and out.isascii(), err
    code, out, _ = run(
        environment, "search", odd_workspace, "red", "--json", PYTHONIOENCODING="ascii"
    )
    names = {hit["name"] for hit in json.loads(out)["results"]}
    assert code == 0 and out.isascii() and "é👗.jpg" in names and "esc\x1b[31m\nline.jpg" in names


def test_a_c_locale_finds_names_that_are_not_ascii(
    odd_workspace: Path, environment: dict[str, str]
) -> None:
    c_locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    code, out, err = run(environment, "search", odd_workspace, "red shirt", "--json", **c_locale)
    assert code == 0 and out.isascii(), err
    assert {Path(hit["path"]).exists() for hit in json.loads(out)["results"]} == {True}
    code, _, err = run(environment, "status", odd_workspace.with_name("nö"), **c_locale)
    assert code == 2 and rb"n\xf6 is no workspace" in err


def test_a_name_is_neither_markup_nor_obeyed(call: Call, odd_workspace: Path) -> None:
    code, out, _ = call("search", odd_workspace, "red shirt", "--kind", "garment")
    assert code == 0 and "[red]dress[/red] [/1].jpg" in out
    assert "\x1b" not in out and r"esc\x1b[31m\nline.jpg" in out


def test_an_errors_text_is_not_obeyed(call: Call, tmp_path: Path) -> None:
    code, _, err = call("status", tmp_path / "a\x1b[2Jb")
    assert code == 2 and "\x1b" not in err and r"a\x1b[2Jb" in err


@pytest.mark.parametrize("wrong", [["[/red]"], ["status", "ws", "[/red]"], ["status", "--[/x]"]])
def test_markup_in_a_call_is_text(call: Call, wrong: list[str]) -> None:
    code, out, err = call(*wrong)
    assert (code, out) == (2, "") and wrong[-1] in err and "fault" not in err


def test_a_reader_that_goes_away_is_no_fault(environment: dict[str, str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, "models", "--json"], env=environment, stdout=writing, stderr=subprocess.PIPE,
        check=False,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_stdout_is_told(environment: dict[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "models"], env=environment, stdout=full, stderr=subprocess.PIPE, text=True,
            check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        "lookweave: the result cannot be written to the standard output: No space left on device.\n"
    )


_IMPORTING = """
import os, signal, sys
from importlib.abc import MetaPathFinder

class Interrupting(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            os.kill(os.getpid(), signal.{name})

sys.meta_path.insert(0, Interrupting())
from lookweave.__main__ import main
main()
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_while_importing_ends_without_a_traceback(
    environment: dict[str, str], name: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTING.format(name=name)], env=environment, capture_output=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 128 + getattr(signal, name)
    assert (done.stdout, done.stderr) == (b"", b"lookweave: stopped before it began.\n")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_at_work_ends_with_a_sentence(
    call: Call, odd_workspace: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def interrupted(*_: object) -> None:
        os.kill(os.getpid(), getattr(signal, name))
        time.sleep(60)  # which the signal ends

    before = signal.getsignal(getattr(signal, name))
    monkeypatch.setattr("lookweave.status.status", interrupted)
    code, out, err = call("status", odd_workspace)
    assert (code, out) == (128 + getattr(signal, name), "")
    assert err.startswith("lookweave: stopped. What was committed is safe")
    assert signal.getsignal(getattr(signal, name)) is before


def test_what_the_system_refuses_is_no_fault_of_ours(
    call: Call, odd_workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error, said in (
        (
            OSError(30, "Read-only file system", "/x/y"),
            "/x/y cannot be used: Read-only file system",
        ),
        (OSError("LanceError(IO): Permission denied (os error 13)"), "Permission denied"),
        (MemoryError(), "No memory is left"),
    ):
        monkeypatch.setattr(
            "lookweave.status.status", lambda *_, error=error: (_ for _ in ()).throw(error)
        )
        code, out, err = call("status", odd_workspace)
        assert (code, out) == (1, "") and said in err and "fault" not in err


class PanicException(BaseException):
    pass


def test_a_panic_of_lance_ends_with_a_sentence(
    call: Call, odd_workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def panic(*_: object) -> None:
        raise PanicException("index out of bounds")

    monkeypatch.setattr("lookweave.status.status", panic)
    code, out, err = call("status", odd_workspace)
    assert (code, out) == (1, "") and "a panic in Lance: index out of bounds" in err


def test_the_log_has_every_step_and_the_end(
    call: Call, odd_workspace: Path, tmp_path: Path, photo_folders: tuple[Path, Path, Path]
) -> None:
    text, lines = tmp_path / "log.txt", tmp_path / "log.jsonl"
    assert call("build", "--out", odd_workspace, "--log-file", text)[0] == 0
    told = text.read_text()
    assert "lookweave.cli" in told and told.endswith("INFO    lookweave.cli done\n")
    for _ in range(2):  # the second goes to the end of the first
        code, _, _ = call(
            "search", odd_workspace, "--image", tmp_path / "none\x1b.jpg", "--log-file", lines, "--log-json"
        )  # fmt: skip
        assert code == 2
    events = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [event["level"] for event in events].count("ERROR") == 2
    assert events[-1]["message"].startswith("failed: ") and "none\x1b.jpg" in events[-1]["message"]
    assert events[0].keys() >= {"time", "level", "logger", "message"}


def test_the_log_of_a_build_has_every_step_and_every_photo_that_was_turned_away(
    call: Call, tmp_path: Path, photo_folders: tuple[Path, Path, Path]
) -> None:
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no photo")
    log = tmp_path / "log.jsonl"
    code, _, _ = call(
        "build", "--garments", photo_folders[0], "--garments", tmp_path / "g", "--looks",
        photo_folders[1], "--out", tmp_path / "ws", "--models", "whole-photo", "--log-file", log,
        "--log-json",
    )  # fmt: skip
    events = [json.loads(line) for line in log.read_text().splitlines()]
    said = [event["message"] for event in events]
    assert code == 0 and said[-1] == "done"
    for step in ("ingest", "detect", "describe", "embed", "group", "match", "tier"):
        assert any(one.startswith(f"{step}: ") and " read, " in one for one in said), step
    rejects = [event for event in events if event["level"] == "DEBUG" and "reason" in event]
    assert len(rejects) == 1 and rejects[0]["step"] == "ingest"
    assert "broken.jpg" in rejects[0]["message"] and rejects[0]["reason"] in rejects[0]["message"]


def test_a_warning_is_shown_once(
    call: Call, odd_workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def warn(*_: object) -> None:
        logging.getLogger("lookweave.models").warning("the processor\x1b in place of the GPU")
        raise InputError("Enough.")

    monkeypatch.setattr("lookweave.status.status", warn)
    code, _, err = call("status", odd_workspace)
    assert code == 2
    assert err == (
        "lookweave: warning: the processor\\x1b in place of the GPU\nlookweave: Enough.\n"
    )


def test_a_log_that_cannot_be_written_is_told_before_the_work(call: Call, tmp_path: Path) -> None:
    code, _, err = call("status", "nowhere", "--log-file", tmp_path / "no" / "log")
    assert code == 2 and "cannot be written" in err and "is no workspace" not in err
    code, _, err = call("status", "nowhere", "--log-json")
    assert code == 2 and "--log-file" in err
    assert list(tmp_path.iterdir()) == []
