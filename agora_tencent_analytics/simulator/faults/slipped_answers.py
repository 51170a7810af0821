"""The slips of answers: what becomes of pages, points, envelopes and dates.

Each slip is one row of a table, with the faults that make it. Which answer slips is decided in `world/impolite.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from email.utils import formatdate
from functools import partial

import attrs

from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.simulator.faults.answer import (
    AnswerHtml,
    AnswerJson,
    Compress,
    Fail,
    Garble,
    Refuse,
    Replace,
    SetHeader,
    Wrap,
    WrongDate,
)
from agora_tencent_analytics.simulator.faults.book import Fault
from agora_tencent_analytics.simulator.faults.listing import (
    ClampPage,
    DuplicatePage,
    EmptyPage,
    Lie,
    OtherWindow,
    Shuffle,
)
from agora_tencent_analytics.simulator.faults.metrics import Retell, Strangers, Widen
from agora_tencent_analytics.simulator.faults.slip import Outcome, Place, Slip, slip
from agora_tencent_analytics.simulator.world.calls import Vendor
from agora_tencent_analytics.simulator.world.dice import Dice


@attrs.frozen(kw_only=True)
class Asking:
    """One request whose answer slips."""

    vendor: Vendor
    """Who answers."""
    payload: str
    """Name of the list that slips, `""` if none does."""
    now: float
    """The vendor's clock, epoch seconds."""
    number: int
    """How many requests arrived before."""
    dice: Dice
    """What is left to chance."""
    other: tuple[int, int] = (0, 0)
    """Another window of the listing, first second and last, that was read before; of no use where there is none."""

    def member(self, name: str, value: str) -> Replace:
        """One more member of the answer, in front of the others."""
        inside = "{" if self.vendor == "agora" else '"Response":{'
        return Replace(text=inside, by=f'{inside}"{name}":{value},', most=1)


Make = Callable[[Asking], tuple[Fault, ...]]
"""The faults by which one answer slips."""


def _one_of(*faults: Fault) -> Make:
    return lambda asking: (asking.dice.pick(faults),)


def _by_vendor(agora: Fault, tencent: Fault) -> Make:
    return lambda asking: (agora if asking.vendor == "agora" else tencent,)


def _header(name: str, value: str | None) -> Fault:
    return SetHeader(name=name, value=value)


def _dated(second: Callable[[float], float], *beside: Fault) -> Make:
    return lambda asking: (_header("Date", formatdate(second(asking.now), usegmt=True)), *beside)


def _renamed(field: str, name: str) -> Replace:
    return Replace(text=f'"{field}":', by=f'"{name}":')


def _wrong_total(asking: Asking) -> tuple[Fault, ...]:
    off = 1 + asking.dice.below(5)
    return (Lie(total_off_by=off if asking.dice.below(2) else -off),)


def _short_page(asking: Asking) -> tuple[Fault, ...]:
    return (ClampPage(size=1 + asking.dice.below(12)),)


def _other_window(asking: Asking) -> tuple[Fault, ...]:
    return (OtherWindow(start=asking.other[0], end=asking.other[1]),)


def _null_list(asking: Asking) -> tuple[Fault, ...]:
    return _renamed(asking.payload, f"old_{asking.payload}"), asking.member(asking.payload, "null")


def _missing_list(asking: Asking) -> tuple[Fault, ...]:
    gone = _renamed(asking.payload, f"new_{asking.payload}")
    return (gone, asking.member("data", "null")) if asking.dice.below(2) else (gone,)


def _odd_request_id(asking: Asking) -> tuple[Fault, ...]:
    field = "requestId" if asking.vendor == "agora" else "RequestId"
    return (Garble(field=field, value=asking.dice.pick(("null", "7", "{}"))),)


def _deep(asking: Asking) -> tuple[Fault, ...]:
    return (asking.member("trace", "[" * 5_000 + "]" * 5_000),)


def _code_twice(asking: Asking) -> tuple[Fault, ...]:
    return (asking.member("code", "200"),)


