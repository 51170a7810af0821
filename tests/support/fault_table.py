"""One table of faults and of what comes of each, and the one rule for two at a time.

Each row strikes one listing of calls, read page by page. What comes of it is one of four outcomes:

* `Complete`: everything is read, for so many requests more than without the fault.
* `Marred`: all rows are read, a field of some cannot be, and the certificate says so; it costs no request.
* `Honest`: everything is read, or the certificate says that it may not be all.
* `Fails`: the listing raises this error, with these facts on it.

**Two at a time.** If either row fails, the listing raises what one of the two raises. Otherwise nothing is invented,
nothing comes twice, and a certificate that says complete is right. If both rows are `Complete`, it does say so, for no
fewer requests more than the costlier row needs and no more than both together. Pairs whose faults meet in one place,
and so may come to something else (once to a loss that no client can see, `Undetected`), are in `MEET`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from email.utils import formatdate
from itertools import combinations
from typing import Any

import attrs

from agora_tencent_analytics import (
    AnalyticsError,
    Certificate,
    DailyQuotaExhausted,
    NotAuthenticated,
    NotPermitted,
    RateLimited,
    TransportError,
    UnreadableReply,
    VendorFault,
)
from agora_tencent_analytics.simulator import (
    AnswerHtml,
    AnswerJson,
    ClampPage,
    Compress,
    Crash,
    Delay,
    Drift,
    Drip,
    DuplicatePage,
    EmptyPage,
    ExpireToken,
    Fail,
    Fault,
    Garble,
    Lie,
    Refuse,
    Reorder,
    Reset,
    SetHeader,
    Stall,
    Truncate,
    When,
    WrongDate,
    WrongLength,
    moved_to,
    too_many_requests,
)

__all__ = [
    "CLOCKS",
    "CODING",
    "CONNECTION",
    "FIELDS",
    "LISTING",
    "MEET",
    "MOST_BODY_BYTES",
    "NO_ANSWER",
    "REFUSALS",
    "ROWS",
    "Outcome",
    "Row",
    "Seen",
    "rule_broken",
]

MOST_BODY_BYTES = 1 << 18
"""The bound of every transport under this table."""
ELSEWHERE = "http://127.0.0.1:9/elsewhere"
_BOMB = 3 * MOST_BODY_BYTES
_DEEP = 2_000
"""Levels: more than Python recurses."""
_LONG_S = 30.0
"""Longer than any timeout here."""
_ONE_DAY_S = 86_400
_NO_LISTS = ("rows are an object", "rows are a string", "rows are a number")
_MISREAD = (
    *("rows are nulls", "rows are lists", "a time is text", "a time is null", "a time is NaN"),
    *("a time is beyond a float", "a time has 5000 digits", "an id is empty", "an id is a list"),
)


@attrs.frozen
class Complete:
    """Everything is read, for `least` to `most` requests more than without the fault."""

    least: int = 0
    most: int = attrs.field(default=attrs.Factory(lambda self: self.least, takes_self=True))


@attrs.frozen
class Marred:
    """All rows are read, a field of some of them cannot be, and the certificate says so; it costs no request."""


@attrs.frozen
class Honest:
    """Everything is read, or the certificate says that rows may be missing."""


@attrs.frozen
class Undetected:
    """Rows are missing, and there is no sign of it."""


class Fails:
    """The listing raises an error of this kind, with these facts on it."""

    def __init__(self, kind: type[AnalyticsError], **facts: Any) -> None:
        self.kind, self.facts = kind, facts

    def met_by(self, error: BaseException | None) -> bool:
        return type(error) is self.kind and all(getattr(error, name) == fact for name, fact in self.facts.items())


Outcome = Complete | Marred | Honest | Undetected | Fails
Make = Callable[[When], Fault]


@attrs.frozen
class Row:
    """One fault, and what comes of it."""

    name: str
    make: Mapping[str, Make]
    """The fault, by vendor; a vendor that cannot have it is missing."""
    outcome: Mapping[str, Outcome]
    """By vendor."""
    strikes: int = 1
    """How many requests in a row it strikes; 0 for every one."""
    fixed_keys: bool = False
    """True if the client's keys do not rotate."""

    def fault(self, vendor: str, first: int) -> Fault:
        """The fault, striking from the `first` request on."""
        return self.make[vendor](When(nth=range(first, first + self.strikes)) if self.strikes else When())


