"""How the words of the command line are read: lengths of time, days, moments, numbers, shares. Each refuses in words.

Holds functions for `argparse`, which shows the text of `ArgumentTypeError` and nothing of any other error.
"""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING

from agora_tencent_analytics.errors import BadInput

if TYPE_CHECKING:
    from agora_tencent_analytics.scan.options import FreezeFrom

_LAST_PORT = 65_535
_LONGEST_MS = 600_000
_MOST_DIGITS = 18
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def length(text: str) -> float:
    """A length of time such as `6h` or `1h30m`, in seconds."""
    from agora_tencent_analytics.timerange import Last

    parts = re.findall(r"(\d+(?:\.\d+)?)([dhms])", text)
    in_order = re.fullmatch(r"(?:[\d.]+d)?(?:[\d.]+h)?(?:[\d.]+m)?(?:[\d.]+s)?", text, re.ASCII)
    if in_order and "".join(map("".join, parts)) == text and any(float(number) for number, _ in parts):
        try:
            return Last(**{_UNITS[unit]: float(number) for number, unit in parts}).seconds
        except BadInput:
            raise ArgumentTypeError(f"{text!r} is longer than any vendor's history") from None
    raise ArgumentTypeError(f"{text!r} is not a length of time; write 90s, 30m, 6h, 1h30m or 2d")


def last(text: str) -> float | str | date:
    """A length of time in seconds; or a day: `today`, `yesterday` or its date."""
    if text in ("today", "yesterday"):
        return text
    if _DATE.fullmatch(text):
        return _date(text)
    try:
        return length(text)
    except ArgumentTypeError as error:
        raise ArgumentTypeError(f"{error}, or a day: yesterday, 2026-11-29") from None


def instant(text: str) -> datetime | date | float:
    """A moment: ISO 8601, a date (its midnight), or epoch seconds."""
    try:
        return float(text)
    except ValueError:
        pass
    if _DATE.fullmatch(text):
        return _date(text)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is not a moment; write a date, ISO 8601 with a zone, like 2026-09-14T08:00Z, or epoch seconds"
        ) from None


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"there is no day {text}") from None
    if not date.min.year < day.year < date.max.year:  # in another zone it begins or ends outside the calendar
        raise ArgumentTypeError(f"no vendor was ever asked about {text}")
    return day


def zone(text: str) -> tzinfo:
    """A time zone: a name such as `Europe/Berlin`, `UTC`, or an offset such as `+01:00`."""
    from zoneinfo import ZoneInfo

    offset = re.fullmatch(r"([+-])(\d\d):?(\d\d)", text, re.ASCII)
    try:
        if offset:
            ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
            return timezone(ahead if offset[1] == "+" else -ahead)
        return ZoneInfo(text)
    except (ValueError, OSError, LookupError):  # ZoneInfoNotFoundError is a KeyError
        raise ArgumentTypeError(f"{text!r} is not a time zone; write UTC, Europe/Berlin or +01:00") from None


def count(text: str) -> int:
    """A whole number from 1."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS) or not int(text):
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def frozen_from(text: str) -> FreezeFrom:
    """A share of the time such as `8.71%` or `0.0871`: the calls that were frozen for that much of it."""
    from agora_tencent_analytics.scan.options import FreezeFrom

    percent = re.fullmatch(r"(\d{1,3}(?:\.\d{1,9})?)%", text, re.ASCII)
    # Read as it is written: 8.71 / 100 is a little more than 0.0871, which the vendor's own figure would not reach.
    written = f"{percent[1]}e-2" if percent else text if re.fullmatch(r"[01]\.\d{1,11}", text, re.ASCII) else "0"
    ratio = float(written)
    if not 0 < ratio <= 1:
        raise ArgumentTypeError(
            f"{text!r} is not a share of the time; write 8.71% or 0.0871, more than 0% and at most 100%"
        )
    return FreezeFrom(ratio)


def share(text: str) -> float:
    """A share of everything, from 0 to 1."""
    if not re.fullmatch(r"0(\.\d{1,9})?|1(\.0{1,9})?", text, re.ASCII):
        raise ArgumentTypeError(f"{text!r} is not a share from 0 to 1; write 0.2 for one in five")
    return float(text)


def port(text: str) -> int:
    """A port; 0 takes a free one."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS) or int(text) > _LAST_PORT:
        raise ArgumentTypeError(f"{text!r} is not a port; write a number from 0 to {_LAST_PORT}")
    return int(text)


def host(text: str) -> str:
    """The name or address of a host."""
    try:
        text.encode("idna")
    except UnicodeError:
        text = "\0"
    if not text.isprintable():
        raise ArgumentTypeError("that is not the name or address of a host")
    return text


def milliseconds(text: str) -> float:
    """Milliseconds from 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < _LONGEST_MS:
        raise ArgumentTypeError(f"{text!r} is not a number of milliseconds, 0 or more")
    return value


def sent(text: str) -> str:
    """A text that a vendor is asked about; bytes of the command line that are not UTF-8 cannot be sent."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ArgumentTypeError(f"{text!r} is not UTF-8") from None
    return text


def vendor(text: str) -> str:
    """The name of a vendor: one that is built in, `both`, or one that another package brings."""
    if not re.fullmatch("[a-z0-9-]+", text):
        raise ArgumentTypeError(f"{text!r} is not a vendor's name: lower-case letters, digits and hyphens")
    return text
