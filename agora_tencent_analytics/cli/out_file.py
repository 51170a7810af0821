"""`OutFile`: the file of a scan's records, and how it goes on where a killed scan stopped.

With a ledger, a mark of the file is kept together with each acknowledgement: its length, and what stands at its end.
Whatever a killed scan wrote beyond that, half a line perhaps, is cut off when the next one begins. A file is known by
its mark, wherever it was moved to. What is acknowledged will not be asked for again, so no other file that has lines
is ever cut: neither one that lost records, nor one that the ledger does not know. One that is empty or missing begins
a new file; the records before stay in theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from io import SEEK_END
from pathlib import Path
from typing import BinaryIO

import attrs
import msgspec

from agora_tencent_analytics.cli.output import write_record
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.scan import CallRecord
from agora_tencent_analytics.scan.ledger import Ledger

_END = 4_096
"""Bytes that tell a file: no two of different scans agree in so many, ending at the same length."""
_FILES = 8
"""Files that a ledger knows."""


@attrs.frozen
class _Mark:
    """A file as far as its records are acknowledged."""

    path: str
    """Where it was."""
    length: int = 0
    """Bytes; 0 if nothing of it is acknowledged."""
    digest: str = ""
    """Of the last of these bytes."""

    def fits(self, file: BinaryIO) -> bool:
        """True if the file has the records that are acknowledged, and there are some."""
        return self.length > 0 and self.digest == _digest(file, self.length)


@attrs.frozen
class OutFile:
    """Where records go; nowhere, if no file was asked for."""

    file: BinaryIO | None
    marks: tuple[_Mark, ...] = ()
    """Of the files that the ledger knows, this one first; empty if no ledger follows it."""

    @property
    def elsewhere(self) -> str:
        """Where the records are that came before those of a new file, in words; `""` if there are none."""
        if not self.marks or self.marks[0].length:
            return ""
        earlier = [mark.path for mark in self.marks[1:] if mark.length]
        if not earlier:
            return ""
        more = f" and {len(earlier) - 1} more" if earlier[1:] else ""
        return f"{self.marks[0].path} begins with what is new; what was read before is in {earlier[0]}{more}"

    def write(self, record: CallRecord) -> str | None:
        """Writes a record; the bookmark to be kept with its acknowledgement."""
        if self.file is None:
            return None
        write_record(self.file, record)
        self.file.flush()
        if not self.marks:
            return None
        length = self.file.tell()
        this, *others = self.marks
        return _bookmark((_Mark(this.path, length, _digest(self.file, length)), *others))


@contextmanager
def out_file(path: str | None, ledger: Ledger | None) -> Iterator[OutFile]:
    """Opens the file, empty, or where the ledger says that it was left.

    Raises:
        BadInput: it cannot be written, or does not fit its ledger.
    """
    if path is None:
        yield OutFile(None)
        return
    try:
        file, marks = _opened(Path(path), ledger)
    except OSError as error:
        raise BadInput(f"cannot write {error.filename or path}: {error.strerror or error}") from None
    with file:
        yield OutFile(file, marks)


def _opened(path: Path, ledger: Ledger | None) -> tuple[BinaryIO, tuple[_Mark, ...]]:
    if ledger is None:
        return path.open("wb"), ()
    if path.exists() and not path.is_file():
        raise BadInput(
            f"{path} is not a regular file, so it cannot be truncated; with --ledger, --out needs one that can"
        )
    named = str(path.resolve()).encode(errors="backslashreplace").decode()
    marks = _marks(ledger.bookmark)
    file = path.open("a+b")  # never emptied by opening it
    try:
        known = _known(file, named, marks)
        this = _Mark(named, known.length, known.digest) if known else _Mark(named)
        kept = (this, *(mark for mark in marks if mark is not known))[:_FILES]
        ledger.keep(_bookmark(kept))
        file.truncate(this.length)
    except BaseException:
        file.close()
        raise
    return file, kept


def _known(file: BinaryIO, named: str, marks: list[_Mark]) -> _Mark | None:
    """The mark that the file goes on from; None if it begins."""
    known = next((mark for mark in marks if mark.path == named), None)
    if known is None or not known.length:  # it may have been moved here
        known = next((mark for mark in marks if mark.fits(file)), known)
    size = file.seek(0, SEEK_END)
    if known is None and size:
        written = next((mark.path for mark in marks if mark.length), "")
        raise BadInput(
            f"{named} has lines that this --ledger did not write; "
            + (f"its records are in {written}: name that file, wherever it is now, or " if written else "name ")
            + "one that is empty or missing"
        )
    if known is not None and known.length and not known.fits(file):
        raise BadInput(
            f"{named} has {size} bytes, and not the {known.length} that the ledger says were written: records are "
            "missing that will not be asked for again; put the file back, or name another --out for what is new"
        )
    return known


def _digest(file: BinaryIO, length: int) -> str:
    """Of what stands before this length; of less if the file is shorter."""
    file.seek(max(0, length - _END))
    return blake2b(file.read(min(length, _END)), digest_size=16).hexdigest()


def _bookmark(marks: tuple[_Mark, ...]) -> str:
    return msgspec.json.encode(marks).decode()


def _marks(bookmark: str) -> list[_Mark]:
    try:
        return msgspec.json.decode(bookmark, type=list[_Mark])
    except msgspec.DecodeError:  # none yet, or a bookmark of somebody else's
        return []
