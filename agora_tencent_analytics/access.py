"""`Access`: one customer's access to one vendor, the plumbing that every provider stands on.

Joins a vendor (tables and pure code) to the I/O (quota, transport, walks) and asks any row of the
vendor's table by `ask`, so that a new question needs no new method. Nothing here knows a vendor's name.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from ssl import SSLContext
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, TypedDict, TypeVar, Unpack
from urllib.parse import urlsplit

from msgspec.structs import replace

from agora_tencent_analytics.context import PRIORITIES, Priority, check_hooks, check_seconds, earlier
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.environment import EnvironmentVariable, from_environment
from agora_tencent_analytics.errors import BadInput, NotOffered
from agora_tencent_analytics.http.client import Caller
from agora_tencent_analytics.http.connection import check_loop
from agora_tencent_analytics.http.credentials import Called, Fixed, account_of, fixed_credentials, hidden, seal_key
from agora_tencent_analytics.http.hosts import hosts_of
from agora_tencent_analytics.http.retry import Retry
from agora_tencent_analytics.http.timeouts import Timeouts
from agora_tencent_analytics.http.transport import AiohttpTransport, Transport, check_transport
from agora_tencent_analytics.limits import Limits, Plan
from agora_tencent_analytics.models.calls import Call
from agora_tencent_analytics.notices import Hook
from agora_tencent_analytics.paging.paginator import Paginator
from agora_tencent_analytics.paging.question import Over, Questions, about_call, over_range
from agora_tencent_analytics.paging.stays import Packet
from agora_tencent_analytics.paging.walk import Held
from agora_tencent_analytics.quota.quota import Quota, QuotaState
from agora_tencent_analytics.quota.store import QuotaStore
from agora_tencent_analytics.receipt import Budget, Receipt
from agora_tencent_analytics.secret import Secret
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.wire import Vendor

if TYPE_CHECKING:
    import aiohttp

C = TypeVar("C")
R = TypeVar("R")


class ProviderOptions(TypedDict, total=False):
    """The options that providers of all vendors share; `Provider` says what they mean."""

    quota: Quota | None
    store: QuotaStore | str | Path | None
    merge: Sequence[Sequence[str]]
    reserve: Mapping[Priority, float] | None
    session: aiohttp.ClientSession | None
    transport: Transport | None
    proxy: str | Secret[str] | None
    trust_env: bool
    ssl: SSLContext | None
    headers: Mapping[str, str] | None
    user_agent: str
    retry: Retry | None
    timeouts: Timeouts | None
    hooks: Iterable[Hook]


class Access:
    """One customer's access to one vendor. Used as `async with`; asked by several tasks at once.

    Making one does no I/O and binds no event loop. The credentials are not checked until the first request.

    The arguments are described at `Provider`, which people see.
    """

    # What a view has of its own stands in the slot.
    __slots__ = ("__dict__", "__weakref__", "_caller")

    endpoints: Sequence[Endpoint[Any]] = ()
    """The rows behind the neutral questions; any row of the vendor's table may be asked by `ask`."""
    environment: ClassVar[Mapping[str, EnvironmentVariable]] = {}
    """The environment variable of each constructor argument, for `from_env`."""

    def __init__(
        self,
        *,
        vendor: Vendor,
        app_id: Any = "",
        plan: Plan,
        base_url: str | Sequence[str],
        credentials: Callable[[], Awaitable[Any]] | None = None,
        keys: str | Secret[str] | Sequence[str | Secret[str]] | None = None,
        account: str | None = None,
        quota: Quota | None = None,
        store: QuotaStore | str | Path | None = None,
        merge: Sequence[Sequence[str]] = (),
        reserve: Mapping[Priority, float] | None = None,
        session: aiohttp.ClientSession | None = None,
        transport: Transport | None = None,
        proxy: str | Secret[str] | None = None,
        trust_env: bool = False,
        ssl: SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
        user_agent: str = "",
        retry: Retry | None = None,
        timeouts: Timeouts | None = None,
        hooks: Iterable[Hook] = (),
    ) -> None:
        hosts = hosts_of(base_url)
        if not _NAME.fullmatch(vendor.name):
            raise BadInput(f"a vendor's name has lower-case letters, digits and hyphens only, unlike {vendor.name!r}")
        if keys is not None:
            keys = hidden(keys)
            credentials = fixed_credentials(keys, account=account_of(keys))
        if not isinstance(credentials, Fixed):
            credentials = Called(credentials)
        self.seal_key: Secret[bytes] | None = None
        """What ledgers are sealed with; None where the account outlives its keys."""
        if account is None and isinstance(credentials, Fixed) and credentials.account is not None:
            account, self.seal_key = credentials.account, seal_key(credentials.keys)
        if account is None:
            raise BadInput("credentials= needs account=: a name for the quota that outlives the keys")
        if not isinstance(account, str) or not account:
            raise BadInput(f"account must be a non-empty text, not {account!r}")
        _check_kinds(("quota", quota, Quota), ("retry", retry, Retry), ("timeouts", timeouts, Timeouts))
        if transport is not None and (proxy, trust_env, ssl, headers, user_agent) != (None, False, None, None, ""):
            raise BadInput("proxy, trust_env, ssl, headers and user_agent belong to the transport: give them to it")
        usual = AiohttpTransport(
            session, proxy=proxy, trust_env=trust_env, ssl=ssl, headers=headers, user_agent=user_agent
        )
        network = usual if transport is None else check_transport(transport)
        if quota is None:
            # Further hosts serve the same account, and draw on the same allowance.
            key = f"{vendor.name} {account} {app_id} {urlsplit(hosts.urls[0]).netloc}"
            quota = Quota.shared(key, plan=plan.name, store=store, merge=merge, reserve=reserve)
        elif quota.plan and quota.plan != plan.name:
            raise BadInput(f"this quota is for the plan {quota.plan!r}; it cannot serve the plan {plan.name!r} as well")
        self.identity: str = blake2b(f"{vendor.name}\0{app_id}\0{account}".encode(), digest_size=16).hexdigest()
        """A digest of vendor, app and account: whose data this is."""
        self.name: str = vendor.name
        """The vendor's name, as in records and reports."""
        self._plan = plan
        self._caller: Caller = Caller(
            vendor=vendor,
            hosts=hosts,
            app_id=app_id,
            identity=self.identity,
            credentials=credentials,
            quota=quota,
            transport=network,
            retry=retry or Retry(),
            timeouts=timeouts or Timeouts(),
            hooks=check_hooks(hooks),
        )

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **options: Unpack[ProviderOptions]) -> Self:
        """A provider whose arguments come from the variables in `environment`.

        Args:
            environ: the environment; None means this process's. An empty variable counts as missing. Of base URLs there
                may be several, with commas between.
            options: arguments of the constructor; what is given here needs no variable.

        Raises:
            BadInput: a variable is missing (the message names all that are), or malformed.
        """
        return cls(**from_environment(cls.environment, environ, options))

    # -- lifetime -----------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        check_loop()
        if not self._is_view and self._caller.connection.closed:
            self._caller.connection.closed = False
            if isinstance(self._caller.transport, AiohttpTransport):
                self._caller.transport.reopen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connections, and raises `ProviderClosed` wherever somebody waits: for a slot, keys, an answer.

        May be called again; the caller's own session stays open, and a view closes nothing. Entered again (`async
        with`), the provider is open again, in another event loop as well.
        """
        if self._is_view:
            return
        check_loop()
        self._caller.connection.close()
        await self._caller.transport.aclose()
        await self._caller.quota.aclose()

    def __repr__(self) -> str:
        if not hasattr(self, "_caller"):  # in a traceback out of the constructor
            return f"<{type(self).__name__} not made>"
        host = ", ".join(urlsplit(url).netloc for url in self._caller.hosts.urls)
        return f"<{type(self).__name__} plan={self._plan.name!r} host={host!r}>"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} is neither pickled nor copied: it holds the keys to an account, and connections of "
            "this process; make one where it is used, for example from its environment (from_env)"
        )

    # -- on other terms -------------------------------------------------------------------------------------

    def with_options(
        self,
        *,
        priority: Priority | None = None,
        max_wait: float | None = None,
        within_s: float | None = None,
        budget: Budget | None = None,
        retry: Retry | None = None,
        timeouts: Timeouts | None = None,
        hooks: Iterable[Hook] = (),
    ) -> Self:
        """A view of this provider with terms of its own, over the same connection and quota; cheap, one for each job.

        It is asked, scanned and handed on like the provider. What is not given stays as it is here, and an argument of
        a question beats both. Its `receipt` counts what is asked through it, and so does the receipt here. In a scan
        `max_wait` and `within_s` hold for the head of the queue: its workers queue behind each other.

        Args:
            priority: `"interactive"` goes before `"normal"` (the default), and that before `"backfill"` (scans).
            max_wait: the longest wait for a quota slot, seconds; 0 takes a slot only if one is free now.
            within_s: seconds from now within which all that is asked through the view ends, pages and scans included;
                of a view of a view the earlier end. A question whose next slot lies beyond it is refused at once,
                unspent, and no attempt begins with less left than the endpoint's fastest recent answer took.
            budget: the most requests, beside the budgets here.
            retry: how patient an ask is, instead.
            timeouts: how long an attempt may take, instead.
            hooks: given every notice, beside the hooks here.

        Raises:
            BadInput: an argument is wrong.
        """
        caller = self._caller
        if priority is not None and priority not in PRIORITIES:
            raise BadInput(f"priority must be one of {', '.join(PRIORITIES)}, not {priority!r}")
        if max_wait is not None:
            check_seconds("max_wait", max_wait)
        until, budgets = caller.until, caller.budgets
        if within_s is not None:
            check_seconds("within_s", within_s)
            until = earlier(until, caller.quota.clock.clock.monotonic() + within_s)
        if budget is not None or retry is not None or timeouts is not None:
            _check_kinds(("budget", budget, Budget), ("retry", retry, Retry), ("timeouts", timeouts, Timeouts))
            if budget is not None and budget not in budgets:  # what holds already is not taken twice
                budgets = (*budgets, budget)
        view = object.__new__(type(self))
        # A copy: what a view keeps for later, bound to its terms, must not become the provider's.
        view.__dict__ = self.__dict__.copy()
        view._caller = replace(
            caller,
            priority=priority or caller.priority,
            max_wait=caller.max_wait if max_wait is None else max_wait,
            until=until,
            budgets=budgets,
            hooks=check_hooks(hooks, caller.hooks) if hooks else caller.hooks,
            retry=retry or caller.retry,
            timeouts=timeouts or caller.timeouts,
            receipts=(Receipt(), *caller.receipts),
        )
        return view

    @property
    def _is_view(self) -> bool:
        return len(self._caller.receipts) > 1

    # -- what it is -----------------------------------------------------------------------------------------

    @property
    def plan(self) -> Plan:
        """The plan that the customer has bought."""
        return self._plan

    @property
    def shared_quota(self) -> Quota:
        """The quota that every request of this provider goes through, to be handed to others as `quota=`."""
        return self._caller.quota

    @property
    def receipt(self) -> Receipt:
        """What this provider, or view, has spent so far. The object goes on counting."""
        return self._caller.receipts[0]

    @property
    def hooks(self) -> tuple[Hook, ...]:
        """The hooks that receive every notice about this provider."""
        return self._caller.hooks

    def now(self) -> float:
        """The vendor's now, epoch seconds, as far as its answers have told."""
        return self._caller.quota.clock.now()

    def limits(self, row: Endpoint[Any]) -> Limits:
        """The limits of a question on this plan.

        Args:
            row: the question.

        Raises:
            NotOffered: the plan does not include it, or the row is another vendor's.
            BadInput: it is not a row.
        """
        if not isinstance(row, Endpoint):
            raise BadInput(f"ask() takes an Endpoint from the vendor's `endpoints`, not {row!r}")
        if row.vendor != self.name:
            raise NotOffered(f"{row.name} is a question for {row.vendor}, not for {self.name}", endpoint=row.name)
        found = self._plan.rows.get(row.limits)
        return self._plan.limits(row.limits, endpoint=row.name) if found is None else found

    async def quota_state(self, row: Endpoint[Any]) -> QuotaState:
        """The state of the counter that a question draws on: used and left today, the reset, the next free slot.

        Raises:
            NotOffered: the plan does not include the question.
        """
        return await self.shared_quota.state(row.counter, self.limits(row).counted)

    async def quota(self) -> tuple[QuotaState, ...]:
        """The states of the counters behind `endpoints`, each once, in their order.

        Rows that the plan does not include are left out; rows that draw on one counter share one state.
        """
        offered = [row for row in self.endpoints if row.limits in self._plan.rows]
        states = [await self.quota_state(row) for row in offered]
        return tuple({state.counter: state for state in states}.values())

    # -- any question ---------------------------------------------------------------------------------------

    def ask(
        self,
        row: Endpoint[R],
        over: Over,
        *,
        page_size: int | None = None,
        cursor: str | None = None,
        max_requests: int | None = None,
        max_wait: float | None = None,
        unlisted: bool = False,
        **params: Any,
    ) -> Paginator[R]:
        """Asks any question of the vendor's table, with the vendor's own parameter names.

        Parameters are sent as given, and refused here if the row forbids them; ranges longer than one request
        may cover are split, pages are walked.

        Args:
            row: a row of the vendor's table, from `endpoints`.
            over: the range, start included, end excluded.
            page_size: rows to a page, 1 to the vendor's most (the default).
            cursor: `page.cursor` of an earlier walk of the same question, to go on after that page.
            max_requests: the walk ends, incomplete, after so many pages. None: as many as it takes.
            max_wait: the longest wait for a quota slot, seconds. None: what `with_options` says, else no bound.
            unlisted: True also sends values that the vendor's page does not list for a parameter (`Param.values`):
                for what the vendor has added since. False refuses them, with the list.
            params: the row's parameters.

        Raises:
            NotOffered: not on this plan, or not this vendor's.
            BadInput: a parameter, the range or the page size is wrong. Nothing was sent.
        """
        questions = over_range(row, self.limits(row), over, [params], page_size=page_size, unlisted=unlisted)
        if over.seconds < row.bounds.least_s:
            raise BadInput(f"{row.name} answers nothing about less than {row.bounds.least_s} s; ask for a longer range")
        return self.walk(questions, cursor=cursor, max_requests=max_requests, max_wait=max_wait)

    def ask_about(
        self,
        row: Endpoint[R],
        call: Call,
        packets: Iterable[Packet],
        *,
        over: TimeRange | None = None,
        merge: Callable[[Sequence[R]], Sequence[R]] | None = None,
        cursor: str | None = None,
    ) -> Paginator[R]:
        """Asks a question about a call: about all of its life, or about the stays of sessions, in as few windows as do.

        Where a row does not say when a call or a stay ended, it is followed for as long as it shows itself.

        Args:
            row: a row of the vendor's table.
            call: the call.
            packets: what to ask with, one packet after the other; see `Packet`, and `packed`, which makes lists of
                sessions or users as long as a request may name.
            over: only the part of the call inside this range. None: the whole call.
            merge: makes the records of a packet out of those of its windows and pages, for series that come in pieces.
                None: records are given as they come.
            cursor: `page.cursor` of an earlier walk of the same question, to go on after that page.

        Raises:
            NotOffered: not on this plan, or not this vendor's.
            BadInput: a parameter is wrong. Nothing was sent.
        """
        return self.walk(about_call(row, self.limits(row), call, over, list(packets)), merge=merge, cursor=cursor)

    def walk(
        self,
        questions: Questions,
        *,
        merge: Callable[[Sequence[Any]], Sequence[Any]] | None = None,
        cursor: str | None = None,
        max_requests: int | None = None,
        max_wait: float | None = None,
    ) -> Paginator[Any]:
        """Asks questions made by hand, one after the other; `ask` and `ask_about` make the usual ones.

        Args:
            questions: gives the questions, when told the vendor's now and the latest that it may be.
            merge: makes the records of a question out of those of its windows and pages. None: as they come.
            cursor: `page.cursor` of an earlier walk of the same questions, to go on after that page.
            max_requests: the walk ends, incomplete, after so many pages. None: as many as it takes.
            max_wait: the longest wait for a quota slot, seconds. None: what `with_options` says, else no bound.
        """
        return Paginator(
            self._caller, questions, merge=merge, cursor=cursor, max_requests=max_requests, max_wait=max_wait
        )

    def at_hand(
        self, items: Sequence[R], over: TimeRange, *, doubt: str = "", cursor: str | None = None
    ) -> Paginator[R]:
        """Items that are already known, as `ask` would give them: one page, no request.

        Args:
            items: the items.
            over: the range that they are of.
            doubt: what may be missing, in words; with it the certificate is not complete.
            cursor: of their page; there is nothing behind it.
        """
        return Paginator(self._caller, lambda now, latest: (), held=Held(items, over, doubt), cursor=cursor)


_NAME = re.compile("[a-z0-9-]+")


def _check_kinds(*options: tuple[str, object, type]) -> None:
    for name, value, kind in options:
        if value is not None and not isinstance(value, kind):
            raise BadInput(f"{name} must be a {kind.__name__}, not {type(value).__name__}")
