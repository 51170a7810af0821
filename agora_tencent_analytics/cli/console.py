"""What a person sees: of a scan on standard error, of what asks a question on standard output.

With `rich` installed and a terminal at the other end: a moving line and tables. Otherwise plain lines. Text
that comes from vendors is made printable before it is shown.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol, TextIO

from agora_tencent_analytics.cli.tables import TEXTS, Row, status
from agora_tencent_analytics.scan import Report

_PLAIN_EVERY = 100  # calls between two plain lines


class Console(Protocol):
    """Where a scan is followed."""

    def progress(self, report: Report) -> None:
        """One more record was read."""

    def table(self, title: str, head: Row, rows: Sequence[Row]) -> None:
        """Shows a table; left-aligned at first, numbers to the right."""

    def line(self, text: str) -> None:
        """Says one line."""

    def close(self) -> None:
        """Ends what moves."""


def console(to: TextIO | None = None) -> Console:
    """The best console that a stream allows; standard error unless told otherwise."""
    stream = sys.stderr if to is None else to
    if stream.isatty():
        try:
            from agora_tencent_analytics.cli.rich_console import RichConsole
        except ImportError:
            pass
        else:
            return RichConsole(stream)
    return PlainConsole(stream)


def lead_nowhere(stream: TextIO) -> None:
    """Lets a stream whose reader has gone lead nowhere; Python would complain of what it holds at the end."""
    with suppress(OSError, ValueError), open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


class PlainConsole:
    """Lines of text."""

    def __init__(self, to: TextIO) -> None:
        self._to = to
        self._shown = 0

    def progress(self, report: Report) -> None:
        """A line for every hundred calls."""
        calls = sum(vendor.calls for vendor in report.vendors.values())
        if calls // _PLAIN_EVERY > self._shown:
            self._shown = calls // _PLAIN_EVERY
            self.line(status(report))

    def table(self, title: str, head: Row, rows: Sequence[Row]) -> None:
        """Columns padded with spaces."""
        widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
        self.line(f"\n{title}")
        for row in (head, *rows):
            cells = [
                cell.ljust(width) if name in TEXTS else cell.rjust(width)
                for name, cell, width in zip(head, row, widths, strict=True)
            ]
            self.line("  ".join(cells).rstrip())

    def line(self, text: str) -> None:
        """One line."""
        try:
            print(text, file=self._to, flush=True)
        except OSError:
            if self._to is not sys.stderr:
                raise
            lead_nowhere(self._to)  # whoever followed has gone; what is written to files goes on

    def close(self) -> None:
        """Nothing moves here."""
