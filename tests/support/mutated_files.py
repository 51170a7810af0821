"""SQLite files as somebody else may have left them: rows, types, schema and bytes changed by seed."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any

ENDLESS = "WITH RECURSIVE more(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM more) SELECT 'x' || n, 'y' FROM more"
_ODD: tuple[Any, ...] = ("a text", "", -1, -(10**9), 2**62, 1e300, float("inf"), b"\x00\xff", "9" * 400, 0, 7, None)


def mutate(path: Path, random: Random) -> str:
    """Changes a file in one to three ways; what was done, in words."""
    done = [random.choice(_WAYS)(path, random) for _ in range(random.choice((1, 1, 2, 3)))]
    return "; ".join(done)


def forge(path: Path, *statements: str) -> None:
    """Makes of a ledger that was closed one of a killed scan, whose log was not lost, and writes something into it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        for statement in ("UPDATE marks SET value = 1 WHERE name = 'open'", *statements):
            file.execute(statement)
        ((commits,),) = file.execute("SELECT value FROM marks WHERE name = 'commits'")
    Path(f"{path}-commits").write_bytes(commits.to_bytes(8))


def _within(path: Path, *statements: Any) -> None:
    with suppress(sqlite3.Error, UnicodeDecodeError), closing(sqlite3.connect(path, isolation_level=None)) as file:
        for statement, *values in statements:
            with suppress(sqlite3.Error, UnicodeDecodeError):
                file.execute(statement, values)


def _tables(path: Path) -> dict[str, list[str]]:
    try:
        with closing(sqlite3.connect(path)) as file:
            names = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: [row[1] for row in file.execute(f"PRAGMA table_info({name})")] for name in names}
    except (sqlite3.Error, UnicodeDecodeError):
        return {}


def _some(path: Path, random: Random) -> tuple[str, str]:
    found = sorted((table, column) for table, columns in _tables(path).items() for column in columns)
    return random.choice(found) if found else ("facts", "name")


def rows_gone(path: Path, random: Random) -> str:
    table, _ = _some(path, random)
    some = random.choice(["", " WHERE random() % 2"])
    _within(path, [f"DELETE FROM {table}{some}"])
    return f"rows of {table} gone{some}"


def odd_values(path: Path, random: Random) -> str:
    table, column = _some(path, random)
    value = random.choice(_ODD)
    _within(path, [f"UPDATE OR REPLACE {table} SET {column} = ?", value])
    return f"{table}.{column} = {value!r:.30}"


def a_view(path: Path, random: Random) -> str:
    table, _ = _some(path, random)
    columns = ", ".join(_tables(path).get(table, ["name", "value"])[:2])
    _within(path, [f"DROP TABLE {table}"], [f"CREATE VIEW {table} ({columns}) AS {ENDLESS}"])
    return f"{table} is an endless view"


def a_trigger(path: Path, random: Random) -> str:
    table, _ = _some(path, random)
    when = random.choice(["INSERT", "UPDATE", "DELETE"])
    _within(path, [f"CREATE TRIGGER t AFTER {when} ON {table} BEGIN INSERT INTO {table} {ENDLESS}; END"])
    return f"a trigger on {table}"


def another_schema(path: Path, random: Random) -> str:
    table, column = _some(path, random)
    statement = random.choice(
        [
            f"DROP TABLE {table}",
            f"ALTER TABLE {table} ADD COLUMN more",
            f"ALTER TABLE {table} RENAME TO other",
            f"CREATE INDEX more ON {table} ({column})",
            "CREATE TABLE more (a)",
            "DROP INDEX to_do",
        ]
    )
    _within(path, [statement])
    return statement


def other_numbers(path: Path, random: Random) -> str:
    pragma = random.choice(["application_id", "user_version"])
    value = random.choice([0, 1, 2, 3, 4, 77, 2**31 - 1, -1])
    _within(path, [f"PRAGMA {pragma} = {value}"])
    return f"{pragma} = {value}"


def header_bytes(path: Path, random: Random) -> str:
    text = bytearray(path.read_bytes())
    for _ in range(random.choice((1, 4))):
        text[random.randrange(min(100, len(text)))] = random.randrange(256)
    path.write_bytes(text)
    return "bytes of the header"


def any_bytes(path: Path, random: Random) -> str:
    text = bytearray(path.read_bytes())
    for _ in range(random.choice((1, 8, 200))):
        text[random.randrange(len(text))] = random.randrange(256)
    path.write_bytes(text)
    return "some bytes"


def cut(path: Path, random: Random) -> str:
    path.write_bytes(path.read_bytes()[: random.choice((0, 1, 99, 100, 4096, 5000, 12_000))])
    return "cut"


_WAYS = (
    *(rows_gone, odd_values, odd_values, odd_values, a_view, a_trigger),
    *(another_schema, other_numbers, header_bytes, any_bytes, cut),
)
