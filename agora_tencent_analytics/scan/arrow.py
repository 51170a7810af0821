"""`to_arrow`: records as an Arrow table, for pandas, Polars, DuckDB or a Parquet file. Needs the extra `arrow`.

Columns of points are taken over as they lie in memory, and what is the same for many rows is a dictionary: no point
becomes an object of Python.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from importlib import import_module
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal, get_args, get_type_hints

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.scan.records import CallRecord

if TYPE_CHECKING:
    import pyarrow

Level = Literal["calls", "sessions", "series", "points"]
"""What a row of the table is."""

_EPOCH = "s since 1970-01-01 UTC"
_CORE: Mapping[type[Any], str] = {
    Call: "vendor call_id channel created_ts destroyed_ts finished peak_users accumulated_users "
    "audio_freeze_ratio video_freeze_ratio",
    Session: "vendor call_id session_id user_id join_ts leave_ts finished platform device_type network sdk_version "
    "speaker audio_freeze_ratio video_freeze_ratio",
    MetricSeries: "vendor call_id session_id user_id peer_id metric vendor_metric unit",
}
"""The fields that are columns. They are named, so that no personal data gets in unasked."""
_TYPES: Mapping[Any, str] = {str: "string", int: "int64", float: "float64", bool: "bool_"}
_UNITS = {"ts": _EPOCH, "users": "users", "ratio": "ratio"}
"""Units by the end of a field's name."""


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
        return _rows(pa, Call, [(record, record.call) for record in records if record.last])
    if level == "sessions":
        return _rows(pa, Session, [(record, session) for record in records for session in record.sessions])
    of_series = [(record, series) for record in records for series in record.series]
    fields = _fields(pa, MetricSeries)
    texts = [pa.array([_of(*of, name) for of in of_series], pa.string()) for name in _CORE[MetricSeries].split()]
    offsets = pa.array(accumulate((len(series) for _, series in of_series), initial=0), pa.int32())
    times = _joined(pa, pa.int64(), "q", (series.times for _, series in of_series))
    values = _joined(pa, pa.float64(), "d", (series.values for _, series in of_series))
    values = compute.if_else(compute.is_nan(values), pa.scalar(None, pa.float64()), values)
    lists = [pa.ListArray.from_arrays(offsets, column) for column in (times, values)]
    if level == "series":
        fields.append(_field(pa, MetricSeries, "times", lists[0].type, _EPOCH))
        fields.append(_field(pa, MetricSeries, "values", lists[1].type, "the row's unit"))
        return pa.Table.from_arrays([*texts, *lists], schema=pa.schema(fields))
    places = compute.list_parent_indices(lists[0])
    columns = [compute.take(text.dictionary_encode(), places) for text in texts]
    fields = [field.with_type(column.type) for field, column in zip(fields, columns, strict=True)]
    fields.append(_field(pa, MetricSeries, "times", times.type, _EPOCH).with_name("time"))
    fields.append(_field(pa, MetricSeries, "values", values.type, "the row's unit").with_name("value"))
    return pa.Table.from_arrays([*columns, times, values], schema=pa.schema(fields))


def _rows(pa: Any, kind: type[Any], rows: list[tuple[CallRecord, Call | Session]]) -> Any:
    fields = _fields(pa, kind)
    arrays = [pa.array([_of(record, row, field.name) for record, row in rows], field.type) for field in fields]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _of(record: CallRecord, row: Call | Session | MetricSeries, name: str) -> Any:
    return record.vendor if name == "vendor" else getattr(row, name)


def _fields(pa: Any, kind: type[Any]) -> list[Any]:
    """The columns as the model declares them: type and unit are those of its fields."""
    declared = get_type_hints(kind)
    fields = []
    for name in _CORE[kind].split():
        of = next(one for one in (*get_args(declared[name]), declared[name]) if one in _TYPES)
        fields.append(_field(pa, kind, name, getattr(pa, _TYPES[of])(), _UNITS.get(name.rpartition("_")[2], "")))
    return fields


def _field(pa: Any, kind: type[Any], name: str, of: Any, unit: str) -> Any:
    return pa.field(name, of, metadata={"unit": unit, "source": f"{kind.__name__}.{name}"})


def _joined(pa: Any, kind: Any, code: str, parts: Iterable[array[Any]]) -> Any:
    whole = array(code)
    for part in parts:
        whole += part
    return pa.Array.from_buffers(kind, len(whole), [None, pa.py_buffer(whole)])
