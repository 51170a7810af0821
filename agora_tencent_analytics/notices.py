"""What happens while the library works, as values for hooks: one class for each kind of notice.

They are facts only: no payload, no credential, no parameter of a question. They are made where things happen
(`http/`, `quota/`, `paging/`, `scan/`), and given to the hooks of the provider and of the terms in force
(`context.py`). Those that are about one ask hold its number, which is unique within the process, as `ask`.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from agora_tencent_analytics.errors import AnalyticsError
from agora_tencent_analytics.timerange import TimeRange

__all__ = [
    "AskEnded",
    "AskStarted",
    "Attempt",
    "CallDone",
    "DaySpent",
    "Drift",
    "GoingAway",
    "Hook",
    "LongWait",
    "Notice",
    "PageRead",
    "Progress",
    "Refused",
    "Retrying",
    "SlotGranted",
    "WindowSplit",
]


class Notice(msgspec.Struct, kw_only=True, frozen=True):
    """Something happened."""

    vendor: str
    """Whose answer, question or call it is about."""
    endpoint: str = ""
    """Name of the question; `""` where it is about none in particular."""


Hook = Callable[[Notice], None]
"""What notices are given to: a plain function that returns soon. What it raises is logged and goes no further."""


class _AskNotice(Notice, kw_only=True, frozen=True):
    """Something happened to an ask."""

    ask: int
    """Number of the ask, unique within the process."""


class AskStarted(_AskNotice, kw_only=True, frozen=True):
    """A question is about to be asked."""


class LongWait(_AskNotice, kw_only=True, frozen=True):
    """A question has to wait for more than five seconds."""

    seconds: float
    """The least that it is expected to wait, seconds."""
    until: float
    """Epoch seconds when it is expected to go on."""
    reason: str
    """What it waits for, in words."""
    priority: str = "normal"
    """The priority it is asked with."""


class SlotGranted(_AskNotice, kw_only=True, frozen=True):
    """The quota granted the right to send one request."""

    counter: str
    """Name of the vendor's counter that it draws on."""
    waited_s: float
    """Seconds waited for the slot."""
    left_today: int | None
    """Requests left in the vendor's UTC day; None where days are not counted."""


class Attempt(_AskNotice, kw_only=True, frozen=True):
    """One request was sent, or tried to be, and answered or not."""

    number: int
    """Which attempt of its ask, from 1."""
    status: int | None
    """HTTP status; None if no answer came."""
    elapsed_s: float
    """Seconds from sending to the end of the answer, or to the failure."""
    host: str
    """Where it was sent to, with the port if it is not the usual one."""
    method: str = ""
    """HTTP method."""
    request_id: str = ""
    """The vendor's id of the request, where one is known."""
    error: BaseException | None = None
    """Why it failed, a cancellation included; None if it did not."""


class Refused(_AskNotice, kw_only=True, frozen=True):
    """The vendor refused a request for its rate or for the day."""

    per: str
    """The window that is full: `"second"`, `"minute"`, `"day"` or `"unknown"`."""
    code: str
    """The vendor's code."""


class DaySpent(_AskNotice, kw_only=True, frozen=True):
    """The day's requests of a counter are spent, but for those reserved; told once by a provider for each day."""

    counter: str
    """Name of the vendor's counter."""
    until: float
    """Epoch seconds on this machine's clock when it begins anew."""


class Retrying(_AskNotice, kw_only=True, frozen=True):
    """A failed attempt will be repeated."""

    pause_s: float
    """Seconds until then, quota aside."""
    error: AnalyticsError
    """Why."""


class AskEnded(_AskNotice, kw_only=True, frozen=True):
    """A question was answered, or given up."""

    requests: int
    """Requests that were sent, as far as is known."""
    waited_s: float
    """Seconds that they waited for the quota."""
    elapsed_s: float
    """Seconds from the start of the ask."""
    attempts: int = 0
    """Attempts to send one, those included that found no connection."""
    error: BaseException | None = None
    """Why it was given up; None if it was answered."""


class PageRead(Notice, kw_only=True, frozen=True):
    """A page of a walk was decoded."""

    over: TimeRange
    """Its window."""
    number: int
    """Page number in the vendor's counting."""
    rows: int
    """Rows of the page."""
    fresh: int
    """Those that the walk had not seen before."""
    total: int | None = None
    """The vendor's own total."""
    has_more: bool | None = None
    """The vendor's word on whether more exists."""


class WindowSplit(Notice, kw_only=True, frozen=True):
    """A window shows less than it holds, and is read in two halves."""

    over: TimeRange
    """The window."""
    reason: str
    """Why, in words."""


class Drift(Notice, kw_only=True, frozen=True):
    """A listing changed while it was read."""

    over: TimeRange
    """Its window."""
    reason: str
    """What was seen, in words."""


class GoingAway(Notice, kw_only=True, frozen=True):
    """The vendor answers a question, and says that it will soon stop doing so; given once for each listing."""

    message: str
    """The vendor's words."""


class CallDone(Notice, kw_only=True, frozen=True):
    """A scan has read a call, as far as it can be read."""

    call_id: str
    sessions: int
    series: int
    points: int
    failures: int


class Progress(Notice, kw_only=True, frozen=True):
    """How far a scan has come with one vendor."""

    calls: int
    requests: int
    failures: int
    in_hand: int
    """Calls being read."""