def _both(name: str, make: Make, agora: Outcome, tencent: Outcome | None = None, **options: Any) -> Row:
    outcomes = {"agora": agora, "tencent": agora if tencent is None else tencent}
    return Row(name, dict.fromkeys(outcomes, make), outcomes, **options)


def _each(name: str, agora: Make, tencent: Make, outcome: Outcome, tencents: Outcome | None = None, **more: Any) -> Row:
    outcomes = {"agora": outcome, "tencent": tencents or outcome}
    return Row(name, {"agora": agora, "tencent": tencent}, outcomes, **more)


def _only(vendor: str, name: str, make: Make, outcome: Outcome, **options: Any) -> Row:
    return Row(name, {vendor: make}, {vendor: outcome}, **options)


def _field(name: str, agora: str, tencent: str, value: str, outcome: Outcome, tencents: Outcome | None = None) -> Row:
    """A field with another value, under the name that each vendor gives it."""
    return _each(
        name,
        lambda when: Garble(field=agora, value=value, when=when),
        lambda when: Garble(field=tencent, value=value, when=when),
        outcome,
        tencents,
    )


def _labelled(coding: str) -> Make:
    return lambda when: SetHeader(name="Content-Encoding", value=coding, when=when)


def _http_date(seconds: float, *, now: float) -> str:
    return formatdate(now + seconds, usegmt=True)


_AGAIN = Complete(1)
_LOST = Fails(TransportError, phase="read", timed_out=False)

CONNECTION = [
    _both("reset before it was counted", lambda when: Reset(counted=False, when=when), _AGAIN),
    _both("reset after it was counted", lambda when: Reset(when=when), _AGAIN),
    _both("reset for ever", lambda when: Reset(when=when), _LOST, strikes=0),
    _both("dies and comes back", lambda when: Crash(down_s=0.1, when=when), Complete(1, 4)),
    _both("dies uncounted, and comes back", lambda when: Crash(down_s=0.1, counted=False, when=when), Complete(1, 4)),
    _both(
        "dies for good",
        lambda when: Crash(down_s=math.inf, when=when),
        Fails(TransportError, phase="connect"),
        strikes=0,
    ),
    _both("late", lambda when: Delay(before=0.01, after=(0.01, 0.02), when=when), Complete()),
    _both("halts before the head", lambda when: Stall(seconds=0.02, when=when), Complete()),
    _both("halts in the body", lambda when: Stall(seconds=0.02, in_body=True, when=when), Complete()),
    _both("stalls before the head", lambda when: Stall(seconds=_LONG_S, when=when), _AGAIN),
    _both("stalls in the body", lambda when: Stall(seconds=_LONG_S, in_body=True, when=when), _AGAIN),
    _both(
        "stalls for ever",
        lambda when: Stall(seconds=_LONG_S, when=when),
        Fails(TransportError, timed_out=True),
        strikes=0,
    ),
    _both("drips", lambda when: Drip(size=100, every_s=0.002, when=when), Complete()),
    _both("drips too slowly", lambda when: Drip(size=1, every_s=0.1, when=when), _AGAIN),
    _both("cut off", lambda when: Truncate(when=when), _AGAIN),
    _both("cut off before the body", lambda when: Truncate(keep=0, when=when), _AGAIN),
    _both("cut off for ever", lambda when: Truncate(when=when), _LOST, strikes=0),
    _both("longer than it says", lambda when: WrongLength(off_by=-9, when=when), _AGAIN),
    _both("shorter than it says", lambda when: WrongLength(off_by=9, when=when), _AGAIN),
]

CODING = [
    _both("compressed", lambda when: Compress(when=when), Complete()),
    _both("compressed and cut", lambda when: Compress(keep=0.5, when=when), _AGAIN),
    _both("compressed, nothing sent", lambda when: Compress(keep=0, when=when), _AGAIN),
    _both("a bomb", lambda when: Compress(padding=_BOMB, when=when), _AGAIN),
    _both("bombs for ever", lambda when: Compress(padding=_BOMB, when=when), Fails(UnreadableReply), strikes=0),
    _both("called gzip", _labelled("gzip"), _AGAIN),
    _both("called brotli", _labelled("br"), _AGAIN),
    _both(
        "called what nobody knows",
        _labelled("x-unheard-of"),
        Complete(),
    ),
]

