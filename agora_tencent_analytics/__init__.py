"""Read call analytics from Agora Analytics and Tencent RTC: every call once, none lost, no refused request.

The names listed in `__all__`, the subpackages `scan` and `simulator`, the modules `notices`, `otel` and `runtime.store`
(for a quota store of your own) and the tables in `agora.endpoints`, `agora.plans`, `tencent.endpoints` and
`tencent.plans` are the public contract.
"""

from __future__ import annotations

from agora_tencent_analytics._version import __version__
from agora_tencent_analytics.agora.auth import AgoraCredentials
from agora_tencent_analytics.agora.provider import AgoraProvider
from agora_tencent_analytics.certificate import Certificate, Clipped, WindowRead
from agora_tencent_analytics.columns import Columns, PointForm
from agora_tencent_analytics.endpoint import AnyOf, Bounds, Endpoint, Newest, PageNumber, Param, Unpaged
from agora_tencent_analytics.environment import EnvironmentVariable
from agora_tencent_analytics.errors import (
    AnalyticsError,
    BadInput,
    BudgetSpent,
    DailyQuotaExhausted,
    IncompleteScan,
    InvalidRequest,
    LedgerUnusable,
    NotAsked,
    NotAuthenticated,
    NotFound,
    NothingToAsk,
    NotOffered,
    NotPermitted,
    QuotaUnavailable,
    RateLimited,
    Refusal,
    TransportError,
    UnreadableReply,
    VendorFault,
    WindowRefused,
    WouldExceedQuota,
)
from agora_tencent_analytics.events import AbnormalExperience, Cause, Event
from agora_tencent_analytics.figures import FIGURES, Breakdown, Figures
from agora_tencent_analytics.limits import Limits, Plan, Rate
from agora_tencent_analytics.message import Request, Response
from agora_tencent_analytics.metrics import METRICS, Metric
from agora_tencent_analytics.models import Call, Session
from agora_tencent_analytics.page import Page
from agora_tencent_analytics.provider import Provider, ProviderOptions, fixed_credentials
from agora_tencent_analytics.receipt import Budget, Receipt
from agora_tencent_analytics.retry import Retry
from agora_tencent_analytics.runtime.memory_store import MemoryStore
from agora_tencent_analytics.runtime.open_store import QuotaNotPersisted
from agora_tencent_analytics.runtime.paginator import Paginator
from agora_tencent_analytics.runtime.quota import Quota
from agora_tencent_analytics.runtime.quota_state import QuotaState
from agora_tencent_analytics.runtime.redis_store import RedisStore
from agora_tencent_analytics.runtime.sqlite_store import SqliteStore
from agora_tencent_analytics.runtime.store import QuotaStore
from agora_tencent_analytics.runtime.terms import asking
from agora_tencent_analytics.runtime.transport import AiohttpTransport, Timeouts, Transport
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
from agora_tencent_analytics.series import MetricSeries
from agora_tencent_analytics.structure import Structure
from agora_tencent_analytics.tencent.provider import TencentProvider
from agora_tencent_analytics.tencent.sign import TencentCredentials
from agora_tencent_analytics.tencent.usage import RoomUsage
from agora_tencent_analytics.timerange import Last, TimeRange
from agora_tencent_analytics.vendor import Asked, Reply, Vendor

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
    "Vendor",
    "VendorFault",
    "VendorReport",
    "WindowRead",
    "WindowRefused",
    "WouldExceedQuota",
    "__version__",
    "asking",
    "fixed_credentials",
    "scan",
]