def _date_elsewhere(asking: Asking) -> tuple[Fault, ...]:
    return (_header("Date", formatdate(asking.now + 8 * HOUR, usegmt=True).replace("GMT", "+0800")),)


def _alternating(asking: Asking) -> tuple[Fault, ...]:
    return (_YESTERDAY,) if asking.number % 2 else ()


_EITHER: tuple[Place, ...] = ("listing", "metrics")
_NULL_PEER = _by_vendor(
    Replace(text='"peer_uid":0}', by='"peer_uid":null}'), Replace(text='"PeerId":""', by='"PeerId":null')
)
_HASTY = _by_vendor(
    Refuse(code=300, message="qps limit error"),
    Refuse(code="RequestLimitExceeded", message="Please reduce the frequency of calls."),
)
_BUSY = _by_vendor(Refuse(code=999, message="busy"), Refuse(code="ResourceBusy", message="busy"))
_CODE_AS_TEXT = Garble(field="code", value='"200"')
_ODD_MESSAGE = _one_of(*(Garble(field="message", value=value) for value in ("null", '"null"', "7", "{}")))
_PLAIN_GBK = _header("Content-Type", "text/plain; charset=gbk")
_ECHO = Fail(status=502, echo=True)
_SIGN_IN = AnswerHtml()
_COMMENT = Wrap(after=b"<!-- served by node 7 -->")
_YESTERDAY = WrongDate(seconds=-DAY)
_NO_DATES = _one_of(_header("Date", "yesterday"), _header("Date", "Thu, 32 Foo 2026 25:61:61 GMT"))
_CACHED = _dated(lambda now: now - 3 * DAY, _header("Age", str(3 * DAY)), _header("X-Cache", "HIT from proxy"))


def _row(
    name: str,
    places: Place | tuple[Place, ...],
    said: str,
    *faults: Fault | Make,
    so: Outcome,
    by: Vendor | None = None,
    once: bool = False,
) -> tuple[Slip, tuple[Fault | Make, ...]]:
    befallen: tuple[Place, ...] = (places,) if isinstance(places, str) else places
    return slip(name, said, *befallen, so=so, by=by, once=once), faults


_read, _doubted = partial(_row, so="read"), partial(_row, so="doubted")

