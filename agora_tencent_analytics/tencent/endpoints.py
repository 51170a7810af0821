"""Tencent's table of questions. One row is one question as the vendor limits it; a new question is one row.

`DescribeCallDetailInfo` is two rows: with `DataType` it covers 1 h and 6 users, without it 4 h and 100.
`DescribeCallDetail` is its predecessor of 2021, retired by the vendor, with its numbers spelt as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agora_tencent_analytics.endpoint import Bounds, Endpoint, PageNumber, Param
from agora_tencent_analytics.models import Call, Session
from agora_tencent_analytics.series import MetricSeries
from agora_tencent_analytics.tencent import plans

__all__ = [
    "CALL_DETAIL",
    "CALL_DETAIL_2021",
    "CALL_DETAIL_METRICS",
    "ENDPOINTS",
    "ROOM_INFO",
    "USERS_WITH_METRICS",
    "USER_INFO",
]

USERS_WITH_METRICS = 6
"""The most user ids of one request with `DataType`."""

_READ_ON = "2026-08-21"
_APP = Param(name="SdkAppId", kind="integer", required=True)
_BOUNDS = Bounds(start="StartTime", end="EndTime", strict=False)
_COMM_ID = Param(name="CommId", required=True)

ROOM_INFO = Endpoint(
    name="DescribeRoomInfo",
    vendor="tencent",
    generation="2019-07-22",
    model=Call,
    method="POST",
    path="/",
    action="DescribeRoomInfo",
    payload="RoomList",
    key=("call_id",),
    app=_APP,
    bounds=_BOUNDS,
    params=(Param(name="RoomId"),),
    paging=PageNumber(number="PageNumber", size="PageSize", base=0, total="page"),
    limits=plans.ROOM_INFO,
    counter="DescribeRoomInfo",
    source="https://cloud.tencent.com/document/product/647/44050",
    read_on=_READ_ON,
)
"""The calls of an app."""

USER_INFO = Endpoint(
    name="DescribeUserInfo",
    vendor="tencent",
    generation="2019-07-22",
    model=Session,
    method="POST",
    path="/",
    action="DescribeUserInfo",
    payload="UserList",
    key=("session_id",),
    app=_APP,
    bounds=_BOUNDS,
    params=(_COMM_ID, Param(name="UserIds", kind="list", most=100)),
    paging=PageNumber(number="PageNumber", size="PageSize", base=0, total="hint"),
    limits=plans.USER_INFO,
    counter="DescribeUserInfo",
    source="https://www.tencentcloud.com/document/product/647/39096",
    read_on=_READ_ON,
)
"""The sessions of a call."""

CALL_DETAIL_METRICS = Endpoint(
    name="DescribeCallDetailInfo with DataType",
    vendor="tencent",
    generation="2019-07-22",
    model=MetricSeries,
    method="POST",
    path="/",
    action="DescribeCallDetailInfo",
    payload="Data",
    app=_APP,
    bounds=_BOUNDS,
    params=(
        _COMM_ID,
        Param(name="UserIds", kind="list", most=USERS_WITH_METRICS),
        Param(name="DataType", kind="list", required=True),
    ),
    paging=PageNumber(number="PageNumber", size="PageSize", base=0, total="hint"),
    limits=plans.CALL_DETAIL_METRICS,
    counter="DescribeCallDetailInfo",
    source="https://www.tencentcloud.com/document/product/647/55013",
    read_on=_READ_ON,
)
"""The metric series of users of a call. `DataType=["all"]` asks for every metric."""

CALL_DETAIL = Endpoint(
    name="DescribeCallDetailInfo without DataType",
    vendor="tencent",
    generation="2019-07-22",
    model=Session,
    method="POST",
    path="/",
    action="DescribeCallDetailInfo",
    payload="UserList",
    key=("session_id",),
    app=_APP,
    bounds=_BOUNDS,
    params=(_COMM_ID, Param(name="UserIds", kind="list", most=100)),
    paging=PageNumber(number="PageNumber", size="PageSize", base=0, total="hint"),
    limits=plans.CALL_DETAIL,
    counter="DescribeCallDetailInfo",
    source="https://www.tencentcloud.com/document/product/647/55013",
    read_on=_READ_ON,
)
"""The sessions of a call, by the action that also has the metrics."""

CALL_DETAIL_2021 = Endpoint(
    name="DescribeCallDetail",
    vendor="tencent",
    generation="2021",
    model=MetricSeries,
    method="POST",
    path="/",
    action="DescribeCallDetail",
    payload="Data",
    app=Param(name="SdkAppId", kind="text", required=True),
    bounds=_BOUNDS,
    params=(
        _COMM_ID,
        Param(name="UserIds", kind="list", most=USERS_WITH_METRICS),
        Param(name="DataType", kind="list"),
    ),
    paging=PageNumber(number="PageNumber", size="PageSize", base=0, total="hint", as_text=True),
    limits=plans.CALL_DETAIL_2021,
    counter="DescribeCallDetail",
    source="https://www.tencentcloud.com/document/product/647/36759",
    read_on="2021-10-27",
    retired="DescribeCallDetailInfo",
)
"""The metric series of users of a call, as asked until 2022."""

ENDPOINTS: Mapping[str, Endpoint[Any]] = {
    row.name: row for row in (ROOM_INFO, USER_INFO, CALL_DETAIL_METRICS, CALL_DETAIL, CALL_DETAIL_2021)
}
"""All rows by name."""
