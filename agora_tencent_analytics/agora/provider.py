"""`AgoraProvider`: Agora Analytics as a `Provider`."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Self

import attrs

from agora_tencent_analytics.agora.auth import AgoraCredentials
from agora_tencent_analytics.agora.endpoints import (
    CALL_LISTS_2024,
    CALL_METRICS_2024,
    CALL_SESSIONS_2024,
    SIDS,
    UIDS,
)
from agora_tencent_analytics.agora.plans import PLANS
from agora_tencent_analytics.agora.wire import HOSTS, AgoraVendor
from agora_tencent_analytics.environment import from_environment
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.limits import find_plan
from agora_tencent_analytics.models import Call, Session
from agora_tencent_analytics.provider import Over, Provider
from agora_tencent_analytics.runtime.paginator import Paginator
from agora_tencent_analytics.series import Columns, MetricSeries
from agora_tencent_analytics.stays import Packet, packed
from agora_tencent_analytics.timerange import TimeRange

__all__ = ["AgoraProvider"]

GENERATIONS = ("2024",)


class AgoraProvider(Provider):
    """Call analytics of one Agora project.

    Source: https://docs.agora.io/en/agora-analytics/reference/api (read 2026-09-14).

    Args:
        app_id: App ID of the project.
        customer_id: Customer ID of the RESTful API.
        customer_secret: Customer Secret of the RESTful API.
        plan: `"starter"`, `"standard"`, `"premium"` or `"enterprise"`. There is no default: a wrong guess
            costs a day's quota.
        base_url: the vendor's host; for mainland China `https://api.sd-rtn.com`.
        api: generation of the API.
        server_users: False leaves out what the vendor takes for servers: every user on Linux, recorders and
            bots among them. The vendor does so unless told otherwise; this library does not.
        credentials: instead of fixed keys, an async callable that gives `AgoraCredentials`; needs `account`.
        account: names the quota; by default the customer id.
        options: `quota`, `store`, `merge`, `session`, `transport`, `retry`, `timeouts` as in `Provider`.

    Raises:
        BadInput: something is missing, malformed or unknown, or the account is in use with another plan.
    """

    endpoints = (CALL_LISTS_2024, CALL_SESSIONS_2024, CALL_METRICS_2024)

    def __init__(
        self,
        *,
        app_id: str,
        customer_id: str | None = None,
        customer_secret: str | None = None,
        plan: str,
        base_url: str = HOSTS[0],
        api: str = "2024",
        server_users: bool = True,
        credentials: Callable[[], Awaitable[AgoraCredentials]] | None = None,
        account: str | None = None,
        **options: Any,
    ) -> None:
        if not isinstance(app_id, str) or not app_id or not app_id.isalnum():
            raise BadInput("app_id must be the project's App ID, letters and digits only")
        if api not in GENERATIONS:
            raise BadInput(f"api must be one of {', '.join(GENERATIONS)}, not {api!r}")
        found = find_plan(PLANS, plan, vendor="agora")
        if credentials is None:
            fixed = AgoraCredentials(customer_id=customer_id, customer_secret=customer_secret)  # type: ignore[arg-type]  # checked by its validators
            account = account or fixed.customer_id

            async def given() -> AgoraCredentials:
                return fixed

            credentials = given
        elif customer_id is not None or customer_secret is not None:
            raise BadInput("pass either customer_id and customer_secret, or credentials=, not both")
        elif not account:
            raise BadInput("credentials= needs account=: a name for the quota that outlives the keys")
        self._server_users = server_users
        super().__init__(
            vendor=AgoraVendor(),
            app_id=app_id,
            plan=found,
            base_url=base_url,
            credentials=credentials,
            account=account,
            **options,
        )

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **options: Any) -> Self:
        """A provider from the environment.

        Reads `AGORA_APP_ID`, `AGORA_CUSTOMER_ID`, `AGORA_CUSTOMER_SECRET`, `AGORA_PLAN` and, if set,
        `AGORA_BASE_URL`; what `options` gives needs no variable.

        Raises:
            BadInput: a variable is missing (the message names all that are), or malformed.
        """
        needed = {
            "app_id": "AGORA_APP_ID",
            "customer_id": "AGORA_CUSTOMER_ID",
            "customer_secret": "AGORA_CUSTOMER_SECRET",
            "plan": "AGORA_PLAN",
        }
        optional = {"base_url": "AGORA_BASE_URL"}
        environ = os.environ if environ is None else environ
        return cls(**from_environment(environ, needed, optional, options))

    def calls(
        self, over: Over, *, channel: str | None = None, page_size: int | None = None, cursor: str | None = None
    ) -> Paginator[Call]:
        """The calls of the project; see `Provider.calls`. Agora: `call/lists`."""
        return self.ask(CALL_LISTS_2024, over, page_size=page_size, cursor=cursor, cname=channel)

    def sessions(
        self, call: Call, *, users: Sequence[str] | None = None, over: TimeRange | None = None
    ) -> Paginator[Session]:
        """The sessions of a call; see `Provider.sessions`. Agora: `call/sessions`."""
        packets = [
            Packet(params={"call_id": call.call_id, "uids": uids, "exclude_server_user": not self._server_users})
            for uids in self._users_of(call, users, UIDS)
        ]
        return self._paginator(self._about(CALL_SESSIONS_2024, call, over, packets))

    def metrics(
        self, call: Call, sessions: Iterable[Session], *, over: TimeRange | None = None
    ) -> Paginator[MetricSeries]:
        """Every series of these sessions; see `Provider.metrics`. Agora: `call/metrics`, 20 sessions to a request."""
        found = self._sessions_of(call, sessions)
        users = {session.session_id: session.user_id for session in found}
        packets = [
            Packet(params={"call_id": call.call_id, "sids": [one.session_id for one in packet]}, sessions=packet)
            for packet in packed(found, SIDS)
        ]

        def merge(pieces: Sequence[MetricSeries]) -> list[MetricSeries]:
            whole: dict[tuple[str, str, str], list[MetricSeries]] = {}
            for piece in pieces:
                whole.setdefault((piece.session_id, piece.vendor_metric, piece.peer_id), []).append(piece)
            return [
                attrs.evolve(
                    same[0],
                    user_id=users.get(same[0].session_id, ""),
                    columns=Columns.join([piece.columns for piece in same]),
                )
                for same in whole.values()
            ]

        return self._paginator(self._about(CALL_METRICS_2024, call, over, packets), merge=merge)
