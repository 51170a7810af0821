"""The console of a terminal, drawn by `rich`. All words are `Text`: no markup, no emoji code is read in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TextIO

from rich.cells import cell_len
from rich.columns import Columns
from rich.console import Console as Screen
from rich.padding import Padding
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from agora_tencent_analytics.cli.tables import TEXTS, Row, status
from agora_tencent_analytics.scan import Report

_IDS = frozenset({"channel", "call", "counter"})
_GAP = 2


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
        """A table without rules, to be copied from: no figure and no id is ever broken to make it fit.

        Where it is too wide, the ids of each row stand in a line of their own, under its figures. Where even the
        figures are too wide, each row is a few lines of them, each with its name.
        """
        lines = [dict(zip(head, row, strict=True)) for row in rows]
        widths = {name: max(map(cell_len, [*name.split(), *(line[name] for line in lines)])) for name in head}
        figures = {name: width for name, width in widths.items() if name not in _IDS}
        self._screen.print()
        self._screen.print(Text(title, style="bold"))
        if self._has_room(widths):
            self._screen.print(_grid(widths, lines))
        elif self._has_room(figures):
            for number, line in enumerate(lines):
                self._screen.print(_grid(figures, [line], headed=not number))
                self._beneath(Text(_joined(line, [name for name in head if name in _IDS])))
        else:
            for line in lines:
                self._screen.print(Text(_joined(line, [name for name in head if name in TEXTS])))
                cells = [Text(f"{name} {line[name]}") for name in head if name not in TEXTS and line[name]]
                self._beneath(Columns(cells, padding=(0, _GAP)))

    def _has_room(self, widths: Mapping[str, int]) -> bool:
        return sum(widths.values()) + _GAP * (len(widths) - 1) <= self._screen.width

    def _beneath(self, what: Text | Columns) -> None:
        self._screen.print(Padding.indent(what, _GAP))

    def line(self, text: str) -> None:
        """One line."""
        self._screen.print(Text(text))

    def close(self) -> None:
        """Takes the moving line away."""
        self._moving.stop()


def _grid(widths: Mapping[str, int], lines: Sequence[Mapping[str, str]], *, headed: bool = True) -> Table:
    """Columns of these widths; the words of a head stand one below the other."""
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, show_header=headed)
    for name, width in widths.items():
        table.add_column(Text(name), justify="left" if name in TEXTS else "right", width=width, header_style="dim")
    for line in lines:
        table.add_row(*(Text(line[name]) for name in widths))
    return table


def _joined(line: Mapping[str, str], names: Sequence[str]) -> str:
    return (" " * _GAP).join(line[name] for name in names)
