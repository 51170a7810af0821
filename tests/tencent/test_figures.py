"""Tencent's figures: columns by name, percents as ratios, buckets under the vendor's own stamps."""

from __future__ import annotations

import json
from math import isnan, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics import BadInput, NotOffered, Response, TimeRange
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.limits import DAY
from agora_tencent_analytics.models.figures import FIGURES, Figures
from agora_tencent_analytics.tencent.endpoints import (
    ACCELERATION_USAGE,
    AI_USAGE,
    ENDPOINTS,
    MARKET_QUALITY,
    MARKET_QUALITY_2023,
    MARKET_SCALE,
    MARKET_SCALE_2023,
    MODERATION_USAGE,
    REALTIME_QUALITY,
    REALTIME_SCALE,
    RECORD_STATISTIC,
    RELAY_USAGE,
    SCALE_INFO,
    TRANSCODE_TIME,
    TRTC_USAGE,
)
from agora_tencent_analytics.tencent.figures import FIGURES_OF, METRICS, checked_metrics, period, whole
from agora_tencent_analytics.tencent.wire import TencentVendor
from agora_tencent_analytics.wire import Asked, Reply, decoded

VENDOR = TencentVendor("ap-guangzhou")
MIDNIGHT = 1695139200  # 2023-09-20T00:00+08:00, as the vendor's example stamps the day
DAYS = TimeRange(MIDNIGHT, MIDNIGHT + 4 * DAY)


def read(row: Endpoint[Any], inside: dict[str, Any], window: TimeRange = DAYS, **params: Any) -> Reply[Any]:
    body = json.dumps({"Response": {"RequestId": "r-1", **inside}}).encode()
    asked = Asked(window=window, params=params)
    response = Response(status=200, headers={}, body=body)
    return decoded(VENDOR, row, response, VENDOR.unwrap(row, response), asked)


def table(columns: list[str], values: Any, **more: Any) -> dict[str, Any]:
    return {"Data": {"StatementID": 0, "Series": [{"Columns": columns, "Values": values, **more}], "Total": 1}}


def points(figures: Figures) -> list[tuple[int, float]]:
    return list(zip(figures.times, figures.values, strict=True))


def by_name(reply: Reply[Any]) -> dict[str, list[tuple[int, float]]]:
    return {figures.vendor_metric: points(figures) for figures in reply.items}


