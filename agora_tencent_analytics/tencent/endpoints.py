"""Tencent's table of questions: about calls, about the app as a whole, about usage, and retired.

One row is one question as the vendor limits it. Days are those of UTC+8: of the dashboard the vendor's pages say UTC,
but its examples do not; of usage they name no zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec.structs import replace

from agora_tencent_analytics.endpoint import AnyOf, Bounds, Endpoint, PageNumber, Param, Unpaged
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.events import AbnormalExperience, Event
from agora_tencent_analytics.models.figures import Figures
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.tencent import plans
from agora_tencent_analytics.tencent.metrics import TENCENT_METRICS
from agora_tencent_analytics.tencent.usage import RoomUsage

R = TypeVar("R")

USERS_WITH_METRICS = 6
"""The most user ids of one request with `DataType`."""
ZONE_S = 8 * HOUR
"""Where the vendor's days begin, seconds east of UTC."""

_PAGE = "https://www.tencentcloud.com/document/product/647"
_MAINLAND = "https://cloud.tencent.com/document/api/647"
_READ_ON = "2026-08-21"

_SECONDS = Bounds(start="StartTime", end="EndTime", strict=False)
_DAYS = replace(_SECONDS, form="day", zone_s=ZONE_S)
_MIDNIGHTS = replace(_SECONDS, form="midnight", zone_s=ZONE_S)
_MINUTES = replace(_SECONDS, form="minute", zone_s=ZONE_S, one_day=True)
_BY_NUMBER = PageNumber(number="PageNumber", size="PageSize", base=0, total="hint")
_OF_MODEL: Mapping[type, Mapping[str, Any]] = {
    Call: {"payload": "RoomList", "key": ("call_id",), "paging": replace(_BY_NUMBER, total="page")},
    Session: {
        "payload": "UserList",
        "key": ("session_id",),
        "given": {"call_id": "CommId"},
        "paging": _BY_NUMBER,
    },
    MetricSeries: {"paging": _BY_NUMBER},
}
"""What is the same of all questions about a model."""

_APP = Param(name="SdkAppId", kind="integer", required=True)
_APP_AS_TEXT = Param(name="SdkAppId", required=True)
_ANY_APP = Param(name="SdkAppId", kind="integer")
_COMM_ID = Param(name="CommId", required=True)
_USER_IDS = Param(name="UserIds", kind="list", most=100)
_ROOM_ID = Param(name="RoomId")
_PERIOD = Param(name="Period", required=True, values=("d", "h"))


def _row(action: str, model: type[R], limits: str, source: str, *params: Param, **differing: Any) -> Endpoint[R]:
    """A question of today; unless told otherwise each action has a counter of its own."""
    usual: dict[str, Any] = {
        "name": action,
        "generation": "2019-07-22",
        "method": "POST",
        "path": "/",
        "payload": "Data",
        "app": _APP,
        "bounds": _SECONDS,
        "paging": Unpaged(),
        "counter": action,
        "read_on": _READ_ON,
    }
    told = {"model": model, "action": action, "params": params, "limits": limits, "source": source}
    return Endpoint(vendor="tencent", **{**usual, **_OF_MODEL.get(model, {}), **told, **differing})


# -- about calls --------------------------------------------------------------------------------------------

ROOM_INFO = _row(
    "DescribeRoomInfo", Call, plans.ROOM_INFO, "https://cloud.tencent.com/document/product/647/44050", _ROOM_ID
)
"""The calls of an app."""

USER_INFO = _row("DescribeUserInfo", Session, plans.USER_INFO, f"{_PAGE}/39096", _COMM_ID, _USER_IDS)
"""The sessions of a call."""

CALL_DETAIL = _row(
    "DescribeCallDetailInfo",
    Session,
    plans.CALL_DETAIL,
    f"{_PAGE}/55013",
    *(_COMM_ID, _USER_IDS),
    name="DescribeCallDetailInfo without DataType",
)
"""The sessions of a call, by the action that also has the metrics: without `DataType` it covers 4 h and 100 users."""

