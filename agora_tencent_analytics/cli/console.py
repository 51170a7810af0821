"""What a person sees: tables and the verdict on standard output, progress and warnings on standard error.

With `rich` installed and a terminal at the other end: a moving line, and colours. Otherwise plain lines. Text
that comes from vendors is made printable before it is shown.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from textwrap import wrap
from typing import TYPE_CHECKING, TextIO, TypeAlias

from agora_tencent_analytics.cli.tables import Row, laid_out, status
from agora_tencent_analytics.scan import Report

if TYPE_CHECKING:
    from agora_tencent_analytics.cli.rich_console import RichConsole

    Screen: TypeAlias = "PlainConsole | RichConsole"
    """One stream, as a person sees it."""

_PLAIN_EVERY = 100  # calls between two plain lines


def screen(stream: TextIO) -> Screen:
    """The best screen that a stream allows."""
    if stream.isatty():
        try:
            from agora_tencent_analytics.cli.rich_console import RichConsole
        except ImportError:
            pass
        else:
            return RichConsole(stream)
    return PlainConsole(stream)


def lead_nowhere(stream: TextIO) -> None:
    """Lets a stream whose reader has gone lead nowhere; Python would complain at the end about what it still holds."""
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
        width = shutil.get_terminal_size().columns if self._to.isatty() else None
        self.line("\n" + "\n".join(wrap(title, width or len(title))))
        for line, _ in laid_out(head, rows, width):
            self.line(line)

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
