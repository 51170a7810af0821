"""The virtual clock of the tests: the one that the package has for the tests of others."""

from agora_tencent_analytics.testing.virtual_time import (
    EPOCH,
    START,
    Deadlock,
    VirtualClock,
    VirtualLoop,
    run,
)

__all__ = ["EPOCH", "START", "Deadlock", "VirtualClock", "VirtualLoop", "run"]
