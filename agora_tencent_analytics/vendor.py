"""What the author of a vendor from outside needs: every name, from here alone.

A vendor is two tables and a little code. A table of questions, each an `Endpoint`: path, model, how time and pages are
spelt. A table of limits for what a customer has bought, a `Plan`. A `Vendor` that authenticates requests and says what
its fields are called. A `Provider` that answers what is asked. This one is whole::

    ROOMS = Endpoint(
        name="rooms", vendor="acme", model=Call, path="/v1/rooms", payload="rooms", key=("call_id",),
        bounds=Bounds(start="since", end="until"), paging=PageNumber(number="page", size="limit", base=1, total="none"),
        params=(Param(name="name"),), source="https://acme.test/docs", read_on="2026-11-01",
    )
    PLAN = Plan(
        vendor="acme", name="pro", source="https://acme.test/limits", read_on="2026-11-01",
        rows={"rooms": Limits(rates=(Rate(10, 1),), history_s=30 * DAY, span_s=DAY, page_size=100)},
    )

    class AcmeVendor(Vendor):
        name = "acme"
        structure = Structure({Call: {"call_id": "id", "channel": "name", "created_ts": "from", "destroyed_ts": "to"}})
        authentication = "bearer"

    class AcmeProvider(Provider):
        environment = {"token": EnvironmentVariable("ACME_TOKEN", kind="secret")}

        def __init__(self, *, token, **options):
            super().__init__(vendor=AcmeVendor(), plan=PLAN, base_url="https://api.acme.test", keys=token, **options)

        def calls(self, over, *, channel=None, page_size=None, cursor=None):
            return self.ask(ROOMS, over, name=channel, page_size=page_size, cursor=cursor)

Windows, pages, limits, retries, cursors, ledgers and certificates come with it, and so does the command line, once the
distribution has an entry point in the group `agora_tencent_analytics.providers`. `agora_tencent_analytics.testing` has
the tests that every provider must pass. `docs/another-vendor.md` tells the rest.
"""

from __future__ import annotations

from agora_tencent_analytics.access import ProviderOptions
from agora_tencent_analytics.decoding.points import PointForm
from agora_tencent_analytics.decoding.rows import Structure, when
from agora_tencent_analytics.decoding.series import Points, join_series
from agora_tencent_analytics.endpoint import (
    AnyOf,
    Bounds,
    Endpoint,
    Newest,
    NextPage,
    PageNumber,
    Param,
    Unpaged,
)
from agora_tencent_analytics.environment import EnvironmentVariable
from agora_tencent_analytics.errors import (
    BadInput,
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    NotOffered,
    NotPermitted,
    RateLimited,
    Refusal,
    UnreadableReply,
    VendorFault,
    WindowRefused,
)
from agora_tencent_analytics.http.credentials import fixed_credentials
from agora_tencent_analytics.limits import DAY, HOUR, MINUTE, SECOND, Limits, Plan, Rate, find_plan
from agora_tencent_analytics.message import Request, Response
from agora_tencent_analytics.models.calls import Call, Session, unsigned
from agora_tencent_analytics.models.columns import Columns
from agora_tencent_analytics.models.events import AbnormalExperience, Cause, Event
from agora_tencent_analytics.models.figures import FIGURES, Breakdown, Figures
from agora_tencent_analytics.models.metrics import METRICS, Metric
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.paging.paginator import Paginator
from agora_tencent_analytics.paging.question import Over, Question, Questions, over_range, resolve, users_of
from agora_tencent_analytics.paging.stays import Packet, packed
from agora_tencent_analytics.provider import QUALITY, USAGE, Every, Provider
from agora_tencent_analytics.secret import Secret, secret
from agora_tencent_analytics.timerange import Last, TimeRange
from agora_tencent_analytics.wire import Asked, Reply, Vendor

__all__ = [
    "DAY",
    "FIGURES",
    "HOUR",
    "METRICS",
    "MINUTE",
    "QUALITY",
    "SECOND",
    "USAGE",
    "AbnormalExperience",
    "AnyOf",
    "Asked",
    "BadInput",
    "Bounds",
    "Breakdown",
    "Call",
    "Cause",
    "Columns",
    "Endpoint",
    "EnvironmentVariable",
    "Event",
    "Every",
    "Figures",
    "InvalidRequest",
    "Last",
    "Limits",
    "Metric",
    "MetricSeries",
    "Newest",
    "NextPage",
    "NotAuthenticated",
    "NotFound",
    "NotOffered",
    "NotPermitted",
    "Over",
    "Packet",
    "PageNumber",
    "Paginator",
    "Param",
    "Plan",
    "PointForm",
    "Points",
    "Provider",
    "ProviderOptions",
    "Question",
    "Questions",
    "Rate",
    "RateLimited",
    "Refusal",
    "Reply",
    "Request",
    "Response",
    "Secret",
    "Session",
    "Structure",
    "TimeRange",
    "Unpaged",
    "UnreadableReply",
    "Vendor",
    "VendorFault",
    "WindowRefused",
    "find_plan",
    "fixed_credentials",
    "join_series",
    "over_range",
    "packed",
    "resolve",
    "secret",
    "unsigned",
    "users_of",
    "when",
]
