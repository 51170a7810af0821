"""`MetricSeries`: one metric of one participant over time, as columns.

Holds what a series is about; its points are `Columns`. Maps nothing: which vendor id is which neutral
metric, and what factor its unit needs, is decided in the vendor packages before a series is made.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any

import attrs

from agora_tencent_analytics.models.columns import Columns


@attrs.frozen(kw_only=True)
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
    spare: tuple[Columns, ...] = attrs.field(default=(), repr=False, eq=False)
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
        """How many values are NaN, plus how many points were dropped because their time is unreadable."""
        return self.columns.odd

    @property
    def outside(self) -> int:
        """How many points of the user lie in none of the user's stays; see `spare`."""
        return sum(map(len, self.spare))

    def of_session(
        self, session_id: str, user_id: str, columns: Columns, spare: tuple[Columns, ...] = ()
    ) -> MetricSeries:
        """The same series as that of a session, with these points."""
        # Not `attrs.evolve`, which takes five times as long: a call has dozens of series.
        return MetricSeries(
            vendor=self.vendor,
            call_id=self.call_id,
            session_id=session_id,
            user_id=user_id,
            peer_id=self.peer_id,
            metric=self.metric,
            vendor_metric=self.vendor_metric,
            unit=self.unit,
            columns=columns,
            spare=spare,
            extra=self.extra,
        )

    def as_dict(self) -> dict[str, Any]:
        """All of it but `spare`, as JSON can hold it: lists of times and values, None for a value that is NaN."""
        about = attrs.asdict(self, filter=lambda field, _: field.name not in ("columns", "spare"))
        return about | self.columns.as_dict()

    def __hash__(self) -> int:
        return hash((self.vendor, self.call_id, self.session_id, self.peer_id, self.vendor_metric))

    def __len__(self) -> int:
        return len(self.columns)
