"""`to_arrow`: records as an Arrow table, for pandas, Polars, DuckDB or a Parquet file. Needs the extra `arrow`.

Columns of points are taken over as they lie in memory, and what is the same for many rows is a dictionary: no point
becomes an object of Python.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
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
    "vendor": ("string", "", "the provider's name in the report"),
    "call_id": ("string", "", "Agora call_id, Tencent CommId"),
    "channel": ("string", "", "Agora cname, Tencent RoomString"),
    "created_ts": ("int64", _EPOCH, "Agora created_ts, Tencent CreateTime"),
    "destroyed_ts": ("int64", _EPOCH, "Agora destroyed_ts, Tencent DestroyTime; null while it runs"),
    "finished": ("bool_", "", "Agora finished, Tencent IsFinished"),
    "peak_users": ("int64", "users", "Agora call_pcu"),
    "accumulated_users": ("int64", "users", "Agora call_acu"),
    "audio_freeze_ratio": ("float64", "ratio", "Agora call_audio_freeze_rate"),
    "video_freeze_ratio": ("float64", "ratio", "Agora call_video_freeze_rate"),
}
_SESSION = {
    **{name: _CALL[name] for name in ("vendor", "call_id")},
    "session_id": ("string", "", "Agora sid; Tencent has none: user id and join time"),
    "user_id": ("string", "", "Agora uid, Tencent UserId"),
    "join_ts": ("int64", _EPOCH, "Agora join_ts, Tencent JoinTs"),
    "leave_ts": ("int64", _EPOCH, "Agora leave_ts, Tencent LeaveTs; null while the user is there"),
    "finished": ("bool_", "", "Agora finished, Tencent Finished"),
    "platform": ("string", "", "Agora platform, Tencent DeviceType"),
    "device_type": ("string", "", "as the vendor words it"),
    "network": ("string", "", "as the vendor words it"),
    "sdk_version": ("string", "", "Agora sdk_version, Tencent SdkVersion"),
    "speaker": ("bool_", "", "Agora speaker"),
    "audio_freeze_ratio": ("float64", "ratio", "Agora"),
    "video_freeze_ratio": ("float64", "ratio", "Agora"),
}
_SERIES = {
    **{name: _SESSION[name] for name in ("vendor", "call_id", "session_id", "user_id")},
    "peer_id": ("string", "", "the remote user whose stream was measured; empty for the user's own"),
    "metric": ("string", "", "neutral name; see METRICS"),
    "vendor_metric": ("string", "", "the vendor's own id"),
    "unit": ("string", "", "unit of the values"),
}


def to_arrow(records: Iterable[CallRecord], level: Level = "points") -> pyarrow.Table:
    """Records as an Arrow table: a row for each call, session, series or point.

    The schema tells unit and source of each column. Times are epoch seconds, UTC; a value that is not a number is null.
    At the level `"series"` times and values are lists. A call in parts is one row, that of its last part.

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
        import pyarrow.compute
    except ImportError as error:
        raise ImportError('to_arrow needs pyarrow; install "agora-tencent-analytics[arrow]"') from error
    records = list(records)
    if level == "calls":
        return _rows(pa, _CALL, [(record, record.call) for record in records if record.last])
    if level == "sessions":
        return _rows(pa, _SESSION, [(record, session) for record in records for session in record.sessions])
    of_series = [(record, series) for record in records for series in record.series]
    lengths = array("q", (len(series) for _, series in of_series))
    times = _joined(pa, pa.int64(), "q", (series.times for _, series in of_series))
    values = _joined(pa, pa.float64(), "d", (series.values for _, series in of_series))
    values = pa.compute.if_else(pa.compute.is_nan(values), pa.scalar(None, pa.float64()), values)
    fields = [*_fields(pa, _SERIES), *_fields(pa, {"time": ("int64", _EPOCH, ""), "value": ("float64", "", "")})]
    if level == "points":
        places = array("i")
        for place, length in enumerate(lengths):
            places += array("i", (place,)) * length
        repeated = pa.Array.from_buffers(pa.int32(), len(places), [None, pa.py_buffer(places)])
        columns = [
            pa.compute.take(_told(pa, name, of_series), repeated) if of_series else pa.array([], _of_texts(pa))
            for name in _SERIES
        ]
        named = [pa.field(field.name, _of_texts(pa), metadata=field.metadata) for field in fields[:-2]]
        return pa.Table.from_arrays([*columns, times, values], schema=pa.schema([*named, *fields[-2:]]))
    offsets = pa.array(accumulate(lengths, initial=0), pa.int32())
    lists = [pa.ListArray.from_arrays(offsets, column) for column in (times, values)]
    lists_of = [pa.field(f"{one.name}s", pa.list_(one.type), metadata=one.metadata) for one in fields[-2:]]
    columns = [pa.array((_of(record, series, name) for record, series in of_series), pa.string()) for name in _SERIES]
    return pa.Table.from_arrays([*columns, *lists], schema=pa.schema([*fields[:-2], *lists_of]))


def _rows(pa: Any, columns: dict[str, tuple[str, str, str]], rows: list[tuple[CallRecord, Call | Session]]) -> Any:
    fields = _fields(pa, columns)
    arrays = [pa.array([_of(record, row, field.name) for record, row in rows], field.type) for field in fields]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _of(record: CallRecord, row: Call | Session | MetricSeries, name: str) -> Any:
    return record.vendor if name == "vendor" else getattr(row, name)


def _fields(pa: Any, columns: dict[str, tuple[str, str, str]]) -> list[Any]:
    return [
        pa.field(name, getattr(pa, kind)(), metadata={"unit": unit, "source": source})
        for name, (kind, unit, source) in columns.items()
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
