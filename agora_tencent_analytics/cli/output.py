"""What `scan` writes to files: one JSON object per call, and the report."""

from __future__ import annotations

from io import BufferedWriter
from typing import Any

import msgspec

from agora_tencent_analytics.scan import CallRecord
from agora_tencent_analytics.series import MetricSeries

__all__ = ["write_record"]

_encode = msgspec.json.encode


def write_record(file: BufferedWriter, record: CallRecord) -> None:
    """Writes one record as one line, series by series: the text of a large call is never in memory as a whole."""
    call = record.call
    by_session: dict[str, list[MetricSeries]] = {}
    for series in record.series:
        by_session.setdefault(series.session_id, []).append(series)
    head = {
        "vendor": record.vendor,
        "call_id": call.call_id,
        "channel": call.channel,
        "created_ts": call.created_ts,
        "destroyed_ts": call.destroyed_ts,
        "finished": call.finished,
        "part": record.part,
        "last": record.last,
        "failures": [
            {"step": failure.step, "kind": type(failure.error).__name__, "error": str(failure.error)}
            for failure in record.failures
        ],
    }
    file.write(_encode(head)[:-1] + b',"sessions":[')
    for number, session in enumerate(record.sessions):
        about = {
            "session_id": session.session_id,
            "user_id": session.user_id,
            "join_ts": session.join_ts,
            "leave_ts": session.leave_ts,
            "finished": session.finished,
        }
        file.write((b"," if number else b"") + _encode(about)[:-1] + b',"series":[')
        for place, series in enumerate(by_session.get(session.session_id, ())):
            file.write((b"," if place else b"") + _encode(_series(series)))
        file.write(b"]}")
    file.write(b"]}\n")


def _series(series: MetricSeries) -> dict[str, Any]:
    return {
        "metric": series.metric,
        "vendor_metric": series.vendor_metric,
        "unit": series.unit,
        "peer_id": series.peer_id,
        "times": series.times.tolist(),
        "values": series.values.tolist(),  # NaN is written as null
    }
