"""Scans of worlds that are told badly: everything is read, or the report says what may be missing, at a stated cost.

First each kind of slip alone; then random worlds with any of them, 2,000 of these (another number with
`IMPOLITE_WORLDS`). That is the task of `nox -s proof`; the suite plays the first hundred.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from agora_tencent_analytics import TimeRange
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.simulator import SLIPS
from tests.support.impolite_scans import NOW, SKEW, STEP, Played, Scene, judge, make_scene, play
from tests.support.long_runs import first

PROOF = int(os.environ.get("IMPOLITE_WORLDS", "2000"))

COST: dict[str, float] = {
    **dict.fromkeys((*SLIPS, SKEW, STEP), 0.0),
    # An end that is not known is looked for, a window at a time.
    **dict.fromkeys(
        ("zero_end", "negative_end", "early_end", "instant_end", "missing_end", "end_in_ms", "far_end"), 8.0
    ),
    **dict.fromkeys(("outlasted", "unfinished", "zero_begin"), 8.0),
    **dict.fromkeys(("zero_leave", "early_leave", "instant_leave", "missing_leave", "leave_in_ms", "far_leave"), 3.0),
    "unfinished_stay": 3.0,
    # A page that contradicts itself or its neighbours is read again, or its window halved.
    **dict.fromkeys(("late", "zero_total", "wrong_total", "more", "no_more", "empty_page", "repeated_page"), 6.0),
    **dict.fromkeys(("short_page", "shuffled_page", "null_list"), 6.0),
    # Where a page is as short as the question is long (six users), a row that stands twice moves another to the next.
    **dict.fromkeys(("twice", "twice_apart"), 0.5),
    # What is no answer is asked for again.
    **dict.fromkeys(("echo", "empty_answer", "sign_in", "comment", "hasty_limit", "other_window"), 1.0),
    "missing_list": 3.0,
    # A clock that turns out to be wrong: what it hid is asked for again.
    **dict.fromkeys((SKEW, STEP), 20.0),
    "always_ahead": 1.0,
}
"""How many requests more one slip may cost than the same told politely."""


LOSING = {"null_begin", "broken_user", "null_user", *(slip.name for slip in SLIPS.values() if slip.outcome == "lost")}


def allowed(played: Played, polite: Played) -> float:
    """How many requests a scan may take: a tenth more than the polite one, and what its slips may cost.

    An answer none of whose rows can be read is asked for once more: the vendor may have slipped as a whole. And a row
    that cannot be read is known by its text, which of a running call changes: its pages are read again, and halved.
    A call about which something is odd is read by two walks after the one that shows sessions and series together.
    """
    lost = sum(played.slips[name] for name in LOSING)
    costs = sum(count * COST[name] for name, count in played.slips.items())
    again = 2 * min(played.slips.total(), polite.requests) if played.scene.depth == "metrics" else 0
    return 1.1 * polite.requests + costs + min(lost, 2 * polite.requests) + again


def alone(name: str, vendor: Any) -> Scene:
    """One kind of slip, in three of ten rows or answers, or in all of a vendor's answers or its few further pages.

    A listing has another window than the first where it is long.
    """
    all_of_few = "vendor" in SLIPS[name].places or name == "other_window"
    share = 1.0 if all_of_few else 0.5 if name == "repeated_page" else 0.3
    start, end = NOW - 600 - (80 if name == "other_window" else 8) * HOUR, NOW - 600
    facts = {"seed": 11, "calls": 14, "start": start, "end": end, "metrics_per_session": 1, "points_per_series": 8}
    return Scene(vendor=vendor, facts=facts, impolite={name: share}, over=TimeRange(start, end), depth="metrics")


ALONE = [(slip.name, vendor) for slip in SLIPS.values() for vendor in slip.vendors]


@pytest.mark.proof
@pytest.mark.parametrize(("name", "vendor"), ALONE)
def test_a_slip_costs_itself(name: str, vendor: str) -> None:
    scene = alone(name, vendor)
    played, polite = play(scene), play(scene, polite=True)
    verdict = judge(played)
    assert played.slips[name] > 0
    assert ([], []) == (verdict.silent, verdict.invented)
    if SLIPS[name].outcome == "read":
        assert 0 == verdict.told
    if SLIPS[name].outcome == "lost":
        assert (verdict.behind_lost_rows, False) == (verdict.told, played.report.complete)
    assert played.requests <= allowed(played, polite)


def show(seen: Counter[str], worlds: int) -> Iterable[str]:
    yield f"{worlds} worlds: {seen['complete']} complete, {seen['something told']} with something missing and told"
    yield "worlds that held each kind: " + ", ".join(f"{name} {seen[name]}" for name in sorted(COST))


def play_worlds(seeds: range) -> Counter[str]:
    """Plays and judges the worlds with these seeds; how many held which kind."""
    seen: Counter[str] = Counter()
    for seed in seeds:
        scene = make_scene(seed)
        played, polite = play(scene), play(scene, polite=True)
        verdict = judge(played)
        facts = f"world {seed}: {scene.vendor} {scene.depth}, {dict(played.slips)}"
        assert ([], []) == (verdict.silent, verdict.invented), facts
        assert played.requests <= allowed(played, polite), facts
        seen.update(played.slips.keys())
        seen["complete"] += played.report.complete
        seen["something told"] += bool(verdict.told)
    return seen


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_what_is_in_both_halves_of_a_window_is_read_in_both(share: float) -> None:
    scene = alone("repeated_page", "tencent")
    scene.impolite = {"repeated_page": share}
    verdict = judge(play(scene))
    assert ([], [], 0) == (verdict.silent, verdict.invented, verdict.told)


@pytest.mark.parametrize("begin", first(1, range(0, 100, 25)))
def test_random_worlds_are_read_or_what_is_missing_is_told(begin: int) -> None:
    seen = play_worlds(range(begin, begin + 25))
    assert seen["complete"] > 0
    assert seen["something told"] > 0


@pytest.mark.proof
def test_thousands_of_random_worlds_are_read_or_what_is_missing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    seen = play_worlds(range(PROOF))
    with capsys.disabled():
        print("", *show(seen, PROOF), sep="\n    ")
    assert set(COST) <= set(seen)
