"""Every row's decoder against answers gone bad: no exception but the library's own, no hang, no hunger."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora_tencent_analytics import Refusal, Response, UnreadableReply
from agora_tencent_analytics.wire import Reply
from tests.fuzz.mutation import mutated, swollen
from tests.fuzz.reading import read
from tests.fuzz.samples import DECODERS, ROWS, sample

EXAMPLES = settings().max_examples
STATUSES = (200,) * 24 + (201, 204, 301, 400, 401, 403, 404, 429, 500, 503, 600, 999)
ALL_DECODERS = pytest.mark.parametrize("name", DECODERS)
entropy = st.binary(max_size=24)


def answer(body: bytes, status: int = 200) -> Response:
    return Response(status=status, headers={}, body=body)


@pytest.mark.parametrize("name", ROWS)
def test_the_sample_itself_is_read(name: str) -> None:
    good = sample(name)
    reply = read(good, answer(good.body))
    assert not isinstance(reply, UnreadableReply | Refusal)
    assert reply.items


@settings(max_examples=EXAMPLES)
@given(data=entropy, status=st.sampled_from(STATUSES))
@ALL_DECODERS
def test_an_answer_gone_bad_is_read_or_refused(name: str, data: bytes, status: int) -> None:
    good = sample(name)
    read(good, answer(mutated(good.body, data), status))


@settings(max_examples=max(1, EXAMPLES // 10))
@given(body=st.binary(max_size=200))
@ALL_DECODERS
def test_bytes_that_are_no_answer_at_all_are_read_or_refused(name: str, body: bytes) -> None:
    read(sample(name), answer(body))


MOST_PER_BYTE = 300
"""Bytes of memory for each byte of an answer: an empty object is three bytes of JSON, and a record with its fields."""


@settings(max_examples=max(1, EXAMPLES // 50))
@given(data=entropy)
@ALL_DECODERS
def test_an_answer_costs_memory_by_its_length(name: str, data: bytes) -> None:
    good = sample(name)
    body = swollen(good.body, data, 1_000)
    tracemalloc.start()
    try:
        read(good, answer(body))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_PER_BYTE * len(body) + 2**20


MANY = 2_000
WIDE = {
    "tencent 2019-07-22 DescribeScaleInfo": {
        "Response": {"RequestId": "x", "ScaleList": [{"Time": at, f"new{at}": 1} for at in range(MANY)]}
    },
    "tencent 2019-07-22 DescribeTRTCMarketScaleData": {
        "Response": {
            "RequestId": "x",
            "Data": {"Series": [{"Columns": ["time", *"a" * MANY], "Values": [{"RowValue": []}] * MANY}]},
        }
    },
    "tencent 2019-07-22 DescribeTrtcUsage": {
        "Response": {"RequestId": "x", "UsageKey": ["a"] * MANY, "UsageList": [{"TimeKey": "2026-01-01"}] * MANY}
    },
    "tencent 2019-07-22 DescribeRecordStatistic": {
        "Response": {
            "RequestId": "x",
            "SdkAppIdUsages": [{"Usages": [{"TimeKey": "2026-01-01", f"new{at}": 1} for at in range(MANY)]}],
        }
    },
    "agora 2024 insight/usage/by_time": {
        "code": 200,
        "data": [{"values": [{"ts": 1, "userCount": 1}] * MANY} | dict.fromkeys(map(str, range(MANY)))],
    },
    "agora 2024 call/metrics": {
        "code": 200,
        "metrics": [{"sid": "a", "data": [{"mid": 1, "x": 1}] * MANY} | dict.fromkeys(map(str, range(MANY)))],
    },
}


@pytest.mark.parametrize("name", WIDE)
def test_an_answer_that_multiplies_names_by_rows_is_refused_or_loses_the_row_that_does(name: str) -> None:
    found = read(sample(name), answer(json.dumps(WIDE[name]).encode()))
    if not isinstance(found, UnreadableReply):
        assert isinstance(found, Reply)
        assert ([], 1) == (list(found.items), len(found.flaws.rows))
