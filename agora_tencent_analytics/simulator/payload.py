"""What a simulated Tencent accepts as the payload of an action: names, types, sizes.

Holds the vendor's checks of the question itself, one table row an action. Types are checked strictly, as the vendor
does: a number in quotes is refused where a number is due, and the retired action wants three of its numbers in quotes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from agora_tencent_analytics.simulator.exchange import Refused
from agora_tencent_analytics.tencent.plans import (
    CALL_DETAIL,
    CALL_DETAIL_2021,
    CALL_DETAIL_METRICS,
    ROOM_INFO,
    USER_INFO,
)

__all__ = ["ACTIONS", "Action", "Question", "read_payload", "read_question"]

_MOST_USERS = 100
_MOST_USERS_WITH_METRICS = 6
_MILLISECONDS = 100_000_000_000


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_digits(value: object) -> bool:
    return isinstance(value, str) and value.isdecimal()


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


_Check = Callable[[object], bool]
_NUMBERS: Mapping[str, _Check] = dict.fromkeys(("SdkAppId", "PageNumber", "PageSize"), _is_integer)
_NUMBERS_2021: Mapping[str, _Check] = dict.fromkeys(("SdkAppId", "PageNumber", "PageSize"), _is_digits)
_TIMES: Mapping[str, _Check] = dict.fromkeys(("StartTime", "EndTime"), _is_integer)
_CALL: Mapping[str, _Check] = {"CommId": _is_text, "UserIds": _is_texts}


@attrs.frozen(kw_only=True)
class Action:
    """One action as the vendor documents it."""

    fields: Mapping[str, _Check]
    """Its parameters and the type of each."""
    default_size: int
    """Rows on a page unless both page number and size are given."""
    row: str
    """Row of the limits table."""
    row_with_metrics: str
    """The row that holds once `DataType` is given."""
    of_call: bool = True
    """True if it asks about one call."""


ACTIONS: Mapping[str, Action] = {
    "DescribeRoomInfo": Action(
        fields={**_NUMBERS, **_TIMES, "RoomId": _is_text},
        default_size=10,
        row=ROOM_INFO,
        row_with_metrics=ROOM_INFO,
        of_call=False,
    ),
    "DescribeUserInfo": Action(
        fields={**_NUMBERS, **_TIMES, **_CALL}, default_size=6, row=USER_INFO, row_with_metrics=USER_INFO
    ),
    "DescribeCallDetailInfo": Action(
        fields={**_NUMBERS, **_TIMES, **_CALL, "DataType": _is_texts},
        default_size=6,
        row=CALL_DETAIL,
        row_with_metrics=CALL_DETAIL_METRICS,
    ),
    "DescribeCallDetail": Action(
        fields={**_NUMBERS_2021, **_TIMES, **_CALL, "DataType": _is_texts},
        default_size=6,
        row=CALL_DETAIL_2021,
        row_with_metrics=CALL_DETAIL_2021,
    ),
}
"""The actions there are."""


@attrs.frozen(kw_only=True)
class Question:
    """A payload that passed the checks."""

    start: int
    """Epoch seconds."""
    end: int
    """Epoch seconds."""
    page: int
    """Number of the page, from 0."""
    size: int
    """Rows on a page."""
    call_id: str
    """`CommId`, `""` if the action has none."""
    room: str | None
    """`RoomId`, or None."""
    users: frozenset[str]
    """`UserIds`, empty for all."""
    metrics: frozenset[str]
    """`DataType`, empty for none."""


def read_payload(body: bytes) -> dict[str, Any] | None:
    """The payload as an object, or None if it is not one."""
    try:
        payload = json.loads(body or b"{}")
    except ValueError:
        return None
    return payload if isinstance(payload, dict) else None


def read_question(name: str, payload: Mapping[str, Any] | None, *, sdk_app_id: int) -> Question:
    """The question in a payload.

    Raises:
        Refused: the vendor does not take this payload.
    """
    action = ACTIONS[name]
    if payload is None:
        raise Refused("InvalidParameter.BodyParamsError", "Failed to parse the body parameter.")
    for key, value in payload.items():
        if key not in action.fields or value is None:
            raise Refused("UnknownParameter", f"The parameter `{key}` is not recognized.")
        if not action.fields[key](value):
            raise Refused("InvalidParameterValue", f"The value type of parameter `{key}` is not valid.")
    _require(payload, "SdkAppId", "SdkAppId", "SdkAppId is missing.")
    if action.of_call:
        _require(payload, "CommId", "CommId", "CommId is missing.")
    _require(payload, "StartTime", "StartTs", "startTS_s is missing.")
    _require(payload, "EndTime", "EndTs", "endTS_s is missing.")
    if int(payload["SdkAppId"]) != sdk_app_id:
        raise Refused("InvalidParameter.SdkAppId", "SdkAppId is incorrect.")
    start, end = payload["StartTime"], payload["EndTime"]
    if start >= _MILLISECONDS:
        raise Refused("InvalidParameter.StartTs", "Invalid StartTs.")
    if end >= _MILLISECONDS or end <= start:
        raise Refused("InvalidParameter.EndTs", "Invalid EndTs.")
    users, metrics = payload.get("UserIds") or [], payload.get("DataType") or []
    most = _MOST_USERS_WITH_METRICS if metrics or (users and name == "DescribeCallDetail") else _MOST_USERS
    if len(users) > most:
        raise Refused("InvalidParameter.UserIdsMorethanSix", f"The number of UserIds exceeds {most}.")
    page, size = _page(payload, action.default_size, most)
    return Question(
        start=start,
        end=end,
        page=page,
        size=size,
        call_id=payload.get("CommId", ""),
        room=payload.get("RoomId"),
        users=frozenset(users),
        metrics=frozenset(metrics),
    )


def _require(payload: Mapping[str, Any], key: str, code: str, message: str) -> None:
    if key not in payload:
        raise Refused(f"MissingParameter.{code}", message)


def _page(payload: Mapping[str, Any], default_size: int, most: int) -> tuple[int, int]:
    size = int(payload.get("PageSize", default_size))
    if size > most:
        raise Refused("InvalidParameter.PageSizeOversize", f"The value of PageSize exceeds {most}.")
    if size < 1:
        raise Refused("InvalidParameter.PageSize", "The value of PageSize is invalid.")
    if "PageNumber" not in payload or "PageSize" not in payload:
        return 0, default_size  # the vendor resets to its first page without a word
    return int(payload["PageNumber"]), size
