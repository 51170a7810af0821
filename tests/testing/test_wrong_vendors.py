"""Vendors and providers that are wrong: each is caught by the contract, or its scan is incomplete and says why."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from msgspec.structs import replace

from agora_tencent_analytics import Quota, scan
from agora_tencent_analytics.testing import ProviderContract, VirtualClock, run
from agora_tencent_analytics.testing.servers import InProcess
from agora_tencent_analytics.vendor import (
    AnyOf,
    Call,
    Newest,
    NextPage,
    Paginator,
    Points,
    Rate,
    Reply,
    Request,
    Response,
    Session,
    Structure,
    Unpaged,
)
from tests.testing.toy import KEY, ROOMS, ToyContract, ToyProvider, ToyVendor, said

Wrong = type[ToyContract]
WRONG: dict[str, tuple[Wrong, str]] = {}
"""Each with a part of what is said: by a test of the contract, or in the report of the scan."""


def wrong(says: str) -> Callable[[Wrong], Wrong]:
    def note(contract: Wrong) -> Wrong:
        WRONG[contract.__name__] = contract, says
        return contract

    return note


def paged(paging: Any) -> type[ToyProvider]:
    return type("Paged", (ToyProvider,), {"paging": paging})


class Whole(ToyContract):
    """All rows in one answer, whatever its paging."""

    def page(self, rows: list[Any], asked: dict[str, str]) -> dict[str, Any]:
        return super().page(rows, asked) if "page" in asked else self.whole(rows)

    def whole(self, rows: list[Any]) -> dict[str, Any]:
        return {"rows": rows}


# -- totals, order, pages ---------------------------------------------------------------------------------------


@wrong("not in the order")
class OldestFirst(Whole):
    kind = paged(Newest(most=4, at="created_ts"))

    def whole(self, rows: list[Any]) -> dict[str, Any]:
        return {"rows": rows[:4]}


@wrong("the vendor counts 9 rows")
class NoOrder(Whole):
    kind = paged(Newest(most=4, at="created_ts", order="none"))

    def whole(self, rows: list[Any]) -> dict[str, Any]:
        return {"rows": rows[:4], "total": len(rows)}


@wrong("counts 999 rows")
class ConstantTotalOfNewest(Whole):
    kind = paged(Newest(most=4, at="created_ts"))

    def whole(self, rows: list[Any]) -> dict[str, Any]:
        return {"rows": rows[::-1][:4], "total": 999}


@wrong("counts 999 rows")
class ConstantTotal(ToyContract):
    def page(self, rows: list[Any], asked: dict[str, str]) -> dict[str, Any]:
        return {**super().page(rows, asked), "total": 999}


@wrong("the vendor counts 3 rows, and 0 came")
class TotalTooSmall(ToyContract):
    def page(self, rows: list[Any], asked: dict[str, str]) -> dict[str, Any]:
        return {**super().page(rows, asked), "total": 3, "more": None}


@wrong("more exists, in an answer without pages")
class MoreInOnePiece(Whole):
    kind = paged(Unpaged())

    def whole(self, rows: list[Any]) -> dict[str, Any]:
        return {"rows": rows[:2], "more": True}


@wrong("counts 9 rows, and 2 came")
class CutInOnePiece(Whole):
    kind = paged(Unpaged())

    def whole(self, rows: list[Any]) -> dict[str, Any]:
        return {"rows": rows[:2], "total": len(rows)}


@wrong("more exists")
class MoreForEver(ToyContract):
    def page(self, rows: list[Any], asked: dict[str, str]) -> dict[str, Any]:
        return {**super().page(rows, asked), "more": True}


@wrong("was not reached|calls are missing|came twice|rows moved|halves brought nothing new")
class PageThatRepeats(ToyContract):
    def page(self, rows: list[Any], asked: dict[str, str]) -> dict[str, Any]:
        return super().page(rows, {**asked, "page": "0"})


@wrong("calls are missing")
class EmptyPageAmid(ToyContract):
    def page(self, rows: list[Any], asked: dict[str, str]) -> dict[str, Any]:
        found = super().page(rows, asked)
        return {**found, "rows": [] if asked["page"] == "1" else found["rows"]}


class Tokens(Whole):
    kind = paged(NextPage(send="after", size="limit"))

    def page(self, rows: list[Any], asked: dict[str, str]) -> dict[str, Any]:
        if "page" in asked:
            return super().page(rows, asked)
        at, size = int(asked.get("after", "0")), int(asked["limit"])
        onward = str(at + size) if at + size < len(rows) else None
        return self.token({"rows": rows[at : at + size], "next": onward, "total": len(rows)}, at)

    def token(self, page: dict[str, Any], at: int) -> dict[str, Any]:
        return page


@wrong("read before")
class TokenThatRepeats(Tokens):
    def token(self, page: dict[str, Any], at: int) -> dict[str, Any]:
        return {**page, "next": "0"}


@wrong("calls are missing")
class TokenForgotten(Tokens):
    def token(self, page: dict[str, Any], at: int) -> dict[str, Any]:
        return {**page, "next": None}


@wrong("more exists")
class TokenForgottenWhileMoreExists(Tokens):
    def token(self, page: dict[str, Any], at: int) -> dict[str, Any]:
        return {"rows": page["rows"], "next": None, "more": True}


@wrong("requests for one window brought nothing new")
class TokensForEver(Tokens):
    def token(self, page: dict[str, Any], at: int) -> dict[str, Any]:
        return {"rows": [], "next": str(at + 1)}


@wrong("400")
class TokenRefused(Tokens):
    def body(self, path: list[str], asked: dict[str, str]) -> Any:
        return b"" if "after" in asked else super().body(path, asked)

    def answer(self, request: Request, now: float) -> Response:
        return said({}, status=400) if "after=" in request.url else super().answer(request, now)


@wrong("more happened in this second|answers are full|are full")
class AnyOfEverything(Whole):
    kind = paged(AnyOf(most=3, at="created_ts"))

    def found(self, asked: dict[str, str]) -> list[dict[str, Any]]:
        return [dict(one) for one in ROOMS]

    def whole(self, rows: list[Any]) -> dict[str, Any]:
        return {"rows": rows[:3]}


# -- filters, whose rows, which kinds ---------------------------------------------------------------------------


@wrong("but not calls of channel")
class ChannelSpeltOtherwise(ToyContract):
    def found(self, asked: dict[str, str]) -> list[dict[str, Any]]:
        return [
            {**one, "channel": one["channel"].upper() if "channel" in asked else one["channel"]}
            for one in super().found(asked)
        ]


@wrong("begins after the range|not asked for|missing, strange")
class RangeForgotten(ToyContract):
    def found(self, asked: dict[str, str]) -> list[dict[str, Any]]:
        return [
            *map(dict, ROOMS),
            {**ROOMS[0], "id": "late", "created_ts": 1_790_009_000, "destroyed_ts": 1_790_009_001},
        ]


@wrong("missing, strange")
class CallsOfAnotherVendor(ToyContract):
    class kind(ToyProvider):
        class Renaming(ToyVendor):
            def decode(self, row: Any, body: Any, asked: Any) -> Reply[Any]:
                reply = super().decode(row, body, asked)
                return replace(reply, items=[attrs.evolve(one, vendor="other") for one in reply.items])

        vendor = Renaming()


def decoding(change: Callable[[Any], Any]) -> type[ToyProvider]:
    class Changed(ToyVendor):
        def decode(self, row: Any, body: Any, asked: Any) -> Reply[Any]:
            reply = super().decode(row, body, asked)
            return replace(reply, items=[change(one) for one in reply.items], ids=()) if row.model is Call else reply

    return type("Changed", (ToyProvider,), {"vendor": Changed()})


@wrong("created_ts must be int")
class NaiveTimes(ToyContract):
    kind = decoding(lambda call: attrs.evolve(call, created_ts=call.created_ts + 0.5))


@wrong("call_id must be str")
class NumbersAsIds(ToyContract):
    kind = decoding(lambda call: attrs.evolve(call, call_id=int(call.call_id[1:])))


@wrong("where Call was due")
class DictsForRecords(ToyContract):
    kind = decoding(attrs.asdict)


@wrong("empty call_id")
class NoIds(ToyContract):
    kind = decoding(lambda call: attrs.evolve(call, call_id=""))


@wrong("calls are missing")
class OneIdForAll(ToyContract):
    kind = decoding(lambda call: attrs.evolve(call, call_id="c0"))


@wrong("ZeroDivisionError|division")
class ExceptionInDecode(ToyContract):
    kind = decoding(lambda call: 1 / 0)


@wrong("cannot be read")
class DatesWithoutZone(ToyContract):
    def found(self, asked: dict[str, str]) -> list[dict[str, Any]]:
        return [{**one, "created_ts": "2026-09-21T14:13:20"} for one in super().found(asked)]


@wrong("cannot be read")
class RowsWithoutTime(ToyContract):
    def found(self, asked: dict[str, str]) -> list[dict[str, Any]]:
        return [{**one, "created_ts": None} for one in super().found(asked)]


@wrong("generator")
class ItemsThatNeverEnd(ToyContract):
    class kind(ToyProvider):
        class Endless(ToyVendor):
            def decode(self, row: Any, body: Any, asked: Any) -> Reply[Any]:
                return Reply(items=(one for one in iter(int, 1)))  # type: ignore[arg-type]

        vendor = Endless()


@wrong("a provider answers with a Paginator")
class GeneratorForPaginator(ToyContract):
    class kind(ToyProvider):
        def calls(self, over: Any, **options: Any) -> Paginator[Call]:
            return (one for one in iter(int, 1))  # type: ignore[return-value]


@wrong("but not sessions of call")
class SessionsOfAnotherCall(ToyContract):
    class kind(ToyProvider):
        def sessions(self, call: Call, **options: Any) -> Paginator[Session]:
            return super().sessions(attrs.evolve(call, call_id="c1" if call.call_id == "c0" else "c0"), **options)


@wrong("share the id 'same'")
class SessionIdsThatAreNone(ToyContract):
    def body(self, path: list[str], asked: dict[str, str]) -> Any:
        found = super().body(path, asked)
        if path[-1] == "people":
            found["rows"] = [{**one, "id": "same"} for one in found["rows"]]
        return found


@wrong("without any of its|points|in pieces")
class SeriesInPieces(ToyContract):
    class kind(ToyProvider):
        def metrics(self, call: Call, sessions: Any, **options: Any) -> Any:
            found = super().metrics(call, sessions, **options)
            found._merge = lambda pieces: [*pieces, *pieces]
            return found


def measured(points: Points) -> type[ToyProvider]:
    class Measured(ToyProvider):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.logs = replace(self.logs, points=points)
            self.endpoints = (self.rooms, self.people, self.logs)

    return Measured


@wrong("without a metric of its `points`")
class MetricMisspelt(ToyContract):
    kind = measured(Points(at="at", session="who", metrics={"RTT": "rtt"}))


@wrong("no series came of 'rtt'")
class PointsThatAreNone(ToyContract):
    kind = measured(Points(pairs="points", metric="kind", session="who", metrics={"rtt": "rtt"}))

    def body(self, path: list[str], asked: dict[str, str]) -> Any:
        found = super().body(path, asked)
        if path[-1] != "logs":
            return found
        return {"rows": [{"who": f"{path[1]}-{name}", "kind": "rtt", "points": None} for name in ("ann", "bob", "cy")]}


@wrong("no series came of session 'c0-cy'")
class SeriesOfTheFirstAlone(ToyContract):
    def body(self, path: list[str], asked: dict[str, str]) -> Any:
        found = super().body(path, asked)
        return {"rows": [one for one in found["rows"] if one["who"].endswith("ann")]} if path[-1] == "logs" else found


@wrong("of a session other series come alone")
class FirstPacketAlone(ToyContract):
    class kind(ToyProvider):
        def metrics(self, call: Call, sessions: Any, **options: Any) -> Any:
            return super().metrics(call, list(sessions)[:1], **options)


@wrong("no series came of 'jitter'")
class MetricThatNeverComes(ToyContract):
    kind = measured(Points(at="at", session="who", metrics={"rtt": "rtt", "jitter": "jitter"}))


@wrong("is not in METRICS: call it toy.latency")
class MetricOutsideOfTheVocabulary(ToyContract):
    kind = measured(Points(at="at", session="who", metrics={"rtt": "latency"}))


@wrong("KeyError: 'session'")
class SessionOfPointsMisspelt(ToyContract):
    kind = measured(Points(at="at", session="session", metrics={"rtt": "rtt"}))


@wrong("'rtt' cannot be read as it was sent")
class ValuesThatAreTexts(ToyContract):
    def body(self, path: list[str], asked: dict[str, str]) -> Any:
        found = super().body(path, asked)
        return {"rows": [{**one, "rtt": "7 ms"} for one in found["rows"]]} if path[-1] == "logs" else found


# -- errors, authentication, limits -----------------------------------------------------------------------------


@wrong("were refused|HTTP 429")
class PlanFasterThanTheVendor(ToyContract):
    class kind(ToyProvider):
        rates = (Rate(50, 1),)

    def __init__(self) -> None:
        self.seconds: dict[int, int] = {}

    def answer(self, request: Request, now: float) -> Response:
        self.seconds[int(now)] = self.seconds.get(int(now), 0) + 1
        return said({}, status=429) if self.seconds[int(now)] > 5 else super().answer(request, now)


@wrong("no vendor allows any number")
class Unlimited(ToyContract):
    class kind(ToyProvider):
        rates = ()


@wrong("'rows'|no answer")
class ErrorsInGoodAnswers(ToyContract):
    def answer(self, request: Request, now: float) -> Response:
        return said({"error": "you may not"})


@wrong("HTTP 200")
class ErrorInOtherWords(ToyContract):
    class kind(ToyProvider):
        class Coded(ToyVendor):
            code_key = "error.code"

        vendor = Coded()

    def answer(self, request: Request, now: float) -> Response:
        return said({"rows": [], "total": 0, "error": "the backend is down"})


@wrong("0 calls came")
class StatusesNotLookedAt(ToyContract):
    class kind(ToyProvider):
        class Trusting(ToyVendor):
            def unwrap(self, row: Any, response: Response) -> Any:
                return json.loads(response.body or b'{"rows": []}')

        vendor = Trusting()


@wrong("0 calls came")
class NoAnswerIsAnEmptyOne(ToyContract):
    class kind(ToyProvider):
        class Lenient(ToyVendor):
            def decode(self, row: Any, body: Any, asked: Any) -> Reply[Any]:
                return super().decode(row, {"rows": [], **body}, asked)

        vendor = Lenient()


@wrong("401")
class KeyForgotten(ToyContract):
    class kind(ToyProvider):
        class Silent(ToyVendor):
            def authenticate(self, request: Request, row: Any, credentials: Any, *, now: float) -> Request:
                return request

        vendor = Silent()


@wrong("a secret is seen")
class SecretShown(ToyContract):
    class kind(ToyProvider):
        def __repr__(self) -> str:
            return f"<ToyProvider {KEY}>"


@wrong("ValueError")
class BodiesInErrors(ToyContract):
    class kind(ToyProvider):
        class Telling(ToyVendor):
            def unwrap(self, row: Any, response: Response) -> Any:
                if response.status == 400:
                    raise ValueError(response.body)
                return super().unwrap(row, response)

        vendor = Telling()


@wrong("is a row of other")
class RowsOfAnotherVendor(ToyContract):
    class kind(ToyProvider):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.endpoints = (replace(self.rooms, vendor="other"),)


@wrong("has keys that its model lacks|no attribute")
class KeysThatAreNone(ToyContract):
    class kind(ToyProvider):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.rooms = replace(self.rooms, key=("room_id",))
            self.endpoints = (self.rooms,)


@wrong("fields that cannot|missing|needs|created_ts")
class FieldsMisnamed(ToyContract):
    class kind(ToyProvider):
        class Misnaming(ToyVendor):
            structure = Structure({Call: {"call_id": "id", "created_ts": "started"}, Session: {"session_id": "id"}})

        vendor = Misnaming()


def failures(contract: Wrong) -> Iterator[str]:
    """What the tests of the contract say against it, one after the other."""
    for name, test in vars(ProviderContract).items():
        if name.startswith("test_"):
            try:
                test(contract())
            except Exception as error:
                yield f"{name}: {type(error).__name__}: {error}"


def scanned(contract: Wrong) -> tuple[set[str], Any]:
    """The calls that a scan finds, and its report or the error."""
    made, clock = contract(), VirtualClock(ToyContract.over.end + 3_600.0)

    async def scenario() -> Any:
        quota = Quota("toy", store=":memory:", clock=clock.clock)
        provider = made.provider(transport=InProcess(made.answer, clock.clock), quota=quota)
        async with scan(provider, over=made.over, depth="metrics", on_error="report") as records:
            found = {record.call.call_id async for record in records}
        return found, records.report

    try:
        found, report = run(scenario)
    except Exception as error:
        return set(), error
    return found, report


def test_the_good_one_passes_and_is_complete() -> None:
    assert [] == list(failures(ToyContract))
    found, report = scanned(ToyContract)
    assert (set(ToyContract.call_ids), True) == (found, report.complete)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_vendor_is_caught_or_its_scan_is_incomplete_with_the_reason(name: str) -> None:
    contract, says = WRONG[name]
    found, report = scanned(contract)
    incomplete = isinstance(report, Exception) or not report.complete
    assert incomplete or found.issuperset(contract.call_ids), "complete, and calls are missing"
    spoken = repr(report) if isinstance(report, Exception) else json.dumps(report.as_dict())
    if incomplete and any(part in spoken for part in says.split("|")):
        return
    against = []
    for failure in failures(contract):
        against.append(failure)
        if any(part in failure for part in says.split("|")):
            return
    raise AssertionError(f"nothing says {says!r}: {against}, {spoken[:1_000]}")


class SizeIgnored(ToyContract):
    """Cuts its pages short, and answers with neither a total nor `more`: in a scan nothing contradicts that."""

    def page(self, rows: list[Any], asked: dict[str, str]) -> dict[str, Any]:
        found = super().page(rows, asked)
        return {**found, "rows": found["rows"][:1], "more": None, "total": None}


def test_pages_that_are_cut_without_a_word_are_caught_before_a_scan_is_made() -> None:
    assert any("calls are missing" in failure for failure in failures(SizeIgnored))


def test_there_are_enough_of_them() -> None:
    assert len(WRONG) >= 30
