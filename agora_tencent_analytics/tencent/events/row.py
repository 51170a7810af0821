"""What a row of Tencent's event tables is: `EventRow`, `AbnormalEventRow`, `ExperienceRow`.

The rows are in `sdk.py`, `webrtc.py` and `abnormal.py`. There are two
types of event because there are two spaces of ids: 1001 to 1003, 2001 and 2002 mean one thing as the `EventId`
of `DescribeUserEvent` and another as the `AbnormalEventId` of `DescribeUnusualEvent`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from agora_tencent_analytics.models.events import UNUSED

Category = Literal[
    "app",
    "audio",
    "audio device",
    "media transport",
    "network",
    "performance",
    "permission",
    "quality of service",
    "room",
    "screen sharing",
    "signaling",
    "video",
    "video device",
]
"""What an event is about."""


class Measure(msgspec.Struct, frozen=True):
    """A parameter that measures something, and so takes any value.

    Args:
        quantity: what is measured.
        unit: unit of the value; `""` for a plain number and where the vendor states none.
    """

    quantity: str
    unit: str = ""


Parameter = int | Measure
"""A value that tells variants of an event apart, `UNUSED`, or what is measured."""


class EventRow(msgspec.Struct, frozen=True):
    """One variant of an event of the `EventId` space.

    Args:
        event_id: the vendor's `EventId`.
        one: what `ParamOne` is in this variant.
        two: what `ParamTwo` is in this variant.
        text: what happened; `{one}` and `{two}` stand for the measured parameters.
        category: what the event is about.
    """

    event_id: int
    one: Parameter
    two: Parameter
    text: str
    category: Category

    def matches(self, one: int, two: int) -> bool:
        """True if each parameter that tells variants apart has this row's value.

        Parameters that measure, and those unused, may have any.
        """
        pairs = ((self.one, one), (self.two, two))
        return all(due == sent for due, sent in pairs if isinstance(due, int) and due != UNUSED)

    def describe(self, one: int, two: int) -> str:
        """What happened, with the measured parameters in place; -1 among those reads "unknown"."""
        return self.text.format(one=_shown(one), two=_shown(two))


def _shown(value: int) -> str:
    return "unknown" if value == UNUSED else str(value)


class AbnormalEventRow(msgspec.Struct, frozen=True):
    """One event of the `AbnormalEventId` space: what may have caused a bad experience.

    Args:
        abnormal_event_id: the vendor's `AbnormalEventId`.
        text: the cause, in words.
        category: what it is about.
        reported: when it can be asked for: once the room is dismissed, or in less than 5 minutes.
        advice: what the vendor says to do about it; `""` where it says nothing.
    """

    abnormal_event_id: int
    text: str
    category: Category
    reported: Literal["after dismissal", "in real time"]
    advice: str = ""


class ExperienceRow(msgspec.Struct, frozen=True):
    """One kind of bad experience.

    Args:
        experience_id: the vendor's `ExperienceId`.
        text: the experience, in words.
        category: what it is about.
    """

    experience_id: int
    text: str
    category: Category
