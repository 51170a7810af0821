"""How the words of the command line are read: lengths of time, moments, numbers, shares, texts. Each refuses in words.

Holds functions for `argparse`, which shows the text of `ArgumentTypeError` and nothing of any other error.
"""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from datetime import datetime
from typing import TYPE_CHECKING

from agora_tencent_analytics.errors import BadInput

if TYPE_CHECKING:
    from agora_tencent_analytics.scan.filters import FreezeFrom

_LAST_PORT = 65_535
_LONGEST_MS = 600_000
_MOST_DIGITS = 18
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def length(text: str) -> float:
    """A length of time such as `6h`, in seconds."""
    from agora_tencent_analytics.timerange import Last

    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    try:
        if found and float(found[1]):
            return Last(**{_UNITS[found[2]]: float(found[1])}).seconds
    except BadInput:
        raise ArgumentTypeError(f"{text!r} is longer than any vendor's history") from None
    raise ArgumentTypeError(f"{text!r} is not a length of time; write 90s, 30m, 6h or 2d")


def instant(text: str) -> datetime | float:
    """A moment: ISO 8601, or epoch seconds."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is not a moment; write ISO 8601 with a zone, like 2026-09-14T08:00:00Z, or epoch seconds"
        ) from None


def count(text: str) -> int:
    """A whole number from 1."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS) or not int(text):
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def frozen_from(text: str) -> FreezeFrom:
    """A share of the time such as `8.71%`: the calls that were frozen for that much of it."""
    from agora_tencent_analytics.scan.filters import FreezeFrom

    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,9})?)%", text, re.ASCII)
    # Read as it is written: 8.71 / 100 is a little more than 0.0871, which the vendor's own figure would not reach.
    ratio = float(f"{found[1]}e-2") if found else 0.0
    if not 0 < ratio <= 1:
        raise ArgumentTypeError(f"{text!r} is not a share of the time; write 8.71%, more than 0% and at most 100%")
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
