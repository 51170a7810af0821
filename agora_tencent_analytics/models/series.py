"""`MetricSeries`: one metric of one participant over time, as columns.

Holds what a series is about; its points are `Columns`. Maps nothing: which vendor id is which neutral
metric, and what factor its unit needs, is decided in the vendor packages before a series is made.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from math import ceil, fsum, isfinite, isnan
from typing import Any

import attrs

from agora_tencent_analytics.errors import BadInput, counted
from agora_tencent_analytics.models.columns import Columns


@attrs.frozen(kw_only=True, slots=False)
class MetricSeries:
    """One metric of one session, of the user's own stream or of what came from one peer.

    The points are decoded when they are first read (`times`, `values`, `len()`, comparison, pickle); until
    then a series holds its own copy of the vendor's text and nothing else of the reply.
    """

    vendor: str
    """`"agora"`, `"tencent"` or a third party's name."""
    call_id: str
    """The vendor's id of the call."""
    session_id: str
    """The vendor's id of the stay in the call; where the vendor has none, the one made for it."""
    user_id: str
    """The user whose device measured this; always text."""
    peer_id: str = ""
    """The remote user whose stream was measured, or `""` for the user's own."""
    metric: str = ""
    """Name in the neutral vocabulary, or `""` if the vendor's id is not in it."""
    vendor_metric: str
    """The vendor's own id as text: `"20003"`, `"aBit"`."""
    unit: str = ""
    """Unit of the values; `""` if it is unknown or the values are a count."""
    columns: Columns = attrs.field(repr=False)
    """The points."""
    spare: tuple[Columns, ...] = attrs.field(default=(), repr=False)
    """The user's points that lie in none of the user's stays; only with the first stay, and only where the
    vendor tells series apart by user alone."""
    extra: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    """Fields of the answer that this library does not know, as the vendor sent them."""

    @property
    def times(self) -> array[int]:
        """Epoch seconds, strictly increasing."""
        return self.columns.times

    @property
    def values(self) -> array[float]:
        """Values in `unit`, one for each time; NaN where the vendor sent no number."""
        return self.columns.values

    @property
    def odd(self) -> int:
        """How many values are NaN, plus how many points were dropped.

        Dropped is what has an unreadable time, or another value than the point of the same time that was kept.
        """
        return self.columns.odd

    @property
    def outside(self) -> int:
        """How many points of the user lie in none of the user's stays; see `spare`."""
        return sum(map(len, self.spare))

    def of_session(
        self, session_id: str, user_id: str, columns: Columns, spare: tuple[Columns, ...] = ()
    ) -> MetricSeries:
        """The same series as that of a session, with these points.

        Args:
            session_id: the session.
            user_id: its user.
            columns: the points.
            spare: columns that belong to no session.
        """
        other = twin(self)
        own = other.__dict__
        own["session_id"], own["user_id"], own["columns"], own["spare"] = session_id, user_id, columns, spare
        return other

    def __hash__(self) -> int:
        return hash((self.vendor, self.call_id, self.session_id, self.peer_id, self.vendor_metric))

    def __len__(self) -> int:
        return len(self.columns)

    def __repr__(self) -> str:
        """Without user ids: series stand in logs."""
        points = counted(len(self), "point") if self.columns.is_read else "not read yet"
        return f"<MetricSeries {self.metric or self.vendor_metric} of {self.vendor} call {self.call_id}, {points}>"

    def to_dict(self) -> dict[str, object]:
        """All that it holds, as JSON can hold it: `times` and `values` (None for NaN) as lists."""
        named = {name: getattr(self, name) for name in _NAMED}
        return named | self.columns.to_dict() | {"spare": [columns.to_dict() for columns in self.spare]}

    # -- figures of the values that are numbers -------------------------------------------------------------------

    def mean(self) -> float | None:
        """Their mean; None if there is none."""
        known = self._known()
        if not known:
            return None
        try:
            return fsum(known) / len(known)
        except (OverflowError, ValueError):  # near the largest float, where sums overflow; infinities of both signs
            return sum(value / len(known) for value in known)

    def quantile(self, q: float) -> float | None:
        """Their quantile, linear between two values, as DuckDB's `quantile_cont`; None if there is none.

        Args:
            q: from 0 (the least) to 1 (the greatest); 0.95 is the 95th percentile.

        Raises:
            BadInput: it is not from 0 to 1.
        """
        if not 0 <= q <= 1:
            raise BadInput(f"a quantile is from 0 to 1, not {q!r}")
        known = sorted(self._known())
        if not known:
            return None
        place = q * (len(known) - 1)
        low, high, part = known[int(place)], known[ceil(place)], place - int(place)
        gap = high - low if part else 0.0
        return low + gap * part if isfinite(gap) else low * (1 - part) + high * part

    def share_above(self, x: float) -> float | None:
        """The share of them that is greater than `x`, 0 to 1; None if there is none.

        Args:
            x: in the unit of the series.
        """
        known = self._known()
        return sum(value > x for value in known) / len(known) if known else None

    def _known(self) -> Sequence[float]:
        return self.values if not self.odd else [value for value in self.values if not isnan(value)]


_NAMED = tuple(field.name for field in attrs.fields(MetricSeries) if field.name not in ("columns", "spare"))


def twin(series: MetricSeries) -> MetricSeries:
    """A copy, of which whoever made it may change the `__dict__` before anybody else has it.

    To make a series by its constructor takes twice as long, by `attrs.evolve` twenty times: an answer has dozens.

    Args:
        series: what is copied.
    """
    other = object.__new__(MetricSeries)
    object.__setattr__(other, "__dict__", series.__dict__.copy())
    return other
