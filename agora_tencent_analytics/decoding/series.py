"""Series from rows as most vendors send them: a row for each moment, or a row for each metric with its points.

The large answers of Agora and Tencent have decoders of their own, which keep the text of the points until somebody
looks: `UnreadSeries`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite, isnan, nan
from operator import attrgetter
from typing import Any

import msgspec

from agora_tencent_analytics.decoding.moments import seconds
from agora_tencent_analytics.decoding.points import PointForm
from agora_tencent_analytics.decoding.rows import one_text
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.models.columns import Columns
from agora_tencent_analytics.models.metrics import METRICS, VendorMetric
from agora_tencent_analytics.models.series import MetricSeries, twin
from agora_tencent_analytics.timerange import TimeRange


class UnreadSeries(msgspec.Struct, kw_only=True):
    """One series of an answer, its points unread."""

    owner: str
    """The session; or the user whose device measured it, where the vendor does not tell sessions apart."""
    peer_id: str = ""
    """The remote user whose stream was measured; `""` for the user's own."""
    metric: str
    """The vendor's id of the metric."""
    points: bytes = b"null"
    """JSON text of the points, or `null`, not yet checked: a copy that pins no reply."""
    extra: Mapping[str, Any] = {}
    """Unknown fields."""


def series_unread(
    found: Iterable[UnreadSeries],
    metrics: Mapping[str, VendorMetric],
    form: PointForm,
    *,
    vendor: str,
    call_id: str,
    window: TimeRange,
    users: Mapping[str, str] | None = None,
) -> list[MetricSeries]:
    """Series by their neutral names, each with the text of its points.

    Args:
        found: as the vendor sent them.
        metrics: the vendor's metrics by id; one that is not here keeps the vendor's id alone.
        form: how their points are spelt.
        vendor: whose they are.
        call_id: the call.
        window: what was asked for; points outside it are left out.
        users: the users of sessions, where series are of those; None: they are of users.
    """
    named, clip = [], (window.start, window.end)
    # All that the series have in common; each is a copy of it.
    common = MetricSeries(
        vendor=vendor, call_id=call_id, session_id="", user_id="", vendor_metric="", columns=Columns(b"null", form)
    )
    for one in found:
        known = metrics.get(one.metric)
        series = twin(common)
        own = series.__dict__
        if users is None:
            own["user_id"] = one.owner
        else:
            own["session_id"], own["user_id"] = one.owner, users.get(one.owner, "")
        if known is not None:
            own["metric"] = name = known.of(one.peer_id)
            own["unit"] = METRICS[name].unit if name else ""
        own["peer_id"], own["vendor_metric"], own["extra"] = one.peer_id, one.metric, one.extra
        own["columns"] = Columns(one.points, form, scale=known.scale if known else 1.0, clip=clip)
        named.append(series)
    return named


class Points(msgspec.Struct, kw_only=True, frozen=True):
    """How points stand in a vendor's rows.

    A wide row is one moment, with a value for each metric. Where `pairs` is set a row is one metric, with its points as
    pairs of moment and value.
    """

    at: str = ""
    """Key of the moment, in a wide row: epoch seconds, milliseconds, or ISO 8601."""
    pairs: str = ""
    """Key of the pairs; `""` if rows are wide."""
    metric: str = ""
    """Key of the metric's name, where `pairs` is set."""
    session: str = ""
    """Key of the session's id; `""` if the rows do not tell sessions apart."""
    user: str = ""
    """Key of the user's id; `""` if they do not tell users apart."""
    peer: str = ""
    """Key of the id of the user whose stream was measured."""
    metrics: Mapping[str, str | tuple[str, float]] = {}
    """The vendor's metrics: the name in `METRICS`, and the factor from the vendor's unit to the unit there. What is not
    in `METRICS` is best called `vendor.name`, which is also what pairs of a metric that is not listed are called."""

    def __post_init__(self) -> None:
        for metric, named in self.metrics.items():
            if not isinstance(named, str) and not (isfinite(named[1]) and named[1]):
                raise BadInput(f"{metric!r} needs a factor that is a number, and not 0, unlike {named[1]!r}")


