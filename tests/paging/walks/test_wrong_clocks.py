"""Random listings under clocks that are wrong, set or lied about: what is called complete holds what was asked for.

`RANDOM_CLOCKS` sets another number of them.
"""

from __future__ import annotations

import os
from collections import Counter
from email.utils import formatdate
from random import Random
from typing import Any, Literal

import anyio
import attrs
import pytest

from agora_tencent_analytics import AnalyticsError, Certificate, Last, TimeRange
from agora_tencent_analytics.limits import DAY, HOUR, MINUTE
from agora_tencent_analytics.paging.clip import CLOCKS_DIFFER_S, MARGIN_S
from agora_tencent_analytics.simulator import Fail, Fault, SetHeader, When, World, WrongDate
from tests.support.simulated_scans import Vendors
from tests.support.virtual_time import EPOCH, START, run

SEEDS = int(os.environ.get("RANDOM_CLOCKS", "200"))
PLANS = {"agora": ("premium", "enterprise"), "tencent": ("basic", "advanced")}


@attrs.frozen(kw_only=True)
class Scene:
    """A listing, and what is wrong with clocks and dates while it is read."""

    vendor: Literal["agora", "tencent"]
    plan: str
    world: World
    over: TimeRange | Last
    page_size: int
    ahead_s: float
    """Seconds that this machine's clock is ahead of the truth."""
    steps: tuple[tuple[float, float], ...]
    """After how many seconds it is set forward by how many."""
    faults: tuple[Fault, ...]
    liars: bool
    """True if the answers may bear each other out in a lie."""


@attrs.frozen(kw_only=True)
class Listed:
    """What came of it."""

    ids: list[str]
    certificate: Certificate
    error: AnalyticsError | None
    rightly_dated: int
    """Answers that say what time it is."""


def wrong_dates(dice: Random) -> tuple[list[Fault], bool]:
    """Dates that lie; and whether two in a row may agree."""
    some = When(probability=dice.choice([0.05, 0.2, 0.5]))
    when = dice.choice([some, some, When(nth=range(2, 900, 2)), When(nth=(dice.randint(1, 5),)), When()])
    old = formatdate(EPOCH - dice.uniform(MINUTE, 3 * DAY), usegmt=True)
    off = dice.choice([-1, 1]) * dice.choice([20, 10 * MINUTE, 8 * HOUR, DAY, 40 * DAY])
    kind = dice.choice(["missing", "stale", "cached", "gateway", "off", "off", "1970", "garbled"])
    made: dict[str, list[Fault]] = {
        "missing": [SetHeader(name="Date", value=None, when=when)],
        "stale": [SetHeader(name="Date", value=old, when=when)],
        "cached": [SetHeader(name="Date", value=old, when=when), SetHeader(name="Age", value="9000", when=when)],
        "gateway": [Fail(status=502, headers=(("Date", old),), when=When(nth=range(1, 900, 3)))],
        "off": [WrongDate(seconds=off, when=when)],
        "1970": [SetHeader(name="Date", value=formatdate(0, usegmt=True), when=when)],
        "garbled": [SetHeader(name="Date", value="soon", when=when)],
    }
    return made[kind], kind == "off" and (when is some or when == When())


def make_scene(seed: int) -> Scene:
    dice = Random(seed)
    vendor: Literal["agora", "tencent"] = dice.choice(["agora", "tencent"])
    hours = dice.choice([2, 7, 20, 60])
    end = int(EPOCH) - dice.choice([0, MINUTE, 10 * MINUTE])
    start = end - hours * HOUR
    spoilt = [wrong_dates(dice) for _ in range(dice.choice([0, 1, 1, 2]))]
    size = dice.choice([-1, 1]) * dice.choice([30, 10 * MINUTE, 8 * HOUR, DAY])
    steps = [(dice.uniform(0.5, 12), size * dice.choice([-1, 1])) for _ in range(dice.choice([0, 0, 1, 3]))]
    overs: list[TimeRange | Last] = [TimeRange(start, end + more) for more in (0, 1, 2 * HOUR, 2 * DAY)]
    return Scene(
        vendor=vendor,
        plan=dice.choice(PLANS[vendor]),
        world=World(seed=seed, calls=dice.choice([1, 4, 12, 20]), start=start, end=int(EPOCH), sessions_per_call=1),
        over=dice.choice([Last(hours=hours), Last(hours=hours), *overs]),
        page_size=dice.choice([1, 2, 5, 100]),
        ahead_s=dice.choice([0, 0, 0, size, dice.uniform(-9, 9)]),
        steps=tuple(steps),
        faults=tuple(fault for made, _ in spoilt for fault in made),
        liars=any(lying for _, lying in spoilt),
    )


