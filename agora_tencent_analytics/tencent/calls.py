"""Tencent's questions about calls: one row is one question as the vendor limits it.

`DescribeCallDetailInfo` is two rows: with `DataType` it covers 1 h and 6 users, without it 4 h and 100.
"""

from __future__ import annotations

from typing import Any

import attrs

from agora_tencent_analytics.endpoint import AnyOf, Bounds, Endpoint, PageNumber, Param, Unpaged
from agora_tencent_analytics.events import AbnormalExperience, Event
from agora_tencent_analytics.metrics import TENCENT_METRICS
from agora_tencent_analytics.models import Call, Session
from agora_tencent_analytics.series import MetricSeries
from agora_tencent_analytics.tencent import plans

__all__ = [
    "CALLS",
    "CALL_DETAIL",
    "CALL_DETAIL_METRICS",
    "ROOM_INFO",
    "UNUSUAL_EVENT",
    "USERS_WITH_METRICS",
    "USER_EVENT",
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
    # "Must be less than 1 hour, beyond that null is returned", then "not over 1 hour": null would read as no data.
    bounds=attrs.evolve(_BOUNDS, strict=True),
    params=(
        _COMM_ID,
        Param(name="UserIds", kind="list", most=USERS_WITH_METRICS),
        Param(name="DataType", kind="list", required=True, values=("all", *TENCENT_METRICS)),
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

USER_EVENT = Endpoint(
    name="DescribeUserEvent",
    vendor="tencent",
    generation="2019-07-22",
    model=Event,
    method="POST",
    path="/",
    action="DescribeUserEvent",
    payload="Data",
    key=("user_id", "peer_id", "time_ms", "event_id", "stream_type", "param_one", "param_two"),
    app=_APP,
    bounds=_BOUNDS,
    params=(_COMM_ID, Param(name="UserId", required=True), Param(name="RoomId", required=True)),
    paging=Unpaged(),
    limits=plans.USER_EVENT,
    counter="DescribeUserEvent",
    source="https://www.tencentcloud.com/document/product/647/37762",
    read_on=_READ_ON,
)
"""What happened to one user in a call. `RoomId` is the call's `channel`: `CommId` does not tell it."""

UNUSUAL_EVENT = Endpoint(
    name="DescribeUnusualEvent",
    vendor="tencent",
    generation="2019-07-22",
    model=AbnormalExperience,
    method="POST",
    path="/",
    action="DescribeUnusualEvent",
    payload="AbnormalExperienceList",
    key=("channel", "user_id", "experience_id", "ts", "causes"),
    app=_APP,
    bounds=_BOUNDS,
    params=(Param(name="RoomId"),),
    paging=AnyOf(most=20, at="ts"),
    limits=plans.UNUSUAL_EVENT,
    counter="DescribeUnusualEvent",
    source="https://www.tencentcloud.com/document/product/647/37763",
    read_on=_READ_ON,
)
"""Any 20 of the bad moments of an app's users, or of those in one room."""

CALLS: tuple[Endpoint[Any], ...] = (
    ROOM_INFO,
    USER_INFO,
    CALL_DETAIL_METRICS,
    CALL_DETAIL,
    USER_EVENT,
    UNUSUAL_EVENT,
)
"""All rows of this file."""
