"""How impolite a simulated world is: which rows and answers are written badly, by seed.

Holds the kinds of slips (`SLIPS`) and `Manners`, which decides where they happen. What happened in the world is the
same with and without them; it is told wrong, late or twice.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.simulator.faults.slip import Place, Slip
from agora_tencent_analytics.simulator.faults.slipped_answers import SLIPS_OF_ANSWERS
from agora_tencent_analytics.simulator.faults.slipped_rows import SLIPS_OF_ROWS
from agora_tencent_analytics.simulator.world.calls import Vendor
from agora_tencent_analytics.simulator.world.dice import Dice

_PLACES: tuple[Place, ...] = ("call", "session", "row", "listing", "metrics", "answer", "date", "vendor")
_BOTH: tuple[Vendor, ...] = ("agora", "tencent")


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


SLIPS: Mapping[str, Slip] = {slip.name: slip for slip in (*SLIPS_OF_ROWS, *SLIPS_OF_ANSWERS)}
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
