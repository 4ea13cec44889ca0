"""How a call of the command line ends: its exit code, and the sentence that says why."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from types import FrameType
from typing import Any, cast

import typer

from lookweave import api
from lookweave.cli.app import app
from lookweave.cli.logged import LOGGER
from lookweave.errors import LookweaveError, from_system
from lookweave.terminal import StdoutError, complain, flush


def main() -> None:
    """Run the command line and end with its exit code."""
    # Pillow tells stderr of every oddity that it meets; what matters ends in a reject.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # What a terminal has no character for is shown as an escape, not as a failure.
            stream.reconfigure(errors="backslashreplace")
    warnings_shown = _Warnings(logging.WARNING)
    logging.getLogger("lookweave").addHandler(warnings_shown)
    try:
        code = _run()
        flush()
    except StdoutError as error:
        code = 1
        if not isinstance(error.__cause__, BrokenPipeError):  # who reads no further knows it
            reason = os.strerror(getattr(error.__cause__, "errno", None) or 5)
            complain(f"the result cannot be written to the standard output: {reason}.")
    finally:
        logging.getLogger("lookweave").removeHandler(warnings_shown)
    sys.exit(code)


class _Warnings(logging.Handler):
    """Shows on stderr what should be known and does not end the work."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name not in (LOGGER, api.__name__):  # those the verbs say themselves
            complain(f"warning: {record.getMessage()}")


def _run() -> int:
    signals: list[int] = []
    try:
        with _interrupted_by(signals):
            code = app(standalone_mode=False)
        if not signals:  # Typer makes an exit code of its own of an interruption
            return code if isinstance(code, int) else 0
    except (typer.Abort, KeyboardInterrupt):
        pass
    except StdoutError:
        raise
    except Exception as error:
        if not signals:  # what is broken off may fail in any way
            return _failed(error)
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        if not signals:  # a panic of Lance, which is written in Rust
            return _failed(RuntimeError(f"a panic in Lance: {error}"))
    complain("stopped. What was committed is safe; the same command goes on from here.")
    return 128 + (signals[0] if signals else signal.SIGINT)


def _failed(error: Exception) -> int:
    """Say what went wrong; returns the exit code."""
    if isinstance(error, _WrongCall):
        wrong = cast(typer.BadParameter, error)
        usage = f"\n{wrong.ctx.get_usage()}" if wrong.ctx else ""
        complain(f"{wrong.format_message()}{usage}")
        return wrong.exit_code
    if isinstance(error, (OSError, MemoryError)):
        error = from_system(error)
    if isinstance(error, LookweaveError):
        complain(str(error))
        return error.exit_code
    if os.environ.get("LOOKWEAVE_DEBUG"):
        raise error
    complain(
        f"a fault in Lookweave itself: {type(error).__name__}: {error}\n"
        "What was committed is safe. Please report this with the output of the same command "
        "under LOOKWEAVE_DEBUG=1."
    )
    return 1


_WrongCall: type[Exception] = typer.BadParameter.__mro__[2]
"""Click's error of all that is wrong with a call; Typer brings its own copy of Click."""


@contextlib.contextmanager
def _interrupted_by(signals: list[int]) -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the work, as Ctrl-C does; `signals` gets those that came."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _: FrameType | None) -> None:
        signals.append(number)
        raise KeyboardInterrupt

    before: dict[int, Any] = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
