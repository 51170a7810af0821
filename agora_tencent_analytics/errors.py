"""Every failure of this library, as one tree named by whose fault it is.

Which vendor code becomes which class is written in the vendor packages (`agora/codes.py`,
`tencent/codes.py`), and what to do next is decided in `http/retry.py`.

    AnalyticsError
    +-- TransportError            the vendor was never heard, or not to the end
    +-- Refusal                   the vendor said no
    |   +-- NotAuthenticated      ... to these credentials (or to this clock)
    |   +-- NotPermitted          ... to this account, plan or service
    |   +-- InvalidRequest        ... to what was asked
    |   +-- NotFound              ... there is no such endpoint or action (any more)
    |   +-- RateLimited           ... for now
    |   +-- WindowRefused         ... to this time range
    |   +-- VendorFault           ... because it failed itself
    +-- UnreadableReply           the vendor answered something that is not an answer
    +-- UnreadableRow             the vendor answered, and one row of it cannot be read
    +-- NotAsked                  nothing was sent
    |   +-- NotOffered            the vendor, the API generation or the plan lacks this question
    |   +-- BadInput              the question is wrong (a ValueError too)
    |   |   +-- NothingToAsk      no second of the range can be had from the vendor now
    |   +-- WouldExceedQuota      no slot in the time the caller allowed
    |   +-- DailyQuotaExhausted   no request left this UTC day
    |   +-- BudgetSpent           the caller's own allowance is used up
    |   +-- QuotaUnavailable      the store that counts the requests cannot be had
    |   +-- ProviderClosed        the provider was closed, or its session was
    |   +-- LedgerUnusable        the file that remembers a scan cannot be had, or is in use
    +-- CallNotFound              no call of that id is listed (a LookupError too)
    +-- IncompleteScan            a scan that was told to raise could not read everything (an exception group too)

Three stand with what they hold: `UnreadableRow` and `NothingToAsk` in `paging/certificate.py`, `IncompleteScan` in
`scan/report.py`. All of them survive `pickle` and `copy`, and none holds a secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any, Literal
from unicodedata import combining, east_asian_width

_CUT = "..."
LONGEST_LINE = 2_000
"""Columns of a line that is about one failure or one doubt."""


def _revive(cls: type[AnalyticsError], args: tuple[Any, ...], facts: dict[str, Any]) -> AnalyticsError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(facts)
    return error


def printable(text: object) -> str:
    """Text for people, without control characters: what a vendor or a participant wrote must not steer a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(text))