CALL_DETAIL_METRICS = _row(
    "DescribeCallDetailInfo",
    MetricSeries,
    plans.CALL_DETAIL_METRICS,
    f"{_PAGE}/55013",
    _COMM_ID,
    replace(_USER_IDS, most=USERS_WITH_METRICS),
    Param(name="DataType", kind="list", required=True, values=("all", *TENCENT_METRICS)),
    name="DescribeCallDetailInfo with DataType",
    # "Must be less than 1 hour, beyond that null is returned", then "not over 1 hour": null would read as no data.
    bounds=replace(_SECONDS, strict=True),
)
"""The metric series of users of a call: 1 h and 6 users. `DataType=["all"]` asks for every metric."""

USER_EVENT = _row(
    "DescribeUserEvent",
    Event,
    plans.USER_EVENT,
    f"{_PAGE}/37762",
    *(_COMM_ID, Param(name="UserId", required=True), Param(name="RoomId", required=True)),
    key=("user_id", "peer_id", "time_ms", "event_id", "stream_type", "param_one", "param_two"),
)
"""What happened to one user in a call. `RoomId` is the call's `channel`: `CommId` does not tell it."""

UNUSUAL_EVENT = _row(
    "DescribeUnusualEvent",
    AbnormalExperience,
    plans.UNUSUAL_EVENT,
    f"{_PAGE}/37763",
    _ROOM_ID,
    payload="AbnormalExperienceList",
    key=("channel", "user_id", "experience_id", "ts", "causes"),
    paging=AnyOf(most=20, at="ts"),
)
"""Any 20 of the bad moments of an app's users, or of those in one room."""

# -- about the app as a whole, as the monitoring dashboard shows it: it spells the app as text ------------------

SCALE_INFO = _row("DescribeScaleInfo", Figures, plans.SCALE_INFO, f"{_PAGE}/36758", payload="ScaleList")
"""Users, sessions and rooms by day; a day is listed once it is over, under its first second."""


def _dashboard(action: str, limits: str, source: str, *params: Param, **differing: Any) -> Endpoint[Figures]:
    return _row(action, Figures, limits, source, *params, app=_APP_AS_TEXT, **differing)


REALTIME_SCALE = _dashboard("DescribeTRTCRealTimeScaleData", plans.REALTIME, f"{_PAGE}/58628", _ROOM_ID)
"""Users and rooms online in the last hours, every few seconds."""

REALTIME_QUALITY = _dashboard("DescribeTRTCRealTimeQualityData", plans.REALTIME, f"{_MAINLAND}/97440", _ROOM_ID)
"""Freeze rates of audio and video in the last hours, every few seconds."""

MARKET_SCALE = _dashboard("DescribeTRTCMarketScaleData", plans.MARKET, f"{_MAINLAND}/97297", _PERIOD, bounds=_DAYS)
"""Users and rooms, and the most of them at a time; `Period` is `"d"` for days or `"h"` for hours."""

_IS_FLOAT = Param(name="IsFloat", kind="flag")
MARKET_QUALITY = _dashboard(
    "DescribeTRTCMarketQualityData", plans.MARKET, f"{_PAGE}/58631", _PERIOD, _IS_FLOAT, bounds=_DAYS
)
"""Rates of joining, freezing and delay; whole percents, unless `IsFloat=True` asks for their decimals too."""

# -- about usage, as it will be billed ----------------------------------------------------------------------
#
# A request for one day is answered in buckets of five minutes, a longer one in days, so a range of 32 days has both.
#
# The app is always sent. The vendor sums up all apps of the account if it is not: ask a row without one for that,
# `msgspec.structs.replace(TRTC_USAGE, app=Param(name=""))`.


def _usage(action: str, source: str, *params: Param, limits: str = plans.USAGE, **differing: Any) -> Endpoint[Figures]:
    usual = {"payload": "UsageList", "app": _ANY_APP, "bounds": _DAYS}
    return _row(action, Figures, limits, source, *params, **{**usual, **differing})


TRTC_USAGE = _usage("DescribeTrtcUsage", f"{_PAGE}/54137")
"""Minutes of audio and of each size of video."""

