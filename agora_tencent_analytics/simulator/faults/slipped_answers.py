"""How the answers of an impolite world are sent: what becomes of pages, points, envelopes and dates.

Each slip has a small function that names the faults that make it. Which answer slips is decided in
`world/impolite.py`.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from email.utils import formatdate

import attrs

from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.simulator.faults.answer import (
    AnswerHtml,
    AnswerJson,
    Compress,
    Fail,
    Garble,
    Refuse,
    Replace,
    SetHeader,
    Wrap,
    WrongDate,
)
from agora_tencent_analytics.simulator.faults.book import Fault, Strike
from agora_tencent_analytics.simulator.faults.listing import ClampPage, DuplicatePage, EmptyPage, Lie, Shuffle
from agora_tencent_analytics.simulator.faults.metrics import Retell, Strangers, Widen
from agora_tencent_analytics.simulator.http.log import Arrival
from agora_tencent_analytics.simulator.world.calls import Vendor
from agora_tencent_analytics.simulator.world.dice import Dice
from agora_tencent_analytics.simulator.world.impolite import Place
from agora_tencent_analytics.simulator.world.world import World

_LISTS = {
    "call/lists": "call_lists",
    "call/sessions": "call_info",
    "DescribeRoomInfo": "RoomList",
    "DescribeUserInfo": "UserList",
    "DescribeCallDetailInfo": "UserList",
    "DescribeCallDetail": "UserList",
    "call/details": "call_info",
}
_METRICS = {
    "call/metrics": "metrics",
    "DescribeCallDetailInfo": "Data",
    "DescribeCallDetail": "Data",
    "call/details": "metrics",
}
_LEVELS = 5_000
_MOST_KEPT = 100_000
_MOST_ROWS = 12
_YEARS_S = 1_500 * DAY


@attrs.frozen(kw_only=True)
class Asking:
    """One request whose answer slips."""

    vendor: Vendor
    """Who answers."""
    place: Place
    """Which part of the answer slips."""
    endpoint: str
    """What is asked."""
    now: float
    """The vendor's clock, epoch seconds."""
    number: int
    """How many requests arrived before."""
    dice: Dice
    """What is left to chance."""

    @property
    def payload(self) -> str:
        """Name of the list that slips."""
        return (_METRICS if self.place == "metrics" else _LISTS)[self.endpoint]

    def member(self, name: str, value: str) -> Replace:
        """One more member of the answer, in front of the others."""
        inside = "{" if self.vendor == "agora" else '"Response":{'
        return Replace(text=inside, by=f'{inside}"{name}":{value},', most=1)


class AnswerSlips:
    """The faults by which the answers of one server slip.

    Args:
        world: what it reports on.
        vendor: who it is.
    """

    def __init__(self, world: World, vendor: Vendor) -> None:
        self._manners = world.manners
        self._vendor: Vendor = vendor
        self._asked: Counter[int] = Counter()

    def strike(self, arrival: Arrival, number: int) -> Iterator[Strike]:
        """The faults that strike this request.

        Args:
            arrival: the request.
            number: how many arrived before.
        """
        question = zlib.crc32(json.dumps([arrival.endpoint, arrival.facts], sort_keys=True, default=str).encode())
        if len(self._asked) >= _MOST_KEPT:
            self._asked.clear()
        before = self._asked[question]
        self._asked[question] += 1
        for place in _places(arrival):
            subject = () if place == "vendor" else (question, before)
            slip = self._manners.slip(place, self._vendor, *subject)
            if slip is None or (slip.once and before) or (place == "listing" and not _can_slip(slip.name, arrival)):
                continue
            asking = Asking(
                vendor=self._vendor,
                place=place,
                endpoint=arrival.endpoint,
                now=arrival.at,
                number=number,
                dice=self._manners.dice(place, self._vendor, *subject, 1),
            )
            for fault in ANSWERS[slip.name](asking):
                yield Strike(fault, 0, slip.name, befalls_all=place in ("date", "vendor"))


def _can_slip(name: str, arrival: Arrival) -> bool:
    """False for a listing that has nothing of the kind: no page before, neither pages nor a total, or only details."""
    facts = arrival.facts
    if arrival.endpoint == "call/details":
        return name == "missing_list"
    if {"page_no", "page_size", "PageNumber"}.isdisjoint(facts):
        return name in ("more", "no_more", "short_page", "shuffled_page", "missing_list")
    return name != "repeated_page" or (str(facts.get("page_no", 1)), str(facts.get("PageNumber", 0))) != ("1", "0")


def _places(arrival: Arrival) -> Iterator[Place]:
    if arrival.endpoint in _LISTS:
        yield "listing"
    detailed = arrival.endpoint.startswith("DescribeCallDetail") and not arrival.facts.get("DataType")
    if arrival.endpoint in _METRICS and not detailed and arrival.facts.get("exclude_metrics_info") != "true":
        yield "metrics"
    yield from ("answer", "date", "vendor")


# --- one function a slip -----------------------------------------------------------------------------------


def _always(*faults: Fault) -> Callable[[Asking], tuple[Fault, ...]]:
    return lambda _: faults


def _one_of(*faults: Fault) -> Callable[[Asking], tuple[Fault, ...]]:
    return lambda asking: (faults[asking.dice.below(len(faults))],)


def _dated(second: Callable[[Asking], float]) -> Callable[[Asking], tuple[Fault, ...]]:
    return lambda asking: (SetHeader(name="Date", value=formatdate(second(asking), usegmt=True)),)


def _wrong_total(asking: Asking) -> tuple[Fault, ...]:
    off = 1 + asking.dice.below(5)
    return (Lie(total_off_by=off if asking.dice.below(2) else -off),)


