"""What goes to files: one JSON object per call, and reports.

A file may be a terminal (`--out /dev/stdout`), so whatever could steer one is written as a JSON escape: readers of JSON
see the very same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.scan import CallRecord
from agora_tencent_analytics.storage.files import write_whole

_BEYOND_ASCII = re.compile("[\x7f-\U0010ffff]")


def encode(value: Any, *, indent: int = 0) -> bytes:
    """A value as JSON without a character that a terminal obeys.

    Args:
        value: what `msgspec` can encode.
        indent: spaces of each level; 0 writes one line.
    """
    text = msgspec.json.encode(value)
    if indent:
        text = msgspec.json.format(text, indent=indent)
    if text.isascii() and b"\x7f" not in text:
        return text
    return _BEYOND_ASCII.sub(_escaped, text.decode()).encode()


def _escaped(found: re.Match[str]) -> str:
    char = found[0]
    if char.isprintable():
        return char
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def clear_report(path: str | None) -> None:
    """Empties a report before anything is asked, so that none of an earlier run is taken for this one's.

    Raises:
        BadInput: it cannot be written.
    """
    try:
        if path is not None:
            write_whole(path, b"")
    except OSError as error:
        raise BadInput(f"cannot write {error.filename or path}: {error.strerror}") from None


def write_report(path: str | None, said: Mapping[str, Any]) -> None:
    """Writes a report, if one is asked for."""
    if path is not None:
        write_whole(path, encode(said, indent=2) + b"\n")


def record_pieces(record: CallRecord) -> Iterator[bytes]:
    """One record as one line, series by series: the text of a large call is never in memory as a whole."""
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
        **({"again": True} if record.again else {}),
        **({} if record.replaces_from_ts is None else {"replaces_from_ts": record.replaces_from_ts}),
        "failures": [
            {"step": failure.step, "kind": type(failure.error).__name__, "error": str(failure.error)}
            for failure in record.failures
        ],
    }
    yield encode(head)[:-1] + b',"sessions":['
    for number, session in enumerate(record.sessions):
        about = {
            "session_id": session.session_id,
            "user_id": session.user_id,
            "join_ts": session.join_ts,
            "leave_ts": session.leave_ts,
            "finished": session.finished,
        }
        yield (b"," if number else b"") + encode(about)[:-1] + b',"series":['
        for place, series in enumerate(by_session.get(session.session_id, ())):
            yield (b"," if place else b"") + encode(_series(series))
        yield b"]}"
    yield b"]}\n"


def _series(series: MetricSeries) -> dict[str, Any]:
    return {
        "metric": series.metric,
        "vendor_metric": series.vendor_metric,
        "unit": series.unit,
        "peer_id": series.peer_id,
        "times": series.times.tolist(),
        "values": series.values.tolist(),  # NaN is written as null
    }
