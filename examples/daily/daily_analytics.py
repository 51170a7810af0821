"""Daily.co as a provider for `agora_tencent_analytics`: meetings, their participants, and metrics.

Read on 2026-11-29: https://docs.daily.co/reference/rest-api (authentication, errors, limits), and below it
meetings/list-meetings, meetings/get-participants and logs/list-logs. What a row of metrics holds is not on these
pages; it was read from the example of https://www.daily.co/blog/the-logs-endpoint-and-beyond/.

Assumed, because no page says so: meetings are kept for 180 days and logs for 30; a request may cover all of that; a
page of logs may have 100 records; participants are told in the meeting's row, all of them, once it has ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Unpack

from agora_tencent_analytics.vendor import (
    DAY,
    Bounds,
    Call,
    Endpoint,
    EnvironmentVariable,
    InvalidRequest,
    Limits,
    MetricSeries,
    NextPage,
    NotAuthenticated,
    Over,
    Packet,
    PageNumber,
    Paginator,
    Param,
    Plan,
    Points,
    Provider,
    ProviderOptions,
    Rate,
    Secret,
    Session,
    Structure,
    TimeRange,
    Vendor,
    join_series,
)

_DOCS = "https://docs.daily.co/reference/rest-api"
_row = partial(Endpoint, vendor="daily", counter="api", read_on="2026-11-29")

MEETINGS = _row(
    name="meetings",
    model=Call,
    path="/v1/meetings",
    payload="data",
    key=("call_id",),
    bounds=Bounds(start="timeframe_start", end="timeframe_end"),
    params=(Param(name="room"),),
    paging=NextPage(send="starting_after", size="limit", last=True),
    total_key="total_count",
    sessions_key="participants",
    source=f"{_DOCS}/meetings/list-meetings",
)
PARTICIPANTS = _row(
    name="participants",
    model=Session,
    path="/v1/meetings/{meeting}/participants",
    payload="data",
    key=("session_id",),
    bounds=Bounds(),
    params=(Param(name="meeting"),),
    given={"call_id": "meeting"},
    paging=NextPage(send="joined_after", size="limit", last=True),
    source=f"{_DOCS}/meetings/get-participants",
)
METRICS = _row(
    name="metrics",
    model=MetricSeries,
    path="/v1/logs",
    payload="metrics",
    bounds=Bounds(start="startTime", end="endTime", form="milliseconds"),
    params=(Param(name="mtgSessionId", required=True),),
    fixed={"includeLogs": False, "includeMetrics": True, "order": "ASC"},
    given={"call_id": "mtgSessionId"},
    paging=PageNumber(number="offset", size="limit", base=0, total="none", offset=True),
    points=Points(
        at="time",
        session="userSessionId",
        metrics={
            "videoRecvPacketLoss": ("video_downlink_loss", 100.0),
            "userRecvBitsPerSecAvg": ("daily.receive_bitrate", 0.001),
            "userSentBitsPerSecAvg": ("daily.send_bitrate", 0.001),
        },
    ),
    source=f"{_DOCS}/logs/list-logs",
)
_RATES = (Rate(20, 1), Rate(100, 5))
_CALLS = Limits(rates=_RATES, history_s=180 * DAY, span_s=180 * DAY, page_size=100, inferred="history and span")
_LOGS = Limits(rates=_RATES, history_s=30 * DAY, span_s=30 * DAY, page_size=100, inferred="history, span, page size")
_LIMITS = {"meetings": _CALLS, "participants": _CALLS, "metrics": _LOGS}
PLAN = Plan(vendor="daily", name="standard", rows=_LIMITS, source=_DOCS, read_on="2026-11-29")


def _left(row: Mapping[str, Any]) -> int | None:
    return None if row.get("ongoing") else row.get("start_time", row.get("join_time")) + row["duration"]


class DailyVendor(Vendor):
    """How Daily.co is spoken to."""

    name = "daily"
    authentication = "bearer"
    code_key = "error"
    message_key = "info"
    codes: ClassVar = {"authentication-error": NotAuthenticated, "invalid-request-error": InvalidRequest}
    structure = Structure(
        {
            Call: {
                "call_id": "id",
                "channel": "room",
                "created_ts": "start_time",
                "destroyed_ts": _left,
                "finished": lambda row: not row.get("ongoing"),
                "peak_users": "max_participants",
            },
            Session: {
                "session_id": "participant_id",
                "join_ts": "join_time",
                "leave_ts": _left,
                "account": "user_name",
            },
        }
    )


class DailyProvider(Provider):
    """Call analytics of one Daily.co domain.

    Args:
        api_key: the domain's API key.
        base_url: the vendor's host.
        options: as in `Provider`.
    """

    environment: ClassVar = {
        "api_key": EnvironmentVariable("DAILY_API_KEY", kind="secret"),
        "base_url": EnvironmentVariable("DAILY_BASE_URL", required=False),
    }
    endpoints = (MEETINGS, PARTICIPANTS, METRICS)

    def __init__(
        self, *, api_key: str | Secret[str], base_url: str = "https://api.daily.co", **options: Unpack[ProviderOptions]
    ) -> None:
        super().__init__(vendor=DailyVendor(), plan=PLAN, base_url=base_url, keys=api_key, **options)

    def calls(
        self, over: Over, *, channel: str | None = None, page_size: int | None = None, cursor: str | None = None
    ) -> Paginator[Call]:
        """The meetings that began in the range, newest first."""
        return self.ask(MEETINGS, over, room=channel, page_size=page_size, cursor=cursor)

    def sessions(
        self,
        call: Call,
        *,
        users: Sequence[str] | None = None,
        over: TimeRange | None = None,
        cursor: str | None = None,
    ) -> Paginator[Session]:
        """The participants of a meeting: of one that has ended, from its own row."""
        return self.ask_about(PARTICIPANTS, call, [Packet(params={"meeting": call.call_id})], over=over, cursor=cursor)

    def metrics(
        self, call: Call, sessions: Iterable[Session], *, over: TimeRange | None = None, cursor: str | None = None
    ) -> Paginator[MetricSeries]:
        """Every series of these participants: one question for the whole meeting."""
        asked = [Packet(params={"mtgSessionId": call.call_id}, sessions=list(sessions))]
        return self.ask_about(METRICS, call, asked, over=over, merge=join_series, cursor=cursor)
