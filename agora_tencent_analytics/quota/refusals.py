"""What a counter has met of refusals for its rate: its own, and those that other processes met.

Holds the count that tells a fresh refusal of another process from the echo of an own one, and the one line that says
in words what a refusal means. Slowing down is the task of `limiter.py`. Its owner's lock guards it.
"""

from __future__ import annotations

import logging

from agora_tencent_analytics.log import extra
from agora_tencent_analytics.quota.store import Refused

_log = logging.getLogger("agora_tencent_analytics")


class Refusals:
    """The refusals of one counter.

    Args:
        name: the counter's name, for the log.
        expected: True if the settings invite refusals, so that they are not news.
    """

    def __init__(self, name: str, *, expected: bool) -> None:
        self._name = name
        self._told = expected
        self._heard: int | None = None
        self._unheard_own = 0

    def met(self) -> None:
        """One request of this process was refused; the first is reported."""
        self._unheard_own += 1
        if self._told:
            return
        self._told = True
        _log.warning(
            "%s: the vendor refused a request for its rate although this library kept the limit of the plan. Most "
            "likely another client uses this account: leave room for it with a part of the plan, Plan.share(0.5), or "
            "let it share this quota's store",
            self._name,
            extra=extra("refused_within_limit", counter=self._name),
        )

    def fresh(self, last: Refused | None) -> Refused | None:
        """The last refusal that the store knows of, if another process met one since this was asked before.

        Args:
            last: what the store says.
        """
        number = 0 if last is None else last.number
        heard, self._heard = self._heard, number
        if last is None or heard is None:
            return None
        since = number - heard if number >= heard else number  # a store that lost its data counts anew
        own = min(self._unheard_own, since)
        self._unheard_own -= own
        return last if since > own else None
