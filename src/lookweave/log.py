"""What happens, step by step, for whoever reads it afterwards.

Every module logs under its own name, ``lookweave.…``, and nothing is written anywhere unless a
program asks for it, as with any library::

    logging.getLogger("lookweave").setLevel(logging.INFO)

`log_to` writes a file, which is what ``--log-file`` does. INFO has steps, their counts, retries
and fallbacks; DEBUG, which the file has too, each photo that was turned away.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from lookweave.errors import InputError, from_system
from lookweave.text import to_json, visible

ROOT = "lookweave"

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


@contextmanager
def log_to(path: Path, *, as_json: bool = False) -> Iterator[None]:
    """Write all that Lookweave logs to the end of a file while the block runs.

    Args:
        path: made where there is none; its folder must be there.
        as_json: one JSON object a line (``time``, ``level``, ``logger``, ``message``, further
            fields of the event, ``error``), in place of a line of text.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise InputError(str(from_system(error, path, "written"))) from error
    handler.setFormatter(_JsonLine() if as_json else _TextLine())
    logger = logging.getLogger(ROOT)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
        handler.close()


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class _TextLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        message = visible(record.getMessage(), one_line=True)
        line = f"{_time(record)} {record.levelname:<7} {record.name} {message}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _JsonLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        further = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        told = {
            "time": _time(record), "level": record.levelname, "logger": record.name,
            "message": record.getMessage(), **further,
        }  # fmt: skip
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        return to_json(told)
