"""The parsed command line, as the commands are given it."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from typing import Any


class Options(argparse.Namespace):
    """The parsed command line."""

    verbose: bool
    depth: str | None = None
    simulate: bool = False
    since_last_run: bool = False
    proxy: Any = None
    over: Any = None
    days: str
    """How days that were named have been read, in words; `""` if none were."""
    words: Sequence[str]
    """What was typed after the program's name."""

    def scan(self) -> dict[str, Any]:
        """What a scan, or a forecast of it, is asked for."""
        from agora_tencent_analytics.receipt import Budget

        return {
            "over": self.over,
            "depth": self.depth,
            "channel": self.channel,
            "users": self.user,
            "only": self.frozen_from,
            "on_quota": self.on_quota,
            "budget": None if self.budget is None else Budget(self.budget),
        }

    def again(self) -> str:
        """The command to be typed again; a proxy, which may hold a password, is left out."""
        kept, skip = [], False
        for word in self.words:
            if not skip and word.partition("=")[0] != "--proxy":
                kept.append(word)
            skip = word == "--proxy"
        return shlex.join(["agora-tencent-analytics", *kept])
