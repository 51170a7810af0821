"""Tencent's event tables, against a transcription of the vendor's ids and parameters (`event_rows.json`)."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.models.events import UNUSED
from agora_tencent_analytics.tencent.events import (
    ABNORMAL_EVENTS,
    EVENTS,
    STREAM_TYPES,
    describe_abnormal_event,
    describe_event,
    describe_experience,
)
from agora_tencent_analytics.tencent.events.abnormal import ADVICE, DISMISSAL_EVENTS, EXPERIENCES, REALTIME_EVENTS
from agora_tencent_analytics.tencent.events.row import EventRow, Parameter
from agora_tencent_analytics.tencent.events.sdk import SDK_EVENTS
from agora_tencent_analytics.tencent.events.webrtc import WEBRTC_EVENTS
from tests.support.in_turn import in_turn

PRINTED: dict[str, Any] = json.loads(Path(__file__).with_name("event_rows.json").read_text("utf-8"))
ALL_EVENTS = SDK_EVENTS + WEBRTC_EVENTS
MEANT_ALIKE = [{32768, 32775}, {32769, 32774}]

ids = st.integers(-(2**31), 2**40)
parameters = st.integers(-2, 3_000)


def facts(row: EventRow) -> list[int | str]:
    return [row.event_id, row.one, row.two]


def sent(parameter: Parameter, measured: int) -> int:
    return measured if isinstance(parameter, str) else parameter


def test_the_transcription_has_as_many_rows_as_the_vendors_page() -> None:
    assert [83, 27, 5, 32, 26] == [len(rows) for rows in PRINTED.values()]
    assert 36 == len({event_id for event_id, _, _ in PRINTED["sdk"]})


@pytest.mark.parametrize(("table", "rows"), [("sdk", SDK_EVENTS), ("webrtc", WEBRTC_EVENTS)])
def test_event_rows_have_the_vendors_ids_values_and_measured_parameters(table: str, rows: tuple[EventRow, ...]) -> None:
    assert PRINTED[table] == [facts(row) for row in rows]


def test_abnormal_events_and_experiences_have_the_vendors_ids() -> None:
    assert PRINTED["experiences"] == list(EXPERIENCES)
    assert PRINTED["dismissal"] == list(DISMISSAL_EVENTS)
    assert PRINTED["realtime"] == list(REALTIME_EVENTS)


def test_joining_the_tables_by_id_loses_no_row() -> None:
    assert Counter(ALL_EVENTS) == Counter(row for rows in EVENTS.values() for row in rows)
    assert all(row.event_id == event_id for event_id, rows in EVENTS.items() for row in rows)
    assert len(DISMISSAL_EVENTS) + len(REALTIME_EVENTS) == len(ABNORMAL_EVENTS)


def test_every_row_describes_itself_with_its_parameters_in_place() -> None:
    for row in ALL_EVENTS:
        one, two = sent(row.one, 1234), sent(row.two, 5678)
        told = describe_event(row.event_id, one, two)
        assert row.text.format(one=one, two=two) == told, row
        assert (isinstance(row.one, str), isinstance(row.two, str)) == ("1234" in told, "5678" in told), row
        assert told[0].isupper(), row
        assert not set("{}()") & set(told), row


def test_no_two_variants_read_alike_unless_the_vendor_means_the_same() -> None:
    by_text: dict[str, set[int]] = {}
    for row in ALL_EVENTS:
        by_text.setdefault(row.text, set()).add(row.event_id)
    assert MEANT_ALIKE == [same for same in by_text.values() if len(same) > 1]
    assert len(SDK_EVENTS) == len({row.text for row in SDK_EVENTS})
    for texts in (ABNORMAL_EVENTS, EXPERIENCES):
        assert len(texts) == len(set(texts.values()))


@pytest.mark.parametrize(
    ("event_id", "advice"),
    [
        (1008, "enterRoom"),
        (1013, "check the network"),
        (1014, "minutes left"),
        (1015, "restart the device"),
        (1018, "another camera"),
        (1019, "update its driver"),
        (1023, "off and on again"),
        (1024, "parameters of the screen sharing"),
        (1025, "Android 5.0"),
    ],
)
def test_what_the_vendor_advises_is_part_of_the_words(event_id: int, advice: str) -> None:
    text = ABNORMAL_EVENTS[event_id]
    assert advice in ADVICE[event_id]
    assert f"{text}: {ADVICE[event_id]}" == describe_abnormal_event(event_id)
    assert f"{text} (remote user bob): {ADVICE[event_id]}" == describe_abnormal_event(event_id, "bob")
    assert 9 == len(ADVICE)


@in_turn(
    ("event_id", "one", "two", "told"),
    [
        (4003, 1280, 720, "Video resolution has been switched to 1280 x 720"),
        (4007, 640, 360, "User set the video resolution to 640 x 360"),
        (4008, 15, -1, "User set the video frame rate to 15 fps"),
        (4009, 850, -1, "User set the video bitrate to 850"),
        (4013, 12, 0, "Frames that software could not decode within 3 s: 12"),
        (4013, 12, 1, "Frames that hardware could not decode within 3 s: 12"),
        (1003, 1, -1, "Network is now Wi-Fi"),
        (2002, 5, -1, "Missing permission: camera"),
        (5001, -1, -1, "Room entry began"),
        (6001, 102, 3, "Quality of service favours definition in a voice chat room, controlled by the cloud"),
        (6001, 1, 0, "Quality of service favours smoothness in a video call, controlled locally"),
        (7001, 2, -1, "User was removed from the room"),
        (32788, -1, -1, "Room entered"),
        (36864, -1, -1, "Signaling channel lost, as the backend saw it"),
    ],
)
def test_an_event_is_told_in_words(event_id: int, one: int, two: int, told: str) -> None:
    assert told == describe_event(event_id, one, two)


@pytest.mark.parametrize("value", range(1, 6))
def test_what_2002_reports_is_a_permission_that_is_missing(value: int) -> None:
    assert describe_event(2002, value).startswith("Missing permission: ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((9999, 1, 2), "Unknown event 9999 (parameters 1, 2)"),
        ((9999, -1, 2), "Unknown event 9999 (parameters -1, 2)"),
        ((9999, 1), "Unknown event 9999 (parameter 1)"),
        ((9999,), "Unknown event 9999"),
        ((9999, 1, 2, 2), "Unknown event 9999 (main stream; parameters 1, 2)"),
        ((1003, 6), "Unknown variant of event 1003, network (parameter 6)"),
        ((1003,), "Unknown variant of event 1003, network"),
        ((4013, 3, 2), "Unknown variant of event 4013, video (parameters 3, 2)"),
        ((6001, 1, 9), "Unknown variant of event 6001, quality of service (parameters 1, 9)"),
    ],
)
def test_unknown_ids_and_variants_are_told_as_unknown(arguments: tuple[int, ...], told: str) -> None:
    assert told == describe_event(*arguments)


def test_a_value_where_the_vendor_has_none_is_told_too() -> None:
    assert "Room entry began (parameter 17)" == describe_event(5001, 17)
    assert "Network is now Wi-Fi (parameters 1, 4)" == describe_event(1003, 1, 4)


def test_a_measurement_that_is_missing_reads_unknown() -> None:
    assert "Video resolution has been switched to 1280 x unknown" == describe_event(4003, 1280)


@pytest.mark.parametrize(
    ("stream_type", "note"),
    [
        *[(None, ""), (0, ""), (2, " (main stream)"), (3, " (low stream)")],
        *[(7, " (auxiliary stream)"), (5, " (stream type 5)")],
    ],
)
def test_the_video_stream_is_told_where_there_is_one(stream_type: int | None, note: str) -> None:
    told = describe_event(4003, 320, 240, stream_type)
    assert f"Video resolution has been switched to 320 x 240{note}" == told
    assert stream_type is None or (stream_type in STREAM_TYPES) == ("stream type" not in told)


@given(
    ids.filter(lambda event_id: event_id not in EVENTS), parameters, parameters, st.one_of(st.none(), st.integers(0, 9))
)
def test_an_unknown_event_is_told_with_every_number_that_came(
    event_id: int, one: int, two: int, stream_type: int | None
) -> None:
    told = describe_event(event_id, one, two, stream_type)
    assert told.startswith(f"Unknown event {event_id}")
    assert all(str(value) in told for value in (one, two) if value != UNUSED)


@given(st.sampled_from(sorted(EVENTS)), parameters, parameters)
def test_a_known_id_is_worded_as_one_of_its_variants_or_as_an_unknown_one(event_id: int, one: int, two: int) -> None:
    rows = [row for row in EVENTS[event_id] if row.matches(one, two)]
    assert len(rows) <= 1
    due = rows[0].describe(one, two) if rows else f"Unknown variant of event {event_id}"
    assert describe_event(event_id, one, two).startswith(due)


@pytest.mark.parametrize("shared", [1001, 1002, 1003, 2001, 2002])
def test_a_number_of_both_spaces_means_two_things(shared: int) -> None:
    assert shared in EVENTS
    assert shared in ABNORMAL_EVENTS
    assert describe_abnormal_event(shared) not in {row.text for row in EVENTS[shared]}


def test_the_spaces_share_no_other_numbers() -> None:
    assert {1001, 1002, 1003, 2001, 2002} == EVENTS.keys() & ABNORMAL_EVENTS.keys()


@in_turn("event_id", list(ABNORMAL_EVENTS))
def test_every_abnormal_event_is_told_in_words(event_id: int) -> None:
    text, advice = ABNORMAL_EVENTS[event_id], f": {ADVICE[event_id]}" if event_id in ADVICE else ""
    assert text + advice == describe_abnormal_event(event_id)
    assert text[0].isupper()
    assert f"{text} (remote user bob){advice}" == describe_abnormal_event(event_id, "bob")


def test_every_experience_is_told_in_words() -> None:
    assert list(EXPERIENCES.values()) == [describe_experience(number) for number in range(1, 6)]
    assert "Video froze" == describe_experience(4)


def test_unknown_abnormal_events_and_experiences_are_told_as_unknown() -> None:
    assert "Unknown abnormal event 2027" == describe_abnormal_event(2027)
    assert "Unknown abnormal event 3 (remote user bob)" == describe_abnormal_event(3, "bob")
    assert "Unknown experience 6" == describe_experience(6)


@in_turn(
    ("event_id", "words"),
    [
        *[(1001, {0: "unplugged", 1: "plugged in"}), (1002, {0: "disconnected", 1: " connected"})],
        *[(1003, {0: "disconnected", 1: "Wi-Fi", 2: "4G", 3: "3G", 4: "2G", 5: "wired"})],
        *[(2001, {0: "foreground", 1: "background"}), (2002, {2: "reading", 3: "writing", 4: "microphone"})],
        *[(3001, {0: "began", 1: " muted", 2: "ended", 3: "unmuted"}), (3002, {0: "unmuted", 1: " muted"})],
        *[(3003, {10: "AAC", 11: "Opus"}), (3004, {0: "loudspeaker", 1: "earpiece"})],
        *[(4001, {0: "Front", 1: "Rear"}), (4002, {0: "Front camera could not", 1: "Rear camera could not"})],
        *[(4004, {0: "encoded in software", 1: "encoded in hardware"})],
        *[(4005, {0: "decoded in software", 1: "decoded in hardware"})],
        *[(4006, {0: "began", 1: "stopped"}), (4014, {0: " on", 1: " off"}), (4015, {0: "ended", 1: "subscribed"})],
        *[(5002, {0: "could not", 1: "received"}), (5003, {0: "failed", 1: "succeeded"})],
        *[(5008, {0: "failed", 1: "succeeded"}), (7000, {0: "entered the room", 1: "anew"})],
        *[(7001, {0: "left", 1: "timeout", 2: "removed"})],
    ],
)
def test_each_value_has_its_own_meaning(event_id: int, words: dict[int, str]) -> None:
    for value, word in words.items():
        assert word in describe_event(event_id, value)


def test_realtime_events_name_direction_and_stream_in_the_vendors_order() -> None:
    streams = ("main", "low", "auxiliary")
    ordered = [(2007, "Uplink"), (2010, "Capture"), (2017, "Downlink"), (2020, "Render"), (2024, "Downlink")]
    for first, place in ordered:
        told = [describe_abnormal_event(first + step) for step in range(3)]
        assert [place] * 3 == [text.split()[0] for text in told]
        assert [True] * 3 == [stream in text.split() for stream, text in zip(streams, told, strict=True)]
    for uplink in (2003, 2004, 2005):
        one = describe_abnormal_event(uplink)
        assert one.startswith("Uplink")
        assert one.replace("Uplink", "Downlink") == describe_abnormal_event(uplink + 10)
