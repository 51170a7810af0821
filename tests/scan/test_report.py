"""The report: figures that add up, and a verdict that nothing can talk out of a doubt."""

from __future__ import annotations

import json
import pickle

import pytest

from agora_tencent_analytics import BadInput, Certificate, Clipped, NotFound, TimeRange, WindowRead
from agora_tencent_analytics.receipt import Receipt
from agora_tencent_analytics.scan import Failure, Report, VendorReport
from agora_tencent_analytics.scan.report import GIVEN_UP

OVER = TimeRange(1_790_000_000, 1_790_003_600)
FIGURES = (
    "calls",
    "sessions",
    "series",
    "points",
    "requests",
    "limit_errors",
    "retries",
    "duplicates_dropped",
    "strange_dropped",
    "failures",
    "clipped",
    "elapsed_s",
)


def failure() -> Failure:
    error = NotFound(vendor="agora", code="404", message="wrong api", request_id="r-1", endpoint="call/lists")
    return Failure(vendor="agora", step="sessions", call_id="c", over=OVER, error=error)


def clipped(reason: str, *, start: int = 0, end: int = 10) -> Clipped:
    return Clipped(over=TimeRange(start, end), reason=reason, endpoint="call/lists")  # type: ignore[arg-type]


def window(*, complete: bool, reason: str = "all pages read") -> WindowRead:
    return WindowRead(over=OVER, pages=1, total=1, unique=1, duplicates=0, complete=complete, reason=reason)


def certificate(*windows: WindowRead, stopped: str = "") -> Certificate:
    return Certificate(
        endpoint="call/lists",
        over=OVER,
        windows=windows,
        clipped=(),
        requests=1,
        unique=1,
        duplicates=3,
        finished=True,
        stopped=stopped,
    )


def test_nothing_against_it_means_complete() -> None:
    report = VendorReport(finished=True)
    report.take(certificate(window(complete=True)))
    report.hide((clipped("lag"),))
    assert report.complete
    assert 3 == report.duplicates_dropped
    assert ["lag"] == [piece.reason for piece in report.clipped]


@pytest.mark.parametrize(
    "against",
    [
        lambda report: report.fail(failure()),
        lambda report: report.hide((clipped("history"),)),
        lambda report: report.hide((clipped("clock"),)),
        lambda report: report.take(certificate(window(complete=False, reason="the total moved"))),
        lambda report: report.take(certificate(window(complete=True), stopped="the ceiling was reached")),
        lambda report: setattr(report, "stopped", "the day is spent"),
    ],
    ids=["failure", "history", "clock", "window", "ceiling", "stopped"],
)
def test_one_thing_against_it_means_incomplete(against: object) -> None:
    report = VendorReport(finished=True)
    assert callable(against)
    against(report)
    assert not report.complete
    whole = Report(vendors={"agora": report, "tencent": VendorReport(finished=True)}, finished=True)
    assert not whole.complete
    assert str(whole).endswith("INCOMPLETE")


def test_an_iteration_that_did_not_end_is_incomplete() -> None:
    read, broken_off = VendorReport(finished=True), VendorReport()
    assert Report(vendors={"agora": read}, finished=True).complete
    assert not broken_off.complete
    for report in (Report(vendors={"agora": read}), Report(vendors={"agora": broken_off}, finished=True)):
        assert (False, False) == (report.as_dict()["complete"], report.as_dict()["total"]["complete"])


def test_a_window_that_was_given_up_is_told_by_its_failure_alone() -> None:
    report = VendorReport()
    report.take(certificate(window(complete=False, reason=GIVEN_UP + "HTTP 500")))
    assert [] == report.doubts


def test_doubts_are_bounded() -> None:
    report = VendorReport()
    for turn in range(30):
        moved = [window(complete=False, reason=f"the total moved {turn} {number}") for number in range(7)]
        report.take(certificate(*moved, *moved))
    assert 100 == len(report.doubts) == len(set(report.doubts))


