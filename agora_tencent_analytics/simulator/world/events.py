"""What happened to a user during a simulated stay: entering, devices, streams, the network, leaving.

Makes the events of one Tencent session. Agora answers no question about events, so its sessions have none. The ids are
the vendor's, written down a second time on purpose; now and then there is one that no table has.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from agora_tencent_analytics.simulator.world.dice import Dice
from agora_tencent_analytics.simulator.world.sessions import Session

UNKNOWN_EVENT = 9_001
"""An id that no table of the vendor's has; one session in six reports it."""

_UNUSED = -1
_NONE, _LARGE, _SMALL = 0, 2, 3
_SIZES = ((1_280, 720), (960, 540), (640, 360), (320, 180))
_NETWORKS = (1, 2, 5)
_What = tuple[int, int, int, int]
"""An event's id, its two parameters, and which video it is about."""


def _what(event_id: int, param: int = _UNUSED, stream: int = _NONE) -> _What:
    return event_id, param, _UNUSED, stream


_NATIVE_TURNS = (
    *(_what(3001, 1), _what(3001, 3), _what(2001, 1), _what(2001, 0), _what(1003, 2), _what(1001, 1), _what(4005, 0)),
    *(_what(4008, 15, _LARGE), _what(4009, 850, _SMALL)),
)
_WEB_TURNS = tuple(map(_what, (32771, 32769, 32770, 32768, 32780, 32792, 32793)))


@attrs.frozen(kw_only=True, order=True)
class Event:
    """One event as the vendor's client reports it."""

    instant_ms: int
    """When, epoch milliseconds."""
    event_id: int
    """The vendor's id."""
    param_one: int
    """Its first parameter, -1 if it has none."""
    param_two: int
    """Its second parameter, -1 if it has none."""
    stream: int
    """Which video it is about: 0 none, 2 the large picture, 3 the small one."""
    peer_id: str
    """The user whose stream it is about; the user's own id for its own."""


def make_events(session: Session) -> tuple[Event, ...]:
    """The events of a session, oldest first."""
    dice = Dice(session.key, 51)
    made = _web(session, dice) if session.platform == "Web" else _native(session, dice)
    first_ms, last_ms = session.join_ts * 1_000, session.leave_ts * 1_000
    return tuple(
        sorted(attrs.evolve(event, instant_ms=min(max(event.instant_ms, first_ms), last_ms)) for event in made)
    )


def _event(at_ms: int, what: _What, peer_id: str) -> Event:
    return Event(
        instant_ms=at_ms, event_id=what[0], param_one=what[1], param_two=what[2], stream=what[3], peer_id=peer_id
    )


def _native(session: Session, dice: Dice) -> Iterator[Event]:
    own, joined_ms = session.user_id, session.join_ts * 1_000
    entering = (
        *(_what(5001), _what(5002, 1), _what(5003, 1), _what(7000, int(dice.one_in(6)))),
        *(_what(1003, dice.pick(_NETWORKS)), _what(3001, 0), _what(4001, 0)),
        (4007, *_SIZES[dice.below(2)], _LARGE),
        *(_what(4006, 0), _what(5004), _what(5009)),
    )
    for number, what in enumerate(entering):
        yield _event(joined_ms + number * 130 + dice.below(100), what, own)
    for peer in session.peers:
        for what in (_what(4015, 1, _LARGE), _what(5006, stream=_LARGE), _what(5007, stream=_LARGE)):
            yield _event(joined_ms + 1_500 + dice.below(900), what, peer)
    for _ in range(dice.below(5) + 4 * session.level):
        resized = dice.one_in(3)
        size = (4003, *dice.pick(_SIZES), _LARGE if dice.below(3) else _SMALL)
        what = size if resized else dice.pick(_NATIVE_TURNS)
        yield _event(_sometime(session, dice), what, own)
    if dice.one_in(6):
        yield _event(_sometime(session, dice), (UNKNOWN_EVENT, 7, 3, 7), own)
    if session.finished:
        yield _event(session.leave_ts * 1_000, _what(5008, 1), own)
        yield _event(session.leave_ts * 1_000, _what(7001, int(session.level == 2)), own)


def _web(session: Session, dice: Dice) -> Iterator[Event]:
    own, joined_ms = session.user_id, session.join_ts * 1_000
    for event_id in (32791, 32788, 32793, 32769, 32768):  # some of them within one and the same millisecond
        yield _event(joined_ms + 400 * dice.below(3), _what(event_id), own)
    for peer in session.peers:
        for event_id in (32776, 32777):
            yield _event(joined_ms + 1_000 + dice.below(500), _what(event_id), peer)
    for _ in range(dice.below(4) + 3 * session.level):
        yield _event(_sometime(session, dice), dice.pick(_WEB_TURNS), own)
    if dice.one_in(6):
        yield _event(_sometime(session, dice), _what(UNKNOWN_EVENT), own)
    if session.finished:
        yield _event(session.leave_ts * 1_000, _what(32789), own)


def _sometime(session: Session, dice: Dice) -> int:
    return session.join_ts * 1_000 + dice.below(max(1, (session.leave_ts - session.join_ts) * 1_000))
