"""What the everyday run leaves out, and `.ci/run` plays: the cases beside those that speak for their kind.

`-m long` runs what is left out, and `-m "not realtime and not proof"` both.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

import pytest

__all__ = ["by_turns", "first"]


def first(few: int, values: Iterable[Any]) -> list[Any]:
    """Values for `parametrize`, of which the first `few` are in the everyday run."""
    return [pytest.param(value, marks=() if at < few else pytest.mark.long) for at, value in enumerate(values)]


def by_turns(every: int, *choices: Iterable[Any]) -> list[Any]:
    """Every combination for `parametrize`; the everyday run has one in `every`, in which each value has its turn."""
    return [
        pytest.param(
            *(value for _, value in chosen),
            marks=() if sum(at for at, _ in chosen) % every == 0 else pytest.mark.long,
        )
        for chosen in product(*map(enumerate, choices))
    ]
