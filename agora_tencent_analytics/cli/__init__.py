"""The command line: `scan`, `forecast`, `quota` and `simulate`. Parses, runs, and turns outcomes into exit statuses.

0 complete, 1 incomplete, 2 usage, 3 refused credentials or plan, 130 interrupted. What a machine reads goes
to files and standard output; what a person reads goes to standard error.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status.

    Args:
        arguments: the words after the program's name; None takes them from the process.
    """
    options = parse(arguments)
    import asyncio

    run = import_module(f"{__name__}.commands.{options.command}").run
    try:
        with _log_shown() if options.verbose else nullcontext():
            status: int = asyncio.run(run(options))
            return status
    except BadInput as error:
        return _told(error, USAGE)
    except (NotAuthenticated, NotPermitted, NotOffered) as error:
        return _told(error, REFUSED)
    except (AnalyticsError, OSError) as error:
        return _told(error, INCOMPLETE)
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def _told(error: Exception, status: int) -> int:
    print(f"agora-tencent-analytics: {printable(error)}", file=sys.stderr)
    return status


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
