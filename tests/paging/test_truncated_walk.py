"""Walks over answers without pages, through the real paginator: once each, resumable, and honest."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import anyio
import attrs
import msgspec
import pytest

from agora_tencent_analytics import (
    AnyOf,
    BadInput,
    Bounds,
    Certificate,
    Endpoint,
    Last,
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
    Structure,
    Timeouts,
    TimeRange,
    TransportError,
    Vendor,
    WindowRefused,
)
from tests.support.virtual_time import EPOCH, VirtualClock, run

HOUR = 3_600
NOW = int(EPOCH)
OVER = TimeRange(NOW - 7 * HOUR, NOW - HOUR)
KINDS: tuple[Callable[..., Newest | AnyOf], ...] = (Newest, AnyOf)
_SOURCE = "https://toy.test/docs"


@attrs.frozen(kw_only=True)
class Moment:
    """One thing that happened."""

    name: str
    ts: int


ROW: Endpoint[Moment] = Endpoint(
    name="moments",
    vendor="toy",
    generation="1",
    model=Moment,
    path="/moments",
    payload="rows",
    key=("name",),
    app=Param(name="project", required=True),
    bounds=Bounds(start="since", end="until", strict=False),
    paging=Newest(most=10, at="ts"),
    limits="moments",
    counter="moments",
    source=_SOURCE,
    read_on="2026-09-01",
)


def plan(history_s: int = 30 * 86_400) -> Plan:
    limits = Limits(rates=(), history_s=history_s, span_s=HOUR, lag_s=5, page_size=10)
    return Plan(vendor="toy", name="only", rows={"moments": limits}, source=_SOURCE, read_on="2026-09-01")


class ToyVendor(Vendor):
    """Says how many rows more there are, if it says anything, and refuses by status 400."""

    name = "toy"
    structure = Structure({Moment: {"name": "id", "ts": "ts"}})

    def authenticate(self, request: Request, row: Endpoint[Any], credentials: Any, *, now: float) -> Request:
        return request

    def unwrap(self, row: Endpoint[Any], response: Response) -> Any:
        body = json.loads(response.body)
        if response.status == 400:
            raise WindowRefused(kind=body["kind"], vendor="toy", code="w", message="no", endpoint=row.name)
        return body

    def decode(self, row: Endpoint[Any], body: Any, asked: Any) -> Any:
        return msgspec.structs.replace(super().decode(row, body, asked), has_more=body.get("more"))


class ToyServer:
    """The vendor's side, as a transport: the newest or any of the rows in a window."""

    def __init__(self, kind: Callable[..., Any], moments: list[int], *, most: int = 10) -> None:
        self.kind, self.most = kind, most
        self.rows: list[dict[str, Any]] = [{"id": f"m{number}", "ts": at} for number, at in enumerate(moments)]
        self.asked: list[TimeRange] = []
        self.more: bool | None = None
        self.spelt = {"project", "since", "until"}
        self.fails: Callable[[TimeRange], Response | Exception | None] = lambda _: None
        self._chance = Random(len(moments))

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        await anyio.sleep(0.01)
        told = dict(parse_qsl(urlsplit(request.url).query))
        assert self.spelt == set(told)
        window = TimeRange(int(told["since"]), int(told["until"]))
        self.asked.append(window)
        failure = self.fails(window)
        if isinstance(failure, Exception):
            raise failure
        answered()
        return failure or Response(status=200, headers={}, body=json.dumps(self._answer(window)).encode())

    def _answer(self, window: TimeRange) -> dict[str, Any]:
        rows = [row for row in self.rows if row["ts"] in window]
        if self.kind is Newest:
            rows = sorted(rows, key=lambda row: -row["ts"])[: self.most]
        else:
            rows = self._chance.sample(rows, min(len(rows), self.most))
        return {"rows": rows, "more": self.more}

    async def aclose(self) -> None:
        """Nothing to close."""


class ToyProvider(Provider):
    """Asks the toy server."""

    endpoints = (ROW,)

    def __init__(
        self,
        server: ToyServer,
        *,
        history_s: int = 30 * 86_400,
        vendor: Vendor | None = None,
        row: Endpoint[Any] | None = None,
    ) -> None:
        async def credentials() -> str:
            return "k"

        quota = Quota("toy", store=":memory:", clock=VirtualClock(EPOCH).clock)
        self.row = row or msgspec.structs.replace(ROW, paging=server.kind(most=server.most, at="ts"))
        self.endpoints = (self.row,)
        super().__init__(
            vendor=vendor or ToyVendor(),
            app_id="demo",
            plan=plan(history_s),
            base_url="https://toy.test",
            credentials=credentials,
            account="demo",
            quota=quota,
            transport=server,
        )

    def calls(self, over: TimeRange | Last, **_: Any) -> Paginator[Any]:
        return self.ask(self.row, over)


