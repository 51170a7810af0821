"""What a simulated Agora accepts as a question: names, numbers, times, and in which order it complains.

All endpoints are read in the same way, and a `Route` describes each of them. Names are taken exactly: `startTs` is
unknown where `start_ts` is due, and the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import attrs

from agora_tencent_analytics.limits import Limits
from agora_tencent_analytics.simulator.faults.book import Strike
from agora_tencent_analytics.simulator.http.exchange import Refused
from agora_tencent_analytics.simulator.world.dice import shuffled
from agora_tencent_analytics.simulator.world.world import World

T = TypeVar("T")

MOMENT_S = 20
"""How long the moment is that a question about one moment is about, seconds; a moment is a multiple of it."""

_LARGEST_PAGE = 100
_DEFAULT_PAGE = 20
_SECONDS_DIGITS = 10
_MOST_DIGITS = 18


@attrs.frozen(kw_only=True)
class Habits:
    """What the vendor does where its pages are silent or contradict each other."""

    ongoing: Literal["now", "zero", "null"] = "now"
    """What `destroyed_ts` and `leave_ts` say while it is not over."""
    midnight: Literal["utc+8", "utc"] = "utc+8"
    """Where a day begins: as the examples have it, or as the text says."""
    empty: Literal["zero", "null", "omit"] = "zero"
    """How a rate is answered in a stretch of time with nothing to measure."""


@attrs.frozen(kw_only=True)
class Question:
    """One request that passed the checks, with everything its answer depends on."""

    world: World
    """What is reported on."""
    generation: str
    """Which interface is spoken: `"2024"`, `"2022"`, `"2021-07"` or `"2021-03"`."""
    query: Mapping[str, Any]
    """Parameters by name: text from the query, JSON values from a body."""
    start: int
    """Epoch seconds."""
    end: int
    """Epoch seconds."""
    now: float
    """The vendor's clock, epoch seconds."""
    strikes: Sequence[Strike]
    """The faults that strike it."""
    habits: Habits
    """Of this vendor."""

    def shuffled(self, rows: Sequence[T]) -> list[T]:
        """The rows in no order, but the same whenever the same is asked."""
        return shuffled(rows, self.world.seed, self.start, self.end)


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


@attrs.frozen
class Route:
    """One endpoint as the vendor documents it."""

    answer: Callable[[Question], Mapping[str, object]]
    """Makes the members of the answer behind `code` and `message`."""
    row: str
    """Row of the limits table."""
    required: tuple[str, ...] = attrs.field(converter=_names)
    """Parameters that must be there: those of the window, `appid`, others, in this order."""
    optional: tuple[str, ...] = attrs.field(default="", converter=_names)  # pyright: ignore[reportAssignmentType]
    """Parameters that may be there."""
    method: str = "GET"
    """HTTP method. With POST all but `appid` stands in a JSON body."""

    @property
    def window(self) -> tuple[str, ...]:
        """Names of start and end; one name if the question is about a moment."""
        return self.required[: self.required.index("appid")]

    def path_of(self, name: str) -> str:
        """Where it is found, by its name: `call/lists`, `insight/usage/by_time`."""
        return f"/beta/analytics/{name}" if name.startswith("call/") else f"/beta/{name}"


def bad(name: str, wrong: str) -> Refused:
    """The vendor's complaint about a parameter."""
    return Refused(400, f"Bad request, parameter : {name} {wrong}")


def read_names(route: Route, pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The parameters by name.

    Raises:
        Refused: one is unknown, given twice, missing or null.
    """
    query: dict[str, Any] = {}
    for name, value in pairs:
        if name not in route.required and name not in route.optional:
            raise bad(name, "is unknown")
        if name in query:
            raise bad(name, "is given twice")
        if value is None:
            raise bad(name, "can not be null")
        query[name] = value
    for name in route.required:
        if query.get(name) in (None, ""):
            raise bad(name, "can not be null")
    return query


def check_window(route: Route, query: Mapping[str, Any], limits: Limits, now: float, oversize: str) -> tuple[int, int]:
    """First and last second that are asked for.

    Args:
        route: the endpoint.
        query: its parameters.
        limits: what the plan allows.
        now: the vendor's clock.
        oversize: what the vendor says to a range that is too long.

    Raises:
        Refused: not seconds, or not within what the plan allows.
    """
    bounds = [_seconds(name, query[name], in_body=route.method == "POST") for name in route.window]
    start, end = bounds if len(bounds) == 2 else (bounds[0], bounds[0] + MOMENT_S)
    if end <= start:
        raise bad(route.window[-1], f"must be larger than {route.window[0]}")
    if end >= now - limits.lag_s:
        raise Refused(300, "query latency limit error")
    if start <= now - limits.history_s:
        raise Refused(300, "query time range limit error")
    if len(bounds) == 2 and end - start >= limits.span_s:
        raise Refused(300, oversize)
    return start, end


def _seconds(name: str, value: Any, *, in_body: bool) -> int:
    if in_body:
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise bad(name, "is not a number")
        value = str(value)
    elif not _is_number(value):
        raise bad(name, "is not a number")
    if len(value) > _SECONDS_DIGITS:
        raise Refused(500, "Unknown Error")
    return int(value)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def one_of(query: Mapping[str, Any], name: str, known: Sequence[str], default: str = "") -> str:
    """The value of a parameter that takes one of a few.

    Raises:
        Refused: it is not one of them.
    """
    value = query.get(name, default)
    if not isinstance(value, str) or (value not in known and not (value == default and name not in query)):
        raise bad(name, "is invalid")
    return value


def page(query: Mapping[str, str]) -> tuple[int, int]:
    """Number of the page, from 1, and its size, silently capped.

    Raises:
        Refused: one of them is not a positive number.
    """
    figures = []
    for name, default in (("page_no", 1), ("page_size", _DEFAULT_PAGE)):
        text = query.get(name, str(default))
        if not _is_number(text) or len(text) > _MOST_DIGITS or int(text) < 1:
            raise bad(name, "is not a positive number")
        figures.append(int(text))
    return figures[0], min(figures[1], _LARGEST_PAGE)


def ids(query: Mapping[str, str], name: str, *, most: int) -> frozenset[str]:
    """The ids of a list separated by commas.

    Raises:
        Refused: they are too many.
    """
    found = query[name].split(",") if query.get(name) else []
    if len(found) > most:
        raise bad(name, f"can not have more than {most} values")
    return frozenset(found)
