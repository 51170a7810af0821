"""Failover: which failures send the next attempt to another host, and what stays the same there."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from agora_tencent_analytics import Rate, Response, Retry, TencentCredentials, Timeouts, TransportError
from agora_tencent_analytics.errors import AnalyticsError, NotAuthenticated, UnreadableReply, VendorFault
from agora_tencent_analytics.http.hosts import FIRST_REST_S, Hosts
from agora_tencent_analytics.limits import DAY
from agora_tencent_analytics.notices import Attempt, Notice
from agora_tencent_analytics.tencent.wire import TencentVendor
from tests.support.client_bench import BAD_GATEWAY, GOOD, QPS, ROOMS, SECRET, Bench
from tests.support.transports import json_response
from tests.support.virtual_time import run

FIRST, SECOND, THIRD = "https://first.test", "https://second.test:8443", "https://third.test"


def lost(phase: Any = "read", *, timed_out: bool = False) -> TransportError:
    return TransportError("no", endpoint="call/lists", phase=phase, timed_out=timed_out)


def two(*steps: Response | Exception, **options: Any) -> Bench:
    return Bench(*steps, hosts=Hosts([FIRST, SECOND]), **options)


def asked(bench: Bench) -> list[str]:
    return ["/".join(request.url.split("/")[:3]) for request in bench.script.sent]


@pytest.mark.parametrize(
    "failure",
    [lost("connect"), lost("connect", timed_out=True), lost("read"), lost("read", timed_out=True), lost("total")],
    ids=lambda error: f"{error.phase}, {'time' if error.timed_out else 'network'}",
)
def test_a_failure_on_the_way_sends_the_next_attempt_to_the_next_host(failure: TransportError) -> None:
    bench = two(failure, GOOD)
    bench.asks()
    assert [FIRST, SECOND] == asked(bench)
    assert (2, 2) == (bench.spent, bench.caller.receipts[0].requests), "on one and the same quota"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (BAD_GATEWAY, VendorFault),
        (json_response("<html>"), UnreadableReply),
        (QPS, AnalyticsError),
        (json_response('{"code":401}'), NotAuthenticated),
        (json_response("", status=429), AnalyticsError),
    ],
)
def test_an_answer_is_an_answer_whatever_it_says(answer: Response, kind: type[AnalyticsError]) -> None:
    bench = two(answer, retry=Retry(attempts=3))
    bench.fails(kind)
    assert {FIRST} == set(asked(bench))


def test_hosts_take_turns_until_the_attempts_are_used_up() -> None:
    bench = Bench(lost(), hosts=Hosts([FIRST, SECOND, THIRD]), retry=Retry(attempts=7))
    bench.fails(TransportError)
    assert [FIRST, SECOND, THIRD, FIRST, SECOND, THIRD, FIRST] == asked(bench)


def test_each_attempt_is_signed_for_its_host() -> None:
    bench = two(lost(), ROOMS, vendor=TencentVendor("ap-singapore"), retry=Retry(first_s=0), script={"delay_s": 0.0})
    bench.asks()
    first, second = bench.script.sent
    assert first.body == second.body
    for host, number, request in ((FIRST, 1, first), (SECOND, 2, second)):
        keys = TencentCredentials(secret_id="id", secret_key=SECRET, token=f"token-{number}")
        plain = replace(bench.caller.vendor.request(bench.row, host, {}), body=request.body)
        at = int(request.headers["X-TC-Timestamp"])
        signed = bench.caller.vendor.authenticate(plain, bench.row, keys, now=at)
        assert signed.revealed().headers["Authorization"] == request.headers["Authorization"]
    assert first.headers["Authorization"] != second.headers["Authorization"]


def test_the_next_ask_begins_where_the_last_one_was_answered_until_the_first_host_has_rested() -> None:
    bench = two(lost(), GOOD)

    async def scenario() -> None:
        await bench.ask()
        await bench.ask()
        await asyncio.sleep(FIRST_REST_S)
        await bench.ask()

    run(scenario)
    assert [FIRST, SECOND, SECOND, FIRST] == asked(bench)


def test_a_host_that_has_answered_again_is_not_held_to_its_past() -> None:
    bench = two(lost(), GOOD, GOOD, lost(), GOOD, GOOD)

    async def scenario() -> None:
        await bench.ask()
        await asyncio.sleep(FIRST_REST_S)
        await bench.ask()
        await bench.ask()
        await asyncio.sleep(FIRST_REST_S)
        await bench.ask()

    run(scenario)
    assert [FIRST, SECOND, FIRST, FIRST, SECOND, FIRST] == asked(bench)


def test_asks_of_one_provider_share_what_they_learn() -> None:
    bench = two(lost(), GOOD, script={"delay_s": 0.5})

    async def scenario() -> None:
        first = asyncio.create_task(bench.ask())
        await asyncio.sleep(0.7)
        await asyncio.gather(first, bench.ask())

    run(scenario)
    assert FIRST == asked(bench)[0]
    assert {SECOND} == set(asked(bench)[1:])


def test_an_attempt_that_our_own_deadline_cut_short_says_nothing_about_the_host() -> None:
    late = lost("total", timed_out=True)
    bench = two(late, GOOD, timeouts=Timeouts(total_s=60, deadline_s=10), script={"delay_s": 10.0})

    async def scenario() -> None:
        with pytest.raises(TransportError):
            await bench.ask()
        await bench.ask()

    run(scenario)
    assert [FIRST, FIRST] == asked(bench)


def test_the_clock_is_learnt_from_whichever_host_answers() -> None:
    bench = two(lost("connect"), GOOD, lost("connect"), GOOD, script={"skew_s": 300.0})

    async def scenario() -> None:
        await bench.ask()
        await asyncio.sleep(1)
        await bench.ask()

    run(scenario)
    assert {FIRST, SECOND} == set(asked(bench))
    assert 300 == pytest.approx(bench.quota.clock.offset, abs=1.1)


def test_a_days_quota_is_not_doubled_by_a_second_host() -> None:
    bench = two(lost(), rates=(Rate(4, DAY),), retry=Retry(attempts=9))
    bench.fails(AnalyticsError)
    assert 3 == bench.spent == len(bench.script.sent), "N - 1 of the vendor's N, over both"


def test_hooks_are_told_which_host_it_was() -> None:
    told: list[Notice] = []
    two(lost(), GOOD, hooks=(told.append,)).asks()
    assert ["first.test", "second.test:8443"] == [one.host for one in told if isinstance(one, Attempt)]
