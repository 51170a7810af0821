"""This library: the shell, and every series read to its columns; pages of listings from body to records."""

from __future__ import annotations

from typing import Any

from agora_tencent_analytics.agora.endpoints_calls import CALL_LISTS_2024, CALL_SESSIONS_2024
from agora_tencent_analytics.agora.series import read_metrics
from agora_tencent_analytics.agora.wire import AgoraVendor
from agora_tencent_analytics.columns import Columns, PointForm
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.message import Response
from agora_tencent_analytics.models import Call, Session
from agora_tencent_analytics.tencent.calls import ROOM_INFO, USER_INFO
from agora_tencent_analytics.tencent.series import read_detail
from agora_tencent_analytics.tencent.wire import TencentVendor
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.vendor import Asked, Vendor

_AGORA, _TENCENT = AgoraVendor(), TencentVendor(region="ap-guangzhou")
_ASKED = Asked(window=TimeRange(0, 1), params={"call_id": "c", "CommId": "c"})


def agora_untouched(body: bytes) -> list[Columns]:
    return [Columns(series.kvs, PointForm.PAIRS) for series in read_metrics(body).series]


def agora_read(body: bytes) -> list[Columns]:
    return _read(agora_untouched(body))


def tencent_untouched(body: bytes) -> list[Columns]:
    return [Columns(series.content, PointForm.OBJECTS) for series in read_detail(body).series]


def tencent_read(body: bytes) -> list[Columns]:
    return _read(tencent_untouched(body))


def agora_calls(body: bytes) -> list[Call]:
    return _page(_AGORA, CALL_LISTS_2024, body)


def agora_sessions(body: bytes) -> list[Session]:
    return _page(_AGORA, CALL_SESSIONS_2024, body)


def tencent_rooms(body: bytes) -> list[Call]:
    return _page(_TENCENT, ROOM_INFO, body)


def tencent_users(body: bytes) -> list[Session]:
    return _page(_TENCENT, USER_INFO, body)


def _page(vendor: Vendor, row: Endpoint[Any], body: bytes) -> list[Any]:
    response = Response(status=200, headers={}, body=body)
    records = vendor.decode(row, vendor.unwrap(row, response), _ASKED).items
    assert len(records) == 100
    return list(records)


def _read(columns: list[Columns]) -> list[Columns]:
    for series in columns:
        assert len(series.times) == len(series.values)
    return columns
