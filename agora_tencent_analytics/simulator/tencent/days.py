"""Days and minutes as a simulated Tencent writes them: text, eight hours east of Greenwich.

Holds the reading and writing of dates. The vendor's text says UTC, its examples are in Beijing's time.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

_BEIJING = timezone(timedelta(hours=8))
_EAST_S = 8 * 3_600
_DAY_S = 86_400


def read_instant(text: str, form: str) -> int | None:
    """Epoch seconds of a date in this form of `strptime`, None if it is not written in exactly this form."""
    try:
        found = datetime.strptime(text, form).replace(tzinfo=_BEIJING)
    except ValueError:
        return None
    return int(found.timestamp()) if found.strftime(form) == text else None


def write_instant(instant: int, form: str) -> str:
    """The date of an instant, epoch seconds, in a form of `strftime`."""
    return datetime.fromtimestamp(instant, _BEIJING).strftime(form)


def day_of(instant: float) -> int:
    """The first second of the day that an instant lies in, both epoch seconds."""
    return int(instant + _EAST_S) // _DAY_S * _DAY_S - _EAST_S