def burst(seed: int = 1, rows: int = 400) -> list[int]:
    """A burst in an hour, one in ten minutes, and little between."""
    chance = Random(seed)
    crowd = [OVER.start + 2 * HOUR + chance.randrange(HOUR) for _ in range(rows)]
    rush = [OVER.start + 4 * HOUR + 900 + chance.randrange(600) for _ in range(rows // 4)]
    return crowd + rush + [OVER.start + chance.randrange(6 * HOUR) for _ in range(20)]


def walked(server: ToyServer, **options: Any) -> tuple[list[str], Certificate]:
    async def scenario() -> tuple[list[str], Certificate]:
        async with ToyProvider(server) as provider:
            listing = provider.ask(provider.row, OVER, **options)
            return [moment.name async for moment in listing], listing.certificate

    return run(scenario)


def everything(server: ToyServer) -> list[str]:
    return sorted(str(row["id"]) for row in server.rows)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("most", [10, 20, 100])
@pytest.mark.parametrize("seed", [1, 2])
def test_every_row_comes_once_and_the_certificate_says_so(kind: Any, most: int, seed: int) -> None:
    server = ToyServer(kind, burst(seed), most=most)
    names, certificate = walked(server)
    assert everything(server) == sorted(names)
    assert (True, "", len(names)) == (certificate.complete, certificate.why, certificate.unique)
    share = len(names) / most
    assert len(server.asked) <= (1.2 if kind is Newest else 3) * share + 6
    assert len(server.asked) == certificate.requests
    pieces = sorted(window.over for window in certificate.windows)
    assert (OVER.start, OVER.end) == (pieces[0].start, pieces[-1].end)
    assert all(one.end == other.start for one, other in pairwise(pieces))
    assert sum(window.pages for window in certificate.windows) == certificate.requests
    assert sum(window.duplicates for window in certificate.windows) == certificate.duplicates


@pytest.mark.parametrize("kind", KINDS)
def test_a_cursor_cut_after_each_page_gives_each_row_once_for_little_more(kind: Any) -> None:
    whole = ToyServer(kind, burst())
    walked(whole)
    server = ToyServer(kind, burst())

    async def scenario() -> tuple[list[str], list[int]]:
        names: list[str] = []
        lengths: list[int] = []
        cursor = None
        while True:
            async with ToyProvider(server) as provider:
                page = await anext(provider.ask(provider.row, OVER, cursor=cursor).pages(), None)
            if page is None:
                return names, lengths
            cursor = page.cursor
            names += [moment.name for moment in page.items]
            lengths.append(len(page.cursor))

    names, lengths = run(scenario)
    assert everything(server) == sorted(names)
    assert len(server.asked) <= 1.15 * len(whole.asked) + 2
    assert max(lengths) < 8_000


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_that_overflows_is_named_and_the_rest_is_read(kind: Any) -> None:
    crowded = OVER.start + 5 * HOUR + 77
    server = ToyServer(kind, [*burst(), *[crowded] * 35])
    names, certificate = walked(server)
    lost = set(everything(server)) - set(names)
    assert lost
    assert lost <= {str(row["id"]) for row in server.rows if row["ts"] == crowded}
    assert len(names) == len(set(names))
    assert not certificate.complete
    assert [TimeRange(crowded, crowded + 1)] == [window.over for window in certificate.windows if not window.complete]
    assert "more happened in this second" in certificate.why


@pytest.mark.parametrize("rows", [0, 5, 60])
def test_a_has_more_that_lies_ends_incomplete_with_every_row(rows: int) -> None:
    server = ToyServer(Newest, burst(rows=rows * 4) if rows else [])
    server.more = True
    names, certificate = walked(server)
    assert everything(server) == sorted(names)
    assert (False, True) == (certificate.complete, certificate.finished)
    assert "says that more exists" in certificate.why
    assert len(server.asked) <= 1.3 * len(names) / 10 + 6 * 9


@pytest.mark.parametrize("kind", KINDS)
def test_after_a_failure_the_walk_goes_on_where_it_stood(kind: Any) -> None:
    server = ToyServer(kind, burst())
    broken = TransportError("gone", endpoint="moments", phase="read", timed_out=False)
    server.fails = lambda _: broken if len(server.asked) % 4 == 0 else None

    async def scenario() -> tuple[list[str], int, Certificate]:
        async with ToyProvider(server) as provider:
            listing = provider.ask(provider.row, OVER)
            pages, failures = listing.pages(), 0
            names: list[str] = []
            while True:
                try:
                    page = await anext(pages, None)
                except TransportError:
                    failures += 1
                    continue
                if page is None:
                    return names, failures, listing.certificate
                names += [moment.name for moment in page.items]

    names, _, certificate = run(scenario)
    assert everything(server) == sorted(names)
    assert certificate.complete


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_given_up_leaves_what_lies_behind_it_to_be_read(kind: Any) -> None:
    server = ToyServer(kind, burst())

    async def scenario() -> tuple[list[str], TimeRange | None, Certificate]:
        async with ToyProvider(server) as provider:
            listing = provider.ask(provider.row, OVER)
            pages, names, given_up = listing.pages(), [], None
            for number in range(2_000):
                if number == 8:
                    given_up = pages.skip("enough of it")
                page = await anext(pages, None)
                if page is None:
                    break
                names += [moment.name for moment in page.items]
            return names, given_up, listing.certificate

    names, given_up, certificate = run(scenario)
    assert given_up is not None
    lost = set(everything(server)) - set(names)
    assert lost <= {str(row["id"]) for row in server.rows if row["ts"] in given_up}
    (told,) = (window for window in certificate.windows if not window.complete)
    assert (given_up, 0, 0) == (told.over, told.pages, told.unique), "not those of the piece before it"


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_refused_as_too_much_is_halved_and_nothing_is_lost(kind: Any) -> None:
    server = ToyServer(kind, burst())
    refusal = Response(status=400, headers={}, body=b'{"kind": "too_much"}')

    def fails(window: TimeRange) -> Response | None:
        return refusal if window.seconds > 1_000 or (window.seconds > 20 and len(server.asked) % 5 == 0) else None

    server.fails = fails
    names, certificate = walked(server)
    assert everything(server) == sorted(names)
    assert certificate.complete


def test_what_the_vendor_forgets_on_the_way_is_reported_and_the_rest_is_read() -> None:
    server = ToyServer(AnyOf, burst())

    async def scenario() -> tuple[list[str], Certificate]:
        async with ToyProvider(server, history_s=7 * HOUR + 200) as provider:
            listing, names = provider.ask(provider.row, OVER), []
            async for page in listing.pages():
                names += [moment.name for moment in page.items]
                if 12 == len(server.asked):
                    await anyio.sleep(2.5 * HOUR)
            return names, listing.certificate

    names, certificate = run(scenario)
    forgotten = [piece.over for piece in certificate.clipped if piece.reason == "history"]
    assert forgotten
    lost = set(everything(server)) - set(names)
    assert lost <= {str(row["id"]) for row in server.rows if any(row["ts"] in over for over in forgotten)}
    assert not certificate.complete


def test_a_row_without_its_moment_is_lost_and_told() -> None:
    server = ToyServer(Newest, [])
    body = b'{"rows": [{"id": "a", "ts": null}]}'
    server.fails = lambda _: Response(status=200, headers={}, body=body)
    _, certificate = walked(server)
    (lost,) = certificate.lost
    assert ("'ts' is null", '{"id": "a", "ts": null}', False) == (lost.reason, lost.text, certificate.complete)


def test_the_ceiling_of_requests_ends_a_walk_in_the_middle_and_says_so() -> None:
    for kind in KINDS:
        server = ToyServer(kind, burst())
        _, certificate = walked(server, max_requests=9)
        assert (9, False) == (len(server.asked), certificate.complete)
        assert "ceiling" in certificate.why


def test_no_page_size_can_be_asked_for() -> None:
    with pytest.raises(BadInput, match="no pages"):
        walked(ToyServer(AnyOf, []), page_size=5)


class Drifting(ToyVendor):
    """Rows that are not identified, on pages whose total never stands still."""

    def __init__(self) -> None:
        self.total = 10

    def decode(self, row: Endpoint[Any], body: Any, asked: Any) -> Any:
        self.total += 1
        reply = super().decode(row, body, asked)
        return msgspec.structs.replace(reply, ids=[moment.name for moment in reply.items], total=self.total)


def test_drift_of_rows_that_are_not_identified_ends_after_two_barren_levels_and_drops_none() -> None:
    server = ToyServer(Newest, [OVER.start + 10, OVER.start + 11])
    server.rows[1]["id"] = server.rows[0]["id"]

    server.spelt |= {"page", "size"}
    row = msgspec.structs.replace(ROW, key=(), paging=PageNumber(number="page", size="size", base=0, total="listing"))

    async def scenario() -> tuple[list[str], Certificate]:
        async with ToyProvider(server, vendor=Drifting(), row=row) as provider:
            listing = provider.ask(provider.row, TimeRange(OVER.start, OVER.start + HOUR))
            return [moment.name for moment in await listing.collect()], listing.certificate

    names, certificate = run(scenario)
    assert {"m0"} == set(names)
    assert (len(names), 0) == (certificate.unique, certificate.duplicates)
    assert len(names) >= 2
    assert "levels of halves brought nothing new" in certificate.why
    assert len(server.asked) < 100