def _renamed(field: str, name: str) -> Replace:
    return Replace(text=f'"{field}":', by=f'"{name}":')


def _null_list(asking: Asking) -> tuple[Fault, ...]:
    return (_renamed(asking.payload, f"old_{asking.payload}"), asking.member(asking.payload, "null"))


def _missing_list(asking: Asking) -> tuple[Fault, ...]:
    gone = _renamed(asking.payload, f"new_{asking.payload}")
    return (gone, asking.member("data", "null")) if asking.dice.below(2) else (gone,)


def _null_peer(asking: Asking) -> tuple[Fault, ...]:
    own, nobody = (
        ('"peer_uid":0}', '"peer_uid":null}') if asking.vendor == "agora" else ('"PeerId":""', '"PeerId":null')
    )
    return (Replace(text=own, by=nobody),)


def _hasty_limit(asking: Asking) -> tuple[Fault, ...]:
    if asking.vendor == "agora":
        return (Refuse(code=300, message="qps limit error"),)
    return (Refuse(code="RequestLimitExceeded", message="Please reduce the frequency of calls."),)


def _odd_refusal(asking: Asking) -> tuple[Fault, ...]:
    return (Refuse(code=999 if asking.vendor == "agora" else "ResourceBusy", message="busy"),)


def _request_id(asking: Asking) -> tuple[Fault, ...]:
    field = "requestId" if asking.vendor == "agora" else "RequestId"
    return (Garble(field=field, value=("null", "7", "{}")[asking.dice.below(3)]),)


def _deep(asking: Asking) -> tuple[Fault, ...]:
    return (asking.member("trace", "[" * _LEVELS + "]" * _LEVELS),)


def _date_elsewhere(asking: Asking) -> tuple[Fault, ...]:
    there = formatdate(asking.now + 8 * HOUR, usegmt=True).replace("GMT", "+0800")
    return (SetHeader(name="Date", value=there),)


def _cached(asking: Asking) -> tuple[Fault, ...]:
    age_s = 3 * DAY
    return (
        *_dated(lambda asking: asking.now - age_s)(asking),
        SetHeader(name="Age", value=str(age_s)),
        SetHeader(name="X-Cache", value="HIT from proxy"),
    )


def _alternating(asking: Asking) -> tuple[Fault, ...]:
    return (WrongDate(seconds=-DAY),) if asking.number % 2 else ()


ANSWERS: Mapping[str, Callable[[Asking], tuple[Fault, ...]]] = {
    "zero_total": _always(Lie(total=0)),
    "wrong_total": _wrong_total,
    "more": _always(Lie(has_more=True)),
    "no_more": _always(Lie(has_more=False)),
    "empty_page": _always(EmptyPage()),
    "repeated_page": _always(DuplicatePage()),
    "short_page": lambda asking: (ClampPage(size=1 + asking.dice.below(_MOST_ROWS)),),
    "shuffled_page": _always(Shuffle()),
    "null_list": _null_list,
    "missing_list": _missing_list,
    "points_in_ms": _always(Retell(how="ms")),
    "points_as_text": _always(Retell(how="text")),
    "points_as_float": _always(Retell(how="float")),
    "null_peer": _null_peer,
    "points_backwards": _always(Retell(how="backwards")),
    "points_twice": _always(Retell(how="twice")),
    "odd_points": _always(Retell(how="odd")),
    "wide_points": _always(Widen()),
    "split_series": _always(Retell(how="split")),
    "strangers": _always(Strangers()),
    "byte_order_mark": _always(Wrap(before=b"\xef\xbb\xbf")),
    "blanks": _always(Wrap(before=b"\r\n\t ", after=b" \n\n")),
    "x_gzip": _always(Compress(label="x-gzip")),
    "long_header": _always(SetHeader(name="X-Trace", value="x" * 9_000)),
    "many_headers": _always(*(SetHeader(name=f"X-Hop-{number}", value="y") for number in range(120))),
    "other_type": _always(SetHeader(name="Content-Type", value="text/plain; charset=gbk")),
    "code_as_text": _always(Garble(field="code", value='"200"')),
    "no_code": _always(_renamed("code", "status")),
    "code_twice": lambda asking: (asking.member("code", "200"),),
    "odd_message": _one_of(*(Garble(field="message", value=value) for value in ("null", '"null"', "7", "{}"))),
    "odd_request_id": _request_id,
    "deep_answer": _deep,
    "echo": _always(Fail(status=502, echo=True)),
    "empty_answer": _always(AnswerJson(text="")),
    "sign_in": _always(AnswerHtml()),
    "comment": _always(Wrap(after=b"<!-- served by node 7 -->")),
    "hasty_limit": _hasty_limit,
    "odd_refusal": _odd_refusal,
    "no_date": _always(SetHeader(name="Date", value=None)),
    "odd_date": _one_of(
        *(SetHeader(name="Date", value=text) for text in ("yesterday", "Thu, 32 Foo 2026 25:61:61 GMT"))
    ),
    "date_of_1970": _dated(lambda _: 0.0),
    "old_date": _always(WrongDate(seconds=-DAY)),
    "far_date": _always(WrongDate(seconds=_YEARS_S)),
    "date_elsewhere": _date_elsewhere,
    "cached": _cached,
    "never_dated": _always(SetHeader(name="Date", value=None)),
    "always_old": _always(WrongDate(seconds=-DAY)),
    "always_ahead": _always(WrongDate(seconds=8 * HOUR)),
    "stopped_date": _dated(lambda asking: asking.now // DAY * DAY),
    "alternating_date": _alternating,
}
"""The faults that make each slip of an answer, by name."""
