"""`predict`: what all calls cost, by those that were read. Plain arithmetic, without chance.

**The theory.** Requests are to be totalled over N calls, of which n were read. What a call should cost, its *size*, is
known from the listing (its windows, and its users where the vendor counts them). So the total is what the n cost, plus
the sizes of all others times the ratio of cost to size in the sample: the ratio predictor of Royall (1970), with his
variance, s^2 (X / x) (X + x) for a size of X to be predicted from one of x, where s^2 is the mean of the squared
residuals over their sizes. It vanishes when every call was read: the population is finite. Where not all of the
listing was seen, the sizes of the unseen rows are the mean of those seen in the same stratum, whose variance is added.

Costs of calls are skewed: one call in a thousand has a hundred users. Three things are done about it.

* The dearest residual of the sample counts in full for its own call, but only as much as the second dearest for the
  calls that were not read (once-winsorized: Rivest, 1994).
* What was not seen in n calls may still be true of 3 / n of them (the rule of three, at 95 %): so much of the rest may
  cost double, or nothing beyond what is certain; and so many unseen rows of a stratum may be none that are read.
* A call dearer than all that were read may be among the others: one with a full page of users, or, under a tail in
  which the largest of N is N / n times the largest of n (Pareto's, exponent 1), one whose residual is so much larger.

The interval is the quantile of Student's t on either side, and this room beyond it. The lower end is never below what
is certain.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist, fmean, variance

import attrs

from agora_tencent_analytics.scan.forecast.interval import Interval

CONFIDENCE = 0.95


@attrs.frozen(slots=True)
class Unit:
    """One call that was seen on the listing."""

    size: float
    """What it should cost; 0 for a row that is not to be read."""
    cost: float | None
    """What it costs; None if it was not read."""
    stratum: int
    """The part of the listing that it was seen in."""
    chosen: bool = False
    """True if it was read because of its size, and stands for nobody but itself."""
    certain: float = 0.0
    """What it costs at the least."""
    stands: float = 1.0
    """For how many calls it counts, itself among them; 0 if it is only an example of those not seen."""


@attrs.frozen
class _ToCome:
    """The calls that were not read."""

    size: float
    calls: float
    certain: float
    """What they cost at the least."""
    spread: float = 0.0
    """Variance of the size."""
    doubt: float = 0.0
    """Size of what may not be there at all."""

    def __add__(self, other: _ToCome) -> _ToCome:
        return _ToCome(*(one + two for one, two in zip(attrs.astuple(self), attrs.astuple(other), strict=True)))


def predict(units: Sequence[Unit], unseen: Mapping[int, float], *, dear: float = 0.0) -> Interval:
    """The cost of all calls, seen or not.

    Args:
        units: every row of the listing that was seen.
        unseen: how many rows of each stratum were not seen.
        dear: what a very large call costs more than an ordinary one.
    """
    known = sum(unit.cost * unit.stands for unit in units if unit.cost is not None)
    rest = sum((_unseen(units, stratum, rows) for stratum, rows in unseen.items()), _unread(units))
    if not rest.size:
        return Interval.of(round(known))
    read = [unit for unit in units if unit.cost is not None and unit.size]
    read = [unit for unit in read if not unit.chosen] or read
    # With nothing read, sizes are all that is known.
    ratio, s2, worst = _fit([(unit.size, unit.cost or 0.0) for unit in read]) if read else (1.0, 0.0, 0.0)
    n, sampled = max(1, len(read)), sum(unit.size for unit in read) or rest.size
    floor = known + rest.certain
    likely = max(floor, known + ratio * rest.size)
    half = _student(n - 1) * math.sqrt(s2 * rest.size / sampled * (rest.size + sampled) + ratio**2 * rest.spread)
    exceptions = min(1.0, 3 / n) * ratio * rest.size if dear else 0.0
    tail = max(worst * rest.calls / n, dear)
    return Interval(
        min(round(likely), max(math.ceil(floor), math.floor(likely - half - exceptions - ratio * rest.doubt))),
        round(likely),
        math.ceil(likely + math.hypot(half, tail) + exceptions),
    )


def _unread(units: Iterable[Unit]) -> _ToCome:
    """The calls that were seen and not read."""
    rest = [unit for unit in units if unit.cost is None and unit.size]
    return _ToCome(
        sum(unit.size * unit.stands for unit in rest),
        sum(unit.stands for unit in rest),
        sum(unit.certain * unit.stands for unit in rest),
    )


def _unseen(units: Iterable[Unit], stratum: int, rows: float) -> _ToCome:
    """The rows of a stratum that were not seen, by those that were."""
    seen = [unit for unit in units if unit.stratum == stratum]
    if not seen or not rows:
        return _ToCome(0.0, 0.0, 0.0)
    sizes, unlike = [unit.size for unit in seen], min(1.0, 3 / len(seen))
    return _ToCome(
        size=rows * fmean(sizes),
        calls=rows * sum(map(bool, sizes)) / len(sizes),
        certain=rows * (1 - unlike) * min(unit.certain for unit in seen),
        spread=variance(sizes) * rows * (rows / len(sizes) + 1) if len(sizes) > 1 else 0.0,
        doubt=rows * unlike * fmean(sizes),
    )


def _fit(read: Iterable[tuple[float, float]]) -> tuple[float, float, float]:
    """Cost to size, once winsorized; the variance of the residuals by size; the greatest residual."""
    pairs = list(read)
    sampled = sum(size for size, _ in pairs)
    plain = sum(cost for _, cost in pairs) / sampled
    over = sorted(cost - plain * size for size, cost in pairs)
    spared = over[-1] - over[-2] if len(over) > 2 else 0.0
    ratio = max(0.0, plain - spared / sampled)
    s2 = sum((cost - plain * size) ** 2 / size for size, cost in pairs) / max(1, len(pairs) - 1)
    return ratio, s2, max(0.0, over[-1])


def _student(df: int) -> float:
    """The two-sided quantile of Student's t, by the expansion of Cornish and Fisher; 1 degree of freedom at least."""
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    if df < 3:
        return (12.706, 12.706, 4.303)[max(0, df)]
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / df + second / df**2 + third / df**3
