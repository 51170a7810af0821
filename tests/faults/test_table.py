"""Every fault alone, and every two kinds of fault together, on both vendors, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from agora_tencent_analytics import Retry, Timeouts, TimeRange
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.simulator import Fault, World
from agora_tencent_analytics.tencent.sign import TencentCredentials
from tests.support.fault_table import MEET, MOST_BODY_BYTES, ROWS, Row, Seen, rule_broken
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

END = int(EPOCH) - 3 * HOUR
START = END - 4 * HOUR
WORLD = World(seed=2, calls=7, start=START, end=END, sessions_per_call=1, points_per_series=0)
PLANS = {"agora": "premium", "tencent": "advanced"}
HONEST = 4
"""Pages of two rows that hold seven."""
TIMEOUTS = Timeouts(connect_s=5, read_s=10, total_s=20)
TOKEN = "sts-token-of-the-simulator"


def listed(vendor: str, faults: Sequence[Fault], *, fixed_keys: bool = False) -> Seen:
    """Reads all calls while the faults strike."""

    async def scenario() -> Seen:
        options: dict[str, Any] = {"token": TOKEN} if vendor == "tencent" else {}
        stage = Stage(vendor, WORLD, plan=PLANS[vendor], faults=faults, **options)

        async def keys() -> TencentCredentials:
            known = stage.server.credentials
            return TencentCredentials(**{name: known[name] for name in ("secret_id", "secret_key", "token")})

        given: dict[str, Any] = {"timeouts": TIMEOUTS, "retry": Retry(attempts=7), "most_body_bytes": MOST_BODY_BYTES}
        if vendor == "tencent" and not fixed_keys:
            given |= {"credentials": keys, "account": "a", "secret_id": None, "secret_key": None, "token": None}
        provider = stage.provider(**given)
        found: list[str] = []
        error = None
        listing = provider.calls(TimeRange(START, END), page_size=2)
        try:
            async for call in listing:
                found.append(call.call_id)
        except Exception as raised:
            error = raised
        await provider.aclose()
        return Seen(
            found=found,
            error=error,
            certificate=listing.certificate,
            requests=provider.receipt.requests,
            unheard=0,
            arrivals=len(stage.server.arrivals),
            throttled=stage.server.refused,
            tasks=len(asyncio.all_tasks()) - 1,
        )

    return run(scenario)


def truth(vendor: Any) -> set[str]:
    return {call.call_id for call in WORLD.calls(vendor)}


def judged(vendor: str, rows: Sequence[Row], faults: Sequence[Fault]) -> list[str]:
    seen = listed(vendor, faults, fixed_keys=any(row.fixed_keys for row in rows))
    return rule_broken(seen, rows, vendor, truth=truth(vendor), honest=HONEST)


def of(vendor: str) -> list[Row]:
    return [row for row in ROWS if vendor in row.make]


@pytest.mark.parametrize(
    ("vendor", "row"), [pytest.param(vendor, row, id=f"{vendor}: {row.name}") for vendor in PLANS for row in of(vendor)]
)
def test_a_fault_alone_comes_to_what_the_table_says(vendor: str, row: Row) -> None:
    assert [] == judged(vendor, [row], [row.fault(vendor, 1)])


def kind(row: Row) -> str:
    """What rows that differ in a value only have in common."""
    faults = {vendor: row.fault(vendor, 1) for vendor in row.make}
    looks = {vendor: (type(fault), getattr(fault, "field", None)) for vendor, fault in faults.items()}
    return repr((looks, row.outcome, row.strikes))


FIRST_OF_A_KIND = {kind(row): row.name for row in reversed(ROWS)}.values()


def worth_a_meeting(one: Row, other: Row) -> bool:
    """One row speaks for its kind; where two faults meet in one place, each of them is tried."""
    return {one.name, other.name} <= {*FIRST_OF_A_KIND} or frozenset({one.name, other.name}) in MEET


@pytest.mark.long
@pytest.mark.parametrize("one", ROWS, ids=lambda row: row.name)
def test_two_faults_come_to_what_the_rule_says(one: Row) -> None:
    wrong = {}
    at = ROWS.index(one)
    for place, other in enumerate(ROWS[:at]):
        shared = [vendor for vendor in PLANS if vendor in one.make and vendor in other.make]
        if not shared or not worth_a_meeting(one, other):
            continue
        # By turns on one vendor and the other, in one request and in one after the other.
        vendor = shared[(at + place) % len(shared)]
        together = (at + place) % 4 < 2
        faults = [other.fault(vendor, 1), one.fault(vendor, 1 if together else 1 + other.strikes)]
        if found := judged(vendor, [other, one], faults):
            wrong[vendor, other.name, "with it" if together else "before it"] = found
    assert {} == wrong
