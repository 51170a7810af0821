"""Both simulated vendors, question by question: a request as its page spells it is taken, one with a slip refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from agora_tencent_analytics.agora.endpoints import GENERATION_ENDPOINTS
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.simulator import SimulatedAgora
from agora_tencent_analytics.tencent.endpoints import ENDPOINTS
from tests.support.agora_answers import PRINTED
from tests.support.in_turn import in_turn
from tests.support.simulator_requests import END, NOW, agora, code_of, now_post, reach, small_world, tencent

WORLD = small_world()
AGORA = [(generation, row) for generation, rows in GENERATION_ENDPOINTS.items() for row in rows.values()]
every_question = in_turn(("generation", "row"), AGORA)

Sent = dict[str, Any]


def as_printed(server: SimulatedAgora, generation: str, row: Endpoint[Any]) -> Sent:
    """The request on the vendor's page, about a moment that is still known; a POST's numbers are numbers."""
    printed = PRINTED[generation, row.name]
    limits = server.plan.rows[row.limits]
    end = int(NOW) - limits.lag_s - 60
    moments = {row.bounds.start: end - min(limits.span_s // 2, 40), row.bounds.end: end}
    sent = {**printed.query, **(printed.body or {}), "appid": server.credentials["app_id"]}
    return {name: moments.get(name, value) for name, value in sent.items()}


def answered(server: SimulatedAgora, row: Endpoint[Any], sent: Mapping[str, Any]) -> tuple[int, str]:
    path = row.path.removeprefix("/beta/")
    if row.method == "POST":
        body = {name: value for name, value in sent.items() if name != "appid"}
        answer = reach(server, path, method="POST", body=body, appid=sent.get("appid"))
    else:
        answer = reach(server, path, **{"appid": None, **sent})
    return answer["code"], answer["message"]


@every_question
def test_a_request_as_printed_is_answered(generation: str, row: Endpoint[Any]) -> None:
    server = agora(WORLD, api=generation)
    assert 200 == answered(server, row, as_printed(server, generation, row))[0]


@every_question
def test_an_unknown_name_is_refused(generation: str, row: Endpoint[Any]) -> None:
    server = agora(WORLD, api=generation)
    sent = as_printed(server, generation, row)
    for name in ("limit", "metrics", "Appid", "start_time"):
        assert (400, f"Bad request, parameter : {name} is unknown") == answered(server, row, {**sent, name: "1"})


@every_question
def test_what_is_required_is_missed(generation: str, row: Endpoint[Any]) -> None:
    server = agora(WORLD, api=generation)
    sent = as_printed(server, generation, row)
    required = {row.app.name, row.bounds.start, row.bounds.end, *(one.name for one in row.params if one.required)}
    for name in required - {""}:
        rest = {other: value for other, value in sent.items() if other != name}
        missed = (400, f"Bad request, parameter : {name} can not be null")
        assert missed == answered(server, row, rest)
        if row.method == "POST" and name != "appid":
            assert missed == answered(server, row, {**sent, name: None})


@every_question
def test_underscores_and_camel_case_are_two_things(generation: str, row: Endpoint[Any]) -> None:
    server = agora(WORLD, api=generation)
    sent = as_printed(server, generation, row)
    other = {"start_ts": "startTs", "startTs": "start_ts", "ts": "startTs"}[row.bounds.start]
    swapped = {other if name == row.bounds.start else name: value for name, value in sent.items()}
    assert (400, f"Bad request, parameter : {other} is unknown") == answered(server, row, swapped)


@every_question
def test_milliseconds_are_an_unknown_error_to_every_question(generation: str, row: Endpoint[Any]) -> None:
    server = agora(WORLD, api=generation)
    sent = as_printed(server, generation, row)
    for name in {row.bounds.start, row.bounds.end} - {""}:
        assert (500, "Unknown Error") == answered(server, row, {**sent, name: sent[name] * 1000})


# --- Tencent ----------------------------------------------------------------------------------------------

ASKED = [row for row in ENDPOINTS.values() if not row.retired or row.action == "DescribeCallDetail"]
every_action = in_turn("row", ASKED)
VALUES: Sent = {
    "CommId": "1400000000_1_1",
    "UserId": "u",
    "UserIds": ["u"],
    "RoomId": "r",
    "DataType": ["all"],
    "Period": "d",
    "MixType": "single",
    "AuType": ["tts"],
    "Type": "picture",
    "Business": 0,
}


def payload(row: Endpoint[Any]) -> Sent:
    form = {"seconds": None, "day": "%Y-%m-%d", "minute": "%Y-%m-%d %H:%M", "midnight": "%Y-%m-%d %H:%M:%S"}[
        row.bounds.form
    ]
    start, end = (datetime.fromtimestamp(at, UTC) for at in (END - 1800, END))
    return {
        "SdkAppId": ...,
        row.app.name: str(WORLD.sdk_app_id) if row.app.kind == "text" else WORLD.sdk_app_id,
        "StartTime": start.strftime(form) if form else int(start.timestamp()),
        "EndTime": end.strftime(form) if form else int(end.timestamp()),
        **{param.name: VALUES[param.name] for param in row.params if param.required},
    }


def refusal(row: Endpoint[Any], sent: Sent) -> str:
    return code_of(now_post(tencent(WORLD), row.action, **sent))


@every_action
def test_a_payload_as_the_page_has_it_is_answered(row: Endpoint[Any]) -> None:
    assert "" == refusal(row, payload(row))


@every_action
def test_a_key_too_many_is_an_unknown_parameter(row: Endpoint[Any]) -> None:
    for name in ("Limit", "startTime", "start_time", "sdkAppId"):
        assert "UnknownParameter" == refusal(row, {**payload(row), name: 1})


@every_action
def test_null_is_an_unknown_parameter_wherever_it_stands(row: Endpoint[Any]) -> None:
    sent = payload(row)
    names = {name for name, value in sent.items() if value is not ...} | {param.name for param in row.params}
    for name in names:
        assert "UnknownParameter" == refusal(row, {**sent, name: None}), name


@every_action
def test_a_number_is_no_text_and_text_no_number(row: Endpoint[Any]) -> None:
    sent = payload(row)
    app = sent[row.app.name]
    other = int(app) if isinstance(app, str) else str(app)
    assert "InvalidParameterValue" == refusal(row, {**sent, row.app.name: other})


@every_action
def test_milliseconds_and_dates_are_not_mistaken_for_each_other(row: Endpoint[Any]) -> None:
    sent = payload(row)
    for name, code in (("StartTime", "InvalidParameter.StartTs"), ("EndTime", "InvalidParameter.EndTs")):
        if row.bounds.form == "seconds":
            assert code == refusal(row, {**sent, name: sent[name] * 1000})
        else:
            assert "InvalidParameterValue" == refusal(row, {**sent, name: END})
