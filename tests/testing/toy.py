"""A good vendor and its contract, of which the tests make wrong ones by changing one thing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from agora_tencent_analytics.testing import ProviderContract
from agora_tencent_analytics.vendor import (
    DAY,
    Bounds,
    Call,
    Endpoint,
    Limits,
    MetricSeries,
    Over,
    Packet,
    PageNumber,
    Paginator,
    Param,
    Plan,
    Points,
    Provider,
    Rate,
    Request,
    Response,
    Session,
    Structure,
    TimeRange,
    Unpaged,
    Vendor,
    join_series,
)

OVER = TimeRange(1_790_000_000, 1_790_003_600)
KEY = "k-1-is-a-secret"
NUMBERED = PageNumber(number="page", size="limit", base=0, total="listing")
_FACTS: dict[str, Any] = {
    "vendor": "toy",
    "payload": "rows",
    "bounds": Bounds(start="since", end="until"),
    "total_key": "total",
    "more_key": "more",
    "next_key": "next",
    "limits": "any",
    "counter": "api",
    "source": "https://toy.test",
    "read_on": "2026-11-01",
}


class ToyVendor(Vendor):
    name = "toy"
    structure = Structure({Session: {"session_id": "id"}, Call: {"call_id": "id"}})
    authentication = "X-Toy-Key"


class ToyProvider(Provider):
    """Calls, sessions and metrics of the toy."""

    paging: Any = NUMBERED
    listing: Bounds = Bounds(start="since", end="until")
    about: Bounds = listing
    vendor: Vendor = ToyVendor()
    rates: tuple[Rate, ...] = (Rate(5, 1), Rate(2_000, DAY))
    concurrent: int | None = None

    def __init__(self, *, key: str = KEY, base_url: str = "https://toy.test", **options: Any) -> None:
        self.rooms: Endpoint[Call] = Endpoint(
            name="rooms",
            model=Call,
            path="/rooms",
            key=("call_id",),
            params=(Param(name="channel"),),
            paging=self.paging,
            **{**_FACTS, "bounds": self.listing},
        )
        self.people: Endpoint[Session] = Endpoint(
            name="people",
            model=Session,
            path="/rooms/{room}/people",
            key=("session_id",),
            params=(Param(name="room"), Param(name="users", kind="list")),
            given={"call_id": "room"},
            paging=NUMBERED,
            **{**_FACTS, "bounds": self.about},
        )
        self.logs: Endpoint[MetricSeries] = Endpoint(
            name="logs",
            model=MetricSeries,
            path="/rooms/{room}/logs",
            params=(Param(name="room"),),
            given={"call_id": "room"},
            paging=Unpaged(total="none"),
            points=Points(at="at", session="who", metrics={"rtt": "rtt"}),
            **_FACTS,
        )
        self.endpoints = (self.rooms, self.people, self.logs)
        limits = Limits(rates=self.rates, concurrent=self.concurrent, history_s=30 * DAY, span_s=DAY, page_size=4)
        plan = Plan(vendor="toy", name="only", rows={"any": limits}, source="https://toy.test", read_on="2026-11-01")
        super().__init__(vendor=self.vendor, plan=plan, base_url=base_url, keys=key, **options)

    def calls(
        self, over: Over, *, channel: str | None = None, page_size: int | None = None, cursor: str | None = None
    ) -> Paginator[Call]:
        return self.ask(self.rooms, over, channel=channel, page_size=page_size, cursor=cursor)

    def sessions(
        self,
        call: Call,
        *,
        users: Sequence[str] | None = None,
        over: TimeRange | None = None,
        cursor: str | None = None,
    ) -> Paginator[Session]:
        packet = Packet(params={"room": call.call_id, "users": users}, some=users is not None)
        return self.ask_about(self.people, call, [packet], over=over, cursor=cursor)

    def metrics(
        self, call: Call, sessions: Iterable[Session], *, over: TimeRange | None = None, cursor: str | None = None
    ) -> Paginator[MetricSeries]:
        packet = Packet(params={"room": call.call_id}, sessions=list(sessions))
        return self.ask_about(self.logs, call, [packet], over=over, merge=join_series, cursor=cursor)


def room(number: int) -> dict[str, Any]:
    start = OVER.start + 100 * number
    return {"id": f"c{number}", "channel": f"room-{number % 2}", "created_ts": start, "destroyed_ts": start + 90}


ROOMS = [room(number) for number in range(9)]


class ToyContract(ProviderContract):
    """The good one."""

    over = OVER
    call_ids = frozenset(one["id"] for one in ROOMS)
    secrets = (KEY,)
    kind: ClassVar[type[ToyProvider]] = ToyProvider

    def provider(self, **options: Any) -> Provider:
        return self.kind(**options)

    def answer(self, request: Request, now: float) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        if headers.get("x-toy-key") != KEY:
            return said({}, status=401)
        parts = urlsplit(request.url)
        asked = dict(parse_qsl(parts.query))
        _, *path = unquote(parts.path).split("/")
        return said(self.body(path, asked))

    def body(self, path: list[str], asked: dict[str, str]) -> Any:
        """What a good answer says."""
        if path == ["rooms"]:
            return self.page(self.found(asked), asked)
        (number,) = (place for place, one in enumerate(ROOMS) if one["id"] == path[1])
        start = ROOMS[number]["created_ts"]
        if path[2] == "people":
            people = [
                {"id": f"{path[1]}-{name}", "user_id": name, "join_ts": start + 1, "leave_ts": start + 80}
                for name in ("ann", "bob", "cy")
            ]
            wanted = asked.get("users", "ann,bob,cy").split(",")
            return self.page([one for one in people if one["user_id"] in wanted], asked)
        moments = range(start + 5, start + 80, 15)
        inside = [at for at in moments if int(asked["since"]) <= at < int(asked["until"])]
        whose = [f"{path[1]}-{name}" for name in ("ann", "bob", "cy")]
        return {"rows": [{"at": at, "who": who, "rtt": 7} for who in whose for at in inside]}

    def found(self, asked: dict[str, str]) -> list[dict[str, Any]]:
        """The rooms that are asked for, oldest first."""
        since, until = int(asked["since"]), int(asked["until"])
        rows = [dict(one) for one in ROOMS if one["created_ts"] < until and one["destroyed_ts"] >= since]
        return [one for one in rows if asked.get("channel") in (None, one["channel"])]

    def page(self, rows: list[Any], asked: dict[str, str]) -> dict[str, Any]:
        """One page of them."""
        at, size = int(asked["page"]) * int(asked["limit"]), int(asked["limit"])
        return {"rows": rows[at : at + size], "total": len(rows), "more": at + size < len(rows)}


def said(body: Any, *, status: int = 200) -> Response:
    return Response(status=status, headers={}, body=body if isinstance(body, bytes) else json.dumps(body).encode())
