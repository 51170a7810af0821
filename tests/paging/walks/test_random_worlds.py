"""Hundreds of random worlds that drift, lie and fail: everything once, or the certificate names the gap.

`RANDOM_WORLDS` sets another number of worlds. What no client can detect is made apart from the rest and counted: how
often it happens, and that whatever was lost then was lost without a trace in any answer of the last reading.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from statistics import mean
from typing import Any

import attrs
import pytest

from agora_tencent_analytics import Certificate, Refusal, TransportError, UnreadableReply
from tests.support.long_runs import first
from tests.support.random_worlds import Answer, Row, Scene, consistent, last_readings, make_scene, one_change
from tests.support.virtual_time import run

WORLDS = int(os.environ.get("RANDOM_WORLDS", "400"))
CHUNK = 100
BLIND = 600


@attrs.frozen(kw_only=True)
class Played:
    """What a walk made of a scene."""

    scene: Scene
    answers: list[Answer]
    ids: list[str]
    certificate: Certificate
    spent: int
    """Requests that the pages told."""

    @property
    def silent(self) -> list[Row]:
        """Rows that are missing and in no window that the certificate names."""
        hidden = [piece.over for piece in self.certificate.clipped]
        named = [window.over for window in self.certificate.windows if not window.complete]
        if self.certificate.stopped:  # what is in no window was not reached any more
            reached = [window.over for window in self.certificate.windows]
            named += reduce(
                lambda left, over: [rest for piece in left for rest in piece.minus(over)], reached, [self.scene.over]
            )
        found = set(self.ids)
        missing = [row for row in self.scene.owed(self.answers, hidden) if row.row_id not in found]
        return [row for row in missing if not any(row.touches(window) for window in named)]

    @property
    def last_told(self) -> Iterator[list[Answer]]:
        """The answers of the last reading of every window in which rows are missing in silence."""
        silent = self.silent
        read = {window.over for window in self.certificate.windows}
        for window, told in last_readings(self.answers).items():
            if window in read and any(row.touches(window) for row in silent):
                yield told


def play(scene: Scene) -> Played:
    async def scenario() -> Played:
        answers, ids, spent, errors = [], [], 0, 0
        async with scene.provider() as provider:
            listing = provider.ask(scene.row, scene.over, max_requests=400, **scene.params)
            pages = listing.pages()
            while True:
                try:
                    page = await anext(pages, None)
                except (Refusal, TransportError, UnreadableReply):
                    errors += 1
                    assert errors <= len(scene.faults), "each fault strikes once"
                    continue
                if page is None:
                    break
                sent = scene.stage.transports[0].sent[-1]
                answers.append(scene.answer(len(scene.stage.server.arrivals), sent, page.body))
                ids += [item.session_id if hasattr(item, "session_id") else item.call_id for item in page.items]
                spent += page.cost.requests
            return Played(scene=scene, answers=answers, ids=ids, certificate=listing.certificate, spent=spent)

    return run(scenario)


def scene_facts(scene: Scene) -> str:
    size = scene.params.get("page_size")
    return f"{scene.row.name} by {size}, lies {scene.lies}, drift {scene.drift}, faults {scene.faults}"


@pytest.mark.parametrize("chunk", first(1, range(-(-WORLDS // CHUNK))))
def test_everything_comes_once_or_the_certificate_names_the_gap(chunk: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        played = play(make_scene(seed, unseen=False))
        scene, certificate = played.scene, played.certificate
        facts = f"world {seed}: {scene_facts(scene)}"
        assert len(played.ids) == len(set(played.ids)), f"nothing twice in {facts}"
        assert set(played.ids) <= {row.row_id for row in scene.rows}, facts
        assert [] == played.silent, facts
        assert certificate.finished, facts
        assert (len(played.ids), len(played.answers)) == (certificate.unique, certificate.requests), facts
        assert played.spent <= certificate.cost.requests == len(scene.stage.server.arrivals), facts
        assert certificate.complete or certificate.why, facts
        for name in (scene.vendor, *{*scene.lies, *scene.drift, *scene.faults}):
            seen[name] += 1
        seen["complete"] += certificate.complete
    assert min(seen[name] for name in ("agora", "tencent", "empty", "clamp", "skip", "begins", "vanishes", "Reset")) > 0
    assert CHUNK // 2 <= seen["complete"] < CHUNK


@pytest.mark.long
def test_what_no_client_can_detect_leaves_no_trace_and_is_counted(request: pytest.FixtureRequest, capsys: Any) -> None:
    made: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for seed in range(BLIND):
        played = play(make_scene(seed, unseen=True))
        facts = f"world {seed}: {scene_facts(played.scene)}"
        assert len(played.ids) == len(set(played.ids)), f"nothing twice in {facts}"
        made[played.scene.blind] += 1
        lost[played.scene.blind] += bool(played.silent)
        for told in played.last_told:
            assert consistent(told, users=played.scene.row.key == ("session_id",)), f"detectable: {facts}"
    if request.config.get_verbosity() > 0:
        with capsys.disabled():
            print(*("", *(f"{lost[kind]} of {made[kind]}: {kind}" for kind in sorted(made))), sep="\n    ")
    assert all(lost[kind] for kind in made), "each of them can happen"
    assert sum(lost.values()) <= 0.04 * BLIND


ROWS, SIZE, TRIES = 15, 3, 100
PAGE = Path(__file__).parents[3] / "docs" / "undetectable.md"
PRINTED = {
    "swap": ("A row vanishes and another appears", "The same: the row that appeared"),
    "replaced": ("", "A call vanishes and a new one begins"),
    "vanishes": ("A row vanishes where no total tells", ""),
}
"""How the page's rows about an old row and about a new one begin; none where nothing can be lost."""


