"""`to_arrow`: records as an Arrow table, for pandas, Polars, DuckDB or a Parquet file. Needs the extra `arrow`.

Columns of points are taken over as they lie in memory, and what is the same for many rows is a dictionary: no point
becomes an object of Python.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from importlib import import_module
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal, get_args

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.scan.records import CallRecord

if TYPE_CHECKING:
    import pyarrow

Level = Literal["calls", "sessions", "series", "points"]
"""What a row of the table is."""

_EPOCH = "s since 1970-01-01 UTC"
_CALL = {
    **dict.fromkeys(("vendor", "call_id", "channel"), ("string", "")),
    **dict.fromkeys(("created_ts", "destroyed_ts"), ("int64", _EPOCH)),
    "finished": ("bool_", ""),
    **dict.fromkeys(("peak_users", "accumulated_users"), ("int64", "users")),
    **dict.fromkeys(("audio_freeze_ratio", "video_freeze_ratio"), ("float64", "ratio")),
}
_SESSION = {
    **dict.fromkeys(("vendor", "call_id", "session_id", "user_id"), ("string", "")),
    **dict.fromkeys(("join_ts", "leave_ts"), ("int64", _EPOCH)),
    "finished": ("bool_", ""),
    **dict.fromkeys(("platform", "device_type", "network", "sdk_version"), ("string", "")),
    "speaker": ("bool_", ""),
    **dict.fromkeys(("audio_freeze_ratio", "video_freeze_ratio"), ("float64", "ratio")),
}
_SERIES = dict.fromkeys(
    ("vendor", "call_id", "session_id", "user_id", "peer_id", "metric", "vendor_metric", "unit"), ("string", "")
)
"""Columns with their types and units."""


def to_arrow(records: Iterable[CallRecord], level: Level = "points") -> pyarrow.Table:
    """Records as an Arrow table: a row for each call, session, series or point.

    The schema tells of each column its unit, and its source: the field that it is, whose docstring says what the
    vendors call it. Times are epoch seconds, UTC; a value that is not a number is null. At the level `"series"` times
    and values are lists. A call in parts is one row, that of its last part.

    Args:
        records: of any scans; all of their points are in memory at once.
        level: what a row is.

    Raises:
        BadInput: there is no such level.
        ImportError: pyarrow is not installed.
    """
    if level not in get_args(Level):
        raise BadInput(f"level must be one of {', '.join(get_args(Level))}, not {level!r}")
    try:
        import pyarrow as pa

        compute: Any = import_module("pyarrow.compute")  # its functions are made when it is imported
    except ImportError as error:
        raise ImportError('to_arrow needs pyarrow; install "agora-tencent-analytics[arrow]"') from error
    records = list(records)
    if level == "calls":
        return _rows(pa, Call, _CALL, [(record, record.call) for record in records if record.last])
    if level == "sessions":
        return _rows(pa, Session, _SESSION, [(record, session) for record in records for session in record.sessions])
    of_series = [(record, series) for record in records for series in record.series]
    lengths = array("q", (len(series) for _, series in of_series))
    times = _joined(pa, pa.int64(), "q", (series.times for _, series in of_series))
    values = _joined(pa, pa.float64(), "d", (series.values for _, series in of_series))
    values = compute.if_else(compute.is_nan(values), pa.scalar(None, pa.float64()), values)
    fields = _fields(pa, MetricSeries, {**_SERIES, "times": ("int64", _EPOCH), "values": ("float64", "the row's unit")})
    if level == "points":
        places = array("i")
        for place, length in enumerate(lengths):
            places += array("i", (place,)) * length
        repeated = pa.Array.from_buffers(pa.int32(), len(places), [None, pa.py_buffer(places)])
        columns = [
            compute.take(_told(pa, name, of_series), repeated) if of_series else pa.array([], _of_texts(pa))
            for name in _SERIES
        ]
        named = [pa.field(field.name, _of_texts(pa), metadata=field.metadata) for field in fields[:-2]]
        of_point = [field.with_name(field.name.removesuffix("s")) for field in fields[-2:]]
        return pa.Table.from_arrays([*columns, times, values], schema=pa.schema([*named, *of_point]))
    offsets = pa.array(accumulate(lengths, initial=0), pa.int32())
    lists = [pa.ListArray.from_arrays(offsets, column) for column in (times, values)]
    lists_of = [field.with_type(pa.list_(field.type)) for field in fields[-2:]]
    columns = [pa.array((_of(record, series, name) for record, series in of_series), pa.string()) for name in _SERIES]
    return pa.Table.from_arrays([*columns, *lists], schema=pa.schema([*fields[:-2], *lists_of]))


def _rows(
    pa: Any, kind: type[Any], columns: Mapping[str, tuple[str, str]], rows: list[tuple[CallRecord, Call | Session]]
) -> Any:
    fields = _fields(pa, kind, columns)
    arrays = [pa.array([_of(record, row, field.name) for record, row in rows], field.type) for field in fields]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _of(record: CallRecord, row: Call | Session | MetricSeries, name: str) -> Any:
    return record.vendor if name == "vendor" else getattr(row, name)


def _fields(pa: Any, kind: type[Any], columns: Mapping[str, tuple[str, str]]) -> list[Any]:
    return [
        pa.field(name, getattr(pa, of)(), metadata={"unit": unit, "source": f"{kind.__name__}.{name}"})
        for name, (of, unit) in columns.items()
    ]


def _of_texts(pa: Any) -> Any:
    return pa.dictionary(pa.int32(), pa.string())


def _told(pa: Any, name: str, of_series: list[tuple[CallRecord, MetricSeries]]) -> Any:
    return pa.array([_of(record, series, name) for record, series in of_series], pa.string()).dictionary_encode()


def _joined(pa: Any, kind: Any, code: str, parts: Iterable[array[Any]]) -> Any:
    whole = array(code)
    for part in parts:
        whole += part
    return pa.Array.from_buffers(kind, len(whole), [None, pa.py_buffer(whole)])