NO_ANSWER = [
    _both("HTML", lambda when: AnswerHtml(when=when), _AGAIN),
    _both("HTML for ever", lambda when: AnswerHtml(when=when), Fails(UnreadableReply, status=200), strikes=0),
    _both("a list", lambda when: AnswerJson(text="[]", when=when), _AGAIN),
    _both("a string", lambda when: AnswerJson(text='"ok"', when=when), _AGAIN),
    _both("null", lambda when: AnswerJson(text="null", when=when), _AGAIN),
    _both("an empty object", lambda when: AnswerJson(text="{}", when=when), _AGAIN),
    _only("tencent", "an empty Response", lambda when: AnswerJson(text='{"Response":{}}', when=when), _AGAIN),
    _both("an empty body", lambda when: AnswerJson(text="", when=when), _AGAIN),
    _both("too deep", lambda when: AnswerJson(text="[" * _DEEP + "]" * _DEEP, when=when), _AGAIN),
    _both(
        "too deep for ever",
        lambda when: AnswerJson(text='{"Response":' * _DEEP + "1" + "}" * _DEEP, when=when),
        Fails(UnreadableReply),
        strikes=0,
    ),
    _both("moved", lambda when: moved_to(ELSEWHERE, when=when), _AGAIN),
    _both("moved for ever", lambda when: moved_to(ELSEWHERE, status=308, when=when), Fails(UnreadableReply), strikes=0),
]

FIELDS = [
    _field("rows are an object", "call_lists", "RoomList", '{"a":1}', _AGAIN),
    _field("rows are a string", "call_lists", "RoomList", '"none"', _AGAIN),
    _field("rows are a number", "call_lists", "RoomList", "7", _AGAIN),
    _field("rows are nulls", "call_lists", "RoomList", "[null]", _AGAIN),
    _field("rows are lists", "call_lists", "RoomList", "[[1],[2]]", _AGAIN),
    _field("a time is text", "created_ts", "CreateTime", '"soon"', _AGAIN),
    _field("a time is null", "created_ts", "CreateTime", "null", _AGAIN),
    _field("a time is NaN", "created_ts", "CreateTime", "NaN", _AGAIN),
    _field("a time is beyond a float", "created_ts", "CreateTime", "1e999", _AGAIN),
    _field("a time has 5000 digits", "created_ts", "CreateTime", "9" * 5_000, _AGAIN),
    _field("an id is empty", "call_id", "CommId", '""', _AGAIN),
    _field("an id is a list", "call_id", "CommId", "[[]]", _AGAIN),
    _field("a name is too deep", "cname", "RoomString", "[" * _DEEP + "]" * _DEEP, Marred()),
    _field("a number is text", "destroyed_ts", "DestroyTime", '"1789985000"', Complete()),
    _field("a total is NaN", "total_size", "Total", "NaN", Complete()),
    _field("a total is text", "total_size", "Total", '"many"', Complete()),
    _field("a total is negative", "total_size", "Total", "-1", Complete()),
    _field("a total is a list", "total_size", "Total", "[7]", Complete()),
]

