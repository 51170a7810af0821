"""This library, on the way that every answer takes: from body to series or records, and series read to columns."""

from __future__ import annotations

from typing import Any

from agora_tencent_analytics.agora.endpoints import CALL_LISTS_2024, CALL_METRICS_2024, CALL_SESSIONS_2024
from agora_tencent_analytics.agora.wire import AgoraVendor
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.message import Response
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.tencent.endpoints import CALL_DETAIL_METRICS, ROOM_INFO, USER_INFO
from agora_tencent_analytics.tencent.wire import TencentVendor
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.wire import Asked, Vendor

_AGORA, _TENCENT = AgoraVendor(), TencentVendor(region="ap-guangzhou")
_ASKED = Asked(window=TimeRange(1_548_670_000, 1_548_680_000), params={"call_id": "c", "CommId": "c"})


def agora_untouched(body: bytes) -> list[MetricSeries]:
    return _decoded(_AGORA, CALL_METRICS_2024, body)


def agora_read(body: bytes) -> list[MetricSeries]:
    return _read(agora_untouched(body))


def tencent_untouched(body: bytes) -> list[MetricSeries]:
    return _decoded(_TENCENT, CALL_DETAIL_METRICS, body)


def tencent_read(body: bytes) -> list[MetricSeries]:
    return _read(tencent_untouched(body))


def agora_calls(body: bytes) -> list[Call]:
    return _page(_AGORA, CALL_LISTS_2024, body)


def agora_sessions(body: bytes) -> list[Session]:
    return _page(_AGORA, CALL_SESSIONS_2024, body)


def tencent_rooms(body: bytes) -> list[Call]:
    return _page(_TENCENT, ROOM_INFO, body)


def tencent_users(body: bytes) -> list[Session]:
    return _page(_TENCENT, USER_INFO, body)


def _decoded(vendor: Vendor, row: Endpoint[Any], body: bytes) -> list[Any]:
    response = Response(status=200, headers={}, body=body)
    return list(vendor.decode(row, vendor.unwrap(row, response), _ASKED).items)


def _page(vendor: Vendor, row: Endpoint[Any], body: bytes) -> list[Any]:
    records = _decoded(vendor, row, body)
    assert len(records) == 100
    return records


def _read(found: list[MetricSeries]) -> list[MetricSeries]:
    for series in found:
        assert len(series.times) == len(series.values) > 0
    return found
