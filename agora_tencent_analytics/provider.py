"""`Provider`: what may be asked of any vendor.

Declares the neutral questions; a vendor's provider answers those that its vendor has, and the others raise
`NotOffered` before any request. How a question is asked is in `access.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NoReturn

from agora_tencent_analytics.access import Access
from agora_tencent_analytics.errors import NotOffered
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.events import AbnormalExperience, Event
from agora_tencent_analytics.models.figures import Figures
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.paging.paginator import Paginator
from agora_tencent_analytics.paging.question import Over
from agora_tencent_analytics.protocol import hold
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
        self._lacks("sessions")

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