def read_series(
    rows: Sequence[Any], points: Points, *, vendor: str, call_id: str, odd: Callable[[Iterable[str]], None]
) -> list[MetricSeries]:
    """The series of these rows; those of wide rows joined, by session, user and peer.

    Args:
        rows: as the vendor sent them.
        points: how they are to be read.
        vendor: whose they are.
        call_id: of the call that was asked about.
        odd: is told of metrics with a value that is neither a number nor missing.

    Raises:
        KeyError, TypeError, ValueError: a row has no moment, no metric, no session or no user.
    """
    columns: dict[tuple[str, ...], tuple[list[int], list[float]]] = {}
    for row in rows:
        whose = (_id(row, points.session), _id(row, points.user), _text(row, points.peer))
        for metric, moments in _moments(row, points):
            times, values = columns.setdefault((*whose, metric), ([], []))
            for moment, value in moments:
                times.append(seconds(moment))
                values.append(known := _number(value))
                if isnan(known) and value not in (None, ""):
                    odd((metric,))
    return [
        _series(points, metric, times, values, vendor=vendor, call_id=call_id, whose=whose)
        for (*whose, metric), (times, values) in columns.items()
    ]


_WHICH = attrgetter("session_id", "user_id", "peer_id", "vendor_metric")


def join_series(pieces: Iterable[MetricSeries]) -> list[MetricSeries]:
    """Each series whole, of the pieces that windows and pages gave.

    Args:
        pieces: of one walk.
    """
    found = list(pieces)
    which = list(map(_WHICH, found))
    if len(set(which)) == len(found):  # as those of one window are
        return found
    whole: dict[tuple[str, ...], list[MetricSeries]] = {}
    for one, piece in zip(which, found, strict=True):
        whole.setdefault(one, []).append(piece)
    return [same[0] if len(same) == 1 else _joined(same) for same in whole.values()]


def _joined(same: Sequence[MetricSeries]) -> MetricSeries:
    one, columns = same[0], Columns.join([piece.columns for piece in same])
    return one.of_session(one.session_id, one.user_id, columns, one.spare)


def row_names(rows: Sequence[Any], points: Points) -> list[str]:
    """A name for each row, by which pages are told apart."""
    keys = (points.session, points.user, points.peer, points.at, points.metric)
    return ["\0".join(_text(row, key) for key in keys) for row in rows]


def _moments(row: Mapping[str, Any], points: Points) -> Iterable[tuple[str, Iterable[tuple[Any, Any]]]]:
    if points.pairs:
        return [(one_text(row[points.metric]), ((moment, value) for moment, value in row[points.pairs] or ()))]
    return [(metric, [(row[points.at], row[metric])]) for metric in points.metrics if metric in row]


def _series(
    points: Points,
    metric: str,
    times: Sequence[int],
    values: Sequence[float],
    *,
    vendor: str,
    call_id: str,
    whose: Sequence[str],
) -> MetricSeries:
    said = points.metrics.get(metric, f"{vendor}.{metric}")
    name, scale = (said, 1.0) if isinstance(said, str) else said
    session_id, user_id, peer_id = whose
    return MetricSeries(
        vendor=vendor,
        call_id=call_id,
        session_id=session_id,
        user_id=user_id,
        peer_id=peer_id,
        metric=name,
        vendor_metric=metric,
        unit=METRICS[name].unit if name in METRICS else "",
        columns=Columns.of(times, [value * scale for value in values] if scale != 1.0 else values),
    )


def _id(row: Mapping[str, Any], key: str) -> str:
    """What tells sessions apart, and so cannot be missing where a row says where it stands."""
    if key and row[key] is None:
        raise TypeError(f"{key!r} is null")
    return _text(row, key)


def _text(row: Mapping[str, Any], key: str) -> str:
    return one_text(row[key]) if key and row.get(key) is not None else ""


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return nan
