"""The shell of Tencent's call detail, quick and lenient."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.decoding.bulk import TooMuch
from agora_tencent_analytics.decoding.points import PointForm
from agora_tencent_analytics.decoding.series import UnreadSeries
from agora_tencent_analytics.decoding.unread import SeriesAnswer
from agora_tencent_analytics.models.columns import Columns
from agora_tencent_analytics.tencent.replies import SERIES

read_detail = SERIES.read
DOCUMENTED = b"""{"Response": {
  "Total": 1,
  "UserList": [{"RoomStr": "0", "UserId": "1716", "JoinTs": 1590065777, "LeaveTs": 1590065877, "Finished": true}],
  "Data": [{"Content": [{"Time": 1590065779, "Value": 0}, {"Time": 1590065781, "Value": 0}],
            "PeerId": "", "UserId": "1716", "DataType": "bigvCapFps"}],
  "RequestId": "2e12e365-43e8-4efd-902d-906303e2ee4a"}}"""


def test_the_documented_reply_reads() -> None:
    detail = read_detail(DOCUMENTED)
    assert {"Total": 1, "RequestId": "2e12e365-43e8-4efd-902d-906303e2ee4a"} == detail.envelope
    assert ["1716"] == [user.user_id for user in detail.usual or ()]
    (series,) = detail.series
    assert ("1716", "bigvCapFps", "") == (series.owner, series.metric, series.peer_id)
    assert bytes is type(series.points)
    columns = Columns(series.points, PointForm.OBJECTS)
    assert [(1590065779, 0.0), (1590065781, 0.0)] == list(zip(columns.times, columns.values, strict=True))
    assert {} == detail.extra == series.extra


@given(
    st.lists(st.tuples(st.text(max_size=4), st.one_of(st.none(), st.text(max_size=4)), st.text(max_size=4))),
    st.booleans(),
)
def test_quick_and_lenient_ways_agree(content: list[tuple[str, str | None, str]], unknown: bool) -> None:
    data = [{"UserId": user, "PeerId": peer, "DataType": kind, "Content": None} for user, peer, kind in content]
    response: dict[str, Any] = {"Total": 2, "UserList": None, "Data": data, "RequestId": "r"}
    if unknown:
        response["Next"] = [1]
    expected = SeriesAnswer(
        envelope={"Total": 2, "RequestId": "r"},
        owners={user for user, _, _ in content},
        series=[UnreadSeries(owner=user, metric=kind, peer_id=peer or "") for user, peer, kind in content],
        sessions=[],
        extra={"Next": [1]} if unknown else {},
    )
    assert expected == read_detail(json.dumps({"Response": response}).encode())


@pytest.mark.parametrize(
    ("response", "sessions"),
    [
        (b'{"RequestId":"r","Data":null,"UserList":null}', []),
        (b'{"RequestId":"r","Data":[]}', None),
        (b'{"RequestId":"r","Data":[],"UserList":[]}', []),
    ],
)
def test_null_lists_are_empty(response: bytes, sessions: list[Any] | None) -> None:
    expected = SeriesAnswer(envelope={"Total": None, "RequestId": "r"}, sessions=sessions)
    assert expected == read_detail(b'{"Response":' + response + b"}")


def test_an_absent_list_of_series_is_noticed() -> None:
    assert not read_detail(b'{"Response":{"RequestId":"r"}}').is_about_series


def test_what_is_no_series_is_left_out_and_told() -> None:
    detail = read_detail(b'{"Response":{"Data":[null,{"UserId":"u","DataType":"rtt"},7],"UserList":[null]}}')
    assert [UnreadSeries(owner="u", metric="rtt")] == detail.series
    assert [
        "Data[0] is null, where an object was expected",
        "Data[2] is a number, where an object was expected",
    ] == detail.doubts
    assert [None] == detail.sessions


def test_users_that_are_no_list_cost_themselves() -> None:
    detail = read_detail(b'{"Response":{"Data":[{"UserId":"u","DataType":"rtt"}],"UserList":"x"}}')
    assert [UnreadSeries(owner="u", metric="rtt")] == detail.series
    assert ["UserList should be a list, not a string"] == detail.doubts


def test_more_series_than_are_read_are_counted_before_any_is_made() -> None:
    one = b'{"UserId":"u","DataType":"rtt"}'
    body = b'{"Response":{"RequestId":"r","Data":[' + b",".join([one] * 100_000) + b"]}}"
    tracemalloc.start()
    try:
        with pytest.raises(TooMuch, match="100,000 series"):
            read_detail(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * len(body)


def test_odd_types_and_unknown_keys_are_kept() -> None:
    detail = read_detail(
        b'{"Response":{"Total":"many","UserList":[{"UserId":7}],"Data":[{"UserId":1716,"PeerId":null,'
        b'"DataType":"rtt","Unit":"ms"}],"Error":{"Code":"X"}},"Trace":1}'
    )
    assert [UnreadSeries(owner="1716", metric="rtt", extra={"Unit": "ms"})] == detail.series
    assert {"Total": "many", "Error": {"Code": "X"}, "Trace": 1} == detail.extra
    assert detail.envelope["Total"] is None
    assert [{"UserId": 7}] == detail.sessions


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (DOCUMENTED[:-5], "not JSON"),
        (b"{}", "the reply holds no Response"),
        (b'{"Response":[]}', "Response should be an object, not a list"),
        (b'{"Response":{"Data":{}}}', "Data should be a list, not an object"),
    ],
)
def test_what_has_not_the_shape_is_named(body: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_detail(body)
