"""The reading of windows that show less than they hold: everything once, or named; and in few requests.

A model server holds rows with a moment each, and shows the newest or any of a window. Whatever it holds, the
pieces that the reader closes are the window, and every row of a piece that is called complete was shown.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.agora.endpoints import CALL_LISTS_2024, GENERATION_ENDPOINTS
from agora_tencent_analytics.endpoint import AnyOf, Endpoint, Newest, Param, Unpaged, page_size
from agora_tencent_analytics.errors import BadInput, UnreadableReply
from agora_tencent_analytics.limits import Limits
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.paging.decision import PageSigns
from agora_tencent_analytics.paging.numbered import UnpagedReader
from agora_tencent_analytics.paging.seen_ids import digest
from agora_tencent_analytics.paging.truncated import AnyOfReader, Density, NewestReader, hidden, moments
from agora_tencent_analytics.paging.windows import reader_of
from agora_tencent_analytics.tencent.endpoints import ENDPOINTS
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.wire import Reply
from tests.support.long_runs import by_turns

HOUR = 3_600
DAY = 24
CEILING = 60_000
Paging = Newest | AnyOf
KINDS: tuple[Callable[..., Paging], ...] = (Newest, AnyOf)


@attrs.define(kw_only=True)
class Server:
    """Shows rows as the paging says. Rows are their index; a row may reach on from its moment for `lasts` seconds."""

    paging: Paging
    moments: list[int]
    lasts: int = 0
    chance: Random = attrs.field(factory=lambda: Random(1))
    more: bool | None = None  # what it always says of `has_more`; None says nothing
    deaf: bool = False  # it takes no notice of the window
    unread: frozenset[int] = frozenset()  # rows that cannot be read: nobody knows when they were
    zeroed: frozenset[int] = frozenset()  # rows that say that they were at 0
    cap: int | None = None  # shows so many at most, and truthfully says that there are more
    requests: int = 0
    _by_moment: list[tuple[int, int]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._by_moment = sorted((at, row) for row, at in enumerate(self.moments))

    def _before(self, moment: int) -> int:
        return bisect_left(self._by_moment, (moment, -1))

    def ask(self, over: TimeRange) -> PageSigns:
        self.requests += 1
        assert self.requests < CEILING
        rows = sorted(row for _, row in self._by_moment[self._before(over.start - self.lasts) : self._before(over.end)])
        rows = list(range(len(self.moments))) if self.deaf else rows
        most = self.cap or self.paging.most
        hid = len(rows) > most
        if isinstance(self.paging, Newest):
            self.chance.shuffle(rows)  # rows of one second come in any order
            rows = sorted(rows, key=lambda row: -self.moments[row])[:most]
        else:
            rows = self.chance.sample(rows, min(len(rows), most))
        more = hid if self.cap else self.more
        rows.sort(key=lambda row: row in self.unread)  # those that cannot be read come last
        at = [0 if row in self.zeroed else self.moments[row] for row in rows if row not in self.unread]
        return PageSigns(ids=[digest(str(row)) for row in rows], at=at, has_more=more)


@attrs.define
class Read:
    """What a walk over touching windows came to."""

    shown: set[bytes] = attrs.field(factory=set)
    closed: list[tuple[TimeRange, bool, str]] = attrs.field(factory=list)

    @property
    def named(self) -> list[TimeRange]:
        return sorted(over for over, complete, _ in self.closed if not complete)

    def missing(self, server: Server, over: TimeRange) -> list[int]:
        """Moments within the range of rows that were never shown."""
        return [at for row, at in enumerate(server.moments) if at in over and digest(str(row)) not in self.shown]


def read(server: Server, over: TimeRange, *, span: int = HOUR) -> Read:
    found = Read()
    stack = [(window, 0) for window in over.split(span)][::-1]
    while stack:
        window, barren = stack.pop()
        reader = reader_of(server.paging, window, size=0, recent=False, barren=barren)
        assert isinstance(reader, NewestReader | AnyOfReader)
        while True:
            signs = server.ask(reader.window)
            fresh = len(set(signs.ids) - found.shown)
            found.shown |= set(signs.ids)
            before = reader.rest
            step = reader.feed(signs, fresh=fresh)
            if step.action == "split" and (halves := window.halves()) and (halves := reader.window.halves()):
                stack += [(halves[1], reader.barren), (halves[0], reader.barren)]
                break
            if step.action != "narrow":
                found.closed.append((step.over or reader.window, step.complete, step.reason))
                break
            assert (reader.window, reader.rest) != (before, before), "a step that asks the same again"
            if step.over is not None:
                found.closed.append((step.over, step.complete, step.reason))
    pieces = sorted(over for over, _, _ in found.closed)
    assert (over.start, over.end) == (pieces[0].start, pieces[-1].end)
    assert all(one.end == other.start for one, other in pairwise(pieces)), "the pieces are the range, each second once"
    return found


MOMENTS = st.lists(st.integers(1, 200) | st.integers(60, 66), max_size=150)


@given(MOMENTS, st.integers(1, 12), st.sampled_from(KINDS), st.integers(0, 3))
def test_every_row_is_shown_or_lies_in_a_second_that_is_named(when: list[int], most: int, kind: Any, seed: int) -> None:
    server = Server(paging=kind(most=most, at="ts"), moments=when, chance=Random(seed))
    over = TimeRange(0, 201)
    found = read(server, over, span=90)
    named = {second.start for second in found.named}
    assert all(second.seconds == 1 for second in found.named)
    assert set(found.missing(server, over)) <= named
    seconds = Counter(when)
    assert named <= {at for at, rows in seconds.items() if rows >= most}, "nothing is named that an answer could show"
    if kind is AnyOf or most > 1:
        assert named >= {at for at, rows in seconds.items() if rows > most}


@given(MOMENTS, st.integers(1, 12), st.floats(0, 1), st.booleans(), st.integers(0, 3))
def test_rows_of_which_nobody_knows_when_they_were_hide_no_others(
    when: list[int], most: int, share: float, zeroed: bool, seed: int
) -> None:
    dice = Random(seed)
    odd = frozenset(row for row in range(len(when)) if dice.random() < share)
    server = Server(
        paging=Newest(most=most, at="ts"),
        moments=when,
        chance=dice,
        unread=frozenset() if zeroed else odd,
        zeroed=odd if zeroed else frozenset(),
    )
    over = TimeRange(1, 201)
    found = read(server, over, span=90)
    assert not [at for at in found.missing(server, over) if not any(at in piece for piece in found.named)]
    if not odd:
        assert all(piece.seconds == 1 for piece in found.named)


@given(MOMENTS, st.integers(1, 12), st.integers(1, 80), st.sampled_from(KINDS))
def test_rows_that_reach_into_a_window_hide_none_without_a_word(
    when: list[int], most: int, lasts: int, kind: Any
) -> None:
    server = Server(paging=kind(most=most, at="ts"), moments=when, lasts=lasts)
    over = TimeRange(30, 180)
    found = read(server, over, span=70)
    named = found.named
    assert not [at for at in found.missing(server, over) if not any(at in piece for piece in named)]
    edge = [row for row, at in enumerate(when) if at < 30 <= at + lasts and digest(str(row)) not in found.shown]
    assert not edge or any(30 in piece for piece in named)


def test_a_row_from_before_the_window_leaves_only_its_first_second_to_ask() -> None:
    server = Server(paging=Newest(most=3, at="ts"), moments=[20, 30, 150, 160], lasts=120)
    found = read(server, TimeRange(100, 200))
    assert (2, [True, True]) == (server.requests, [complete for _, complete, _ in sorted(found.closed)])
    crowded = Server(paging=Newest(most=3, at="ts"), moments=[10, 11, 12, 20, 30, 150, 160], lasts=120)
    assert [TimeRange(100, 101)] == read(crowded, TimeRange(100, 200)).named


@pytest.mark.parametrize("kind", KINDS)
def test_the_walk_goes_on_below_and_above_a_second_that_overflows(kind: Any) -> None:
    server = Server(paging=kind(most=10, at="ts"), moments=[*range(0, 3_000, 100), *[1_234] * 40, *range(1_300, 1_320)])
    over = TimeRange(0, HOUR)
    found = read(server, over)
    assert [TimeRange(1_234, 1_235)] == found.named
    assert {1_234} == set(found.missing(server, over))
    assert any("more happened in this second" in reason for _, complete, reason in found.closed if not complete)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [0, 1, 9])
def test_an_answer_that_is_not_full_is_everything(kind: Any, rows: int) -> None:
    server = Server(paging=kind(most=10, at="ts"), moments=[*range(rows)])
    found = read(server, TimeRange(0, HOUR))
    assert (1, []) == (server.requests, found.named)


# --- signs that lie ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [0, 1, 5, 9, 35, 200])
def test_a_has_more_that_is_always_true_ends_after_few_requests_and_is_told(rows: int) -> None:
    when = sorted(Random(rows).sample(range(HOUR), rows))
    server = Server(paging=Newest(most=10, at="ts"), moments=when, more=True)
    found = read(server, TimeRange(0, HOUR))
    assert [] == found.missing(server, TimeRange(0, HOUR))
    assert [] != found.named
    assert server.requests <= rows / 9 + 8


def test_a_has_more_beside_a_sample_that_is_not_full_is_told_and_costs_nothing() -> None:
    server = Server(paging=AnyOf(most=10, at="ts"), moments=[1, 2, 3], more=True)
    found = read(server, TimeRange(0, HOUR))
    assert (1, [TimeRange(0, HOUR)]) == (server.requests, found.named)


def test_a_has_more_that_is_true_on_short_answers_is_followed() -> None:
    server = Server(paging=Newest(most=100, at="ts"), moments=[*range(0, 3_000, 10)], cap=25)
    found = read(server, TimeRange(0, HOUR))
    assert ([], []) == (found.named, found.missing(server, TimeRange(0, HOUR)))
    assert server.requests <= math.ceil(300 / 24) + 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("when", [[5] * 40, [*range(100)], [100_000] * 40])
def test_a_server_that_takes_no_notice_of_the_window_is_given_up_soon(kind: Any, when: list[int]) -> None:
    server = Server(paging=kind(most=20, at="ts"), moments=when, deaf=True)
    found = read(server, TimeRange(0, HOUR))
    assert [] != found.named
    assert server.requests <= 40


# --- requests ---------------------------------------------------------------------------------------------


def bell(chance: Random, middle: float, width: float, rows: int) -> list[int]:
    return [min(DAY * HOUR - 1, max(0, int(chance.gauss(middle, width)))) for _ in range(rows)]


def worlds(seed: int) -> Iterator[tuple[str, list[int]]]:
    """A day of rows in different shapes; no second holds ten of them except by rare chance."""
    chance = Random(seed)
    whole = DAY * HOUR
    quiet = [chance.randrange(whole) for _ in range(100)]
    yield (
        "bursts of 1,000 in an hour",
        quiet + [hour * HOUR + chance.randrange(HOUR) for hour in (3, 9, 10, 20) for _ in range(1_000)],
    )
    yield "uniform, 30 an hour", [chance.randrange(whole) for _ in range(30 * DAY)]
    yield "uniform, 100 an hour", [chance.randrange(whole) for _ in range(100 * DAY)]
    yield "bells", quiet + bell(chance, 3 * HOUR, 250, 1_000) + bell(chance, 7.5 * HOUR, 900, 1_000)
    yield "ramp", [int(whole * math.sqrt(chance.random())) for _ in range(5_000)]


def minute(seed: int) -> list[int]:
    chance = Random(seed)
    return [5 * HOUR + 600 + chance.randrange(60) for _ in range(300)]


@pytest.mark.parametrize(("most", "seed"), by_turns(3, [10, 20, 100], range(4)))
def test_the_newest_of_a_window_are_walked_in_few_requests(most: int, seed: int) -> None:
    for name, when in worlds(seed):
        server = Server(paging=Newest(most=most, at="ts"), moments=when, chance=Random(seed))
        found = read(server, TimeRange(0, DAY * HOUR))
        assert ([], []) == (found.named, found.missing(server, TimeRange(0, DAY * HOUR))), name
        assert server.requests <= 1.2 * len(when) / most + DAY, name


@pytest.mark.parametrize(("most", "seed"), by_turns(3, [10, 20, 100], range(4)))
def test_any_of_a_window_are_listed_in_few_requests(most: int, seed: int) -> None:
    for name, when in [*worlds(seed), ("all in one minute", minute(seed))]:
        server = Server(paging=AnyOf(most=most, at="ts"), moments=when, chance=Random(seed))
        found = read(server, TimeRange(0, DAY * HOUR))
        assert all(when.count(second.start) >= most for second in found.named), name
        assert all(
            any(at in second for second in found.named) for at in found.missing(server, TimeRange(0, DAY * HOUR))
        )
        assert server.requests <= 3 * len(when) / most + DAY, name
        if most == 20:
            assert server.requests <= 2.5 * len(when) / most + DAY, name


def test_rows_that_share_their_second_are_what_the_newest_cannot_save() -> None:
    when = minute(1)
    for most, bound in ((10, 1.6), (20, 1.25), (100, 1.05)):
        server = Server(paging=Newest(most=most, at="ts"), moments=when)
        read(server, TimeRange(0, DAY * HOUR))
        assert server.requests <= bound * len(when) / most + DAY


# --- the density ------------------------------------------------------------------------------------------


def test_the_fewer_known_rows_come_again_the_more_are_hidden() -> None:
    thought = [hidden(10, again, size=20, guess=30) for again in range(11)]
    assert sorted(thought, reverse=True) == thought
    assert 330 == pytest.approx(thought[0])
    assert 21 == pytest.approx(thought[-1])


@given(st.lists(st.integers(-10, 1_100), max_size=60), st.floats(1, 1e6))
def test_the_pieces_of_a_sample_hold_what_was_told_and_end_where_the_window_does(when: list[int], rows: float) -> None:
    density = Density(size=20, start=0)
    window = TimeRange(0, 1_000)
    density.sampled(window, when, rows)
    ends = [0, *(end for end, _ in density.pieces)]
    assert sorted(set(ends)) == ends
    assert 1_000 == ends[-1]
    assert rows == pytest.approx(density.expected(1_000))
    density.finished(400, 3)
    assert 400 < density.reach(1) <= 1_000


# --- grammar ----------------------------------------------------------------------------------------------

ROWS = [*(row for rows in GENERATION_ENDPOINTS.values() for row in rows.values()), *ENDPOINTS.values()]
NARROWED = [row for row in ROWS if isinstance(row.paging, Newest | AnyOf)]


def test_there_are_rows_of_both_kinds() -> None:
    assert {Newest, AnyOf} == {type(row.paging) for row in NARROWED}


@pytest.mark.parametrize("row", NARROWED, ids=lambda row: f"{row.name}, {row.generation}")
def test_every_row_that_is_narrowed_names_what_identifies_a_record_and_says_when_it_was(row: Endpoint[Any]) -> None:
    assert "seconds" == row.bounds.form, "a window is narrowed to a second"
    if row.model is MetricSeries:
        assert isinstance(row.paging, AnyOf), "series are merged by their points; windows are told apart by sessions"
        return
    assert row.key
    assert isinstance(row.paging, Newest | AnyOf)
    assert "int" == str(attrs.fields_dict(row.model)[row.paging.at].type)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_without_pages_has_no_page_size(kind: Any) -> None:
    row = msgspec.structs.replace(CALL_LISTS_2024, paging=kind(most=10, at="created_ts"))
    limits = Limits(rates=(), history_s=9, span_s=9, lag_s=0, page_size=100)
    assert 0 == page_size(row, limits, None)
    with pytest.raises(BadInput, match="no pages"):
        page_size(row, limits, 10)
    with pytest.raises(ValueError, match="most"):
        kind(most=0, at="created_ts")


def test_a_row_that_was_at_0_hides_none_of_the_window() -> None:
    reader = NewestReader(paging=Newest(most=3, at="ts"), window=TimeRange(100, 200))
    ids = [digest(name) for name in "abc"]
    step = reader.feed(PageSigns(ids=ids, at=[180, 0, 150]), fresh=3)
    assert ("narrow", TimeRange(100, 151)) == (step.action, reader.window)
    alone = NewestReader(paging=Newest(most=1, at="ts"), window=TimeRange(100, 200))
    assert "split" == alone.feed(PageSigns(ids=ids[:1], at=[0]), fresh=1).action


def test_a_record_without_a_moment_makes_the_answer_unreadable() -> None:
    @attrs.frozen
    class Record:
        ts: Any

    listing: Endpoint[Any] = CALL_LISTS_2024
    row = msgspec.structs.replace(listing, model=Record, paging=Newest(most=10, at="ts"), app=Param(name="a"))
    assert [5] == moments(row, Reply(items=[Record(5.9)]))
    assert [] == moments(CALL_LISTS_2024, Reply(items=[Record(5)]))
    for odd in (None, "5", math.nan, math.inf):
        with pytest.raises(UnreadableReply, match="without its moment"):
            moments(row, Reply(items=[Record(odd)]))


def test_the_reader_follows_the_paging() -> None:
    window = TimeRange(0, 10)
    kinds: dict[Newest | AnyOf | Unpaged, type] = {
        Newest(most=1, at="t"): NewestReader,
        AnyOf(most=1, at="t"): AnyOfReader,
        Unpaged(): UnpagedReader,
    }
    for paging, reader in kinds.items():
        assert isinstance(reader_of(paging, window, size=0, recent=False, barren=0), reader)


@pytest.mark.parametrize("paging", [Newest(most=2, at="t"), AnyOf(most=2, at="t")], ids=["newest", "any"])
@pytest.mark.parametrize(
    ("has_more", "why"), [(None, "answers are full"), (False, "answers are full"), (True, "the vendor says that more")]
)
def test_a_reading_that_ends_barren_says_what_the_vendor_said_and_no_more(
    paging: Newest | AnyOf, has_more: bool | None, why: str
) -> None:
    reader = reader_of(paging, TimeRange(0, 10**9), size=0, recent=False, barren=0)
    # Rows of nowhere near, whatever is asked.
    page = PageSigns(ids=[b"1" * 16, b"2" * 16], total=None, has_more=has_more, is_last=False, at=[10**9, 10**9])
    steps = (reader.feed(page, fresh=0) for _ in range(9))
    step = next(step for step in steps if step.action == "done")
    assert not step.complete
    assert step.reason.startswith(why)


def counted(*moments: int, total: int, more: bool | None = None) -> PageSigns:
    """An answer whose rows are named by their moments."""
    return PageSigns(ids=[digest(str(at)) for at in moments], total=total, has_more=more, at=moments)


def test_rows_of_an_answer_that_is_asked_for_again_are_counted_once() -> None:
    reader = NewestReader(paging=Newest(most=4, at="created_ts"), window=TimeRange(0, 100), size=4)
    steps = [
        reader.feed(counted(90, 80, 70, 60, total=7, more=True), fresh=4),
        reader.feed(counted(40, 30, total=3), fresh=2),  # the one of 60 does not come again
        reader.feed(counted(60, 40, 30, total=3), fresh=0),  # and one of the seven never came
    ]
    assert ["narrow", "page", "done"] == [step.action for step in steps]
    assert (False, "the vendor counts 7 rows, and 6 came") == (steps[-1].complete, steps[-1].reason)


def test_newest_rows_of_the_second_in_which_a_window_ends_are_counted_once() -> None:
    reader = NewestReader(paging=Newest(most=3, at="created_ts"), window=TimeRange(0, 100), size=3)
    steps = [
        reader.feed(counted(90, 61, 60, total=5, more=True), fresh=3),
        reader.feed(counted(61, 60, 40, total=4, more=True), fresh=1),  # up to 61, that included
        reader.feed(counted(40, total=1), fresh=0),  # and one of the five never came
    ]
    assert ["narrow", "narrow", "done"] == [step.action for step in steps]
    assert (False, "the vendor counts 5 rows, and 4 came") == (steps[-1].complete, steps[-1].reason)


def test_any_rows_of_the_second_in_which_a_window_ends_are_counted_once() -> None:
    reader = AnyOfReader(paging=AnyOf(most=3, at="ts"), window=TimeRange(0, 100), size=3)
    reader.feed(counted(90, 50, 10, total=5), fresh=3)
    end, shown = reader.window.end, {10, 50, 90}
    assert 10 < end < 50
    step = reader.feed(counted(10, end, total=2), fresh=1)  # up to the end, that included; one of the five never comes
    while step.action != "done":
        inside = [at for at in sorted({*shown, end}) if reader.window.start <= at <= reader.window.end]
        step = reader.feed(counted(*inside[:2], total=len(inside)), fresh=0)
    assert (False, "the vendor counts 5 rows, and 4 came") == (step.complete, step.reason)


@pytest.mark.parametrize(
    ("signs", "complete"),
    [
        ({"total": 3}, True),
        ({"has_more": False}, True),
        ({"total": 4}, False),
        ({"has_more": True}, False),
        ({}, False),
    ],
)
def test_of_a_full_answer_of_a_vendor_without_ranges_no_more_is_asked(signs: dict[str, Any], complete: bool) -> None:
    reader = NewestReader(paging=Newest(most=3, at="created_ts"), window=TimeRange(0, 100), size=3, ranged=False)
    rows = [digest(str(at)) for at in (90, 80, 20)]
    step = reader.feed(PageSigns(ids=rows, at=[90, 80, 20], **signs), fresh=3)
    assert ("done", complete) == (step.action, step.complete)
    assert complete or "takes no range" in step.reason
