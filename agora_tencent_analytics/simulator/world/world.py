"""One seeded, deterministic world that both simulated vendors report on.

A `World` knows what happened, and nothing of requests, pages, limits or faults: the servers ask it, and a test compares
with it. Calls are columns, sessions and points are made when asked for, so a world of twenty thousand calls
is small and one call of ten million points is never in memory as a whole.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache

import attrs

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.simulator.faults.slip import Place, Slip
from agora_tencent_analytics.simulator.world.attendance import Attendance, Chosen
from agora_tencent_analytics.simulator.world.calls import Burst, Call, Kind, Timetable, Vendor
from agora_tencent_analytics.simulator.world.consumption import Service, consume
from agora_tencent_analytics.simulator.world.dice import Dice, mix, scramble, unscramble
from agora_tencent_analytics.simulator.world.events import Event, make_events
from agora_tencent_analytics.simulator.world.experiences import Experience, make_experiences
from agora_tencent_analytics.simulator.world.figures import compute, weigh
from agora_tencent_analytics.simulator.world.impolite import Manners, Slipped
from agora_tencent_analytics.simulator.world.points import Series, count_points, make_series, series_points
from agora_tencent_analytics.simulator.world.sessions import Session, make_sessions
from agora_tencent_analytics.simulator.world.truth import Truth

_VENDORS: dict[str, int] = {"agora": 1, "tencent": 2}
_CALL_KEY = 20_011
_ROOM_KEY = 30_011
_SHORTEST_S = 60
_LATEST_S = 2 * HOUR
_SESSIONS_KEPT = 64
_HOURS_KEPT = 64


class World:
    """Everything that the simulated vendors know, the same whenever it is made of the same arguments.

    A world of at least 12 calls holds, whatever its seed, for each vendor: short, ordinary and hours-long calls, calls
    still running at the end, a call of more than 100 sessions, one of more than 20, one of a single user, users who
    leave and return, and one channel used by several calls in turn. One of fewer calls is left to chance.

    Args:
        seed: any whole number; another seed, another world.
        calls: how many calls each vendor has.
        start: first second of the world; an aware datetime or epoch seconds.
        end: first second after the world, alike; nothing happens at it or later.
        sessions_per_call: exactly that many sessions in every call, or None for a natural number.
        metrics_per_session: at most that many series in every session, or None for what the vendor's clients report.
        points_per_series: that many points in every series (or one a second, if its stay is shorter), evenly spread;
            0 for sessions without series; None for the vendor's own rhythm.
        call_seconds: length of every call in seconds, or None for natural lengths.
        call_burst: that many calls more than `calls`, all begun within a stretch of time; the others stay as they are.
        experiences_per_hour: exactly that many bad experiences in every whole hour of the world in which there are
            calls, or None for an uneven number, in quiet hours none.
        experience_burst: that many bad experiences more within a stretch of time.
        impolite: the share of the rows and answers that are told badly, from 0 to 1, spread evenly over the kinds of
            slips in `SLIPS`; or by the name of a kind the share of what it can befall. What happens in the world is
            the same whatever is given here.

    Raises:
        BadInput: a datetime without a zone, a range shorter than a minute, a negative number, a burst that begins
            outside the world, or a slip that does not exist.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        calls: int = 20,
        start: datetime | float,
        end: datetime | float,
        sessions_per_call: int | None = None,
        metrics_per_session: int | None = None,
        points_per_series: int | None = None,
        call_seconds: int | None = None,
        call_burst: Burst | None = None,
        experiences_per_hour: int | None = None,
        experience_burst: Burst | None = None,
        impolite: float | Mapping[str, float] = 0.0,
    ) -> None:
        start, end = _second(start, "start"), _second(end, "end")
        if end - start < _SHORTEST_S:
            raise BadInput(f"a simulated world lasts at least {_SHORTEST_S} seconds, not {end - start}")
        if min(calls, points_per_series or 0, metrics_per_session or 0, experiences_per_hour or 0) < 0:
            raise BadInput("a simulated world has no negative number of calls, metrics, points or experiences")
        if sessions_per_call is not None and sessions_per_call < 1:
            raise BadInput(f"sessions_per_call={sessions_per_call}: a call has at least one session")
        for burst in (call_burst, experience_burst):
            if burst is not None and not start <= burst.start < end:
                raise BadInput(f"{burst} begins outside the simulated world [{start}, {end})")
        self.seed = seed
        self.start = start
        self.end = end
        self.points_per_series = points_per_series
        self.manners: Manners = Manners(seed, impolite)
        """Which rows and answers the vendors tell badly, and how."""
        self._calls = calls + (call_burst.count if call_burst is not None else 0)
        self._metrics_per_session = metrics_per_session
        self._timetable = cache(
            lambda vendor: Timetable(
                self._seed(vendor), calls=calls, start=start, end=end, call_seconds=call_seconds, burst=call_burst
            )
        )
        self._attendance = cache(
            lambda vendor: Attendance(stay for call in self.calls(vendor) for stay in self.sessions(call))
        )
        self._sessions = lru_cache(_SESSIONS_KEPT)(
            lambda call: make_sessions(
                self._seed(call.vendor), call, count=sessions_per_call, steady=points_per_series is not None
            )
        )
        self._suffered = lru_cache(_HOURS_KEPT)(
            lambda vendor, hour: make_experiences(
                self, vendor, hour, per_hour=experiences_per_hour, burst=experience_burst
            )
        )
        self.agora_app_id: str = f"{mix(seed, 11):016x}{mix(seed, 12):016x}"
        """Agora's App ID of the one project in this world."""
        self.sdk_app_id: int = 1_400_000_000 + mix(seed, 13) % 1_000_000
        """Tencent's SdkAppId of the one application in this world."""

    def __repr__(self) -> str:
        return f"<World seed={self.seed} calls={self._calls} [{self.start}, {self.end})>"

    def timetable(self, vendor: Vendor) -> Timetable:
        """When the calls of a vendor take place, as columns by index.

        Args:
            vendor: `"agora"` or `"tencent"`.
        """
        return self._timetable(vendor)

    def call_at(self, vendor: Vendor, index: int) -> Call:
        """The call of that index, from 0.

        Args:
            vendor: `"agora"` or `"tencent"`.
            index: its place, from 0.
        """
        table = self.timetable(vendor)
        created, group = table.created[index], table.group[index]
        if vendor == "agora":
            call_id = f"{created:08x}{mix(self._seed(vendor), index) >> 32:08x}{scramble(index, _CALL_KEY):08x}"
            channel = f"class-{group}"
        else:
            room = scramble(group, _ROOM_KEY)
            call_id = f"{self.sdk_app_id}_{room}_{created}"
            # The id of a room with a name holds a number that is not the name.
            channel = f"meeting_{group}" if group % 2 else str(room)
        return Call(
            vendor=vendor,
            index=index,
            call_id=call_id,
            channel=channel,
            created_ts=created,
            destroyed_ts=table.destroyed[index],
            finished=bool(table.finished[index]),
            kind=Kind(table.kind[index]),
        )

    def calls(self, vendor: Vendor) -> Iterator[Call]:
        """All calls of a vendor, by index.

        Args:
            vendor: `"agora"` or `"tencent"`.
        """
        for index in range(self._calls):
            yield self.call_at(vendor, index)

    def find_call(self, vendor: Vendor, call_id: str) -> Call | None:
        """The call with this id, or None.

        Args:
            vendor: `"agora"` or `"tencent"`.
            call_id: its id.
        """
        for index in self._candidates(vendor, call_id):
            if 0 <= index < self._calls:
                call = self.call_at(vendor, index)
                if call.call_id == call_id:
                    return call
        return None

    def listing(self, vendor: Vendor, start: int, end: int, *, channel: str | None = None) -> Sequence[int]:
        """Indices of the calls with a share in `[start, end)`, the latest begun first.

        Args:
            vendor: `"agora"` or `"tencent"`.
            start: epoch seconds, included.
            end: epoch seconds, excluded.
            channel: only of this one.
        """
        listed = self.timetable(vendor).overlapping(start, end)
        if channel is None:
            return listed
        return [index for index in listed if self.call_at(vendor, index).channel == channel]

    def sessions(self, call: Call) -> tuple[Session, ...]:
        """All sessions of a call, those of servers included, in no particular order.

        Args:
            call: of this world.
        """
        return self._sessions(call)

    def series(self, session: Session) -> tuple[Series, ...]:
        """All series of a session.

        Args:
            session: of this world.
        """
        if self.points_per_series == 0:
            return ()
        return make_series(session, self._metrics_per_session)

    def points(
        self, session: Session, series: Series, start: int | None = None, end: int | None = None
    ) -> Iterator[tuple[int, int | float | None]]:
        """The points of a series in `[start, end)`, oldest first: epoch seconds, and a number or None.

        Args:
            session: of this world.
            series: of that session.
            start: epoch seconds, included.
            end: epoch seconds, excluded.
        """
        first = self.start if start is None else start
        beyond = self.end if end is None else end
        return series_points(session, series, first, beyond, self.points_per_series)

    def events(self, session: Session) -> tuple[Event, ...]:
        """The events of a session, oldest first; none for Agora, which answers no question about them.

        Args:
            session: of this world.
        """
        return make_events(session) if session.vendor == "tencent" else ()

    def experiences(
        self, vendor: Vendor, start: int, end: int, *, channel: str | None = None
    ) -> tuple[Experience, ...]:
        """The bad experiences reported in `[start, end)`, oldest first; only those in a channel if one is given.

        Args:
            vendor: `"agora"` or `"tencent"`.
            channel: only of this one.
            start: epoch seconds, included.
            end: epoch seconds, excluded.
        """
        first, last = max(start, self.start), min(end, self.end)
        return tuple(
            one
            for hour in range((first - self.start) // HOUR, -(-(last - self.start) // HOUR))
            for one in self._suffered(vendor, hour)
            if start <= one.instant < end and channel in (None, one.channel)
        )

    def figure(
        self, vendor: Vendor, metric: str, start: int, seconds: int, chosen: Chosen | None = None
    ) -> int | float | None:
        """One figure of usage or quality over a stretch of time, None for a rate with nothing to measure.

        Args:
            vendor: whose.
            metric: as the vendor spells it. Rates are from 0 to 1, durations in minutes.
            start: first second, epoch seconds.
            seconds: length of the stretch.
            chosen: which sessions it is about; None for all but those of servers.
        """
        end = start + seconds
        return compute(self.stays(vendor, start, end, chosen), metric, start, end)

    def weight(self, vendor: Vendor, metric: str, start: int, seconds: int, chosen: Chosen | None = None) -> int:
        """What a rate was measured on: attempts to join, or minutes; see `figure` for the arguments.

        Args:
            vendor: `"agora"` or `"tencent"`.
            metric: name of the figure.
            chosen: which stays.
            start: epoch seconds.
            seconds: length of the bucket.
        """
        end = start + seconds
        return weigh(self.stays(vendor, start, end, chosen), metric, start, end)

    def usage(self, service: Service, start: int, seconds: int, chosen: Chosen | None = None) -> dict[str, int]:
        """Seconds that one of Tencent's services was used, by key; see `figure` for the other arguments.

        Args:
            service: what was used.
            chosen: which stays.
            start: epoch seconds.
            seconds: length of the bucket.
        """
        end = start + seconds
        return consume(self.stays("tencent", start, end, chosen), service, start, end)

    def stays(self, vendor: Vendor, start: int, end: int, chosen: Chosen | None = None) -> list[Session]:
        """The chosen sessions of all calls with a share in `[start, end)`, without those of servers.

        Args:
            vendor: `"agora"` or `"tencent"`.
            chosen: which of them.
            start: epoch seconds, included.
            end: epoch seconds, excluded.
        """
        return self._attendance(vendor).during(start, end, chosen or Chosen())

    @property
    def impolite(self) -> bool:
        """True if some of it is told badly."""
        return self.manners.impolite

    def slip(self, vendor: Vendor, row: int | Session) -> Slip | None:
        """How the row of a call (by its index) or of a session is told badly, or None.

        Args:
            vendor: `"agora"` or `"tencent"`.
            row: index of a call, or a session.
        """
        return self.manners.slip(*_subject(vendor, row))

    def dice_of(self, vendor: Vendor, row: int | Session) -> Dice:
        """What is left to chance about a row that is told badly; the same whenever it is asked for.

        Args:
            vendor: `"agora"` or `"tencent"`.
            row: index of a call, or a session.
        """
        return self.manners.dice(*_subject(vendor, row), 1)

    def listed_from(self, vendor: Vendor, row: int | Session) -> int:
        """The first second at which a call (by its index) or a session is listed: 0, unless it comes late.

        Args:
            vendor: `"agora"` or `"tencent"`.
            row: index of a call, or a session.
        """
        slip = self.slip(vendor, row)
        if slip is None or slip.name != "late":
            return 0
        over = row.leave_ts if isinstance(row, Session) else self.timetable(vendor).destroyed[row]
        return over + 1 + self.dice_of(vendor, row).below(_LATEST_S)

    def slips(self, vendor: Vendor, start: int, end: int) -> Iterator[Slipped]:
        """Every row that is told badly of the calls with a share in `[start, end)`, and of their sessions there.

        Args:
            vendor: `"agora"` or `"tencent"`.
            start: epoch seconds, included.
            end: epoch seconds, excluded.
        """
        for index in self.listing(vendor, start, end) if self.impolite else ():
            call, slip = self.call_at(vendor, index), self.slip(vendor, index)
            if slip is not None:
                yield Slipped(slip=slip, vendor=vendor, call_id=call.call_id)
            for stay in self.sessions(call):
                slip = self.slip(vendor, stay)
                if slip is not None and stay.overlaps(start, end):
                    yield Slipped(slip=slip, vendor=vendor, call_id=call.call_id, session_id=stay.session_id)

    def truth(
        self,
        vendor: Vendor,
        start: int,
        end: int,
        *,
        channel: str | None = None,
        call_id: str | None = None,
        user_id: str | None = None,
        server_users: bool = True,
    ) -> Truth:
        """How much a faultless reader finds in `[start, end)`, counted from the world itself.

        Args:
            vendor: whose calls.
            start: first second, epoch seconds.
            end: first second outside, epoch seconds.
            channel: only calls in this channel.
            call_id: only this call.
            user_id: only calls in which this user stayed during the range, and of these only its sessions.
            server_users: count Agora's Linux users too, as `AgoraProvider` asks for them unless told otherwise; the
                vendor itself hides them unless asked.
        """
        found: Counter[str] = Counter()
        for call in self.calls(vendor) if call_id is None else filter(None, [self.find_call(vendor, call_id)]):
            if not call.overlaps(start, end) or channel not in (None, call.channel):
                continue
            stays = [
                stay
                for stay in self.sessions(call)
                if stay.overlaps(start, end)
                and (server_users or not stay.server)
                and user_id in (None, stay.user_id, stay.account)
            ]
            if (user_id is not None and not stays) or self._is_lost(vendor, call.index, found):
                continue
            found["calls"] += 1
            for stay in stays:
                if not self._is_lost(vendor, stay, found):
                    counts = count_points(stay, self.series(stay), start, end, self.points_per_series)
                    found["sessions"] += 1
                    found["series"] += len(counts)
                    found["points"] += sum(counts)
        return Truth(**{field.name: found[field.name] for field in attrs.fields(Truth)})

    def _is_lost(self, vendor: Vendor, row: int | Session, found: Counter[str]) -> bool:
        slip = self.slip(vendor, row)
        found[slip.outcome if slip is not None else ""] += 1
        return slip is not None and slip.outcome == "lost"

    def _seed(self, vendor: str) -> int:
        return mix(self.seed, _VENDORS[vendor])

    def _candidates(self, vendor: Vendor, call_id: str) -> Iterator[int]:
        try:
            if vendor == "agora":
                yield unscramble(int(call_id[16:], 16), _CALL_KEY)
            else:
                group = unscramble(int(call_id.split("_")[1]), _ROOM_KEY)
                yield from range(group, group + 3)
        except (ValueError, IndexError):
            return


def _subject(vendor: Vendor, row: int | Session) -> tuple[Place, Vendor, int]:
    return ("session", vendor, row.key) if isinstance(row, Session) else ("call", vendor, row)


def _second(instant: datetime | float, name: str) -> int:
    """The whole second of a moment."""
    if isinstance(instant, datetime):
        if instant.utcoffset() is None:
            raise BadInput(f"{name}={instant.isoformat()} has no time zone; give an aware datetime or epoch seconds")
        instant = instant.timestamp()
    return math.floor(instant)
