"""What a person sees while and after a scan, on standard error.

With `rich` installed and a terminal at the other end: a moving line and tables. Otherwise plain lines. Text
that comes from vendors is made printable before it is shown.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from agora_tencent_analytics.cli.worst import CallFigures
from agora_tencent_analytics.scan import Report

__all__ = ["Console", "console"]

Row = Sequence[str]
_PLAIN_EVERY = 100  # calls between two plain lines


class Console(Protocol):
    """Where a scan is followed."""

    def progress(self, report: Report) -> None:
        """One more record was read."""

    def table(self, title: str, head: Row, rows: Sequence[Row]) -> None:
        """Shows a table; the columns after the second hold numbers."""

    def line(self, text: str) -> None:
        """Says one line."""

    def close(self) -> None:
        """Ends what moves."""


def console() -> Console:
    """The best console that standard error allows."""
    if sys.stderr.isatty():
        try:
            from agora_tencent_analytics.cli.rich_console import RichConsole
        except ImportError:
            pass
        else:
            return RichConsole()
    return PlainConsole()


class PlainConsole:
    """Lines of text."""

    def __init__(self) -> None:
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
                cell.ljust(width) if at < 2 else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            self.line("  ".join(cells).rstrip())

    def line(self, text: str) -> None:
        """One line on standard error."""
        print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Nothing moves here."""


def status(report: Report) -> str:
    """How far the scan is, in one line."""
    total = report.as_dict()["total"]
    return (
        f"{total['calls']} calls, {total['sessions']} sessions, {total['points']} points, {total['requests']} requests"
    )


def worst_rows(worst: Sequence[CallFigures]) -> tuple[Row, list[Row]]:
    """Head and rows of the table of the worst calls."""
    head = (
        "vendor",
        "channel",
        "joined (UTC)",
        "sessions",
        "audio freeze s",
        "video freeze s",
        "loss %",
        "rtt ms",
        "call",
    )
    return head, [
        (
            call.vendor,
            printable(call.channel),
            datetime.fromtimestamp(call.join_ts, UTC).strftime("%m-%d %H:%M:%S"),
            str(call.sessions),
            f"{call.audio_freeze_s:.1f}",
            f"{call.video_freeze_s:.1f}",
            f"{call.loss_percent:.1f}",
            f"{call.rtt_ms:.0f}",
            printable(call.call_id),
        )
        for call in worst
    ]


def vendor_rows(report: Report, left: dict[str, str]) -> tuple[Row, list[Row]]:
    """Head and rows of the table of what was spent, by vendor."""
    head = (
        "vendor",
        "quota left today",
        "calls",
        "sessions",
        "series",
        "points",
        "requests",
        "limit errors",
        "failures",
    )
    return head, [
        (
            name,
            left.get(name, ""),
            *(str(value) for value in (vendor.calls, vendor.sessions, vendor.series, vendor.points)),
            *(str(value) for value in (vendor.requests, vendor.limit_errors, len(vendor.failures))),
        )
        for name, vendor in report.vendors.items()
    ]


def printable(text: Any) -> str:
    """Text without control characters: vendors' text must not steer a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(text))
