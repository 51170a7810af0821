"""What a scan tells while it works: every call once, and how far it has come, not more often than once a second."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from agora_tencent_analytics.notices import CallDone, Notice, Progress
from agora_tencent_analytics.scan import CallRecord, Report
from agora_tencent_analytics.simulator import Fail
from tests.scan.ledger.test_resuming import SMALL
from tests.scan.test_failures import METRICS, about
from tests.support.simulated_scans import WHOLE, Vendors, read
from tests.support.virtual_time import run


def told(vendors: Vendors, **faults: Any) -> tuple[list[tuple[float, Notice]], list[CallRecord], Report]:
    heard: list[tuple[float, Notice]] = []

    async def scenario() -> tuple[list[CallRecord], Report]:
        clock = vendors.time.clock

        def hook(notice: Notice) -> None:
            heard.append((clock.monotonic(), notice))

        return await read(vendors.agora("premium", **faults), over=WHOLE, hooks=[hook])

    return heard, *run(scenario)


def test_every_call_is_told_once_with_what_its_records_hold() -> None:
    vendors = Vendors()
    call = vendors.world.call_at("agora", 4)
    heard, records, _ = told(vendors, faults=[Fail(status=500, when=about("agora", call.call_id, METRICS["agora"]))])
    done = {notice.call_id: notice for _, notice in heard if isinstance(notice, CallDone)}
    assert {record.call.call_id for record in records} == done.keys()
    assert 14 == sum(isinstance(notice, CallDone) for _, notice in heard)
    for call_id, notice in done.items():
        mine = [record for record in records if record.call.call_id == call_id]
        expected = tuple(sum(len(getattr(one, name)) for one in mine) for name in ("sessions", "series", "failures"))
        assert expected == (notice.sessions, notice.series, notice.failures)
        assert sum(record.points for record in mine) == notice.points
    assert done[call.call_id].failures


def test_the_hooks_of_the_provider_hear_it_too_and_each_once() -> None:
    vendors = Vendors(**SMALL)
    heard: list[Notice] = []

    async def scenario() -> None:
        provider = vendors.agora()
        provider._caller.hooks = (heard.append,)
        await read(provider, over=WHOLE, depth="calls", hooks=[heard.append])

    run(scenario)
    assert 14 == sum(isinstance(notice, CallDone) for notice in heard)
    assert any(isinstance(notice, Progress) for notice in heard)


def test_progress_is_told_at_most_once_a_second_and_at_the_end() -> None:
    heard, _, report = told(Vendors())
    told_at = [(at, notice) for at, notice in heard if isinstance(notice, Progress)]
    pauses = [later - at for (at, _), (later, _) in pairwise(told_at[:-1])]
    assert len(pauses) > 3
    assert min(pauses) >= 1.0
    last = told_at[-1][1]
    figures = report.vendors["agora"]
    assert (figures.calls, figures.requests, 0, 0) == (last.calls, last.requests, last.failures, last.in_hand)
