"""The contract of providers: ours pass it as anybody's would, and so does a plain one."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar

import msgspec
import pytest

from agora_tencent_analytics import AgoraProvider, NextPage, RateLimited, TencentProvider, TimeRange
from agora_tencent_analytics.limits import AtOnce
from agora_tencent_analytics.simulator import SimulatedAgora, SimulatedTencent, SimulatedVendor, World
from agora_tencent_analytics.testing import ProviderContract
from agora_tencent_analytics.vendor import DAY, Bounds, Newest, Packet, Provider, Request, Response
from tests.testing.toy import OVER, ROOMS, ToyContract, ToyProvider

WORLD = World(seed=5, calls=7, start=OVER.start, end=OVER.end)


def now_of(driven: Coroutine[Any, Any, Any]) -> Any:
    """What comes of something that need not wait."""
    try:
        driven.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


class Simulated(ProviderContract):
    """A contract against a simulated vendor."""

    over = OVER
    now = OVER.end + 1_800
    kind: ClassVar[str] = ""

    _arrived = 0.0

    @cached_property
    def server(self) -> SimulatedVendor:
        clocks: dict[str, Any] = {"clock": lambda: self._arrived, "monotonic": lambda: self._arrived}
        made = SimulatedAgora if self.kind == "agora" else SimulatedTencent
        return made(WORLD, plan="unlimited", **clocks)

    def answer(self, request: Request, now: float) -> Response:
        self._arrived = now
        url = request.url.replace("127.0.0.1", "vendor.test")
        status, headers, body = now_of(self.server.answer(request.method, url, request.headers, request.body))
        return Response(status=status, headers={name.lower(): value for name, value in headers.items()}, body=body)


class TestAgora(Simulated):
    """Agora, as it was before there was a contract."""

    kind = "agora"
    call_ids = frozenset(call.call_id for call in WORLD.calls("agora"))
    secrets = ("SECRET",)

    def provider(self, **options: Any) -> Provider:
        given: dict[str, Any] = {**self.server.credentials, "plan": "premium", **options}
        return AgoraProvider(**given)


class TestTencent(Simulated):
    """Tencent, likewise."""

    kind = "tencent"
    call_ids = frozenset(call.call_id for call in WORLD.calls("tencent"))

    def provider(self, **options: Any) -> Provider:
        given: dict[str, Any] = {**self.server.credentials, "plan": "advanced", "region": "ap-singapore", **options}
        return TencentProvider(**given)


class TestToy(ToyContract):
    """A vendor whose pages have numbers."""


class TestNewest(ToyContract):
    """A vendor that gives the newest of a window."""

    class kind(ToyProvider):
        paging = Newest(most=4, at="created_ts")

    def page(self, rows: list[Any], asked: dict[str, str]) -> dict[str, Any]:
        if "page" in asked:
            return super().page(rows, asked)
        return {"rows": rows[::-1][:4], "total": len(rows)}


TOKENS = NextPage(send="after", size="limit")


class TestTokens(ToyContract):
    """A vendor whose pages are tokens."""

    class kind(ToyProvider):
        paging = TOKENS

    def page(self, rows: list[Any], asked: dict[str, str]) -> dict[str, Any]:
        if "page" in asked:
            return super().page(rows, asked)
        at, size = int(asked.get("after", "0")), int(asked["limit"])
        onward = str(at + size) if at + size < len(rows) else None
        return {"rows": rows[at : at + size], "total": len(rows), "next": onward}


class TestLinksInHeaders(ToyContract):
    """A vendor that names the next page in a header, spelt as people spell it."""

    class kind(ToyProvider):
        paging = NextPage(size="limit", header=True)

    def answer(self, request: Request, now: float) -> Response:
        found = super().answer(request, now)
        onward = (msgspec.json.decode(found.body) or {}).get("next") if found.status == 200 else None
        return Response(status=found.status, headers={"Link": onward} if onward else {}, body=found.body)

    def page(self, rows: list[Any], asked: dict[str, str]) -> dict[str, Any]:
        if "page" in asked:
            return super().page(rows, asked)
        at, size = int(asked.get("at", "0")), int(asked["limit"])
        onward = f'<https://toy.test/rooms?limit={size}&at={at + size}>; rel="next"' if at + size < len(rows) else None
        return {"rows": rows[at : at + size], "next": onward}


class TestWholeDays(ToyContract):
    """A vendor that is asked about whole days, and has other calls on them."""

    class kind(ToyProvider):
        listing = Bounds(start="since", end="until", form="day")

    empty = TimeRange(OVER.start - 3 * DAY, OVER.start - 2 * DAY)

    def body(self, path: list[str], asked: dict[str, str]) -> Any:
        if path == ["rooms"]:
            since, until = map(datetime.fromisoformat, (asked["since"], asked["until"]))
            first, last = since.replace(tzinfo=UTC).timestamp(), until.replace(tzinfo=UTC).timestamp() + DAY
            asked = {**asked, "since": f"{first:.0f}", "until": f"{last:.0f}"}
        return super().body(path, asked)

    def found(self, asked: dict[str, str]) -> list[dict[str, Any]]:
        early = {**ROOMS[0], "id": "early", "created_ts": OVER.start - 900, "destroyed_ts": OVER.start - 800}
        return [
            *([early] if int(asked["since"]) < early["created_ts"] < int(asked["until"]) else []),
            *super().found(asked),
        ]


class TestRunning(ToyContract):
    """A vendor of which the first calls still run, and whose sessions are asked for without a range, on pages."""

    class kind(ToyProvider):
        about = Bounds()

        def sessions(self, call: Any, *, over: Any = None, cursor: str | None = None, **options: Any) -> Any:
            packet = Packet(params={"room": call.call_id})
            return self.ask_about(
                msgspec.structs.replace(self.people, paging=TOKENS), call, [packet], over=over, cursor=cursor
            )

    def body(self, path: list[str], asked: dict[str, str]) -> Any:
        if path[-1] == "people":
            people = super().body(path, {"page": "0", "limit": "9"})["rows"]
            at = int(asked.get("after", "0"))
            return {"rows": people[at : at + 2], "next": str(at + 2) if at + 2 < len(people) else None}
        return super().body(path, asked)

    def found(self, asked: dict[str, str]) -> list[dict[str, Any]]:
        running = {"destroyed_ts": None, "finished": False}
        return [{**one, **(running if one["id"] in ("c0", "c1") else {})} for one in super().found(asked)]


@pytest.mark.parametrize(("places", "too_many"), [(2, False), (8, True)])
def test_requests_under_way_at_the_same_time_are_counted_too(places: int, too_many: bool) -> None:
    """By a vendor that allows two, under plans that say two and eight."""

    class Places(ToyContract):
        class kind(ToyProvider):
            rates = ()
            concurrent = places

        def _counted(self, provider: Provider) -> Any:
            return {name: (counter, (AtOnce(2),)) for name, (counter, _) in super()._counted(provider).items()}

    test = Places().test_the_vendor_is_never_asked_faster_than_its_plan_allows
    if not too_many:
        test()
        return
    with pytest.raises(ExceptionGroup) as refused:
        test()
    assert refused.group_contains(RateLimited)


def test_a_contract_wants_a_provider_and_answers() -> None:
    class Empty(ProviderContract):
        over = TimeRange(1, 2)

    with pytest.raises(NotImplementedError, match="provider"):
        Empty().test_every_row_is_of_this_vendor_and_says_where_it_was_read()
    with pytest.raises(NotImplementedError, match="answer"):
        Empty().answer(Request(method="GET", url="https://toy.test"), 0)


def test_a_row_is_a_value() -> None:
    made = ToyProvider()
    assert made.rooms == msgspec.structs.replace(made.rooms)
