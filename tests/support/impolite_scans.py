"""Scans of worlds that are told badly, and a judge: what was read, what was told instead, and what was lost in silence.

The judge shares no code with the client. It knows the world, the rows that slipped (`World.slips`) and the answers
that did (`Arrival.slips`), and reads the report as a person does: a failure or a doubt speaks of a call or a window.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from random import Random
from typing import Any, Literal

import attrs

from agora_tencent_analytics import CallRecord, Last, TimeRange, scan
from agora_tencent_analytics.limits import HOUR, MINUTE
from agora_tencent_analytics.scan import Report
from agora_tencent_analytics.simulator import SLIPS, Slip, World
from agora_tencent_analytics.simulator.world.calls import Call, Vendor
from agora_tencent_analytics.simulator.world.sessions import Session
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

Points = list[tuple[int, float | None]]
Series = dict[tuple[str, str], Points]

NOW = int(EPOCH)
HIGHEST_MID = {"2021-03": 20_020, "2021-07": 20_028, "2022": 20_028}
SKEW = "skewed_machine"
STEP = "stepped_machine"
"""Slips of this machine's clock; they are drawn beside those of the world."""


@attrs.define(kw_only=True)
class Scene:
    """One world, and how it is scanned."""

    vendor: Vendor
    facts: dict[str, Any]
    """The world, but for its manners."""
    impolite: float | Mapping[str, float]
    over: TimeRange | Last
    depth: Literal["calls", "sessions", "metrics"]
    plan: str = "unlimited"
    api: str = "2024"
    skew_s: float = 0.0
    """How far this machine's clock is ahead of the vendor's."""
    step_s: float = 0.0
    """By how much it is set in the middle of the scan."""


@attrs.frozen(kw_only=True)
class Played:
    """A scan that has ended."""

    scene: Scene
    world: World
    records: list[CallRecord]
    report: Report
    began: float
    """The vendor's clock at the beginning."""
    ended: float
    """The vendor's clock at the end."""
    requests: int
    """How many arrived."""
    by_endpoint: Mapping[str, int]
    slips: Counter[str]
    """How many rows and answers slipped, by kind."""

    @property
    def known(self) -> Any:
        return self.report.vendors[self.scene.vendor]

    @property
    def names(self) -> dict[str, str]:
        """Ids of calls and sessions, with the call they speak of."""
        calls = list(self.world.calls(self.scene.vendor))
        stays = {stay.session_id: call.call_id for call in calls for stay in self.world.sessions(call)}
        return {**{call.call_id: call.call_id for call in calls}, **stays}


def play(scene: Scene, *, polite: bool = False) -> Played:
    """One scan in virtual time; with `polite`, of the same world told as it should be."""
    world = World(**scene.facts, impolite=0.0 if polite else scene.impolite)
    skew_s, step_s = (0.0, 0.0) if polite else (scene.skew_s, scene.step_s)

    async def scenario() -> Played:
        server: dict[str, Any] = {"api": scene.api} if scene.vendor == "agora" else {}
        stage = Stage(scene.vendor, world, plan=scene.plan, client_skew_s=skew_s, **server)
        vendor_now = stage.server.now
        began, records, steps = vendor_now(), [], iter([step_s])
        async with (
            stage.provider(**server) as provider,
            scan(provider, over=scene.over, depth=scene.depth, on_error="report") as reading,
        ):
            async for record in reading:
                records.append(record)
                stage.clock.step(by := next(steps, 0.0))
                stage.server.skew_s -= by
        slips = Counter(name for arrival in stage.server.arrivals for name in arrival.slips)
        over = scene.over.before(began) if isinstance(scene.over, Last) else scene.over
        slips += Counter(one.slip.name for one in world.slips(scene.vendor, over.start, over.end))
        slips[SKEW] += bool(skew_s)
        slips[STEP] += bool(step_s and records)
        return Played(
            scene=scene,
            world=world,
            records=records,
            report=reading.report,
            began=began,
            ended=vendor_now(),
            requests=stage.asked,
            by_endpoint=stage.server.by_endpoint,
            slips=+slips,
        )

    return run(scenario)


# --- what was read -----------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Read:
    """What a scan has read of one call."""

    sessions: dict[str, str]
    """User by session id."""
    ended: int
    """Second in which the call ended, as its row says; 0 if it does not say."""
    series: dict[str, Series]
    """By session id, metric and peer."""


