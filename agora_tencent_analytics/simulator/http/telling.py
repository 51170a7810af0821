"""What an impolite world makes of rows and answers on their way out; of a polite one they go out as they are."""

from __future__ import annotations

import itertools
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from agora_tencent_analytics.simulator.faults.book import Strike
from agora_tencent_analytics.simulator.faults.slip import Place
from agora_tencent_analytics.simulator.faults.slipped_answers import Asking, faults_of
from agora_tencent_analytics.simulator.faults.slipped_rows import HALF_CHARACTER, REPEATED, ROWS, Draft, Row, Shape
from agora_tencent_analytics.simulator.http.exchange import Arrival, Written
from agora_tencent_analytics.simulator.world.calls import Vendor
from agora_tencent_analytics.simulator.world.sessions import Session
from agora_tencent_analytics.simulator.world.world import World

Item = TypeVar("Item", int, Session)

_LISTS = {
    "call/lists": "call_lists",
    "call/sessions": "call_info",
    "DescribeRoomInfo": "RoomList",
    "DescribeUserInfo": "UserList",
    "DescribeCallDetailInfo": "UserList",
    "DescribeCallDetail": "UserList",
    "call/details": "call_info",
}
_CALLS = ("call/lists", "DescribeRoomInfo")
_METRICS = {
    "call/metrics": "metrics",
    "DescribeCallDetailInfo": "Data",
    "DescribeCallDetail": "Data",
    "call/details": "metrics",
}
_MOST_KEPT = 100_000
_MOST_WINDOWS = 20
_APART_S = 90
"""Seconds between the calls of two windows that cannot be taken for each other."""


def listed(world: World, vendor: Vendor, rows: Sequence[Item], size: int, now: float) -> Sequence[Item]:
    """The rows of a listing: without those that come late, and with those that come twice, both on one page.

    Args:
        world: what is reported on.
        vendor: by whom.
        rows: indices of calls, or sessions, in the order of the listing.
        size: rows on a page.
        now: the vendor's clock, epoch seconds.
    """
    if not world.impolite:
        return rows
    told: list[Item] = []
    for row in rows:
        if world.listed_from(vendor, row) > now:
            continue
        told.append(row)
        slip = world.slip(vendor, row)
        if slip is not None and slip.name in REPEATED and len(told) % size:
            told.append(row)
    return told


def write_rows(
    world: World, vendor: Vendor, shape: Shape, rows: Iterable[Item], polite: Callable[[Item], Row]
) -> list[Any] | Written:
    """The rows of one page as they are sent.

    Args:
        world: what is reported on.
        vendor: by whom.
        shape: how it spells its rows.
        rows: indices of calls, or sessions.
        polite: makes the row as it should be.
    """
    if not world.impolite:
        return [polite(row) for row in rows]
    texts, seen = list[str](), set[object]()
    for row in rows:
        sent, slip = polite(row), world.slip(vendor, row)
        if slip is None:
            texts.append(_text(sent))
        else:
            draft = Draft(shape, sent, world.dice_of(vendor, row), again=row in seen)
            texts.append(_text(ROWS[slip.name](draft)))
            seen.add(row)
    return Written(f"[{','.join(texts)}]")


def _text(value: object) -> str:
    return value.text if isinstance(value, Written) else json.dumps(value)


def user_as_told(world: World, stay: Session) -> str:
    """The id of a user, as JSON, as the row of this stay spells it."""
    slip = world.slip(stay.vendor, stay)
    broken = slip is not None and slip.name == "broken_user"
    return json.dumps(f"{stay.user_id}{HALF_CHARACTER}" if broken else stay.user_id)


