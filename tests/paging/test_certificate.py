"""When a listing is believed to be complete."""

from __future__ import annotations

from typing import Any

import pytest

from agora_tencent_analytics.paging.certificate import Certificate, Clipped, WindowRead
from agora_tencent_analytics.timerange import TimeRange

OVER = TimeRange(0, 3_600)
LAG = Clipped(over=TimeRange(3_540, 3_600), reason="lag", endpoint="calls")
CLOCK = Clipped(over=TimeRange(1_740, 3_540), reason="clock", endpoint="calls")
HISTORY = Clipped(over=TimeRange(0, 60), reason="history", endpoint="calls")


def window(*, complete: bool, reason: str) -> WindowRead:
    return WindowRead(over=OVER, pages=1, total=None, unique=0, duplicates=0, complete=complete, reason=reason)


@pytest.mark.parametrize(
    ("facts", "complete", "why"),
    [
        ({}, True, ""),
        ({"windows": (window(complete=True, reason="fine"),)}, True, ""),
        ({"clipped": (LAG,)}, True, ""),
        ({"clipped": (HISTORY,)}, False, "already forgotten"),
        ({"clipped": (LAG, CLOCK)}, False, "1,800 s were not asked for"),
        ({"windows": (window(complete=False, reason="a page came twice"),)}, False, "a page came twice"),
        ({"doubts": ("a call cannot have ended at 0",)}, False, "cannot have ended"),
        ({"stopped": "the ceiling was reached"}, False, "the ceiling was reached"),
        ({"finished": False}, False, ""),
    ],
)
def test_a_listing_is_complete_when_nothing_speaks_against_it(facts: dict[str, Any], complete: bool, why: str) -> None:
    found = Certificate(**{"endpoint": "calls", "over": OVER, "finished": True, **facts})
    assert complete == found.complete
    assert why in found.why
    assert bool(why) == bool(found.why)


def test_a_walk_that_never_began_is_not_complete() -> None:
    assert not Certificate(endpoint="", over=None).complete


def test_what_was_cut_away_says_where_and_why() -> None:
    assert "calls [1970-01-01T00:59:00Z, 1970-01-01T01:00:00Z): not yet shown by the vendor" == str(LAG)
    assert "already forgotten" in str(HISTORY)
