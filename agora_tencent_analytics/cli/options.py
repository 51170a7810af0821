"""The parsed command line, as the commands are given it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Coroutine
from typing import Any


class Options(argparse.Namespace):
    """The parsed command line."""

    run: Callable[[Options], Coroutine[Any, Any, int]]
    verbose: bool