def gather(records: Iterable[CallRecord]) -> dict[str, Read]:
    """What was read, by call; raises if anything came twice."""
    calls: dict[str, Read] = {}
    closed: set[str] = set()
    for record in records:
        call_id = record.call.call_id
        assert call_id not in closed, f"call {call_id} came twice"
        if record.last:
            closed.add(call_id)
        read = calls.setdefault(call_id, Read(sessions={}, series={}, ended=record.call.destroyed_ts or 0))
        for session in record.sessions:
            assert session.session_id not in read.sessions, f"session {session.session_id} came twice"
            read.sessions[session.session_id] = session.user_id
        for series in record.series:
            known = read.series.setdefault(series.session_id, {})
            place = (series.vendor_metric, series.peer_id)
            assert place not in known, f"series {place} of {series.session_id} came twice"
            assert all(a < b for a, b in zip(series.times, series.times[1:], strict=False)), f"{place}: not in order"
            values = [None if value != value else round(value, 9) for value in series.values]
            known[place] = list(zip(series.times, values, strict=True))
    return calls


# --- what was told instead ---------------------------------------------------------------------------------

_WINDOW = re.compile(r"\[(\d{4}-\S+?Z), (\d{4}-\S+?Z)\)")
_LISTINGS = ("call/lists", "DescribeRoomInfo")


def _windows(text: str) -> Iterator[tuple[float, float]]:
    for start, end in _WINDOW.findall(text):
        yield datetime.fromisoformat(start).timestamp(), datetime.fromisoformat(end).timestamp()


class Told:
    """What a report says may be missing."""

    def __init__(self, played: Played) -> None:
        known = played.known
        self.everything = bool(known.stopped)
        self._listing: list[tuple[float, float]] = []
        self._inside: list[tuple[str, float, float]] = []
        self._lag: list[tuple[float, float]] = []
        ever = (0.0, 1e12)
        for failure in known.failures:
            over = (failure.over.start, failure.over.end) if failure.over is not None else ever
            if failure.step == "calls":
                self._listing.append(over)
            else:
                self._inside.append((failure.call_id, over[0], over[1]))
        for doubt in known.doubts:
            of_listing = doubt.startswith(_LISTINGS)
            call_id = next((of for name, of in played.names.items() if name in doubt), "")
            for over in list(_windows(doubt)) or ([ever] if call_id else []):
                if of_listing:
                    self._listing.append(over)
                else:
                    self._inside.append((call_id, *over))
        for piece in known.clipped:
            over = (piece.over.start, piece.over.end)
            if piece.reason == "lag" and played.scene.skew_s:
                self._lag.append(over)
            if piece.reason != "lag" or not known.complete:
                of_listing = piece.endpoint.startswith(_LISTINGS)
                if of_listing:
                    self._listing.append(over)
                if (
                    not of_listing or piece.reason == "clock"
                ):  # what was not asked about at all hides what is inside too
                    self._inside.append(("", *over))

    def call(self, call: Call) -> bool:
        """True if the report says that this call may be missing."""
        return self.everything or any(call.overlaps(int(a), int(b)) for a, b in self._listing)

    def inside(self, call: Call, first: int, last: int) -> bool:
        """True if the report says that something of this call may be missing from `first` to `last`."""
        return self.everything or any(
            of in ("", call.call_id) and a <= max(last, first) and b >= first for of, a, b in self._inside
        )

    def hidden(self, at: int) -> bool:
        """True if the lag hides this second by a wrong clock: that is named, and leaves a report complete."""
        return any(a <= at < b for a, b in self._lag)


# --- the judge ---------------------------------------------------------------------------------------------

LYING = {"always_old", "always_ahead", "stopped_date", "alternating_date"}
"""Slips by which the vendor states a wrong time for as long as anybody listens."""
OTHERWISE = ("begin_in_ms", "begin_as_iso", "begin_as_text", "zero_begin", "broken_user", "null_user")
"""Slips that change by what Tencent's sessions are known."""


@attrs.define
class Verdict:
    """What is wrong with a scan, in words, and what was told."""

    silent: list[str] = attrs.field(factory=list)
    """What is missing and not told."""
    invented: list[str] = attrs.field(factory=list)
    """What was read and never was."""
    told: int = 0
    """How many calls, sessions and series are missing, and told."""
    behind_lost_rows: int = 0
    """How many of these are calls and sessions whose row cannot be read."""

    def miss(self, what: str, told: bool, slip: Slip | None = None) -> None:
        if told:
            self.told += 1
            self.behind_lost_rows += slip is not None and slip.outcome == "lost"
        else:
            self.silent.append(what)


