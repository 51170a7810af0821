"""`Receipt` and `Budget`: what requests have cost, and what they may cost.

The counting is done in `http/client.py`.
"""

from __future__ import annotations

import threading

import msgspec

from agora_tencent_analytics.errors import BadInput, BudgetSpent

_COUNTED = ("requests", "attempts", "retries", "limit_errors", "waited_s")


class Receipt(msgspec.Struct, kw_only=True):
    """What was spent, counted since the receipt was begun."""

    requests: int = 0
    """Requests that were sent, retries included, as far as is known: what certainly did not leave is not among them."""
    attempts: int = 0
    """Attempts to send one, those included that found no connection and were not charged."""
    retries: int = 0
    """Attempts beyond the first of their question."""
    limit_errors: int = 0
    """Answers that were rate-limit refusals, of the day's limit included."""
    waited_s: float = 0.0
    """Seconds that the attempts waited for a slot of the quota, together."""
    left_today: dict[str, int] = {}
    """Requests left in the vendor's UTC day when last looked at, by counter; counters without a daily limit are
    not listed."""
    resets_at: float | None = None
    """The vendor's midnight UTC at which these are granted anew, epoch seconds; None if nothing counts days."""

    def copy(self) -> Receipt:
        """The receipt as it stands."""
        return msgspec.structs.replace(self, left_today=dict(self.left_today))

    def since(self, earlier: Receipt) -> Receipt:
        """What was spent since `earlier` was taken; what is left is as of now.

        Args:
            earlier: a copy that was taken before.
        """
        spent = {name: getattr(self, name) - getattr(earlier, name) for name in _COUNTED}
        return msgspec.structs.replace(self.copy(), **spent)

    def left(self, counter: str, requests: int | None, resets_at: float) -> None:
        """Records what a counter has left of the day; None where days are not counted.

        Args:
            counter: the vendor's counter.
            requests: how many are left.
            resets_at: the vendor's next midnight UTC, epoch seconds.
        """
        if requests is not None:
            self.left_today[counter] = requests
            self.resets_at = resets_at


class Budget:
    """A number of requests that must not be exceeded, retries included; may be shared by tasks and threads.

    Args:
        requests: the most requests that may be sent, at least 0.

    Raises:
        BadInput: it is not a whole number from 0.
    """

    def __init__(self, requests: int) -> None:
        if isinstance(requests, bool) or not isinstance(requests, int) or requests < 0:
            raise BadInput(f"a budget is a whole number of requests from 0, not {requests!r}")
        self.requests = requests
        self._spent = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Budget(requests={self.requests}, spent={self._spent})"

    @property
    def spent(self) -> int:
        """Requests taken so far."""
        return self._spent

    @property
    def left(self) -> int:
        """Requests that may still be taken."""
        return self.requests - self._spent

    def take(self) -> None:
        """Takes one request.

        Raises:
            BudgetSpent: none is left.
        """
        with self._lock:
            if self._spent >= self.requests:
                raise BudgetSpent(self.requests)
            self._spent += 1

    def give_back(self) -> None:
        """Returns a request that was taken and never sent."""
        with self._lock:
            self._spent -= 1
