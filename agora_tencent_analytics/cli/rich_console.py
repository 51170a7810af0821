"""The console of a terminal, drawn by `rich`. All words are `Text`: no markup, no emoji code is read in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console as Screen
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from agora_tencent_analytics.cli.console import TEXTS, Row, status
from agora_tencent_analytics.scan import Report

__all__ = ["RichConsole"]

_IDS = frozenset({"channel", "call"})


class RichConsole:
    """A moving line while the scan runs, and tables."""

    def __init__(self, to: TextIO) -> None:
        self._screen = Screen(file=to)
        self._moving = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=self._screen, transient=True
        )
        self._task = self._moving.add_task("scanning", total=None)
        self._moving.start()

    def progress(self, report: Report) -> None:
        """Renews the moving line; rich redraws it a few times a second."""
        self._moving.update(self._task, description=status(report))

    def table(self, title: str, head: Row, rows: Sequence[Row]) -> None:
        """A table without rules, to be copied from."""
        table = Table(title=Text(title), title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
        for at, name in enumerate(head):
            # Figures and words stay whole; on a narrow terminal the long ids are folded.
            whole = [*name.split(), *(row[at] for row in rows if name not in _IDS)]
            table.add_column(
                Text(name),
                justify="left" if name in TEXTS else "right",
                overflow="fold",
                min_width=max(map(len, whole)),
                header_style="dim",
            )
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self._screen.print()
        self._screen.print(table)

    def line(self, text: str) -> None:
        """One line."""
        self._screen.print(Text(text))

    def close(self) -> None:
        """Takes the moving line away."""
        self._moving.stop()
