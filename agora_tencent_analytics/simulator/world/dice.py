"""Seeded numbers that depend on their arguments alone.

A 64-bit mixer, a small generator on top of it, and a 32-bit bijection that hides an index in an id. The standard
generator is not used, because seeding it takes longer than a whole simulated call may.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_MASK = 0xFFFF_FFFF_FFFF_FFFF
_STEP = 0x9E37_79B9_7F4A_7C15
_MASK32 = 0xFFFF_FFFF
_FACTOR = 2_654_435_761
_INVERSE = pow(_FACTOR, -1, 1 << 32)


def _finish(state: int) -> int:
    state = ((state ^ (state >> 30)) * 0xBF58_476D_1CE4_E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D0_49BB_1331_11EB) & _MASK
    return state ^ (state >> 31)


def mix(*parts: int) -> int:
    """64 bits that every part has stirred; the same parts always give the same bits."""
    state = 0
    for part in parts:
        state = _finish(((state ^ part) + _STEP) & _MASK)
    return state


class Dice:
    """A stream of numbers from the parts it was made of (SplitMix64)."""

    __slots__ = ("_state",)

    def __init__(self, *parts: int) -> None:
        self._state = mix(*parts)

    def bits(self) -> int:
        """The next 64 bits."""
        self._state = (self._state + _STEP) & _MASK
        return _finish(self._state)

    def below(self, limit: int) -> int:
        """A whole number from 0 up to, but not including, `limit` (at least 1)."""
        return self.bits() % limit

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.bits() % len(items)]

    def unit(self) -> float:
        """A number from 0 up to, but not including, 1."""
        return self.bits() / 18_446_744_073_709_551_616

    def one_in(self, chances: int) -> bool:
        """True once in `chances` throws."""
        return self.bits() % chances == 0


def shuffled(items: Sequence[T], *parts: int) -> list[T]:
    """The items in an order that depends on the parts alone."""
    return [items[place] for place in sorted(range(len(items)), key=lambda place: mix(*parts, place))]


def scramble(number: int, key: int) -> int:
    """A 32-bit number that does not look like `number`, and from which `unscramble` finds it again."""
    return (number * _FACTOR + key) & _MASK32


def unscramble(hidden: int, key: int) -> int:
    """The number that `scramble` hid."""
    return ((hidden - key) * _INVERSE) & _MASK32
