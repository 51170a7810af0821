"""A SQLite file that may have come from elsewhere: its tables compared with ours, its statements bounded in time.

Such a file may have a view in the place of a table, which never ends, a trigger, or pages that lead in circles. What
its schema is where we made it is found in memory, by the same statements, and compared. And a statement gives way:
after a deadline, since ours take milliseconds, and when a signal has cancelled the task that runs it. No handler of a
signal is called while SQLite computes, unless SQLite calls Python now and then; or it computes in another thread, as
where the whole file is looked at, which has no deadline. Who has a loop that others need does all of that beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache, partial
from typing import Any, TypeVar

from agora_tencent_analytics.quota.shield import uninterrupted

T = TypeVar("T")

STATEMENT_S = 20.0
"""The longest that a statement may take, seconds."""
_STEPS = 5_000
"""Steps of SQLite's machine between two looks at the clock: less than a millisecond."""
_LOOK_S = 0.05
"""Between two looks at whether a signal has come, seconds."""
_MADE = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name"
Schema = list[tuple[str, ...]]
_SPACED = re.compile(r"(?<=\() | (?=\))")


class _Thread(threading.local):
    """Whether what runs in this thread is still wanted."""

    cancelled_before = 0
    """How often the task at hand had been cancelled when its statement began."""
    given_up: threading.Event | None = None
    """Of a thread that works for a loop: set when the task that waits for it is cancelled."""


_this_thread = _Thread()


class SqliteConnection(sqlite3.Connection):
    """A connection whose statements end: by themselves, at their deadline, or with the task that a signal cancelled."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.text_factory: Any = partial(str, encoding="utf-8", errors="replace")  # bytes that are no text are not ours
        self._statement_s = STATEMENT_S
        self._until = [math.inf]  # no reference to the connection: it would never be freed
        self.set_progress_handler(_give_way(self._until), _STEPS)

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Begins a statement; its deadline is counted from here."""
        self._until[0] = time.monotonic() + self._statement_s
        _this_thread.cancelled_before = _cancellations()
        try:
            return super().execute(sql, parameters)
        except UnicodeDecodeError:  # of what SQLite would say
            raise sqlite3.DatabaseError("what stands in it is not text") from None

    def aside(self, work: Callable[[], T]) -> T:
        """What `work` gives, which looks at the whole file: in a thread, for as long as the file is large.

        Handlers of signals are called meanwhile; one that cancels the task, or raises, ends the work.

        Raises:
            CancelledError: a signal has cancelled the task.
        """
        self._statement_s, _this_thread.cancelled_before = math.inf, _cancellations()
        try:
            with ThreadPoolExecutor(1) as pool:
                working = pool.submit(work)
                try:
                    while not wait([working], _LOOK_S).done:
                        if _is_cancelled():
                            raise asyncio.CancelledError
                except BaseException:
                    self.interrupt()
                    while not wait([working], _LOOK_S).done:  # it was between two statements
                        self.interrupt()
                    raise
            return working.result()
        finally:
            self._statement_s = STATEMENT_S


async def beside_the_loop(work: Callable[[], T]) -> T:
    """What `work` gives, done in a thread: the loop turns meanwhile. Its statements end when the task is cancelled."""
    given_up = threading.Event()

    def watched() -> T:
        _this_thread.given_up = given_up
        return work()

    with ThreadPoolExecutor(1) as pool:
        working = asyncio.get_running_loop().run_in_executor(pool, watched)
        try:
            await asyncio.wait([working])
        except asyncio.CancelledError:
            given_up.set()
            await uninterrupted(asyncio.wait([working]))
            working.exception()  # heard, and less important
            raise
        return working.result()


def _give_way(until: list[float]) -> Callable[[], int]:
    def gives_way() -> int:
        return _is_cancelled() or time.monotonic() > until[0]

    return gives_way


def _is_cancelled() -> bool:
    """True if the task was cancelled while the statement runs: by a handler of a signal, if it runs on the loop."""
    if _this_thread.given_up is not None:
        return _this_thread.given_up.is_set()
    return _cancellations() > _this_thread.cancelled_before


def _cancellations() -> int:
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no loop runs in this thread
        return 0
    return task.cancelling() if task is not None else 0


def was_interrupted(error: BaseException) -> bool:
    """True if a statement gave way to its deadline; or to an interrupt where no task runs.

    Raises:
        CancelledError: it gave way to a signal that cancelled the task.
    """
    if getattr(error, "sqlite_errorcode", 0) != sqlite3.SQLITE_INTERRUPT:
        return False
    if _is_cancelled():
        raise asyncio.CancelledError from None
    return True


def schema_of(connection: sqlite3.Connection) -> Schema:
    """What a file is made of: kind, name, table and statement of each thing, wherever the statement has its spaces."""
    return [(*named, _SPACED.sub("", " ".join(sql.split()))) for *named, sql in connection.execute(_MADE)]


@cache
def schema_made_by(*scripts: str) -> Schema:
    """What a file is made of in which these scripts were executed.

    Args:
        scripts: statements with semicolons between them, and nowhere else.
    """
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        for script in scripts:
            execute_script(connection, script)
        return schema_of(connection)


def execute_script(connection: sqlite3.Connection, script: str) -> None:
    """Executes statements in the transaction at hand, which `executescript` would end."""
    for statement in script.split(";"):
        connection.execute(statement)


def check_rows(connection: sqlite3.Connection, sound: Mapping[str, str]) -> None:
    """Nothing, if every row of these tables is as it should be.

    Args:
        connection: an open file, whose schema is ours.
        sound: by table, the condition that its rows fulfil.

    Raises:
        sqlite3.DatabaseError: one does not.
    """
    for table, condition in sound.items():
        ((odd,),) = connection.execute(f"SELECT EXISTS (SELECT 1 FROM {table} WHERE ({condition}) IS NOT TRUE)")
        if odd:
            raise sqlite3.DatabaseError(f"a row of its table {table} cannot be: somebody has changed it")
