"""`asking`: the terms on which everything inside a block is asked, and what it cost.

    with asking(priority="interactive", max_wait=2, budget=Budget(20)) as receipt:
        calls = await provider.calls(over).collect()
    print(receipt.requests, receipt.left_today)

The terms belong to the context (`contextvars`), so that they hold for whatever is asked inside, of any provider,
and for the tasks that are started inside; blocks may be nested. Holds no quota: what a priority means is
`quota/queue.py`, what a budget means `receipt.py`.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Literal, get_args

import attrs

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.log import LOG, enter, hook_failed
from agora_tencent_analytics.notices import Hook, Notice
from agora_tencent_analytics.receipt import Budget, Receipt

Priority = Literal["interactive", "normal", "backfill"]
"""Who goes first when several wait for the quota; first come, first served among equals."""
PRIORITIES: tuple[Priority, ...] = get_args(Priority)


@attrs.frozen(kw_only=True)
class Terms:
    """The terms in force."""

    priority: Priority = "normal"
    max_wait: float | None = None
    """The longest wait for a quota slot, seconds; None waits as long as it takes."""
    budgets: tuple[Budget, ...] = ()
    """Every attempt is taken from all of them."""
    receipts: tuple[Receipt, ...] = ()
    """Every attempt is entered in all of them."""
    hooks: tuple[Hook, ...] = ()
    """Every notice is given to all of them."""


_ORDINARY = Terms()
_in_force: ContextVar[Terms] = ContextVar("agora_tencent_analytics terms", default=_ORDINARY)


def terms() -> Terms:
    """The terms in force here."""
    return _in_force.get()


@contextmanager
def asking(
    *,
    priority: Priority | None = None,
    max_wait: float | None = None,
    budget: Budget | None = None,
    hooks: Iterable[Hook] = (),
) -> Iterator[Receipt]:
    """Sets the terms of everything asked inside, and gives the receipt for it.

    Inside another such block, what is not given stays as it is there; budgets, receipts and hooks of both hold,
    and of two longest waits the shorter.

    Args:
        priority: `"interactive"` goes before `"normal"`, and that before `"backfill"`. Scans are `"backfill"`
            unless told otherwise, everything else is `"normal"`.
        max_wait: the longest wait for a quota slot, seconds; 0 takes a slot only if one is free now.
        budget: the most requests.
        hooks: given every notice.

    Raises:
        BadInput: an argument is wrong.
    """
    outer = terms()
    if priority is not None and priority not in PRIORITIES:
        raise BadInput(f"priority must be one of {', '.join(PRIORITIES)}, not {priority!r}")
    if max_wait is not None and not (isinstance(max_wait, int | float) and max_wait >= 0):
        raise BadInput(f"max_wait must be 0 or more seconds, or None, not {max_wait!r}")
    if budget is not None and not isinstance(budget, Budget):
        raise BadInput(f"budget must be a Budget(requests=...), not {budget!r}")
    inner = check_hooks(hooks)
    waits = [wait for wait in (max_wait, outer.max_wait) if wait is not None]
    receipt = Receipt()
    token = _in_force.set(
        Terms(
            priority=priority or outer.priority,
            max_wait=min(waits, default=None),
            # What holds already is not taken or told twice.
            budgets=outer.budgets if budget is None or budget in outer.budgets else (*outer.budgets, budget),
            receipts=(*outer.receipts, receipt),
            hooks=together(outer.hooks, inner),
        )
    )
    try:
        yield receipt
    finally:
        with suppress(ValueError):  # a generator that is closed in another context has nothing to take back there
            _in_force.reset(token)


def check_hooks(hooks: Iterable[Hook]) -> tuple[Hook, ...]:
    """The hooks, each once.

    Raises:
        BadInput: one of them is not a plain function.
    """
    try:
        found = tuple(hooks)
    except TypeError:
        raise BadInput(f"hooks must be a list of functions, not {hooks!r}") from None
    for hook in found:
        if not callable(hook) or inspect.iscoroutinefunction(hook):
            raise BadInput(f"hooks must be plain functions (not async ones), not {hook!r}")
    return together((), found)


def together(first: tuple[Hook, ...], more: tuple[Hook, ...]) -> tuple[Hook, ...]:
    """All of the hooks, each once."""
    for hook in more:
        if hook not in first:
            first = (*first, hook)
    return first


def hooks_in_force(hooks: tuple[Hook, ...]) -> tuple[Hook, ...]:
    """These hooks and those of the terms in force, each once."""
    more = terms().hooks
    return together(hooks, more) if more else hooks


def is_heard(hooks: tuple[Hook, ...]) -> bool:
    """True if anybody listens to the notices of ordinary life: one of these hooks, or the log."""
    return bool(hooks) or LOG.isEnabledFor(logging.DEBUG)


def tell(hooks: Iterable[Hook], notice: Notice) -> None:
    """Gives the notice to the log and to the hooks; what a hook raises is logged, and harms nothing else."""
    enter(notice)
    for hook in hooks:
        try:
            hook(notice)
        except Exception:
            hook_failed(notice)
