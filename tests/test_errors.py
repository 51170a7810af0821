"""The tree of failures: its shape, its facts, and that both survive a pickle."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import agora_tencent_analytics as package
from agora_tencent_analytics.errors import (
    AnalyticsError,
    BadInput,
    BudgetSpent,
    CallNotFound,
    DailyQuotaExhausted,
    InvalidRequest,
    LedgerUnusable,
    NotAsked,
    NotAuthenticated,
    NotFound,
    NotOffered,
    NotPermitted,
    ProviderClosed,
    QuotaUnavailable,
    RateLimited,
    Refusal,
    TransportError,
    UnreadableReply,
    VendorFault,
    WindowRefused,
    WouldExceedQuota,
    columns_of,
    counted,
)
from agora_tencent_analytics.paging.certificate import Clipped, NothingToAsk, UnreadableRow
from agora_tencent_analytics.scan import Failure, Report, VendorReport
from agora_tencent_analytics.scan.report import IncompleteScan
from agora_tencent_analytics.timerange import TimeRange
from tests.support.in_turn import in_turn

SAID: dict[str, Any] = {
    "vendor": "tencent",
    "code": "InvalidParameter.EndTs",
    "message": "EndTs ü is wrong",
    "request_id": "2e12e365-43e8",
    "endpoint": "DescribeRoomInfo",
    "status": 200,
}
PARENTS: dict[str, type[Exception]] = {
    "AnalyticsError": Exception,
    "TransportError": AnalyticsError,
    "Refusal": AnalyticsError,
    "NotAuthenticated": Refusal,
    "NotPermitted": Refusal,
    "InvalidRequest": Refusal,
    "NotFound": Refusal,
    "RateLimited": Refusal,
    "WindowRefused": Refusal,
    "VendorFault": Refusal,
    "UnreadableReply": AnalyticsError,
    "UnreadableRow": AnalyticsError,
    "NotAsked": AnalyticsError,
    "NotOffered": NotAsked,
    "BadInput": NotAsked,
    "NothingToAsk": BadInput,
    "WouldExceedQuota": NotAsked,
    "DailyQuotaExhausted": NotAsked,
    "BudgetSpent": NotAsked,
    "QuotaUnavailable": NotAsked,
    "ProviderClosed": NotAsked,
    "LedgerUnusable": NotAsked,
    "CallNotFound": AnalyticsError,
    "IncompleteScan": AnalyticsError,
}
FAILURES = [Failure(vendor="agora", step="calls", error=BadInput(text)) for text in ("one", "two")]
EXAMPLES: list[AnalyticsError] = [
    AnalyticsError("something"),
    TransportError("cut", endpoint="call/lists", phase="read", timed_out=True),
    Refusal(**SAID),
    NotAuthenticated(cause="clock", **SAID),
    NotPermitted(hint="buy the plan", **SAID),
    InvalidRequest(**SAID),
    NotFound(**SAID),
    RateLimited(per="day", retry_after_s=2.5, **SAID),
    WindowRefused(kind="too_long", **SAID),
    VendorFault(**SAID),
    UnreadableReply("not JSON", endpoint="call/lists", status=200, excerpt="<html>", request_id="b4"),
    UnreadableReply("KeyError: 'call_id'", endpoint="call/lists", status=200, in_rows=True),
    UnreadableRow(
        endpoint="call/lists",
        over=TimeRange(0, 60),
        page=1,
        place=2,
        reason="no 'call_id'",
        text='{"call_id": null}',
        row_id="0" * 32,
    ),
    NotAsked("nothing was sent"),
    NotOffered("not on this plan", endpoint="call/lists", plan="starter"),
    BadInput("wrong"),
    NothingToAsk("too new", clipped=[Clipped(over=TimeRange(0, 60), reason="lag", endpoint="call/lists")]),
    WouldExceedQuota("no slot", retry_at=1_700_000_000.5),
    CallNotFound("no call c1", call_ids=["c1"], requests=3),
    ProviderClosed("closed"),
    DailyQuotaExhausted(counter="call/lists", limit=1_000, resets_at=1_700_006_400),
    BudgetSpent(100),
    QuotaUnavailable("the file is locked"),
    LedgerUnusable("another scan uses it"),
    IncompleteScan("two calls failed", [BadInput("one"), NotAsked("two")], failures=FAILURES),
]


def test_the_tree_is_the_documented_one() -> None:
    found = {
        name: kind
        for name, kind in ((name, getattr(package, name)) for name in package.__all__)
        if isinstance(kind, type) and issubclass(kind, AnalyticsError)
    }
    assert PARENTS == {name: kind.__bases__[0] for name, kind in found.items()}
    assert issubclass(BadInput, ValueError)


def test_every_class_of_the_tree_has_an_example_here() -> None:
    assert set(PARENTS) == {type(example).__name__ for example in EXAMPLES}


@in_turn("error", EXAMPLES)
def test_an_error_survives_pickle_and_copy_with_all_facts(error: AnalyticsError) -> None:
    pickled = [pickle.loads(pickle.dumps(error, protocol)) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)]
    for twin in (*pickled, copy.copy(error), copy.deepcopy(error)):
        assert type(error) is type(twin)
        assert str(error) == str(twin)
        assert repr(error.args) == repr(twin.args), "errors inside a group have no equality of their own"
        assert vars(error) == vars(twin)


def test_a_group_may_be_tried_again_if_all_in_it_may_at_the_latest_of_their_times() -> None:
    soon, late = WouldExceedQuota("later", retry_at=10.0), DailyQuotaExhausted(counter="c", limit=1, resets_at=90.0)
    both = IncompleteScan("not everything", [soon, late])
    assert (True, 90.0, 50.0) == (both.retryable, both.retry_at, both.wait_s(40.0))
    never = IncompleteScan("not everything", [soon, BadInput("wrong")])
    assert (False, None, None) == (never.retryable, never.retry_at, never.wait_s(40.0))


def test_what_waiting_helps_against_says_so() -> None:
    retryable = {type(error).__name__ for error in EXAMPLES if error.retryable}
    assert {
        *("TransportError", "RateLimited", "VendorFault", "UnreadableReply", "WouldExceedQuota", "DailyQuotaExhausted"),
        "QuotaUnavailable",
    } <= retryable
    assert not retryable & {
        "NotAuthenticated",
        "NotPermitted",
        "InvalidRequest",
        "BadInput",
        "NotOffered",
        "BudgetSpent",
    }


def test_a_note_travels_with_the_error() -> None:
    error = VendorFault(**SAID)
    error.add_note("while reading room 7")
    assert ["while reading room 7"] == pickle.loads(pickle.dumps(error)).__notes__


@pytest.mark.parametrize("error", [error for error in EXAMPLES if isinstance(error, Refusal)], ids=repr)
def test_a_refusal_tells_whose_it_is_and_quotes_the_request_id(error: Refusal) -> None:
    for fact in SAID.values():
        assert str(fact) in str(error)
    assert SAID == {name: value for name, value in vars(error).items() if name in SAID}


def test_a_refusal_without_an_id_or_an_endpoint_reads_well() -> None:
    bare = str(Refusal(vendor="agora", code="300", message="no"))
    assert "agora refused a request: 300 'no' (HTTP 200)" == bare


def test_a_hint_ends_the_text() -> None:
    assert str(NotPermitted(hint="buy the plan", **SAID)).endswith(". buy the plan")


def test_an_unreadable_reply_shows_how_it_begins() -> None:
    told = str(UnreadableReply("not JSON", endpoint="call/lists", status=502, excerpt="<html>", request_id="b4"))
    assert "call/lists answered HTTP 502 with a body that cannot be read: not JSON, request id b4" in told
    assert "'<html>'" in told


def test_a_spent_day_tells_when_it_ends() -> None:
    error = DailyQuotaExhausted(counter="call/lists", limit=1_000, resets_at=1_700_006_400)
    assert "2023-11-15T00:00:00+00:00" in str(error)
    assert ("call/lists", 1_000, 1_700_006_400) == (error.counter, error.limit, error.resets_at)
    assert 1_700_006_400 == error.retry_at, "where nothing is known of the two clocks"


@pytest.mark.parametrize(
    ("number", "words", "told"),
    [
        (0, ["call"], "0 calls"),
        (1, ["call"], "1 call"),
        (2_000, ["call"], "2,000 calls"),
        (1, ["retry", "retries"], "1 retry"),
        (3, ["retry", "retries"], "3 retries"),
        (1, ["call was", "calls were"], "1 call was"),
        ("1 (1 to 3)", ["request"], "1 (1 to 3) requests"),
        ("1", ["request"], "1 request"),
    ],
)
def test_one_of_a_kind_is_not_told_as_several(number: object, words: list[str], told: str) -> None:
    assert told == counted(number, *words)


STEERING = "\x1b]0;owned\x07 \r\n\u202e\u2066"


@pytest.mark.parametrize(
    "error",
    [
        Refusal(vendor="agora", code=STEERING, message=STEERING, request_id=STEERING, endpoint="calls"),
        UnreadableReply(STEERING, endpoint="calls", status=200, request_id=STEERING, excerpt=STEERING),
        TransportError(STEERING, endpoint="calls", phase="read", timed_out=False),
        BadInput(STEERING),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_text_of_an_error_steers_a_terminal_and_its_facts_stay_as_they_came(error: AnalyticsError) -> None:
    assert str(error).isprintable()
    failure = Failure(vendor="agora", step="calls", call_id=STEERING, error=error)
    assert str(failure).isprintable()
    report = Report(vendors={"agora": VendorReport(doubts=[STEERING], stopped=STEERING)})
    report.vendors["agora"].fail(failure)
    assert all(line.isprintable() for line in str(report).split("\n"))
    if isinstance(error, Refusal):
        assert (STEERING, STEERING, STEERING) == (error.code, error.message, error.request_id)


def test_no_text_about_a_name_of_a_million_characters_is_long() -> None:
    name = "会" * 10**6
    failure = Failure(vendor="agora", step="calls", call_id=name, error=BadInput(name))
    report = Report(vendors={"agora": VendorReport(doubts=[name], stopped=name)})
    report.vendors["agora"].fail(failure)
    assert columns_of(str(failure)) <= 2_000
    assert all(columns_of(line) <= 2_000 for line in str(report).split("\n"))
    assert name == failure.call_id
