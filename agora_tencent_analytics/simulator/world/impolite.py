"""How impolite a simulated world is: which rows and answers are written badly, by seed.

Holds the kinds of slips (`SLIPS`), each one thing that a vendor, a gateway, a clock or a user can do and a client may
not expect, and `Manners`, which decides where they happen. What happened in the world is the same with and without
them; it is told wrong, late or twice. `faults/slipped_rows.py` writes the rows, `faults/slipped_answers.py` the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.simulator.world.calls import Vendor
from agora_tencent_analytics.simulator.world.dice import Dice

Place = Literal["call", "session", "row", "listing", "metrics", "answer", "date", "vendor"]
"""What a slip befalls: the row of a call or session, a row of events, experiences, figures or usage, one page of a
listing, one answer with metrics, any good answer, the date of any answer, refusals included, or the date of every
answer of the vendor."""

Outcome = Literal["read", "doubted", "lost"]
"""What a right client makes of it: it reads everything all the same; it reads it or says where something may be
missing; or it cannot read the row and says so."""

_PLACES: tuple[Place, ...] = ("call", "session", "row", "listing", "metrics", "answer", "date", "vendor")
_BOTH: tuple[Vendor, ...] = ("agora", "tencent")


@attrs.frozen(kw_only=True)
class Slip:
    """One kind of impoliteness."""

    name: str
    """What it is called, as in `World(impolite={"zero_end": 0.1})`."""
    said: str
    """What the vendor does."""
    places: tuple[Place, ...]
    """What it befalls."""
    outcome: Outcome
    """What a right client makes of it."""
    vendors: tuple[Vendor, ...]
    """Whose answers have it."""
    once: bool
    """True if the same question, asked again, is answered without it."""


@attrs.frozen(kw_only=True)
class Slipped:
    """A row of a call or session that is always told wrong."""

    slip: Slip
    """In which way."""
    vendor: Vendor
    """By whom."""
    call_id: str
    """The call, by its true id."""
    session_id: str = ""
    """The session, by its true id; `""` if it is the row of the call."""


def _slip(
    name: str, said: str, *places: Place, so: Outcome = "read", by: Vendor | None = None, once: bool = False
) -> Slip:
    vendors = _BOTH if by is None else (by,)
    return Slip(name=name, said=said, places=places, outcome=so, vendors=vendors, once=once)


_TABLE = (
    # A life that contradicts itself.
    _slip("zero_end", "a call that is over ended at 0", "call"),
    _slip("negative_end", "it ended at -1", "call"),
    _slip("early_end", "it ended some seconds before it began", "call"),
    _slip("instant_end", "it ended in the second in which it began", "call"),
    _slip("missing_end", "it is over, and has no end", "call"),
    _slip("outlasted", "it ended before its sessions did", "call"),
    _slip("end_in_ms", "it ended at a number of milliseconds", "call"),
    _slip("far_end", "it ended in the year 2100", "call"),
    _slip("unfinished", "it is over, but said to be running still", "call"),
    _slip("zero_leave", "a session that is over ended at 0", "session"),
    _slip("early_leave", "it ended some seconds before it began", "session"),
    _slip("instant_leave", "it ended in the second in which it began", "session", so="doubted"),
    _slip("missing_leave", "it is over, and has no end", "session"),
    _slip("leave_in_ms", "it ended at a number of milliseconds", "session"),
    _slip("far_leave", "it ended in the year 2100", "session"),
    _slip("unfinished_stay", "it is over, but said to last still", "session"),
    _slip("odd_flag", "whether it is over is told by a word, a number or null", "call", "session"),
    # Beginnings that are not epoch seconds.
    _slip("begin_in_ms", "it began at a number of milliseconds", "call", "session", so="doubted"),
    _slip("begin_as_iso", "it began at an ISO 8601 date", "call", "session", so="doubted"),
    _slip("begin_as_text", "the second in which it began stands in quotes", "call", "session", so="doubted"),
    _slip("begin_as_float", "the second in which it began has a decimal point", "call", "session"),
    _slip("zero_begin", "it began at 0", "call", "session", so="doubted"),
    _slip("null_begin", "it began at null", "call", "session", so="doubted"),
    # What users and programs choose.
    _slip("half_character", "a name holds one half of a surrogate pair", "call", "session"),
    _slip("raw_byte", "a name holds a byte that is not UTF-8", "call", "session"),
    _slip("gbk_name", "a row is written in GBK", "call", "session"),
    _slip("odd_name", "a name is a number, a list, an object or null", "call", "session"),
    _slip("broken_user", "a user's id holds one half of a surrogate pair", "session", so="doubted", by="tencent"),
    _slip("null_user", "a user's id is null", "session", so="doubted"),
    _slip("other_user", "a user's id is text where a number is due, or the other way round", "session"),
    # Numbers and bombs.
    _slip("nan_ratio", "a rate is a bare NaN", "call", "session"),
    _slip("infinite_ratio", "a rate is a bare Infinity", "call", "session"),
    _slip("text_ratio", "a rate is a text", "call", "session"),
    _slip("huge_integer", "an unknown field holds an integer of 5,000 digits", "call", "session", "row"),
    _slip("deep_field", "an unknown field holds a list nested 5,000 deep", "call", "session", "row"),
    _slip("long_field", "an unknown field holds a text of 100,000 characters", "call", "session", "row"),
    _slip("key_twice", "a row has one of its keys twice", "call", "session"),
    _slip("escaped_keys", "every letter of a row is written as an escape", "call", "session", "row"),
    # Rows that are not rows.
    _slip("null_row", "a row is null", "call", "session", "row", so="lost"),
    _slip("text_row", "a row is a text", "call", "session", "row", so="lost"),
    _slip("list_row", "a row is a list of its values", "call", "session", "row", so="lost"),
    _slip("bare_row", "a row is an object of nothing", "call", "session", "row", so="lost"),
    _slip("null_id", "the id of a row is null", "call", "session", so="lost"),
    _slip("empty_id", "the id of a row is an empty text", "call", "session", so="lost"),
    # The same again, and late.
    _slip("twice", "a row stands twice on its page, and the total counts it", "call", "session"),
    _slip(
        "twice_apart", "a row stands twice on its page, the second time as it was while it lasted", "call", "session"
    ),
    _slip("late", "a row is listed only some while after it is over", "call", "session", so="doubted"),
    # Pages.
    _slip("zero_total", "a listing says that it has no rows", "listing"),
    _slip("wrong_total", "a listing says that it has a few rows more or less", "listing"),
    _slip("more", "the last page says that others follow", "listing", by="agora"),
    _slip("no_more", "a page says that no others follow", "listing", by="agora"),
    _slip("empty_page", "a page comes without rows", "listing", once=True),
    _slip("repeated_page", "a page comes with the rows of the page before it", "listing", once=True),
    _slip("short_page", "a page comes with fewer rows than were asked for", "listing", by="agora"),
    _slip("shuffled_page", "a page comes in no order", "listing"),
    _slip("null_list", "the list of an answer is null", "listing", so="doubted", once=True),
    _slip(
        "missing_list",
        "an answer says that all is well, and has no list",
        "listing",
        "metrics",
        so="doubted",
        once=True,
    ),
    # Points.
    _slip("points_in_ms", "the instants of points are milliseconds", "metrics", so="doubted"),
    _slip("points_as_text", "the instants of points stand in quotes", "metrics", so="doubted"),
    _slip("points_as_float", "the instants of points have a decimal point", "metrics"),
    _slip("null_peer", "the peer of what a session measured of itself is null", "metrics"),
    _slip("points_backwards", "points come with the newest first", "metrics"),
    _slip("points_twice", "every point comes twice", "metrics"),
    _slip("odd_points", "there are things among the points that are not points", "metrics"),
    _slip("wide_points", "points of the seconds around the window come along", "metrics"),
    _slip("split_series", "a series comes in two pieces", "metrics"),
    _slip("strangers", "series of sessions or users that nobody asked for come along", "metrics"),
    # Envelopes and gateways.
    _slip("byte_order_mark", "a byte order mark stands before the body", "answer"),
    _slip("blanks", "blanks and line breaks stand around the body", "answer"),
    _slip("x_gzip", "the body is compressed, and the coding is called x-gzip", "answer"),
    _slip("long_header", "a header has 9,000 bytes", "answer"),
    _slip("many_headers", "there are 120 headers", "answer"),
    _slip("other_type", "the body is said to be plain text in GBK", "answer"),
    _slip("code_as_text", "the code stands in quotes", "answer", so="doubted", by="agora"),
    _slip("no_code", "there is no code", "answer", by="agora"),
    _slip("code_twice", "the code stands there twice", "answer", by="agora"),
    _slip("odd_message", "the message is null, a number or an object", "answer", by="agora"),
    _slip("odd_request_id", "the id of the request is null or a number", "answer"),
    _slip("deep_answer", "an unknown part of the answer is nested 5,000 deep", "answer"),
    _slip("echo", "a gateway fails, and repeats the headers of the request on its page", "answer", once=True),
    _slip("empty_answer", "a gateway answers HTTP 200 with nothing", "answer", once=True),
    _slip("sign_in", "a gateway answers HTTP 200 with a page that asks for a password", "answer", once=True),
    _slip("comment", "a comment of HTML stands behind the body", "answer", so="doubted", once=True),
    _slip("hasty_limit", "a request is refused for a rate that it does not exceed", "answer", once=True),
    _slip("odd_refusal", "a request is refused with a code that no page lists", "answer", so="doubted", once=True),
    # The vendor's clock.
    _slip("no_date", "an answer has no date", "date"),
    _slip("odd_date", "an answer's date is not a date", "date"),
    _slip("date_of_1970", "an answer is dated 1970", "date"),
    _slip("old_date", "an answer is dated yesterday", "date"),
    _slip("far_date", "an answer is dated years ahead", "date"),
    _slip("date_elsewhere", "an answer's date is right, and written in another zone", "date"),
    _slip("cached", "an answer is dated three days ago, and says that it comes from a cache", "date"),
    _slip("never_dated", "no answer has a date", "vendor"),
    _slip("always_old", "every answer is dated yesterday, though the vendor's clock is right", "vendor", so="doubted"),
    _slip("always_ahead", "every answer is dated eight hours ahead", "vendor", so="doubted"),
    _slip("stopped_date", "every answer has the same date", "vendor", so="doubted"),
    _slip("alternating_date", "answers are dated rightly and a day ago in turn", "vendor", so="doubted"),
)

SLIPS: Mapping[str, Slip] = {slip.name: slip for slip in _TABLE}
"""Every kind of slip, by name."""


class Manners:
    """Which rows and answers of a world slip, and how: always the same for the same row or question.

    Args:
        seed: any whole number.
        impolite: the share of the rows and answers that slip, spread evenly over the kinds that can befall each; or
            for each kind by name the share of what it can befall.

    Raises:
        BadInput: a share, or the sum of them, below 0 or above 1, or a kind that does not exist.
    """

    def __init__(self, seed: int, impolite: float | Mapping[str, float]) -> None:
        self._seed = seed
        self._ladders: dict[tuple[Place, Vendor], list[tuple[float, Slip]]] = {}
        for place in _PLACES:
            for vendor in _BOTH:
                ladder = _ladder(place, vendor, impolite)
                if ladder:
                    self._ladders[place, vendor] = ladder
        self.impolite: bool = bool(self._ladders)
        """True if anything slips at all."""

    def slip(self, place: Place, vendor: Vendor, *subject: int) -> Slip | None:
        """How this one slips, or None.

        Args:
            place: what it is.
            vendor: whose.
            subject: numbers by which it is known.
        """
        ladder = self._ladders.get((place, vendor))
        if ladder is None:
            return None
        throw = self.dice(place, vendor, *subject).unit()
        return next((slip for share, slip in ladder if throw < share), None)

    def dice(self, place: Place, vendor: Vendor, *subject: int) -> Dice:
        """What else is left to chance about it."""
        return Dice(self._seed, 83, _PLACES.index(place), len(vendor), *subject)


def _ladder(place: Place, vendor: Vendor, impolite: float | Mapping[str, float]) -> list[tuple[float, Slip]]:
    fitting = [slip for slip in SLIPS.values() if place in slip.places and vendor in slip.vendors]
    if isinstance(impolite, Mapping):
        unknown = sorted(set(impolite) - set(SLIPS))
        if unknown:
            raise BadInput(f"impolite: there is no slip {unknown[0]!r}; there are {', '.join(SLIPS)}")
        shares = impolite
    else:
        shares = {slip.name: impolite / len(fitting) for slip in fitting}
    ladder, total = list[tuple[float, Slip]](), 0.0
    for slip in fitting:
        share = shares.get(slip.name, 0.0)
        if not 0 <= share <= 1 or (total := total + share) > 1 + 1e-9:
            raise BadInput(f"impolite: a share is from 0 to 1, also that of all slips of one {place} together")
        if share:
            ladder.append((total, slip))
    return ladder
