"""`Since`: the range of a job that goes on, as a value: from where its ledger says that reading ended until now."""

from __future__ import annotations

import attrs

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.timerange import Last

LOOK_BACK_S = 3_600


@attrs.frozen(kw_only=True)
class Since:
    """What is new since the last scan on the same ledger: the range of a daily job.

    Each scan lists from a little before the end of the one before it until the vendor's now, reads what was not
    acknowledged yet, and reads again the calls that were still running. What the vendor has forgotten between two
    scans is reported as a gap.

    Raises:
        BadInput: `first` is no `Last`, or the look-back is negative.
    """

    first: Last
    """What the first scan on the ledger reads."""
    look_back_s: int = LOOK_BACK_S
    """Seconds before the end of the last scan that are listed once more, for calls that the vendor stored late."""

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.first, Last):
            raise BadInput(f"Since(first=...) takes Last(hours=...), not {type(self.first).__name__}")
        if isinstance(self.look_back_s, bool) or not isinstance(self.look_back_s, int) or self.look_back_s < 0:
            raise BadInput(f"look_back_s must be a whole number of seconds from 0, not {self.look_back_s!r}")
