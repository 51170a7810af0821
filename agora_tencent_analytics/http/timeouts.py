"""`Timeouts`: how long one attempt may take, and all attempts of a question together."""

from __future__ import annotations

import math

import attrs

from agora_tencent_analytics.errors import BadInput


def _check_seconds(_: object, field: attrs.Attribute[float], value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise BadInput(f"{field.name} must be a number of seconds, more than 0, not {value!r}")


@attrs.frozen(kw_only=True, slots=False)
class Timeouts:
    """How long one attempt may take, in seconds. Waiting for quota never counts.

    Raises:
        BadInput: a figure is not a finite number above 0.
    """

    connect_s: float = attrs.field(default=10.0, validator=_check_seconds)
    """Name lookup, TCP and TLS together."""
    read_s: float = attrs.field(default=30.0, validator=_check_seconds)
    """The longest silence while waiting for the answer or between two pieces of it; its head counts as one piece."""
    total_s: float = attrs.field(default=120.0, validator=_check_seconds)
    """One attempt from beginning to end."""
    deadline_s: float | None = attrs.field(default=None, validator=attrs.validators.optional(_check_seconds))
    """All attempts of one ask together, pauses and quota waits included. None: no such limit."""

    def cut(self, total_s: float) -> Timeouts:
        """The same for an attempt that has so many seconds left, more than 0: each request of a view makes one.

        Args:
            total_s: what is left, seconds.
        """
        cut = object.__new__(Timeouts)
        cut.__dict__.update(self.__dict__, total_s=total_s)
        return cut
