"""`Timeouts`: how long one attempt may take, and all attempts of a question together."""

from __future__ import annotations

import math

import msgspec

from agora_tencent_analytics.errors import BadInput


class Timeouts(msgspec.Struct, kw_only=True, frozen=True):
    """How long one attempt may take, in seconds. Waiting for quota never counts.

    Raises:
        BadInput: a figure is not a finite number above 0.
    """

    connect_s: float = 10.0
    """Name lookup, TCP and TLS together."""
    read_s: float = 30.0
    """The longest silence while waiting for the answer or between two pieces of it; its head counts as one piece."""
    total_s: float = 120.0
    """One attempt from beginning to end."""
    deadline_s: float | None = None
    """All attempts of one ask together, pauses and quota waits included. None: no such limit."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            seconds = getattr(self, name)
            if name == "deadline_s" and seconds is None:
                continue
            if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
                raise BadInput(f"{name} must be a number of seconds, more than 0, not {seconds!r}")

    def cut(self, total_s: float) -> Timeouts:
        """The same for an attempt that has so many seconds left, more than 0: each request of a view makes one.

        Args:
            total_s: what is left, seconds.
        """
        # A copy without the checks, which each request of a view would pay for; the stubs lack it.
        cut: Timeouts = self.__copy__()  # type: ignore[attr-defined]
        msgspec.structs.force_setattr(cut, "total_s", total_s)
        return cut