RECORDING_USAGE = _usage(
    "DescribeRecordingUsage", f"{_PAGE}/54139", Param(name="MixType", required=True, values=("single", "multi"))
)
"""Minutes recorded; `MixType` is `"single"` for single streams or `"multi"` for mixed ones."""

MIX_TRANSCODING_USAGE = _usage("DescribeMixTranscodingUsage", f"{_PAGE}/54140")
"""Minutes mixed and transcoded."""

RELAY_USAGE = _usage("DescribeRelayUsage", f"{_PAGE}/54138")
"""What was relayed to content delivery networks."""

ROOM_USAGE = _row(
    "DescribeTrtcRoomUsage",
    RoomUsage,
    plans.ROOM_USAGE,
    f"{_MAINLAND}/89181",
    app=Param(name="SdkAppid", kind="integer", required=True),
    bounds=_MINUTES,
)
"""Seconds used in each room, one request every 15 seconds: for a day or a part of one, since the vendor calls
inaccurate what crosses its midnight."""

# The two older questions about recording and relaying answer by app and in seconds; the service that records and
# relays today is asked by `RECORDING_USAGE` and `RELAY_USAGE`.

RECORD_STATISTIC = _usage(
    "DescribeRecordStatistic", f"{_PAGE}/42972", payload="SdkAppIdUsages", limits=plans.USAGE_OF_SERVICES
)
"""Seconds recorded in the cloud, by size of video, as counted by the older recording service."""

TRANSCODE_TIME = _usage(
    "DescribeTrtcMcuTranscodeTime", f"{_PAGE}/42970", payload="Usages", limits=plans.USAGE_OF_SERVICES
)
"""Seconds transcoded on the way to content delivery networks, and their bandwidth (`Flux`)."""

# The three of May 2026 take times where the others take days. They are asked for whole days all the same: beyond one
# day the vendor sums up by day, and the sum of half a day could not be told from that of a whole one. In which unit
# they count, no page says.


def _service(action: str, source: str, *params: Param, **differing: Any) -> Endpoint[Figures]:
    return _usage(action, source, *params, bounds=_MIDNIGHTS, limits=plans.USAGE_OF_SERVICES, **differing)


AI_USAGE = _service(
    "DescribeTRTCAIRecognitionUsage",
    f"{_MAINLAND}/131418",
    Param(name="AuType", kind="list", required=True, values=("conversation", "asr", "translation", "tts")),
    app=replace(_APP_AS_TEXT, required=False),
)
"""What speech recognition and the like used; `AuType` lists which of them."""

ACCELERATION_USAGE = _service("DescribeTRTCDedicatedCloudAccUsage", f"{_MAINLAND}/131417")
"""What the accelerated network of a dedicated cloud used."""

MODERATION_USAGE = _service(
    "DescribeTRTCSegmentModerationUsage",
    f"{_MAINLAND}/131416",
    Param(name="Type", required=True, values=("audio", "picture")),
    Param(name="Business", kind="integer", required=True, values=(0, 1)),
)
"""What slicing and understanding of content used; `Business` is 0 for moderation or 1 for slicing."""

# -- retired ------------------------------------------------------------------------------------------------
#
# An account to which the vendor still answers may ask them; from any other the vendor's refusal comes back with the
# name of the successor.


def _retired(generation: str, action: str, successor: Endpoint[R], **differing: Any) -> Endpoint[R]:
    then: dict[str, Any] = {
        "name": successor.name.replace(successor.action, action),
        "generation": generation,
        "action": action,
        "counter": action,
        "retired": successor.action,
    }
    return replace(successor, **then, **differing)


def _until_2022(action: str, successor: Endpoint[R], *, app: Param = _APP_AS_TEXT, **differing: Any) -> Endpoint[R]:
    """Numbers travelled as text. Read on 2021-10-27."""
    if isinstance(successor.paging, PageNumber):
        differing["paging"] = replace(successor.paging, as_text=True)
    return _retired("2021", action, successor, app=app, read_on="2021-10-27", **differing)


