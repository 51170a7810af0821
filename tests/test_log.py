"""The log: one record for each notice, all with the same keys, and nothing in them that must not be there."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from agora_tencent_analytics import DailyQuotaExhausted, NotAuthenticated, Rate, TimeRange, VendorFault, notices
from agora_tencent_analytics.limits import DAY, MINUTE
from agora_tencent_analytics.log import KEYS, PREFIX, enter
from agora_tencent_analytics.notices import (
    AskEnded,
    AskStarted,
    Attempt,
    CallDone,
    DaySpent,
    Drift,
    GoingAway,
    LongWait,
    Notice,
    PageRead,
    Progress,
    Refused,
    Retrying,
    SlotGranted,
    WindowSplit,
)
from tests.support.client_bench import BAD_GATEWAY, GOOD, QPD, QPS, SECRET, Bench
from tests.support.transports import json_response
from tests.support.virtual_time import run

LOGGER = "agora_tencent_analytics"
FAULT = VendorFault(vendor="agora", code="500", message="room-of-somebody broke", endpoint="call/lists", status=500)
WHOSE: dict[str, Any] = {"vendor": "agora", "endpoint": "call/lists"}
OVER = TimeRange(100, 200)

EACH: list[tuple[Notice, int, str, dict[str, Any]]] = [
    (AskStarted(**WHOSE, ask=7), logging.DEBUG, "asking", {"event": "ask_started", "ask": 7}),
    (
        SlotGranted(**WHOSE, ask=7, counter="call/lists", waited_s=1.5, left_today=12),
        logging.DEBUG,
        "a slot after 1.50 s, 12 left today",
        {"event": "slot_granted", "counter": "call/lists", "waited_s": 1.5, "left_today": 12},
    ),
    (
        Attempt(**WHOSE, ask=7, number=2, status=500, elapsed_s=0.25, host="h.test", request_id="r", error=FAULT),
        logging.DEBUG,
        "attempt 2: HTTP 500, 0.25 s, error VendorFault",
        {"event": "attempt", "number": 2, "status": 500, "host": "h.test", "error": "VendorFault", "code": "500"},
    ),
    (
        AskEnded(**WHOSE, ask=7, requests=2, waited_s=1.5, elapsed_s=3.0),
        logging.DEBUG,
        "over, requests: 2, 3.00 s, error None",
        {"event": "ask_ended", "requests": 2, "waited_s": 1.5, "elapsed_s": 3.0},
    ),
    (
        PageRead(**WHOSE, over=OVER, number=1, rows=20, fresh=19, total=40, has_more=True),
        logging.DEBUG,
        "page 1 of 100 to 200, rows: 20, new: 19",
        {"event": "page_read", "start": 100, "end": 200, "rows": 20, "fresh": 19, "total": 40, "has_more": True},
    ),
    (
        CallDone(vendor="agora", call_id="call-of-somebody", sessions=2, series=9, points=90, failures=1),
        logging.DEBUG,
        "a call is read, sessions: 2, failures: 1",
        {"event": "call_done", "sessions": 2, "series": 9, "points": 90, "failures": 1},
    ),
    (
        Progress(vendor="agora", calls=3, requests=9, failures=1, in_hand=2),
        logging.DEBUG,
        "so far, calls: 3, requests: 9, failures: 1",
        {"event": "progress", "calls": 3, "requests": 9, "failures": 1, "in_hand": 2},
    ),
    (
        Retrying(**WHOSE, ask=7, pause_s=0.5, error=FAULT),
        logging.INFO,
        "asking again in 0.50 s after VendorFault",
        {"event": "retrying", "pause_s": 0.5, "error": "VendorFault", "code": "500"},
    ),
    (
        WindowSplit(**WHOSE, over=OVER, reason="it is full"),
        logging.INFO,
        "100 to 200 is read in halves: it is full",
        {"event": "window_split", "start": 100, "end": 200, "reason": "it is full"},
    ),
    (
        Refused(**WHOSE, ask=7, per="minute", code="300"),
        logging.WARNING,
        "refused, too many requests in a minute (code 300)",
        {"event": "refused", "per": "minute", "code": "300"},
    ),
    (
        Refused(**WHOSE, ask=7, per="unknown", code="429"),
        logging.WARNING,
        "refused, too many requests (code 429)",
        {"event": "refused", "per": "unknown", "code": "429"},
    ),
    (
        Drift(**WHOSE, over=OVER, reason="the total moved"),
        logging.WARNING,
        "100 to 200 changed while it was read: the total moved",
        {"event": "drift", "reason": "the total moved"},
    ),
    (
        GoingAway(**WHOSE, message="soon offline"),
        logging.WARNING,
        "the vendor says that this question will go away; the notice has its words",
        {"event": "going_away"},
    ),
    (
        DaySpent(**WHOSE, ask=7, counter="call/lists", until=1_790_000_061.0),
        logging.WARNING,
        "the day of call/lists is spent, until 14:14:21 UTC",
        {"event": "day_spent", "counter": "call/lists", "until": 1_790_000_061.0},
    ),
    (
        LongWait(**WHOSE, ask=7, seconds=61.6, until=1_790_000_061.0, reason="a slot"),
        logging.WARNING,
        "waiting for a slot, about 62 s, until 14:14:21 UTC",
        {"event": "long_wait", "seconds": 61.6, "until": 1_790_000_061.0, "priority": "normal"},
    ),
    (
        LongWait(**WHOSE, ask=7, seconds=61.6, until=1_790_000_061.0, reason="a slot", priority="backfill"),
        logging.INFO,
        "waiting for a slot, about 62 s, until 14:14:21 UTC",
        {"event": "long_wait", "priority": "backfill"},
    ),
]


def extra(record: logging.LogRecord) -> dict[str, Any]:
    return {key.removeprefix(PREFIX): value for key, value in vars(record).items() if key.startswith(PREFIX)}


@pytest.mark.parametrize(("notice", "level", "words", "facts"), EACH, ids=lambda value: type(value).__name__)
def test_each_notice_is_one_record(
    notice: Notice, level: int, words: str, facts: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, LOGGER):
        enter(notice)
    (record,) = caplog.records
    whose = f"agora {notice.endpoint}" if notice.endpoint else "agora"
    assert (LOGGER, level, f"{whose}: {words}") == (record.name, record.levelno, record.getMessage())
    assert {**facts, "vendor": "agora", "endpoint": notice.endpoint}.items() <= extra(record).items()
    assert extra(record).keys() <= set(KEYS)
    assert None not in extra(record).values(), "what does not apply is left out: lines of JSON have no nulls"
    assert "somebody" not in f"{vars(record)}", "of what is not among the keys, nothing"


def test_every_kind_of_notice_is_in_the_table_above() -> None:
    kinds = {getattr(notices, name) for name in notices.__all__} - {Notice, notices.Hook}
    assert kinds == {type(notice) for notice, *_ in EACH}


def test_no_key_can_collide_with_a_log_records_own() -> None:
    own = vars(logging.LogRecord("n", logging.INFO, "p", 1, "m", None, None))
    assert [] == [name for name in (*own, "message", "asctime") if name.startswith(PREFIX)]
    assert len(set(KEYS)) == len(KEYS)


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING, logging.ERROR])
def test_what_is_below_the_level_is_not_written(level: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(level, LOGGER):
        for notice, *_ in EACH:
            enter(notice)
    assert [at for _, at, *_ in EACH if at >= level] == [record.levelno for record in caplog.records]


def test_a_notice_of_somebody_elses_making_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    class Mine(Notice, frozen=True): ...

    with caplog.at_level(logging.DEBUG, LOGGER):
        enter(Mine(vendor="agora"))
    assert [] == caplog.records


def test_what_the_vendor_chose_cannot_forge_a_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, LOGGER):
        enter(Refused(**WHOSE, ask=7, per="day", code="300\nroot: all is well\x1b[2J" + "x" * 500))
    said = caplog.records[0].getMessage()
    assert said.isprintable()
    assert len(said) < 200


def everything_said(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(f"{record.getMessage()} {extra(record)} {record.args}" for record in caplog.records)


@pytest.mark.parametrize(
    "answer",
    [
        json_response('{"code":500,"message":"room-of-somebody broke","requestId":"r-1"}', status=500),
        json_response("<html>room-of-somebody</html>"),
        json_response('{"code":401,"message":"room-of-somebody"}'),
        QPS,
        QPD,
        BAD_GATEWAY,
    ],
)
def test_an_ask_writes_no_secret_no_parameter_and_no_payload(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(answer)
    with caplog.at_level(logging.DEBUG, LOGGER):
        bench.fails(Exception, params={"cname": "room-of-somebody"})
    said = everything_said(caplog)
    assert "call/lists" in said
    for hidden in ("room-of-somebody", SECRET, "aWQ6czNjcjN0", "Basic", "cname", "<html>"):
        assert hidden not in said
    ours = [record for record in caplog.records if record.name == LOGGER]
    assert set().union(*map(extra, ours)) <= set(KEYS)


def test_an_ask_without_trouble_writes_nothing_at_info(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, LOGGER):
        Bench(GOOD).asks()
    assert [] == caplog.records


def test_trouble_is_written_though_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, LOGGER):
        Bench(BAD_GATEWAY, QPD).fails(DailyQuotaExhausted)
        Bench(json_response('{"code":401}')).fails(NotAuthenticated)
    assert ["retrying", "refused"] == [extra(record)["event"] for record in caplog.records[:2]]


def test_a_long_wait_is_one_line_that_says_until_when(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(GOOD, rates=(Rate(1, MINUTE),), script={"delay_s": 0.0})

    async def scenario() -> None:
        await bench.ask()
        await bench.ask()
        with bench.on(priority="backfill"):
            await bench.ask()

    with caplog.at_level(logging.INFO, LOGGER):
        run(scenario)
    assert [(logging.WARNING, "long_wait"), (logging.INFO, "long_wait")] == [
        (record.levelno, extra(record)["event"]) for record in caplog.records
    ]
    assert (
        "agora call/lists: waiting for a slot of the quota (call/lists), about 60 s, until 14:14:20 UTC"
        == caplog.records[0].getMessage()
    )


def test_a_day_that_is_spent_is_told_once_at_warning(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(GOOD, rates=(Rate(2, DAY),))
    with caplog.at_level(logging.INFO, LOGGER):
        bench.asks()
        for _ in range(3):
            bench.fails(DailyQuotaExhausted)
    (record,) = caplog.records
    assert (logging.WARNING, "day_spent", "call/lists") == (
        record.levelno,
        extra(record)["event"],
        extra(record)["counter"],
    )
    assert record.getMessage().endswith("00:00:00 UTC")
