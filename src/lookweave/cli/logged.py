"""Every verb's options --log-file and --log-json."""

from __future__ import annotations

import inspect
import logging
import shlex
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from lookweave import __version__
from lookweave.errors import LookweaveError, UsageError
from lookweave.log import log_to

LOGGER = "lookweave.cli"
_log = logging.getLogger(LOGGER)

LogFile = Annotated[
    str | None, typer.Option(metavar="FILE", help="write what happens to the end of this file")
]
LogJson = Annotated[bool, typer.Option("--log-json", help="as JSON, an object a line")]


def with_log(verb: Callable[..., None]) -> Callable[..., None]:
    """The verb with the options --log-file and --log-json."""

    @wraps(verb)
    def logged(*, log_file: str | None, log_json: bool, **given: Any) -> None:
        if log_file is None:
            if log_json:
                raise UsageError("--log-json says how a log is written: name its --log-file, too.")
            verb(**given)
            return
        with log_to(Path(log_file), as_json=log_json):
            _log.info("lookweave %s: %s", __version__, shlex.join(sys.argv[1:]))
            try:
                verb(**given)
            except typer.Exit as ended:
                _log.info("ended with exit code %d", ended.exit_code)
                raise
            except LookweaveError as error:
                _log.error("failed: %s", error)
                raise
            except KeyboardInterrupt:
                _log.warning("stopped by a signal")
                raise
            except Exception as error:
                _log.exception("failed: %s", type(error).__name__)
                raise
            _log.info("done")

    signature = inspect.signature(verb, eval_str=True)
    further = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, default, kind in (("log_file", None, LogFile), ("log_json", False, LogJson))
    ]
    parameters = [*signature.parameters.values(), *further]
    logged.__annotations__ = {one.name: one.annotation for one in parameters}
    logged.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return logged
