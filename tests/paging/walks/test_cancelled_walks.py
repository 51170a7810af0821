"""A walk cancelled at any checkpoint goes on where it stood, or from its last cursor: nothing lost, nothing twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar

import pytest

from agora_tencent_analytics import Page, TimeRange
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.simulator import Fail, When, World
from tests.paging.walks.test_resumed_walks import LONG, about, series_of, truth
from tests.support.cancelling import Cut, cancel_everywhere
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

T = TypeVar("T")
Cancelled = Callable[[Callable[[Cut], Any]], int]
VENDORS = ("agora", "tencent")
END = int(EPOCH) - HOUR
WORLD = World(seed=3, calls=8, start=END - 8 * HOUR, end=END)
WHOLE = TimeRange(WORLD.start, END)
PLAN = {"agora": "standard", "tencent": "basic"}
FEWEST = 12
"""Checkpoints that a walk of several pages has at the least; a handful would mean that the cut does not cut."""


def staged(vendor: str) -> Stage:
    """A vendor of a plan that is for sale, which fails once."""
    return Stage(vendor, WORLD, plan=PLAN[vendor], faults=[Fail(when=When(nth=(2,)))])


@pytest.fixture
def cancelled(request: pytest.FixtureRequest, capsys: Any) -> Cancelled:
    """Cancels everywhere, and says in a verbose run at how many checkpoints."""

    def everywhere(scenario: Callable[[Cut], Any]) -> int:
        checkpoints = cancel_everywhere(scenario)
        if request.config.get_verbosity() > 0:
            with capsys.disabled():
                print(f" [{checkpoints} checkpoints]", end="")
        return checkpoints

    return everywhere


async def take(source: AsyncIterator[T], into: list[T]) -> None:
    async for one in source:
        into.append(one)


def calls_of(pages: Sequence[Page[Any]]) -> list[str]:
    return [call.call_id for page in pages for call in page.items]


def listed(vendor: Any) -> list[str]:
    return sorted(call.call_id for call in WORLD.calls(vendor))


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_same_pages_go_on(vendor: str, cancelled: Cancelled) -> None:
    async def scenario(cut: Cut) -> None:
        stage = staged(vendor)
        async with stage.provider() as provider:
            listing = provider.calls(WHOLE, page_size=3)
            pages, found = listing.pages(), list[Page[Any]]()
            await cut(take(pages, found))
            await take(pages, found)
        assert listed(vendor) == sorted(calls_of(found))
        assert listing.certificate.complete
        assert stage.asked >= listing.certificate.requests

    assert cancelled(scenario) >= FEWEST


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_last_cursor_goes_on_elsewhere(vendor: str, cancelled: Cancelled) -> None:
    async def scenario(cut: Cut) -> None:
        stage = staged(vendor)
        over = TimeRange(WORLD.end - 7 * HOUR, WORLD.end)
        found = list[Page[Any]]()
        async with stage.provider() as provider:
            await cut(take(provider.calls(over, page_size=3).pages(), found))
        async with stage.provider() as elsewhere:
            cursor = found[-1].cursor if found else None
            rest = elsewhere.calls(over, page_size=3, cursor=cursor)
            await take(rest.pages(), found)
        inside = [call.call_id for call in WORLD.calls(vendor) if call.overlaps(over.start, over.end)]  # type: ignore[arg-type]  # a vendor's name
        assert sorted(inside) == sorted(calls_of(found)), "one window has no seam: nothing comes twice"
        assert rest.certificate.complete

    assert cancelled(scenario) >= FEWEST


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("way", ["items", "batches"])
def test_the_same_series_go_on(vendor: str, way: str, cancelled: Cancelled) -> None:
    stage = Stage(vendor, LONG[vendor])
    call, sessions = run(about, stage)
    whole = truth(stage, [one.session_id for one in sessions])

    async def scenario(cut: Cut) -> None:
        async with Stage(vendor, LONG[vendor]).provider() as provider:
            listing, found = provider.metrics(call, sessions), list[Any]()
            if way == "items":
                items = aiter(listing)
                await cut(take(items, found))
                await take(items, found)
            else:
                batches, lists = listing.batches(), list[Sequence[Any]]()
                await cut(take(batches, lists))
                await take(batches, lists)
                found = [one for some in lists for one in some]
        assert whole == series_of(found)
        assert listing.certificate.complete

    assert cancelled(scenario) >= FEWEST


@pytest.mark.parametrize("vendor", VENDORS)
def test_series_begin_again_with_the_packet_that_was_cut(vendor: str, cancelled: Cancelled) -> None:
    stage = Stage(vendor, LONG[vendor])
    call, sessions = run(about, stage)
    whole = truth(stage, [one.session_id for one in sessions])

    async def scenario(cut: Cut) -> None:
        stage = Stage(vendor, LONG[vendor])
        found = list[Page[Any]]()
        async with stage.provider() as provider:
            await cut(take(provider.metrics(call, sessions).pages(), found))
        async with stage.provider() as elsewhere:
            rest = elsewhere.metrics(call, sessions, cursor=found[-1].cursor if found else None)
            series = series_of(await rest.collect())
        assert series.items() <= whole.items(), "what comes is whole"
        shown = {
            (one.session_id or one.user_id, one.vendor_metric, one.peer_id) for page in found for one in page.items
        }
        missing = {key for key in whole if key not in series}
        by_user = {one.session_id: one.user_id for one in sessions}
        for session_id, metric, peer in missing:
            who = session_id if vendor == "agora" else by_user[session_id]
            assert (who, metric, peer) in shown, "what does not come was in the pages before the cursor"

    assert cancelled(scenario) >= FEWEST
