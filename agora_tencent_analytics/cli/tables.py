"""What a person reads of a scan, as rows and lines of text, and how tables are laid out; the console draws them.

Text that comes from vendors is made printable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby

from agora_tencent_analytics.errors import LONGEST_LINE, bounded, columns_of, counted, printable
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.scan import Failure, Report, VendorReport
from agora_tencent_analytics.scan.worst_calls import CallFigures

Row = Sequence[str]

TEXTS = frozenset({"vendor", "channel", "call", "counter"})
"""Columns of text; the others hold numbers and stand to the right."""

_IDS = frozenset({"channel", "call", "counter"})
_GAP = "  "


def laid_out(head: Row, rows: Sequence[Row], width: int | None = None) -> Iterator[tuple[str, bool]]:
    """A table as lines, to be copied from: no figure and no id is ever broken to make it fit.

    Where it is too wide, the ids of each row stand in a line of their own, under its figures. Where even the figures
    are too wide, each row is a few lines of them, each with its name.

    Args:
        head: names of the columns.
        rows: a text for each.
        width: columns of the terminal; None for a file or a pipe, where a row is always a line.

    Returns:
        Each line, and whether it is one of the head.
    """
    words = [name.split() if width else [name] for name in head]
    height = max(map(len, words))
    heads = [*zip(*([""] * (height - len(parts)) + parts for parts in words), strict=True)]
    widths = [max(map(columns_of, [*parts, *column])) for parts, *column in zip(words, *rows, strict=True)]
    figures = [at for at, name in enumerate(head) if name not in _IDS]
    for names in (range(len(head)), figures):
        if width is None or sum(widths[at] for at in names) + len(_GAP) * (len(names) - 1) <= width:
            yield from ((_line(head, line, widths, names), True) for line in heads)
            for row in rows:
                yield _line(head, row, widths, names), False
                if names is figures:
                    yield _GAP + _GAP.join(row[at] for at in range(len(head)) if at not in names), False
            return
    assert width is not None
    for row in rows:
        cells = dict(zip(head, row, strict=True))
        yield _GAP.join(cells[name] for name in head if name in TEXTS), False
        named = [f"{name} {cells[name]}" for name in head if name not in TEXTS and cells[name]]
        yield from ((_GAP + line, False) for line in _flowing(named, width - len(_GAP)))


def _line(head: Row, row: Row, widths: Sequence[int], names: Iterable[int]) -> str:
    cells = []
    for at in names:
        space = " " * (widths[at] - columns_of(row[at]))
        cells.append(row[at] + space if head[at] in TEXTS else space + row[at])
    return _GAP.join(cells).rstrip()


def _flowing(words: Iterable[str], width: int) -> Iterator[str]:
    """As many words to a line as there is room for."""
    line = ""
    for word in words:
        if line and columns_of(line) + len(_GAP) + columns_of(word) > width:
            yield line
            line = ""
        line += (_GAP if line else "") + word
    yield line


def status(report: Report) -> str:
    """How far the scan is, in one line."""
    names = ("calls", "sessions", "points", "requests")
    return ", ".join(f"{sum(getattr(one, name) for one in report.vendors.values())} {name}" for name in names)


WORST = (
    "worst calls (frozen %: of the stay of the user who had it worst; min, freeze: minutes and seconds of all sessions "
    "together; loss, rtt: mean of the worst series)"
)

SPENT = "by vendor"


_OF_A_CALL: Mapping[str, Callable[[CallFigures], str]] = {
    "vendor": lambda call: printable(call.vendor),
    "channel": lambda call: bounded(call.channel),
    "joined (UTC)": lambda call: _moment(call.join_ts),
    "sessions": lambda call: str(call.sessions),
    "min": lambda call: f"{(call.stayed_s + 30) // 60}",
    "frozen %": lambda call: _figure(None if call.worst_share is None else 100 * call.worst_share),
    "audio freeze s": lambda call: _figure(call.audio_freeze_s),
    "video freeze s": lambda call: _figure(call.video_freeze_s),
    "loss %": lambda call: _figure(call.loss_percent),
    "rtt ms": lambda call: _figure(call.rtt_ms, digits=0),
    "call": lambda call: bounded(call.call_id),
}
"""The columns of the table of the worst calls."""


def worst_rows(worst: Sequence[CallFigures]) -> tuple[Row, list[Row]]:
    """Head and rows of the table of the worst calls; `-` where nothing was measured."""
    return [*_OF_A_CALL], [[cell(call) for cell in _OF_A_CALL.values()] for call in worst]


def _moment(ts: int) -> str:
    try:
        return datetime.fromtimestamp(ts, UTC).strftime("%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):  # a vendor may write any number
        return "-"


def _figure(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def vendor_rows(report: Report) -> tuple[Row, list[Row]]:
    """Head and rows of the table of what was read and spent, by vendor."""
    figures = ("calls", "sessions", "series", "points", "requests", "retries", "limit_errors")
    head = ("vendor", *(name.replace("_", " ") for name in figures), "failures", "seconds")
    return head, [
        (
            printable(name),
            *(f"{getattr(vendor, figure):,}" for figure in figures),
            f"{vendor.failures_by_kind.total():,}",
            f"{vendor.elapsed_s:.1f}",
        )
        for name, vendor in report.vendors.items()
    ]


def results(report: Report, left: dict[str, str]) -> list[str]:
    """What belongs to the result, a line each: quota left, what the vendors do not show yet, the verdict.

    Args:
        report: the report.
        left: what is left of the day, in words, by vendor.
    """
    lines = []
    for name, vendor in report.vendors.items():
        if vendor.already:
            lines.append(
                f"{name}: {counted(vendor.already, 'call was', 'calls were')} settled by earlier runs with this ledger"
            )
        if name in left:
            lines.append(f"{name}: requests left today: {left[name]}")
        lines += _not_read(name, vendor, yet=True)
    lines.append("complete" if report.complete else "INCOMPLETE")
    return [bounded(line, LONGEST_LINE) for line in lines]


def warnings(report: Report, *, most: int) -> list[str]:
    """What makes a scan incomplete, a line for each cause.

    Args:
        report: the report.
        most: lines of failures and of doubts, the rest is counted.
    """
    lines = []
    for name, vendor in report.vendors.items():
        lines += _not_read(name, vendor, yet=False)
        lines += [f"{name}: stopped: {vendor.stopped}"] if vendor.stopped else []
        lines += _first([f"{name}: doubtful: {doubt}" for doubt in vendor.doubts], most, "doubts")
        told = [failure for failure in vendor.failures if str(failure.error) not in vendor.stopped]
        lines += _first(_by_cause(told), most, "failures")
    return [bounded(line, LONGEST_LINE) for line in lines]


def _not_read(name: str, vendor: VendorReport, *, yet: bool) -> list[str]:
    pieces: dict[str, list[str]] = {}
    for piece in vendor.clipped:
        if (piece.reason == "lag") == yet:
            reason = str(piece).removeprefix(f"{piece.endpoint} ")
            pieces.setdefault(reason, []).append(piece.endpoint)
    return [f"{name}: not read: {', '.join(endpoints)} {reason}" for reason, endpoints in pieces.items()]


def _by_cause(failures: Iterable[Failure]) -> list[str]:
    """A line for each cause: the first failure of it, and how many there were."""

    def cause(failure: Failure) -> tuple[str, str]:
        return failure.step, str(failure.error)

    lines = []
    for _, alike in groupby(sorted(failures, key=cause), key=cause):
        first, *more = alike
        lines.append(f"failed: {first}" + (f" (and {len(more)} more like it)" if more else ""))
    return lines


def _first(lines: list[str], most: int, what: str) -> list[str]:
    return lines if len(lines) <= most else [*lines[:most], f"and {len(lines) - most} more {what}; see --report"]


def rolling_day(provider: Provider, counter: str | None = None) -> str:
    """How many requests any 24 hours may hold, in words; `""` if the vendor's day is not one that rolls.

    Args:
        provider: who is asked.
        counter: whose requests; None for the least of all.
    """
    rolling = [
        rate.limit
        for row in provider.endpoints
        if counter in (None, row.counter) and row.limits in provider.plan.rows
        for rate in provider.plan.rows[row.limits].rates
        if rate.rolling
    ]
    return f"up to {min(rolling):,} in any 24 h" if rolling else ""
