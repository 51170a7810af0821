"""`Ledger`: what is done of a scan, on disk, so that the next one with the same arguments goes on from there.

    with Ledger("calls.ledger") as ledger:
        async with scan(agora, over=Since(first=Last(hours=24)), ledger=ledger) as records:
            async for record in records: ...

It remembers whose scan it is, the consumer's bookmark, and the work of each provider (`work.py`). No secret goes
into it: accounts, channels and users are digests; calls that are still to be read are there as the vendor listed
them, without their sessions.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from types import TracebackType
from typing import Self

from agora_tencent_analytics.errors import LedgerUnusable
from agora_tencent_analytics.paging.question import Over
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.scan.ledger.file import LedgerFile
from agora_tencent_analytics.scan.ledger.rows import Rows
from agora_tencent_analytics.scan.ledger.work import KeptWork
from agora_tencent_analytics.scan.options import Since
from agora_tencent_analytics.scan.records import CallRecord
from agora_tencent_analytics.scan.work import Work
from agora_tencent_analytics.secret import Secret

_BOOKMARK = "bookmark"
_ANYTHING = "SELECT 1 FROM lanes UNION ALL SELECT 1 FROM stretches UNION ALL SELECT 1 FROM calls LIMIT 1"


class Ledger:
    """The file that remembers a scan; opened and locked until it is closed, or the process ends.

    `scan(ledger=path)` opens and closes one by itself. Only one scan at a time may use it, and always the same
    one: the same apps, range, depth, channel, calls and users.

    Args:
        path: the file, on a disk that lasts; made if missing, readable by its owner alone. Its directory must exist.

    Raises:
        LedgerUnusable: another scan holds it, it is damaged, or it is not a ledger.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = LedgerFile(path)
        self._used = False
        self._about = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file and gives up the lock. Idempotent."""
        self._file.close()

    @property
    def bookmark(self) -> str:
        """What the consumer gave with the latest acknowledgement that had a bookmark; `""` before the first."""
        rows = self._file.rows("SELECT value FROM facts WHERE name = ?", (_BOOKMARK,))
        return rows[0][0] if rows else ""

    def keep(self, bookmark: str) -> None:
        """Keeps a bookmark by itself, without an acknowledgement.

        Args:
            bookmark: a place of your own, any text.
        """
        self._file.write("INSERT OR REPLACE INTO facts VALUES (?, ?)", (_BOOKMARK, bookmark))

    @property
    def losses(self) -> int:
        """How often it was found without its latest acknowledgements, the log that held them lost or damaged."""
        return self._file.mark("losses")

    def begin(self, facts: Mapping[str, str]) -> None:
        """Makes sure that the ledger is this scan's, and in nobody else's hands.

        Args:
            facts: what the scan is about, in words that may be shown, each with its text.

        Raises:
            LedgerUnusable: it is not.
        """
        if self._used:
            raise LedgerUnusable(f"the ledger {self._file.path} is in use by another scan; wait for its end")
        told = {name: blake2b(text.encode(), digest_size=16).hexdigest() for name, text in facts.items()}
        with self._file.transaction():
            known = dict(self._file.rows("SELECT name, value FROM facts WHERE name != ?", (_BOOKMARK,)))
            if not known and self._file.rows(_ANYTHING):
                raise LedgerUnusable(
                    f"the ledger {self._file.path} is damaged: it holds calls and does not say which scan they belong "
                    "to; name another file"
                )
            if known and known != told:
                other = sorted(name for name in known.keys() | told.keys() if known.get(name) != told.get(name))
                raise LedgerUnusable(
                    f"the ledger {self._file.path} is of another scan: it differs in {', '.join(other)}; "
                    "give the arguments that it was begun with, or name another file"
                )
            for pair in told.items():
                self._file.write("INSERT OR REPLACE INTO facts VALUES (?, ?)", pair)
        self._used = True
        self._about = repr(sorted(told.items())).encode()

    def end(self) -> None:
        """The scan is over; another may begin."""
        self._used = False

    def work(self, lane: str, provider: Provider, over: Over | Since) -> Work:
        """What is left to do with one provider.

        Args:
            lane: name of the provider in the report.
            provider: whose calls they are.
            over: the range asked for.
        """
        history_s = max((limits.history_s for limits in provider.plan.rows.values()), default=0)
        key = None
        if provider.seal_key is not None:
            about = self._about + lane.encode()
            key = Secret(blake2b(about, digest_size=32, key=provider.seal_key.reveal()).digest())
        return KeptWork(Rows(self._file, lane, key), over, provider.shared_quota.clock, history_s)

    def acknowledge(self, done: Iterable[tuple[Work, CallRecord]], bookmark: str | None) -> None:
        """Writes down what was dealt with and the bookmark, all or nothing.

        Args:
            done: records that are dealt with.
            bookmark: a place of your own; None keeps the one there is.
        """
        with self._file.transaction():
            for work, record in done:
                work.acknowledge(record)
            if bookmark is not None:
                self.keep(bookmark)
