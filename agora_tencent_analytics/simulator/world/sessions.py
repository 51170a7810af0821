"""Who takes part in a simulated call: stays, users, devices, quality.

Makes the sessions of one call from its header. What each of them reports is made in `points.py`.
"""

from __future__ import annotations

import attrs

from agora_tencent_analytics.simulator.world.calls import Call, Kind, Vendor, overlap
from agora_tencent_analytics.simulator.world.dice import Dice, mix, scramble

_POOL = 400
_UID_KEY = 77_777

_AGORA_DEVICES = (
    ("Android", "Android (14)", "4.3.2"),
    ("iOS", "iPhone15,3 (17.5)", "4.3.2"),
    ("Windows", "Windows 11", "4.2.6"),
    ("Web", "Chrome 126", "4.21.0"),
    ("macOS", "MacBookPro18,1 (14.5)", "4.1.1"),
)
_TENCENT_DEVICES = (
    ("Android", "Xiaomi 14", "11.9.0.14451"),
    ("iOS", "iPhone15,3", "11.9.0.14451"),
    ("Windows", "", "11.8.0.14188"),
    ("Web", "Chrome", "5.6.3"),
)
_NETWORKS = ("Wi-Fi", "4G", "5G", "LAN", "")
_ROLES = (("Host",), ("Audience",), ("SPEAKER", "SCREEN_SHARER"), ("Host",), ())
_RECORDER = ("Linux", "Linux", "4.3.2")


@attrs.frozen(kw_only=True)
class Session:
    """One participant's stay in a simulated call."""

    vendor: Vendor
    """Whose session it is."""
    call_id: str
    """The call it belongs to."""
    number: int
    """Its number in the call, from 0, in the order the world made it."""
    key: int
    """64 bits that no other session of this world has."""
    session_id: str
    """Agora's `sid`; for Tencent, which has none, user id and join time."""
    user_id: str
    """The user as text: Agora's uid in digits, Tencent's `UserId`."""
    uid: int
    """Agora's number for the user; 0 for Tencent."""
    account: str
    """Agora's string account of the user, `""` if it has none."""
    channel: str
    """Channel of the call."""
    join_ts: int
    """When the stay began, epoch seconds."""
    leave_ts: int
    """When it ended, epoch seconds; the end of the world while it lasts."""
    finished: bool
    """False while the user is still there at the end of the world."""
    level: int
    """Quality: 0 good, 1 fair, 2 bad."""
    platform: str
    """Operating system or `"Web"`."""
    device: str
    """Device as the vendor spells it."""
    sdk_version: str
    """Version of the vendor's client."""
    network: str
    """Network type, Agora only."""
    roles: tuple[str, ...]
    """Agora's roles."""
    server: bool
    """True for a recorder or another program on Linux, which Agora hides unless asked."""
    peers: tuple[str, ...]
    """Users whose streams it receives."""

    def overlaps(self, start: int, end: int) -> bool:
        """True if some of the stay lies in `[start, end)`, epoch seconds.

        Args:
            start: epoch seconds, included.
            end: epoch seconds, excluded.
        """
        return overlap(self.join_ts, self.leave_ts, start, end)


def _count(call: Call, dice: Dice) -> int:
    if call.kind in (Kind.LONG, Kind.LONG_RUNNING):
        return 2
    if call.kind is Kind.CROWD:
        return 104 + dice.below(12)
    if call.kind is Kind.GROUP:
        return 24 + dice.below(4)
    if call.kind is Kind.SINGLE:
        return 1
    if call.kind is Kind.REJOIN:
        return 6
    return 1 + dice.below(3) if call.kind is Kind.SHORT or dice.one_in(5) else 2 + dice.below(4)


def _user(vendor: Vendor, number: int) -> tuple[str, int, str]:
    if vendor == "agora":
        uid = scramble(number, _UID_KEY) or 1
        return str(uid), uid, f"teacher-{number}@example.com" if number % 3 == 0 else ""
    return (f"guest_{number}" if number % 2 else str(880_000 + number)), 0, ""


