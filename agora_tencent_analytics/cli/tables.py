"""What a person reads of a scan, as rows and lines of text; how they are drawn is the console's part.

Text that comes from vendors is made printable.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from agora_tencent_analytics.cli.worst_calls import CallFigures
from agora_tencent_analytics.errors import printable
from agora_tencent_analytics.scan import Report

Row = Sequence[str]

TEXTS = frozenset({"vendor", "channel", "call", "counter"})
"""Columns of text; the others hold numbers and stand to the right."""


def status(report: Report) -> str:
    """How far the scan is, in one line."""
    names = ("calls", "sessions", "points", "requests")
    return ", ".join(f"{sum(getattr(one, name) for one in report.vendors.values())} {name}" for name in names)


WORST = "worst calls (min, freeze: minutes and seconds of all sessions together; loss, rtt: mean of the worst series)"

SPENT = "by vendor"


def worst_rows(worst: Sequence[CallFigures]) -> tuple[Row, list[Row]]:
    """Head and rows of the table of the worst calls; `-` where nothing was measured."""
    head = (
        "vendor",
        "channel",
        "joined (UTC)",
        "sessions",
        "min",
        "audio freeze s",
        "video freeze s",
        "loss %",
        "rtt ms",
        "call",
    )
    return head, [
        (
            printable(call.vendor),
            printable(call.channel),
            _moment(call.join_ts),
            str(call.sessions),
            f"{(call.stayed_s + 30) // 60}",
            _figure(call.audio_freeze_s, 1),
            _figure(call.video_freeze_s, 1),
            _figure(call.loss_percent, 1),
            _figure(call.rtt_ms, 0),
            printable(call.call_id),
        )
        for call in worst
    ]


def _moment(ts: int) -> str:
    try:
        return datetime.fromtimestamp(ts, UTC).strftime("%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):  # a vendor may write any number
        return "-"


def _figure(value: float | None, digits: int) -> str:
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


def remarks(report: Report, left: dict[str, str], *, most: int) -> list[str]:
    """What else there is to say, a line each: quota left, what was not read and why, failures, the verdict.

    Args:
        report: the report.
        left: what is left of the day, in words, by vendor.
        most: lines of failures and of doubts, the rest is counted.
    """
    lines = []
    for name, vendor in report.vendors.items():
        if vendor.already:
            lines.append(f"{name}: {vendor.already:,} calls were settled by earlier runs with this ledger")
        if name in left:
            lines.append(f"{name}: requests left today: {left[name]}")
        pieces: dict[str, list[str]] = {}
        for piece in vendor.clipped:
            reason = str(piece).removeprefix(f"{piece.endpoint} ")
            pieces.setdefault(reason, []).append(piece.endpoint)
        lines += [f"{name}: not read: {', '.join(endpoints)} {reason}" for reason, endpoints in pieces.items()]
        lines += [f"{name}: stopped: {vendor.stopped}"] if vendor.stopped else []
        lines += _first([f"{name}: doubtful: {doubt}" for doubt in vendor.doubts], most, "doubts")
    lines += _first([f"failed: {failure}" for failure in report.failures], most, "failures")
    lines.append("complete" if report.complete else "INCOMPLETE")
    return [printable(line) for line in lines]


def _first(lines: list[str], most: int, what: str) -> list[str]:
    return lines if len(lines) <= most else [*lines[:most], f"and {len(lines) - most} more {what}; see --report"]
