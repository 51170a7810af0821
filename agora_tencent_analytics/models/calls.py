"""The answers of both vendors in one shape: `Call` and `Session`.

Holds values only. How a vendor spells them is written in its package (`agora/replies.py`,
`tencent/replies.py`); series of points live in `series.py`. Fields that a vendor does not send are None;
fields that this library does not know are kept in `extra`; enumerations are open text.
"""

# slots=False: attrs fills the dict of a frozen instance about three times as fast as its slots, and records
# are made by the hundred for every page.

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self, cast

import attrs
import msgspec


@attrs.frozen(kw_only=True, slots=False)
class Call:
    """One call: from the first participant's arrival in a channel to the last one's departure.

    Agora: `call_lists[]` of `call/lists`. Tencent: `RoomList[]` of `DescribeRoomInfo`.
    """

    vendor: str
    """Who carried the call: `"agora"`, `"tencent"` or a third party's name."""
    call_id: str
    """The vendor's id of the call (Agora `call_id`, Tencent `CommId`). Opaque."""
    channel: str = ""
    """Channel name (Agora `cname`) or room id (Tencent `RoomString`)."""
    created_ts: int
    """When the call began, epoch seconds."""
    destroyed_ts: int | None = None
    """When the call ended, epoch seconds. None while it runs: the vendors print "now" there."""
    finished: bool = True
    """False while the call runs."""
    creator_id: str = attrs.field(default="", repr=False)
    """Who opened the room (Tencent). Empty where the vendor does not say."""
    peak_users: int | None = None
    """Most users at one moment (Agora `call_pcu`)."""
    accumulated_users: int | None = None
    """Users over the whole call (Agora `call_acu`)."""
    audio_freeze_ratio: float | None = None
    """Share of audio time spent frozen, 0 to 1 (Agora `call_audio_freeze_rate`)."""
    video_freeze_ratio: float | None = None
    """Share of video time spent frozen, 0 to 1 (Agora `call_video_freeze_rate`)."""
    extra: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    """Fields of the answer that this library does not know, as the vendor sent them."""

    @property
    def held_sessions(self) -> tuple[Session, ...] | None:
        """The sessions that the row of the call held beside its own fields, where a vendor puts them there.

        None if it held none, or not all. They are not part of the record's value, and are kept in no ledger.
        """
        return self.__dict__.get("_held_sessions")

    def holding(self, sessions: Iterable[Session]) -> Call:
        """The call, with the sessions that its row held.

        Args:
            sessions: all sessions of the call.
        """
        call = attrs.evolve(self)
        call.__dict__["_held_sessions"] = tuple(sessions)
        return call

    def __hash__(self) -> int:
        return hash((self.vendor, self.call_id))

    def to_dict(self) -> dict[str, object]:
        """All fields, as JSON can hold them."""
        return cast("dict[str, object]", msgspec.to_builtins(self))

    @classmethod
    def known(
        cls, vendor: str, call_id: str, *, created_ts: int, destroyed_ts: int | None = None, channel: str = ""
    ) -> Self:
        """A call that is known already, from a web hook or a database: it may be asked about without any listing.

        An id that the vendor does not know is an error where the vendor says so. Neither of ours documents such an
        answer: what comes is a call without sessions, and `provider.call()` tells it from one that was never there.

        Args:
            vendor: `"agora"`, `"tencent"` or a third party's name.
            call_id: the vendor's id of the call.
            created_ts: when it began, epoch seconds; a little before does as well.
            destroyed_ts: when it ended, epoch seconds. None, if that is not known or it still runs: it is then asked
                for as far as its sessions show.
            channel: channel name or room id, where known; Tencent's questions about a call do not need it.
        """
        return cls(
            vendor=vendor,
            call_id=call_id,
            channel=channel,
            created_ts=created_ts,
            destroyed_ts=destroyed_ts,
            finished=destroyed_ts is not None,
        )


@attrs.frozen(kw_only=True, slots=False)
class Session:
    """One participant's stay in a call. Who leaves and comes back has two.

    Agora: `call_info[]` of `call/sessions`. Tencent: a `UserInformation` row, which has no id of its own
    and is known by user and join time.
    """

    vendor: str
    """Who carried the call."""
    call_id: str
    """The call that the session belongs to."""
    session_id: str
    """Agora's `sid`; for Tencent `<user id>@<join time>`."""
    user_id: str = ""
    """The user id, always text (Agora's `uid` is a number on the wire). Empty if the answer does not say who it is."""
    channel: str = ""
    """Channel name or room id."""
    join_ts: int
    """When the user came, epoch seconds."""
    leave_ts: int | None = None
    """When the user left, epoch seconds. None while the user is there: the vendors print "now" there."""
    finished: bool = True
    """False while the user is in the call."""
    account: str = ""
    """The user account, where the app uses accounts (Agora)."""
    platform: str = ""
    """Operating system, an open vocabulary (Agora: `Android`, `Linux`, ...)."""
    device_type: str = ""
    """Kind of device, as the vendor words it."""
    network: str = ""
    """Kind of network, an open vocabulary (Agora: `Wi-Fi`, `LAN`, `4G`, ...)."""
    sdk_version: str = ""
    """Version of the vendor's SDK in the user's app."""
    client_ip: str = ""
    """Address of the user (Tencent). Personal data."""
    speaker: bool | None = None
    """True if the user sent audio or video at any time (Agora)."""
    roles: tuple[str, ...] = ()
    """Roles of the user, an open vocabulary (Agora: `Host`, `Audience`, ...)."""
    audio_freeze_ratio: float | None = None
    """Share of the user's audio time spent frozen, 0 to 1 (Agora)."""
    video_freeze_ratio: float | None = None
    """Share of the user's video time spent frozen, 0 to 1 (Agora)."""
    extra: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    """Fields of the answer that this library does not know, as the vendor sent them."""

    def __hash__(self) -> int:
        return hash((self.vendor, self.call_id, self.session_id))

    def to_dict(self) -> dict[str, object]:
        """All fields, as JSON can hold them; personal data among them."""
        return cast("dict[str, object]", msgspec.to_builtins(self))

    def __repr__(self) -> str:
        """Without personal data: records stand in logs."""
        until = "now" if self.leave_ts is None else self.leave_ts
        return f"<Session of {self.vendor} call {self.call_id}, {self.join_ts} to {until}>"


def unsigned(user_id: str) -> str:
    """A user id that some phones show as a negative number, above 2^31 as it is: -1294967297 is 2999999999.

    Args:
        user_id: as it came.
    """
    digits = user_id[1:] if user_id.startswith("-") else ""
    if not digits.isdecimal() or not digits.isascii() or len(digits) > 10 or int(digits) > 1 << 31:
        return user_id
    return str(int(user_id) % (1 << 32))
