"""Twilio Video as a provider for `agora_tencent_analytics`: rooms and their participants, as Video Insights tells them.

Read on 2026-11-29: https://www.twilio.com/docs/video/troubleshooting/video-log-analyzer-api (Rooms and Participants of
Video Log Analyzer), and Twilio's OpenAPI description of `insights.twilio.com`. Assumed, because neither says so: ten
requests a second are allowed, and one request may cover the whole week for which rooms are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Unpack

from agora_tencent_analytics.vendor import (
    DAY,
    Bounds,
    Call,
    Endpoint,
    EnvironmentVariable,
    Limits,
    NextPage,
    NotAuthenticated,
    Over,
    Packet,
    Paginator,
    Param,
    Plan,
    Provider,
    ProviderOptions,
    Rate,
    Secret,
    Session,
    Structure,
    TimeRange,
    Vendor,
    when,
)

_DOCS = "https://www.twilio.com/docs/video/troubleshooting/video-log-analyzer-api"
_row = partial(Endpoint, vendor="twilio", limits="insights", counter="insights", source=_DOCS, read_on="2026-11-29")

ROOMS = _row(
    name="rooms",
    model=Call,
    path="/v1/Video/Rooms",
    payload="rooms",
    key=("call_id",),
    bounds=Bounds(start="CreatedAfter", end="CreatedBefore", form="iso"),
    params=(Param(name="RoomName"),),
    paging=NextPage(size="PageSize", total="none"),
    next_key="meta.next_page_url",
)
PARTICIPANTS = _row(
    name="participants",
    model=Session,
    path="/v1/Video/Rooms/{RoomSid}/Participants",
    payload="participants",
    key=("session_id",),
    bounds=Bounds(),
    params=(Param(name="RoomSid"),),
    given={"call_id": "RoomSid"},
    paging=NextPage(size="PageSize", total="none"),
    next_key="meta.next_page_url",
)
PLAN = Plan(
    vendor="twilio",
    name="insights",
    rows={
        "insights": Limits(
            rates=(Rate(10, 1),), history_s=7 * DAY, span_s=7 * DAY, page_size=100, inferred="rate, history and span"
        )
    },
    source=_DOCS,
    read_on="2026-11-29",
)


class TwilioVendor(Vendor):
    """How Twilio is spoken to."""

    name = "twilio"
    authentication = "basic"
    codes: ClassVar = {20003: NotAuthenticated}
    structure = Structure(
        {
            Call: {
                "call_id": "room_sid",
                "channel": "room_name",
                "created_ts": when("create_time"),
                "destroyed_ts": when("end_time"),
                "finished": lambda row: row.get("room_status") != "in_progress",
                "peak_users": "max_concurrent_participants",
                "accumulated_users": "unique_participants",
            },
            Session: {
                "session_id": "participant_sid",
                "user_id": "participant_identity",
                "join_ts": when("join_time"),
                "leave_ts": when("leave_time"),
                "finished": lambda row: row.get("status") not in ("in_progress", "connected"),
            },
        }
    )


class TwilioProvider(Provider):
    """Call analytics of one Twilio account.

    Args:
        account_sid: the account, or the SID of an API key.
        auth_token: its token, or the secret of the key.
        base_url: the vendor's host.
        options: as in `Provider`.
    """

    environment: ClassVar = {
        "account_sid": EnvironmentVariable("TWILIO_ACCOUNT_SID", kind="key"),
        "auth_token": EnvironmentVariable("TWILIO_AUTH_TOKEN", kind="secret"),
        "base_url": EnvironmentVariable("TWILIO_BASE_URL", required=False),
    }
    endpoints = (ROOMS, PARTICIPANTS)

    def __init__(
        self,
        *,
        account_sid: str,
        auth_token: str | Secret[str],
        base_url: str = "https://insights.twilio.com",
        **options: Unpack[ProviderOptions],
    ) -> None:
        keys = (account_sid, auth_token)
        super().__init__(vendor=TwilioVendor(), plan=PLAN, base_url=base_url, keys=keys, **options)

    def calls(
        self, over: Over, *, channel: str | None = None, page_size: int | None = None, cursor: str | None = None
    ) -> Paginator[Call]:
        """The rooms that were created in the range."""
        return self.ask(ROOMS, over, RoomName=channel, page_size=page_size, cursor=cursor)

    def sessions(
        self,
        call: Call,
        *,
        users: Sequence[str] | None = None,
        over: TimeRange | None = None,
        cursor: str | None = None,
    ) -> Paginator[Session]:
        """The participants of a room."""
        return self.ask_about(PARTICIPANTS, call, [Packet(params={"RoomSid": call.call_id})], over=over, cursor=cursor)
