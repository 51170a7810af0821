"""How much there is to find: the figures that a faultless reader of a simulated world arrives at.

It is counted from what happened, never from what a server answered.
"""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Truth:
    """What a half-open range of a simulated world holds."""

    calls: int
    """Calls with a share in the range; without those whose row cannot be read."""
    sessions: int
    """Sessions of these calls whose stay has a share in the range; without those whose row cannot be read."""
    series: int
    """Series (session, metric, peer) of these sessions with at least one point in the range."""
    points: int
    """Points of these series in the range, those without a value included."""
    lost: int = 0
    """Rows that cannot be read, and that a right client says it could not read. 0 in a polite world."""
    doubted: int = 0
    """Rows that it may say the same of, or have doubts about, though all that they tell of is counted above."""
