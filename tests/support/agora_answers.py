"""What the vendor's pages print for every question of every generation: a request, and an answer to it.

The requests are spelt by hand from the pages, as they go over the wire; the answers are the printed ones with their
typos mended (trailing commas, `......`, a brace too many). Where a page prints none, the parameters are those of its
table, and the answer is what its description says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

__all__ = ["APP", "CALL", "PRINTED", "SESSION", "SID", "Printed"]

APP = "axxxxxxxxxxxxxxxxxxxx"
CALL_ID = "cxxxxxxxxxxxxxxxxxxxx"
SID = "EDB224CCF4FB4F99815C24302BDF3301"


@attrs.frozen(kw_only=True)
class Printed:
    """One question as the vendor's page prints it."""

    path: str
    """Path of the URL."""
    window: tuple[int, int]
    """The range that was asked for."""
    params: Mapping[str, Any]
    """What `ask` is given."""
    page: tuple[int, int] = (0, 0)
    """Number and size of the page."""
    query: Mapping[str, str]
    """The query, decoded."""
    body: Mapping[str, Any] | None = None
    """The body of a POST."""
    answer: Mapping[str, Any]
    """What came."""
    rows: int
    """How many records it holds."""


CALL = {
    "call_id": CALL_ID,
    "cname": "cname1",
    "created_ts": 1547448383,
    "destroyed_ts": 1547448483,
    "finished": True,
}
SESSION = {
    "sid": SID,
    "cname": "15056678066620",
    "uid": 630985881,
    "network": "Wi-Fi",
    "platform": "Android",
    "speaker": True,
    "sdk_version": "2.2.0.07_14",
    "device_type": "Android (6.0)",
    "join_ts": 1548670251,
    "leave_ts": 1548670815,
    "finished": True,
}
SERIES = {
    "sid": SID,
    "data": [
        {"mid": 20003, "kvs": [[1548670255, 215], [1548670257, 129], [1548670259, 121]], "peer_uid": 0},
    ],
}
PAGED = {"total_size": 101, "page_no": 1, "page_size": 20}
REQUEST_ID = {"requestId": "bxxxxxxxxxxxxxxxxxx4"}
LIST_WINDOW = (1550024508, 1550025508)
CALL_WINDOW = (1548665345, 1548670821)
SNAKE = {"start_ts": "1548665345", "end_ts": "1548670821", "appid": APP}
ABOUT_CALL = {**SNAKE, "call_id": CALL_ID}
DAYS = (1625097600, 1625270400)
DAY = (1625097600, 1625184000)
NOW = (1631837410, 1631837470)
CAMEL_DAYS = {"startTs": "1625097600", "endTs": "1625270400", "appid": APP}
CAMEL_DAY = {"startTs": "1625097600", "endTs": "1625184000", "appid": APP}
CAMEL_NOW = {"startTs": "1631837410", "endTs": "1631837470", "appid": APP}


def _ok(**more: Any) -> dict[str, Any]:
    return {"code": 200, "message": "success", **more}


