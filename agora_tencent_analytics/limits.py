"""A vendor's table of limits as data: `Rate`, `Limits`, `Plan`; with the source of each figure.

What is done about them (waiting, splitting, refusing) is in `quota/` and `timerange.py`; the vendors' figures are in
`agora/plans.py` and `tencent/plans.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property

import msgspec

from agora_tencent_analytics.errors import BadInput, NotOffered

__all__ = ["DAY", "HOUR", "MINUTE", "SECOND", "Limits", "Plan", "Rate"]

SECOND = 1
MINUTE = 60
HOUR = 3_600
DAY = 86_400


def check_positive(**figures: int) -> None:
    """Raises `BadInput` for a figure that is less than 1, by its name."""
    for name, figure in figures.items():
        if figure < 1:
            raise BadInput(f"{name} must be >= 1, not {figure!r}")


class Rate(msgspec.Struct, frozen=True):
    """At most `limit` requests in each window of `period_s` seconds.

    `period_s=86400` is not a sliding window but the vendor's calendar day in UTC, unless it is `rolling`: then it is
    any 24 hours. Windows of more than an hour are counted in 60 steps, rounded to the safe side; to know those of an
    earlier process takes a quota store that persists.

    Args:
        limit: the vendor's N ("no more than N"), at least 1.
        period_s: length of the window in seconds: 1, 60, 86400 or any other positive number of seconds.
        rolling: True if a day is any 24 hours, and not the calendar day.

    Raises:
        BadInput: a figure is less than 1.
    """

    limit: int
    period_s: int
    rolling: bool = False

    def __post_init__(self) -> None:
        check_positive(limit=self.limit, period_s=self.period_s)

    @property
    def is_daily(self) -> bool:
        """True for the UTC day, which is a fixed window, not a sliding one."""
        return self.period_s == DAY and not self.rolling

    def share(self, part: float) -> Rate:
        """This part of the rate, rounded down; where less than 1 request remains, the window is stretched instead.

        The day stays a day, of at least 1 request.

        Args:
            part: more than 0, at most 1.

        Raises:
            BadInput: it is not.
        """
        if not 0 < part <= 1:
            raise BadInput(f"a share must be more than 0 and at most 1, not {part!r}")
        limit = math.floor(self.limit * part)
        if limit or self.is_daily or not self.period_s:
            return msgspec.structs.replace(self, limit=max(1, limit))
        return Rate(1, math.ceil(self.period_s / (self.limit * part)))


class AtOnce(Rate, frozen=True):
    """At most `limit` requests that are under way at the same time: a window without length, and used whole."""

    period_s: int = 0

    def __post_init__(self) -> None:
        check_positive(limit=self.limit)


class Limits(msgspec.Struct, kw_only=True, frozen=True, dict=True):
    """What one plan allows on one row of the vendor's limits table."""

    rates: tuple[Rate, ...] = ()
    """All of them apply at once. Empty: unlimited (simulators and tests only)."""
    concurrent: int | None = None
    """The most requests that may be under way at the same time. None: any number. Whoever breaks one off gets its place
    back when its lease in the quota store ends: the vendor may still be at work on it."""
    history_s: int
    """How far back the data reaches, seconds before the vendor's now."""
    span_s: int
    """The longest range one request may cover, seconds."""
    lag_s: int = 0
    """How long the newest data stays hidden, seconds before the vendor's now."""
    page_size: int = 0
    """The most rows one page may ask for; 0 where the answer has no pages."""
    inferred: str = ""
    """Which of these figures the vendor does not state, and what they are inferred from."""

    def __post_init__(self) -> None:
        check_positive(history_s=self.history_s, span_s=self.span_s)

    @cached_property
    def counted(self) -> tuple[Rate, ...]:
        """`rates`, and beside them `concurrent` as one."""
        return self.rates if self.concurrent is None else (*self.rates, AtOnce(self.concurrent))

    def share(self, part: float) -> Limits:
        """This part of every rate, and of the requests under way; see `Rate.share`.

        Args:
            part: more than 0, at most 1.
        """
        rates = tuple(rate.share(part) for rate in self.rates)
        concurrent = None if self.concurrent is None else AtOnce(self.concurrent).share(part).limit
        return msgspec.structs.replace(self, rates=rates, concurrent=concurrent)


class Plan(msgspec.Struct, kw_only=True, frozen=True):
    """One column of a vendor's table: what a customer has bought."""

    vendor: str
    """Whose plan it is."""
    name: str
    """The name that `plan=` takes."""
    rows: Mapping[str, Limits]
    """Limits by row of the table. A missing row is not offered on this plan."""
    source: str
    """Address of the page the figures were read from."""
    read_on: str
    """Day the page was read, `YYYY-MM-DD`."""

    def share(self, part: float) -> Plan:
        """The plan with this part of every rate: leaves room for clients of the account that the library cannot see.

        Args:
            part: more than 0, at most 1; see `Rate.share` for how it is rounded.

        Raises:
            BadInput: it is not.
        """
        return msgspec.structs.replace(
            self,
            name=f"{self.name} x {part:g}",
            rows={row: limits.share(part) for row, limits in self.rows.items()},
        )

    def limits(self, row: str, *, endpoint: str = "") -> Limits:
        """The limits of one row of the table.

        Args:
            row: name of a row of limits.
            endpoint: the question, for the error.

        Raises:
            NotOffered: this plan does not include it; nothing was sent.
        """
        found = self.rows.get(row)
        if found is None:
            asked = endpoint or row
            raise NotOffered(
                f"{asked} is not offered on the {self.vendor} plan {self.name!r} "
                f"({'the plan has no API access' if not self.rows else 'the plan lacks this question'}); "
                f"take another plan, see {self.source}",
                endpoint=asked,
                plan=self.name,
            )
        return found


def find_plan(plans: Mapping[str, Plan], name: str | Plan, *, vendor: str) -> Plan:
    """The plan of that name, or the one that is given.

    Args:
        plans: by name.
        name: what was given for a plan.
        vendor: whose plan.

    Raises:
        BadInput: there is none, or it is another vendor's; the message lists those there are.
    """
    if isinstance(name, Plan) and name.vendor == vendor:
        return name
    if isinstance(name, Plan):
        raise BadInput(f"{vendor} cannot be asked on a plan of {name.vendor}")
    if not isinstance(name, str) or name not in plans:
        raise BadInput(f"{vendor} has no plan {name!r}; plan= must be one of {', '.join(sorted(plans))}")
    return plans[name]
