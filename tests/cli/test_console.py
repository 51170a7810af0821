"""What a person sees: the worst calls first, figures only where something was measured, nothing that steers."""

from __future__ import annotations

import io
import re
import sys
import time
from math import nan

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from agora_tencent_analytics import Call, Clipped, Columns, MetricSeries, NotFound, Session, TimeRange
from agora_tencent_analytics.cli import console
from agora_tencent_analytics.cli.console import PlainConsole
from agora_tencent_analytics.cli.tables import SPENT, WORST, results, vendor_rows, warnings, worst_rows
from agora_tencent_analytics.errors import bounded, printable
from agora_tencent_analytics.receipt import Receipt
from agora_tencent_analytics.scan import CallRecord, Failure, Report, VendorReport
from agora_tencent_analytics.scan.worst_calls import Worst


def record(
    call_id: str, metrics: dict[str, list[float]], *, part: int = 0, last: bool = True, leave: int | None = 160
) -> CallRecord:
    call = Call(vendor="agora", call_id=call_id, channel="room", created_ts=40)
    session = Session(
        vendor="agora", call_id=call_id, session_id=f"{call_id}-{part}", user_id="u", join_ts=40 + part, leave_ts=leave
    )
    series = [
        MetricSeries(
            vendor="agora",
            call_id=call_id,
            session_id=session.session_id,
            user_id="u",
            metric=metric,
            vendor_metric="1",
            columns=Columns.of(range(50, 50 + len(values)), values),
        )
        for metric, values in metrics.items()
    ]
    return CallRecord(vendor="agora", call=call, sessions=(session,), series=tuple(series), part=part, last=last)


def test_the_worst_come_first_and_only_so_many_are_kept() -> None:
    worst = Worst(3)
    for number in range(50):
        worst.take(record(f"c{number:02}", {"audio_freeze_time": [1000.0 * (number * 7 % 50)]}))
    assert [49.0, 48.0, 47.0] == [figures.audio_freeze_s for figures in worst.listed()]


def test_the_parts_of_a_call_are_one_call() -> None:
    worst = Worst()
    worst.take(record("c", {"video_freeze_time": [500.0, nan], "rtt": [10.0, 30.0]}, last=False))
    assert [] == worst.listed()
    worst.take(record("c", {"video_freeze_time": [1500.0], "audio_uplink_loss": [4.0, nan, 8.0]}, part=1))
    (figures,) = worst.listed()
    assert (2, 40, 239) == (figures.sessions, figures.join_ts, figures.stayed_s)
    assert (None, 2.0, 6.0, 20.0) == (
        figures.audio_freeze_s,
        figures.video_freeze_s,
        figures.loss_percent,
        figures.rtt_ms,
    )


def test_what_nobody_measured_is_a_dash_and_not_a_zero() -> None:
    worst = Worst()
    worst.take(record("c", {"rtt": [nan], "app_cpu": [5.0], "audio_freeze_time": [0.0]}, leave=None))
    head, (row,) = worst_rows(worst.listed())
    cells = dict(zip(head, row, strict=True))
    assert ("0.0", "-", "-", "-") == tuple(
        cells[name] for name in ("audio freeze s", "video freeze s", "loss %", "rtt ms")
    )


def test_what_is_said_is_little_once_for_each_cause_and_ends_with_the_verdict() -> None:
    error = NotFound(vendor="agora", code="404", message="\x1b[31mwrong\napi")
    vendor = VendorReport(
        failures=[Failure(vendor="agora", step=step, error=error) for step in ("calls", "sessions", "metrics") * 10],
        doubts=["the total moved"] * 12,
        stopped="x",
    )
    pieces = [Clipped(over=TimeRange(0, 9), reason="lag", endpoint=name) for name in ("a", "b")]
    vendor.hide((*pieces, Clipped(over=TimeRange(0, 5), reason="history", endpoint="c")))
    report = Report(vendors={"agora": vendor}, finished=True)
    shown = results(report, {"agora": "a 7"})
    assert "agora: requests left today: a 7" == shown[0]
    assert "a, b [1970-01-01T00:00:00Z, 1970-01-01T00:00:09Z)" in shown[1]
    assert "INCOMPLETE" == shown[-1]
    aside = warnings(report, most=2)
    assert "c [1970-01-01T00:00:00Z, 1970-01-01T00:00:05Z): already forgotten" in aside[0]
    assert "agora: stopped: x" == aside[1]
    assert "and 10 more doubts; see --report" in aside
    assert [True] * 2 == [line.endswith("(and 9 more like it)") for line in aside if line.startswith("failed")]
    assert "and 1 more failures; see --report" == aside[-1]
    assert not any("\x1b" in line or "\n" in line for line in (*shown, *aside))


