"""The quick words for what is usual, held to the long ones: a lone page, and a range that is not cut."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.endpoint import Bounds, PageNumber
from agora_tencent_analytics.limits import Limits
from agora_tencent_analytics.paging.clip import clip, whole
from agora_tencent_analytics.paging.decision import PageSigns, Step
from agora_tencent_analytics.paging.numbered import WindowReader
from agora_tencent_analytics.paging.seen_ids import Digests
from agora_tencent_analytics.timerange import TimeRange

TOTALS = st.sampled_from(["listing", "hint", "page", "none"])
SIGNS = st.tuples(
    st.lists(st.sampled_from("abcdefg"), max_size=6),
    st.none() | st.integers(0, 7),
    st.sampled_from([None, True, False]),
)


@given(TOTALS, st.lists(SIGNS, min_size=1, max_size=4), st.booleans(), st.integers(0, 5), st.integers(0, 2))
def test_a_lone_page_comes_to_the_same_whichever_way_it_is_read(
    total: str, pages: list[tuple[list[str], int | None, bool | None]], recent: bool, longest: int, barren: int
) -> None:
    paging = PageNumber(number="page", size="size", base=1, total=total)  # type: ignore[arg-type]  # one of its words
    told: list[object] = []
    for quick in (True, False):
        reader = WindowReader(
            paging=paging, window=TimeRange(0, 60), size=5, recent=recent, longest=longest, barren=barren
        )
        with patch.object(WindowReader, "_ends_at_once", WindowReader._ends_at_once if quick else lambda *_: False):
            steps: list[Step] = []
            for ids, counted, more in pages:
                signs = PageSigns(ids=Digests(ids), total=counted, has_more=more)
                steps.append(reader.feed(signs, fresh=len(ids)))
                if steps[-1].action != "page":
                    break
        seen = reader.pages, reader.shown, reader.first_total, reader.total, reader.longest, reader.barren
        told.append((steps, seen, reader.everything.fingerprint))
    assert told[0] == told[1]


@given(st.integers(1, 1_100), st.integers(1, 1_100), st.integers(0, 300), st.floats(10_000, 10_001))
def test_what_is_said_to_be_whole_is_not_cut(age_s: int, seconds: int, lag_s: int, now: float) -> None:
    start, bounds = int(now) - age_s, Bounds(start="from", end="to")
    over = TimeRange(start, start + seconds)
    limits = Limits(rates=(), history_s=1_000, span_s=3_600, lag_s=lag_s, page_size=100)
    cut = clip(over, limits, now=now, endpoint="calls", bounds=bounds)
    said = whole(over, limits, now=now, bounds=bounds)
    # A range that begins within a second of the edge may be called cut, though it is not.
    assert said is (not cut.clipped) or (not said and cut.inside == over)
