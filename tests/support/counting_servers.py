"""How a vendor may count: models that say which of a list of arrivals they refuse.

They share no code with the limiter, on purpose. Instants are seconds on any clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

__all__ = ["fixed_windows", "refusals", "sliding_log", "token_bucket"]

OFFSETS = 16


def fixed_windows(arrivals: Iterable[float], admitted: int, period: float, offset: float = 0.0) -> int:
    """Refusals of a server that counts in windows [offset + k * period, offset + (k + 1) * period)."""
    refused = count = 0
    window: int | None = None
    for at in arrivals:
        current = int((at - offset) // period)
        if current != window:
            window, count = current, 0
        count += 1
        refused += count > admitted
    return refused


def sliding_log(arrivals: Iterable[float], admitted: int, period: float, *, count_refused: bool = False) -> int:
    """Refusals of a server that remembers each arrival for one period."""
    refused = 0
    log: deque[float] = deque()
    for at in arrivals:
        while log and log[0] <= at - period:
            log.popleft()
        full = len(log) >= admitted
        refused += full
        if not full or count_refused:
            log.append(at)
    return refused


def token_bucket(arrivals: Iterable[float], admitted: int, period: float) -> int:
    """Refusals of a server with a bucket of `admitted` tokens that refills as many per period."""
    refused = 0
    tokens, last = float(admitted), None
    for at in arrivals:
        if last is not None:
            tokens = min(float(admitted), tokens + (at - last) * admitted / period)
        last = at
        if tokens >= 1 - 1e-9:
            tokens -= 1
        else:
            refused += 1
    return refused


def refusals(arrivals: Iterable[float], limit: int, period: float) -> Mapping[str, int]:
    """Refusals by every way of counting, at many offsets; the strict forms admit fewer than `limit`."""
    seen = sorted(arrivals)
    found: dict[str, int] = {}
    for name, admitted in (("", limit), ("strict ", max(1, limit - 1))):
        found[f"{name}fixed"] = max(
            fixed_windows(seen, admitted, period, offset=period * k / OFFSETS) for k in range(OFFSETS)
        )
        found[f"{name}log"] = sliding_log(seen, admitted, period)
        found[f"{name}log of all"] = sliding_log(seen, admitted, period, count_refused=True)
        found[f"{name}bucket"] = token_bucket(seen, admitted, period)
    return found
