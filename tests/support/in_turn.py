"""One test for all rows of a table that differ in values only: a test for each costs more than what it looks at."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

__all__ = ["in_turn"]

Test = Callable[..., None]


def in_turn(names: str | tuple[str, ...], values: Iterable[Any]) -> Callable[[Test], Test]:
    """As `pytest.mark.parametrize`, in one test, which ends at the first row that fails and names it.

    Args:
        names: the parameter, or several.
        values: a value for the one name, or as many as there are names.
    """
    keys, rows = (names,) if isinstance(names, str) else names, list(values)
    assert rows, "a test of nothing"

    def decorate(test: Test) -> Test:
        @wraps(test)
        def each(**fixtures: Any) -> None:
            for row in rows:
                given = dict(zip(keys, row if len(keys) > 1 else (row,), strict=True))
                try:
                    test(**fixtures, **given)
                except BaseException as error:
                    error.add_note(f"with {given}")
                    raise

        of = inspect.signature(test)
        rest = [one for name, one in of.parameters.items() if name not in keys]
        each.__signature__ = of.replace(parameters=rest)  # type: ignore[attr-defined]  # read by pytest
        return each

    return decorate
