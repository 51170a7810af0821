"""The records of what happened in a call: both vendors' answers fit them."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest

from agora_tencent_analytics.agora import reference_tables
from agora_tencent_analytics.models.events import UNUSED, AbnormalExperience, Cause, Event
from agora_tencent_analytics.tencent import events as event_tables

# As the vendors' pages print them.
EVENT_MESSAGE = {"Type": 0, "Time": 1589891188801, "EventId": 32793, "ParamOne": -1, "ParamTwo": -1}
ABNORMAL_EXPERIENCE: dict[str, Any] = {
    "UserId": "alice",
    "RoomId": "461",
    "EventTime": 1592448600,
    "ExperienceId": 4,
    "AbnormalEventList": [
        {"AbnormalEventId": 2014, "PeerId": ""},
        {"AbnormalEventId": 2012, "PeerId": "bob"},
        {"AbnormalEventId": 4711, "PeerId": ""},
    ],
}
DIAGNOSIS: dict[str, Any] = {
    "user": "83817682",
    "exp_id": 4,
    "cname": "C148474015",
    "cause_tags": [{"factor_id": 18, "host_user": "44361248"}, {"factor_id": 23, "host_user": ""}],
    "ts": 1548668575,
}


def event(**given: Any) -> Event:
    facts = {"vendor": "tencent", "call_id": "c", "user_id": "u", "event_id": 4003, "time_ms": 1589891188801}
    return Event(**{**facts, **given})


def of_tencent(row: dict[str, Any]) -> AbnormalExperience:
    told = [(entry["AbnormalEventId"], entry["PeerId"]) for entry in row["AbnormalEventList"]]
    return AbnormalExperience(
        vendor="tencent",
        channel=row["RoomId"],
        user_id=row["UserId"],
        experience_id=row["ExperienceId"],
        experience=event_tables.describe_experience(row["ExperienceId"]),
        ts=row["EventTime"],
        causes=tuple(
            Cause(cause_id=number, peer_id=peer, text=event_tables.describe_abnormal_event(number, peer))
            for number, peer in told
        ),
    )


def of_agora(row: dict[str, Any]) -> AbnormalExperience:
    told = [(tag["factor_id"], tag["host_user"]) for tag in row["cause_tags"]]
    return AbnormalExperience(
        vendor="agora",
        channel=row["cname"],
        user_id=row["user"],
        experience_id=row["exp_id"],
        experience=reference_tables.describe_experience(row["exp_id"]),
        ts=row["ts"],
        causes=tuple(
            Cause(cause_id=number, peer_id=peer, text=reference_tables.describe_factor(number, peer))
            for number, peer in told
        ),
    )


def test_an_event_says_when_in_milliseconds_and_in_seconds() -> None:
    assert (1589891188801, 1589891188.801) == (event().time_ms, event().ts)


def test_an_event_message_fits_and_reads() -> None:
    one, two, stream = EVENT_MESSAGE["ParamOne"], EVENT_MESSAGE["ParamTwo"], EVENT_MESSAGE["Type"]
    found = event(
        peer_id="bob",
        event_id=EVENT_MESSAGE["EventId"],
        time_ms=EVENT_MESSAGE["Time"],
        stream_type=stream,
        text=event_tables.describe_event(EVENT_MESSAGE["EventId"], one, two, stream),
    )
    assert (one, two, 0) == (found.param_one, found.param_two, found.stream_type)
    assert "Media channel established" == found.describe()


def test_an_event_without_words_reads_as_its_id() -> None:
    assert "Event 4003" == event().describe()
    assert (UNUSED, UNUSED, None, "") == (event().param_one, event().param_two, event().stream_type, event().text)


def test_a_tencent_experience_fits_and_reads() -> None:
    found = of_tencent(ABNORMAL_EXPERIENCE)
    assert ("461", "alice", 4, 1592448600) == (found.channel, found.user_id, found.experience_id, found.ts)
    assert [(2014, ""), (2012, "bob"), (4711, "")] == [(cause.cause_id, cause.peer_id) for cause in found.causes]
    assert (
        "Video froze: Downlink jitter was high; Capture frame rate of the auxiliary video was abnormal "
        "(remote user bob); Unknown abnormal event 4711"
    ) == found.describe()


def test_an_agora_diagnosis_fits_and_reads() -> None:
    found = of_agora(DIAGNOSIS)
    assert ("C148474015", "83817682", 4, 1548668575) == (found.channel, found.user_id, found.experience_id, found.ts)
    assert [(18, "44361248"), (23, "")] == [(cause.cause_id, cause.peer_id) for cause in found.causes]
    told = "Video froze: Unknown factor 18 (remote user 44361248); Video packets lost on the way down"
    assert told == found.describe()


def test_an_experience_without_words_or_causes_reads_as_its_id() -> None:
    bare = AbnormalExperience(vendor="acme", channel="", user_id="u", experience_id=9, ts=0)
    assert "Experience 9" == bare.describe()
    assert "Experience 9: Cause 7" == attrs.evolve(bare, causes=(Cause(cause_id=7),)).describe()


@pytest.mark.parametrize("record", [event(extra={"New": 1}), of_tencent(ABNORMAL_EXPERIENCE), of_agora(DIAGNOSIS)])
def test_records_are_frozen_and_survive_a_pickle(record: Any) -> None:
    assert record == pickle.loads(pickle.dumps(record))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        record.vendor = "other"


def test_unknown_fields_are_kept_but_not_printed() -> None:
    assert {"New": 1} == event(extra={"New": 1}).extra
    assert "New" not in repr(event(extra={"New": 1}))