SCALE_COLUMNS = ["time", "peakCurrentUsers", "peakCurrentChannels", "userCount", "roomCount"]
SCALE_ROWS = [[MIDNIGHT, 4, 2, 12, 5], [MIDNIGHT + DAY, 0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("row", "values"),
    [
        (MARKET_SCALE, [{"RowValue": numbers} for numbers in SCALE_ROWS]),
        (MARKET_SCALE, [{"RowValue": numbers, "RowValueFloat": None} for numbers in SCALE_ROWS]),
        (MARKET_SCALE_2023, SCALE_ROWS),
    ],
    ids=["rows", "rows with a null beside them", "plain lists of the retired action"],
)
def test_the_scale_of_days_decodes(row: Endpoint[Any], values: list[Any]) -> None:
    reply = read(row, table(SCALE_COLUMNS, values), Period="d")
    assert [
        ("peak_users", "peakCurrentUsers", "count"),
        ("peak_channels", "peakCurrentChannels", "count"),
        ("users", "userCount", "count"),
        ("channels", "roomCount", "count"),
    ] == [(one.metric, one.vendor_metric, one.unit) for one in reply.items]
    assert [(MIDNIGHT, 12.0), (MIDNIGHT + DAY, 0.0)] == points(reply.items[2])
    assert {("tencent", DAY, "", "", "")} == {
        (one.vendor, one.bucket_s, one.channel, one.product, one.dimension) for one in reply.items
    }
    assert ([], "r-1", {"StatementID": 0, "Total": 1}) == (reply.ids, reply.request_id, reply.extra)


@given(st.permutations(SCALE_COLUMNS))
def test_columns_are_found_by_name_in_any_order(order: list[str]) -> None:
    values = [{"RowValue": [numbers[SCALE_COLUMNS.index(name)] for name in order]} for numbers in SCALE_ROWS]
    expected = {
        name: [(numbers[0], float(numbers[at])) for numbers in SCALE_ROWS]
        for at, name in enumerate(SCALE_COLUMNS)
        if at
    }
    assert expected == by_name(read(MARKET_SCALE, table(order, values), Period="d"))


RATES = ["networkDelay", "time", "joinSuccessRate", "joinSuccessIn5sRate", "audioFreezeRate", "videoFreezeRate"]


@pytest.mark.parametrize("row", [MARKET_QUALITY, MARKET_QUALITY_2023], ids=lambda row: row.name)
def test_whole_percents_become_ratios(row: Endpoint[Any]) -> None:
    reply = read(row, table(RATES, [{"RowValue": [3, MIDNIGHT, 97, 90, 0, 100]}]), Period="h")
    assert {"ratio"} == {one.unit for one in reply.items}
    assert {3600} == {one.bucket_s for one in reply.items}
    assert {
        "network_delay": pytest.approx(0.03),
        "join_success": pytest.approx(0.97),
        "join_success_in_5s": pytest.approx(0.9),
        "audio_freeze": 0.0,
        "video_freeze": pytest.approx(1.0),
    } == {one.metric: one.values[0] for one in reply.items}


def test_decimals_are_percents_too_and_come_in_a_field_of_their_own() -> None:
    numbers = [0.5, float(MIDNIGHT), 97.25, 90.0, 0.0, 100.0]
    for beside in (None, [], [0, MIDNIGHT, 97, 90, 0, 100]):
        values = [{"RowValue": beside, "RowValueFloat": numbers}]
        reply = read(MARKET_QUALITY, table(RATES, values), Period="d", IsFloat=True)
        delay, joined = reply.items[:2]
        assert ("networkDelay", [MIDNIGHT]) == (delay.vendor_metric, list(delay.times))
        assert pytest.approx([0.005]) == list(delay.values)
        assert pytest.approx([0.9725]) == list(joined.values)


def test_without_asking_for_decimals_the_whole_numbers_are_read() -> None:
    values = [{"RowValue": [97, MIDNIGHT], "RowValueFloat": [0.0, 0.0]}]
    reply = read(MARKET_QUALITY, table(["joinSuccessRate", "time"], values), Period="d")
    (joined,) = reply.items
    assert [MIDNIGHT] == list(joined.times)
    assert pytest.approx([0.97]) == list(joined.values)


NOW = 1695711343  # the vendor's example: a request from ...343 is answered from ...350 on, every ten seconds


@pytest.mark.parametrize("row", [REALTIME_SCALE, REALTIME_QUALITY], ids=lambda row: row.name)
def test_figures_of_the_moment_are_about_the_room_asked_for(row: Endpoint[Any]) -> None:
    columns = ["time", "userCount", "audioFreezeRate"]
    values = [{"RowValue": [NOW + 7 + 10 * step, step, 2]} for step in range(30)]
    reply = read(row, table(columns, values), TimeRange(NOW, NOW + 300), RoomId="7")
    users, freeze = reply.items
    assert (("7", None, 30), ("audio_freeze", "ratio")) == (
        (users.channel, users.bucket_s, len(users)),
        (freeze.metric, freeze.unit),
    )
    assert pytest.approx([0.02] * 30) == list(freeze.values)


def test_a_bucket_outside_the_window_is_dropped() -> None:
    values = [{"RowValue": [MIDNIGHT + step * DAY, step]} for step in range(-1, 6)]
    (users,) = read(MARKET_SCALE, table(["time", "userCount"], values), Period="d").items
    assert [MIDNIGHT + step * DAY for step in range(4)] == list(users.times)


def test_an_unknown_metric_and_unknown_fields_pass_through() -> None:
    reply = read(MARKET_SCALE, {**table(["time", "robots"], [[MIDNIGHT, 3]], Tags={"a": 1}), "New": 1}, Period="d")
    (robots,) = reply.items
    assert ("", "robots", "", {"Tags": {"a": 1}}) == (robots.metric, robots.vendor_metric, robots.unit, robots.extra)
    assert {"StatementID": 0, "Total": 1, "New": 1} == reply.extra


@pytest.mark.parametrize(
    "rows",
    [
        [[MIDNIGHT, None], [MIDNIGHT + DAY, 1]],
        [[MIDNIGHT], [MIDNIGHT + DAY, 1]],
        [{"RowValue": [MIDNIGHT]}, {"RowValue": [MIDNIGHT + DAY, 1, 9]}],
    ],
    ids=["null", "too short", "too short and too long"],
)
def test_a_missing_value_is_not_a_number(rows: list[Any]) -> None:
    (users,) = read(MARKET_SCALE, table(["time", "userCount"], rows), Period="d").items
    assert isnan(users.values[0])
    assert (1.0, 1) == (users.values[1], users.columns.odd)


@pytest.mark.parametrize("rows", [[None], [[]], [{}], [{"RowValue": None}]], ids=str)
def test_a_row_without_a_time_is_lost_alone(rows: list[Any]) -> None:
    reply = read(MARKET_SCALE, table(["time", "userCount"], [*rows, [MIDNIGHT, 1]]), Period="d")
    (users,) = reply.items
    assert [(MIDNIGHT, 1.0)] == points(users)
    assert [(0, json.dumps(rows[0]))] == [(lost.place, lost.text) for lost in reply.flaws.rows]


@pytest.mark.parametrize(
    "data",
    [None, {}, {"Series": None}, {"Series": []}, {"Series": [{"Columns": None, "Values": None}]}],
    ids=str,
)
def test_nothing_is_no_figure(data: Any) -> None:
    assert [] == read(MARKET_SCALE, {"Data": data}, Period="d").items


@pytest.mark.parametrize("columns", [["Time", "userCount"], ["userCount"]], ids=str)
def test_values_without_a_column_of_times_are_no_figures(columns: list[str]) -> None:
    reply = read(MARKET_SCALE, table(columns, [[1, 2]]), Period="d")
    (lost,) = reply.flaws.rows
    assert ([], f"no column 'time' among {columns}") == (reply.items, lost.reason)


def test_values_that_are_no_rows_are_lost() -> None:
    reply = read(MARKET_SCALE, table(["time", "userCount"], [MIDNIGHT, 3]), Period="d")
    assert [str(MIDNIGHT), "3"] == [lost.text for lost in reply.flaws.rows]


def test_the_scale_of_a_day_comes_newest_first_and_is_sorted() -> None:
    days = [
        {"Time": MIDNIGHT + DAY, "UserNumber": 6, "UserCount": 9, "RoomNumbers": 3},
        {"Time": MIDNIGHT, "UserNumber": 5, "UserCount": None, "RoomNumbers": 2, "New": 1},
    ]
    reply = read(SCALE_INFO, {"Total": 2, "ScaleList": days})
    assert [("users", "UserNumber"), ("sessions", "UserCount"), ("channels", "RoomNumbers"), ("", "New")] == [
        (one.metric, one.vendor_metric) for one in reply.items
    ]
    users, sessions, _, new = reply.items
    assert [(MIDNIGHT, 5.0), (MIDNIGHT + DAY, 6.0)] == points(users)
    assert isnan(sessions.values[0])
    assert 1.0 == new.values[0]
    assert ({DAY}, 2) == ({one.bucket_s for one in reply.items}, reply.total)


KEYS = ["Audio", "SD", "HD", "FullHD", "2K", "4K"]


@pytest.mark.parametrize("stamped", [True, False])
def test_usage_is_in_minutes_under_the_vendors_keys(stamped: bool) -> None:
    buckets = []
    for step in range(2):
        bucket: dict[str, Any] = {"TimeKey": f"2023-09-2{step} 00:00:00", "UsageValue": [1.5, 2, 3, 4, 5, step]}
        buckets.append({**bucket, "TimeStampKey": MIDNIGHT + step * DAY} if stamped else bucket)
    reply = read(TRTC_USAGE, {"UsageKey": KEYS, "UsageList": buckets})
    assert KEYS == [one.vendor_metric for one in reply.items]
    assert {("", "minutes", DAY)} == {(one.metric, one.unit, one.bucket_s) for one in reply.items}
    assert [(MIDNIGHT, 0.0), (MIDNIGHT + DAY, 1.0)] == points(reply.items[-1])
    assert {} == reply.extra


def test_one_day_of_usage_comes_in_five_minutes() -> None:
    buckets = [{"TimeKey": f"2023-09-20 00:{5 * step:02}:00", "UsageValue": [step]} for step in range(12)]
    (audio,) = read(
        TRTC_USAGE, {"UsageKey": ["Audio"], "UsageList": buckets}, TimeRange(MIDNIGHT, MIDNIGHT + DAY)
    ).items
    assert (300, [MIDNIGHT + 300 * step for step in range(12)]) == (audio.bucket_s, list(audio.times))


def test_bandwidth_is_no_minutes() -> None:
    (bandwidth,) = read(RELAY_USAGE, {"UsageKey": ["Bandwidth"], "UsageList": []}).items
    assert ("Bandwidth", "", 0) == (bandwidth.vendor_metric, bandwidth.unit, len(bandwidth))


@pytest.mark.parametrize("bucket", [{"UsageValue": [1]}, {"TimeKey": "soon", "UsageValue": [1]}, {"TimeKey": None}])
def test_usage_without_a_time_is_lost_alone(bucket: dict[str, Any]) -> None:
    good = {"TimeKey": "2023-09-20 00:00:00", "UsageValue": [5]}
    reply = read(TRTC_USAGE, {"UsageKey": ["Audio"], "UsageList": [bucket, good, None]})
    (audio,) = reply.items
    assert [(MIDNIGHT, 5.0)] == points(audio)
    assert [(0, json.dumps(bucket)), (2, "null")] == [(lost.place, lost.text) for lost in reply.flaws.rows]


@pytest.mark.parametrize("values", [None, [], [None]], ids=str)
def test_usage_without_values_is_not_a_number(values: Any) -> None:
    bucket = {"TimeKey": "2023-09-20 00:00:00", "UsageValue": values}
    (audio,) = read(TRTC_USAGE, {"UsageKey": ["Audio"], "UsageList": [bucket]}).items
    assert [MIDNIGHT] == list(audio.times)
    assert isnan(audio.values[0])


# As the vendor prints its examples, with the fields that only its definitions have.
RECORDED = {
    "SdkAppId": "1400123456",
    "Usages": [
        {
            "TimeKey": "2023-09-20",
            "Class1VideoTime": 556026,
            "Class2VideoTime": 1,
            "Class3VideoTime": 0,
            "AudioTime": 7,
        },
        None,
        {"TimeKey": "2023-09-21", "Class1VideoTime": None, "AudioTime": 8},
    ],
}
TRANSCODED = {
    "SdkAppIdTranscodeTimeUsages": [
        {"Flux": 10.5, "AudioTime": 12, "VideoTimeHd": 21, "VideoTimeFhd": 4, "VideoTimeSd": 8, "TimeKey": "2023-09-20"}
    ],
    "TotalNum": 1,
    "SdkAppId": "total",
}


def test_seconds_recorded_come_by_app() -> None:
    other = {"SdkAppId": "1400999999", "Usages": [{"TimeKey": "2023-09-20", "AudioTime": 9}]}
    reply = read(RECORD_STATISTIC, {"SdkAppIdUsages": [RECORDED, other], "New": 1})
    names = ["Class1VideoTime", "Class2VideoTime", "Class3VideoTime", "AudioTime"]
    assert [*names, "AudioTime"] == [one.vendor_metric for one in reply.items]
    assert [(1, "null")] == [(lost.place, lost.text) for lost in reply.flaws.rows]
    assert {("", "seconds", DAY)} == {(one.metric, one.unit, one.bucket_s) for one in reply.items}
    small, audio, others = reply.items[0], reply.items[3], reply.items[4]
    assert ([MIDNIGHT, MIDNIGHT + DAY], 556026.0) == (list(small.times), small.values[0])
    assert isnan(small.values[1])
    assert [(MIDNIGHT, 7.0), (MIDNIGHT + DAY, 8.0)] == points(audio)
    assert [(MIDNIGHT, 9.0)] == points(others)
    assert ("1400123456", "1400999999", {"New": 1}) == (audio.extra["SdkAppId"], others.extra["SdkAppId"], reply.extra)


def test_seconds_transcoded_come_with_their_bandwidth() -> None:
    reply = read(TRANSCODE_TIME, {"Usages": [TRANSCODED]}, TimeRange(MIDNIGHT, MIDNIGHT + DAY))
    assert {
        "Flux": "Mbps",
        **dict.fromkeys(("AudioTime", "VideoTimeHd", "VideoTimeFhd", "VideoTimeSd"), "seconds"),
    } == {one.vendor_metric: one.unit for one in reply.items}
    assert [(MIDNIGHT, 10.5)] == points(reply.items[0])
    assert ({300}, {"TotalNum": 1, "SdkAppId": "total"}) == (
        {one.bucket_s for one in reply.items},
        reply.items[0].extra,
    )


@pytest.mark.parametrize("nothing", [None, [], [{"SdkAppId": "1"}], [{"Usages": None}], [{"Usages": [{}]}]], ids=str)
def test_an_app_without_usage_has_no_figures(nothing: Any) -> None:
    assert [] == read(RECORD_STATISTIC, {"SdkAppIdUsages": nothing}).items


@pytest.mark.parametrize(
    ("row", "keys", "given"),
    [
        (AI_USAGE, ["Conversation", "Asr"], {"AuType": ["conversation", "asr"]}),
        (ACCELERATION_USAGE, ["Time"], {}),
        (MODERATION_USAGE, ["Audio"], {"Type": "audio", "Business": 0}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_usage_in_an_unknown_unit_has_none_and_its_total_is_kept(
    row: Endpoint[Any], keys: list[str], given: dict[str, Any]
) -> None:
    values = [float(at) + 0.5 for at in range(len(keys))]
    bucket = {"TimeKey": "2023-09-20 00:00:00", "UsageValue": values}
    reply = read(row, {"TotalUsage": values, "UsageKey": keys, "UsageList": [bucket]}, **given)
    assert [(key, "", "", DAY) for key in keys] == [
        (one.vendor_metric, one.metric, one.unit, one.bucket_s) for one in reply.items
    ]
    assert [[(MIDNIGHT, value)] for value in values] == [points(one) for one in reply.items]
    assert {"TotalUsage": values} == reply.extra


# --- neutral names ----------------------------------------------------------------------------------------


def test_every_neutral_name_exists_and_every_question_tells_what_it_claims() -> None:
    assert {known.metric for known in METRICS.values()} <= set(FIGURES)
    for name, metrics in FIGURES_OF.items():
        assert ENDPOINTS[name].model is Figures
        assert metrics <= {known.metric for known in METRICS.values()}


@pytest.mark.parametrize(
    ("metrics", "error"),
    [
        ([], BadInput),
        ("users", BadInput),
        (["userCount"], BadInput),
        (["users", ""], BadInput),
        (["duration"], NotOffered),
        (["users", "join_success"], NotOffered),
    ],
    ids=str,
)
def test_a_metric_that_cannot_be_had_is_refused(metrics: Any, error: type[Exception]) -> None:
    checked_metrics(MARKET_SCALE, ["users", "channels", "peak_users", "peak_channels"])
    with pytest.raises(error):
        checked_metrics(MARKET_SCALE, metrics)


def test_buckets_are_days_or_hours() -> None:
    assert ("d", "h") == (period("day"), period("hour"))
    with pytest.raises(BadInput, match="every must be one of day, hour"):
        period("minute")


def test_the_pieces_of_a_long_range_are_one_without_doubled_or_missing_points() -> None:
    pieces: list[Figures] = []
    for start in (0, 2):
        window = TimeRange(MIDNIGHT + start * DAY, MIDNIGHT + (start + 2) * DAY)
        # Both answers show the day at the seam; it belongs to the window that it begins in.
        values = [[MIDNIGHT + step * DAY, step + 100 * start] for step in range(start, start + 3)]
        pieces += read(MARKET_SCALE, table(["time", "userCount"], values), window, Period="d").items
    (users,) = whole(pieces, ["users", "channels", "users"], TimeRange(MIDNIGHT + DAY, MIDNIGHT + 4 * DAY))
    assert [(MIDNIGHT + DAY, 1.0), (MIDNIGHT + 2 * DAY, 202.0), (MIDNIGHT + 3 * DAY, 203.0)] == points(users)


def test_a_number_is_preferred_to_none_where_pieces_overlap() -> None:
    same = TimeRange(MIDNIGHT, MIDNIGHT + DAY)
    pieces = [
        read(MARKET_SCALE, table(["time", "userCount"], [[MIDNIGHT, value]]), same, Period="d").items[0]
        for value in (None, 3)
    ]
    (users,) = whole(pieces, ["users"], same)
    assert [3.0] == list(users.values) != [nan]
