"""`Interval`: a figure that is known within bounds. The value alone; `estimate.py` draws one from a sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs


@attrs.frozen(order=False)
class Interval:
    """A figure that is known within bounds; exact where the three agree."""

    least: float
    """It will hardly be less."""
    likely: float
    """The best guess."""
    most: float
    """It will hardly be more."""

    @classmethod
    def of(cls, figure: float) -> Interval:
        """A figure that is known."""
        return cls(figure, figure, figure)

    @classmethod
    def highest(cls, some: Iterable[Interval]) -> Interval:
        """The highest of each end; 0 of none."""
        found = list(some) or [cls.of(0)]
        return cls(*(max(ends) for ends in zip(*map(attrs.astuple, found), strict=True)))

    def each(self, change: Callable[[float], float]) -> Interval:
        """The interval of what a growing function makes of the figure."""
        return Interval(change(self.least), change(self.likely), change(self.most))

    def rounded(self) -> dict[str, int]:
        """The three by name, as whole numbers."""
        return {name: round(figure) for name, figure in attrs.asdict(self).items()}

    @property
    def exact(self) -> bool:
        """True if nothing is guessed."""
        return self.least == self.most

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.least + other.least, self.likely + other.likely, self.most + other.most)

    def __contains__(self, figure: float) -> bool:
        return self.least <= figure <= self.most

    def __str__(self) -> str:
        if self.exact:
            return f"{self.likely:,.0f}"
        return f"{self.likely:,.0f} ({self.least:,.0f} to {self.most:,.0f})"