def test_failures_are_kept_up_to_a_bound_and_counted_beyond_it() -> None:
    report = VendorReport(finished=True)
    for _ in range(2_500):
        report.fail(failure())
    report.fail(Failure(vendor="agora", step="calls", error=BadInput("no"), cursor="there"))
    assert 1_000 == len(report.failures)
    said = Report(vendors={"agora": report, "tencent": report}, finished=True).as_dict()
    assert {"NotFound": 2_500, "BadInput": 1} == said["vendors"]["agora"]["failures_by_kind"]
    assert {"NotFound": 5_000, "BadInput": 2} == said["total"]["failures_by_kind"]
    assert 2_000 == len(said["total"]["failures"])


def test_a_gap_is_history_that_was_forgotten_whatever_the_question() -> None:
    report = VendorReport(finished=True)
    report.hide([clipped("lag"), clipped("history", start=20, end=30), clipped("history", start=25, end=40)])
    assert (TimeRange(20, 40),) == report.gaps
    assert [{"start": 20, "end": 40}] == report.as_dict()["gaps"]


def test_what_was_spent_is_told_by_vendor_and_in_all() -> None:
    def spent(counter: str, left: int, midnight: float) -> VendorReport:
        cost = Receipt(requests=3, retries=1, limit_errors=2, waited_s=1.25)
        cost.left(counter, left, midnight)
        return VendorReport(cost=cost)

    said = Report(vendors={"agora": spent("a", 7, 200.0), "tencent": spent("b", 9, 100.0)}).as_dict()
    assert (3, 1, 2, 1.25, {"a": 7}, 200.0) == tuple(
        said["vendors"]["agora"][name]
        for name in ("requests", "retries", "limit_errors", "waited_s", "left_today", "resets_at")
    )
    assert (6, 2.5, {"a": 7, "b": 9}, 100.0) == tuple(
        said["total"][name] for name in ("requests", "waited_s", "left_today", "resets_at")
    )
    assert Report(vendors={"agora": VendorReport()}).as_dict()["total"]["resets_at"] is None


def test_hidden_pieces_are_merged() -> None:
    report = VendorReport()
    for start in range(0, 10_000, 10):
        report.hide((clipped("lag", start=start, end=start + 10),))
    assert [TimeRange(0, 10_000)] == [piece.over for piece in report.clipped]


def test_the_total_adds_up() -> None:
    spans = [TimeRange(OVER.start, OVER.start + 60), TimeRange(OVER.start + 30, OVER.end)]
    one = VendorReport(calls=1, sessions=2, cost=Receipt(requests=3), elapsed_s=4.0, failures=[failure()])
    two = VendorReport(calls=10, sessions=20, cost=Receipt(requests=30), elapsed_s=2.0, stopped="the day is spent")
    one.over, two.over = spans
    said = Report(vendors={"agora": one, "tencent": two}, finished=True).as_dict()
    total = said["total"]
    assert (11, 22, 33, 4.0) == tuple(total[name] for name in ("calls", "sessions", "requests", "elapsed_s"))
    assert [] == [name for name in FIGURES if name not in total or name not in said["vendors"]["agora"]]
    assert (OVER.start, OVER.end) == (total["start"], total["end"])
    assert (OVER.start, OVER.start + 60) == tuple(said["vendors"]["agora"][name] for name in ("start", "end"))
    assert ("the day is spent", False) == (total["stopped"], total["complete"])
    (told,) = total["failures"]
    assert ("sessions", "c", OVER.start, OVER.end, "NotFound") == tuple(
        told[name] for name in ("step", "call_id", "start", "end", "kind")
    )
    assert "r-1" in told["error"]
    assert said == json.loads(json.dumps(said))


def test_a_failure_names_whose_it_is_and_survives_a_pickle() -> None:
    told = str(failure())
    for fact in ("agora", "sessions", "call c", "2026-09-21T14:13:20Z", "404"):
        assert fact in told
    again = pickle.loads(pickle.dumps(failure()))
    assert (told, "404") == (str(again), again.error.code)


def test_a_report_names_the_gaps_that_make_it_incomplete() -> None:
    vendor = VendorReport(finished=True)
    gap = Clipped(over=TimeRange(1_700_000_000, 1_700_003_600), reason="history", endpoint="call/lists")
    vendor.hide((gap,))
    report = Report(vendors={"agora": vendor}, finished=True)
    assert not report.complete
    assert f"agora: {gap.over}: already forgotten" in str(report)
