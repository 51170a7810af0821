"""`scan`: reads the calls of several providers at once, each to the depth asked for.

The arguments are checked here. The work is done in `lane.py`, and handed over in `stream.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, get_args

from agora_tencent_analytics.context import PRIORITIES, Priority, check_hooks, listed
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.models.calls import Call
from agora_tencent_analytics.notices import Hook
from agora_tencent_analytics.paging.question import Over
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.receipt import Budget
from agora_tencent_analytics.scan.ledger import Ledger
from agora_tencent_analytics.scan.options import Depth, OnError, ScanOptions, Since
from agora_tencent_analytics.scan.stream import Acknowledge, Records
from agora_tencent_analytics.timerange import Last, TimeRange

WORKERS = 16
"""Calls of one provider that are read at the same time."""


def scan(
    *providers: Provider,
    over: Over | Since | None = None,
    calls: Iterable[Call] | None = None,
    depth: Depth = "metrics",
    channel: str | None = None,
    call_ids: Sequence[str] | None = None,
    users: Sequence[str] | None = None,
    only: Callable[[Call], bool] | None = None,
    workers: int = WORKERS,
    on_error: OnError = "stop",
    on_quota: Literal["stop", "wait"] = "stop",
    ledger: str | os.PathLike[str] | Ledger | None = None,
    acknowledge: Acknowledge = "next",
    budget: Budget | None = None,
    priority: Priority | None = None,
    hooks: Iterable[Hook] = (),
) -> Records:
    """Reads every call of the range once, oldest window first, from all providers at the same time.

    Use it as `async with scan(...) as records: async for record in records`. Calls, sessions and points
    outside the range are not asked for: of a call that began before it, the part inside is read.

    With a ledger, a scan that was killed goes on where it stood when it is called with the same arguments: calls
    that were acknowledged are not asked for again, all others are, and no page of a listing is paid for twice
    unless it reached into the vendor's last half hour. `Last` is resolved once for a ledger, when its first scan
    starts. A call with a failure is read again by the next scan on the ledger. A very large call that comes in
    parts is acknowledged by its last part; before that it begins anew, with part 0.

    Args:
        providers: whom to ask; at least one.
        over: the range, start included, end excluded; `Last` is resolved once, when the scan starts. With a
            ledger also `Since`: what is new since the last scan on it. May be left out with `calls`, which are then
            read from their beginning to their end.
        calls: calls that were listed already, as `provider.calls()` or an earlier scan gave them: each of them is read
            once, in this order, and nothing is listed. Takes one provider of each vendor, and neither a ledger nor
            `channel` nor `call_ids`.
        depth: `"calls"`, `"sessions"` (of each call) or `"metrics"` (of each session).
        channel: only calls of this channel or room.
        call_ids: only these calls. The vendors cannot be asked for one call, so the listing is read until
            all of them are found. Missing ones are in the report; if all are, `CallNotFound` is raised at the end.
        users: only sessions of these users; not at depth `"calls"`, where no session is read.
        only: only the calls for which this is true, judged by what the listing says of them; see `FreezeFrom`. With a
            ledger its `repr` must say what it chooses.
        workers: calls of one provider that are read at the same time.
        on_error: `"stop"` keeps failures as data, but ends a provider that cannot be read: at `NotAuthenticated`,
            `NotPermitted` and `ProviderClosed`, and at any error while that provider has given no answer yet (a wrong
            address or region, a host that is down, a wait longer than allowed, a spent day). The other providers are
            read to their end; then it is raised as itself in place of the end of the iteration. `"raise"` ends the
            iteration with `IncompleteScan` at the first failure; `"report"` leaves all of it to the report.
        on_quota: when the day's requests are spent, `"stop"` with what is read, or `"wait"` for midnight UTC.
        ledger: remembers the scan: a path, or an open `Ledger`. None: nothing outlives the scan.
        acknowledge: when a record counts as dealt with: `"next"`, when the following one is asked for, or `"by
            hand"`, when it is given to `records.acknowledge()`.
        budget: the most requests that may be sent; the scan stops when they are. Several providers are then read
            one after the other, first the one whose oldest data expires first.
        priority: who goes first where others wait for the same quota; None: what the provider was told by
            `with_options`, or else `"backfill"`.
        hooks: given every notice.

    A provider that has answered, and then cannot be reached for 48 attempts in a row, is given up; that, a spent day
    and a spent budget are in `report.stopped` and are not raised: the report, or `report.raise_if_incomplete()`, tells.

    Raises:
        BadInput: an argument is wrong. Nothing was sent.
        AnalyticsError: (at the end of the iteration) what ended a provider; see `on_error`. Of several the first
            provider's, with a note of each of the others; `records.report` is final.
        NotOffered: (on entering) a provider or its plan lacks what the depth needs. Nothing was sent.
        LedgerUnusable: (on entering) the ledger is in use, damaged, or another scan's. Nothing was sent.
    """
    if not providers or not all(isinstance(provider, Provider) for provider in providers):
        raise BadInput("scan() needs at least one provider")
    if len({id(provider) for provider in providers}) < len(providers):
        raise BadInput("scan() was given one provider twice")
    if not isinstance(over, TimeRange | Last | Since) and (over is not None or calls is None):
        raise BadInput(f"over must be TimeRange(start, end), Last(hours=...) or Since(...), not {type(over).__name__}")
    choices: tuple[tuple[str, Any, Sequence[Any]], ...] = (
        ("depth", depth, get_args(Depth)),
        ("on_error", on_error, get_args(OnError)),
        ("on_quota", on_quota, ("stop", "wait")),
        ("acknowledge", acknowledge, get_args(Acknowledge)),
        ("priority", priority, (None, *PRIORITIES)),
    )
    for name, value, allowed in choices:
        if value not in allowed:
            raise BadInput(f"{name} must be one of {', '.join(filter(None, allowed))}, not {value!r}")
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise BadInput(f"workers must be a whole number from 1, not {workers!r}")
    call_ids, users = _texts("call_ids", call_ids), _texts("users", users)
    if users is not None and depth == "calls":
        raise BadInput("a listing of calls does not tell their users; take depth='sessions' or 'metrics' with users")
    if only is not None and not callable(only):
        raise BadInput(f"only must be a function of a Call, not {type(only).__name__}")
    if isinstance(over, Since) and (ledger is None or call_ids is not None):
        raise BadInput("Since(...) needs ledger=, which knows since when, and takes no call_ids")
    if budget is not None and not isinstance(budget, Budget):
        raise BadInput(f"budget must be a Budget(requests=...), not {budget!r}")
    if ledger is not None and not isinstance(ledger, str | os.PathLike | Ledger):
        raise BadInput(f"ledger must be a path or an open Ledger, not {type(ledger).__name__}")
    if calls is not None and (ledger is not None or channel is not None or call_ids is not None or depth == "calls"):
        raise BadInput(
            "calls= reads calls that were listed already: it takes depth='sessions' or 'metrics', and no channel, no "
            "call_ids and no ledger, which remembers a listing"
        )
    options = ScanOptions(
        depth=depth,
        channel=channel,
        call_ids=None if call_ids is None else frozenset(call_ids),
        users=users,
        workers=workers,
        on_error=on_error,
        waiting=on_quota == "wait",
        priority=priority,
        budget=budget,
        hooks=check_hooks(hooks),
        only=only,
        calls=None if calls is None else _each_once(calls, [provider.name for provider in providers]),
    )
    return Records(providers, over, options, ledger=ledger, acknowledge=acknowledge)


def _each_once(calls: Iterable[Call], vendors: Sequence[str]) -> tuple[Call, ...]:
    """The calls in their order, each once: two of one id that begin differently are two.

    Raises:
        BadInput: something else is among them, or it is not clear which provider a call is to be asked of.
    """
    if len(set(vendors)) < len(vendors):
        raise BadInput("calls= takes one provider of each vendor: a call does not say whose app it belongs to")
    found: dict[tuple[str, str, int], Call] = {}
    for call in listed("calls", calls, "Calls"):
        if not isinstance(call, Call) or call.vendor not in vendors:
            raise BadInput(f"calls= takes Calls of {', '.join(vendors)}, as calls() gives them, not {call!r}")
        found.setdefault((call.vendor, call.call_id, call.created_ts), call)
    return tuple(found.values())


def _texts(name: str, given: Sequence[str] | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    texts = tuple(listed(name, given, "texts"))
    if not texts or not all(map(_is_text, texts)):
        raise BadInput(f"{name} must be a non-empty list of texts")
    return texts


def _is_text(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(value.encode())
    except UnicodeEncodeError:  # half of a surrogate pair: what a shell passes on as an undecodable byte
        return False
