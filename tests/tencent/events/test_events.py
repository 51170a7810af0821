"""Events and bad moments of Tencent: grouped, unsorted, in milliseconds, and told in words."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from agora_tencent_analytics import Response, TimeRange
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.models.events import AbnormalExperience, Cause, Event
from agora_tencent_analytics.tencent.endpoints import (
    ABNORMAL_EVENT_2021,
    DETAIL_EVENT_2021,
    UNUSUAL_EVENT,
    USER_EVENT,
)
from agora_tencent_analytics.tencent.replies import numbered
from agora_tencent_analytics.tencent.wire import TencentVendor
from agora_tencent_analytics.wire import Asked, Reply, decoded

VENDOR = TencentVendor("ap-guangzhou")
COMM_ID = "1400353843_3568_1588055615"
OVER = TimeRange(1588055615, 1588058615)
EVENT = {"Type": 2, "Time": 1588055615801, "EventId": 4003, "ParamOne": 1280, "ParamTwo": 720}


def read(row: Endpoint[Any], inside: dict[str, Any]) -> Reply[Any]:
    body = json.dumps({"Response": {"RequestId": "r-1", **inside}}).encode()
    asked = Asked(window=OVER, params={"CommId": COMM_ID, "UserId": "ann", "RoomId": "3568"})
    response = Response(status=200, headers={}, body=body)
    return decoded(VENDOR, row, response, VENDOR.unwrap(row, response), asked)


@pytest.mark.parametrize("row", [USER_EVENT, DETAIL_EVENT_2021], ids=lambda row: row.name)
def test_events_come_by_sender_and_keep_their_milliseconds(row: Endpoint[Any]) -> None:
    joined = {"Type": 0, "Time": 1588055614100, "EventId": 5001, "ParamOne": -1, "ParamTwo": -1, "New": 1}
    data = [{"PeerId": "bob", "Content": [EVENT]}, {"PeerId": "ann", "Content": [joined]}]
    reply = read(row, {"Data": data})
    resized = Event(
        vendor="tencent",
        call_id=COMM_ID,
        user_id="ann",
        peer_id="bob",
        event_id=4003,
        time_ms=1588055615801,
        stream_type=2,
        param_one=1280,
        param_two=720,
    )
    assert resized == attrs.evolve(reply.items[0], text="")
    assert 1588055615.801 == reply.items[0].ts
    assert "1280 x 720" in reply.items[0].text
    assert "main stream" in reply.items[0].text
    assert ("ann", -1, -1, {"New": 1}) == (
        reply.items[1].peer_id,
        reply.items[1].param_one,
        reply.items[1].param_two,
        reply.items[1].extra,
    )
    assert (2, 2, "r-1") == (len(reply.ids), len(set(reply.ids)), reply.request_id)


@pytest.mark.parametrize(
    "data",
    [None, [], [{"PeerId": "bob"}], [{"PeerId": "bob", "Content": None}], [{"Content": [None]}]],
    ids=str,
)
def test_no_event_is_an_empty_list(data: Any) -> None:
    assert [] == read(USER_EVENT, {"Data": data}).items


@pytest.mark.parametrize(("peer", "peer_id"), [(None, ""), ("ann", "ann"), (7, "7"), (7.0, "7")])
def test_an_event_without_parameters_is_an_event_and_its_sender_is_text(peer: object, peer_id: str) -> None:
    (event,) = read(USER_EVENT, {"Data": [{"PeerId": peer, "Content": [{"Time": 1, "EventId": 9001}]}]}).items
    assert (peer_id, None, -1, -1, "Unknown event 9001") == (
        event.peer_id,
        event.stream_type,
        event.param_one,
        event.param_two,
        event.text,
    )


@pytest.mark.parametrize("missing", ["Time", "EventId"])
def test_an_event_without_what_or_when_is_lost_alone(missing: str) -> None:
    for broken in ({**EVENT, missing: None}, {name: EVENT[name] for name in EVENT if name != missing}):
        groups = [{"PeerId": "bob", "Content": [EVENT]}, {"PeerId": "ann", "Content": [EVENT, broken, EVENT]}]
        reply = read(USER_EVENT, {"Data": groups})
        assert ["bob", "ann", "ann"] == [event.peer_id for event in reply.items]
        assert [(2, json.dumps(broken))] == [(lost.place, lost.text) for lost in reply.flaws.rows]


def test_equal_events_of_one_answer_are_two_and_the_same_two_in_another() -> None:
    data = {"Data": [{"PeerId": "ann", "Content": [EVENT, EVENT, {**EVENT, "ParamOne": 640}]}]}
    first, again = read(USER_EVENT, data), read(USER_EVENT, data)
    assert 3 == len(set(first.ids))
    assert first.ids == again.ids


def test_numbers_are_given_to_equal_ids_only() -> None:
    assert ["a\x000", "b\x000", "a\x001"] == numbered(["a", "b", "a"])


MOMENT = {
    "UserId": "ann",
    "ExperienceId": 4,
    "RoomId": "461",
    "AbnormalEventList": [{"AbnormalEventId": 1015, "PeerId": "bob"}, {"AbnormalEventId": 9999, "PeerId": ""}],
    "EventTime": 1592448625,
}


@pytest.mark.parametrize("row", [UNUSUAL_EVENT, ABNORMAL_EVENT_2021], ids=lambda row: row.name)
def test_a_bad_moment_comes_with_its_causes_in_words(row: Endpoint[Any]) -> None:
    reply = read(row, {"Total": 1, "AbnormalExperienceList": [{**MOMENT, "New": 1}]})
    (moment,) = reply.items
    assert ("tencent", "461", "ann", 4, 1592448625, {"New": 1}) == (
        moment.vendor,
        moment.channel,
        moment.user_id,
        moment.experience_id,
        moment.ts,
        moment.extra,
    )
    assert "" != moment.experience
    assert [(1015, "bob"), (9999, "")] == [(cause.cause_id, cause.peer_id) for cause in moment.causes]
    assert (
        moment.causes[0]
        .text.removesuffix(": switch it off and on again, restart the device, or update its driver")
        .endswith("(remote user bob)")
    )
    assert Cause(cause_id=9999, text="Unknown abnormal event 9999") == moment.causes[1]
    assert (1, 1) == (len(reply.ids), reply.total)


@pytest.mark.parametrize("causes", [None, [], [None]], ids=str)
def test_a_bad_moment_may_have_no_cause(causes: Any) -> None:
    (moment,) = read(UNUSUAL_EVENT, {"AbnormalExperienceList": [{**MOMENT, "AbnormalEventList": causes}]}).items
    assert () == moment.causes


def test_moments_that_differ_in_any_way_are_told_apart() -> None:
    others: list[dict[str, Any]] = [
        {"UserId": "bob"},
        {"ExperienceId": 5},
        {"RoomId": "462"},
        {"EventTime": 1592448626},
        {"AbnormalEventList": None},
        {},
    ]
    reply = read(UNUSUAL_EVENT, {"AbnormalExperienceList": [{**MOMENT, **other} for other in [{}, *others]]})
    assert 7 == len(set(reply.ids))
    assert all(isinstance(one, AbnormalExperience) for one in reply.items)
