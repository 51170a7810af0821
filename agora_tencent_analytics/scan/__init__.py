"""Fan-out over the calls of one or several providers: `scan`, what it will cost, its records and its report.

The module is the object of that name: whether an import finds `agora_tencent_analytics.scan` or its `scan`, and in
whatever order, it can be called.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

from agora_tencent_analytics.scan.ledger import Ledger
from agora_tencent_analytics.scan.options import FreezeFrom, Since
from agora_tencent_analytics.scan.records import CallRecord, Failure
from agora_tencent_analytics.scan.report import Report, VendorReport
from agora_tencent_analytics.scan.run import scan as run
from agora_tencent_analytics.scan.stream import Records

if TYPE_CHECKING:
    from agora_tencent_analytics.scan.arrow import to_arrow
    from agora_tencent_analytics.scan.forecast.forecast import (
        Forecast,
        Interval,
        Loss,
        Proposal,
        RowForecast,
        VendorForecast,
    )
    from agora_tencent_analytics.scan.forecast.run import forecast as forecast_scan
    from agora_tencent_analytics.scan.json_lines import read_records, write_records
    from agora_tencent_analytics.scan.worst_calls import CallFigures, worst

__all__ = [
    "CallFigures",
    "CallRecord",
    "Failure",
    "Forecast",
    "FreezeFrom",
    "Interval",
    "Ledger",
    "Loss",
    "Proposal",
    "Records",
    "Report",
    "RowForecast",
    "Since",
    "VendorForecast",
    "VendorReport",
    "read_records",
    "scan",
    "to_arrow",
    "worst",
    "write_records",
]

_HOMES = {
    "arrow": "to_arrow",
    "forecast.forecast": "Forecast Interval Loss Proposal RowForecast VendorForecast",
    "json_lines": "read_records write_records",
    "worst_calls": "CallFigures worst",
}
"""Where names live that few scans need; they are imported when first used."""
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}


class _Scan(ModuleType):
    """`scan(*providers, over=...)` reads every call of a range; `await scan.forecast(...)` tells its price."""

    __call__: Final = staticmethod(run)

    if TYPE_CHECKING:
        forecast: Final = staticmethod(forecast_scan)
    else:

        @property
        def forecast(self) -> Any:
            """Tells what a scan will cost."""
            return import_module(f"{__name__}.forecast.run").forecast

        @forecast.setter
        def forecast(self, subpackage: ModuleType) -> None:
            """The import of the subpackage of this name, which must not hide the method."""


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value


sys.modules[__name__].__class__ = _Scan
scan: _Scan = cast("_Scan", sys.modules[__name__])
"""Reads every call of a range once, oldest window first, from all providers at the same time.

Use it as `async with scan(agora, tencent, over=Last(hours=6)) as records: async for record in records`. What makes a
provider unreadable is raised at the end of the iteration, as itself; `records.report` tells all else. Every argument is
described where the call is written, and by `help(scan)`. `await scan.forecast(...)` tells what a scan will cost.

Raises:
    BadInput: an argument is wrong. Nothing was sent.
    AnalyticsError: what ended a provider; see `on_error`.
    NotOffered: (on entering) a provider or its plan lacks what the depth needs. Nothing was sent.
    LedgerUnusable: (on entering) the ledger is in use, damaged, or another scan's. Nothing was sent.
"""
__doc__ = run.__doc__ or ""  # what `help(scan)` shows