_LISTS = Printed(
    path="/beta/analytics/call/lists",
    window=LIST_WINDOW,
    params={},
    page=(1, 20),
    query={
        "start_ts": "1550024508",
        "end_ts": "1550025508",
        "appid": APP,
        "page_no": "1",
        "page_size": "20",
    },
    answer={"code": 200, "message": "", **REQUEST_ID, **PAGED, "has_more": False, "call_lists": [CALL]},
    rows=1,
)
_NEWEST = attrs.evolve(
    _LISTS,
    page=(0, 0),
    query={"start_ts": "1550024508", "end_ts": "1550025508", "appid": APP},
    answer={"code": 200, "message": "", "has_more": False, "call_lists": [CALL]},
)
_SESSIONS = Printed(
    path="/beta/analytics/call/sessions",
    window=CALL_WINDOW,
    params={"call_id": CALL_ID, "uids": ["uxx1", "uxx2"], "exclude_server_user": True},
    page=(1, 20),
    query={**ABOUT_CALL, "page_no": "1", "page_size": "20", "uids": "uxx1,uxx2", "exclude_server_user": "true"},
    answer={"code": 200, "message": "", **REQUEST_ID, **PAGED, "call_info": [SESSION]},
    rows=1,
)
_METRICS = Printed(
    path="/beta/analytics/call/metrics",
    window=CALL_WINDOW,
    params={"call_id": CALL_ID, "sids": ["sxxxxxxxxxxxxxxxx1", "sxxxxxxxxxxxxxxxx2", "sxxxxxxxxxxxxxxxx3"]},
    query={**ABOUT_CALL, "sids": "sxxxxxxxxxxxxxxxx1,sxxxxxxxxxxxxxxxx2,sxxxxxxxxxxxxxxxx3"},
    answer={"code": 200, "message": "", **REQUEST_ID, "metrics": [SERIES]},
    rows=1,
)
_USAGE = Printed(
    path="/beta/insight/usage/by_time",
    window=DAYS,
    params={"metric": "userCount", "aggregateGranularity": "1d"},
    query={**CAMEL_DAYS, "metric": "userCount", "aggregateGranularity": "1d"},
    answer=_ok(data=[{"userCount": 42, "ts": 1625155200}, {"userCount": 37, "ts": 1625241600}]),
    rows=1,
)
_QUALITY = Printed(
    path="/beta/insight/quality/by_time",
    window=DAY,
    params={"metric": "networkDelay", "aggregateGranularity": "1h", "productType": "Native"},
    query={**CAMEL_DAY, "metric": "networkDelay", "aggregateGranularity": "1h", "productType": "Native"},
    answer=_ok(
        data=[
            {"networkDelay": 0.064762, "ts": 1625097600},
            {"networkDelay": 0.028156, "ts": 1625101200},
            {"networkDelay": 0.03765, "ts": 1625184000},
        ]
    ),
    rows=1,
)
_REALTIME_USAGE = Printed(
    path="/beta/realtime/usage/by_time_20sec",
    window=NOW,
    params={"productType": "Native", "metric": "userCount"},
    query={**CAMEL_NOW, "productType": "Native", "metric": "userCount"},
    answer=_ok(
        data=[
            {"userCount": 112, "ts": 1631837400},
            {"userCount": 113, "ts": 1631837420},
            {"userCount": 114, "ts": 1631837440},
        ]
    ),
    rows=1,
)
# The pages ask for it at `/beta/realtime/usage/...`, a slip of theirs that the newest still has.
_REALTIME_QUALITY = Printed(
    path="/beta/realtime/quality/by_time_20sec",
    window=NOW,
    params={
        "productType": "Native",
        "metric": "networkDelay",
        "cname": "demoChannel",
        "uids": ["2303692334", "2963430861"],
    },
    query={
        **CAMEL_NOW,
        "productType": "Native",
        "metric": "networkDelay",
        "cname": "demoChannel",
        "uids": "2303692334,2963430861",
    },
    answer=_ok(
        data=[
            {"uid": uid, "values": [{"ts": 1631837400 + 20 * step, "networkDelay": 0.389} for step in range(3)]}
            for uid in (2303692334, 2963430861)
        ]
    ),
    rows=2,
)
_TOP = (1631837410, 1631837430)
_LIVE_ANSWER = {"pcc": 42, "pcu": 102, "ts": 1548665578}