REFUSALS = [
    _both("500", lambda when: Fail(status=500, when=when), _AGAIN),
    _both("500 three times", lambda when: Fail(status=500, when=when), Complete(3), strikes=3),
    _both("503 uncounted", lambda when: Fail(status=503, counted=False, when=when), _AGAIN),
    _both("500 for ever", lambda when: Fail(status=500, when=when), Fails(VendorFault, status=500), strikes=0),
    _each(
        "an internal error",
        lambda when: Refuse(code=500, message="Unknown Error", when=when),
        lambda when: Refuse(code="InternalError", when=when),
        _AGAIN,
    ),
    _both("HTTP 401", lambda when: Fail(status=401, when=when), Fails(NotAuthenticated, status=401), strikes=0),
    _both(
        "HTTP 403",
        lambda when: Fail(status=403, when=when),
        Fails(NotAuthenticated, status=403),
        Fails(NotPermitted, status=403),
        strikes=0,
    ),
    _each(
        "wrong credentials",
        lambda when: Refuse(code=401, message="unauthorized", counted=False, when=when),
        lambda when: Refuse(code="AuthFailure.SecretIdNotFound", counted=False, when=when),
        Fails(NotAuthenticated, cause="credentials"),
        strikes=0,
    ),
    _each(
        "not in the plan",
        lambda when: Refuse(code=300, message="you have no auth to access this service", counted=False, when=when),
        lambda when: Refuse(code="UnauthorizedOperation", counted=False, when=when),
        Fails(NotPermitted),
        strikes=0,
    ),
    _each(
        "too many in a second",
        lambda when: Refuse(code=300, message="qps limit error", when=when),
        lambda when: Refuse(code="RequestLimitExceeded", when=when),
        _AGAIN,
    ),
    _only(
        "agora",
        "too many in a day",
        lambda when: Refuse(code=300, message="qpd limit error", when=when),
        Fails(DailyQuotaExhausted),
        strikes=0,
    ),
    _both("429", lambda when: too_many_requests(None, when=when), _AGAIN),
    _both("429, wait a second", lambda when: too_many_requests(1, when=when), _AGAIN),
    _both(
        "429, wait until yesterday", lambda when: too_many_requests(_http_date(-_ONE_DAY_S, now=0), when=when), _AGAIN
    ),
    _both("429, wait for nonsense", lambda when: too_many_requests("-1 or so", when=when), _AGAIN),
    _both(
        "429, wait for ages",
        lambda when: too_many_requests("9" * 40, when=when),
        Fails(RateLimited, status=429),
        strikes=0,
    ),
    _both(
        "429, wait until 9999",
        lambda when: too_many_requests("Fri, 31 Dec 9999 23:59:59 GMT", when=when),
        Fails(RateLimited, status=429),
        strikes=0,
    ),
]

CLOCKS = [
    _both("Date an hour ahead", lambda when: WrongDate(seconds=3_600, when=when), Complete()),
    _both("Date an hour behind", lambda when: WrongDate(seconds=-3_600, when=when), Complete()),
    _both(
        "Date always an hour ahead",
        lambda when: WrongDate(seconds=3_600, when=when),
        Complete(),
        Complete(most=2),
        strikes=0,
    ),
    _only(
        "tencent",
        "signature expired",
        lambda when: Refuse(code="AuthFailure.SignatureExpire", counted=False, when=when),
        _AGAIN,
    ),
    _only(
        "tencent",
        "signature always expired",
        lambda when: Refuse(code="AuthFailure.SignatureExpire", counted=False, when=when),
        Fails(NotAuthenticated, cause="clock"),
        strikes=0,
    ),
    _only("tencent", "token expires", lambda when: ExpireToken(when=when), _AGAIN),
    _only(
        "tencent",
        "token expires, keys are fixed",
        lambda when: ExpireToken(when=when),
        Fails(NotAuthenticated, cause="token"),
        strikes=0,
        fixed_keys=True,
    ),
]

LISTING = [
    _both("an empty page", lambda when: EmptyPage(when=_after_first(when)), Complete(1, 20)),
    _both("a page comes twice", lambda when: DuplicatePage(when=_after_first(when)), Complete(1, 20)),
    _both("another order", lambda when: Reorder(when=_after_first(when)), Complete(1, 20)),
    _both("rows push in", lambda when: Drift(rows=2, when=when), Complete(1, 20), strikes=0),
    _both("smaller pages", lambda when: ClampPage(size=1, when=when), Complete(1, 20), strikes=0),
    _both(
        "smaller pages with gaps",
        lambda when: ClampPage(size=1, skips=True, when=when),
        Honest(),
        strikes=0,
    ),
    _both("the total is too small", lambda when: Lie(total_off_by=-1, when=when), Complete(), strikes=0),
    _both("the total is nothing", lambda when: Lie(total=0, when=when), Complete(), strikes=0),
    _both("the total is huge", lambda when: Lie(total=10**30, when=when), Honest(), strikes=0),
    _only("agora", "never an end", lambda when: Lie(has_more=True, when=when), Honest(), strikes=0),
    _only("agora", "always the end", lambda when: Lie(has_more=False, when=when), Complete(), strikes=0),
]


