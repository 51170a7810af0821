"""This library: the shell, and every series read to its columns."""

from __future__ import annotations

from agora_tencent_analytics.agora.series import read_metrics
from agora_tencent_analytics.columns import Columns, PointForm
from agora_tencent_analytics.tencent.series import read_detail


def agora_untouched(body: bytes) -> list[Columns]:
    return [Columns(series.kvs, PointForm.PAIRS) for series in read_metrics(body).series]


def agora_read(body: bytes) -> list[Columns]:
    return _read(agora_untouched(body))


def tencent_untouched(body: bytes) -> list[Columns]:
    return [Columns(series.content, PointForm.OBJECTS) for series in read_detail(body).series]


def tencent_read(body: bytes) -> list[Columns]:
    return _read(tencent_untouched(body))


def _read(columns: list[Columns]) -> list[Columns]:
    for series in columns:
        assert len(series.times) == len(series.values)
    return columns
