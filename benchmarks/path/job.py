"""What is measured: the same piece of work for everybody.

Holds the words in which the parent process and those that it measures speak: a `Job`, and the requests that it takes.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import attrs

AT_ONCE = 16
"""Requests in flight at a time, for everybody."""

JobName = Literal["one", "calls", "sessions", "metrics"]
"""`one`: the sessions of every call, each asked for by itself; else a scan to that depth."""


@attrs.frozen(kw_only=True)
class Sent:
    """One request, without its credentials."""

    method: str
    path: str
    action: str
    """Tencent's action; empty for Agora."""
    body: str


Settings: TypeAlias = dict[str, Any]
"""The line that `vendor.py` prints."""
