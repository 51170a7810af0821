"""A vendor from outside the package, written with public names alone, scanned beside a simulated Agora."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import anyio
import pytest

import agora_tencent_analytics
from agora_tencent_analytics import (
    Bounds,
    Budget,
    BudgetSpent,
    Call,
    Endpoint,
    Last,
    Limits,
    NotAuthenticated,
    NothingToAsk,
    NotOffered,
    PageNumber,
    Paginator,
    Param,
    Plan,
    Provider,
    Quota,
    Rate,
    RateLimited,
    Request,
    Response,
    Structure,
    Timeouts,
    TimeRange,
    TransportError,
    UnreadableReply,
    Vendor,
    scan,
)
from agora_tencent_analytics.simulator import World
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, VirtualClock, run

# --- the vendor: two tables and a little code -------------------------------------------------------------

_SOURCE = "https://toy.test/docs"

ROOMS: Endpoint[Call] = Endpoint(
    name="rooms",
    vendor="toy",
    generation="1",
    model=Call,
    path="/v1/rooms",
    payload="rooms",
    key=("call_id",),
    app=Param(name="project", required=True),
    bounds=Bounds(start="since", end="until", strict=False),
    params=(Param(name="name"),),
    paging=PageNumber(number="page", size="per_page", base=0, total="listing"),
    limits="rooms",
    counter="rooms",
    source=_SOURCE,
    read_on="2026-09-01",
)
PLAN = Plan(
    vendor="toy",
    name="only",
    rows={"rooms": Limits(rates=(Rate(3, 1),), history_s=30 * 86_400, span_s=2 * 3_600, lag_s=5, page_size=4)},
    source=_SOURCE,
    read_on="2026-09-01",
)


class ToyVendor(Vendor):
    """A plain REST vendor with a key in a header."""

    name = "toy"
    structure = Structure({Call: {"call_id": "id", "channel": "name", "created_ts": "from", "destroyed_ts": "to"}})

    def authenticate(self, request: Request, row: Endpoint[Any], credentials: Any, *, now: float) -> Request:
        return request.with_headers({"X-Toy-Key": credentials})

    def unwrap(self, row: Endpoint[Any], response: Response) -> Any:
        facts: dict[str, Any] = {"vendor": "toy", "code": str(response.status), "endpoint": row.name}
        if response.status == 401:
            raise NotAuthenticated(message="bad key", **facts)
        if response.status == 429:
            raise RateLimited(message="slow down", per="second", **facts)
        try:
            return json.loads(response.body)
        except ValueError as error:
            raise UnreadableReply(str(error), endpoint=row.name, status=response.status) from None


class ToyProvider(Provider):
    """Rooms of the toy vendor."""

    endpoints = (ROOMS,)

    def __init__(self, key: str, **options: Any) -> None:
        async def credentials() -> str:
            return key

        super().__init__(
            vendor=ToyVendor(),
            app_id="demo",
            plan=PLAN,
            base_url="https://toy.test",
            credentials=credentials,
            account="demo",
            **options,
        )

    def calls(
        self,
        over: TimeRange | Last,
        *,
        channel: str | None = None,
        page_size: int | None = None,
        cursor: str | None = None,
    ) -> Paginator[Call]:
        return self.ask(ROOMS, over, page_size=page_size, cursor=cursor, name=channel)


class ToyServer:
    """The vendor's side, as a transport: lists rooms, wants the key, and counts every second for itself."""

    def __init__(self, now: Callable[[], float], rooms: Iterable[dict[str, Any]], *, delay_s: float = 0.02) -> None:
        self.arrivals: list[float] = []
        self.refused = 0
        self.closed = False
        self._now, self._rooms, self._delay_s = now, list(rooms), delay_s

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        await anyio.sleep(self._delay_s * (1 + len(self.arrivals) % 3))
        self.arrivals.append(self._now())
        if self._too_many():
            self.refused += 1
            status, body = 429, b""
        else:
            status, body = self._answer(request)
        await anyio.sleep(self._delay_s)
        answered()
        return Response(status=status, headers={"content-type": "application/json"}, body=body)

    async def aclose(self) -> None:
        self.closed = True

    def _too_many(self) -> bool:
        now = self.arrivals[-1]
        fixed = sum(int(at) == int(now) for at in self.arrivals)
        sliding = sum(at > now - 1 for at in self.arrivals)
        return max(fixed, sliding) > 3

    def _answer(self, request: Request) -> tuple[int, bytes]:
        if request.headers.get("X-Toy-Key") != "k-1":
            return 401, b"{}"
        asked = dict(parse_qsl(urlsplit(request.url).query))
        since, until = int(asked["since"]), int(asked["until"])
        if asked["project"] != "demo" or not 0 < until - since <= 7_200:
            raise TransportError("the toy server dropped it", endpoint="rooms", phase="read", timed_out=False)
        rows = [room for room in self._rooms if room["from"] < until and room["to"] >= since]
        rows = [room for room in rows if asked.get("name") in (None, room["name"])]
        page, size = int(asked["page"]), int(asked["per_page"])
        told = {"rooms": rows[page * size : (page + 1) * size], "total": len(rows)}
        return 200, json.dumps(told).encode()


# --- tests ------------------------------------------------------------------------------------------------

NOW = int(EPOCH)
OVER = TimeRange(NOW - 7 * 3_600, NOW - 3_600)
FIRST = NOW - 25_000
TOY_ROOMS: list[dict[str, Any]] = [
    {
        "id": f"r{number}",
        "name": f"n{number % 3}",
        "from": FIRST + 700 * number,
        "to": FIRST + 700 * number + 1_000,
        "mood": "fine",
    }
    for number in range(25)
]


