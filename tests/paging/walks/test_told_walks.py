"""What a walk tells: what each page cost, what each window showed, and notices for whoever listens."""

from __future__ import annotations

from typing import Any

import pytest

from agora_tencent_analytics import Certificate, Endpoint, Page, Receipt, TimeRange
from agora_tencent_analytics.agora.endpoints import CALL_LISTS_2024, CALL_SESSIONS_2024
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.notices import Drift, Notice, PageRead, WindowSplit
from agora_tencent_analytics.paging.seen_ids import digest, fingerprint
from agora_tencent_analytics.simulator import Drift as Drifting
from agora_tencent_analytics.simulator import Fail, Lie, Refuse, Reset, When, World
from agora_tencent_analytics.tencent.endpoints import ROOM_INFO
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

VENDORS = ("agora", "tencent")
END = int(EPOCH) - HOUR
WORLD = World(seed=3, calls=14, start=END - 8 * HOUR, end=END)
WHOLE = TimeRange(WORLD.start, END)
TOO_LONG = Refuse(code=300, message="query time length limit error", when=When(nth=(2,)))


def walked(stage: Stage, **options: Any) -> tuple[list[Page[Any]], Certificate, Receipt, list[Notice]]:
    heard: list[Notice] = []

    async def scenario() -> tuple[list[Page[Any]], Certificate, Receipt, list[Notice]]:
        async with stage.provider() as provider:
            listing = provider.with_options(hooks=[heard.append]).calls(WHOLE, **options)
            pages = [page async for page in listing.pages()]
            return pages, listing.certificate, provider.receipt, heard

    return run(scenario)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("fault", [Fail(when=When(nth=(1, 3))), Reset(when=When(nth=(2,))), TOO_LONG])
def test_what_pages_cost_adds_up_to_what_was_sent(vendor: str, fault: Any) -> None:
    stage = Stage(vendor, WORLD, faults=[] if vendor == "tencent" and fault is TOO_LONG else [fault])
    pages, certificate, receipt, _ = walked(stage, page_size=4)
    assert stage.asked == sum(page.cost.requests for page in pages) == certificate.cost.requests == receipt.requests
    assert sum(page.cost.retries for page in pages) == certificate.cost.retries == receipt.retries
    assert certificate.complete


def test_the_cost_of_a_walk_is_its_own() -> None:
    stage = Stage("agora", WORLD, plan="standard")

    async def scenario() -> tuple[Receipt, Receipt]:
        async with stage.provider() as provider:
            first, second = provider.calls(WHOLE), provider.calls(WHOLE, page_size=4)
            await first.collect()
            await second.collect()
            return first.certificate.cost, second.certificate.cost

    first, second = run(scenario)
    assert stage.asked == first.requests + second.requests
    assert first.requests < second.requests
    assert second.waited_s > 0
    assert first.left_today["call/lists"] - second.requests == second.left_today["call/lists"]


def test_a_walk_that_failed_has_its_cost_all_the_same() -> None:
    stage = Stage("tencent", WORLD, faults=[Refuse(code="InvalidParameter", message="no", when=When(nth=(2,)))])

    async def scenario() -> int:
        async with stage.provider() as provider:
            listing = provider.calls(WHOLE, page_size=4)
            with pytest.raises(Exception, match="InvalidParameter"):
                await listing.collect()
            spent: int = listing.certificate.cost.requests
            return spent

    assert 2 == run(scenario)


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_page_is_told(vendor: str) -> None:
    pages, certificate, _, heard = walked(Stage(vendor, WORLD), page_size=4)
    told = [notice for notice in heard if isinstance(notice, PageRead)]
    assert [(page.window, page.number, page.total, page.has_more) for page in pages] == [
        (notice.over, notice.number, notice.total, notice.has_more) for notice in told
    ]
    assert [len(page.items) for page in pages] == [notice.fresh for notice in told]
    assert {(vendor, certificate.endpoint)} == {(notice.vendor, notice.endpoint) for notice in told}
    assert not [notice for notice in heard if isinstance(notice, WindowSplit | Drift)]


def test_drift_is_told_once_for_each_time_it_is_seen() -> None:
    _, certificate, _, heard = walked(Stage("agora", WORLD, faults=[Drifting(rows=1, every=2)]), page_size=4)
    told = [notice for notice in heard if isinstance(notice, Drift)]
    assert ["rows moved between pages"] == [notice.reason for notice in told]
    assert [WHOLE] == [notice.over for notice in told]
    assert certificate.complete


@pytest.mark.parametrize(("fault", "why"), [(Lie(has_more=True), "more exists"), (TOO_LONG, "too_much")])
def test_a_split_is_told(fault: Any, why: str) -> None:
    _, _, _, heard = walked(Stage("agora", WORLD, faults=[fault]), page_size=4)
    told = [notice for notice in heard if isinstance(notice, WindowSplit)]
    assert WHOLE == told[0].over
    assert why in told[0].reason


CALL = next(call for call in WORLD.calls("agora") if len(WORLD.sessions(call)) in (4, 6, 8))
OF_CALL = {"call_id": CALL.call_id, "exclude_server_user": False}


@pytest.mark.parametrize(
    ("row", "over", "rows", "params", "requests"),
    [
        (CALL_LISTS_2024, WHOLE, 14, {}, 2),
        (CALL_SESSIONS_2024, TimeRange(CALL.created_ts, CALL.destroyed_ts + 1), len(WORLD.sessions(CALL)), OF_CALL, 2),
        (ROOM_INFO, WHOLE, 14, {}, 5),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_two_full_pages_end_where_a_total_of_the_listing_says_so_and_are_looked_behind_elsewhere(
    row: Endpoint[Any], over: TimeRange, rows: int, params: dict[str, Any], requests: int
) -> None:
    async def scenario() -> tuple[int, Certificate]:
        async with Stage(row.vendor, WORLD).provider() as provider:
            listing = provider.ask(row, over, page_size=rows // 2, **params)
            return len(await listing.collect()), listing.certificate

    found, certificate = run(scenario)
    assert (rows, requests, True) == (found, certificate.requests, certificate.complete)


def test_a_hook_that_fails_harms_no_walk() -> None:
    def fails(notice: Notice) -> None:
        raise RuntimeError(type(notice).__name__)

    async def scenario() -> int:
        async with Stage("agora", WORLD).provider() as provider:
            return len(await provider.with_options(hooks=[fails]).calls(WHOLE).collect())

    assert 14 == run(scenario)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_window_tells_its_totals_and_the_same_rows_have_the_same_fingerprint(vendor: Any) -> None:
    expected = fingerprint(digest(call.call_id) for call in WORLD.calls(vendor))
    for size in (3, 5, 100):
        _, certificate, _, _ = walked(Stage(vendor, WORLD), page_size=size)
        (window,) = certificate.windows
        assert (14, expected) == (window.unique, window.fingerprint)
        last = {3: 2, 5: 4, 100: 0}[size]  # Tencent counts the page; that of a short first page is looked behind
        assert ((14, 14) if vendor == "agora" else (min(14, size), last)) == (window.first_total, window.total)
    _, certificate, _, _ = walked(Stage(vendor, WORLD, faults=[Drifting(rows=1, every=99)]))
    assert expected != certificate.windows[0].fingerprint
