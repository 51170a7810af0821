"""Packing sessions, and the seconds that a packet of them needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.agora.endpoints import CALL_SESSIONS_2024
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.limits import DAY, Limits
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.columns import Columns
from agora_tencent_analytics.models.events import Event
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.paging.question import Questions, about_call
from agora_tencent_analytics.paging.stays import (
    SLACK_S,
    CallTrail,
    Packet,
    StayTrail,
    end_is_known,
    in_order,
    life_of,
    packed,
    stays,
    trail_of_stays,
)
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.wire import Reply
from tests.support.in_turn import in_turn


def stay(join: int, leave: int | None, name: str = "s") -> Session:
    return Session(vendor="agora", call_id="c", session_id=name, user_id="1", join_ts=join, leave_ts=leave)


def test_sessions_come_by_joining_then_by_id() -> None:
    first, second, third = stay(10, 20, "b"), stay(20, 30, "a"), stay(20, 30, "b")
    assert [first, second, third] == in_order([third, first, second])


@given(st.lists(st.integers(), max_size=70), st.integers(1, 25))
def test_packets_are_full_but_the_last_and_keep_the_order(items: list[int], most: int) -> None:
    packets = list(packed(items, most))
    assert items == [item for packet in packets for item in packet]
    assert all(len(packet) == most for packet in packets[:-1])
    assert all(1 <= len(packet) <= most for packet in packets)


def test_a_stay_is_asked_for_with_slack_on_both_sides_and_its_last_second() -> None:
    assert (TimeRange(1_000 - SLACK_S, 2_001 + SLACK_S),) == stays([stay(1_000, 2_000)], TimeRange(0, 9_000))


def test_the_slack_ends_with_the_call() -> None:
    assert (TimeRange(990, 2_005),) == stays([stay(1_000, 2_000)], TimeRange(990, 2_005))


def test_a_stay_is_cut_to_the_part_asked_for_and_to_nothing_else() -> None:
    life = TimeRange(900, 2_100)
    assert (TimeRange(1_500, 1_600),) == stays([stay(1_000, 2_000)], life, TimeRange(1_500, 1_600))
    assert () == stays([stay(1_000, 2_000)], life, TimeRange(3_000, 4_000))
    assert (TimeRange(800, 2_001),) == stays([stay(800, 2_000)], TimeRange(900, 2_001)), "as long as the stay says"


def test_an_unfinished_stay_lasts_to_the_end_of_the_call() -> None:
    assert (TimeRange(1_000 - SLACK_S, 9_000),) == stays([stay(1_000, None)], TimeRange(0, 9_000))


@pytest.mark.parametrize("leave", [0, -1, 999, 1_000, 9_000, 1_790_000_000_000])
def test_a_stay_whose_end_cannot_be_is_asked_for_at_its_beginning(leave: int) -> None:
    assert (TimeRange(1_000 - SLACK_S, 1_001 + SLACK_S),) == stays([stay(1_000, leave)], TimeRange(0, 9_000))


@pytest.mark.parametrize("join", [0, -5, 20_000, 1_790_000_000_000])
def test_a_stay_that_cannot_have_begun_then_began_with_its_call(join: int) -> None:
    assert (TimeRange(500, 2_001 + SLACK_S),) == stays([stay(join, 2_000)], TimeRange(500, 9_000))


def test_a_stay_at_the_beginning_of_time_does_not_start_before_it() -> None:
    assert (TimeRange(0, 41),) == stays([stay(5, 10)], TimeRange(0, 9_000))


@given(st.integers(1, 500), st.integers(0, 500) | st.none(), st.integers(0, 400), st.integers(1, 200))
def test_every_second_of_a_stay_that_lies_in_the_part_is_covered(
    join: int, leave: int | None, start: int, length: int
) -> None:
    part, life = TimeRange(start, start + length), TimeRange(0, 1_000)
    pieces = stays([stay(join, leave)], life, part)
    last = life.end - 1 if leave is None else leave
    needed = {second for second in range(join, last + 1) if second in part}
    assert needed <= {second for piece in pieces for second in range(piece.start, piece.end)}
    assert all(part.start <= piece.start < piece.end <= part.end for piece in pieces)


# -- how long a call lasts ----------------------------------------------------------------------------------

NOW = 10_000


def call(created: int, destroyed: int | None, *, finished: bool = True) -> Call:
    return Call(vendor="agora", call_id="c", created_ts=created, destroyed_ts=destroyed, finished=finished)


@in_turn(
    ("one", "sessions", "life"),
    [
        (call(100, 200), [], TimeRange(100, 201)),
        (call(100, 200), [stay(100, 200), stay(150, 160)], TimeRange(100, 201)),
        (call(100, 200), [stay(100, 700)], TimeRange(100, 701)),
        (call(100, None, finished=False), [stay(100, 200)], TimeRange(100, NOW + 1)),
        (call(100, None), [stay(100, 200)], TimeRange(100, 201)),
        (call(100, 0), [stay(100, 200)], TimeRange(100, 201)),
        (call(100, -1), [], TimeRange(100, 101)),
        (call(100, 100), [], TimeRange(100, 101)),
        (call(100, 99), [stay(100, 0)], TimeRange(100, 101)),
        (call(100, 1_790_000_000_000), [stay(100, 200)], TimeRange(100, 201)),
        (call(100, 200), [stay(100, 1_790_000_000_000)], TimeRange(100, 201)),
        (call(100, NOW + 9), [stay(100, NOW + 9)], TimeRange(100, NOW + 10)),  # clocks are not that exact
    ],
)
def test_a_call_lasts_as_long_as_its_row_and_its_sessions_say_and_no_longer_than_until_now(
    one: Call, sessions: list[Session], life: TimeRange
) -> None:
    assert life == life_of(one, sessions, NOW)


@pytest.mark.parametrize(
    ("one", "known"),
    [
        (call(100, 200), True),
        (call(100, None, finished=False), True),
        (call(100, None), False),
        (call(100, 100), False),
        (call(100, 0), False),
        (call(100, NOW + 3_600), False),
    ],
)
def test_an_end_is_known_if_it_is_after_the_beginning_or_now(one: Call, known: bool) -> None:
    assert known == end_is_known(one, NOW)


# -- what leads on ------------------------------------------------------------------------------------------


def answer(items: Sequence[Any]) -> tuple[Reply[Any], TimeRange]:
    return Reply(items=items), TimeRange(0, NOW)


def trail(one: Call, *, everybody: bool = True) -> CallTrail:
    return CallTrail(call=one, now=NOW, until=NOW, everybody=everybody, known=end_is_known(one, NOW))


def everybody_of(one: Call, over: TimeRange | None = None) -> Questions:
    limits = Limits(history_s=30 * DAY, span_s=DAY, page_size=100)
    return about_call(CALL_SESSIONS_2024, limits, one, over, [Packet(params={"call_id": "c"})])


@pytest.mark.parametrize("known", [True, False])
def test_a_call_goes_on_to_the_last_departure(known: bool) -> None:
    of = trail(call(100, 200 if known else 0))
    of.saw(*answer([stay(100, 650), stay(150, 160, "t")]))
    assert TimeRange(400, 651) == of.onward(400)
    of.saw(*answer([stay(100, 650)]))
    assert (None, "") == (of.onward(651), of.doubt)


def test_a_call_goes_on_while_answers_show_somebody_without_an_end() -> None:
    of = trail(call(100, 200))
    for reached in (201, 400, 600):
        of.saw(*answer([stay(100, None), stay(150, 160, "t")]))
        assert TimeRange(reached, NOW) == of.onward(reached)
    of.saw(*answer([]))
    assert (None, "") == (of.onward(800), of.doubt), "its row says when it ended, and nobody is there"


@pytest.mark.parametrize("rows", [[stay(100, 160), stay(100, None)], [stay(100, None), stay(100, 160)]])
def test_a_stay_that_stands_twice_in_an_answer_has_the_end_that_one_of_its_rows_has(rows: list[Session]) -> None:
    of = trail(call(100, 200))
    of.saw(*answer(rows))
    assert (None, "") == (of.onward(201), of.doubt)


@pytest.mark.parametrize("begun", [0, -5])
def test_of_a_call_that_cannot_have_begun_then_the_day_before_its_end_is_asked_for_and_the_rest_doubted(
    begun: int,
) -> None:
    one, now = call(begun, 20 * DAY), 30 * DAY
    assert TimeRange(19 * DAY, 20 * DAY + 1) == life_of(one, [], now)
    questions = everybody_of(one)
    (question,) = questions(now, now)
    assert question.trail is not None
    assert ((TimeRange(19 * DAY, 20 * DAY + 1),), None) == (question.over, question.trail.onward(20 * DAY + 1))
    assert question.trail.doubt == (
        f"call c cannot have begun at {begun}; whatever of it was before {19 * DAY} may be missing"
    )
    (inside,) = everybody_of(one, TimeRange(19 * DAY, 30 * DAY))(now, now)
    assert inside.trail is not None
    assert ((TimeRange(19 * DAY, 20 * DAY + 1),), None) == (inside.over, inside.trail.onward(20 * DAY + 1))
    assert "" == inside.trail.doubt


def test_a_call_with_neither_beginning_nor_end_is_looked_for_through_the_last_day() -> None:
    one, now = call(0, 0), 30 * DAY
    (question,) = everybody_of(one)(now, now)
    assert question.trail is not None
    assert 29 * DAY == question.over[0].start
    question.trail.saw(*answer([]))
    assert TimeRange(29 * DAY + 100, now + 1) == question.trail.onward(29 * DAY + 100)


@pytest.mark.parametrize(
    ("end", "shown", "everybody", "doubted"),
    [
        (0, [stay(100, 200)], True, False),
        (0, [stay(100, 200)], False, True),  # others may have kept the call going
        (0, [stay(100, 0)], True, True),
        (0, [], True, True),
        (100, [stay(100, 100)], True, False),  # came and went within one second
        (100, [], True, False),
        (100, [stay(100, 200)], False, True),
        (200, [], True, False),
    ],
)
def test_what_may_be_missing_of_a_call_without_an_end_is_doubted(
    end: int, shown: list[Session], everybody: bool, doubted: bool
) -> None:
    of = trail(call(100, end), everybody=everybody)
    of.saw(*answer(shown))
    while (piece := of.onward(300 if end else 400)) is not None:
        assert piece.end == NOW
        of.saw(*answer([]))
    assert doubted == bool(of.doubt)
    if doubted:
        assert "call c cannot have ended at" in of.doubt


def test_nothing_is_doubted_where_everything_until_now_was_asked() -> None:
    of = trail(call(100, 0))
    of.saw(*answer([stay(100, 0)]))
    assert (None, "") == (of.onward(NOW), of.doubt)


def test_a_call_whose_beginning_is_forgotten_is_looked_for_where_it_is_not() -> None:
    of = trail(call(100, 0))
    assert TimeRange(400, NOW) == of.onward(400)
    of.saw(*answer([]))
    assert None is of.onward(800)
    assert "cannot have ended at 0" in of.doubt


def series(*times: int, session: str = "s", user: str = "") -> MetricSeries:
    columns = Columns.of(times, map(float, times))
    given: dict[str, Any] = {"vendor": "v", "call_id": "c", "vendor_metric": "m"}
    return MetricSeries(**given, session_id=session, user_id=user, columns=columns)


def stay_trail(*sessions: Session, destroyed: int = 100) -> StayTrail | None:
    one = call(100, destroyed)
    return trail_of_stays(one, sessions, life_of(one, sessions, NOW), now=NOW, until=NOW)


def test_sessions_with_an_end_leave_no_trail() -> None:
    assert None is stay_trail(stay(100, 200), stay(100, 101))


@pytest.mark.parametrize("leave", [None, 0, 99])
@pytest.mark.parametrize("found", [series(100, 900), series(100, 900, session="", user="1")], ids=["session", "user"])
def test_points_are_followed_until_they_end(leave: int | None, found: MetricSeries) -> None:
    of = stay_trail(stay(100, leave))
    assert of is not None
    of.saw(*answer([series(), series(100, 950, session="another"), found]))
    assert TimeRange(1_000, NOW) == of.onward(1_000)
    assert (None, "when session s of call c ended is not known; it was followed as far as it showed itself") == (
        of.onward(2_000),
        of.doubt,
    )


def test_a_session_of_one_second_is_believed_until_points_come_after_it() -> None:
    of = stay_trail(stay(100, 100))
    assert of is not None
    of.saw(*answer([series(100, 110)]))
    assert (None, "") == (of.onward(200), of.doubt)
    of.saw(*answer([series(100, 170)]))
    assert TimeRange(200, NOW) == of.onward(200)


def test_nothing_of_a_session_is_doubted_once_its_whole_call_was_asked_for() -> None:
    of = stay_trail(stay(100, 0), destroyed=1_500)
    assert of is not None
    assert 1_501 == of.fill_to
    of.saw(*answer([series(100, 300)]))
    assert (None, "") == (of.onward(1_501), of.doubt)
    assert None is of.onward(1_000)
    assert of.doubt


def test_many_sessions_without_an_end_are_counted_not_listed() -> None:
    of = stay_trail(*(stay(100, 0, f"s{number}") for number in range(9)))
    assert of is not None
    assert None is of.onward(600)
    assert "when session s0, s1, s2 and 6 more of call c ended is not known" in of.doubt


def test_events_are_followed_as_points_are() -> None:
    of = stay_trail(stay(100, 0))
    assert of is not None
    of.saw(*answer([Event(vendor="v", call_id="c", user_id="1", event_id=1, time_ms=900_000)]))
    assert TimeRange(1_000, NOW) == of.onward(1_000)


@pytest.mark.parametrize("leave", [0, 100, NOW + 10**6])
def test_a_session_that_goes_on_between_two_windows_is_followed_there(leave: int) -> None:
    of = stay_trail(stay(100, leave), destroyed=NOW - 1)
    assert of is not None
    early, late = TimeRange(70, 400), TimeRange(2_000, NOW - 100)
    of.saw(Reply(items=[series(110, 390)]), early)
    of.saw(Reply(items=[series(2_150, session="another")]), late)
    assert TimeRange(400, 2_000) == of.onward(late.end)
    of.saw(Reply(items=[series(420)]), TimeRange(400, 1_000))
    assert of.onward(late.end) is None, "it was quiet for long before that ended"


def test_what_was_quiet_before_a_gap_is_not_looked_for_in_it() -> None:
    of = stay_trail(stay(100, 0), destroyed=NOW - 1)
    assert of is not None
    of.saw(Reply(items=[series(110)]), TimeRange(70, 800))
    of.saw(Reply(items=[]), TimeRange(2_000, NOW - 100))
    assert of.onward(NOW - 100) is None


def test_a_trail_goes_on_from_what_another_has_taken_in_and_its_memory_names_nobody() -> None:
    pieces = [TimeRange(70, 400), TimeRange(2_000, NOW - 100)]
    seen = [series(110, 390, session="alice-1"), series(110, 2_150, session="", user="bob-1")]
    sessions = [stay(100, 0, "alice-1"), attrs.evolve(stay(100, 0, "t"), user_id="bob-1")]
    first, second = stay_trail(*sessions, destroyed=NOW - 1), stay_trail(*sessions, destroyed=NOW - 1)
    assert first is not None
    assert second is not None
    for window in pieces:
        first.saw(Reply(items=seen), window)
    assert None is second.onward(400)
    second.recall(first.memory())
    assert "alice" not in first.memory()
    assert "bob" not in first.memory()
    assert [TimeRange(400, 2_000), None, TimeRange(2_300, NOW)] == [second.onward(at) for at in (NOW, NOW, 2_300)]
    first.recall(second.memory())
    assert None is first.onward(NOW), "the gap was led to"


@pytest.mark.parametrize("memory", ["", "{}", "[{},[],0]", "[{},[[5,1]],[]]", '[{"a":["b"]},[],[]]'])
def test_what_a_trail_cannot_have_taken_in_is_refused(memory: str) -> None:
    of = stay_trail(stay(100, 0))
    assert of is not None
    with pytest.raises((msgspec.MsgspecError, BadInput)):
        of.recall(memory)
