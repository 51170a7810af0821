"""Twilio Video by the provider of `examples/twilio`: the contract, and what a scan of it costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twilio_analytics import TwilioProvider
from twilio_server import ACCOUNT, PEOPLE, TOKEN, TwilioServer

from agora_tencent_analytics import Ledger, Quota, scan
from agora_tencent_analytics.testing import ProviderContract, VirtualClock, run
from agora_tencent_analytics.testing.servers import InProcess
from agora_tencent_analytics.vendor import Provider, Request, Response, TimeRange

START = 1_790_000_000
OVER = TimeRange(START, START + 2_700)


class TestTwilio(ProviderContract):
    """The contract that every provider passes."""

    over = TimeRange(START, START + 100)
    call_ids = frozenset(f"RM{number}" for number in range(10))
    secrets = (TOKEN,)

    def provider(self, **options: Any) -> Provider:
        return TwilioProvider(account_sid=ACCOUNT, auth_token=TOKEN, **options)

    def answer(self, request: Request, now: float) -> Response:
        return TwilioServer(START, 10).answer(request, now)


def made(clock: VirtualClock) -> tuple[TwilioProvider, TwilioServer]:
    server = TwilioServer(START, 260)
    way = InProcess(server.answer, clock.clock)
    quota = Quota("twilio", store=":memory:", clock=clock.clock)
    return TwilioProvider(account_sid=ACCOUNT, auth_token=TOKEN, transport=way, quota=quota), server


def test_260_rooms_are_scanned_in_a_request_a_page_and_one_a_room() -> None:
    clock = VirtualClock(OVER.end + 3_600.0)
    provider, server = made(clock)

    async def scenario() -> tuple[list[Any], Any]:
        async with scan(provider, over=OVER, depth="sessions") as records:
            found = [record async for record in records]
        return found, records.report

    records, report = run(scenario)
    assert report.complete, report
    assert (260, 260 * PEOPLE) == (len(records), sum(len(record.sessions) for record in records))
    assert (3 + 260, 0) == (len(server.arrivals), report.vendors["twilio"].limit_errors)


def test_another_process_goes_on_from_a_cursor_with_the_pages_that_are_left() -> None:
    async def scenario() -> tuple[int, int]:
        clock = VirtualClock(OVER.end + 3_600.0)
        first, _ = made(clock)
        page = await anext(first.calls(OVER).pages())
        assert TOKEN not in page.cursor
        second, server = made(clock)
        return len(page.items) + len(await second.calls(OVER, cursor=page.cursor).collect()), len(server.arrivals)

    assert (260, 2) == run(scenario)


def test_a_scan_that_was_left_goes_on_from_its_ledger_without_a_listing_from_the_start(tmp_path: Path) -> None:
    clock = VirtualClock(OVER.end + 3_600.0)

    async def some(most: int) -> tuple[set[str], int]:
        provider, server = made(clock)
        done: set[str] = set()
        with Ledger(tmp_path / "ledger") as ledger:
            async with scan(provider, over=OVER, depth="sessions", ledger=ledger, acknowledge="by hand") as records:
                async for record in records:
                    records.acknowledge(record)
                    done.add(record.call.call_id)
                    if len(done) == most:
                        break
        return done, len(server.arrivals)

    async def scenario() -> None:
        begun, _ = await some(110)
        rest, arrivals = await some(1_000)
        assert set() == begun & rest
        assert 260 == len(begun | rest)
        assert arrivals <= 150 + 1

    run(scenario)