def printed(begins: str) -> tuple[str, str, str]:
    """What a row of the page says: derived, measured with Agora, with Tencent."""
    if not begins:
        return "0.00", "0.00", "0.00"
    (row,) = re.findall(rf"(?m)^\| {re.escape(begins)}.*\| (\S+) \| (\S+) \| (\S+) \|$", PAGE.read_text("utf-8"))
    derived, agora, tencent = row
    return derived, agora, tencent


@pytest.mark.long
@pytest.mark.parametrize("vendor", ["agora", "tencent"])
@pytest.mark.parametrize("drift", ["swap", "replaced", "vanishes"])
def test_the_odds_of_a_loss_in_silence_are_as_the_readme_says(
    vendor: Any, drift: str, request: pytest.FixtureRequest, capsys: Any
) -> None:
    played = [play(one_change(seed, vendor, drift, calls=ROWS, size=SIZE)) for seed in range(TRIES)]
    old = sum(any(row.row_id not in one.scene.world.spans for row in one.silent) for one in played) / TRIES
    new = sum(any(row.row_id in one.scene.world.spans for row in one.silent) for one in played) / TRIES
    rows = ROWS if drift == "vanishes" else ROWS - 1
    read = [page * SIZE / rows for page in range(1, -(-ROWS // SIZE))]  # shares of the rows that were read by then
    derived = {
        # An old row is lost at the seam if what vanished stood before it and what appeared stands behind it; a new
        # one if both stand before it. The other way round rows come twice, and that is seen.
        "swap": (mean(share * (1 - share) for share in read), mean(share**2 for share in read)),
        # A call that begins stands in front of all others.
        "replaced": (0.0, mean(read)),
        # The total tells, if there is one.
        "vanishes": (mean(read) if vendor == "tencent" else 0.0, 0.0),
    }[drift]
    if request.config.get_verbosity() > 0:
        with capsys.disabled():
            print(f" [old {old:.2f}, derived {derived[0]:.2f}; new {new:.2f}, derived {derived[1]:.2f}]", end="")
    assert derived == pytest.approx((old, new), abs=0.05)
    for begins, calculated, measured in zip(PRINTED[drift], derived, (old, new), strict=True):
        told, *found = printed(begins)
        assert found[vendor == "tencent"] == f"{measured:.2f}"
        assert not calculated or told == f"{calculated:.2f}"
    assert 2 >= max(len(one.silent) for one in played)
