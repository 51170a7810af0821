"""Who was there when: the sessions of one vendor's calls by the hour.

Figures are computed from this index, which is built once, and only when somebody asks for figures. Recorders and other
programs are left out: the vendors count people.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.simulator.world.sessions import Session
from agora_tencent_analytics.simulator.world.traits import trait


@attrs.frozen(kw_only=True)
class Chosen:
    """Which sessions a figure is about; without any condition, all of the vendor's."""

    channel: str | None = None
    """Only in this channel or room."""
    user_id: str | None = None
    """Only this user."""
    product: str | None = None
    """Only `"Native"` or only `"WebRTC"` clients."""
    where: tuple[tuple[str, str], ...] = ()
    """Only those with these traits: pairs of a dimension and its value, see `traits.py`."""

    def includes(self, stay: Session) -> bool:
        """True if the figure is about this session too.

        Args:
            stay: a session.
        """
        return (
            (self.channel is None or stay.channel == self.channel)
            and (self.user_id is None or stay.user_id == self.user_id)
            and (self.product is None or (stay.platform == "Web") is (self.product == "WebRTC"))
            and all(trait(stay, dimension) == value for dimension, value in self.where)
        )


class Attendance:
    """The sessions of a vendor, found by when they took place.

    Args:
        stays: all of them.
    """

    def __init__(self, stays: Iterable[Session]) -> None:
        self._by_hour: dict[int, list[Session]] = {}
        for stay in stays:
            if not stay.server:
                for hour in range(stay.join_ts // HOUR, stay.leave_ts // HOUR + 1):
                    self._by_hour.setdefault(hour, []).append(stay)

    def during(self, start: int, end: int, chosen: Chosen) -> list[Session]:
        """The chosen sessions with a share in `[start, end)`, epoch seconds."""
        return [stay for stay in self._overlapping(start, end) if chosen.includes(stay)]

    def _overlapping(self, start: int, end: int) -> Iterator[Session]:
        first = start // HOUR
        for hour in range(first, (end - 1) // HOUR + 1):
            for stay in self._by_hour.get(hour, ()):
                if (hour == first or stay.join_ts // HOUR == hour) and stay.overlaps(start, end):
                    yield stay
