"""What happened in a call, in one shape for all vendors: `Event`, `AbnormalExperience` and its `Cause`s.

What an id means differs by vendor: the vendor's package puts it into words when it reads an answer, and the record
carries them. An id that no table explains still has a text, which says so.
"""

# slots=False as in calls.py: records are made by the hundred for every answer.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

UNUSED = -1
"""The value of a parameter that an event does not use."""


@attrs.frozen(kw_only=True, slots=False)
class Event:
    """One thing that happened to a user in a call: a switch thrown, a device changed, a connection lost.

    Tencent: an `EventMessage` of `DescribeUserEvent`. The vendor does not sort its events by time.
    """

    vendor: str
    """Who carried the call."""
    call_id: str
    """The call that the event belongs to."""
    user_id: str
    """The user that was asked for."""
    peer_id: str = ""
    """Whose stream the event is about: Tencent names the sender, also when it is the user. Empty if not sent."""
    event_id: int
    """The vendor's id of the event. Its meaning is the vendor's alone, and differs from that of an abnormal event."""
    time_ms: int
    """When the event was reported, epoch milliseconds (the other records count seconds)."""
    stream_type: int | None = None
    """Which video stream it is about, in the vendor's numbers (Tencent: 0 none, 2 main, 3 low, 7 auxiliary)."""
    param_one: int = UNUSED
    """First parameter: a variant of the event or a measurement, as its id decides. -1 says nothing."""
    param_two: int = UNUSED
    """Second parameter, like the first."""
    text: str = ""
    """What happened, in words, with the parameters in place; made by the vendor's package."""
    extra: Mapping[str, Any] = attrs.field(factory=dict, repr=False, hash=False)
    """Fields of the answer that this library does not know, as the vendor sent them."""

    @property
    def ts(self) -> float:
        """When the event was reported, epoch seconds with their fraction."""
        return self.time_ms / 1000

    def describe(self) -> str:
        """What happened, in words; the bare id where nobody has worded it."""
        return self.text or f"Event {self.event_id}"


@attrs.frozen(kw_only=True, slots=False)
class Cause:
    """One thing that may have spoilt a user's experience, as the vendor believes.

    Agora: an entry of `cause_tags`. Tencent: an `AbnormalEvent`.
    """

    cause_id: int
    """The vendor's id (Agora `factor_id`, Tencent `AbnormalEventId`)."""
    peer_id: str = ""
    """The remote user on whose side it happened. Empty: it happened on the user's own."""
    text: str = ""
    """The cause in words; made by the vendor's package."""
    extra: Mapping[str, Any] = attrs.field(factory=dict, repr=False, hash=False)
    """Fields of the answer that this library does not know, as the vendor sent them."""

    def describe(self) -> str:
        """The cause in words; the bare id where nobody has worded it."""
        return self.text or f"Cause {self.cause_id}"


@attrs.frozen(kw_only=True, slots=False)
class AbnormalExperience:
    """One moment in which a user's experience was bad, with what may have caused it.

    Agora: a row of `/beta/live/diagnosis` (retired by the vendor in 2021). Tencent: an `AbnormalExperience` of
    `DescribeUnusualEvent`. Neither names the call, only the channel.
    """

    vendor: str
    """Who carried the call."""
    channel: str
    """Channel name (Agora `cname`) or room id (Tencent `RoomId`)."""
    user_id: str
    """Who had the experience."""
    experience_id: int
    """The vendor's id of the experience (Agora `exp_id`, Tencent `ExperienceId`)."""
    experience: str = ""
    """The experience in words; made by the vendor's package."""
    ts: int
    """When it was reported, epoch seconds."""
    causes: tuple[Cause, ...] = ()
    """What may have caused it, in the vendor's order; empty if the vendor knows of nothing."""
    extra: Mapping[str, Any] = attrs.field(factory=dict, repr=False, hash=False)
    """Fields of the answer that this library does not know, as the vendor sent them."""

    def describe(self) -> str:
        """The experience and its causes in words."""
        experience = self.experience or f"Experience {self.experience_id}"
        return ": ".join(filter(None, (experience, "; ".join(cause.describe() for cause in self.causes))))
