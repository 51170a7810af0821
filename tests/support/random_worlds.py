"""Small random worlds in which listings drift, lie and fail; what they hold; and what a listing has shown.

Holds the worlds and two judges that share no code with the client: `Scene.owed`, the rows that a reader must have
found, counted from what happened; and `consistent`, whether the answers of a reading are what a vendor would have said
whose listing is exactly the rows shown. If rows are missing and the answers are consistent, nobody could have known
from these answers. `Scene.blind` names, before anything is asked, what may cause that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import attrs

from agora_tencent_analytics import Endpoint, Request, TimeRange
from agora_tencent_analytics.agora.endpoints import CALL_LISTS_2024, CALL_SESSIONS_2024, GENERATION_ENDPOINTS
from agora_tencent_analytics.limits import HOUR, MINUTE
from agora_tencent_analytics.simulator import (
    AnswerHtml,
    ClampPage,
    DuplicatePage,
    EmptyPage,
    Fail,
    Lie,
    Refuse,
    Reorder,
    Reset,
    Truncate,
    When,
    World,
)
from agora_tencent_analytics.simulator.world.calls import Call
from agora_tencent_analytics.simulator.world.sessions import Session
from agora_tencent_analytics.tencent.endpoints import ROOM_INFO, USER_INFO
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH

CALL_LISTS_2021_07: Endpoint[Any] = GENERATION_ENDPOINTS["2021-07"]["call/lists"]

__all__ = ["Answer", "Row", "Scene", "consistent", "last_readings", "make_scene", "one_change"]

NOW = int(EPOCH)
FOR_EVER = 1 << 30
AGORA_PLANS = ("standard", "premium", "enterprise", "unlimited")
TENCENT_PLANS = ("basic", "advanced", "premium", "flagship", "intl-standard", "intl-premium", "unlimited")


class ShiftingWorld(World):
    """A world whose rows appear and vanish while somebody lists them.

    What is to be seen is decided by the number of the request, from 1; what is not in `spans` was always there.
    """

    def __init__(self, **facts: Any) -> None:
        super().__init__(**facts)
        self.spans: dict[str, tuple[int, int]] = {}
        """First request that sees a row, and first that does not any more, by call or session id."""
        self.ends: dict[str, int] = {}
        """First request that sees a call finished."""
        self.request: Callable[[], int] = lambda: 0
        """Number of the request being answered."""

    def visible(self, row_id: str, request: int) -> bool:
        first, beyond = self.spans.get(row_id, (0, FOR_EVER))
        return first <= request < beyond

    def listing(self, vendor: Any, start: int, end: int, *, channel: str | None = None) -> Sequence[int]:
        found = super().listing(vendor, start, end, channel=channel)
        now = self.request()
        return [
            index for index in found if self.visible(super(ShiftingWorld, self).call_at(vendor, index).call_id, now)
        ]

    def call_at(self, vendor: Any, index: int) -> Call:
        call = super().call_at(vendor, index)
        return attrs.evolve(call, finished=False) if self.request() < self.ends.get(call.call_id, 0) else call

    def sessions(self, call: Call) -> tuple[Session, ...]:
        now = self.request()
        return tuple(stay for stay in super().sessions(call) if self.visible(stay.session_id, now))


@attrs.frozen(kw_only=True)
class Row:
    """A call or a session, as it happened."""

    row_id: str
    first_ts: int
    last_ts: int

    def touches(self, over: TimeRange) -> bool:
        """True if some of it lies in the range."""
        first, last = self.first_ts, self.last_ts
        return first < over.end and (last > over.start or (first == last >= over.start))


@attrs.frozen(kw_only=True)
class Answer:
    """One good answer, as it was sent."""

    request: int
    """Which request it answered, from 1."""
    window: TimeRange
    number: int
    """Page, from 0."""
    size: int
    ids: tuple[str, ...]
    total: int | None
    has_more: bool | None


@attrs.define(kw_only=True)
class Scene:
    """One world, one listing of it, and what goes wrong."""

    vendor: Literal["agora", "tencent"]
    stage: Stage
    world: ShiftingWorld
    row: Endpoint[Any]
    over: TimeRange
    params: dict[str, Any]
    rows: list[Row]
    lies: tuple[str, ...]
    """Names of what the listing says wrongly."""
    drift: tuple[str, ...]
    """Names of what changes while it is read."""
    faults: tuple[str, ...]
    """Names of what breaks on the way."""
    blind: str
    """What no client can detect of this, in words; `""` if every loss must be found or named."""

    def provider(self) -> Any:
        options: dict[str, Any] = {"api": self.row.generation} if self.vendor == "agora" else {}
        return self.stage.provider(**options)

    def answer(self, request: int, sent: Request, body: bytes) -> Answer:
        """Reads an answer that was taken for good, with code of its own."""
        said = json.loads(body)
        asked: dict[str, Any]
        if self.vendor == "agora":
            asked = dict(parse_qsl(urlsplit(sent.url).query))
            listed = said.get("call_lists", said.get("call_info"))
            key, total, more = ("call_id" if "call_lists" in said else "sid"), said.get("total_size"), said["has_more"]
            ids = [row[key] for row in listed]
            window, number = (asked["start_ts"], asked["end_ts"]), int(asked.get("page_no", 1)) - 1
            size = int(asked.get("page_size", 100))
        else:
            asked = json.loads(sent.body)
            said = said["Response"]
            users = said.get("UserList")
            ids = [f"{row['UserId']}@{row['JoinTs']}" for row in users or ()]
            ids = ids if users is not None else [row["CommId"] for row in said["RoomList"]]
            window, number, size = (asked["StartTime"], asked["EndTime"]), asked["PageNumber"], asked["PageSize"]
            total, more = said["Total"], None
        over = TimeRange(int(window[0]), int(window[1]))
        return Answer(
            request=request, window=over, number=number, size=size, ids=tuple(ids), total=total, has_more=more
        )

    def owed(self, answers: Iterable[Answer], hidden: Iterable[TimeRange]) -> list[Row]:
        """The rows that a reader must have found, or missed by name.

        A row is owed if it was there when the last answer about its time was given, however late it had appeared;
        or if there was no such answer. What only the hidden ranges hold is not owed.
        """
        whole = list(answers)
        left = [self.over]
        for piece in hidden:
            left = [rest for one in left for rest in one.minus(piece)]
        owed = []
        for row in self.rows:
            if not any(row.touches(piece) for piece in left):
                continue
            last = max((answer.request for answer in whole if row.touches(answer.window)), default=None)
            if last is None or self.world.visible(row.row_id, last):
                owed.append(row)
        return owed


def last_readings(answers: Sequence[Answer]) -> dict[TimeRange, list[Answer]]:
    """By window, the answers of its last reading; a first page that was asked for alone at the end belongs to it."""
    by_window: dict[TimeRange, list[Answer]] = {}
    for answer in answers:
        by_window.setdefault(answer.window, []).append(answer)
    found = {}
    for window, told in by_window.items():
        starts = [place for place, answer in enumerate(told) if answer.number == 0]
        begin = starts[-1]
        if begin == len(told) - 1 and len(starts) > 1 and begin - starts[-2] > 1:
            begin = starts[-2]
        found[window] = told[begin:]
    return found


def consistent(told: Sequence[Answer], *, users: bool) -> bool:
    """True if a vendor that holds exactly the rows shown, and is honest in its way, would have given these answers.

    Its way: it may count the page instead of the listing, give a total that is always too small, cut pages short and
    count them so, and say always that nothing more exists. It never says less than it showed, nor more than it has.
    """
    confirmed = told[-1] if len(told) > 1 and told[-1].number == 0 else None
    pages = {answer.number: answer for answer in told[: -1 if confirmed else None]}
    shown = [pages[number] for number in sorted(pages)]
    rows = [row for answer in shown for row in answer.ids]
    size = max(1, *(len(answer.ids) for answer in shown))
    if len(rows) != len(set(rows)) or (confirmed and confirmed.ids != shown[0].ids[: confirmed.size]):
        return False
    if [answer.number for answer in shown] != list(range(len(shown))):
        return False
    if any(answer.ids != tuple(rows[place * size : (place + 1) * size]) for place, answer in enumerate(shown)):
        return False
    if any(answer.ids != pages[answer.number].ids for answer in told):
        return False
    hints = {answer.has_more for answer in shown}
    more = [answer.has_more == ((place + 1) * size < len(rows)) for place, answer in enumerate(shown)]
    if not all(more) and hints not in ({None}, {False}):
        return False
    totals = {answer.total or 0 for answer in told}
    own = all(answer.total == len(answer.ids) for answer in told)
    if not users and told[0].has_more is None:
        return max(totals) <= len(rows)  # what Tencent's total of rooms is, nobody knows: it is the page's by the book
    return own or (len(totals) == 1 and max(totals) <= len(rows))


# --- making scenes -----------------------------------------------------------------------------------------

ROWS: dict[tuple[str, str], list[Endpoint[Any]]] = {
    ("agora", "calls"): [CALL_LISTS_2024, CALL_LISTS_2024, CALL_LISTS_2024, CALL_LISTS_2021_07],
    ("agora", "sessions"): [CALL_SESSIONS_2024],
    ("tencent", "calls"): [ROOM_INFO],
    ("tencent", "sessions"): [USER_INFO],
}
LIES = (
    *("total", "total at times", "more", "no more", "empty", "empty time after time"),
    *("repeat", "repeats", "clamp", "skip", "reorder", "reorders"),
)
DRIFT = ("begins", "begins", "appears", "vanishes", "swap", "ends")


def blind(row: Endpoint[Any], lies: Sequence[str], drift: Sequence[str]) -> str:
    """What no client can detect about such a listing; `""` if there is nothing of the kind."""
    told = row.vendor == "agora" and not {"total", "total at times"} & set(lies)
    if "swap" in drift or ("vanishes" in drift and {"begins", "appears"} & set(drift)):
        return "a row vanishes while another appears"
    if told:
        return ""
    cut = {"clamp", "skip"} & set(lies)
    if cut and (row is USER_INFO or "empty" in lies or (row.vendor == "agora" and "skip" in lies)):
        return "pages are cut, and the sign that would tell is wrong as well"
    if "empty time after time" in lies or lies.count("empty") > 1:
        return "a page comes empty time after time, and no total tells"
    if "vanishes" in drift:
        return "a row vanishes, and no total tells"
    if "begins" in drift or "appears" in drift:
        return "a row appears behind the last page that shows any, and no total tells"
    return ""


def _lie(dice: Random, name: str, size: int) -> Any:
    once = When(nth=(dice.randint(1, 8),))
    often = When(probability=dice.choice([0.2, 0.5]))
    off = dice.choice([-5, -2, -1, 1, 2, 5])
    less = dice.randint(1, max(1, size - 1))
    return {
        "total": dice.choice([Lie(total=0), Lie(total=1_000), Lie(total_off_by=off)]),
        "total at times": Lie(total_off_by=off, when=once),
        "more": Lie(has_more=True),
        "no more": Lie(has_more=False),
        "empty": EmptyPage(when=once),
        "empty time after time": EmptyPage(when=often),
        "repeat": DuplicatePage(when=once),
        "repeats": DuplicatePage(),
        "clamp": ClampPage(size=less),
        "skip": ClampPage(size=less, skips=True),
        "reorder": Reorder(when=once),
        "reorders": Reorder(when=often),
    }[name]


def _fault(dice: Random, vendor: str) -> Any:
    when = When(nth=(dice.randint(1, 8),))
    refusals: list[Any] = [Refuse(code="InvalidParameter.QueryScaleOversize", when=when)]
    if vendor == "agora":
        words = ("query time length limit error", "query latency limit error", "query time range limit error")
        refusals = [Refuse(code=300, message=said, when=when) for said in words]
    return dice.choice([Fail(when=when), Reset(when=when), Truncate(when=when), AnswerHtml(when=when), *refusals])


def _change(dice: Random, world: ShiftingWorld, rows: Sequence[Row], drift: Iterable[str]) -> None:
    free = sorted(rows, key=lambda row: row.first_ts)
    for name in drift:
        if len(free) < 2:
            return
        row = free.pop() if name == "begins" else free.pop(dice.randrange(len(free)))
        at = dice.randint(2, 7)
        if name == "ends":
            world.ends[row.row_id] = at
        elif name == "vanishes":
            world.spans[row.row_id] = (0, at)
        else:
            world.spans[row.row_id] = (at, FOR_EVER)
        if name == "swap":
            world.spans[free.pop(dice.randrange(len(free))).row_id] = (0, at)


def make_scene(seed: int, *, unseen: bool) -> Scene:
    """The scene of that number, always the same.

    Args:
        seed: any number.
        unseen: True for one with something that no client can detect, False for one without.
    """
    dice = Random(seed)
    while True:
        vendor: Literal["agora", "tencent"] = dice.choice(["agora", "tencent"])
        depth = dice.choice(["calls", "calls", "sessions"])
        row: Endpoint[Any] = dice.choice(ROWS[vendor, depth])
        lies = [dice.choice(LIES) for _ in range(dice.choice([0, 1, 1, 1, 2, 2]))]
        if row is CALL_LISTS_2021_07:  # the newest hundred: no pages, no totals
            lies = [name for name in lies if name in ("more", "clamp")]
        drift = [dice.choice(DRIFT) for _ in range(dice.choice([0, 0, 1, 1, 2, 3]))]
        kind = blind(row, lies, drift)
        if bool(kind) == unseen:
            break
    end = NOW - dice.choice([2 * MINUTE, 6 * MINUTE, HOUR])
    many = dice.choice([0, 1, 3, 6, 10, 14])
    world = ShiftingWorld(
        seed=seed,
        calls=max(1, many) if depth == "sessions" else many,
        start=end - dice.choice([HOUR, 8 * HOUR, 20 * HOUR]),
        end=end,
        sessions_per_call=dice.choice([1, 4, 9, 14]) if depth == "sessions" else 1,
    )
    params: dict[str, Any] = {}
    if depth == "calls":
        over = TimeRange(world.start, world.end)
        spans = [(one.call_id, one.created_ts, one.destroyed_ts) for one in world.calls(vendor)]
    else:
        call = dice.choice(list(world.calls(vendor)))
        over = TimeRange(call.created_ts, call.destroyed_ts + 1)
        agora = {"call_id": call.call_id, "exclude_server_user": False}
        params |= agora if vendor == "agora" else {"CommId": call.call_id}
        spans = [(one.session_id, one.join_ts, one.leave_ts) for one in world.sessions(call)]
    size = dice.choice([1, 2, 3, 5, 100])
    if row is not CALL_LISTS_2021_07:
        params["page_size"] = size
    rows = [Row(row_id=row_id, first_ts=first, last_ts=last) for row_id, first, last in spans]
    faults = [_fault(dice, vendor) for _ in range(dice.choice([0, 0, 1, 2]))]
    told = [_lie(dice, name, size) for name in lies]
    _change(dice, world, rows, drift)
    plan = dice.choice(AGORA_PLANS if vendor == "agora" else TENCENT_PLANS)
    stage = Stage(vendor, world, plan=plan, faults=[*told, *faults], seed=seed)
    world.request = lambda: len(stage.server.arrivals)
    return Scene(
        vendor=vendor,
        stage=stage,
        world=world,
        row=row,
        over=over,
        params=params,
        rows=rows,
        lies=tuple(lies),
        drift=tuple(drift),
        faults=tuple(type(fault).__name__ for fault in faults),
        blind=kind,
    )


def one_change(seed: int, vendor: Literal["agora", "tencent"], drift: str, *, calls: int, size: int) -> Scene:
    """A listing of calls on full pages that changes once, between two of its pages; all else is honest.

    `drift` is `"swap"` (any call vanishes, any other appears), `"replaced"` (any vanishes, and a new one begins) or
    `"vanishes"`.
    """
    dice = Random(seed)
    world = ShiftingWorld(seed=seed, calls=calls, start=NOW - 9 * HOUR, end=NOW - HOUR, sessions_per_call=1)
    rows = [Row(row_id=one.call_id, first_ts=one.created_ts, last_ts=one.destroyed_ts) for one in world.calls(vendor)]
    at = dice.randint(2, -(-calls // size))
    gone = dice.choice(rows)
    world.spans[gone.row_id] = (0, at)
    if drift != "vanishes":
        others = [row for row in rows if row is not gone]
        comes = dice.choice(others) if drift == "swap" else max(others, key=lambda row: row.first_ts)
        world.spans[comes.row_id] = (at, FOR_EVER)
    stage = Stage(vendor, world, seed=seed)
    world.request = lambda: len(stage.server.arrivals)
    return Scene(
        vendor=vendor,
        stage=stage,
        world=world,
        row=ROWS[vendor, "calls"][0],
        over=TimeRange(world.start, world.end),
        params={"page_size": size},
        rows=rows,
        lies=(),
        drift=(drift,),
        faults=(),
        blind=drift,
    )
