"""Where the command begins: little is imported before a signal would be met with a sentence."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
"""What ends the command; its exit code is then 128 and the signal's number, as shells have it."""


def main() -> None:
    """Run the command line."""
    _read_names_as_utf8()
    for name in SIGNALS:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        # One that is ignored stays so: nohup.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stopped_while_importing)
    from lookweave.cli.main import main as run

    try:
        run()
    except SystemExit as ended:
        if isinstance(ended.code, int) and ended.code > 128:
            # Threads may still wait for an answer that nobody wants any more.
            sys.stderr.flush()
            os._exit(ended.code)
        raise


def _read_names_as_utf8() -> None:
    """Begin anew in Python's UTF-8 mode where it reads names of files as ASCII, in a C locale:
    Lance and Arrow take names in UTF-8 and no others."""
    if sys.getfilesystemencoding() == "utf-8":
        return
    environment = dict(os.environ)
    if sys.stdout is not None:
        environment.setdefault("PYTHONIOENCODING", sys.stdout.encoding)
    call = [sys.executable, "-X", "utf8", *sys.orig_argv[1:]]
    os.execve(sys.executable, call, environment)


def _stopped_while_importing(number: int, _: FrameType | None) -> None:
    """End at once: nothing is begun, and an import that is broken off could say anything."""
    os.write(2, b"lookweave: stopped before it began.\n")
    os._exit(128 + number)


if __name__ == "__main__":
    main()
