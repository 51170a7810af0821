"""Records as JSON lines, and back: one object per record, with all that it holds.

A line may go to a terminal (`--out /dev/stdout`), so whatever could steer one is written as a JSON escape: readers of
JSON see the very same text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import attrs
import msgspec

from agora_tencent_analytics import errors
from agora_tencent_analytics.decoding.bulk import check_bulk
from agora_tencent_analytics.errors import AnalyticsError, BadInput
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.columns import Columns
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.paging.certificate import Clipped, NothingToAsk, UnreadableRow
from agora_tencent_analytics.scan.records import CallRecord, Failure, series_dict, session_dict
from agora_tencent_analytics.scan.report import IncompleteScan
from agora_tencent_analytics.timerange import TimeRange

_Kind = TypeVar("_Kind", Call, Session, MetricSeries, Failure, CallRecord)
_KINDS = {
    **{
        name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, AnalyticsError)
    },
    **{kind.__name__: kind for kind in (IncompleteScan, NothingToAsk, UnreadableRow)},
}
"""Every class of error by its name."""
_BEYOND_ASCII = re.compile("[^\0-\x7e]")  # said the other way about, it takes forty times as long to compile


def encode(value: object, *, indent: int = 0) -> bytes:
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


def record_pieces(record: CallRecord) -> Iterator[bytes]:
    """One record as one line, series by series: the text of a large call is never in memory as a whole."""
    yield encode(record.head())[:-1] + b',"sessions":['
    number, end = 0, b"]}\n"
    for session, series in record.by_session():
        if session is None:
            yield b'],"series":['
            end = b"]}\n"
        else:
            yield (b"," if number else b"") + encode(session_dict(session))[:-1] + b',"series":['
            number += 1
        for place, one in enumerate(series):
            yield (b"," if place else b"") + encode(series_dict(one, session))
        if session is not None:
            yield b"]}"
    yield end


def write_records(records: Iterable[CallRecord]) -> Iterator[bytes]:
    """Records as JSON lines, each with its end, as `scan --out` writes them; `read_records` reads them back equal.

    Args:
        records: of any scans.
    """
    for record in records:
        yield b"".join(record_pieces(record))


def read_records(source: str | os.PathLike[str] | Iterable[bytes | str]) -> Iterator[CallRecord]:
    """The records of JSON lines, equal to those that were written, one after the other.

    Args:
        source: a path, or lines of a file that is open.

    Raises:
        BadInput: a line is not a record; the message has its number.
    """
    if isinstance(source, str | os.PathLike):
        with open(source, "rb") as file:
            yield from read_records(file)
        return
    for number, line in enumerate(source, 1):
        try:
            text = line.encode() if isinstance(line, str) else line
            # Of points there may be any number, and one may be written in as little as thirteen bytes.
            check_bulk(text, most=len(text), length=2 * len(text))
            record = _record(msgspec.json.decode(text))
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"line {number} is not a record of a scan ({type(error).__name__}: {error})") from None
        yield record


def _record(said: dict[str, Any]) -> CallRecord:
    call = _made(Call, said, vendor=said.get("call_vendor", said["vendor"]))
    of_call = {"vendor": call.vendor, "call_id": call.call_id}
    sessions, series = list[Session](), list[MetricSeries]()
    for one in said["sessions"]:
        session = _made(Session, one, **of_call, roles=tuple(one.get("roles", ())))
        sessions.append(session)
        about = of_call | {"session_id": session.session_id, "user_id": session.user_id}
        series += [_series(about | found) for found in one["series"]]
    series += [_series(of_call | found) for found in said.get("series", ())]
    if (order := said.get("series_order")) is not None:
        series = [one for _, one in sorted(zip(order, series, strict=True), key=lambda pair: pair[0])]
    here = {"vendor": said["vendor"], "call_id": call.call_id}
    failures = tuple(_failure(here | one) for one in said["failures"])
    return _made(CallRecord, said, call=call, sessions=tuple(sessions), series=tuple(series), failures=failures)


def _made(kind: type[_Kind], said: Mapping[str, Any], **more: Any) -> _Kind:
    """One of a kind, of those of its fields that are said."""
    fields = {field.name: said[field.name] for field in attrs.fields(kind) if field.name in said}
    return kind(**fields | more)


def _series(said: Mapping[str, Any]) -> MetricSeries:
    return _made(MetricSeries, said, columns=_columns(said), spare=tuple(map(_columns, said.get("spare", ()))))


def _columns(said: Mapping[str, Any]) -> Columns:
    values = [float("nan" if value is None else value) for value in said["values"]]
    counts = {name: said.get(name, 0) for name in ("untimed", "outside", "contradicted")}
    return Columns.of(said["times"], values, **counts)


def _failure(said: Mapping[str, Any]) -> Failure:
    over = TimeRange(said["start"], said["end"]) if said["start"] is not None else None
    return _made(Failure, said, over=over, error=_error(said))


def _error(said: Mapping[str, Any]) -> AnalyticsError:
    kind: type[Exception] = _KINDS.get(said["kind"], AnalyticsError)
    made = kind.__new__(kind)
    assert isinstance(made, AnalyticsError)
    made.args = (said["error"],)
    for name, value in {**said.get("facts", {}), **({"code": said["code"]} if "code" in said else {})}.items():
        if name == "over":
            value = TimeRange(value["start"], value["end"])
        elif name == "clipped":
            value = tuple(Clipped(**piece | {"over": TimeRange(**piece["over"])}) for piece in value)
        elif isinstance(value, list) and name != "__notes__":
            value = tuple(value)
        vars(made)[name] = value
    return made
