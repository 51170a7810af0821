"""How far below the vendor's table a window stays after the vendor refused: slow to fall, slower to rise.

Additive increase, multiplicative decrease for one window, as pure arithmetic: every instant is an argument (seconds on
the monotonic clock). It does not search for the limit: the table states it, and a client that probes must
be refused to learn. Refusals at the default settings mean that somebody else uses the account, or that the vendor
counts in a way nobody has described; both call for a little more distance.

The steps down, one per *episode* (all refusals of requests that were sent before the last step belong to
it): keep the full pace instead of 0.95 of it; add a margin of 2 % of the window; double it; past 16 % give
up one request per window. The last request cannot be given up, so there the margin goes on doubling, up
to one whole window. The steps up: after 25 clean windows the margin shrinks by a fifth, after 50 one
request returns. A window is clean if requests were sent and none was refused; idle time proves nothing.
"""

from __future__ import annotations

_RELAXED_PACE, _FULL_PACE = 0.95, 1.0
_FIRST_MARGIN, _LAST_MARGIN, _WIDEST_MARGIN = 0.02, 0.16, 1.0
_NEGLIGIBLE_MARGIN = 0.005
_MARGIN_DECAY = 0.8
_CLEAN_WINDOWS_PER_DECAY = 25
_CLEAN_WINDOWS_PER_RETURN = 50


class Slowdown:
    """Where one window stands between its table and the refusals it met.

    Args:
        most: requests per window when nothing was refused.
        period_s: length of the window, seconds.
        paced: whether sends within the window are spaced, so that giving up the 5 % is a step.
    """

    def __init__(self, most: int, period_s: float, *, paced: bool) -> None:
        self.most = most
        self.period_s = period_s
        self.given_up: int = 0
        self.extra_margin: float = 0.0
        """What each slot rests beyond its ordinary margin, as a part of the window."""
        self._relaxed = _RELAXED_PACE if paced else _FULL_PACE
        self.pace_factor: float = self._relaxed
        self._last_step = float("-inf")
        self._clean = 0
        self._clean_since = float("-inf")

    @property
    def limit(self) -> int:
        """Requests per window for now; at least 1."""
        return max(1, self.most - self.given_up)

    @property
    def at_rest(self) -> bool:
        """True once it is back at the vendor's table."""
        return not self.given_up and not self.extra_margin and self.pace_factor == self._relaxed

    def refused(self, now: float, sent: float) -> bool:
        """Takes in a refusal read at `now` of a request sent at `sent`; True if it slowed the window down."""
        self._clean, self._clean_since = 0, now
        if sent <= self._last_step:
            return False
        self._last_step = now
        if self.pace_factor < _FULL_PACE:
            self.pace_factor = _FULL_PACE
        elif self.extra_margin < _LAST_MARGIN or (self.limit == 1 and self.extra_margin < _WIDEST_MARGIN):
            self.extra_margin = min(max(_FIRST_MARGIN, 2 * self.extra_margin), _WIDEST_MARGIN)
        elif self.limit > 1:
            self.given_up += 1
        return True

    def used(self, now: float) -> None:
        """Takes in that a request was sent at `now`: the window before it may have been clean."""
        if self.at_rest or now < self._clean_since + self.period_s:
            return
        self._clean_since = now
        self._clean += 1
        if self._clean % _CLEAN_WINDOWS_PER_DECAY == 0:
            if self.extra_margin:
                decayed = self.extra_margin * _MARGIN_DECAY
                self.extra_margin = decayed if decayed > _NEGLIGIBLE_MARGIN else 0.0
            elif not self.given_up:
                self.pace_factor = self._relaxed
        if self._clean % _CLEAN_WINDOWS_PER_RETURN == 0 and self.given_up:
            self.given_up -= 1