def judge(played: Played) -> Verdict:
    """Compares what was read with what happened, and what is missing with what was told."""
    scene, world, vendor = played.scene, played.world, played.scene.vendor
    over = scene.over.before(played.began) if isinstance(scene.over, Last) else scene.over
    if isinstance(scene.over, Last) and LYING & set(played.slips):
        # Nobody could know better than the vendor itself says; but the report names what it took for the range.
        over = over.overlap(played.known.over) or over
    found, told, verdict = gather(played.records), Told(played), Verdict()
    calls = {call.call_id: call for call in world.calls(vendor)}
    verdict.invented += [f"call {call_id}" for call_id in found.keys() - calls.keys()]
    for call in calls.values():
        read = found.get(call.call_id)
        late = world.listed_from(vendor, call.index) > played.began
        slip = world.slip(vendor, call.index)
        said = f"{call.call_id} ({slip.name if slip else 'polite'})"
        if read is None:
            if call.overlaps(over.start, over.end) and not late:
                verdict.miss(f"call {said}", told.call(call), slip)
            continue
        if slip is not None and slip.outcome == "lost":
            verdict.invented.append(f"call {said}")
        if scene.depth != "calls":
            _judge_sessions(played, call, said, read, over, told, verdict)
    if verdict.told and played.report.complete:
        verdict.silent.append("something is missing, and the report is complete")
    return verdict


def _judge_sessions(
    played: Played, call: Call, said: str, read: Read, over: TimeRange, told: Told, verdict: Verdict
) -> None:
    world, vendor = played.world, played.scene.vendor
    stays = {stay.session_id: stay for stay in world.sessions(call)}
    names = {stay.session_id: getattr(world.slip(vendor, stay), "name", "polite") for stay in stays.values()}
    known = {session_id: session_id for session_id in read.sessions if session_id in stays}
    for session_id in sorted(read.sessions.keys() - stays.keys()):
        other = _known_otherwise(session_id, stays, names, known)
        if other:
            known[other] = session_id
        else:
            verdict.invented.append(f"session {session_id} of call {said}")
    for stay in stays.values():
        what = f"session {stay.session_id} ({names[stay.session_id]}) of call {said}"
        if stay.session_id not in known:
            if (
                stay.overlaps(over.start, over.end)
                and world.listed_from(vendor, stay) <= played.began
                and not told.hidden(stay.join_ts)
                and not _behind_a_gap(played, call, read, stay)
            ):
                verdict.miss(what, told.inside(call, stay.join_ts, stay.leave_ts), world.slip(vendor, stay))
        elif played.scene.depth == "metrics":
            series = read.series.get(known[stay.session_id], {})
            _judge_series(played, call, stay, what, series, known, over, told, verdict)


def _behind_a_gap(played: Played, call: Call, read: Read, stay: Session) -> bool:
    """True for whoever came after the end of a call that ended too early, if its row and all that was told agree."""
    slip = played.world.slip(played.scene.vendor, call.index)
    if slip is None or slip.name != "outlasted":
        return False
    reached, before = read.ended, 0
    told = [one for one in played.world.sessions(call) if one.session_id in read.sessions]
    while before < reached:
        before, reached = reached, max([reached, *(one.leave_ts for one in told if one.join_ts <= reached)])
    return stay.join_ts > reached


def _known_otherwise(
    session_id: str, stays: Mapping[str, Session], names: Mapping[str, str], known: Mapping[str, str]
) -> str:
    user = session_id.rpartition("@")[0].rstrip("\ufffd")
    for one, name in names.items():
        if name in OTHERWISE and one not in known and stays[one].user_id == user:
            return one
    return ""


