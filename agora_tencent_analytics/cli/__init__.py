"""The command line: `scan`, `forecast`, `quota` and `simulate`. Parses, runs, and turns outcomes into exit statuses.

0 complete, 1 incomplete, 2 usage, 3 refused credentials or plan, 130 interrupted. Tables and the verdict go to standard
output, progress and warnings to standard error.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from importlib import import_module

from agora_tencent_analytics.cli.arguments import parse
from agora_tencent_analytics.errors import (
    AnalyticsError,
    BadInput,
    NotAuthenticated,
    NotOffered,
    NotPermitted,
    printable,
)

COMPLETE, INCOMPLETE, USAGE, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130
REFUSING = (NotAuthenticated, NotPermitted, NotOffered)
"""Errors that say that the credentials or the plan are refused."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status.

    Args:
        arguments: the words after the program's name; None takes them from the process.
    """
    _lead_somewhere()
    options = parse(arguments)
    import asyncio

    run = import_module(f"{__name__}.commands.{options.command}").run
    try:
        with _log_shown() if options.verbose else nullcontext():
            status: int = asyncio.run(run(options))
            return status
    except BrokenPipeError:
        return _unheard()
    except BadInput as error:
        return _told(error, USAGE)
    except REFUSING as error:
        return _told(error, REFUSED)
    except (AnalyticsError, Warning) as error:  # a warning: where Python was told to raise them
        return _told(error, INCOMPLETE)
    except OSError as error:
        return _told(": ".join(filter(None, (error.filename, error.strerror))) or error, INCOMPLETE)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return _told("interrupted", INTERRUPTED, said_by="")


def _told(error: Exception | str, status: int, *, said_by: str = "agora-tencent-analytics: ") -> int:
    with suppress(OSError):  # a terminal that was closed
        print(f"{said_by}{printable(error)}", file=sys.stderr, flush=True)
    return status


def _lead_somewhere() -> None:
    """Gives standard streams that were closed a place to lead to, before a file takes their number."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115


def _unheard() -> int:
    """The status when whoever read the output has gone."""
    from agora_tencent_analytics.cli.console import lead_nowhere

    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            lead_nowhere(stream)
    return INCOMPLETE


class _Printable(logging.Formatter):
    """Messages may quote what a vendor says."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return printable(super().formatMessage(record))


@contextmanager
def _log_shown() -> Iterator[None]:
    """The library's log on standard error."""
    log = logging.getLogger("agora_tencent_analytics")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Printable("%(asctime)s %(message)s"))
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.setLevel(before)
        log.removeHandler(handler)