def make_sessions(seed: int, call: Call, *, count: int | None, steady: bool) -> tuple[Session, ...]:
    """The sessions of a call, in no particular order.

    Args:
        seed: of the world and the vendor.
        call: the call.
        count: exactly that many sessions, or None for as many as its kind of call has.
        steady: True if everybody should stay for nearly the whole call.
    """
    dice = Dice(seed, call.index, 1)
    left = _count(call, dice) if count is None else count
    plan = _stays_by_user(call, dice, left)
    pool = max(_POOL, len(plan))
    offset = dice.below(pool)
    users = [_user(call.vendor, (offset + place) % pool) for place in range(len(plan))]
    made: list[Session] = []
    for place, stays in enumerate(plan):
        first, last = _presence(call, dice, place, steady=steady)
        peers = tuple(users[other % len(users)][0] for other in range(place + 1, place + min(3, len(users))))
        for join_ts, leave_ts in _split(first, last, stays, dice):
            made.append(_session(seed, call, dice, len(made), users[place], (join_ts, leave_ts), peers))
    if count is None and call.kind is Kind.CROWD:
        middle = (call.created_ts + call.destroyed_ts) // 2  # somebody came and went within one second
        made.append(_session(seed, call, dice, len(made), _user(call.vendor, offset + pool), (middle, middle), ()))
    recorded = call.kind is Kind.GROUP or (call.kind is not Kind.SINGLE and dice.one_in(8))
    if count is None and call.vendor == "agora" and recorded:
        whole = (call.created_ts, call.destroyed_ts)
        user = _user(call.vendor, _POOL + pool + call.index)
        made.append(_session(seed, call, dice, len(made), user, whole, (users[0][0],), server=True))
    return tuple(made)


def _stays_by_user(call: Call, dice: Dice, left: int) -> list[int]:
    plan: list[int] = []
    while left:
        stays = 1
        if left > 1 and call.destroyed_ts - call.created_ts >= 120 and call.kind not in (Kind.LONG, Kind.LONG_RUNNING):
            if call.kind is Kind.REJOIN:
                stays = (3, 2)[bool(plan)] if len(plan) < 2 else 1
            elif dice.one_in(9):
                stays = 2
        stays = min(stays, left)
        plan.append(stays)
        left -= stays
    return plan


def _presence(call: Call, dice: Dice, place: int, *, steady: bool) -> tuple[int, int]:
    if place == 0:  # somebody opens the call and the same user closes it
        return call.created_ts, call.destroyed_ts
    slack = (call.destroyed_ts - call.created_ts) * (10 if steady else 40) // 100 + 1
    first = call.created_ts + dice.below(slack)
    stays_on = not call.finished and dice.one_in(2)
    return first, call.destroyed_ts if stays_on else max(first + 1, call.destroyed_ts - dice.below(slack))


def _split(first: int, last: int, stays: int, dice: Dice) -> list[tuple[int, int]]:
    step = (last - first) // stays
    pieces = []
    for number in range(stays):
        begun = first + number * step
        away_s = min(5 + dice.below(25), step // 3)
        pieces.append((begun, last if number == stays - 1 else begun + step - max(1, away_s)))
    return pieces


def _session(
    seed: int,
    call: Call,
    dice: Dice,
    number: int,
    user: tuple[str, int, str],
    stay: tuple[int, int],
    peers: tuple[str, ...],
    *,
    server: bool = False,
) -> Session:
    key = mix(seed, call.index, number, 2)
    devices = _AGORA_DEVICES if call.vendor == "agora" else _TENCENT_DEVICES
    platform, device, sdk_version = _RECORDER if server else dice.pick(devices)
    throw = dice.below(10)
    bad = throw == 9 or (call.kind is Kind.GROUP and number == 1)
    if call.vendor == "agora":
        session_id = f"{scramble(call.index, 5):08X}{scramble(number, 9):08X}{key:016X}"
    else:
        session_id = f"{user[0]}@{stay[0]}"
    return Session(
        vendor=call.vendor,
        call_id=call.call_id,
        number=number,
        key=key,
        session_id=session_id,
        user_id=user[0],
        uid=user[1],
        account=user[2],
        channel=call.channel,
        join_ts=stay[0],
        leave_ts=stay[1],
        finished=call.finished or stay[1] < call.destroyed_ts,
        level=2 if bad else int(throw >= 7),
        platform=platform,
        device=device,
        sdk_version=sdk_version,
        network=dice.pick(_NETWORKS),
        roles=("Cloud Recording",) if server else dice.pick(_ROLES),
        server=server,
        peers=peers,
    )
