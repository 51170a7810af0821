"""A daily job: whatever is new since its last run goes into a database of one's own, each call once.

    python examples/daily_job.py calls.db        # again every day, from cron; again at once after a crash

Credentials come from the environment, as `agora-tencent-analytics simulate --vendor agora --port 8021` prints them.
Exit status 0: everything that is new was stored; 1: something is missing, which the next run reads if it still can.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from contextlib import closing

from agora_tencent_analytics import AgoraProvider, CallRecord, Last, Since, scan

TABLES = """
CREATE TABLE IF NOT EXISTS calls (call_id TEXT PRIMARY KEY, channel TEXT, began INTEGER, ended INTEGER);
CREATE TABLE IF NOT EXISTS sessions (
    session_id TEXT PRIMARY KEY, call_id TEXT, user_id TEXT, platform TEXT, joined INTEGER, left INTEGER
);
"""


def store(database: sqlite3.Connection, record: CallRecord) -> None:
    """Writes a call, or a part of one, in one transaction. What comes again replaces what it was."""
    call = record.call
    with database:
        database.execute(
            "INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?)",
            (call.call_id, call.channel, call.created_ts, call.destroyed_ts),
        )
        database.executemany(
            "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?)",
            [
                (one.session_id, call.call_id, one.user_id, one.platform, one.join_ts, one.leave_ts)
                for one in record.sessions
            ],
        )


async def run(path: str) -> int:
    """Reads what is new; a call is acknowledged once it is in the database, and so never lost between the two."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(TABLES)
        async with AgoraProvider.from_env() as agora:
            new = scan(
                agora,
                over=Since(first=Last(hours=24)),
                depth="sessions",
                ledger=f"{path}.ledger",
                acknowledge="by hand",
            )
            async with new as records:
                async for record in records:
                    store(database, record)
                    records.acknowledge(record)
    print(records.report)
    return 0 if records.report.complete else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(run(sys.argv[1] if len(sys.argv) > 1 else "calls.db")))
