"""What `Provider` promises of every vendor, checked once: filters, whose rows they are, calls that can be asked about.

A provider answers the neutral questions in its own way, and may forget a filter, or its vendor may take no notice of
it. So each answer to a neutral question passes through here: what is wrong with the question is refused before the
provider is asked, and rows that were not asked for are left out and counted (`Certificate.strange`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from operator import attrgetter
from typing import Any, cast

from agora_tencent_analytics.context import listed
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.models.calls import Call, Session, unsigned
from agora_tencent_analytics.models.events import Event
from agora_tencent_analytics.paging.paginator import Paginator
from agora_tencent_analytics.paging.question import joined_before, over_range, reaches, sessions_of, theirs
from agora_tencent_analytics.paging.stays import life_of
from agora_tencent_analytics.secret import secret
from agora_tencent_analytics.timerange import TimeRange

Ask = Callable[..., Paginator[Any]]
_SESSIONS_COUNT = attrgetter("sessions_count")


def hold(provider: type[Any]) -> None:
    """Puts the promise around those neutral questions that this class answers itself."""
    for name, promise in _PROMISES.items():
        if name in vars(provider):
            setattr(provider, name, promise(vars(provider)[name]))
    secrets = [argument for argument, variable in provider.environment.items() if variable.kind == "secret"]
    if secrets and "__init__" in vars(provider):
        provider.__init__ = _hiding(vars(provider)["__init__"], secrets)


def _hiding(init: Callable[..., None], secrets: Iterable[str]) -> Callable[..., None]:
    """A constructor whose secret arguments are hidden before it begins: crash reports list local variables."""

    @wraps(init)
    def hiding(self: Any, *args: Any, **options: Any) -> None:
        for name in secrets:
            if name in options:
                options[name] = secret(options[name])
        init(self, *args, **options)

    return hiding


def check_call(provider: Any, call: Call, over: object) -> None:
    """Nothing, if the provider can be asked about this call, or this part of it; None is all of it.

    Raises:
        BadInput: it is another vendor's, its beginning is not a time, or the part is no range; nothing was sent.
    """
    if not isinstance(call, Call) or call.vendor != provider.name:
        raise BadInput(f"a Call of {provider.name} was due, as its calls() gives them, not {call!r}")
    if type(call.created_ts) is not int:
        raise BadInput(f"call {call.call_id!r} begins at {call.created_ts!r}, which is not in whole epoch seconds")
    if over is not None and not isinstance(over, TimeRange):
        raise BadInput(f"the part of a call must be TimeRange(start, end) or None, not {type(over).__name__}")


def _listing(ask: Ask) -> Ask:
    @wraps(ask)
    def listing(self: Any, over: Any, *, channel: str | None = None, **options: Any) -> Paginator[Any]:
        def wanted(one: Any) -> bool:
            return one.vendor == self.name and (channel is None or one.channel == channel)

        needed = f"calls of channel {channel!r}" if ask.__name__ == "calls" else ""
        return _only(ask(self, over, channel=channel, **options), wanted, needed)

    return listing


def _sessions(ask: Ask) -> Ask:
    @wraps(ask)
    def sessions(
        self: Any,
        call: Call,
        *,
        users: Sequence[str] | None = None,
        over: TimeRange | None = None,
        cursor: str | None = None,
        **options: Any,
    ) -> Paginator[Any]:
        check_call(self, call, over)
        ids = None if users is None else list(dict.fromkeys(listed("users", users, "user ids")))
        named = _named(ids)
        vendor, call_id = self.name, call.call_id

        def wanted(session: Any) -> bool:  # for every row of what may be a very large answer
            mine = session.vendor == vendor and session.call_id == call_id
            return mine and (named is None or session.user_id in named)

        if call.held_sessions is not None and not _runs(call):
            return _held(self, call, over, cursor).only(wanted)
        needed = f"sessions of call {call.call_id}" if named is None else ""
        least = _counted(self, call, over) if named is None else 0
        found = ask(self, call, users=ids, over=over, cursor=cursor, **options)
        return _only(found, wanted, needed, least=least)

    return sessions


def _about_sessions(ask: Ask) -> Ask:
    @wraps(ask)
    def about(
        self: Any, call: Call, sessions: Iterable[Session], *, over: TimeRange | None = None, **options: Any
    ) -> Paginator[Any]:
        check_call(self, call, over)
        found = joined_before(over, sessions_of(call, sessions))
        mine, vendor, call_id = theirs(found), self.name, call.call_id

        def wanted(item: Any) -> bool:  # for every series of what may be a very large answer
            about = item.vendor == vendor and item.call_id == call_id and mine(item)
            return about and (over is None or not isinstance(item, Event) or item.ts in over)

        return _only(ask(self, call, found, over=over, **options), wanted)

    return about


_PROMISES: Mapping[str, Callable[[Ask], Ask]] = {
    "calls": _listing,
    "sessions": _sessions,
    "metrics": _about_sessions,
    "events": _about_sessions,
    "abnormal_experiences": _listing,
}


def sessions_in_rows(
    provider: Any,
    row: Endpoint[Call],
    call: Call,
    users: Sequence[str] | None,
    over: TimeRange | None,
    cursor: str | None,
) -> Paginator[Any]:
    """The sessions of a call, where a vendor tells them in the row of the call and in no other place.

    What a row held is not asked for. Of a call that is known by its own fields alone, as from a ledger, the row is read
    again, in a window around its beginning.

    Args:
        provider: whom to ask.
        row: lists the calls.
        call: the call.
        users: only sessions of these users; None: of everybody.
        over: only sessions that reach into this range.
        cursor: where to go on.
    """
    check_call(provider, call, over)
    named = _named(users)

    def of_them(session: Any) -> bool:
        return named is None or session.user_id in named

    if call.held_sessions is not None:
        return _held(provider, call, over, cursor).only(of_them)

    def merge(calls: Sequence[Call]) -> list[Session]:
        held = (one for found in calls for one in found.held_sessions or () if over is None or reaches(one, over))
        return list(filter(of_them, held))

    def wanted(found: Any) -> bool:
        return _about(found, provider, call) and found.held_sessions is not None

    start = max(0, call.created_ts)
    questions = over_range(row, provider.limits(row), TimeRange(start, start + 1), [{}])
    again = provider.walk(questions, merge=merge, cursor=cursor)
    return _only(again, wanted, f"the row of call {call.call_id} with its sessions", always=True)


def _held(provider: Any, call: Call, over: TimeRange | None, cursor: str | None) -> Paginator[Any]:
    sessions = [one for one in call.held_sessions or () if over is None or reaches(one, over)]
    life = life_of(call, sessions, int(provider.now()))
    doubt = f"call {call.call_id} still runs: its row holds the sessions there were" if _runs(call) else ""
    return cast("Paginator[Any]", provider.at_hand(sessions, life, doubt=doubt, cursor=cursor))


def _named(users: Sequence[str] | None) -> set[str] | None:
    """The users, as they may be spelt in an answer; None for everybody.

    Raises:
        BadInput: one text in the place of a list.
    """
    if users is None:
        return None
    names = {str(user) for user in listed("users", users, "user ids")}
    return {*names, *map(unsigned, names)}


def _runs(call: Call) -> bool:
    return call.destroyed_ts is None or not call.finished


def _counted(provider: Any, call: Call, over: TimeRange | None) -> int:
    """How many sessions the row of a call counts; 0 where it does not, or where not all of the call is asked for."""
    counts = next(filter(None, map(_SESSIONS_COUNT, provider.endpoints)), "")
    if not counts or not call.finished or call.destroyed_ts is None:
        return 0
    whole = over is None or (call.created_ts in over and call.destroyed_ts in over)
    return getattr(call, counts) or 0 if whole else 0


def _about(item: Any, provider: Any, call: Call) -> bool:
    return bool(item.vendor == provider.name and item.call_id == call.call_id)


def _only(
    found: Any, wanted: Callable[[Any], bool], needed: str = "", *, always: bool = False, least: int = 0
) -> Paginator[Any]:
    if not isinstance(found, Paginator):
        raise TypeError(f"a provider answers with a Paginator, as ask() gives them, not {type(found).__name__}")
    return found.only(wanted, needed, always=always, least=least)
