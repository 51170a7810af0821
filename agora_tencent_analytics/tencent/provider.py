"""`TencentProvider`: Tencent RTC as a `Provider`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple, Self, Unpack

from agora_tencent_analytics.access import ProviderOptions
from agora_tencent_analytics.decoding.series import join_series
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.errors import BadInput, NotOffered
from agora_tencent_analytics.http.credentials import fixed_credentials
from agora_tencent_analytics.limits import Plan
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.events import AbnormalExperience, Event
from agora_tencent_analytics.models.figures import Figures
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.paging.paginator import Paginator
from agora_tencent_analytics.paging.question import Over, Question, over_range, resolve, users_of
from agora_tencent_analytics.paging.stays import Packet, packed
from agora_tencent_analytics.provider import QUALITY, USAGE, Every, Provider
from agora_tencent_analytics.secret import Secret
from agora_tencent_analytics.tencent import plans
from agora_tencent_analytics.tencent.endpoints import (
    CALL_DETAIL_METRICS,
    MARKET_QUALITY,
    MARKET_SCALE,
    REALTIME_QUALITY,
    REALTIME_SCALE,
    ROOM_INFO,
    UNUSUAL_EVENT,
    USER_EVENT,
    USER_INFO,
    USERS_WITH_METRICS,
)
from agora_tencent_analytics.tencent.figures import checked_metrics, period, whole
from agora_tencent_analytics.tencent.sign import TencentCredentials
from agora_tencent_analytics.tencent.variables import VARIABLES
from agora_tencent_analytics.tencent.wire import HOST, TencentVendor
from agora_tencent_analytics.timerange import TimeRange

_USERS = 100


class TencentArguments(ProviderOptions, total=False):
    """The arguments of `TencentProvider`, each of which `from_env` takes instead of a variable."""

    sdk_app_id: int | str
    secret_id: str
    secret_key: str
    token: str
    plan: plans.PlanName | Plan
    region: str
    base_url: str | Sequence[str]
    credentials: Callable[[], Awaitable[TencentCredentials]]
    account: str


class TencentProvider(Provider):
    """Call analytics of one Tencent RTC application.

    Source: https://www.tencentcloud.com/document/product/647/34260 and the pages of the actions (read 2026-08-21).

    What is Tencent's own: `calls` asks `DescribeRoomInfo`, `sessions` asks `DescribeUserInfo`, `metrics` asks
    `DescribeCallDetailInfo` for 6 users at a time. The vendor's series know the user only: a point goes to the stay
    that contains it, and what fits none of the stays given is counted in `MetricSeries.outside` of the user's first
    one. `events` asks `DescribeUserEvent` user by user: what happened between two stays comes too, and not sorted by
    time. `abnormal_experiences` is `DescribeUnusualEvent`, which shows any 20 of an hour. `usage` (also of `peak_*`)
    asks `DescribeTRTCMarketScaleData` and `quality` `DescribeTRTCMarketQualityData`, with decimals: days begin at
    midnight of UTC+8, and a bucket belongs to the range if it begins in it. The figures of just now come from
    `DescribeTRTCRealTimeScaleData` and `DescribeTRTCRealTimeQualityData`: of quality `audio_freeze` and `video_freeze`
    alone, in whole percents. It does not tell products apart.

    Args:
        sdk_app_id: SdkAppId of the application.
        secret_id: SecretId of the API key.
        secret_key: SecretKey of the API key.
        token: token of temporary (STS) credentials.
        plan: mainland dashboard `"free"`, `"basic"`, `"advanced"`; mainland monthly package `"premium"`,
            `"flagship"`; international `"intl-standard"`, `"intl-premium"`; or a `Plan`, for example the part of
            one that other clients leave (`Plan.share`), or what `plans.find` makes of text from a configuration.
            There is no default: a wrong guess loses data.
        region: value of `X-TC-Region`; the vendor's pages name `REGIONS`, any other text is passed on.
        base_url: the vendor's host; international: `https://trtc.intl.tencentcloudapi.com`. Of a list, say with
            a regional host after it, the next stands in for one that cannot be reached.
        credentials: instead of fixed keys, an async function that gives `TencentCredentials`; needs `account`.
        account: names the quota, with app and host; by default the secret id.
        options: `quota`, `store`, `merge`, `reserve`, `session`, `transport`, `retry`, `timeouts`, `hooks` as in
            `Provider`.

    Raises:
        BadInput: something is missing, malformed or unknown, or the account is in use with another plan.
    """

    endpoints: Sequence[Endpoint[Any]] = (
        *(ROOM_INFO, USER_INFO, CALL_DETAIL_METRICS, USER_EVENT, UNUSUAL_EVENT),
        *(MARKET_SCALE, MARKET_QUALITY, REALTIME_SCALE, REALTIME_QUALITY),
    )

    environment = VARIABLES

    def __init__(
        self,
        *,
        sdk_app_id: int | str,
        secret_id: str | None = None,
        secret_key: str | Secret[str] | None = None,
        token: str | Secret[str] | None = None,
        plan: plans.PlanName | Plan,
        region: str,
        base_url: str | Sequence[str] = HOST,
        credentials: Callable[[], Awaitable[TencentCredentials]] | None = None,
        account: str | None = None,
        **options: Unpack[ProviderOptions],
    ) -> None:
        number = str(sdk_app_id)
        if not (number.isascii() and number.isdigit()) or isinstance(sdk_app_id, bool):
            raise BadInput(f"sdk_app_id must be the application's number, like 1400000000, not {sdk_app_id!r}")
        if not isinstance(region, str) or not region or not region.replace("-", "").isalnum() or not region.isascii():
            raise BadInput(f"region must be a region's name, like ap-singapore, not {region!r}")
        found = plans.find(plan)
        if credentials is None:
            keys = TencentCredentials(secret_id=secret_id, secret_key=secret_key, token=token)  # type: ignore[arg-type]  # checked by its validators
            credentials = fixed_credentials(keys, account=keys.secret_id)
        elif secret_id is not None or secret_key is not None or token is not None:
            raise BadInput("pass either secret_id and secret_key, or credentials=, not both")
        super().__init__(
            vendor=TencentVendor(region),
            app_id=int(number),
            plan=found,
            base_url=base_url,
            credentials=credentials,
            account=account,
            **options,
        )

    if TYPE_CHECKING:  # `Provider` has it; here it is told which arguments there are

        @classmethod
        def from_env(  # pyright: ignore[reportIncompatibleMethodOverride]  # what is unpacked here has all keys of there
            cls, environ: Mapping[str, str] | None = None, **options: Unpack[TencentArguments]
        ) -> Self: ...

    def calls(
        self, over: Over, *, channel: str | None = None, page_size: int | None = None, cursor: str | None = None
    ) -> Paginator[Call]:
        return self.ask(ROOM_INFO, over, page_size=page_size, cursor=cursor, RoomId=channel)

    def sessions(
        self,
        call: Call,
        *,
        users: Sequence[str] | None = None,
        over: TimeRange | None = None,
        cursor: str | None = None,
    ) -> Paginator[Session]:
        packets = [
            Packet(params={"CommId": call.call_id, "UserIds": ids}, some=ids is not None)
            for ids in users_of(users, _USERS)
        ]
        return self.ask_about(USER_INFO, call, packets, over=over, cursor=cursor)

    def metrics(
        self,
        call: Call,
        sessions: Iterable[Session],
        *,
        over: TimeRange | None = None,
        cursor: str | None = None,
    ) -> Paginator[MetricSeries]:
        by_user = _by_user(sessions)
        packets = [
            Packet(
                params={"CommId": call.call_id, "UserIds": users, "DataType": ["all"]},
                sessions=[session for user in users for session in by_user[user]],
            )
            for users in packed(by_user, USERS_WITH_METRICS)
        ]

        stays = {user: _stays(of_user) for user, of_user in by_user.items()}

        def merge(pieces: Sequence[MetricSeries]) -> list[MetricSeries]:
            return [part for whole in join_series(pieces) for part in _by_stay(whole, stays[whole.user_id])]

        return self.ask_about(CALL_DETAIL_METRICS, call, packets, over=over, merge=merge, cursor=cursor)

    def sessions_with_metrics(self, call: Call, *, over: TimeRange | None = None) -> Paginator[MetricSeries] | None:
        everybody = Packet(params={"CommId": call.call_id, "DataType": ["all"]})
        return self.ask_about(CALL_DETAIL_METRICS, call, [everybody], over=over)

    def events(self, call: Call, sessions: Iterable[Session], *, over: TimeRange | None = None) -> Paginator[Event]:
        packets = [
            Packet(params={"CommId": call.call_id, "UserId": user, "RoomId": call.channel}, sessions=stays)
            for user, stays in _by_user(sessions).items()
        ]
        return self.ask_about(USER_EVENT, call, packets, over=over)

    def abnormal_experiences(self, over: Over, *, channel: str | None = None) -> Paginator[AbnormalExperience]:
        return self.ask(UNUSUAL_EVENT, over, RoomId=channel)

    def usage(self, over: Over, *, metrics: Sequence[str] = USAGE, every: Every = "day") -> Paginator[Figures]:
        return self._figures(MARKET_SCALE, over, metrics, Period=period(every))

    def quality(
        self, over: Over, *, metrics: Sequence[str] = QUALITY, every: Every = "day", product: str | None = None
    ) -> Paginator[Figures]:
        return self._figures(MARKET_QUALITY, over, metrics, product=product, Period=period(every), IsFloat=True)

    def realtime_usage(
        self, over: Over, *, metrics: Sequence[str] = USAGE, channel: str | None = None, product: str | None = None
    ) -> Paginator[Figures]:
        return self._figures(REALTIME_SCALE, over, metrics, product=product, RoomId=channel)

    def realtime_quality(
        self,
        over: Over,
        *,
        metrics: Sequence[str] = ("audio_freeze", "video_freeze"),
        channel: str | None = None,
        product: str | None = None,
    ) -> Paginator[Figures]:
        return self._figures(REALTIME_QUALITY, over, metrics, product=product, RoomId=channel)

    def _figures(
        self, row: Endpoint[Figures], over: Over, metrics: Sequence[str], *, product: str | None = None, **params: Any
    ) -> Paginator[Figures]:
        limits, metrics = self.limits(row), checked_metrics(row, metrics)
        if product is not None:
            raise NotOffered(f"tencent does not tell products apart, so not {product!r}", endpoint=row.name)
        ask = over_range(row, limits, over, [params])
        kept: list[TimeRange] = []

        def questions(now: float, latest: float) -> Iterable[Question]:
            # The walk asks for whole days of the vendor's; what begins outside the caller's range is dropped.
            kept[:] = [resolve(over, now)]
            return ask(now, latest)

        def merge(pieces: Sequence[Figures]) -> list[Figures]:
            return whole(pieces, metrics, kept[0])

        return self.walk(questions, merge=merge)


_EVER = 1 << 62


def _by_user(sessions: Iterable[Session]) -> dict[str, list[Session]]:
    by_user: dict[str, list[Session]] = {}
    for session in sessions:
        by_user.setdefault(session.user_id, []).append(session)
    return by_user


_Spans = tuple[tuple[int, int], ...]


class _Stays(NamedTuple):
    """When (from, and to, excluded) the points of a user are of which stay."""

    own: Mapping[str, _Spans]
    beside: _Spans
    """When they are of none."""


def _stays(stays: list[Session]) -> _Stays:
    """When points are of which stay of a user: of that which contains them, of several the last to begin.

    A stay whose row has no end after its beginning lasts until the next. Of several that begin as one, as those whose
    beginning is not known, the first to end has what it contains.

    Args:
        stays: of one user, in order of joining.
    """
    ends = [
        stay.leave_ts + 1
        if stay.leave_ts is not None and stay.leave_ts > stay.join_ts
        else max(stay.join_ts + 1, _EVER if following is None else following.join_ts)
        for stay, following in zip_longest(stays, stays[1:])
    ]
    latest_first = sorted(zip(stays, ends, strict=True), key=lambda own: (-own[0].join_ts, own[1]))
    own: dict[str, _Spans] = {}
    beside: _Spans = ()
    for span in pairwise(sorted({0, _EVER, *ends, *(stay.join_ts for stay in stays)})):
        owner = next((stay.session_id for stay, last in latest_first if stay.join_ts <= span[0] < last), None)
        if owner is None:
            beside = (*beside, span)
        else:
            own[owner] = (*own.get(owner, ()), span)
    return _Stays(own, beside)


def _by_stay(series: MetricSeries, stays: _Stays) -> Iterable[MetricSeries]:
    """One user's series, cut into the user's stays; what is of none is with the first."""
    whole = series.columns
    found: list[MetricSeries] = []
    for session_id, spans in stays.own.items():
        first = not found
        spare = (whole.within(stays.beside),) if first else ()
        found.append(series.of_session(session_id, series.user_id, whole.within(spans, counts=first), spare))
    return found