def _judge_series(
    played: Played,
    call: Call,
    stay: Session,
    what: str,
    read: Series,
    known: Mapping[str, str],
    over: TimeRange,
    told: Told,
    verdict: Verdict,
) -> None:
    highest = HIGHEST_MID.get(played.scene.api) if played.scene.vendor == "agora" else None
    places = set()
    for series in played.world.series(stay):
        if highest is not None and int(series.metric.name) > highest:
            continue
        places.add(place := (series.metric.name, series.peer_id))
        happened = {
            instant: None if value is None else round(value / series.metric.factor, 9)
            for instant, value in played.world.points(stay, series)
        }
        found = dict(read.get(place, []))
        strange = [point for point in found.items() if happened.get(point[0], "never") != point[1]]
        if strange and played.scene.vendor == "tencent":
            strange = [*set(strange) - _points_of_unread(played, call, stay, place, known)]
        if strange:
            verdict.invented.append(f"{len(strange)} points of {place} of {what}, the first {strange[0]}")
        missing = sorted(at for at in happened if at in over and at not in found and not told.hidden(at))
        if missing:
            spoken = all(told.inside(call, at, at) for at in missing)
            verdict.miss(f"{len(missing)} of {len(happened)} points of {place} of {what}, from {missing[0]} on", spoken)
    verdict.invented += [f"series {place} of {what}" for place in read.keys() - places]


def _points_of_unread(
    played: Played, call: Call, stay: Session, place: tuple[str, str], known: Mapping[str, str]
) -> set[tuple[int, float | None]]:
    """Points of the user's stays whose rows could not be read: Tencent tells series apart by user alone."""
    world = played.world
    return {
        (instant, None if value is None else round(value / series.metric.factor, 9))
        for other in world.sessions(call)
        if other.user_id == stay.user_id and other.session_id not in known
        for series in world.series(other)
        if (series.metric.name, series.peer_id) == place
        for instant, value in world.points(other, series)
    }


# --- scenes by seed ----------------------------------------------------------------------------------------


def make_scene(seed: int) -> Scene:
    """The scene of that number, always the same."""
    dice = Random(seed)
    vendor: Vendor = dice.choice(["agora", "tencent"])
    depth: Literal["calls", "sessions", "metrics"] = dice.choice(["calls", "sessions", "metrics", "metrics"])
    end = NOW - 600
    start = end - dice.choice([2 * HOUR, 8 * HOUR, 8 * HOUR, 20 * HOUR if depth == "calls" else 5 * HOUR])
    facts: dict[str, Any] = {
        "seed": seed,
        "calls": dice.choice([1, 3, 6, 10, 14]) if depth != "calls" else dice.choice([3, 14, 40, 120]),
        "start": start,
        "end": end,
        "metrics_per_session": dice.choice([1, 2, 3]),
        "points_per_series": dice.choice([None, 6, 40, 40]),
    }
    skew_s = dice.choice([-1, 1]) * dice.choice([20, 10 * MINUTE, 5 * HOUR]) if dice.random() < 0.1 else 0.0
    step_s = dice.choice([-1, 1]) * dice.choice([5 * MINUTE, HOUR, 24 * HOUR]) if dice.random() < 0.05 else 0.0
    kinds = [slip.name for slip in SLIPS.values() if vendor in slip.vendors]
    if skew_s or step_s:  # if every clock is wrong, nobody knows the time
        kinds = [name for name in kinds if not {"date", "vendor"} & set(SLIPS[name].places)]
    some = dice.sample(kinds, dice.choice([1, 1, 2, 3]))
    few = {name: dice.choice([0.1, 0.3, 1.0]) / len(some) for name in some}
    manners: list[float | dict[str, float]] = [0.05, 0.2, few, few]
    if skew_s or step_s:
        manners[:2] = [{name: share / len(kinds) for name in kinds} for share in (0.2, 0.8)]
    over: TimeRange | Last = TimeRange(start, end)
    if dice.random() < 0.3:
        over = Last(seconds=NOW - start)
    elif dice.random() < 0.2:
        over = TimeRange(start + dice.randint(0, (end - start) // 3), end - dice.randint(0, (end - start) // 3))
    if seed % 40 == 39:  # a range of several windows, each of which is answered as one before it
        over = TimeRange(end - 80 * HOUR, end)
        scene = Scene(
            vendor=vendor, facts=facts | {"start": over.start}, impolite={"other_window": 1.0}, over=over, depth=depth
        )
        scene.facts["calls"] *= 10
        return scene
    plans = ["standard", "premium", "enterprise"] if vendor == "agora" else ["basic", "advanced", "premium"]
    return Scene(
        vendor=vendor,
        facts=facts,
        impolite=dice.choice(manners),
        over=over,
        depth=depth,
        plan=dice.choice([*plans, "unlimited", "unlimited"]),
        api=dice.choice(["2024", "2024", "2024", "2022", "2021-07", "2021-03"]) if vendor == "agora" else "2024",
        skew_s=skew_s,
        step_s=step_s,
    )
