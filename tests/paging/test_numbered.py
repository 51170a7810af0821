"""The reading of windows against servers that tell the truth, and servers that do not.

A model server holds rows with a moment each and pages them; a small driver splits windows by time, as the
paginator does. Whatever the server does, either every row was seen or the walk says that it is incomplete,
and the number of requests stays bounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Literal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.endpoint import PageNumber, Unpaged
from agora_tencent_analytics.paging import seen_ids
from agora_tencent_analytics.paging.cursor import Cursor
from agora_tencent_analytics.paging.decision import PageSigns, Step
from agora_tencent_analytics.paging.numbered import UnpagedReader, WindowReader
from agora_tencent_analytics.paging.seen_ids import digest, fingerprint
from agora_tencent_analytics.timerange import TimeRange
from tests.support.in_turn import in_turn

SPAN = TimeRange(0, 64)
CEILING = 3_000
Total = Literal["listing", "hint", "page"]


def paging(total: Total, base: Literal[0, 1] = 1) -> PageNumber:
    return PageNumber(number="page", size="size", base=base, total=total)


def ids(*names: object) -> list[bytes]:
    return [digest(str(name)) for name in names]


@attrs.define(kw_only=True)
class Server:
    """Pages rows truthfully, unless told otherwise."""

    moments: list[int]
    kind: Total = "listing"
    base: Literal[0, 1] = 1
    tells_total: bool = True
    tells_more: bool = True
    lie_total: Callable[[int, int, int], int] | None = None  # from truth, rows of the page, requests so far
    lie_more: bool | None = None
    cap: int | None = None  # rows to a page at most, whatever was asked for
    skips: bool = False  # the next page begins where a full one would have ended
    arrange: Callable[[list[list[int]]], list[list[int]]] | None = None
    repeats_last: bool = False
    before: Callable[[Server], None] | None = None
    requests: int = 0

    def ask(self, over: TimeRange, number: int, size: int) -> tuple[list[int], PageSigns]:
        if self.before is not None:
            self.before(self)
        self.requests += 1
        rows = [row for row, moment in enumerate(self.moments) if moment in over][::-1]
        shows = min(size, self.cap or size)
        step = size if self.skips else shows
        pages = [rows[at : at + shows] for at in range(0, len(rows), step)] or [[]]
        if self.arrange is not None:
            pages = self.arrange(pages)
        at = number - self.base
        if self.repeats_last:
            at = min(at, len(pages) - 1)
        page = pages[at] if at < len(pages) else []
        total = len(page) if self.kind == "page" else len(rows)
        if self.lie_total is not None:
            total = self.lie_total(len(rows), len(page), self.requests)
        behind = at + 1 < len(pages) or (self.skips and at * size + len(page) < len(rows))
        more = behind if self.lie_more is None else self.lie_more
        signs = PageSigns(
            ids=ids(*page),
            total=total if self.tells_total else None,
            has_more=more if self.tells_more else None,
        )
        return page, signs


@attrs.define
class Walked:
    seen: set[int]
    complete: bool
    requests: int


def walk(server: Server, *, size: int, recent: bool = False, over: TimeRange = SPAN) -> Walked:
    """Reads every window, splitting as told; gives up at the ceiling."""
    seen: set[int] = set()
    complete, start = True, server.requests
    stack = [(over, 0)]
    while stack:
        window, barren = stack.pop()
        reader = WindowReader(
            paging=paging(server.kind, server.base), window=window, size=size, recent=recent, barren=barren
        )
        while True:
            if server.requests - start >= CEILING:
                return Walked(seen, False, server.requests - start)
            rows, signs = server.ask(window, reader.number, reader.size)
            fresh = len(set(rows) - seen)
            seen.update(rows)
            step = reader.feed(signs, fresh=fresh)
            if step.action != "page":
                break
        assert step.reason
        halves = window.halves() if step.action == "split" else None
        if halves is not None:
            stack += [(half, reader.barren + 1) for half in reversed(halves)]
        else:
            complete = complete and step.complete
    return Walked(seen, complete, server.requests - start)


moments = st.lists(st.integers(SPAN.start, SPAN.end - 1), max_size=40)
sizes = st.integers(1, 12)
kinds = st.sampled_from(["listing", "hint", "page"])
bases = st.sampled_from([0, 1])


def fewest(rows: int, size: int, kind: str, *, tells_total: bool, tells_more: bool) -> int:
    """The fewest pages that prove the end: a full page may be followed by more unless the total speaks against it."""
    if kind == "listing" and tells_total:
        # A total that equals the length of the one full page may be that page's own count.
        return 2 if rows == size else max(1, math.ceil(rows / size))
    enough = rows // size + 1
    if tells_more:
        return enough
    if rows == 0:
        return enough + (kind == "page" or not tells_total)  # asked for once more
    if rows % size == 0:
        return enough + 2  # the empty page is looked behind, and asked for once more
    return enough + (kind == "page" and rows < size)  # a single short page may have been cut


@given(moments, sizes, kinds, bases, st.booleans(), st.booleans())
def test_a_truthful_server_is_read_completely_with_the_fewest_pages(
    rows: list[int], size: int, kind: Total, base: Literal[0, 1], total: bool, more: bool
) -> None:
    server = Server(moments=rows, kind=kind, base=base, tells_total=total, tells_more=more)
    found = walk(server, size=size)
    assert (set(range(len(rows))), True) == (found.seen, found.complete)
    assert fewest(len(rows), size, kind, tells_total=total, tells_more=more) == found.requests


@given(moments, sizes)
def test_a_recent_listing_of_several_pages_is_confirmed_by_its_first(rows: list[int], size: int) -> None:
    server = Server(moments=rows)
    found = walk(server, size=size, recent=True)
    plain = fewest(len(rows), size, "listing", tells_total=True, tells_more=True)
    assert (set(range(len(rows))), True) == (found.seen, found.complete)
    assert plain + (len(rows) > size) == found.requests


@given(moments, sizes, st.booleans(), st.sampled_from([None, False, True]))
def test_a_total_that_counts_the_page_costs_no_row_and_no_second_reading(
    rows: list[int], size: int, tells_more: bool, lie_more: bool | None
) -> None:
    server = Server(moments=rows, lie_total=lambda _, page, __: page, tells_more=tells_more, lie_more=lie_more)
    found = walk(server, size=size)
    assert set(range(len(rows))) == found.seen
    if not (tells_more and lie_more):
        assert found.complete
        assert len(rows) // size + 1 + (0 if tells_more else 2) >= found.requests


LIES: dict[str, Callable[[int, int, int], int]] = {
    "too many": lambda truth, _, __: truth + 3,
    "far too many": lambda truth, _, __: truth + 10**9,
    "too few": lambda truth, _, __: max(0, truth - 2),
    "none": lambda _, __, ___: 0,
    "moving": lambda truth, _, request: truth + request % 3,
    "growing": lambda truth, _, request: truth + request,
    "page": lambda _, page, __: page,
}


def with_holes(pages: list[list[int]]) -> list[list[int]]:
    return [part for page in pages for part in (page, [])]


def short(pages: list[list[int]]) -> list[list[int]]:
    return [part for page in pages for part in (page[: len(page) // 2], page[len(page) // 2 :])]


@given(
    moments,
    sizes,
    kinds,
    st.sampled_from(sorted(LIES)),
    st.sampled_from([None, False, True]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_no_lie_hides_a_row_of_full_pages_and_none_goes_on_for_ever(
    rows: list[int],
    size: int,
    kind: Total,
    lie: str,
    lie_more: bool | None,
    tells_total: bool,
    tells_more: bool,
    repeats: bool,
) -> None:
    server = Server(
        moments=rows,
        kind=kind,
        lie_total=LIES[lie],
        lie_more=lie_more,
        tells_total=tells_total,
        tells_more=tells_more,
        repeats_last=repeats,
    )
    found = walk(server, size=size)
    if lie in ("too few", "none") and kind == "listing" and tells_total and (lie_more is False or not tells_more):
        return  # total and has_more agree on the lie: the test below holds what can be held
    assert set(range(len(rows))) == found.seen or not found.complete
    assert found.requests <= 60 + 40 * len(rows)


@given(moments, sizes, st.sampled_from([with_holes, short]), st.booleans(), st.sampled_from([None, True]))
def test_holes_and_short_pages_are_no_end_while_a_sign_says_more(
    rows: list[int],
    size: int,
    arrange: Callable[[list[list[int]]], list[list[int]]],
    tells_more: bool,
    lie_more: bool | None,
) -> None:
    server = Server(moments=rows, arrange=arrange, tells_more=tells_more, lie_more=lie_more)
    found = walk(server, size=size)
    assert set(range(len(rows))) == found.seen or not found.complete
    assert found.requests <= 60 + 40 * len(rows)
    if not (tells_more and lie_more):
        assert set(range(len(rows))) == found.seen


@given(moments, sizes, st.integers(1, 5), st.booleans(), st.booleans())
def test_a_clamped_page_size_costs_no_row_where_a_sign_is_true(
    rows: list[int], size: int, cap: int, skips: bool, tells_total: bool
) -> None:
    server = Server(moments=rows, cap=cap, skips=skips, tells_total=tells_total, tells_more=not tells_total)
    found = walk(server, size=size)
    assert (set(range(len(rows))), True) == (found.seen, found.complete)


@given(moments, sizes, kinds, st.integers(0, 2**32))
def test_pages_at_random_end_at_some_time_and_claim_nothing_false(
    rows: list[int], size: int, kind: Total, seed: int
) -> None:
    chance = Random(seed)

    def shuffled(pages: list[list[int]]) -> list[list[int]]:
        every = [row for page in pages for row in page]
        return [chance.sample(every, min(size, len(every))) for _ in range(100)]

    server = Server(moments=rows, kind=kind, arrange=shuffled, lie_total=lambda *_: 10**6)
    found = walk(server, size=size)
    assert set(range(len(rows))) == found.seen or not found.complete
    assert found.requests < CEILING


@given(st.lists(st.integers(0, 63), min_size=1, max_size=30), sizes, st.integers(1, 12), st.booleans())
def test_a_row_that_comes_while_pages_are_read_hides_no_other(
    rows: list[int], size: int, when: int, tells_total: bool
) -> None:
    def insert(server: Server) -> None:
        if server.requests == when:
            server.moments.append(63)  # newest, so first of the first page: everything shifts down

    server = Server(moments=list(rows), before=insert, tells_total=tells_total)
    found = walk(server, size=size, recent=True)
    assert set(range(len(rows))) <= found.seen
    if when < found.requests:
        assert len(rows) in found.seen


@given(st.lists(st.integers(0, 63), min_size=1, max_size=30), sizes, st.integers(1, 12))
def test_a_row_that_goes_while_pages_are_read_hides_no_other(rows: list[int], size: int, when: int) -> None:
    def remove(server: Server) -> None:
        if server.requests == when:
            server.moments[-1] = 10**6  # the row leaves every window: everything shifts up

    server = Server(moments=list(rows), before=remove)
    found = walk(server, size=size)
    assert set(range(len(rows) - 1)) <= found.seen or not found.complete


def test_a_lying_has_more_costs_a_few_requests_and_not_the_day() -> None:
    found = walk(Server(moments=list(range(5)), lie_more=True), size=20)
    assert ({0, 1, 2, 3, 4}, False) == (found.seen, found.complete)
    assert 10 == found.requests  # the window, its halves and their halves, one page each, two where rows are


@pytest.mark.parametrize(("shows", "everything"), [(20, True), (16, True), (5, False)])
def test_a_server_that_shows_only_the_newest_is_split_and_never_believed_too_soon(shows: int, everything: bool) -> None:
    # It has no second page: has_more is the only sign, and true. The newer half shows again what the whole did, so
    # more than four times as many rows as it shows end in two barren levels.
    seen: set[int] = set()
    ends: list[Step] = []
    stack = [(SPAN, 0)]
    while stack:
        window, barren = stack.pop()
        rows = [moment for moment in range(64) if moment in window][::-1]
        shown, more = rows[:shows], len(rows) > shows
        reader = WindowReader(paging=paging("listing"), window=SPAN, size=100, barren=barren)
        step = reader.feed(PageSigns(ids=ids(*shown), has_more=more), fresh=len(set(shown) - seen))
        while step.action == "page":
            step = reader.feed(PageSigns(ids=[], has_more=more), fresh=0)
        seen.update(shown)
        if step.action == "split":
            stack += [(half, reader.barren + 1) for half in window.halves() or ()]
        else:
            ends.append(step)
    assert everything == (set(range(64)) == seen)
    assert everything == all(step.complete for step in ends)


@pytest.mark.parametrize(("fresh", "action"), [(0, "done"), (1, "split")])
def test_after_two_barren_levels_only_a_new_row_splits_further(fresh: int, action: str) -> None:
    reader = WindowReader(paging=paging("listing"), window=SPAN, size=3, barren=2)
    reader.feed(signs(1, has_more=True), fresh=fresh)
    step = reader.feed(signs(has_more=True), fresh=0)
    assert (action, False) == (step.action, step.complete)
    assert ("2 levels of halves brought nothing new" in step.reason) == (action == "done")


def followed(
    pages: Sequence[PageSigns], *, kind: Total = "listing", size: int = 3, recent: bool = False
) -> list[tuple[Step, int]]:
    """The steps of one window, every row new to the walk the first time; each with the page that is to be asked for."""
    reader = WindowReader(paging=paging(kind), window=SPAN, size=size, recent=recent)
    known: set[bytes] = set()
    steps = []
    for page in pages:
        step = reader.feed(page, fresh=len(set(page.ids) - known))
        steps.append((step, reader.number))
        known.update(page.ids)
    return steps


def read(pages: Sequence[PageSigns], *, kind: Total = "listing", size: int = 3, recent: bool = False) -> list[Step]:
    return [step for step, _ in followed(pages, kind=kind, size=size, recent=recent)]


def stood(*, number: int, size: int, total: int, shown: int) -> Cursor:
    """Where a reading stood, before page `number`, after so many rows."""
    walk: dict[str, Any] = {"question": 0, "mark": "", "over": SPAN, "stack": (), "window": SPAN, "longest": 0}
    return Cursor(number=number, size=size, total=total, shown=shown, barren=0, **walk)


def signs(*names: object, **told: object) -> PageSigns:
    return PageSigns(ids=ids(*names), **told)  # type: ignore[arg-type]


@in_turn(
    ("kind", "pages", "actions", "complete"),
    [
        ("listing", [signs(total=0)], ["done"], True),
        ("listing", [signs(), signs()], ["page", "done"], True),
        ("listing", [signs(has_more=False)], ["done"], True),
        ("listing", [signs(has_more=True)], ["split"], False),
        ("listing", [signs(1, 2, total=2, has_more=False)], ["done"], True),
        ("listing", [signs(1, 2, 3, total=4), signs(4, total=4)], ["page", "done"], True),
        ("listing", [signs(1, 2, 3, total=3), signs(total=3)], ["page", "done"], True),
        ("listing", [signs(1, 2, 3, total=3), signs(total=0)], ["page", "done"], True),
        ("listing", [signs(1, 2, 3, total=3), signs(4, total=1)], ["page", "done"], True),
        ("listing", [signs(1, 2, 3, total=5), signs(4, total=4)], ["page", "page"], False),
        ("listing", [signs(1, 2, 3, total=4), signs(3, 4, total=4)], ["page", "page"], False),
        ("listing", [signs(1, 2, 3, has_more=False), signs(has_more=False)], ["page", "done"], True),
        ("listing", [signs(1, 2, 3, total=9), signs(total=9), signs(total=9)], ["page", "page", "page"], False),
        ("hint", [signs(1, 2, total=1)], ["done"], True),
        ("hint", [signs(1, 2, 3, total=1), signs(4, total=1)], ["page", "done"], True),
        ("hint", [signs(1, total=2), signs(total=2), signs(total=2)], ["page", "page", "page"], False),
        ("hint", [signs(1, total=2, is_last=True)], ["done"], True),
        ("page", [signs(1, 2, 3, total=3), signs(4, total=1)], ["page", "done"], True),
        ("page", [signs(1, 2, total=2), signs(total=0)], ["page", "done"], True),
        ("page", [signs(1, 2, 3, total=3), signs(4, 5, total=2)], ["page", "done"], True),
        ("page", [signs(1, 2, 3), signs(), signs(), signs()], ["page", "page", "page", "done"], True),
        ("page", [signs(1, 2, 3), signs(), signs(), signs(4)], ["page", "page", "page", "page"], False),
        ("page", [signs(), signs()], ["page", "done"], True),
        ("page", [signs(), signs(1)], ["page", "page"], False),
        ("page", [signs(1, 2, 3, total=3), signs(total=0), signs(7, total=1)], ["page", "page", "page"], False),
        ("hint", [signs(1, 2, 3, total=5), signs(4, total=4)], ["page", "page"], False),
        ("hint", [signs(1, 2, 3, total=3), signs(4, total=1)], ["page", "done"], True),
    ],
)
def test_a_page_is_judged_from_every_sign(
    kind: Total, pages: list[PageSigns], actions: list[str], complete: bool
) -> None:
    steps = read(pages, kind=kind)
    assert actions == [step.action for step in steps]
    assert complete == steps[-1].complete


def test_a_hint_that_promises_more_to_the_last_ends_incomplete_and_is_not_split() -> None:
    steps = read([signs(1, total=2), signs(total=2), signs(total=2)] * 3, kind="hint")
    assert ("done", False) == (steps[-1].action, steps[-1].complete)
    assert "the vendor counts 2 rows, and 1 came" == steps[-1].reason


def test_a_listing_that_shows_less_than_its_total_is_read_again_twice_and_then_split() -> None:
    steps = followed([signs(1, total=2), signs(total=2), signs(total=2)] * 3)
    assert [("page", 1), ("page", 1)] == [(step.action, number) for step, number in steps[2:-1:3]]
    assert ("split", "the vendor counts 2 rows, and 1 came") == (steps[-1][0].action, steps[-1][0].reason)


def test_a_total_that_is_reached_only_with_what_came_twice_may_count_different_rows() -> None:
    steps = followed([signs(1, 1, 2, total=6), signs(3, 4, 5, total=6), signs(6, total=6)])
    assert [("page", 2), ("page", 3), ("done", 3)] == [(step.action, number) for step, number in steps]


def test_what_a_page_has_beyond_its_size_is_counted_by_no_total() -> None:
    steps = followed([signs(1, 2, 3, 3, total=6), signs(4, 5, total=6), signs(6, total=6)])
    assert [("page", 2), ("page", 3)] == [(step.action, number) for step, number in steps[:2]]


def test_a_window_that_drifts_is_read_again_twice_and_then_split() -> None:
    drifting = [signs(1, 2, 3, total=4), signs(3, total=4), signs(total=4), signs(total=4)]
    steps = followed([*drifting, *drifting, *drifting][:12])
    assert 2 == sum(step.action == "page" and number == 1 for step, number in steps)
    assert "split" in [step.action for step, _ in steps]


def test_a_reading_taken_up_in_the_middle_counts_what_came_before() -> None:
    reader = WindowReader(paging=paging("listing"), window=SPAN, size=3)
    reader.resume(stood(number=2, size=3, total=5, shown=3))
    step = reader.feed(signs(4, 5, total=5), fresh=2)
    assert ("done", True) == (step.action, step.complete)


def test_a_recent_reading_taken_up_in_the_middle_is_read_again() -> None:
    reader = WindowReader(paging=paging("page"), window=SPAN, size=3, recent=True, longest=3)
    reader.resume(stood(number=2, size=3, total=3, shown=3))
    again = reader.feed(signs(4, total=1), fresh=1)
    assert ("page", 1) == (again.action, reader.number)
    reader.feed(signs(1, 2, 3, total=3), fresh=0)
    confirm = reader.feed(signs(4, total=1), fresh=0)
    assert ("page", 1) == (confirm.action, reader.number)
    assert reader.feed(signs(1, 2, 3, total=3), fresh=0).complete


def test_a_total_that_moved_by_the_time_the_first_page_is_read_again_is_drift() -> None:
    steps = read([signs(1, 2, 3, total=4), signs(4, total=4), signs(1, 2, 3, total=5)], recent=True)
    assert ["page"] * 3 == [step.action for step in steps]
    assert "rows came while the pages were read" == steps[-1].drift


def test_a_first_page_that_was_not_cut_is_read_again_in_the_size_asked_for() -> None:
    reader = WindowReader(paging=paging("page"), window=SPAN, size=5, recent=True, longest=3)
    reader.resume(stood(number=2, size=3, total=3, shown=3))
    again = reader.feed(signs(total=0), fresh=0)
    assert ("page", 1, 5) == (again.action, reader.number, reader.size)


def test_a_reading_taken_up_on_its_last_page_does_not_take_it_for_a_cut_one() -> None:
    reader = WindowReader(paging=paging("listing"), window=SPAN, size=100)
    reader.resume(stood(number=3, size=100, total=206, shown=200))
    steps = [
        reader.feed(page, fresh=0) for page in (signs(1, 2, 3, 4, 5, total=206), signs(total=206), signs(total=206))
    ]
    assert ("page", 1, 100) == (steps[-1].action, reader.number, reader.size)


pages_of_any_kind = st.lists(
    st.builds(
        lambda names, total, more: signs(*names, total=total, has_more=more),
        st.lists(st.integers(0, 9), max_size=3),
        st.none() | st.integers(0, 9),
        st.none() | st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@given(pages_of_any_kind, kinds, st.booleans())
def test_what_is_kept_in_a_file_is_decided_alike(pages: list[PageSigns], kind: Total, recent: bool) -> None:
    told = []
    for bound in (1_000, 2):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(seen_ids, "IN_MEMORY", bound)
            reader = WindowReader(paging=paging(kind), window=SPAN, size=3, recent=recent)
            known, steps = set[bytes](), []
            for page in pages:
                steps.append(reader.feed(page, fresh=len(set(page.ids) - known)))
                known.update(page.ids)
                if steps[-1].action != "page":
                    break
            told.append((steps, reader.shown, len(reader.everything), reader.everything.fingerprint))
    assert told[0] == told[1]


def test_an_answer_without_pages_is_complete_at_once() -> None:
    reader = UnpagedReader(paging=Unpaged(), window=SPAN, size=0)
    assert Step(action="done", complete=True, reason="the answer has no pages") == reader.feed(signs(1), fresh=1)
    assert 1 == len(reader.everything)


def test_a_digest_is_sixteen_bytes_and_tells_ids_apart() -> None:
    assert 16 == len(digest("a")) == len(digest("ü" * 1_000))
    assert digest("a") != digest("A")


def test_a_first_page_that_was_cut_is_gone_on_from_in_pages_as_short() -> None:
    rows = list(range(7))
    for skips in (False, True):
        reader = WindowReader(paging=paging("page"), window=SPAN, size=5)
        known: set[int] = set()
        asked: list[tuple[int, int]] = []
        step = Step(action="page")
        while step.action == "page":
            at, size = reader.number - 1, reader.size
            asked.append((reader.number, size))
            start = at * (size if skips else min(size, 3))
            shown = rows[start : start + min(size, 3)]
            step = reader.feed(signs(*shown), fresh=len(set(shown) - known))
            known.update(shown)
        assert [(1, 5), (2, 3), (3, 3)] == asked
        assert (set(rows), True) == (known, step.complete)


def test_a_short_page_is_not_looked_behind_once_the_walk_has_seen_a_longer_one() -> None:
    reader = WindowReader(paging=paging("page"), window=SPAN, size=5, longest=4)
    assert reader.feed(signs(1, 2, 3), fresh=3).complete


def test_pages_that_skip_what_they_cut_are_read_again_in_pages_as_short() -> None:
    reader = WindowReader(paging=paging("hint"), window=SPAN, size=3)
    reader.feed(signs(1, 2, total=5), fresh=2)
    reader.feed(signs(4, 5, total=5), fresh=2)
    steps = [reader.feed(signs(total=5), fresh=0) for _ in range(2)]
    assert ("page", 1, 2) == (steps[-1].action, reader.number, reader.size)
    assert "came short" in steps[-1].drift
    for page in ((1, 2), (3, 4)):
        reader.feed(signs(*page, total=5), fresh=0)
    assert reader.feed(signs(5, total=5), fresh=0).complete


@pytest.mark.parametrize("total", [45, 99, 100, 101, 130])
def test_a_first_page_that_was_cut_while_the_total_says_more_is_read_again_in_pages_as_short(total: int) -> None:
    server = Server(moments=[0] * total, cap=20, skips=True, tells_more=False)
    found = walk(server, size=100)
    assert (set(range(total)), True) == (found.seen, found.complete)
    assert -(-total // 100) + 2 + -(-total // 20) == found.requests


def test_two_readings_that_agree_settle_totals_that_are_unreliable_by_themselves() -> None:
    pages = [signs(1, 2, 3, total=2), signs(4, total=1)]
    steps = read(pages * 2, kind="hint")
    assert ["page", "page", "page", "done"] == [step.action for step in steps]
    assert ["", "the total moved from 2 to 1", "", ""] == [step.drift for step in steps]
    assert steps[-1].complete


def test_rows_that_the_reading_before_had_shown_must_be_there() -> None:
    moved = [signs(1, 2, 3, total=4), signs(4, 5, total=5)]
    gone = [signs(1, 2, 3, total=4), signs(4, total=4)]
    steps = read([*moved, *gone, *gone])
    assert "rows of the reading before were gone" == steps[3].drift
    assert steps[-1].complete


def test_a_sign_that_was_wrong_once_does_not_end_a_full_page() -> None:
    told = {"total": 6, "has_more": False}
    steps = read([signs(1, 2, 3, **told), signs(4, 5, 6, **told), signs(7, **told)])
    assert ["page", "page", "done"] == [step.action for step in steps]


@given(st.sets(st.binary(min_size=16, max_size=16), max_size=8), st.randoms())
def test_a_fingerprint_knows_no_order_and_tells_sets_apart(rows: set[bytes], dice: Random) -> None:
    shuffled = list(rows)
    dice.shuffle(shuffled)
    assert fingerprint(rows) == fingerprint(shuffled)
    assert 16 == len(fingerprint(rows))
    assert fingerprint([*rows, digest("another")]) != fingerprint(rows)


def test_rows_behind_an_empty_page_are_drift_though_the_total_is_reached() -> None:
    step, number = followed([signs(1, total=2), signs(total=2), signs(2, total=2)], size=1)[-1]
    assert ("page", 1, "a page came empty, and rows followed") == (step.action, number, step.drift)


def test_a_page_that_shows_fewer_rows_than_it_counts_is_read_again() -> None:
    pages = [signs(1, 2, 3, total=3), signs(4, total=2), signs(1, 2, 3, total=3), signs(4, 5, total=2)]
    steps = read(pages, kind="page")
    assert ["page", "page", "page", "done"] == [step.action for step in steps]
    assert ["", "the vendor counts 2 rows on a page, and 1 came", "", ""] == [step.drift for step in steps]
    assert steps[-1].complete
