"""`Provider`: what may be asked of any vendor.

Declares the neutral questions; a vendor's provider answers those that its vendor has, and the others raise
`NotOffered` before any request. How a question is asked is in `access.py`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NoReturn

from agora_tencent_analytics.access import Access
from agora_tencent_analytics.endpoint import Endpoint, PageNumber
from agora_tencent_analytics.errors import CallNotFound, NotOffered, counted
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.events import AbnormalExperience, Event
from agora_tencent_analytics.models.figures import Figures
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.paging.paginator import Paginator
from agora_tencent_analytics.paging.question import Over
from agora_tencent_analytics.protocol import hold, sessions_in_rows
from agora_tencent_analytics.receipt import Receipt
from agora_tencent_analytics.timerange import TimeRange

Every = Literal["day", "hour"]
"""Width of the buckets of usage and quality figures."""
USAGE = ("users", "channels")
"""The metrics of usage that every vendor has."""
QUALITY = ("join_success", "join_success_in_5s", "audio_freeze", "video_freeze", "network_delay")
"""The metrics of quality."""


class Provider(Access, ABC):
    """One customer's access to one vendor, and the questions that vendors share. Used as `async with`.

    A provider of your own answers `calls` and whatever else its vendor has, each by `ask` or by a `Paginator`
    over its own rows.

    Args:
        vendor: how the vendor is spoken to.
        app_id: the app whose calls are asked for; leave it out where keys belong to one.
        plan: what the customer has bought.
        base_url: where the vendor is; HTTPS, or plain HTTP to this machine. A list names hosts that serve the same
            data: when one cannot be reached, or breaks off, the next attempt goes to the next, and the one that
            failed stands behind the others for half a minute or more. An answer is an answer, whatever it says.
        credentials: an async function that gives the vendor's credentials, called before every attempt and bounded
            by `Timeouts.deadline_s`; `fixed_credentials` makes one of credentials that do not change. What it raises
            passes as it is, and nothing is sent. When the vendor calls a token expired it is called once more, and the
            request repeated if it gives another.
        keys: instead of `credentials`, what does not change: a text, or several of which the first is a name, as HTTP
            Basic wants them. They are hidden, and name the quota unless `account` does.
        account: names the quota, together with the app and the first host. Providers for which all three are the
            same share it; those of two apps do not, whatever the account.
        quota: a quota to share, for example by the apps of one account whose requests the vendor counts together; it
            wins over `account`, `store`, `merge` and `reserve`.
        store: where the quota is kept: a path, the URL of a Redis, `":memory:"`, a `QuotaStore`, or None for a file
            in the user's state directory.
        merge: groups of counters that the vendor counts together.
        reserve: shares of each UTC day that only these priorities may use; see `Quota`.
        session: the caller's own aiohttp session (proxy, certificate authority, connector); left open.
        transport: replaces the network altogether; wins over `session`.
        proxy: see `AiohttpTransport`; so are the next four, which are for the transport that is made here.
        trust_env: whether the environment may name a proxy.
        ssl: which certificates are believed.
        headers: sent with each request, for a gateway on the way.
        user_agent: stands behind the library's own name in `User-Agent`.
        retry: how patient an ask is.
        timeouts: how long an attempt may take.
        hooks: given every notice about this provider's questions (`notices.py`).

    Raises:
        BadInput: malformed base URL or hook, or an account that is in use with another plan.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        hold(cls)

    @abstractmethod
    def calls(
        self, over: Over, *, channel: str | None = None, page_size: int | None = None, cursor: str | None = None
    ) -> Paginator[Call]:
        """The calls that the vendor lists for the range, each once.

        A call that only touches the edge of the range may be listed: vendors do not say how they match.

        Args:
            over: the range, start included, end excluded.
            channel: only calls of this channel or room.
            page_size: calls to a page, 1 to the vendor's most (the default).
            cursor: where to go on.

        Raises:
            NotOffered: the plan lacks this.
            BadInput: the range or the page size is wrong. Nothing was sent.
        """

    async def call(self, call_id: str, *, over: Over, channel: str | None = None) -> Call:
        """The call of this id. No vendor can be asked for one call: the range is listed until it is found.

        What that costs is on the `receipt` of a view. A call whose beginning is known as well needs no listing:
        `Call.known(...)`.

        Args:
            call_id: the vendor's id of the call.
            over: when it took place, start included, end excluded; the smaller, the cheaper.
            channel: its channel or room, where known.

        Raises:
            CallNotFound: it is not listed; a `LookupError` too.
            NotOffered: the plan lacks the listing.
            BadInput: the range is wrong. Nothing was sent.
        """
        view = self.with_options()
        listing = view.calls(over, channel=channel)
        async for call in listing:
            if call.call_id == call_id:
                return call
        certificate, requests = listing.certificate, view.receipt.requests
        unsure = "" if certificate.complete else ", and the listing is not known to be complete"
        missing = CallNotFound(
            f"no call {call_id!r} is listed in {certificate.over or over}{unsure}; "
            f"that took {counted(requests, 'request')}",
            call_ids=[call_id],
            requests=requests,
        )
        missing.endpoint = certificate.endpoint
        raise missing

    async def check(self) -> Receipt:
        """Proves credentials, plan and address by the cheapest request that does, and gives what it cost.

        That is one page of the question of `endpoints` with the largest day's allowance, about one recent minute; of a
        provider without such a question, a page of `calls`.

        Raises:
            AnalyticsError: what is wrong: `NotAuthenticated`, `NotPermitted`, `TransportError`, ...
        """
        view, now = self.with_options(), int(self.now())
        row = max(filter(self._can_check, self.endpoints), key=self._allowance, default=None)
        if row is None:
            await view.calls(TimeRange(now - 3_600, now - 600)).first()
        else:
            end = now - self.limits(row).lag_s - 60
            over = TimeRange(end - max(60, row.bounds.least_s), end)
            await view.ask(row, over, page_size=1 if isinstance(row.paging, PageNumber) else None, max_requests=1)
        return view.receipt

    def _can_check(self, row: Endpoint[Any]) -> bool:
        needs = any(param.required for param in row.params) or "{" in row.path
        return row.limits in self.plan.rows and not needs and row.bounds.exact and not row.retired

    def _allowance(self, row: Endpoint[Any]) -> float:
        return min((rate.limit for rate in self.limits(row).rates if rate.is_daily), default=math.inf)

    def sessions(
        self,
        call: Call,
        *,
        users: Sequence[str] | None = None,
        over: TimeRange | None = None,
        cursor: str | None = None,
    ) -> Paginator[Session]:
        """The sessions of a call, each once.

        Args:
            call: a call of this vendor.
            users: only sessions of these users; any number, packed into as few requests as possible.
            over: only the part of the call inside this range. None: the whole call.
            cursor: `page.cursor` of an earlier walk with the same arguments, to go on after that page. Sessions that
                reach over the end of that page's window come once more if the next window shows them too, and so
                do those of its window if it has to be read again.

        Raises:
            NotOffered: the vendor or the plan lacks this.
            BadInput: the call is another vendor's, or the cursor another question's. Nothing was sent.
        """
        row = next((row for row in self.endpoints if row.sessions_key), None)
        return self._lacks("sessions") if row is None else sessions_in_rows(self, row, call, users, over, cursor)

    def metrics(
        self,
        call: Call,
        sessions: Iterable[Session],
        *,
        over: TimeRange | None = None,
        cursor: str | None = None,
    ) -> Paginator[MetricSeries]:
        """Every metric series of these sessions, each once and whole, points in time order.

        A page holds the vendor's own pieces of series. Sessions are asked for in packets, and the pieces that the
        windows and pages of a packet bring are joined when its last page was read.

        Args:
            call: a call of this vendor.
            sessions: sessions of that call; any number, packed into as few requests as possible.
            over: only the points inside this range. None: the whole call.
            cursor: `page.cursor` of an earlier walk with the same arguments. `.pages()` goes on right after that
                page. Series begin with the first packet that was not read to its end by then: that packet is
                asked for again as a whole, so that every series is whole, and the packets before it do not come again.

        Raises:
            NotOffered: the vendor or the plan lacks this.
            BadInput: a session is not of this call, or the cursor is another question's. Nothing was sent.
        """
        self._lacks("metrics")

    def sessions_with_metrics(self, call: Call, *, over: TimeRange | None = None) -> Paginator[MetricSeries] | None:
        """Every series of a call, on pages that tell its sessions; None where the vendor does not show both together.

        A scan takes it in the place of `sessions` and `metrics` where that costs fewer requests. The series are as the
        vendor sends them: whose stay each belongs to may not be in them.

        Args:
            call: a call of this provider.
            over: only the part of the call inside this range. None: the whole call.
        """
        return None

    def events(self, call: Call, sessions: Iterable[Session], *, over: TimeRange | None = None) -> Paginator[Event]:
        """What happened to the users of these sessions during a call, each event once.

        Args:
            call: a call of this vendor.
            sessions: sessions of that call; users are asked for one by one.
            over: only the part of the call inside this range. None: the whole call.

        Raises:
            NotOffered: the vendor or the plan lacks this.
            BadInput: a session is not of this call. Nothing was sent.
        """
        self._lacks("events")

    def abnormal_experiences(self, over: Over, *, channel: str | None = None) -> Paginator[AbnormalExperience]:
        """Bad moments of users, with what may have caused them, each once.

        Args:
            over: the range, start included, end excluded.
            channel: only in this channel or room.

        Raises:
            NotOffered: the vendor, the API generation or the plan lacks this.
            BadInput: the range is wrong. Nothing was sent.
        """
        self._lacks("abnormal_experiences")

    def usage(self, over: Over, *, metrics: Sequence[str] = USAGE, every: Every = "day") -> Paginator[Figures]:
        """How much the app was used, by day or hour: one `Figures` for each metric.

        Args:
            over: the range, start included, end excluded.
            metrics: names in `FIGURES`.
            every: width of the buckets.

        Raises:
            NotOffered: the vendor, the plan or the API generation lacks this, or one of the metrics.
            BadInput: an unknown metric or width, or a wrong range. Nothing was sent.
        """
        self._lacks("usage")

    def quality(
        self, over: Over, *, metrics: Sequence[str] = QUALITY, every: Every = "day", product: str | None = None
    ) -> Paginator[Figures]:
        """How good the calls were, by day or hour, as ratios from 0 to 1: one `Figures` for each metric and product.

        Args:
            over: the range, start included, end excluded.
            metrics: names in `FIGURES`.
            every: width of the buckets.
            product: only this product of the vendor; None asks for each of them.

        Raises:
            NotOffered: the vendor, the plan or the API generation lacks this, or one of the metrics.
            BadInput: an unknown metric, width or product, or a wrong range. Nothing was sent.
        """
        self._lacks("quality")

    def realtime_usage(
        self, over: Over, *, metrics: Sequence[str] = USAGE, channel: str | None = None, product: str | None = None
    ) -> Paginator[Figures]:
        """How much the app is used just now, in buckets of seconds: one `Figures` for each metric and product.

        Args:
            over: the range, start included, end excluded; vendors keep these figures for an hour or a few.
            metrics: names in `FIGURES`.
            channel: only in this channel or room.
            product: only this product of the vendor; None asks for each of them.

        Raises:
            NotOffered: the vendor, the plan or the API generation lacks this, or one of the metrics.
            BadInput: an unknown metric or product, or a wrong range. Nothing was sent.
        """
        self._lacks("realtime_usage")

    def realtime_quality(
        self, over: Over, *, metrics: Sequence[str] = QUALITY, channel: str | None = None, product: str | None = None
    ) -> Paginator[Figures]:
        """How good the calls are just now, in buckets of seconds, as ratios: one `Figures` for each metric and product.

        Args:
            over: the range, start included, end excluded; vendors keep these figures for an hour or a few.
            metrics: names in `FIGURES`.
            channel: only in this channel or room.
            product: only this product of the vendor; None asks for each of them.

        Raises:
            NotOffered: the vendor, the plan or the API generation lacks this, or one of the metrics.
            BadInput: an unknown metric or product, or a wrong range. Nothing was sent.
        """
        self._lacks("realtime_quality")

    def _lacks(self, question: str) -> NoReturn:
        raise NotOffered(f"{self.name} does not answer {question!r} in this library", endpoint=question)
