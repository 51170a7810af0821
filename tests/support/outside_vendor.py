"""A vendor from outside the package in a few lines, for tests of what the protocol does about its habits.

A test says how its rows are paged and what its server answers; the rest is the plainest provider there can be.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import anyio
import msgspec

from agora_tencent_analytics import (
    Bounds,
    Call,
    Endpoint,
    Limits,
    Newest,
    PageNumber,
    Paginator,
    Param,
    Plan,
    Provider,
    Quota,
    Request,
    Response,
    Session,
    Structure,
    Timeouts,
    TimeRange,
    Vendor,
    scan,
)
from agora_tencent_analytics.vendor import Asked, Over, Packet, Reply
from tests.support.virtual_time import EPOCH, VirtualClock, run

NOW = int(EPOCH)
OVER = TimeRange(NOW - 7_200, NOW - 3_600)
Answer = Callable[[Mapping[str, str]], Any]
"""What the vendor's server says to these parameters: the body as JSON would have it, or a `Response`."""


def row(name: str, model: type[Any], paging: Any, **columns: Any) -> Endpoint[Any]:
    """A question of the vendor's, `call_id` among its parameters where it is about sessions."""
    about = (Param(name="call_id", required=True), Param(name="users", kind="list"))
    facts: dict[str, Any] = {
        "vendor": "toy",
        "generation": "1",
        "path": f"/{name}",
        "payload": "rows",
        "key": ("session_id",) if model is Session else ("call_id",),
        "app": Param(name=""),
        "bounds": Bounds(start="since", end="until", strict=False),
        "params": about if model is Session else (Param(name="channel"),),
        "limits": "any",
        "counter": name,
        "source": "https://toy.test",
        "read_on": "2026-11-01",
        **columns,
    }
    return Endpoint(name=name, model=model, paging=paging, **facts)


NUMBERED = PageNumber(number="page", size="limit", base=0, total="listing")


class OutsideVendor(Vendor):
    name = "toy"
    structure = Structure()

    def authenticate(self, request: Request, row: Endpoint[Any], credentials: Any, *, now: float) -> Request:
        return request

    def unwrap(self, row: Endpoint[Any], response: Response) -> Any:
        return json.loads(response.body)

    def decode(self, row: Endpoint[Any], body: Any, asked: Asked) -> Reply[Any]:
        reply = super().decode(row, body, asked)
        return msgspec.structs.replace(reply, total=body.get("total"), has_more=body.get("has_more"))


class PlainVendor(Vendor):
    """One that replaces nothing."""

    name = "toy"
    structure = Structure()
    authentication = "X-Toy-Key"


class OutsideProvider(Provider):
    """Lists calls by `calls_row`, and sessions by `sessions_row`; forgets whatever filter there is."""

    def __init__(
        self,
        answer: Answer,
        *,
        paging: Any = NUMBERED,
        vendor: Vendor | None = None,
        span_s: int = 7_200,
        page_size: int = 100,
        calls_row: Endpoint[Any] | None = None,
        sessions_row: Endpoint[Any] | None = None,
        clock: VirtualClock | None = None,
        **options: Any,
    ) -> None:
        async def credentials() -> str:
            return "k-1"

        self.calls_row = calls_row or row("calls", Call, paging)
        self.sessions_row = sessions_row or row("sessions", Session, NUMBERED)
        self.endpoints = (self.calls_row, self.sessions_row)
        self.server = _Server(answer)
        limits = Limits(history_s=30 * 86_400, span_s=span_s, page_size=page_size)
        plan = Plan(vendor="toy", name="only", rows={"any": limits}, source="https://toy.test", read_on="2026-11-01")
        super().__init__(
            vendor=vendor or OutsideVendor(),
            app_id="demo",
            plan=plan,
            base_url="https://toy.test",
            account="demo",
            transport=self.server,
            **{
                "credentials": credentials,
                "quota": Quota("toy", store=":memory:", clock=(clock or VirtualClock()).clock),
                **options,
            },
        )

    def calls(
        self, over: Over, *, channel: str | None = None, page_size: int | None = None, cursor: str | None = None
    ) -> Paginator[Call]:
        return self.ask(self.calls_row, over, page_size=page_size, cursor=cursor)

    def sessions(
        self,
        call: Call,
        *,
        users: Sequence[str] | None = None,
        over: TimeRange | None = None,
        cursor: str | None = None,
    ) -> Paginator[Session]:
        return self.ask_about(
            self.sessions_row, call, [Packet(params={"call_id": call.call_id})], over=over, cursor=cursor
        )


class _Server:
    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.asked: list[dict[str, str]] = []

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        await anyio.sleep(0.01)
        parts = urlsplit(request.url)
        params = {"path": parts.path, **dict(parse_qsl(parts.query))}
        self.asked.append(params)
        said = self._answer(params)
        answered()
        if isinstance(said, Response):
            return said
        return Response(status=200, headers={}, body=json.dumps(said).encode())

    async def aclose(self) -> None:
        """Nothing is open."""


def call_rows(moments: Iterable[int], **more: Any) -> list[dict[str, Any]]:
    """A row for each moment, named after its place."""
    return [
        {"vendor": "toy", "call_id": f"c{place}", "created_ts": at, "destroyed_ts": at + 10, **more}
        for place, at in enumerate(moments)
    ]


def inside(rows: Iterable[dict[str, Any]], params: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows whose time is in the window that was asked for."""
    return [one for one in rows if int(params["since"]) <= one["created_ts"] < int(params["until"])]


def listed(provider: OutsideProvider, over: TimeRange = OVER) -> tuple[list[Any], Any]:
    """What a listing of the calls came to, and its certificate."""

    async def scenario() -> tuple[list[Any], Any]:
        listing = provider.calls(over)
        return await listing.collect(), listing.certificate

    return run(scenario)


def scanned(provider: OutsideProvider, over: TimeRange = OVER, **options: Any) -> tuple[list[Any], Any]:
    """The records of a scan, and its report."""

    async def scenario() -> tuple[list[Any], Any]:
        async with scan(provider, over=over, **options) as records:
            found = [record async for record in records]
        return found, records.report

    return run(scenario)


NEWEST = Newest(most=100, at="created_ts")
