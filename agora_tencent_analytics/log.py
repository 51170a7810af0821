"""What the library says in the log: every notice as one record of the logger `agora_tencent_analytics`.

Always on, and free below the logger's level. DEBUG: asks, attempts, slots, pages, progress. INFO: retries,
split windows, long waits of a backfill. WARNING: refusals for the rate or the day, drift, questions about to go away,
other long waits.

Each record carries, through `extra`, those of `KEYS` that apply, with the prefix `analytics_`; a format that names them
takes `logging.Formatter(..., defaults=dict.fromkeys(...))` for the others:

    analytics_event       what happened: ask_started, long_wait, slot_granted, attempt, refused, day_spent, retrying,
                          ask_ended, page_read, window_split, drift, going_away, call_done, progress; and what is not a
                          notice: hook_failed, refused_within_limit (a client that this library cannot see asks too),
                          quota_empty, quota_forgotten (by its store)
    analytics_vendor      whose answer, question or call it is about
    analytics_endpoint    name of the question
    analytics_ask         number of the ask, unique within the process
    analytics_<field>     a field of the notice; `error` as the name of its class, with the vendor's code as `code`, a
                          range as `start` and `end`

The other keys are the fields of the classes in `notices.py` that `KEYS` names, and no others: what a notice gains
stays out of the log until somebody has thought about it. No payload, no credential, no parameter of a question, no
address with a query and no vendor's prose comes in; what the vendor chose (codes, request ids) is made printable.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from logging import DEBUG, INFO, WARNING
from types import MappingProxyType
from typing import Any

import msgspec

from agora_tencent_analytics import notices
from agora_tencent_analytics.errors import Refusal
from agora_tencent_analytics.notices import LongWait, Notice
from agora_tencent_analytics.timerange import TimeRange

LOG = logging.getLogger("agora_tencent_analytics")
"""The logger of all records."""
PREFIX = "analytics_"
"""Keeps the keys apart from the attributes of `logging.LogRecord`."""
KEYS = (
    *("event", "vendor", "endpoint", "ask", "number", "status", "elapsed_s", "request_id", "host", "error"),
    *("counter", "priority", "waited_s", "left_today", "seconds", "until", "reason", "per", "code", "pause_s"),
    *("requests", "start", "end", "rows", "fresh", "total", "has_more"),
    *("sessions", "series", "points", "failures", "calls", "in_hand"),
)
"""What records carry, without the prefix."""

_KNOWN = frozenset(KEYS)
_LONGEST = 80
_SAID: Mapping[type[Notice], tuple[int, str]] = MappingProxyType(
    {
        notices.AskStarted: (DEBUG, "asking"),
        notices.SlotGranted: (DEBUG, "a slot after %(waited_s).2f s, %(left_today)s left today"),
        notices.Attempt: (DEBUG, "attempt %(number)d: HTTP %(status)s, %(elapsed_s).2f s, error %(error)s"),
        notices.AskEnded: (DEBUG, "over, requests: %(requests)d, %(elapsed_s).2f s, error %(error)s"),
        notices.PageRead: (DEBUG, "page %(number)d of %(start)d to %(end)d, rows: %(rows)d, new: %(fresh)d"),
        notices.CallDone: (DEBUG, "a call is read, sessions: %(sessions)d, failures: %(failures)d"),
        notices.Progress: (DEBUG, "so far, calls: %(calls)d, requests: %(requests)d, failures: %(failures)d"),
        notices.Retrying: (INFO, "asking again in %(pause_s).2f s after %(error)s"),
        notices.WindowSplit: (INFO, "%(start)d to %(end)d is read in halves: %(reason)s"),
        notices.Refused: (WARNING, "refused, too many requests%(window)s (code %(code)s)"),
        notices.Drift: (WARNING, "%(start)d to %(end)d changed while it was read: %(reason)s"),
        notices.GoingAway: (WARNING, "the vendor says that this question will go away; the notice has its words"),
        notices.DaySpent: (WARNING, "the day of %(counter)s is spent, until %(clock)s UTC"),
        notices.LongWait: (WARNING, "waiting for %(reason)s, about %(seconds).0f s, until %(clock)s UTC"),
    }
)
_EVENTS = {kind: re.sub(r"\B[A-Z]", r"_\g<0>", kind.__name__).lower() for kind in _SAID}


def enter(notice: Notice) -> None:
    """Writes the notice down, if the logger wants its level."""
    said = _SAID.get(type(notice))
    if said is None:
        return
    level, words = said
    if isinstance(notice, LongWait) and notice.priority == "backfill":
        level = INFO  # waiting is what a backfill is for
    if not LOG.isEnabledFor(level):
        return
    facts = _facts(notice)
    if isinstance(notice, LongWait | notices.DaySpent):
        facts["clock"] = datetime.fromtimestamp(notice.until, UTC).strftime("%H:%M:%S")
    if isinstance(notice, notices.Refused):
        window = f"{notice.per} s" if notice.per.isdigit() else f"a {notice.per}"
        facts["window"] = "" if notice.per == "unknown" else f" in {window}"
    whose = "%(vendor)s %(endpoint)s: " if notice.endpoint else "%(vendor)s: "
    LOG.log(level, whose + words, facts, extra=extra(_EVENTS[type(notice)], **facts))


def hook_failed(notice: Notice) -> None:
    """Writes down the exception that is being handled: a hook raised it when it was given the notice."""
    LOG.exception("a hook failed on %s", type(notice).__name__, extra=extra("hook_failed", **_facts(notice)))


def extra(event: str, **facts: Any) -> dict[str, Any]:
    """What a record carries: of the facts those that have a key and are known."""
    facts["event"] = event
    return {PREFIX + key: facts[key] for key in KEYS if facts.get(key) is not None}


def _facts(notice: Notice) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for name, value in msgspec.structs.asdict(notice).items():
        if isinstance(value, TimeRange):
            facts["start"], facts["end"] = value.start, value.end
        elif name in _KNOWN:
            facts[name] = _plain(value)
        if isinstance(value, Refusal):
            facts["code"] = _plain(value.code)
    return facts


def _plain(value: Any) -> Any:
    if isinstance(value, BaseException):
        return type(value).__name__
    if isinstance(value, str):
        return "".join(char if char.isprintable() else " " for char in value[:_LONGEST])
    return value
