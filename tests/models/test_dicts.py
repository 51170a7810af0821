"""Records become dicts that JSON can hold: every field by its name, a value that is missing as null."""

from __future__ import annotations

import json
from math import nan
from typing import Any

import attrs
import pytest

from agora_tencent_analytics import Call, CallRecord, NotFound, Session, TimeRange
from agora_tencent_analytics.models.columns import Columns
from agora_tencent_analytics.models.figures import Figures
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.scan import Failure

OF_CALL: dict[str, Any] = {"vendor": "agora", "call_id": "c"}
COLUMNS = Columns.of((1, 2), (2.5, nan))
CALL = Call(created_ts=1, channel="room", extra={"new": {"a": [1]}}, **OF_CALL)
SESSION = Session(session_id="s", user_id="u", join_ts=1, roles=("Host",), **OF_CALL)
SERIES = MetricSeries(session_id="s", user_id="u", vendor_metric="20003", columns=COLUMNS, **OF_CALL)
FAILURE = Failure(
    vendor="agora",
    step="sessions",
    call_id="c",
    over=TimeRange(5, 9),
    error=NotFound(vendor="agora", code="404", message="gone", request_id="r", endpoint="call/sessions"),
)
RECORD = CallRecord(vendor="agora", call=CALL, sessions=(SESSION,), series=(SERIES,), failures=(FAILURE,))


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value, allow_nan=False))


def names(kind: type[Any], *without: str) -> set[str]:
    return {field.name for field in attrs.fields(kind)} - set(without)


@pytest.mark.parametrize("record", [CALL, SESSION], ids=["call", "session"])
def test_calls_and_sessions_hold_all_of_their_fields(record: Any) -> None:
    said = through_json(record.to_dict())
    assert through_json(attrs.asdict(record)) == said
    assert names(type(record)) == said.keys()


def test_a_series_has_its_times_and_values_as_lists() -> None:
    said = through_json(SERIES.to_dict())
    assert names(MetricSeries, "columns") | {"times", "values"} == said.keys()
    assert ([1, 2], [2.5, None], "20003") == (said["times"], said["values"], said["vendor_metric"])


def test_figures_have_them_too() -> None:
    said = through_json(Figures(vendor="agora", metric="users", vendor_metric="userCount", columns=COLUMNS).to_dict())
    assert names(Figures, "columns", "beyond") | {"times", "values"} == said.keys()
    assert ([1, 2], [2.5, None]) == (said["times"], said["values"])


def test_a_record_holds_all_that_was_read_and_what_was_not() -> None:
    said = through_json(RECORD.to_dict())
    assert names(Call) | {"part", "last", "failures", "sessions"} == said.keys()
    assert {"new": {"a": [1]}} == said["extra"]
    (session,), (failure,) = said["sessions"], said["failures"]
    assert (["Host"], [2.5, None]) == (session["roles"], session["series"][0]["values"])
    assert ("sessions", "c", 5, 9, "NotFound", "404") == tuple(
        failure[name] for name in ("step", "call_id", "start", "end", "kind", "code")
    )
    assert "gone" in failure["error"]