def _until_2025(action: str, successor: Endpoint[R], **differing: Any) -> Endpoint[R]:
    """The monitoring service behind these ended, the last of them on 2025-11-18."""
    return _retired("2023", action, successor, **differing)


ROOM_INFORMATION_2021 = _until_2022("DescribeRoomInformation", ROOM_INFO)
USER_INFORMATION_2021 = _until_2022("DescribeUserInformation", USER_INFO)
_SINCE_2021 = ("aCapEnergy", "aPlayEnergy", "rtt", "bigvRecFps")
CALL_DETAIL_METRICS_2021 = _until_2022(
    "DescribeCallDetail",
    CALL_DETAIL_METRICS,
    limits=plans.CALL_DETAIL_METRICS_2021,
    source=f"{_PAGE}/36759",
    bounds=_SECONDS,  # "must not be more than 1 hour apart", where the page of today says "less than"
    params=tuple(
        replace(param, values=tuple(value for value in param.values if value not in _SINCE_2021))
        for param in CALL_DETAIL_METRICS.params
    ),
)
CALL_DETAIL_2021 = _until_2022(
    "DescribeCallDetail",
    CALL_DETAIL,
    limits=plans.CALL_DETAIL_2021,
    source=f"{_PAGE}/36759",
    params=(_COMM_ID,),  # with UserIds a page has six users, not 100: that is the next row
)
CALL_DETAIL_OF_USERS_2021 = replace(
    CALL_DETAIL_2021,
    name="DescribeCallDetail without DataType of users",
    limits=plans.CALL_DETAIL_METRICS_2021,  # the page has one figure for DataType and for UserIds
    params=(_COMM_ID, replace(_USER_IDS, required=True, most=6)),
)
"""The sessions of up to six users of a call, six to a page."""
# The call alone named the app.
DETAIL_EVENT_2021 = _until_2022("DescribeDetailEvent", USER_EVENT, app=Param(name=""))
ABNORMAL_EVENT_2021 = _until_2022("DescribeAbnormalEvent", UNUSUAL_EVENT)
HISTORY_SCALE_2021 = _until_2022("DescribeHistoryScale", SCALE_INFO)
REALTIME_SCALE_2023 = _until_2025("DescribeTRTCRealTimeScaleMetricData", REALTIME_SCALE)
REALTIME_QUALITY_2023 = _until_2025("DescribeTRTCRealTimeQualityMetricData", REALTIME_QUALITY)
MARKET_SCALE_2023 = _until_2025("DescribeTRTCMarketScaleMetricData", MARKET_SCALE, source=f"{_MAINLAND}/82404")
# In whole percents.
MARKET_QUALITY_2023 = _until_2025("DescribeTRTCMarketQualityMetricData", MARKET_QUALITY, params=(_PERIOD,))

ENDPOINTS: Mapping[str, Endpoint[Any]] = {
    row.name: row
    for row in (
        *(ROOM_INFO, USER_INFO, CALL_DETAIL_METRICS, CALL_DETAIL, USER_EVENT, UNUSUAL_EVENT),
        *(SCALE_INFO, REALTIME_SCALE, REALTIME_QUALITY, MARKET_SCALE, MARKET_QUALITY),
        *(TRTC_USAGE, RECORDING_USAGE, MIX_TRANSCODING_USAGE, RELAY_USAGE, ROOM_USAGE),
        *(RECORD_STATISTIC, TRANSCODE_TIME, AI_USAGE, ACCELERATION_USAGE, MODERATION_USAGE),
        *(ROOM_INFORMATION_2021, USER_INFORMATION_2021),
        *(CALL_DETAIL_METRICS_2021, CALL_DETAIL_2021, CALL_DETAIL_OF_USERS_2021),
        *(DETAIL_EVENT_2021, ABNORMAL_EVENT_2021, HISTORY_SCALE_2021),
        *(REALTIME_SCALE_2023, REALTIME_QUALITY_2023, MARKET_SCALE_2023, MARKET_QUALITY_2023),
    )
}
"""All rows by name."""