_TABLE = (
    # Pages.
    _read("zero_total", "listing", "a listing says that it has no rows", Lie(total=0)),
    _read("wrong_total", "listing", "a listing says that it has a few rows more or less", _wrong_total),
    _read("more", "listing", "the last page says that others follow", Lie(has_more=True), by="agora"),
    _read("no_more", "listing", "a page says that no others follow", Lie(has_more=False), by="agora"),
    _read("empty_page", "listing", "a page comes without rows", EmptyPage(), once=True),
    _read("repeated_page", "listing", "a page comes with the rows of the page before it", DuplicatePage(), once=True),
    _read("other_window", "listing", "a listing is answered as another window of it was", _other_window, once=True),
    _read("short_page", "listing", "a page comes with fewer rows than were asked for", _short_page, by="agora"),
    _read("shuffled_page", "listing", "a page comes in no order", Shuffle()),
    _doubted("null_list", "listing", "the list of an answer is null", _null_list, once=True),
    _doubted("missing_list", _EITHER, "an answer says that all is well, and has no list", _missing_list, once=True),
    # Points.
    _doubted("points_in_ms", "metrics", "the instants of points are milliseconds", Retell(how="ms")),
    _doubted("points_as_text", "metrics", "the instants of points stand in quotes", Retell(how="text")),
    _read("points_as_float", "metrics", "the instants of points have a decimal point", Retell(how="float")),
    _read("null_peer", "metrics", "the peer of what a session measured of itself is null", _NULL_PEER),
    _read("points_backwards", "metrics", "points come with the newest first", Retell(how="backwards")),
    _read("points_twice", "metrics", "every point comes twice", Retell(how="twice")),
    _read("odd_points", "metrics", "there are things among the points that are not points", Retell(how="odd")),
    _read("wide_points", "metrics", "points of the seconds around the window come along", Widen()),
    _read("split_series", "metrics", "a series comes in two pieces", Retell(how="split")),
    _read("strangers", "metrics", "series of sessions or users that nobody asked for come along", Strangers()),
    # Envelopes and gateways.
    _read("byte_order_mark", "answer", "a byte order mark stands before the body", Wrap(before=b"\xef\xbb\xbf")),
    _read("blanks", "answer", "blanks and line breaks stand around the body", Wrap(before=b"\r\n\t ", after=b" \n\n")),
    _read("x_gzip", "answer", "the body is compressed, and the coding is called x-gzip", Compress(label="x-gzip")),
    _read("long_header", "answer", "a header has 9,000 bytes", _header("X-Trace", "x" * 9_000)),
    _read("many_headers", "answer", "there are 120 headers", *(_header(f"X-Hop-{hop}", "y") for hop in range(120))),
    _read("other_type", "answer", "the body is said to be plain text in GBK", _PLAIN_GBK),
    _doubted("code_as_text", "answer", "the code stands in quotes", _CODE_AS_TEXT, by="agora"),
    _read("no_code", "answer", "there is no code", _renamed("code", "status"), by="agora"),
    _read("code_twice", "answer", "the code stands there twice", _code_twice, by="agora"),
    _read("odd_message", "answer", "the message is null, a number or an object", _ODD_MESSAGE, by="agora"),
    _read("odd_request_id", "answer", "the id of the request is null or a number", _odd_request_id),
    _read("deep_answer", "answer", "an unknown part of the answer is nested 5,000 deep", _deep),
    _read("echo", "answer", "a gateway fails, and repeats the headers of the request on its page", _ECHO, once=True),
    _read("empty_answer", "answer", "a gateway answers HTTP 200 with nothing", AnswerJson(text=""), once=True),
    _read("sign_in", "answer", "a gateway answers HTTP 200 with a page that asks for a password", _SIGN_IN, once=True),
    _doubted("comment", "answer", "a comment of HTML stands behind the body", _COMMENT, once=True),
    _read("hasty_limit", "answer", "a request is refused for a rate that it does not exceed", _HASTY, once=True),
    _doubted("odd_refusal", "answer", "a request is refused with a code that no page lists", _BUSY, once=True),
    # The vendor's clock.
    _read("no_date", "date", "an answer has no date", _header("Date", None)),
    _read("odd_date", "date", "an answer's date is not a date", _NO_DATES),
    _read("date_of_1970", "date", "an answer is dated 1970", _dated(lambda _: 0.0)),
    _read("old_date", "date", "an answer is dated yesterday", _YESTERDAY),
    _read("far_date", "date", "an answer is dated years ahead", WrongDate(seconds=1_500 * DAY)),
    _read("date_elsewhere", "date", "an answer's date is right, and written in another zone", _date_elsewhere),
    _read("cached", "date", "an answer is dated three days ago, and says that it comes from a cache", _CACHED),
    _read("never_dated", "vendor", "no answer has a date", _header("Date", None)),
    _doubted("always_old", "vendor", "every answer is dated yesterday, though the vendor's clock is right", _YESTERDAY),
    _doubted("always_ahead", "vendor", "every answer is dated eight hours ahead", WrongDate(seconds=8 * HOUR)),
    _doubted("stopped_date", "vendor", "every answer has the same date", _dated(lambda now: now // DAY * DAY)),
    _doubted("alternating_date", "vendor", "answers are dated rightly and a day ago in turn", _alternating),
)

SLIPS_OF_ANSWERS: tuple[Slip, ...] = tuple(slip for slip, _ in _TABLE)
"""Every kind of slip of an answer."""
ANSWERS: Mapping[str, tuple[Fault | Make, ...]] = {slip.name: faults for slip, faults in _TABLE}
"""What makes each, by name."""


def faults_of(slip: Slip, asking: Asking) -> Iterator[Fault]:
    """The faults by which this answer slips in that way."""
    for made in ANSWERS[slip.name]:
        yield from (made,) if isinstance(made, Fault) else made(asking)
