"""What a slip is: one thing that a vendor, a gateway, a clock or a user can do and a client may not expect."""

from __future__ import annotations

from typing import Literal

import attrs

from agora_tencent_analytics.simulator.world.calls import Vendor

Place = Literal["call", "session", "row", "listing", "metrics", "answer", "date", "vendor"]
"""What a slip befalls: the row of a call or session, a row of events, experiences, figures or usage, one page of a
listing, one answer with metrics, any good answer, the date of any answer, refusals included, or the date of every
answer of the vendor."""

Outcome = Literal["read", "doubted", "lost"]
"""What a right client makes of it: it reads everything all the same; it reads it or says where something may be
missing; or it cannot read the row and says so."""


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


def slip(name: str, said: str, *places: Place, so: Outcome, by: Vendor | None, once: bool = False) -> Slip:
    """A row of a table of slips; by one vendor, or by both."""
    vendors: tuple[Vendor, ...] = ("agora", "tencent") if by is None else (by,)
    return Slip(name=name, said=said, places=places, outcome=so, vendors=vendors, once=once)
