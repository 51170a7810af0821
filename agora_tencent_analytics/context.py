"""`Terms`: the priority, bounds and budgets of whatever is asked through a provider or a view; and the hooks.

A view (`provider.with_options`) has terms of its own over the same connection and quota. Holds no quota: what a
priority means is `quota/queue.py`, what a budget means `receipt.py`.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterable
from typing import Any, Literal, get_args

import msgspec

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.log import LOG, enter, hook_failed
from agora_tencent_analytics.notices import Hook, Notice
from agora_tencent_analytics.receipt import Budget

Priority = Literal["interactive", "normal", "backfill"]
"""Who goes first when several wait for the quota; first come, first served among equals."""
PRIORITIES: tuple[Priority, ...] = get_args(Priority)


class Terms(msgspec.Struct, kw_only=True):
    """The terms of one provider or view."""

    priority: Priority | None = None
    """None where nobody has said: that of a scan is then `"backfill"`, of anything else `"normal"`."""
    max_wait: float | None = None
    """The longest wait for a quota slot, seconds; None for no bound."""
    until: float | None = None
    """The monotonic second by which everything must end; None for no bound."""
    budgets: tuple[Budget, ...] = ()
    """Every attempt draws on all of them."""
    queues: bool = False
    """True if `max_wait` and `until` hold for the head of the queue alone: who asks for much queues behind itself."""
    hooks: tuple[Hook, ...] = ()
    """Given every notice."""


def check_seconds(name: str, value: object) -> None:
    """Nothing, if this can be how long somebody waits.

    Raises:
        BadInput: it is not a number from 0.
    """
    if type(value) is bool or not isinstance(value, (int, float)) or not value >= 0:
        raise BadInput(f"{name} must be 0 or more seconds, or None, not {value!r}")


def listed(name: str, given: Any, of: str) -> list[Any]:
    """What somebody gave as a list, or as anything else to iterate over.

    Args:
        name: of the argument.
        given: its value.
        of: what the list is of, in words.

    Raises:
        BadInput: one text, or nothing to iterate over.
    """
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise BadInput(f"{name} must be a list of {of}, not {type(given).__name__}")
    return list(given)


def earlier(one: float | None, other: float | None) -> float | None:
    """The smaller of two bounds; None means unbounded."""
    return other if one is None else one if other is None else min(one, other)


def check_hooks(hooks: Iterable[Hook], before: Iterable[Hook] = ()) -> tuple[Hook, ...]:
    """The hooks behind those before, each once.

    Raises:
        BadInput: one of them is not a plain function.
    """
    found = list(before)
    try:
        given = tuple(hooks)
    except TypeError:
        raise BadInput(f"hooks must be a list of functions, not {hooks!r}") from None
    for hook in given:
        if not callable(hook) or inspect.iscoroutinefunction(hook):
            raise BadInput(f"hooks must be plain functions (not async ones), not {hook!r}")
        if hook not in found:
            found.append(hook)
    return tuple(found)


def is_heard(hooks: tuple[Hook, ...]) -> bool:
    """True if routine notices have a listener: one of these hooks, or the log."""
    return bool(hooks) or LOG.isEnabledFor(logging.DEBUG)


def tell(hooks: Iterable[Hook], notice: Notice) -> None:
    """Passes the notice to the log and to the hooks; what a hook raises is logged and goes no further."""
    enter(notice)
    for hook in hooks:
        try:
            hook(notice)
        except Exception:
            hook_failed(notice)
