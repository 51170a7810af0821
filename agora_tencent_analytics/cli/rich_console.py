"""The console of a terminal, drawn by `rich`. All words are `Text`: no markup, no emoji code is read in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console as Screen
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from agora_tencent_analytics.cli.tables import Row, laid_out, status
from agora_tencent_analytics.scan import Report


class RichConsole:
    """A moving line from the first progress on, and tables."""

    def __init__(self, to: TextIO) -> None:
        self._screen = Screen(file=to)
        # Where the terminal cannot show braille, a line turns.
        spinner = SpinnerColumn("dots" if self._screen.encoding.startswith("utf") else "line")
        self._moving = Progress(
            spinner, TextColumn("{task.description}"), TimeElapsedColumn(), console=self._screen, transient=True
        )
        self._task = self._moving.add_task("", total=None)

    def progress(self, report: Report) -> None:
        """Renews the moving line; rich redraws it a few times a second."""
        self._moving.update(self._task, description=status(report) if report.vendors else "asking")
        self._moving.start()

    def table(self, title: str, head: Row, rows: Sequence[Row]) -> None:
        """A table without rules; its title is bold, its head dim."""
        self._screen.print()
        self._screen.print(Text(title, style="bold"))
        for line, is_head in laid_out(head, rows, self._screen.width):
            self._screen.print(Text(line, style="dim" if is_head else ""))

    def line(self, text: str) -> None:
        """One line."""
        self._screen.print(Text(text))

    def close(self) -> None:
        """Takes the moving line away."""
        if self._moving.live.is_started:
            self._moving.stop()