def slip_members(
    members: Mapping[str, object], world: World, vendor: Vendor, asked: Mapping[str, Any]
) -> Mapping[str, object]:
    """The members of an answer as they are sent: rows that no shape describes slip too.

    Args:
        members: what a polite vendor would send, with rows of calls and sessions as they are sent already.
        world: what is reported on.
        vendor: by whom.
        asked: the parameters of the question.
    """
    if not world.impolite:
        return members
    question, count = zlib.crc32(repr(sorted(asked.items())).encode()), itertools.count()

    def told(value: object) -> str:
        if isinstance(value, Mapping):
            return f"{{{','.join(f'{json.dumps(name)}:{told(inner)}' for name, inner in value.items())}}}"
        if isinstance(value, list):
            return f"[{','.join(row(one) if isinstance(one, dict) else told(one) for one in value)}]"
        return _text(value)

    def row(one: Row) -> str:
        subject = (question, next(count))
        slip = world.manners.slip("row", vendor, *subject)
        if slip is None:
            return told(one)
        return told(ROWS[slip.name](Draft(Shape(), one, world.manners.dice("row", vendor, *subject, 1))))

    return {name: Written(told(value)) for name, value in members.items()}


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
        self._world = world
        self._told: list[tuple[int, int]] = []

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
        slipped = False
        for place in _places(arrival):
            subject = () if place == "vendor" else (question, before)
            slip = self._manners.slip(place, self._vendor, *subject)
            if slip is None or (slip.once and before) or (place == "listing" and not _can_slip(slip.name, arrival)):
                continue
            other = self._other_window(arrival) if slip.name == "other_window" else None
            if slip.name == "other_window" and other is None:
                continue
            payload = (_METRICS if place == "metrics" else _LISTS).get(arrival.endpoint, "")
            dice = self._manners.dice(place, self._vendor, *subject, 1)
            told: dict[str, Any] = {"now": arrival.at, "number": number, "dice": dice, "other": other or (0, 0)}
            slipped = slipped or place in ("listing", "answer")
            for fault in faults_of(slip, Asking(vendor=self._vendor, payload=payload, **told)):
                yield Strike(fault, 0, slip.name, befalls_all=place in ("date", "vendor"))
        if not slipped and (asked := _window(arrival)) is not None:
            self._told = [*self._told[-_MOST_WINDOWS:], asked]

    def _other_window(self, arrival: Arrival) -> tuple[int, int] | None:
        """A window whose first page was told as it is, and whose calls cannot be meant by this one; None if none was.

        No call of it reaches into this one, and the row of each tells the truth.
        """
        world, vendor, asked = self._world, self._vendor, _window(arrival)
        if asked is None:
            return None
        inside = set(world.listing(vendor, asked[0] - _APART_S, asked[1] + _APART_S))
        for start, end in reversed(self._told):
            calls = world.listing(vendor, start, end)
            if calls and inside.isdisjoint(calls) and all(world.slip(vendor, index) is None for index in calls):
                return start, end
        return None


def _window(arrival: Arrival) -> tuple[int, int] | None:
    """The window whose first page of calls is asked for; None if something else is."""
    facts = arrival.facts
    first = str(facts.get("page_no", 1)) == "1" and str(facts.get("PageNumber", 0)) == "0"
    if arrival.endpoint not in _CALLS or not first or not {"cname", "RoomId"}.isdisjoint(facts):
        return None
    start, end = facts.get("start_ts", facts.get("StartTime")), facts.get("end_ts", facts.get("EndTime"))
    return (int(start), int(end)) if str(start).isdigit() and str(end).isdigit() else None


def _can_slip(name: str, arrival: Arrival) -> bool:
    """False for a listing that has nothing of the kind: no page before, neither pages nor a total, or only details."""
    facts = arrival.facts
    if arrival.endpoint == "call/details":
        return name == "missing_list"
    if {"page_no", "page_size", "PageNumber"}.isdisjoint(facts):
        return name in ("more", "no_more", "short_page", "shuffled_page", "missing_list", "other_window")
    return name != "repeated_page" or (str(facts.get("page_no", 1)), str(facts.get("PageNumber", 0))) != ("1", "0")


def _places(arrival: Arrival) -> Iterator[Place]:
    if arrival.endpoint in _LISTS:
        yield "listing"
    detailed = arrival.endpoint.startswith("DescribeCallDetail") and not arrival.facts.get("DataType")
    if arrival.endpoint in _METRICS and not detailed and arrival.facts.get("exclude_metrics_info") != "true":
        yield "metrics"
    yield from ("answer", "date", "vendor")
