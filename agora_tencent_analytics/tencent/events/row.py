"""What a row of Tencent's table of events is; the rows are in `sdk.py` and `webrtc.py`."""

from __future__ import annotations

import msgspec

from agora_tencent_analytics.models.events import UNUSED

Parameter = int | str
"""A value that tells variants of an event apart, `UNUSED`, or in words what is measured: that takes any value."""


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
    category: str

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