def rooms_in(over: TimeRange) -> list[str]:
    return sorted(room["id"] for room in TOY_ROOMS if room["from"] < over.end and room["to"] >= over.start)


def toy(clock: VirtualClock, *, key: str = "k-1", quota: Quota | None = None) -> tuple[ToyProvider, ToyServer]:
    server = ToyServer(clock.clock.wall, TOY_ROOMS)
    quota = quota or Quota("toy", store=":memory:", clock=clock.clock)
    return ToyProvider(key, quota=quota, transport=server), server


def test_the_vendor_is_made_of_public_names_alone() -> None:
    tree = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    ours = [node for node in froms if node.module and node.module.startswith("agora_tencent_analytics")]
    assert {"agora_tencent_analytics", "agora_tencent_analytics.simulator"} == {node.module for node in ours}
    used = {alias.name for node in ours if node.module == "agora_tencent_analytics" for alias in node.names}
    assert set() == used - set(agora_tencent_analytics.__all__)
    toys = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name in ("ToyVendor", "ToyProvider")]
    assert 2 == len(toys)
    private = {
        node.attr
        for one in toys
        for node in ast.walk(one)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__")
    }
    assert set() == private


def test_a_third_party_is_scanned_beside_a_vendor_of_ours_under_one_quota() -> None:
    world = World(seed=3, calls=12, start=OVER.start, end=OVER.end)
    stage = Stage("agora", world, plan="premium")
    quota = Quota("both", store=":memory:", clock=stage.clock.clock)
    provider, server = toy(stage.clock, quota=quota)

    async def scenario() -> tuple[list[tuple[str, str]], Any]:
        async with (
            stage.provider(quota=quota) as agora,
            provider,
            scan(provider, agora, over=OVER, depth="calls") as records,
        ):
            found = [(record.call.vendor, record.call.call_id) async for record in records]
        return found, records.report

    found, report = run(scenario)
    assert rooms_in(OVER) == sorted(call_id for vendor, call_id in found if vendor == "toy")
    assert sorted(call.call_id for call in world.calls("agora")) == sorted(
        call_id for vendor, call_id in found if vendor == "agora"
    )
    assert report.complete
    assert (0, 0) == (server.refused, stage.server.refused)
    assert len(server.arrivals) == report.vendors["toy"].requests >= 6
    assert server.closed


def test_a_third_party_is_throttled_by_its_own_rates() -> None:
    clock = VirtualClock(EPOCH + 0.3)
    quota = Quota("toy", store=":memory:", clock=clock.clock)
    provider, server = toy(clock, quota=quota)
    other = ToyProvider("k-1", quota=quota, transport=server)

    async def scenario() -> list[list[Call]]:
        found: list[list[Call]] = []

        async def walk(one: ToyProvider) -> None:
            found.append(await one.calls(OVER, page_size=1).collect())

        async with anyio.create_task_group() as group:
            for one in (provider, other, provider):
                group.start_soon(walk, one)
        return found

    found = run(scenario)
    assert [rooms_in(OVER)] * 3 == [sorted(call.call_id for call in calls) for calls in found]
    arrivals = sorted(server.arrivals)
    assert len(arrivals) > 60
    assert 0 == server.refused
    assert max(sum(int(at) == int(other) for other in arrivals) for at in arrivals) <= 3
    assert max(sum(at <= other < at + 1 for other in arrivals) for at in arrivals) <= 3
    assert len(arrivals) / (arrivals[-1] - arrivals[0]) > 1.5, "and it uses what it may"


def test_a_third_party_has_pages_cursors_and_a_certificate_too() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        provider, _ = toy(clock)
        listing = provider.calls(OVER, page_size=3)
        pages = [page async for page in listing.pages()]
        assert listing.certificate.complete
        assert 3 == len(listing.certificate.windows), "six hours at two hours each"
        cut = len(pages) // 2
        rest = await provider.calls(OVER, page_size=3, cursor=pages[cut].cursor).collect()
        items = [call for page in pages[: cut + 1] for call in page.items] + rest
        assert rooms_in(OVER) == sorted({call.call_id for call in items})
        assert {"mood": "fine"} == items[0].extra
        assert "toy" == items[0].vendor

    run(scenario)


def test_a_third_party_is_refused_like_any_other() -> None:
    clock = VirtualClock()
    provider, server = toy(clock, key="wrong")

    async def scenario() -> None:
        with pytest.raises(NotAuthenticated, match="toy"):
            await provider.calls(OVER).collect()
        with pytest.raises(NothingToAsk):
            await provider.calls(TimeRange(NOW + 60, NOW + 90)).collect()
        with pytest.raises(NotOffered, match="toy"):
            provider.sessions(Call(vendor="toy", call_id="r1", channel="n1", created_ts=1))

    run(scenario)
    assert 1 == len(server.arrivals)


def test_a_third_party_has_terms_hooks_and_a_quota_in_numbers_too() -> None:
    clock, heard = VirtualClock(), list[object]()

    async def scenario() -> None:
        provider, server = toy(clock)
        view = provider.with_options(budget=Budget(2), hooks=[heard.append])
        with pytest.raises(BudgetSpent):
            await view.calls(OVER, page_size=3).collect()
        assert 2 == view.receipt.requests == len(server.arrivals)
        assert [("rooms", None)] == [(state.counter, state.left_today) for state in await provider.quota()]

    run(scenario)
    assert {"AskStarted", "SlotGranted", "Attempt", "AskEnded"} <= {type(notice).__name__ for notice in heard}
