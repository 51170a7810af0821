"""What all calls cost, by those that were read. Plain arithmetic.

What a call should cost, its *size*, is known from the listing: its windows, and its users where the vendor counts them.
The calls that were drawn and read show what a call costs for each unit of its size (the ratio), so

    likely = what those cost that were read + ratio * the sizes of all others

where a row of the listing that was not seen has the mean size of those seen in the same part of it. The interval is
likely -+ two standard errors, of two things that chance decided: how far a single call is from the ratio, and which
rows were seen. Costs of calls are skewed - one call in a thousand has a hundred users - and a small sample hardly shows
it. So

* the call drawn that exceeds its size most has no part in the ratio;
* what was not seen in n calls may still be true of 3 / n of them (the rule of three, at 95 %): so much of the rest may
  cost nothing, or double;
* at the upper end there is room for one very large call;
* at the lower end is a floor: what those cost that were read.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from statistics import pvariance

import attrs

from agora_tencent_analytics.scan.forecast.forecast import Interval
from agora_tencent_analytics.scan.forecast.population import Part


@attrs.frozen
class Unit:
    """One call that was seen on the listing."""

    size: float
    """What it should cost."""
    cost: float | None
    """What it costs; None if it was not read."""
    part: Part
    """The part of the listing that it was seen in."""
    chosen: bool = False
    """True if it was read because of its size, and stands for nobody but itself."""
    own: float = 1.0
    """How many calls it is: a fraction if it is not known to lie in the range."""

    @property
    def weight(self) -> float:
        """How many calls it stands for."""
        return self.own * self.part.weight


def estimate(units: Sequence[Unit], *, large: float = 0.0) -> Interval:
    """The cost of all calls, seen or not.

    Args:
        units: every call that was seen.
        large: what a very large call costs more than an ordinary one.
    """
    read = [(unit, unit.cost) for unit in units if unit.cost is not None]
    known = sum(unit.own * cost for unit, cost in read)
    calls = sum(unit.weight for unit in units) - sum(unit.own for unit, _ in read)
    if not calls:
        return Interval.of(round(known))
    drawn = [(unit.size, cost) for unit, cost in read if not unit.chosen] or [(unit.size, cost) for unit, cost in read]
    drawn.sort(key=lambda pair: pair[1] - pair[0])
    usual = drawn[:-1] if len(drawn) > 2 else drawn
    sampled = sum(size for size, _ in usual)
    # With nothing read, sizes are all that is known.
    ratio = sum(cost for _, cost in usual) / sampled if sampled else 1.0
    rest = sum(unit.weight * unit.size for unit in units) - sum(unit.own * unit.size for unit, _ in read)
    n = max(1, len(drawn))
    scatter = sum((cost - ratio * size) ** 2 for size, cost in drawn) / max(1, n - 1)
    error = 2 * math.sqrt(scatter * calls * (1 + calls / n) + ratio**2 * _unseen(units))
    error += min(1.0, 3 / n) * ratio * rest
    likely = known + ratio * rest
    floor = sum(unit.own * cost for unit, cost in read if unit.own >= 1)
    least = max(floor, likely - error)
    return Interval(min(round(likely), math.ceil(least)), round(likely), math.ceil(likely + error + large))


def _unseen(units: Sequence[Unit]) -> float:
    """The variance of the sizes of all rows that were not seen, in total; rows that are not read have no size."""
    parts: dict[Part, list[Unit]] = defaultdict(list)
    for unit in units:
        if unit.part.unseen:
            parts[unit.part].append(unit)
    found = 0.0
    for part, mine in parts.items():
        unseen = part.unseen * mine[0].own
        sizes = [unit.size for unit in mine] + [0.0] * (part.shown - len(mine))
        found += pvariance(sizes) * unseen * (1 + unseen / part.shown)
    return found