PRINTED: Mapping[tuple[str, str], Printed] = {
    ("2024", "call/lists"): _LISTS,
    ("2024", "call/sessions"): _SESSIONS,
    ("2024", "call/metrics"): _METRICS,
    ("2024", "call/statistics"): Printed(
        path="/beta/analytics/call/statistics",
        window=CALL_WINDOW,
        params={"call_id": CALL_ID, "metric": "audio_freeze_rate", "dimension": "country"},
        query={**ABOUT_CALL, "metric": "audio_freeze_rate", "dimension": "country"},
        answer=_ok(
            data=[
                {"dimension_value": "China", "user_count": 3, "value": 0.02},
                {"dimension_value": "Japan", "user_count": 1, "value": 0},
            ]
        ),
        rows=2,
    ),
    ("2024", "call/freeze/bucket"): Printed(
        path="/beta/analytics/call/freeze/bucket",
        window=CALL_WINDOW,
        params={"call_id": CALL_ID, "metric": "video_freeze_rate"},
        query={**ABOUT_CALL, "metric": "video_freeze_rate"},
        answer=_ok(data=[{"bucket": "[10%,100%)", "user_count": 1}, {"bucket": "[0%,3%)", "user_count": 12}]),
        rows=2,
    ),
    ("2024", "call/statistics/time"): Printed(
        path="/beta/analytics/call/statistics/time",
        window=CALL_WINDOW,
        params={"call_id": CALL_ID, "metric": "user_count"},
        query={**ABOUT_CALL, "metric": "user_count"},
        answer=_ok(data=[{"ts": 1548665460, "value": 5}, {"ts": 1548665340, "value": 3}]),
        rows=1,
    ),
    ("2024", "insight/usage/by_time"): _USAGE,
    ("2024", "insight/quality/by_time"): _QUALITY,
    ("2024", "insight/usage/aggregation"): Printed(
        path="/beta/insight/usage/aggregation",
        window=DAY,
        params={
            "metric": "userCount",
            "dimension": "region",
            "dimensionValues": ["Shanghai", "Beijing"],
            "filters": [{"name": "country", "value": "China"}],
        },
        query={"appid": APP},
        body={
            "startTs": 1625097600,
            "endTs": 1625184000,
            "metric": "userCount",
            "dimension": "region",
            "dimensionValues": ["Shanghai", "Beijing"],
            "filters": [{"name": "country", "value": "China"}],
        },
        answer={
            "code": 200,
            "message": "null",
            "data": [{"region": "Shanghai", "userCount": 42}, {"region": "Beijing", "userCount": 37}],
        },
        rows=2,
    ),
    ("2024", "insight/quality/aggregation"): Printed(
        path="/beta/insight/quality/aggregation",
        window=DAY,
        params={"metric": "audioFreezeRate", "dimension": "country", "productType": "Native"},
        query={"appid": APP},
        body={
            "startTs": 1625097600,
            "endTs": 1625184000,
            "metric": "audioFreezeRate",
            "dimension": "country",
            "productType": "Native",
        },
        answer={
            "code": 200,
            "message": "null",
            "data": [
                {"country": "China", "refUsage": 231234, "audioFreezeRate": 0.0017},
                {"country": "United States", "refUsage": 213212, "audioFreezeRate": 0.0014},
            ],
        },
        rows=2,
    ),
    ("2024", "realtime/usage/by_time_20sec"): attrs.evolve(
        _REALTIME_USAGE,
        params={
            "productType": "Native",
            "metric": "userCount",
            "dimension": "sdk",
            "dimensionValues": ["3.6.1.1", "4.1.1"],
            "cname": "demoChannel",
        },
        query={
            **CAMEL_NOW,
            "productType": "Native",
            "metric": "userCount",
            "dimension": "sdk",
            "dimensionValues": '"3.6.1.1","4.1.1"',
            "cname": "demoChannel",
        },
        answer=_ok(
            data=[
                {"userCount": 112, "ts": 1631837400, "sdk": "3.6.1.1"},
                {"userCount": 7, "ts": 1631837400, "sdk": "4.1.1"},
                {"userCount": 113, "ts": 1631837420, "sdk": "3.6.1.1"},
            ]
        ),
        rows=2,
    ),
    ("2024", "realtime/quality/by_time_20sec"): _REALTIME_QUALITY,
    ("2024", "realtime/usage/dimension/top20"): Printed(
        path="/beta/realtime/usage/dimension/top20",
        window=_TOP,
        params={"productType": "Native", "metric": "userCount", "dimension": "sdk"},
        query={"ts": "1631837410", "appid": APP, "productType": "Native", "metric": "userCount", "dimension": "sdk"},
        answer={
            "code": 200,
            "message": None,
            "data": {
                "list": [
                    {
                        "sdk": "3.6.1.1",
                        "userCount": 236,
                        "windowStartTs": 1631837410,
                        "windowEndTs": 1631837430,
                    },
                    {"sdk": "4.1.1", "userCount": 82, "windowStartTs": 1631837410, "windowEndTs": 1631837430},
                ]
            },
        },
        rows=2,
    ),
    ("2024", "realtime/quality/dimension/top20"): Printed(
        path="/beta/realtime/quality/dimension/top20",
        window=(1671624000, 1671624020),
        params={
            "productType": "Native",
            "metric": "audioFreezeRate",
            "dimension": "device",
            "extraMetrics": "userCount",
        },
        query={
            "ts": "1671624000",
            "appid": APP,
            "productType": "Native",
            "metric": "audioFreezeRate",
            "dimension": "device",
            "extraMetrics": "userCount",
        },
        answer={
            "code": 200,
            "message": None,
            "data": {
                "list": [
                    {
                        "audioFreezeRate": 0.050833333333333335,
                        "windowStartTs": 1671624000,
                        "userCount": 2,
                        "device": "ldn-al00",
                        "windowEndTs": 1671624020,
                    }
                ]
            },
        },
        rows=1,
    ),
    ("2022", "call/lists"): _LISTS,
    ("2022", "call/sessions"): _SESSIONS,
    ("2022", "call/metrics"): _METRICS,
    ("2022", "insight/usage/by_time"): _USAGE,
    ("2022", "insight/quality/by_time"): _QUALITY,
    ("2022", "realtime/usage/by_time_20sec"): _REALTIME_USAGE,
    ("2022", "realtime/quality/by_time_20sec"): _REALTIME_QUALITY,
    ("2021-07", "call/lists"): _NEWEST,
    ("2021-07", "call/sessions"): attrs.evolve(
        _SESSIONS, answer={"code": 200, "message": "", **PAGED, "call_info": [SESSION]}
    ),
    ("2021-07", "call/metrics"): attrs.evolve(_METRICS, answer={"code": 200, "message": "", "metrics": [SERIES]}),
    ("2021-07", "insight/usage/by_time"): _USAGE,
    ("2021-07", "insight/quality/by_time"): attrs.evolve(
        _QUALITY,
        window=DAYS,
        params={"metric": "networkDelay", "aggregateGranularity": "1d", "productType": "Native"},
        query={**CAMEL_DAYS, "metric": "networkDelay", "aggregateGranularity": "1d", "productType": "Native"},
        answer=_ok(data=[{"networkDelay": 0.064762, "ts": 1625155200}, {"networkDelay": 0.046284, "ts": 1625241600}]),
    ),
    ("2021-03", "call/lists"): _NEWEST,
    # The page has struck out the call's id in the question alone; in its other examples both are the same.
    ("2021-03", "call/details"): Printed(
        path="/beta/analytics/call/details",
        window=CALL_WINDOW,
        params={"call_id": CALL_ID, "exclude_server_user": False, "exclude_metrics_info": True},
        query={**ABOUT_CALL, "exclude_server_user": "false", "exclude_metrics_info": "true"},
        answer={"code": 200, "message": "", "call_id": CALL_ID, "call_info": [SESSION]},
        rows=1,
    ),
    ("2021-03", "call/details with metrics"): Printed(
        path="/beta/analytics/call/details",
        window=CALL_WINDOW,
        params={"call_id": CALL_ID},
        query=ABOUT_CALL,
        answer={
            "code": 200,
            "message": "",
            "call_id": CALL_ID,
            "call_info": [SESSION],
            "metrics": [SERIES],
        },
        rows=1,
    ),
    ("2021-03", "insight/usage/by_time"): Printed(
        path="/beta/insight/usage/by_time",
        window=(1570579200, 1570838400),
        params={"metric": ["userCount", "sessionCount"]},
        query={"start_ts": "1570579200", "end_ts": "1570838400", "appid": APP, "metric": "userCount,sessionCount"},
        answer=_ok(data=[{"userCount": 42, "sessionCount": 50, "ts": 1570752000}]),
        rows=2,
    ),
    ("2021-03", "live/scale/by_time"): Printed(
        path="/beta/live/scale/by_time",
        window=CALL_WINDOW,
        params={"metric": ["pcu", "pcc"]},
        query={**SNAKE, "metric": "pcu,pcc"},
        answer=_ok(data=[_LIVE_ANSWER]),
        rows=2,
    ),
    ("2021-03", "live/experience/by_time"): Printed(
        path="/beta/live/experience/by_time",
        window=CALL_WINDOW,
        params={"metric": ["joinSuccessRate"]},
        query={**SNAKE, "metric": "joinSuccessRate"},
        answer=_ok(data=[{"joinSuccessRate": 42, "ts": 1548666023}]),
        rows=1,
    ),
    ("2021-03", "live/net/by_time"): Printed(
        path="/beta/live/net/by_time",
        window=CALL_WINDOW,
        params={"metric": ["videoUpstreamExcellentTransRate"]},
        query={**SNAKE, "metric": "videoUpstreamExcellentTransRate"},
        answer=_ok(data=[{"videoUpstreamExcellentTransRate": 42, "ts": 1548667235}]),
        rows=1,
    ),
    ("2021-03", "live/diagnosis"): Printed(
        path="/beta/live/diagnosis",
        window=CALL_WINDOW,
        params={},
        query=SNAKE,
        answer=_ok(
            data=[
                {
                    "user": "83817682",
                    "exp_id": 4,
                    "cname": "C148474015",
                    "cause_tags": [
                        {"factor_id": 18, "host_user": "44361248"},
                        {"factor_id": 23, "host_user": ""},
                        {"factor_id": 18, "host_user": ""},
                    ],
                    "ts": 1548668575,
                }
            ]
        ),
        rows=1,
    ),
}
"""Every question by generation and name of the row."""
