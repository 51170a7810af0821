"""Aggregated figures of usage and quality, of both vendors in one shape: `Figures` and `Breakdown`.

Holds the records and the vocabulary of their metrics (`FIGURES`). Rates are ratios from 0 to 1 whatever a
vendor's scale; the conversion happens in the vendor packages. A bucket keeps the vendor's own time stamp: several
documented examples of "days in UTC" begin at midnight UTC+8, so a day is never derived from it here.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from agora_tencent_analytics.models.columns import Columns
from agora_tencent_analytics.models.metrics import Metric

FIGURES: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("users", "count", "users in all channels; the same user in two channels counts twice"),
        Metric("sessions", "count", "times that a user joined a channel"),
        Metric("channels", "count", "channels in use"),
        Metric("peak_users", "count", "most users at one moment"),
        Metric("peak_channels", "count", "most channels at one moment"),
        Metric("duration", "minutes", "time in calls, all users together"),
        Metric("audio_duration", "minutes", "time in calls with audio alone, all users together"),
        Metric("video_duration", "minutes", "time in calls with video, all users together"),
        Metric("join_success", "ratio", "attempts to join that succeeded"),
        Metric("join_success_in_5s", "ratio", "attempts to join that succeeded within five seconds"),
        Metric("audio_freeze", "ratio", "audio time spent frozen"),
        Metric("video_freeze", "ratio", "video time spent frozen"),
        Metric("network_delay", "ratio", "time with an end-to-end delay above 400 ms"),
        Metric("audio_uplink_good", "ratio", "audio sent with at most 5 % loss on the way up"),
        Metric("video_uplink_good", "ratio", "video sent with at most 5 % loss on the way up"),
        Metric("audio_end_to_end_good", "ratio", "audio sent with at most 5 % loss from sender to receiver"),
        Metric("video_end_to_end_good", "ratio", "video sent with at most 5 % loss from sender to receiver"),
    )
}
"""Neutral metrics of aggregated figures, by name. `duration` is minutes; a ratio is from 0 to 1."""


@attrs.frozen(kw_only=True)
class Figures:
    """One figure over time, as columns: one value for each bucket."""

    vendor: str
    """Whose figure it is."""
    metric: str
    """Name in `FIGURES`, or `""` if the vendor's name is not in it."""
    vendor_metric: str
    """The vendor's own name of the metric."""
    unit: str = ""
    """Unit of the values; `""` if unknown."""
    product: str = ""
    """Product that the figure is about (Agora: `Native` or `WebRTC`); `""` for all."""
    call_id: str = ""
    """Call that the figure is about (Agora's statistics of a call); `""` for none in particular."""
    channel: str = ""
    """Channel or room that the figure is about; `""` for all."""
    dimension: str = ""
    """What the figure is broken down by; `""` for not at all."""
    dimension_value: str = ""
    """Which part of the dimension it is about."""
    user_id: str = ""
    """User that the figure is about; `""` for all."""
    bucket_s: int | None = None
    """Width of a bucket, seconds; None where the vendor leaves it open."""
    columns: Columns = attrs.field(repr=False, hash=False)
    """The buckets."""
    beyond: Columns = attrs.field(factory=lambda: Columns.of((), ()), repr=False, hash=False)
    """What the answer shows beyond the range: Agora's figures of days and hours include the bucket that begins at the
    range's end. It belongs to the range after this one."""
    provisional_from: int | None = None
    """From this epoch second on values may change (Agora recomputes two days). None: not marked, as by `ask`."""
    extra: Mapping[str, Any] = attrs.field(factory=dict, repr=False, hash=False)
    """Fields of the answer that this library does not know."""

    @property
    def times(self) -> array[int]:
        """The vendor's own stamps of the buckets, epoch seconds, increasing."""
        return self.columns.times

    @property
    def values(self) -> array[float]:
        """One value for each bucket, in `unit`; NaN where the vendor sent none."""
        return self.columns.values

    def to_dict(self) -> dict[str, object]:
        """All of it but `beyond`, as JSON can hold it: lists of times and values, None for a value that is NaN."""
        about = attrs.asdict(self, filter=lambda field, _: field.name not in ("columns", "beyond"))
        return about | self.columns.to_dict()

    def __len__(self) -> int:
        return len(self.columns)


@attrs.frozen(kw_only=True)
class Breakdown:
    """One figure for one part of a dimension, over a whole range."""

    vendor: str
    """Whose figure it is."""
    metric: str
    """Name in `FIGURES`, or `""` if the vendor's name is not in it."""
    vendor_metric: str
    """The vendor's own name of the metric."""
    unit: str = ""
    """Unit of `value`."""
    product: str = ""
    """Product that the figure is about (Agora: `Native` or `WebRTC`); `""` for all."""
    call_id: str = ""
    """Call that the figure is about (Agora's statistics of a call); `""` for none in particular."""
    dimension: str = ""
    """What the figure is broken down by; `""` for the app as a whole."""
    dimension_value: str = ""
    """Which part it is about."""
    value: float | None
    """The figure; None if the vendor sent none."""
    users: int | None = None
    """Users behind it, where the vendor says."""
    reference: float | None = None
    """What it was measured on, where the vendor says: join attempts, or minutes (Agora `refUsage`)."""
    start: int
    """First second of the range, epoch seconds."""
    end: int
    """First second after it."""
    extra: Mapping[str, Any] = attrs.field(factory=dict, repr=False, hash=False)
    """Fields of the answer that this library does not know."""


def join_figures(pieces: Iterable[Figures], *, provisional_from: int | None = None) -> list[Figures]:
    """One `Figures` of the pieces that neighbouring windows gave; of buckets in two of them the first is kept.

    Args:
        pieces: figures of one question, oldest window first.
        provisional_from: from when on values may change, epoch seconds; None: nowhere.
    """
    whole: dict[tuple[str, ...], list[Figures]] = {}
    for piece in pieces:
        name = piece.metric or piece.vendor_metric  # a peak may be spelt in two ways
        key = (name, piece.product, piece.channel, piece.dimension, piece.dimension_value, piece.user_id)
        whole.setdefault(key, []).append(piece)
    return [
        attrs.evolve(
            same[0],
            columns=Columns.join([piece.columns for piece in same]),
            beyond=same[-1].beyond,
            extra=_joined([piece.extra for piece in same]),
            provisional_from=provisional_from,
        )
        for same in whole.values()
    ]


def _joined(extras: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for extra in extras:
        for name, value in extra.items():
            had = joined.get(name)
            joined[name] = {**had, **value} if isinstance(had, dict) and isinstance(value, dict) else value
    return joined