def columns_of(text: str) -> int:
    """Columns of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(char) else 1 + (east_asian_width(char) in "WF") for char in text)


def counted(number: object, one: str, many: str = "") -> str:
    """`1 call`, `2,000 calls`: a count of things as it stands in a sentence.

    Args:
        number: how many; what is not a whole number is written as it is.
        one: the words for one.
        many: the words for several, where they are not `one` with an "s".
    """
    told = f"{number:,}" if isinstance(number, int) else str(number)
    return f"{told} {one if told == '1' else many or f'{one}s'}"


def bounded(text: str, most: int = 64) -> str:
    """Printable text, cut where it would take more columns, as names that a participant chose can.

    Args:
        text: as it came.
        most: columns.
    """
    said = printable(text[: 4 * most])  # what combines takes no column
    if len(text) <= 4 * most and columns_of(said) <= most:
        return said
    room = most - len(_CUT)
    ends = accumulate(map(columns_of, said))
    return "".join(char for char, end in zip(said, ends, strict=True) if end <= room) + _CUT


class AnalyticsError(Exception):
    """Anything that comes of a request, sent or not, is one of these.

    `str(error)` says what happened, whose fault it is and what to do next.

    Args:
        message: what happened, whose fault it is and what to do next.

    Attributes:
        endpoint: name of the endpoint that was asked; `""` where none is known.
        counter: name of the vendor's counter that it draws on; `""` where none is known.
        retryable: True if the same may be asked again later and then answered.
        retry_at: from when on, epoch seconds on this machine's clock; None where waiting does not help, or nobody
            knows how long.
    """

    endpoint: str = ""
    counter: str = ""
    retryable: bool = False
    retry_at: float | None = None

    def wait_s(self, now: float) -> float | None:
        """How long to wait before asking again, seconds, at least 0; None where `retry_at` is.

        Args:
            now: epoch seconds on this machine's clock: `time.time()`.
        """
        return None if self.retry_at is None else max(0.0, self.retry_at - now)

    def __init__(self, message: str) -> None:
        # Facts (`code`, `request_id`) stay as they came; in the text they must not steer a terminal.
        super().__init__(printable(message))

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions with keyword arguments do not pickle by default: carry the facts along instead.
        return _revive, (type(self), self.args, dict(self.__dict__))


class TransportError(AnalyticsError):
    """The vendor was never heard, or not to the end: connection, TLS, DNS or timeout.

    What may have reached the vendor is charged to the quota; only what certainly did not leave is not.

    Attributes:
        phase: `"connect"` (name lookup, TCP, TLS), `"read"` (waiting for, or reading, the answer) or
            `"total"` (the overall limit of one attempt).
        timed_out: True if a time limit of this client ended the attempt, False if the network did.
        left: False if it is certain that no byte of the request was handed to a connection (there was no name, no
            connection, no TLS), so that it is not charged; True if any was, and where that is not known.
    """

    retryable: bool = True

    def __init__(
        self,
        message: str,
        *,
        endpoint: str,
        phase: Literal["connect", "read", "total"],
        timed_out: bool,
        left: bool = True,
    ) -> None:
        super().__init__(message)
        self.endpoint = endpoint
        self.phase = phase
        self.timed_out = timed_out
        self.left = left


class Refusal(AnalyticsError):
    """The vendor answered no. Unknown codes arrive as this very class, never swallowed.

    Args:
        hint: what to do next, in words.

    Attributes:
        vendor: `"agora"`, `"tencent"` or a third party's name.
        code: the vendor's own code as text, letter for letter (`"300"`, `"InvalidParameter.EndTs"`).
        message: the vendor's own message.
        request_id: the vendor's id of the request, `""` if it gave none. Quote it to the vendor's support.
        status: HTTP status. Both vendors refuse with 200.
    """

    def __init__(
        self,
        *,
        vendor: str,
        code: str,
        message: str,
        request_id: str = "",
        endpoint: str = "",
        status: int = 200,
        hint: str = "",
    ) -> None:
        named = f", request id {request_id}" if request_id else ""
        told = f". {hint}" if hint else ""
        super().__init__(f"{vendor} refused {endpoint or 'a request'}: {code} {message!r} (HTTP {status}{named}){told}")
        self.vendor = vendor
        self.code = code
        self.message = message
        self.request_id = request_id
        self.endpoint = endpoint
        self.status = status


class NotAuthenticated(Refusal):
    """The credentials are wrong or expired, or this machine's clock is too far off for its signature.

    Args:
        facts: those of `Refusal`.

    Attributes:
        cause: `"credentials"`, `"token"` (an STS token that expired) or `"clock"` (signature expired).
    """

    def __init__(self, *, cause: Literal["credentials", "token", "clock"] = "credentials", **facts: Any) -> None:
        super().__init__(**facts)
        self.cause = cause


class NotPermitted(Refusal):
    """The credentials are good, but the account, the plan or the service does not include this."""


class InvalidRequest(Refusal):
    """The vendor found the question malformed. Asking again unchanged cannot help."""


class NotFound(Refusal):
    """The vendor knows no such endpoint, action or version, or has retired it."""


Per = Literal["second", "minute", "day", "unknown"] | int
"""The window of a rate that is full, by its name or by its length in seconds."""


class RateLimited(Refusal):
    """Too many requests.

    Args:
        facts: those of `Refusal`.

    Attributes:
        per: the window that is full: `"second"`, `"minute"`, `"day"` (spent until midnight UTC), `"unknown"`
            (HTTP 429 says only that there were too many), or the length of any other in seconds.
        retry_after_s: seconds that the vendor asked to wait (`Retry-After`), or None.
    """

    retryable: bool = True

    def __init__(
        self,
        *,
        per: Per = "second",
        retry_after_s: float | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(**facts)
        self.per: Per = per
        self.retry_after_s = retry_after_s


class WindowRefused(Refusal):
    """The vendor does not answer for this time range.

    Args:
        facts: those of `Refusal`.

    Attributes:
        kind: `"too_recent"` (inside the vendor's lag), `"too_old"` (past its history), `"too_long"` (longer
            than its span), `"too_much"` (more content than one answer may hold) or `"unknown"`.
    """

    def __init__(
        self,
        *,
        kind: Literal["too_recent", "too_old", "too_long", "too_much", "unknown"] = "unknown",
        **facts: Any,
    ) -> None:
        super().__init__(**facts)
        self.kind = kind
        self.retryable: bool = kind == "too_recent"


class VendorFault(Refusal):
    """The vendor failed: HTTP 5xx, or an internal error in the body. Retried a bounded number of times."""

    retryable: bool = True


class UnreadableReply(AnalyticsError):
    """The vendor answered, but not with what its documents describe: HTML, cut JSON, a list for an object.

    Attributes:
        endpoint: name of the endpoint that was asked.
        status: HTTP status; 0 if not even that could be read.
        excerpt: the first characters of the body, made printable.
        request_id: the vendor's id of the request where one could still be read, else `""`.
        in_rows: True if the answer came whole and only its rows are not what is known of them, so that asking again
            probably brings the same.
        too_large: True if more came than is read, so that asking again probably brings the same.
    """

    def __init__(
        self,
        message: str,
        *,
        endpoint: str,
        status: int,
        excerpt: str = "",
        request_id: str = "",
        in_rows: bool = False,
        too_large: bool = False,
    ) -> None:
        named = f", request id {request_id}" if request_id else ""
        begun = f"; the body begins {excerpt!r}" if excerpt else ""
        answered = f"answered HTTP {status} with a body" if status else "gave an answer"
        super().__init__(f"{endpoint} {answered} that cannot be read: {message}{named}{begun}")
        self.endpoint = endpoint
        self.status = status
        self.excerpt = excerpt
        self.request_id = request_id
        self.in_rows = in_rows
        self.too_large = too_large
        self.retryable: bool = not (in_rows or too_large)


class NotAsked(AnalyticsError):
    """The library did not send the request: nothing was spent."""


class NotOffered(NotAsked):
    """The vendor, the API generation or the plan does not offer this question.

    Attributes:
        endpoint: name of the question.
        plan: the plan that lacks it, or `""` when no plan offers it.
    """

    def __init__(self, message: str, *, endpoint: str, plan: str = "") -> None:
        super().__init__(message)
        self.endpoint = endpoint
        self.plan = plan


class BadInput(NotAsked, ValueError):
    """What was asked for is wrong, and no request was sent. It is a `ValueError` too."""


class WouldExceedQuota(NotAsked):
    """No slot is free in the time that the caller allowed; `retry_at` says when one is expected to be."""

    retryable: bool = True
    retry_at: float  # pyright: ignore[reportIncompatibleVariableOverride]  # always known

    def __init__(self, message: str, *, retry_at: float) -> None:
        super().__init__(message)
        self.retry_at = retry_at  # pyright: ignore[reportIncompatibleVariableOverride]


class DailyQuotaExhausted(NotAsked):
    """The day's requests are spent: by this library's count, or because the vendor said so.

    Args:
        limit: requests that a day has.

    Attributes:
        resets_at: epoch seconds (vendor time) of the next midnight UTC; `retry_at` is the same instant on this
            machine's clock.
        counter: name of the counter that is spent.
        reserved: how many of the day's requests are left, at most, for priorities that a reserve is kept for; 0 if
            nothing is left for anybody.
    """

    retryable: bool = True
    retry_at: float  # pyright: ignore[reportIncompatibleVariableOverride]  # always known

    def __init__(
        self, *, counter: str, limit: int, resets_at: float, reserved: int = 0, retry_at: float | None = None
    ) -> None:
        when = datetime.fromtimestamp(resets_at, UTC).isoformat()
        nothing = f"nothing but the last {reserved:,}, reserved for another priority," if reserved else "nothing"
        super().__init__(
            f"{nothing} is left of the {counted(limit, 'request')} that this account may send to {counter} "
            f"in a UTC day; ask again after {when}, or take a larger plan"
        )
        self.counter = counter
        self.retry_at = resets_at if retry_at is None else retry_at  # pyright: ignore[reportIncompatibleVariableOverride]
        self.reserved = reserved
        self.limit = limit
        self.resets_at = resets_at


class BudgetSpent(NotAsked):
    """The requests that the caller allowed are used up; the vendor's quota is untouched.

    Attributes:
        requests: how many were allowed.
    """

    def __init__(self, requests: int) -> None:
        super().__init__(
            f"the budget of {counted(requests, 'request')} is spent, so nothing was sent; give a larger Budget to go on"
        )
        self.requests = requests


class QuotaUnavailable(NotAsked):
    """The store that counts the requests cannot be read or written, so no request is sent uncounted."""

    retryable: bool = True


class ProviderClosed(NotAsked):
    """The provider is closed, or was while a request waited, or the session that it was given is."""


class LedgerUnusable(NotAsked):
    """The ledger of a scan cannot be read or written, belongs to another scan, or is in use by one."""


class CallNotFound(AnalyticsError, LookupError):
    """No call of that id is listed: `call_ids` names those that are missing, `requests` is what the search took.

    Args:
        message: what happened.
        call_ids: the ids that are missing.
        requests: what the search took.
    """

    def __init__(self, message: str, *, call_ids: Sequence[str], requests: int) -> None:
        super().__init__(message)
        self.call_ids: tuple[str, ...] = tuple(call_ids)
        self.requests = requests
