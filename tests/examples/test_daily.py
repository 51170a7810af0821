"""Daily.co by the provider of `examples/daily`: the contract, and what a scan of it costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from daily_analytics import DailyProvider
from daily_server import KEY, DailyServer

from agora_tencent_analytics import Ledger, Quota, scan
from agora_tencent_analytics.testing import ProviderContract, VirtualClock, run
from agora_tencent_analytics.testing.servers import InProcess
from agora_tencent_analytics.vendor import Provider, Request, Response, TimeRange

START = 1_790_000_000
OVER = TimeRange(START, START + 2_700)


class TestDaily(ProviderContract):
    """The contract that every provider passes."""

    over = TimeRange(START, START + 100)
    call_ids = frozenset(f"m-{number}" for number in range(10))
    secrets = (KEY,)

    def provider(self, **options: Any) -> Provider:
        return DailyProvider(api_key=KEY, **options)

    def answer(self, request: Request, now: float) -> Response:
        return DailyServer(START, 10).answer(request, now)


def made(clock: VirtualClock) -> tuple[DailyProvider, DailyServer, InProcess]:
    server = DailyServer(START, 260)
    way = InProcess(server.answer, clock.clock)
    quota = Quota("daily", store=":memory:", clock=clock.clock)
    return DailyProvider(api_key=KEY, transport=way, quota=quota), server, way


def scanned(depth: Any, **options: Any) -> tuple[list[Any], Any, int]:
    clock = VirtualClock(OVER.end + 3_600.0)
    provider, server, _ = made(clock)

    async def scenario() -> tuple[list[Any], Any]:
        async with scan(provider, over=OVER, depth=depth, **options) as records:
            found = [record async for record in records]
        return found, records.report

    found, report = run(scenario)
    return found, report, len(server.arrivals)


def test_260_calls_of_three_are_scanned_to_sessions_in_three_requests() -> None:
    records, report, arrivals = scanned("sessions")
    assert (260, 780) == (len(records), sum(len(record.sessions) for record in records))
    assert (True, 3) == (report.complete, arrivals)


@pytest.mark.parametrize(("depth", "requests"), [("sessions", 3), ("metrics", 263)])
def test_a_forecast_believes_the_total_that_the_first_page_states(depth: Any, requests: int) -> None:
    clock = VirtualClock(OVER.end + 3_600.0)
    provider, server, _ = made(clock)

    async def scenario() -> Any:
        return await scan.forecast(provider, over=OVER, depth=depth)

    forecast = run(scenario).vendors["daily"]
    assert forecast.calls.least <= 260 == forecast.calls.likely <= forecast.calls.most
    assert requests == round(forecast.requests.likely)
    assert 1 == len(server.arrivals)


def test_metrics_cost_a_request_a_call_and_no_refusal() -> None:
    records, report, arrivals = scanned("metrics")
    assert report.complete, report
    assert (263, 0) == (arrivals, report.vendors["daily"].limit_errors)
    series = [one for record in records for one in record.series]
    assert {"video_downlink_loss", "daily.receive_bitrate", "daily.send_bitrate"} == {one.metric for one in series}
    assert {2.0} == {value for one in series if one.metric == "video_downlink_loss" for value in one.values}
    assert 780 * 3 == len(series)


def test_another_process_goes_on_from_a_cursor_with_the_pages_that_are_left() -> None:
    async def scenario() -> tuple[int, int]:
        clock = VirtualClock(OVER.end + 3_600.0)
        first, _, _ = made(clock)
        page = await anext(first.calls(OVER).pages())
        second, server, _ = made(clock)
        return len(page.items) + len(await second.calls(OVER, cursor=page.cursor).collect()), len(server.arrivals)

    assert (260, 2) == run(scenario)


def test_a_scan_that_was_left_goes_on_from_its_ledger(tmp_path: Path) -> None:
    clock = VirtualClock(OVER.end + 3_600.0)

    async def some(most: int) -> tuple[set[str], int]:
        provider, server, _ = made(clock)
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
        # Of what was listed and not read the pages are read again, as they hold who was there; the last page is listed.
        assert arrivals <= 2 + 1

    run(scenario)


def test_a_wrong_key_is_told_as_what_it_is() -> None:
    from agora_tencent_analytics import NotAuthenticated

    clock = VirtualClock(OVER.end + 3_600.0)
    way = InProcess(DailyServer(START, 3).answer, clock.clock)
    quota = Quota("daily", store=":memory:", clock=clock.clock)
    provider = DailyProvider(api_key="another", transport=way, quota=quota)
    with pytest.raises(NotAuthenticated, match="invalid api key"):
        run(provider.calls(OVER).collect)
