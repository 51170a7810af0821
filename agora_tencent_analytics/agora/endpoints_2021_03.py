"""Agora's questions as of March 2021, most of them withdrawn since.

The newest 10 calls to an answer, and one question about a call, `call/details`, that gave sessions and series at once.
It is two rows on one counter, for they are walked in different ways: sessions by their moment of joining, series by
window, as nothing tells which users of a window an answer left out.
"""

from __future__ import annotations

import attrs

from agora_tencent_analytics.agora import plans
from agora_tencent_analytics.agora.endpoints_2021_07 import CALL_LISTS_2021_07
from agora_tencent_analytics.endpoint import AnyOf, Bounds, Endpoint, Newest, Param, Unpaged
from agora_tencent_analytics.events import AbnormalExperience
from agora_tencent_analytics.figures import Figures
from agora_tencent_analytics.models import Session
from agora_tencent_analytics.series import MetricSeries

__all__ = [
    "CALL_DETAILS_2021_03",
    "CALL_DETAILS_SERIES_2021_03",
    "CALL_LISTS_2021_03",
    "INSIGHT_USAGE_2021_03",
    "LIVE_DIAGNOSIS_2021_03",
    "LIVE_EXPERIENCE_2021_03",
    "LIVE_NET_2021_03",
    "LIVE_SCALE_2021_03",
    "ROWS_2021_03",
]

_PAGE = "https://docs.agora.io/en/Agora%20Platform/aa_api?platform=All%20Platforms"
_READ_ON = "2021-03-11"
_APP = Param(name="appid", required=True)
_BOUNDS = Bounds(start="start_ts", end="end_ts", strict=True)
_CALL_ID = Param(name="call_id", required=True)
_SERVERS = Param(name="exclude_server_user", kind="flag")


def _metrics(*names: str) -> tuple[Param, ...]:
    return (Param(name="metric", kind="list", required=True, values=names),)


CALL_LISTS_2021_03 = attrs.evolve(
    CALL_LISTS_2021_07, generation="2021-03", paging=Newest(most=10, at="created_ts"), read_on=_READ_ON
)
"""The newest 10 calls of an app."""

CALL_DETAILS_2021_03 = Endpoint(
    name="call/details",
    vendor="agora",
    generation="2021-03",
    model=Session,
    path="/beta/analytics/call/details",
    payload="call_info",
    key=("session_id",),
    app=_APP,
    bounds=_BOUNDS,
    params=(_CALL_ID, _SERVERS, Param(name="exclude_metrics_info", kind="flag")),
    paging=Newest(most=10, at="join_ts"),
    limits=plans.CALL_DETAIL,
    counter="call/details",
    source=f"{_PAGE}#get-quality-metrics",
    read_on=_READ_ON,
    retired="call/sessions",
)
"""The sessions of a call, the 10 latest to join. `exclude_metrics_info=True` leaves their series out of the answer."""

CALL_DETAILS_SERIES_2021_03 = Endpoint(
    name="call/details with metrics",
    vendor="agora",
    generation="2021-03",
    model=MetricSeries,
    path="/beta/analytics/call/details",
    payload="metrics",
    app=_APP,
    bounds=_BOUNDS,
    params=(_CALL_ID, _SERVERS),
    # A series has no moment to go by: windows are narrowed by how many sessions they show.
    paging=AnyOf(most=10, at=""),
    limits=plans.CALL_DETAIL,
    counter="call/details",
    source=f"{_PAGE}#get-quality-metrics",
    read_on=_READ_ON,
    retired="call/metrics",
)
"""The series of the 10 users of a window who joined last. Of more users at one time the others cannot be had."""

INSIGHT_USAGE_2021_03 = Endpoint(
    name="insight/usage/by_time",
    vendor="agora",
    generation="2021-03",
    model=Figures,
    path="/beta/insight/usage/by_time",
    payload="data",
    app=_APP,
    bounds=_BOUNDS,
    params=_metrics("userCount", "sessionCount", "channelCount"),
    paging=Unpaged(),
    limits=plans.INSIGHT_USAGE,
    counter="insight/usage/by_time",
    source=f"{_PAGE}#insight",
    read_on=_READ_ON,
)
"""How much the app was used, by day. A range of less than a day gets an empty answer."""

LIVE_SCALE_2021_03 = attrs.evolve(
    INSIGHT_USAGE_2021_03,
    name="live/scale/by_time",
    path="/beta/live/scale/by_time",
    params=_metrics("pcu", "pcc"),
    limits=plans.LIVE,
    counter="live/scale/by_time",
    source=f"{_PAGE}#live",
    retired="realtime/usage/by_time_20sec",
)
"""How much the app is used just now, by minute."""

LIVE_EXPERIENCE_2021_03 = attrs.evolve(
    LIVE_SCALE_2021_03,
    name="live/experience/by_time",
    path="/beta/live/experience/by_time",
    params=_metrics("joinSuccessRate", "joinSuccess5SecsRate", "videoFreezeRate", "audioFreezeRate"),
    counter="live/experience/by_time",
    retired="realtime/quality/by_time_20sec",
)
"""How users fare just now, by minute."""

LIVE_NET_2021_03 = attrs.evolve(
    LIVE_EXPERIENCE_2021_03,
    name="live/net/by_time",
    path="/beta/live/net/by_time",
    params=_metrics(
        *("videoUpstreamExcellentTransRate", "audioUpstreamExcellentTransRate"),
        *("videoEnd2EndExcellentTransRate", "audioEnd2EndExcellentTransRate"),
    ),
    counter="live/net/by_time",
    retired="realtime/quality/by_time_20sec",
)
"""How good transmission is just now, by minute."""

LIVE_DIAGNOSIS_2021_03 = Endpoint(
    name="live/diagnosis",
    vendor="agora",
    generation="2021-03",
    model=AbnormalExperience,
    path="/beta/live/diagnosis",
    payload="data",
    key=("channel", "user_id", "experience_id", "ts", "causes"),
    app=_APP,
    bounds=_BOUNDS,
    paging=AnyOf(most=10, at="ts"),
    limits=plans.LIVE,
    counter="live/diagnosis",
    source=f"{_PAGE}#live",
    read_on=_READ_ON,
    retired="nothing; the console alone diagnoses since",
)
"""Bad experiences of users with their causes. The vendor does not say which 10 it gives, nor in which order."""

ROWS_2021_03 = (
    CALL_LISTS_2021_03,
    CALL_DETAILS_2021_03,
    CALL_DETAILS_SERIES_2021_03,
    INSIGHT_USAGE_2021_03,
    LIVE_SCALE_2021_03,
    LIVE_EXPERIENCE_2021_03,
    LIVE_NET_2021_03,
    LIVE_DIAGNOSIS_2021_03,
)
"""Every question of March 2021."""
