"""A vendor whose rows a test writes to the last byte; its pages and totals are as they should be."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs

from agora_tencent_analytics import Request, Response, Timeouts
from agora_tencent_analytics.simulator import World
from tests.support.transports import Stage, json_response
from tests.support.virtual_time import EPOCH

NOW = int(EPOCH)
EMPTY = World(seed=1, calls=1, start=NOW - 3600, end=NOW - 1800)
"""Lends a stage its vendor's credentials."""


@attrs.frozen
class Raw:
    """A row as it is sent, and when it truly was."""

    text: bytes
    start: int = 0
    end: int = 2**40


def agora_call(number: int, start: int, seconds: int = 60, **fields: Any) -> dict[str, Any]:
    """A polite row of `call_lists`."""
    about = {
        "call_id": f"call{number}",
        "cname": f"room-{number}",
        "created_ts": start,
        "destroyed_ts": start + seconds,
    }
    return {**about, "finished": True, "call_audio_freeze_rate": 0.01, **fields}


def tencent_call(number: int, start: int, seconds: int = 60, **fields: Any) -> dict[str, Any]:
    """A polite row of `RoomList`."""
    about = {"CommId": f"call{number}", "RoomString": f"room-{number}", "CreateTime": start, "UserId": "u"}
    return {**about, "DestroyTime": start + seconds, "IsFinished": True, **fields}


def agora_session(number: int, start: int, seconds: int = 60, **fields: Any) -> dict[str, Any]:
    """A polite row of `call_info`."""
    about = {"sid": f"sid{number}", "cname": "room", "uid": number + 1, "join_ts": start, "leave_ts": start + seconds}
    return {**about, "finished": True, "user_audio_freeze_rate": 0.01, **fields}


def tencent_session(number: int, start: int, seconds: int = 60, **fields: Any) -> dict[str, Any]:
    """A polite row of `UserList`."""
    about = {"UserId": f"user{number}", "RoomStr": "room", "JoinTs": start, "LeaveTs": start + seconds}
    return {**about, "Finished": True, "DeviceType": "Web", **fields}


CALL: Mapping[str, Callable[..., dict[str, Any]]] = {"agora": agora_call, "tencent": tencent_call}
SESSION: Mapping[str, Callable[..., dict[str, Any]]] = {"agora": agora_session, "tencent": tencent_session}


def raw(row: Any, start: int = 0, end: int = 2**40) -> Raw:
    """A row as JSON, half characters and all."""
    return Raw(row if isinstance(row, bytes) else json.dumps(row).encode(), start, end)


class RawRows:
    """A transport to that vendor.

    Args:
        vendor: `"agora"` or `"tencent"`.
        calls: rows of its listing of calls.
        sessions: rows of the listing of sessions, of any call.
        before: stands before each body.
    """

    def __init__(
        self, vendor: str, *, calls: Sequence[Raw] = (), sessions: Sequence[Raw] = (), before: bytes = b""
    ) -> None:
        self._vendor, self._calls, self._sessions, self._before = vendor, calls, sessions, before
        self.asked: list[tuple[int, int, int]] = []
        """Start, end and page of each request, as sent."""

    def provider(self, *, plan: str = "unlimited", **options: Any) -> Any:
        """A provider that asks here."""
        return Stage(self._vendor, EMPTY, plan=plan).provider(transport=self, **options)

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        answered()
        agora = self._vendor == "agora"
        asked = {name: value[0] for name, value in parse_qs(urlsplit(request.url).query).items()}
        asked = asked if agora else json.loads(request.body)
        start, end = (int(asked[name]) for name in (("start_ts", "end_ts") if agora else ("StartTime", "EndTime")))
        number, size = (
            int(asked[name]) for name in (("page_no", "page_size") if agora else ("PageNumber", "PageSize"))
        )
        self.asked.append((start, end, number))
        calls = "call/lists" in request.url if agora else "CommId" not in asked
        rows = [one.text for one in (self._calls if calls else self._sessions) if one.start < end and one.end >= start]
        first = (number - agora) * size
        page = b",".join(rows[first : first + size])
        if agora:
            more = str(first + size < len(rows)).lower()
            about = f'"page_no":{number},"page_size":{size},"total_size":{len(rows)},"has_more":{more}'
            name = "call_lists" if calls else "call_info"
            return self._answer(f'{{"code":200,"message":"","{name}":['.encode() + page + f"],{about}}}".encode())
        name, total = ("RoomList" if calls else "UserList"), len(rows[first : first + size])
        told = f'{{"Response":{{"Total":{total},"{name}":['.encode() + page + b'],"RequestId":"r"}}'
        return self._answer(told)

    def _answer(self, body: bytes) -> Response:
        return Response(status=200, headers=json_response(b"").headers, body=self._before + body)

    async def aclose(self) -> None:
        pass
