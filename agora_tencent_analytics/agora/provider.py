"""`AgoraProvider`: Agora Analytics as a `Provider`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, Unpack

import msgspec

from agora_tencent_analytics.access import ProviderOptions
from agora_tencent_analytics.agora import plans
from agora_tencent_analytics.agora.auth import AgoraCredentials
from agora_tencent_analytics.agora.call_details import details_questions
from agora_tencent_analytics.agora.endpoints import GENERATION_ENDPOINTS, SIDS, UIDS
from agora_tencent_analytics.agora.figures.ask import ask_figures, those_had, whole, whole_buckets
from agora_tencent_analytics.agora.figures.decode import grid_of
from agora_tencent_analytics.agora.variables import VARIABLES
from agora_tencent_analytics.agora.wire import HOSTS, AgoraVendor
from agora_tencent_analytics.decoding.series import join_series
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.errors import BadInput, NotOffered
from agora_tencent_analytics.http.credentials import fixed_credentials
from agora_tencent_analytics.limits import Limits, Plan
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.events import AbnormalExperience
from agora_tencent_analytics.models.figures import Figures
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.paging.paginator import Paginator
from agora_tencent_analytics.paging.question import Over, Question, Questions, over_range, users_of
from agora_tencent_analytics.paging.stays import Packet, packed
from agora_tencent_analytics.provider import QUALITY, USAGE, Every, Provider
from agora_tencent_analytics.secret import Secret
from agora_tencent_analytics.timerange import TimeRange


class AgoraArguments(ProviderOptions, total=False):
    """The arguments of `AgoraProvider`, each of which `from_env` takes instead of a variable."""

    app_id: str
    customer_id: str
    customer_secret: str
    plan: plans.PlanName | Plan
    base_url: str | Sequence[str]
    api: plans.Generation
    server_users: bool
    credentials: Callable[[], Awaitable[AgoraCredentials]]
    account: str


class AgoraProvider(Provider):
    """Call analytics of one Agora project.

    Source: https://docs.agora.io/en/agora-analytics/reference/api (read 2026-09-14).

    What is Agora's own: `calls` asks `call/lists`, `sessions` asks `call/sessions`, `metrics` asks `call/metrics` for
    20 sessions at a time. In March 2021 `call/details` answers both, and shows the ten users of a window who joined
    last: up to 40 windows are chosen by who was there when, and what they could not show is in the certificate.
    `abnormal_experiences` is `live/diagnosis`, in March 2021 only; it knows no channels: what other channels had is
    left out here. `usage` asks `insight/usage/by_time` for each metric, `quality` asks `insight/quality/by_time` for
    each metric and product (`"Native"`, `"WebRTC"`): all of them are ten requests; the figures of just now come from
    `realtime/usage/by_time_20sec` and `realtime/quality/by_time_20sec`. A bucket belongs to the range that holds its
    stamp; the vendor's days begin at midnight of UTC or of UTC+8. There is no `events`. Rows of another generation than
    `api` are not offered.

    Args:
        app_id: App ID of the project.
        customer_id: Customer ID of the RESTful API.
        customer_secret: Customer Secret of the RESTful API.
        plan: `"starter"`, `"standard"`, `"premium"` or `"enterprise"`, or a `Plan`, for example the part of one
            that other clients leave (`Plan.share`), or what `plans.find` makes of text from a configuration. There is
            no default: a wrong guess costs a day's quota.
        base_url: the vendor's host; for mainland China `https://api.sd-rtn.com`. Both, in the order of your choice,
            stand in for each other when one cannot be reached. That is not the default: the vendor divides them by
            region, and does not say that questions may leave theirs.
        api: generation of the API: `"2024"`, or one that the vendor spoke before: `"2022"`, `"2021-07"`, `"2021-03"`.
        server_users: False leaves out what the vendor takes for servers: every user on Linux, recorders and
            bots among them. The vendor does so unless told otherwise; this library does not.
        credentials: instead of fixed keys, an async function that gives `AgoraCredentials`; needs `account`.
        account: names the quota, with app and host; by default the customer id.
        options: `quota`, `store`, `merge`, `reserve`, `session`, `transport`, `retry`, `timeouts`, `hooks` as in
            `Provider`.

    Raises:
        BadInput: something is missing, malformed or unknown, or the account is in use with another plan.
    """

    environment = VARIABLES

    def __init__(
        self,
        *,
        app_id: str,
        customer_id: str | None = None,
        customer_secret: str | Secret[str] | None = None,
        plan: plans.PlanName | Plan,
        base_url: str | Sequence[str] = HOSTS[0],
        api: plans.Generation = "2024",
        server_users: bool = True,
        credentials: Callable[[], Awaitable[AgoraCredentials]] | None = None,
        account: str | None = None,
        **options: Unpack[ProviderOptions],
    ) -> None:
        if not isinstance(app_id, str) or not app_id or not app_id.isalnum():
            raise BadInput("app_id must be the project's App ID, letters and digits only")
        if not isinstance(server_users, bool):
            raise BadInput(f"server_users must be True or False, not {server_users!r}")
        found = plans.find(plan, api=api)
        if credentials is None:
            keys = AgoraCredentials(customer_id=customer_id, customer_secret=customer_secret)  # type: ignore[arg-type]  # checked by its validators
            credentials = fixed_credentials(keys, account=keys.customer_id)
        elif customer_id is not None or customer_secret is not None:
            raise BadInput("pass either customer_id and customer_secret, or credentials=, not both")
        self._server_users = server_users
        self._api = api
        self._rows = GENERATION_ENDPOINTS[api]
        self.endpoints: Sequence[Endpoint[Any]] = tuple(self._rows.values())
        super().__init__(
            vendor=AgoraVendor(),
            app_id=app_id,
            plan=found,
            base_url=base_url,
            credentials=credentials,
            account=account,
            **options,
        )

    if TYPE_CHECKING:  # `Provider` has it; here it is told which arguments there are

        @classmethod
        def from_env(  # pyright: ignore[reportIncompatibleMethodOverride]  # what is unpacked here has all keys of there
            cls, environ: Mapping[str, str] | None = None, **options: Unpack[AgoraArguments]
        ) -> Self: ...

    def limits(self, row: Endpoint[Any]) -> Limits:
        mine = isinstance(row, Endpoint) and row.vendor == self.name
        if mine and row.generation != self._api and row.generation in GENERATION_ENDPOINTS:
            raise NotOffered(
                f"{row.name} of {row.generation} was asked of an API of {self._api}; pass api= to the provider",
                endpoint=row.name,
            )
        return super().limits(row)

    def calls(
        self, over: Over, *, channel: str | None = None, page_size: int | None = None, cursor: str | None = None
    ) -> Paginator[Call]:
        return self.ask(self._row("call/lists"), over, page_size=page_size, cursor=cursor, cname=channel)

    def sessions(
        self,
        call: Call,
        *,
        users: Sequence[str] | None = None,
        over: TimeRange | None = None,
        cursor: str | None = None,
    ) -> Paginator[Session]:
        servers = {"exclude_server_user": not self._server_users}
        wanted = users_of(users, UIDS)
        if "call/sessions" in self._rows:
            packets = [
                Packet(params={"call_id": call.call_id, "uids": uids, **servers}, some=uids is not None)
                for uids in wanted
            ]
            return self.ask_about(self._row("call/sessions"), call, packets, over=over, cursor=cursor)
        everybody = Packet(params={"call_id": call.call_id, "exclude_metrics_info": True, **servers})
        return self.ask_about(self._row("call/details"), call, [everybody], over=over, cursor=cursor)

    def metrics(
        self,
        call: Call,
        sessions: Iterable[Session],
        *,
        over: TimeRange | None = None,
        cursor: str | None = None,
    ) -> Paginator[MetricSeries]:
        found = list(sessions)
        users = {session.session_id: session.user_id for session in found}

        def merge(pieces: Sequence[MetricSeries]) -> list[MetricSeries]:
            mine = (one for one in pieces if one.session_id in users)
            return join_series(one.of_session(one.session_id, users[one.session_id], one.columns) for one in mine)

        if "call/metrics" not in self._rows:
            row = self._row("call/details with metrics")
            params = {"call_id": call.call_id, "exclude_server_user": not self._server_users}
            questions = details_questions(row, self.limits(row), call, found, over, params)
            return self.walk(questions, merge=merge, cursor=cursor)
        packets = [
            Packet(params={"call_id": call.call_id, "sids": [one.session_id for one in packet]}, sessions=packet)
            for packet in packed(found, SIDS)
        ]
        return self.ask_about(self._row("call/metrics"), call, packets, over=over, merge=merge, cursor=cursor)

    def sessions_with_metrics(self, call: Call, *, over: TimeRange | None = None) -> Paginator[MetricSeries] | None:
        if "call/details with metrics" not in self._rows:
            return None
        everybody = Packet(params={"call_id": call.call_id, "exclude_server_user": not self._server_users})
        return self.ask_about(self._row("call/details with metrics"), call, [everybody], over=over)

    def abnormal_experiences(self, over: Over, *, channel: str | None = None) -> Paginator[AbnormalExperience]:
        return self.ask(self._row("live/diagnosis"), over)

    def usage(self, over: Over, *, metrics: Sequence[str] = USAGE, every: Every = "day") -> Paginator[Figures]:
        return self._figures("usage", over, metrics, every=every)

    def quality(
        self, over: Over, *, metrics: Sequence[str] = QUALITY, every: Every = "day", product: str | None = None
    ) -> Paginator[Figures]:
        return self._figures("quality", over, metrics, every=every, product=product)

    def realtime_usage(
        self, over: Over, *, metrics: Sequence[str] = USAGE, channel: str | None = None, product: str | None = None
    ) -> Paginator[Figures]:
        return self._figures("realtime_usage", over, metrics, channel=channel, product=product)

    def realtime_quality(
        self, over: Over, *, metrics: Sequence[str] = QUALITY, channel: str | None = None, product: str | None = None
    ) -> Paginator[Figures]:
        return self._figures("realtime_quality", over, metrics, channel=channel, product=product)

    def _row(self, name: str) -> Endpoint[Any]:
        row = self._rows.get(name)
        if row is None:
            raise NotOffered(f"Agora's API of {self._api} has no {name}", endpoint=name)
        return row

    def _figures(self, question: str, over: Over, metrics: Sequence[str], **narrowed: Any) -> Paginator[Figures]:
        if metrics is USAGE or metrics is QUALITY:  # nobody named them: what an older generation lacks is left out
            metrics = those_had(self._rows, question, metrics)
        asked = [
            _in_buckets(over_range(row, self.limits(row), over, params))
            for row, params in ask_figures(self._rows, question, metrics, **narrowed)
        ]

        def questions(now: float, latest: float) -> Iterator[Question]:
            for part in asked:
                yield from part(now, latest)

        def merge(pieces: Sequence[Figures]) -> list[Figures]:
            return whole(question, pieces, self.now())

        return self.walk(questions, merge=merge)


def _in_buckets(questions: Questions) -> Questions:
    """The same questions about whole buckets; none about a range in which no bucket begins."""

    def whole(now: float, latest: float) -> Iterator[Question]:
        for question in questions(now, latest):
            grid = grid_of(question.row) or 1
            pieces = (whole_buckets(piece, grid, question.limits) for piece in question.over)
            kept = tuple(piece for piece in pieces if piece is not None)
            if kept:
                yield msgspec.structs.replace(question, over=kept)

    return whole
