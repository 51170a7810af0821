"""A scan through answers of the wrong shape: each is a failure in the report, or a value that the documents allow."""

from __future__ import annotations

import pytest

from agora_tencent_analytics import AnalyticsError, CallRecord, Retry, TimeRange, scan
from agora_tencent_analytics.scan import Report
from agora_tencent_analytics.scan.options import Depth
from agora_tencent_analytics.simulator import AnswerJson, Fault, Garble, When, World
from tests.faults.test_table import END, PLANS, START
from tests.support.long_runs import by_turns
from tests.support.transports import Stage
from tests.support.virtual_time import run

WORLD = World(seed=2, calls=2, start=START, end=END, sessions_per_call=2, metrics_per_session=2, points_per_series=4)
STEPS = {
    "agora": {"calls": "call/lists", "sessions": "call/sessions", "metrics": "call/metrics"},
    "tencent": {"calls": "DescribeRoomInfo", "sessions": "DescribeUserInfo", "metrics": "DescribeCallDetailInfo"},
}
FIELDS = {
    ("agora", "calls"): ("call_lists", "call_id", "cname", "created_ts", "destroyed_ts", "finished", "total_size"),
    ("agora", "sessions"): ("call_info", "sid", "uid", "join_ts", "leave_ts", "finished", "total_size", "code"),
    ("agora", "metrics"): ("metrics", "data", "sid", "mid", "peer_uid", "kvs", "code"),
    ("tencent", "calls"): ("RoomList", "CommId", "RoomString", "CreateTime", "DestroyTime", "IsFinished", "Total"),
    ("tencent", "sessions"): ("UserList", "UserId", "JoinTs", "LeaveTs", "Finished", "Total", "Error"),
    ("tencent", "metrics"): ("Data", "UserList", "UserId", "PeerId", "DataType", "Content", "Time", "Value", "JoinTs"),
}
DEEP, DEEPEST = 2_000, 20_000
"""Levels: more than Python recurses, and more than its stack in C holds."""
VALUES = {
    "null": "null",
    "a flag": "true",
    "zero": "0",
    "a negative number": "-1",
    "a fraction": "0.5",
    "milliseconds": "1789985000000",
    "the end of 64 bits": "9223372036854775808",
    "400 digits": "9" * 400,
    "5000 digits": "9" * 5_000,
    "beyond a float": "1e999",
    "NaN": "NaN",
    "-Infinity": "-Infinity",
    "text": '"x"',
    "no text": '""',
    "a NUL": '"\\u0000"',
    "half a surrogate": '"\\ud800"',
    "an object": '{"a":{"b":[]}}',
    "a list": "[]",
    "a list of nulls": "[null,null]",
    "a list of lists": "[[[1,2],[3]],[[]]]",
    "deep lists": "[" * DEEP + "]" * DEEP,
    "deep objects": '{"a":' * DEEP + "1" + "}" * DEEP,
}
WHOLE = {
    "nothing": "",
    "an empty object": "{}",
    "an empty list": "[]",
    "text": '"x"',
    "a number": "5",
    "NaN": "NaN",
    "half": '{"code":200,"Response":{"RequestId":"r"',
    "deep": "[" * DEEPEST + "]" * DEEPEST,
    "a list for Response": '{"Response":[]}',
    "an empty Response": '{"Response":{}}',
    "an Error of nulls": '{"code":300,"message":null,"Response":{"Error":{"Code":null,"Message":null}}}',
    "an Error of lists": '{"code":[300],"message":[],"Response":{"Error":{"Code":[],"Message":{}}}}',
    "an Error that is text": '{"code":"x","Response":{"Error":"no"}}',
}


def scanned(vendor: str, *faults: Fault, step: str = "metrics") -> tuple[list[CallRecord], Report]:
    # To the depth of metrics no sessions are listed where an answer with metrics names the users.
    depth: Depth = "sessions" if step == "sessions" else "metrics"

    async def scenario() -> tuple[list[CallRecord], Report]:
        provider = Stage(vendor, WORLD, faults=faults).provider(retry=Retry(attempts=2))
        async with scan(provider, over=TimeRange(START, END), depth=depth, on_error="report") as records:
            found = [record async for record in records]
        await provider.aclose()
        return found, records.report

    return run(scenario)


def sound(vendor: str, *faults: Fault, step: str = "metrics") -> tuple[list[CallRecord], Report]:
    """The scan came to its end, and what it could not read are failures of ours."""
    records, report = scanned(vendor, *faults, step=step)
    assert report.finished
    for failure in report.failures:
        assert isinstance(failure.error, AnalyticsError), repr(failure.error)
    for record in records:
        for series in record.series:
            assert len(series.times) == len(series.values)
    return records, report


@pytest.mark.parametrize(("asked", "value"), by_turns(6, FIELDS, VALUES), ids=str)
def test_a_field_of_any_value_ends_no_scan(asked: tuple[str, str], value: str) -> None:
    vendor, step = asked
    when = When(endpoint=STEPS[vendor][step])
    for field in FIELDS[vendor, step]:
        try:
            sound(vendor, Garble(field=field, value=VALUES[value], when=when), step=step)
        except BaseException as error:
            error.add_note(f"{field} is {value}")
            raise


@pytest.mark.parametrize(("asked", "body"), by_turns(6, FIELDS, WHOLE), ids=str)
def test_a_body_that_is_no_answer_is_a_failure_of_its_step(asked: tuple[str, str], body: str) -> None:
    vendor, step = asked
    _, report = sound(vendor, AnswerJson(text=WHOLE[body], when=When(endpoint=STEPS[vendor][step])), step=step)
    assert not report.complete
    assert {step} == {failure.step for failure in report.failures}


@pytest.mark.parametrize("vendor", PLANS)
def test_without_a_fault_the_scan_is_complete(vendor: str) -> None:
    records, report = sound(vendor)
    assert report.complete
    assert 2 == len({record.call.call_id for record in records})
    assert any(record.series for record in records)


def test_the_fields_are_those_of_the_answers() -> None:
    for (vendor, step), fields in FIELDS.items():
        for field in fields:
            garbled = Garble(field=field, value="[[[", when=When(endpoint=STEPS[vendor][step]))
            _, report = scanned(vendor, garbled, step=step)
            assert field in ("Error",) or report.failures, f"{vendor} has no {field} in its {step}"
