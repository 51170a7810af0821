"""What somebody has put where SQLite keeps its logs: refused in words, before SQLite waits for it or writes into it."""

from __future__ import annotations

import os
import sqlite3
import struct
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage.test_files import used
from tests.support.long_runs import by_turns

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="FIFOs and links as POSIX has them")
USES = ("--ledger", "a quota")
MAGIC = bytes.fromhex("d9d505f920a163d7")
THEIRS = "theirs\n" * 1000


@pytest.fixture(params=USES)
def begun(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """A use, and its file with nothing beside it."""
    path = tmp_path / "file"
    assert 0 == used(request.param, path)
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode = DELETE")
    for suffix in ("-wal", "-shm", "-commits"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    (tmp_path / "theirs").write_text(THEIRS)
    return request.param, path


def that_names_another_file(path: Path, other: Path) -> None:
    """A journal such as SQLite leaves of a transaction in several files, the list of which it deletes in the end."""
    name = os.fsencode(other)
    head = MAGIC + struct.pack(">IIIII", 0, 0, 1, 512, 4096)
    tail = struct.pack(">I", (1 << 30) // 4096 + 1) + name + struct.pack(">II", len(name), sum(name)) + MAGIC
    path.write_bytes(head.ljust(512, b"\0") + tail)


KINDS: dict[str, Callable[[Path, Path], object]] = {
    "FIFO": lambda path, other: os.mkfifo(path),
    "folder": lambda path, other: path.mkdir(),
    "link": lambda path, other: path.symlink_to(other),
    "second name": lambda path, other: os.link(other, path),
}


@pytest.mark.parametrize(("kind", "suffix"), by_turns(2, KINDS, ("-journal", "-wal", "-shm")))
def test_what_is_not_a_file_of_its_own_is_refused(
    kind: str, suffix: str, begun: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use, path = begun
    KINDS[kind](Path(f"{path}{suffix}"), tmp_path / "theirs")
    status = used(use, path)
    if kind == "folder" or (use, suffix) != ("a quota", "-shm"):  # an index without a log is removed there
        assert 0 != status
        assert f"{path.name}{suffix}" in capsys.readouterr().err
    assert THEIRS == (tmp_path / "theirs").read_text()


def test_a_journal_that_names_a_file_does_not_have_it_deleted(
    begun: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use, path = begun
    that_names_another_file(Path(f"{path}-journal"), tmp_path / "theirs")
    assert 0 != used(use, path)
    assert "names another file" in capsys.readouterr().err
    assert THEIRS == (tmp_path / "theirs").read_text()
