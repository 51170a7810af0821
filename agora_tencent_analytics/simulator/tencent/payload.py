"""What a simulated Tencent accepts as the payload of an action: names, types, what must be there.

An `Action` describes one action, with the checks that the vendor makes of a question; days and minutes are text here.
Types are checked as strictly as the vendor does: a number in quotes is refused where a number is due, null everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any, Literal

import attrs

from agora_tencent_analytics.limits import DAY, HOUR, Limits
from agora_tencent_analytics.simulator.faults.book import Strike
from agora_tencent_analytics.simulator.http.exchange import Refused
from agora_tencent_analytics.simulator.world.world import World

_BEIJING = timezone(timedelta(hours=8))
"""The vendor's text says UTC, its examples are in this time."""
_EAST_S = 8 * HOUR


def instant_of(payload: Mapping[str, Any], name: str, form: str) -> int:
    """Epoch seconds of a parameter that is a date in a form of `strptime`.

    Raises:
        Refused: it is not written in exactly this form.
    """
    try:
        found = datetime.strptime(payload[name], form).replace(tzinfo=_BEIJING)
    except ValueError:
        found = None
    if found is None or found.strftime(form) != payload[name]:
        raise Refused("InvalidParameter", f"{name} is not of the form that this action takes.")
    return int(found.timestamp())


def write_instant(instant: int, form: str) -> str:
    """The date of an instant, epoch seconds, in a form of `strftime`."""
    return datetime.fromtimestamp(instant, _BEIJING).strftime(form)


def day_of(instant: float) -> int:
    """The first second of the day that an instant lies in, both epoch seconds."""
    return int(instant + _EAST_S) // DAY * DAY - _EAST_S


_MILLISECONDS = 100_000_000_000
_MOST_DIGITS = 18
_HISTORY_S = 14 * DAY


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_digits(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _MOST_DIGITS


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


Fields = Mapping[str, Callable[[object], bool]]
"""Parameters, and the type of each."""

_TYPES: Fields = {
    "integer": _is_integer,
    "digits": _is_digits,
    "text": lambda value: isinstance(value, str),
    "texts": _is_texts,
    "flag": lambda value: isinstance(value, bool),
}
"""A whole number that is not negative, such a number in quotes, a text, a list of texts, a boolean."""


def _fields(table: str) -> Fields:
    """Parameters from words like `CommId:text`."""
    return {name: _TYPES[kind] for name, kind in (word.split(":") for word in table.split())}


@attrs.frozen(kw_only=True)
class Asked:
    """One payload that passed the checks, with everything its answer depends on."""

    world: World
    """What is reported on."""
    payload: Mapping[str, Any]
    """Its parameters."""
    now: float
    """The vendor's clock, epoch seconds."""
    limits: Limits
    """What the plan allows."""
    limits_of: Callable[[str], Limits]
    """What it allows on another row of the limits table. Raises `Refused`."""
    strikes: Sequence[Strike]
    """The faults that strike it."""
    oversize: Literal["refuse", "null"]
    """How a window that is too long for metrics is answered."""
    serial: int
    """Number of the request."""

    def window(self) -> tuple[int, int]:
        """`StartTime` and `EndTime`, epoch seconds.

        Raises:
            Refused: milliseconds, or the wrong way round.
        """
        start, end = self.payload["StartTime"], self.payload["EndTime"]
        if start >= _MILLISECONDS:
            raise Refused("InvalidParameter.StartTs", "Invalid StartTs.")
        if end >= _MILLISECONDS or end <= start:
            raise Refused("InvalidParameter.EndTs", "Invalid EndTs.")
        return int(start), int(end)

    def written_window(self, form: str) -> tuple[int, int]:
        """The same, of dates in a form of `strptime`.

        Raises:
            Refused: one is not written in exactly this form.
        """
        return instant_of(self.payload, "StartTime", form), instant_of(self.payload, "EndTime", form)

    def check_start(self, start: int) -> None:
        """Looks how far back is asked for.

        Raises:
            Refused: further than the vendor keeps anything, or than the plan shows.
        """
        if start < self.now - _HISTORY_S:
            raise Refused("InvalidParameter.StartTsOversize", "The start time for query exceeded the limit.")
        if start < self.now - self.limits.history_s:
            raise Refused("InvalidParameter.StartTimeOversize", "The start time exceeds what the package allows.")

    def check_span(self, start: int, end: int) -> None:
        """Looks how much is asked for at once.

        Raises:
            Refused: more than the plan allows.
        """
        if end - start > self.limits.span_s:
            raise Refused("InvalidParameter.QueryScaleOversize", "The range for query exceeded the limit.")


@attrs.frozen
class Action:
    """One action as the vendor documents it."""

    answer: Callable[[Asked], Mapping[str, object]]
    """Makes the members of the answer before `RequestId`."""
    row: str
    """Row of the limits table that its rates stand in."""
    required: Fields = attrs.field(converter=_fields)
    """Parameters that must be there."""
    optional: Fields = attrs.field(default="", converter=_fields)  # pyright: ignore[reportAssignmentType]
    """Parameters that may be there."""
    app: str = "SdkAppId"
    """How it spells the parameter that names the application."""
    wrong_app: str = "InvalidParameter.SdkAppId"
    """Code for an application that is not the customer's."""
    missing: Mapping[str, tuple[str, str]] | None = None
    """Codes and messages of its own for what is missing, `MissingParameter` + name otherwise; None for no suffix."""
    regions: tuple[str, ...] = ()
    """The regions it must be asked in; empty if it needs none."""
    too_often: str = "RequestLimitExceeded"
    """Code for a rate that is used up."""


about_calls: partial[Action] = partial(
    Action,
    missing={"StartTime": ("StartTs", "startTS_s is missing."), "EndTime": ("EndTs", "endTS_s is missing.")},
    regions=("ap-beijing", "ap-guangzhou", "ap-mumbai", "ap-singapore", "na-toronto"),
)
"""An action about calls, users and what happened to them."""


def check_payload(action: Action, payload: Mapping[str, Any] | None, *, sdk_app_id: int) -> Mapping[str, Any]:
    """The payload, if the vendor takes it.

    Raises:
        Refused: it does not.
    """
    if payload is None:
        raise Refused("InvalidParameter.BodyParamsError", "Failed to parse the body parameter.")
    fields = {**action.required, **action.optional}
    for key, value in payload.items():
        if key not in fields or value is None:
            raise Refused("UnknownParameter", f"The parameter `{key}` is not recognized.")
        if not fields[key](value):
            raise Refused("InvalidParameterValue", f"The value type of parameter `{key}` is not valid.")
    for key in action.required:
        if key in payload:
            continue
        if action.missing is None:
            raise Refused("MissingParameter", f"The request is missing a required parameter `{key}`.")
        suffix, message = action.missing.get(key, (key, f"{key} is missing."))
        raise Refused(f"MissingParameter.{suffix}", message)
    if int(payload.get(action.app, sdk_app_id)) != sdk_app_id:
        raise Refused(action.wrong_app, f"{action.app} is incorrect.")
    return payload
