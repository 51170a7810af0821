"""Read call analytics from Agora Analytics and Tencent RTC: every call once, none lost, no refused request.

The names listed in `__all__`, the subpackages `scan` and `simulator`, the modules `notices`, `otel` and `quota.store`
(for a quota store of your own) and the tables in `agora.endpoints`, `agora.plans`, `tencent.endpoints` and
`tencent.plans` are the public contract.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from agora_tencent_analytics._version import __version__

if TYPE_CHECKING:
    from agora_tencent_analytics.access import ProviderOptions
    from agora_tencent_analytics.agora.auth import AgoraCredentials
    from agora_tencent_analytics.agora.provider import AgoraProvider
    from agora_tencent_analytics.decoding.points import PointForm
    from agora_tencent_analytics.decoding.rows import Structure
    from agora_tencent_analytics.endpoint import AnyOf, Bounds, Endpoint, Newest, NextPage, PageNumber, Param, Unpaged
    from agora_tencent_analytics.environment import EnvironmentVariable
    from agora_tencent_analytics.errors import (
        AnalyticsError,
        BadInput,
        BudgetSpent,
        CallNotFound,
        DailyQuotaExhausted,
        InvalidRequest,
        LedgerUnusable,
        NotAsked,
        NotAuthenticated,
        NotFound,
        NotOffered,
        NotPermitted,
        ProviderClosed,
        QuotaUnavailable,
        RateLimited,
        Refusal,
        TransportError,
        UnreadableReply,
        VendorFault,
        WindowRefused,
        WouldExceedQuota,
    )
    from agora_tencent_analytics.http.credentials import fixed_credentials
    from agora_tencent_analytics.http.retry import Retry
    from agora_tencent_analytics.http.timeouts import Timeouts
    from agora_tencent_analytics.http.transport import AiohttpTransport, Transport
    from agora_tencent_analytics.limits import Limits, Plan, Rate
    from agora_tencent_analytics.message import Request, Response
    from agora_tencent_analytics.models.calls import Call, Session
    from agora_tencent_analytics.models.columns import Columns
    from agora_tencent_analytics.models.events import AbnormalExperience, Cause, Event
    from agora_tencent_analytics.models.figures import FIGURES, Breakdown, Figures
    from agora_tencent_analytics.models.metrics import METRICS, Metric
    from agora_tencent_analytics.models.series import MetricSeries
    from agora_tencent_analytics.paging.certificate import Certificate, Clipped, NothingToAsk, UnreadableRow, WindowRead
    from agora_tencent_analytics.paging.page import Page
    from agora_tencent_analytics.paging.paginator import Paginator
    from agora_tencent_analytics.provider import Provider
    from agora_tencent_analytics.quota.memory_store import MemoryStore
    from agora_tencent_analytics.quota.open_store import QuotaNotPersisted
    from agora_tencent_analytics.quota.quota import Quota, QuotaState
    from agora_tencent_analytics.quota.redis_store import RedisStore
    from agora_tencent_analytics.quota.sqlite_store import SqliteStore
    from agora_tencent_analytics.quota.store import QuotaStore
    from agora_tencent_analytics.receipt import Budget, Receipt
    from agora_tencent_analytics.scan import (
        CallRecord,
        Failure,
        Forecast,
        FreezeFrom,
        Ledger,
        Records,
        Report,
        Since,
        VendorReport,
        scan,
    )
    from agora_tencent_analytics.scan.report import IncompleteScan
    from agora_tencent_analytics.tencent.provider import TencentProvider
    from agora_tencent_analytics.tencent.sign import TencentCredentials
    from agora_tencent_analytics.tencent.usage import RoomUsage
    from agora_tencent_analytics.timerange import Last, TimeRange
    from agora_tencent_analytics.wire import Asked, Reply, Vendor

__all__ = [
    "FIGURES",
    "METRICS",
    "AbnormalExperience",
    "AgoraCredentials",
    "AgoraProvider",
    "AiohttpTransport",
    "AnalyticsError",
    "AnyOf",
    "Asked",
    "BadInput",
    "Bounds",
    "Breakdown",
    "Budget",
    "BudgetSpent",
    "Call",
    "CallNotFound",
    "CallRecord",
    "Cause",
    "Certificate",
    "Clipped",
    "Columns",
    "DailyQuotaExhausted",
    "Endpoint",
    "EnvironmentVariable",
    "Event",
    "Failure",
    "Figures",
    "Forecast",
    "FreezeFrom",
    "IncompleteScan",
    "InvalidRequest",
    "Last",
    "Ledger",
    "LedgerUnusable",
    "Limits",
    "MemoryStore",
    "Metric",
    "MetricSeries",
    "Newest",
    "NextPage",
    "NotAsked",
    "NotAuthenticated",
    "NotFound",
    "NotOffered",
    "NotPermitted",
    "NothingToAsk",
    "Page",
    "PageNumber",
    "Paginator",
    "Param",
    "Plan",
    "PointForm",
    "Provider",
    "ProviderClosed",
    "ProviderOptions",
    "Quota",
    "QuotaNotPersisted",
    "QuotaState",
    "QuotaStore",
    "QuotaUnavailable",
    "Rate",
    "RateLimited",
    "Receipt",
    "Records",
    "RedisStore",
    "Refusal",
    "Reply",
    "Report",
    "Request",
    "Response",
    "Retry",
    "RoomUsage",
    "Session",
    "Since",
    "SqliteStore",
    "Structure",
    "TencentCredentials",
    "TencentProvider",
    "TimeRange",
    "Timeouts",
    "Transport",
    "TransportError",
    "Unpaged",
    "UnreadableReply",
    "UnreadableRow",
    "Vendor",
    "VendorFault",
    "VendorReport",
    "WindowRead",
    "WindowRefused",
    "WouldExceedQuota",
    "__version__",
    "fixed_credentials",
    "scan",
]

_HOMES = {
    "access": "ProviderOptions",
    "agora.auth": "AgoraCredentials",
    "agora.provider": "AgoraProvider",
    "http.credentials": "fixed_credentials",
    "decoding.points": "PointForm",
    "decoding.rows": "Structure",
    "endpoint": "AnyOf Bounds Endpoint Newest NextPage PageNumber Param Unpaged",
    "environment": "EnvironmentVariable",
    "errors": (
        "AnalyticsError BadInput BudgetSpent CallNotFound DailyQuotaExhausted InvalidRequest "
        "LedgerUnusable NotAsked NotAuthenticated NotFound NotOffered NotPermitted ProviderClosed "
        "QuotaUnavailable RateLimited Refusal TransportError UnreadableReply VendorFault WindowRefused "
        "WouldExceedQuota"
    ),
    "http.retry": "Retry",
    "http.timeouts": "Timeouts",
    "http.transport": "AiohttpTransport Transport",
    "limits": "Limits Plan Rate",
    "message": "Request Response",
    "models.calls": "Call Session",
    "models.columns": "Columns",
    "models.events": "AbnormalExperience Cause Event",
    "models.figures": "Breakdown FIGURES Figures",
    "models.metrics": "METRICS Metric",
    "models.series": "MetricSeries",
    "paging.certificate": "Certificate Clipped NothingToAsk UnreadableRow WindowRead",
    "paging.page": "Page",
    "paging.paginator": "Paginator",
    "provider": "Provider",
    "quota.memory_store": "MemoryStore",
    "quota.open_store": "QuotaNotPersisted",
    "quota.quota": "Quota QuotaState",
    "quota.redis_store": "RedisStore",
    "quota.sqlite_store": "SqliteStore",
    "quota.store": "QuotaStore",
    "receipt": "Budget Receipt",
    "scan": "CallRecord Failure Forecast FreezeFrom Ledger Records Report Since VendorReport scan",
    "scan.report": "IncompleteScan",
    "tencent.provider": "TencentProvider",
    "tencent.sign": "TencentCredentials",
    "tencent.usage": "RoomUsage",
    "timerange": "Last TimeRange",
    "wire": "Asked Reply Vendor",
}
"""Where each name lives. A name is imported when it is first used, so that nobody pays for what they do not use."""
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
