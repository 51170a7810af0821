"""A process that dies between any two statements of its ledger leaves one that opens, and has lost nothing."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics.scan import Ledger
from agora_tencent_analytics.scan.ledger import file as ledger_file
from agora_tencent_analytics.storage.sqlite import SqliteConnection
from tests.support.in_turn import in_turn


def missing(ledger: Path) -> None:
    """Nothing is there yet."""


def closed(ledger: Path) -> None:
    with Ledger(ledger) as open_one:
        open_one.keep("before")


def killed(ledger: Path) -> None:
    """As it lies while it is open: the kill of a process leaves it so."""
    aside = ledger.with_name("aside")
    aside.mkdir()
    with Ledger(aside / "ledger") as open_one:
        open_one.keep("before")
        for part in aside.iterdir():
            shutil.copy(part, ledger.parent / part.name)
    shutil.rmtree(aside)


def of_version(version: int) -> Callable[[Path], None]:
    def old(ledger: Path) -> None:
        with closing(sqlite3.connect(ledger, isolation_level=None)) as connection:
            for script in ledger_file._SCHEMAS[:version]:
                connection.executescript(script)
            connection.execute(f"PRAGMA application_id = {ledger_file._APPLICATION}")
            connection.execute(f"PRAGMA user_version = {version}")
            connection.execute("INSERT INTO facts VALUES ('bookmark', 'before')")

    return old


BEFORE = {"missing": missing, "closed": closed, "killed": killed} | {
    f"of version {version}": of_version(version) for version in range(1, len(ledger_file._SCHEMAS))
}


@in_turn("what", BEFORE)
def test_a_ledger_that_was_killed_before_any_of_its_statements_opens_and_has_lost_nothing(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / what
    place.mkdir()
    BEFORE[what](place / "ledger")
    images: list[Path] = []
    execute = SqliteConnection.execute

    def image_and_execute(connection: SqliteConnection, *arguments: Any) -> sqlite3.Cursor:
        images.append(Path(shutil.copytree(place, tmp_path / f"{what} {len(images)}")))
        return execute(connection, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(SqliteConnection, "execute", image_and_execute)
        with Ledger(place / "ledger") as ledger:
            ledger.keep("after")
    assert len(images) > 20
    found = []
    for image in images:
        for _ in range(2):
            with Ledger(image / "ledger") as ledger:
                assert 0 == ledger.losses
                found.append(ledger.bookmark)
    assert sorted(found, key=["", "before", "after"].index) == found, "never an older state after a newer one"
    assert "after" == found[-1]