def play(scene: Scene) -> Listed:
    vendors = Vendors(scene.world, epoch=EPOCH + scene.ahead_s)
    given: dict[str, Any] = {
        "clock": lambda: EPOCH + vendors.time.clock.monotonic() - START,
        "faults": scene.faults,
        "latency": (0.1, 1.4),
    }

    async def scenario() -> Listed:
        made = vendors.agora if scene.vendor == "agora" else vendors.tencent
        listing = made(scene.plan, **given).calls(scene.over, page_size=scene.page_size)
        ids: list[str] = []
        error = None
        async with anyio.create_task_group() as tasks:
            for step in scene.steps:
                tasks.start_soon(set_clock, *step)
            try:
                ids += [call.call_id async for call in listing]
            except AnalyticsError as raised:
                error = raised
            tasks.cancel_scope.cancel()
        right = sum(not arrival.faults for arrival in vendors.servers[0].arrivals)
        return Listed(ids=ids, certificate=listing.certificate, error=error, rightly_dated=right)

    async def set_clock(after_s: float, by_s: float) -> None:
        await anyio.sleep(after_s)
        vendors.time.step(by_s)

    return run(scenario)


def missing(scene: Scene, found: Listed) -> set[str]:
    """Calls that a complete listing must hold: those that began before what the lag and two clocks explain."""
    vendors = Vendors(scene.world)
    made = vendors.agora(scene.plan) if scene.vendor == "agora" else vendors.tencent(scene.plan)
    lag_s = made.calls(Last(hours=1)).questions(EPOCH)[0].limits.lag_s
    over = scene.over.before(EPOCH) if isinstance(scene.over, Last) else scene.over
    until = min(over.end, EPOCH - 2 * lag_s - MARGIN_S - 2 * CLOCKS_DIFFER_S)
    # At the beginning of the last hours, seconds of reading and of clocks that differ decide.
    since = over.start + (2 * lag_s + 60 if isinstance(scene.over, Last) else 0)
    owed = {
        call.call_id
        for call in scene.world.calls(scene.vendor)
        if call.created_ts < until and call.destroyed_ts > since
    }
    return owed - set(found.ids)


@pytest.mark.long
def test_a_listing_under_wrong_clocks_is_never_complete_with_calls_hidden() -> None:
    wrong: dict[int, Any] = {}
    seen: Counter[str] = Counter()
    for seed in range(SEEDS):
        scene = make_scene(seed)
        found = play(scene)
        complete = found.error is None and found.certificate.complete
        seen["complete" if complete else "not complete"] += 1
        seen["failed"] += found.error is not None
        # Two witnesses may say which hours are the last. Nobody knows the time if all that tell it are wrong: the
        # answers, and this machine when the first of them came.
        by_liars = scene.liars and (isinstance(scene.over, Last) or scene.ahead_s or scene.steps)
        blind = not found.rightly_dated and (scene.ahead_s or any(after_s < 3 for after_s, _ in scene.steps))
        if complete and not by_liars and not blind and (lost := missing(scene, found)):
            wrong[seed] = scene, lost, found.certificate
        if len(found.ids) != len(set(found.ids)):
            wrong[seed] = "a call came twice"
        if not scene.faults and not scene.steps and not scene.ahead_s and not complete:
            wrong[seed] = "a polite listing is not complete", found.certificate.why
    assert {} == wrong
    assert seen["complete"] > SEEDS // 2
    assert seen["not complete"] > SEEDS // 20
    assert seen["failed"] < SEEDS // 5
