"""A crowded stretch of a simulated world, as a value.

Holds `Burst`: so many things between two instants, on top of what happens anyway.
"""

from __future__ import annotations

import attrs

from agora_tencent_analytics.limits import HOUR


@attrs.frozen(kw_only=True)
class Burst:
    """So many calls, or so many bad experiences, that begin within `[start, start + seconds)`."""

    count: int = attrs.field(validator=attrs.validators.ge(1))
    """How many, for each vendor."""
    start: int
    """First second, epoch seconds; inside the world."""
    seconds: int = attrs.field(default=HOUR, validator=attrs.validators.ge(1))
    """For how long; what would lie beyond the world happens in its last seconds."""
