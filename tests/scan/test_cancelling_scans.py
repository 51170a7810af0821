"""A scan that is cancelled at any checkpoint leaves no task, slot, file or lock, and its ledger goes on."""

from __future__ import annotations

from pathlib import Path

from agora_tencent_analytics import scan
from agora_tencent_analytics.scan import CallRecord
from agora_tencent_analytics.scan.ledger import Ledger
from tests.scan.ledger.test_resuming import SMALL
from tests.support.cancelling import Cut, cancel_everywhere
from tests.support.simulated_scans import WHOLE, Vendors, exact, read, truth_of


def test_cancelled_anywhere_a_scan_leaves_nothing_behind(tmp_path: Path) -> None:
    world = Vendors(calls=4, **SMALL).world
    truth = truth_of(world, "agora", WHOLE, depth="sessions")

    async def scenario(cut: Cut) -> None:
        vendors, path = Vendors(world), tmp_path / f"ledger {cut.checkpoint}"
        agora = vendors.agora("enterprise", latency=(0.02, 0.2))
        taken: list[CallRecord] = []

        async def whole() -> None:
            async with scan(
                agora, over=WHOLE, depth="sessions", workers=2, ledger=path, acknowledge="by hand"
            ) as records:
                async for record in records:
                    taken.append(record)
                    records.acknowledge(record)

        await cut(whole())
        assert 0 == vendors.transports[0].in_flight
        states = await agora.quota()
        assert {0} == {state.waiting for state in states}
        assert agora.receipt.requests == sum(state.granted - state.refunded for state in states)
        Ledger(path).close()
        rest, report = await read(agora, over=WHOLE, depth="sessions", ledger=path)
        assert truth == exact([*taken, *rest])
        assert report.complete

    assert cancel_everywhere(scenario) > 50