def test_progress_is_a_line_for_every_hundred_calls(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(vendors={"agora": VendorReport(cost=Receipt(requests=7)), "tencent": VendorReport(calls=60)})
    screen = PlainConsole(sys.stderr)
    for calls in range(1, 241):
        report.vendors["agora"].calls = calls
        screen.progress(report)
    screen.close()
    told = capsys.readouterr().err.splitlines()
    assert ["100", "200", "300"] == [line.split()[0] for line in told]
    assert "7 requests" in told[0]


@given(st.text())
def test_whatever_is_shown_is_printable_and_as_long_as_it_was(text: str) -> None:
    shown = printable(text)
    assert len(text) == len(shown)
    assert shown.isprintable()
    assert shown == text or not text.isprintable()


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("room-7", 6),
        ("x" * 64, 64),
        ("x" * 65, 64),
        ("会" * 1_000_000, 63),
        ("e\u0301" * 40, 40),
        ("\u0301" * 10**6, 3),
    ],
)
def test_a_name_takes_no_more_than_64_columns_whatever_it_is_made_of(text: str, columns: int) -> None:
    began = time.perf_counter()
    shown = bounded(text)
    assert time.perf_counter() - began < 0.1
    assert columns == cell_len(shown)
    assert len(shown) <= 4 * 64 + 3
    assert shown == text or shown.endswith("...")


def test_a_table_of_names_that_are_a_million_wide_characters_is_small(capsys: pytest.CaptureFixture[str]) -> None:
    worst = Worst(10)
    for number in range(5):
        taken = record(str(number) + "会" * 10**6, {"audio_freeze_time": [1000.0]})
        worst.take(attrs.evolve(taken, call=attrs.evolve(taken.call, channel="会" * 10**6)))
    PlainConsole(sys.stdout).table(WORST, *worst_rows(worst.listed()))
    assert len(capsys.readouterr().out) < 2_000


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


RICH = "agora_tencent_analytics.cli.rich_console"


def shown_on(width: int, monkeypatch: pytest.MonkeyPatch, worst: Worst, report: Report, *, rich: bool = True) -> str:
    """What a terminal of this width shows of a scan."""
    if rich:
        pytest.importorskip("rich")
    else:
        monkeypatch.setitem(sys.modules, RICH, None)  # as if it could not be imported
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    shown = console.screen(sys.stderr)
    assert ("RichConsole" if rich else "PlainConsole") == type(shown).__name__
    shown.progress(report)
    shown.close()
    shown.table(WORST, *worst_rows(worst.listed()))
    shown.table(SPENT, *vendor_rows(report))
    shown.line("[red]complete")
    shown.close()
    told = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())
    return told[told.index("worst calls") :]


def scanned(call_id: str) -> tuple[Worst, Report]:
    worst = Worst()
    worst.take(record(call_id, {"audio_freeze_time": [123_456.0], "rtt": [777.0]}))
    worst.take(record("[bold]second", {"video_freeze_time": [65_432.0]}))
    vendors = {name: VendorReport(calls=1, points=12_345_678, elapsed_s=98.7) for name in ("agora", "tencent")}
    return worst, Report(vendors=vendors, finished=True)


@pytest.mark.parametrize(("width", "rich"), [*((width, True) for width in (40, 60, 80, 100, 120, 160)), (80, False)])
def test_the_terminal_shows_every_figure_and_id_whole(width: int, rich: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    call_id = "1400491459_3668369998_1795259004"
    told = shown_on(width, monkeypatch, *scanned(call_id), rich=rich)
    wholes = (call_id, "[bold]second", "room", "123.5", "65.4", "777", "seconds", "[red]complete")
    for whole in wholes:
        assert re.search(rf"(?<!\S){re.escape(whole)}(?!\S)", told), whole
    assert 2 == told.count("12,345,678") == told.count("98.7")
    assert all(len(line) <= width for line in told.splitlines())
    assert len(told.splitlines()) <= {40: 35, 60: 25}.get(width, 20)


@pytest.mark.parametrize("rich", [True, False])
def test_a_terminal_of_80_columns_keeps_the_worst_calls_in_columns(rich: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown_on(80, monkeypatch, *scanned("1400491459_3668369998_1795259004"), rich=rich).splitlines()
    first = next(at for at, line in enumerate(lines) if "123.5" in line)
    assert lines[first + 1].split() == ["room", "1400491459_3668369998_1795259004"]
    assert lines[first + 3].split() == ["room", "[bold]second"]
    # One below the other, under one head.
    assert lines[first].index("123.5") + 5 == lines[first + 2].index(" - ") + 2
    assert ["vendor", "(UTC)", "sessions", "min", "%", "s", "s", "%", "ms"] == lines[first - 1].split()


@pytest.mark.parametrize("order", [1, -1])
def test_a_session_that_goes_on_has_lasted_until_its_newest_point(order: int) -> None:
    points = [("rtt", [10.0] * 40), ("video_freeze_time", [0.0] * 5)][::order]
    worst = Worst()
    worst.take(record("c", dict(points), leave=None))
    assert [89 - 40] == [figures.stayed_s for figures in worst.listed()]
