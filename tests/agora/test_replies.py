"""The shell of Agora's metrics reply, quick and lenient."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.agora.replies import SERIES
from agora_tencent_analytics.decoding.points import PointForm
from agora_tencent_analytics.decoding.rawjson import UNREAD
from agora_tencent_analytics.decoding.series import UnreadSeries
from agora_tencent_analytics.decoding.unread import HOLLOW, SeriesAnswer
from agora_tencent_analytics.models.columns import Columns
from tests.support.in_turn import in_turn

DOCUMENTED = b"""{
  "code": 200, "message": "", "requestId": "r-1",
  "metrics": [{"sid": "3F7CC3B18E8F4A5B", "data": [
    {"mid": 20003, "kvs": [[1548670255, 215], [1548670257, 129], [1548670259, 121]], "peer_uid": 0}]}]
}"""
read_metrics = SERIES.read
COMPACT: dict[str, Any] = {"separators": (",", ":")}
uids = st.one_of(st.none(), st.integers(0, 2**32), st.integers(0, 2**32).map(str), st.just("alice"))
points = st.lists(st.one_of(st.integers(), st.lists(st.one_of(st.integers(), st.lists(st.text())), max_size=3)))


def reply(**entry: Any) -> bytes:
    return json.dumps({"code": 200, "metrics": [{"sid": "s", "data": [entry]}]}).encode()


def test_the_documented_reply_reads() -> None:
    metrics = read_metrics(DOCUMENTED)
    assert {"code": 200, "message": "", "requestId": "r-1", "call_id": ""} == metrics.envelope
    assert {"3F7CC3B18E8F4A5B"} == metrics.owners
    (series,) = metrics.series
    assert ("3F7CC3B18E8F4A5B", "20003", "") == (series.owner, series.metric, series.peer_id)
    assert [215.0, 129.0, 121.0] == list(Columns(series.points, PointForm.PAIRS).values)
    assert {} == metrics.extra == series.extra


@given(
    st.lists(
        st.tuples(st.text(max_size=4), st.lists(st.tuples(st.integers(0, 30_000), uids, points), max_size=3)),
        max_size=3,
    ),
    st.booleans(),
    st.sampled_from([{}, COMPACT]),
)
def test_quick_and_lenient_ways_agree(content: list[Any], unknown: bool, layout: dict[str, Any]) -> None:
    body: dict[str, Any] = {"code": 200, "message": None, "metrics": []}
    expected: list[UnreadSeries] = []
    for sid, entries in content:
        data = [{"mid": mid, "kvs": kvs, "peer_uid": uid} for mid, uid, kvs in entries]
        body["metrics"].append({"sid": sid, "data": data})
        for mid, uid, kvs in entries:
            peer = "" if uid in (None, 0, "0") else str(uid)
            expected.append(
                UnreadSeries(owner=sid, metric=str(mid), peer_id=peer, points=json.dumps(kvs, **layout).encode())
            )
    if unknown:
        body["trace"] = {"id": 1}
    metrics = read_metrics(json.dumps(body, **layout).encode())
    assert expected == metrics.series
    assert {sid for sid, _ in content} == metrics.owners
    assert ({"trace": {"id": 1}} if unknown else {}) == metrics.extra


def test_points_are_copies_that_pin_no_reply() -> None:
    (series,) = read_metrics(DOCUMENTED).series
    assert bytes is type(series.points)
    assert b"[[1548670255, 215], [1548670257, 129], [1548670259, 121]]" == series.points


@in_turn(
    "sessions",
    [
        b'{"sid":"s","data":[{"mid":1,"kvs":[[1,2],[3,4]],"peer_uid":0},{"mid":2,"kvs":[],"peer_uid":0}]}',
        b'{"sid":"s","data":[{"kvs":[[1,2],[3,4]],"peer_uid":0,"mid":1}]},{"sid":"t","data":[]}',
        b'{"sid":"s","data":[{"mid":1,"peer_uid":0,"kvs":[[1,2],[3,4]]},{"mid":2,"peer_uid":0,"kvs":[[5,6]]}]}',
        b'{"sid":"s","data":[{"mid":1,"kvs":[[1,2],[3,4]]}]},{"sid":"t","data":[{"mid":1,"kvs":[[5,null]]}]}',
        b'{"sid":"s","data":[{"mid":1,"kvs":[[1,2],[3,4]]},{"mid":2,"kvs":0},{"mid":3,"kvs":null},{"mid":4}]}',
        b'{"sid":"s","data":[{"mid":1,"kvs":[[1,2],[3,4]],"more":{"kvs":[[5,6]]}}]}',
        b'{"sid":"s","kvs":[[5,6]],"data":[{"mid":1,"kvs":[[1,2],[3,4]]}]}',
        b'{"sid":"s","data":[{"mid":1,"kvs":[[7,8]],"kvs":[[1,2],[3,4]]}]}',
        b'{"sid":"s","data":[{"mid":1,"kvs":[[1,[2]],[3,4]]},{"mid":2,"kvs":[[1,"]],"],[3,4]]}]}',
        b'{"sid":"\\"kvs\\":[[1,2]]","data":[{"mid":1,"kvs":[[1,2],[3,4]]}]}',
        b'{"sid":"s","data":[{"mid":1,"my\\"kvs":[[1,2]],"kvs":[[1,2],[3,4]]}]}',
        # A number of its own in the place of points, and as many lists under keys that are not series.
        b'{"sid":"s","data":[{"mid":1,"kvs":0,"more":{"kvs":[[5,6]]}},{"mid":2,"kvs":[[1,2]]}]}',
        b'{"sid":"s","data":[{"mid":1,"kvs":1,"more":{"kvs":[[5,6]]}},{"mid":2,"kvs":2},{"mid":3,"kvs":[[1,2]]}]}',
        b'{"sid":"s","data":[{"mid":1,"kvs":%b,"more":{"kvs":[[5,6]]}},{"mid":2,"kvs":[[1,2]]}]}' % HOLLOW,
        b'{"sid":"%b","data":[{"mid":1,"kvs":[[1,2],[3,4]]}]}' % HOLLOW,
        b'{"sid":"s","data":[{"mid":1,"kvs":[[1,2]] ,"peer_uid":0},{"mid":1,"kvs": [[1,2]],"peer_uid":0}]}',
    ],
)
def test_points_cut_out_come_back_where_they_were(sessions: bytes) -> None:
    body = b'{"code":200,"metrics":[' + sessions + b"]}"
    metrics = read_metrics(body)
    expected = [
        (session["sid"], entry["mid"], entry.get("kvs"))
        for session in json.loads(body)["metrics"]
        for entry in session["data"]
    ]
    assert expected == [(series.owner, int(series.metric), json.loads(series.points)) for series in metrics.series]
    assert ([[5, 6]] if b"more" in body else None) == metrics.series[0].extra.get("more", {}).get("kvs")


def test_the_points_of_a_compact_reply_are_never_parsed_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []
    quick = SERIES._quick

    def noted(body: bytes) -> Any:
        parsed.append(body)
        return quick(body)

    monkeypatch.setattr(SERIES, "_quick", noted)
    body = json.dumps(json.loads(DOCUMENTED), **COMPACT).encode()
    assert read_metrics(DOCUMENTED).owners == read_metrics(body).owners
    assert [DOCUMENTED, body.replace(read_metrics(body).series[0].points, HOLLOW)] == parsed[:2]


@pytest.mark.parametrize("odd", [b"-", b"1.", b"nan", b"0x1F", b"1 2", b"+5", b"", b"NaN", b"-Infinity"])
def test_points_that_are_no_json_cost_neither_the_reply_nor_the_others(odd: bytes) -> None:
    body = b'{"metrics":[{"sid":"s","data":[{"mid":1,"kvs":[[1,5],[2,' + odd + b'],[3,7]],"peer_uid":0}]}]}'
    columns = Columns(read_metrics(body).series[0].points, PointForm.PAIRS)
    assert {1: 5.0, 3: 7.0} == {t: v for t, v in zip(columns.times, columns.values, strict=True) if v == v}
    assert 1 == columns.odd


def test_a_cut_reply_is_no_reply() -> None:
    body = b'{"metrics":[{"sid":"s","data":[{"mid":1,"kvs":[[1,2],[3,4]]},{"mid":2,"kvs":[[5,6],[7,8]]}]}]}'
    for end in range(len(body)):
        with pytest.raises(ValueError, match="not JSON"):
            read_metrics(body[:end])


@pytest.mark.parametrize(
    ("mid", "expected"),
    [("20003", "20003"), (20003.0, "20003"), ("new", "new"), (None, ""), (True, "true"), (1.5, "1.5")],
)
def test_an_odd_metric_id_is_kept(mid: Any, expected: str) -> None:
    assert expected == read_metrics(reply(mid=mid, kvs=[])).series[0].metric


@pytest.mark.parametrize(
    ("uid", "expected"),
    [(0, ""), ("0", ""), (None, ""), ("", ""), (0.0, ""), (4294967296, "4294967296"), (77.0, "77"), ("bob", "bob")],
)
def test_a_peer_is_always_text(uid: Any, expected: str) -> None:
    assert expected == read_metrics(reply(mid=1, kvs=[], peer_uid=uid)).series[0].peer_id


def test_unknown_keys_are_kept_where_they_belong() -> None:
    body = (
        b'{"metrics":[{"sid":7,"os":"x","data":[{"mid":1,"kvs":null,"cadence":2}]},{"sid":"e"}],"data":null,"code":"?"}'
    )
    metrics = read_metrics(body)
    assert {"data": None, "code": "?"} == metrics.extra
    assert metrics.envelope["code"] is None
    assert {"7", "e"} == metrics.owners
    assert [UnreadSeries(owner="7", metric="1", points=b"null", extra={"os": "x", "cadence": 2})] == metrics.series


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"metrics":null}',
        b'{"metrics":[]}',
        b'{"metrics":[null]}',
        b'{"metrics":[{"sid":"s","data":null}]}',
        b'{"metrics":[{"sid":"s","data":[null]}]}',
    ],
)
def test_null_lists_are_empty(body: bytes) -> None:
    assert [] == read_metrics(body).series


def test_what_is_no_series_is_left_out_and_told() -> None:
    metrics = read_metrics(b'{"metrics":["s",null,{"sid":"t","data":[[1],{"mid":1}]}]}')
    assert [UnreadSeries(owner="t", metric="1")] == metrics.series
    assert [
        "metrics[0] is a string, where an object was expected",
        "metrics[1] is null, where an object was expected",
        "data[0] is a list, where an object was expected",
    ] == metrics.doubts


def test_a_refusal_is_read_like_any_reply() -> None:
    expected = SeriesAnswer(
        envelope={"code": 300, "message": "qps limit error", "requestId": "", "call_id": ""},
        extra={"data": None},
        is_about_series=False,
    )
    assert expected == read_metrics(b'{"code":300,"message":"qps limit error","data":null}')


@pytest.mark.parametrize("kvs", [b"[[1,NaN],[2,5]]", b"[[1,-Infinity],[2,5]]", b'[[1,"\xff"],[2,5]]'])
def test_a_value_that_is_not_json_costs_only_itself(kvs: bytes) -> None:
    body = b'{"metrics":[{"sid":"s","data":[{"mid":1,"kvs":' + kvs + b"}]}]}"
    for reply_body in (body, body.replace(b'"mid"', b'"new":1,"mid"'), body.replace(b'"s"', b'"s\xff"')):
        columns = Columns(read_metrics(reply_body).series[0].points, PointForm.PAIRS)
        assert [1, 2] == list(columns.times)
        assert math.isnan(columns.values[0])
        assert 1 == columns.odd


def test_a_session_beside_the_series_is_marked_where_a_byte_is_no_utf_8() -> None:
    answer = read_metrics(b'{"metrics":[],"call_info":[{"sid":"s","cname":"a\xffb"},{"sid":"t"}]}')
    assert answer.sessions is not None
    assert [{"cname"}, set()] == [set(row.get(UNREAD, ())) for row in answer.sessions]


def test_sessions_that_are_no_list_cost_themselves() -> None:
    body = DOCUMENTED[:-1] + b', "call_info": {}}'
    assert read_metrics(DOCUMENTED).series == read_metrics(body).series
    assert ["call_info should be a list, not an object"] == read_metrics(body).doubts


def test_a_byte_order_mark_is_passed_over() -> None:
    assert read_metrics(DOCUMENTED) == read_metrics(b"\xef\xbb\xbf" + DOCUMENTED)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (DOCUMENTED[:-30], "not JSON"),
        (b'{"metrics":[NaN', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"x":' * 100_000, "not JSON"),
        (b"[]", "the reply should be an object, not a list"),
        (b"null", "the reply should be an object, not null"),
        (b"7", "the reply should be an object, not a number"),
        (b'{"metrics":{}}', "metrics should be a list, not an object"),
        (b'{"metrics":[{"sid":"s","data":true}]}', "data should be a list, not true"),
    ],
)
def test_what_has_not_the_shape_is_named(body: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_metrics(body)