MEET: Mapping[frozenset[str], Outcome] = {
    # The label is right then, or wrong only now.
    frozenset({"compressed", "called gzip"}): Complete(0, 2),
    frozenset({"compressed", "called what nobody knows"}): Complete(1),
    # What is missing is the check sum of gzip, after the last byte of the body.
    frozenset({"compressed", "longer than it says"}): Complete(0),
    # The later label, or the later value, stands.
    frozenset({"called gzip", "called what nobody knows"}): Complete(0),
    frozenset({"called brotli", "called what nobody knows"}): Complete(0),
    # A short page and then an empty one: so ends every listing that has no total.
    frozenset({"an empty page", "smaller pages"}): Undetected(),
    frozenset({"an empty page", "smaller pages with gaps"}): Undetected(),
    # A total that counts the page is known as such only while it is right.
    frozenset({"a page comes twice", "the total is huge"}): Honest(),
    # The refusal bears out the wrong date, until the vendor refuses the signature that was made by it.
    frozenset({"signature expired", "Date an hour behind"}): Complete(1, 2),
    # Rows that make no sense are asked for once more, not for ever. What is no list fails then; rows of one are lost.
    **{frozenset(pair): Honest() for pair in combinations((*_NO_LISTS, *_MISREAD), 2)},
    **{frozenset(pair): Fails(UnreadableReply, status=200, in_rows=True) for pair in combinations(_NO_LISTS, 2)},
}
"""What may also come of two rows, where both strike one request or one ask."""


def _after_first(when: When) -> When:
    """One request later: these faults need a page before them."""
    return attrs.evolve(when, nth=[number + 1 for number in when.nth])


ROWS: Sequence[Row] = [*CONNECTION, *CODING, *NO_ANSWER, *FIELDS, *REFUSALS, *CLOCKS, *LISTING]


@attrs.frozen(kw_only=True)
class Seen:
    """What came of one listing."""

    found: Sequence[str]
    """Ids of the calls, as they came."""
    error: BaseException | None
    certificate: Certificate
    requests: int
    """What was sent, by the client's count."""
    unheard: int
    """Requests that were sent to a server as it died."""
    arrivals: int
    """Requests, by the server's count."""
    throttled: int
    """Requests beyond a limit, by the server's count."""
    tasks: int
    """Tasks left running."""


def rule_broken(seen: Seen, rows: Sequence[Row], vendor: str, *, truth: Collection[str], honest: int) -> list[str]:
    """What is not as the table and its rule have it; nothing if all is well.

    Args:
        seen: what came of the listing.
        rows: the one or two rows that struck it.
        vendor: whose listing it was.
        truth: ids of all calls.
        honest: requests that it takes without a fault.
    """
    wrong = _whats_wrong(seen, [row.outcome[vendor] for row in rows], truth=truth, honest=honest)
    also = MEET.get(frozenset(row.name for row in rows))
    return _whats_wrong(seen, [also], truth=truth, honest=honest) if wrong and also else wrong


def _whats_wrong(seen: Seen, expected: Sequence[Outcome], *, truth: Collection[str], honest: int) -> list[str]:
    failing = [outcome for outcome in expected if isinstance(outcome, Fails)]
    complete = [outcome for outcome in expected if isinstance(outcome, Complete)]
    all_found, more = set(seen.found) == set(truth), seen.requests - honest
    checks = {
        f"{seen.error!r}": any(one.met_by(seen.error) for one in failing) or (seen.error is None and not failing),
        "a call came twice": len(seen.found) == len(set(seen.found)),
        "a call was invented": set(seen.found) <= set(truth),
        f"{seen.requests} requests, {seen.arrivals} arrivals": seen.requests == seen.arrivals + seen.unheard,
        "a limit was exceeded": seen.throttled == 0,
        "a task was left": seen.tasks == 0,
    }
    if not failing:
        checks["complete without all"] = not seen.certificate.complete or all_found or Undetected() in expected
    if expected == [Marred()]:
        checks["a doubt is due, of rows that are there"] = all_found and not seen.certificate.complete and not more
    if len(complete) == len(expected):
        least, most = max(one.least for one in complete), sum(one.most for one in complete)
        checks[f"incomplete: {seen.certificate.why}"] = seen.certificate.complete and all_found
        checks[f"{more} requests more, not {least} to {most}"] = least <= more <= most
    return [what for what, right in checks.items() if not right]
