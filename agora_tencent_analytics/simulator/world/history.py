"""What happened in a simulated world, as those read it who count it, measure it or suffer in it; `World` is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from agora_tencent_analytics.simulator.faults.slip import Slip
from agora_tencent_analytics.simulator.world.calls import Call, Vendor
from agora_tencent_analytics.simulator.world.points import Series
from agora_tencent_analytics.simulator.world.sessions import Session


class History(Protocol):
    """The calls of a world with their sessions and series."""

    seed: int
    """Another seed, another world."""
    start: int
    """First second, epoch seconds."""
    end: int
    """First second after it, epoch seconds."""
    points_per_series: int | None
    """That many points in every series, or None for the vendor's own rhythm."""

    def calls(self, vendor: Vendor) -> Iterator[Call]:
        """All calls of a vendor, by index."""
        ...

    def call_at(self, vendor: Vendor, index: int) -> Call:
        """The call of that index, from 0."""
        ...

    def find_call(self, vendor: Vendor, call_id: str) -> Call | None:
        """The call with this id, or None."""
        ...

    def listing(self, vendor: Vendor, start: int, end: int) -> Sequence[int]:
        """Indices of the calls with a share in `[start, end)`."""
        ...

    def sessions(self, call: Call) -> tuple[Session, ...]:
        """All sessions of a call, those of servers included."""
        ...

    def series(self, session: Session) -> tuple[Series, ...]:
        """All series of a session."""
        ...

    def slip(self, vendor: Vendor, row: int | Session) -> Slip | None:
        """How the row of a call (by its index) or of a session is told badly, or None."""
        ...
