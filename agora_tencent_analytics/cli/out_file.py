"""`OutFile`: the file of a scan's records, and how it goes on where a killed scan stopped.

With a ledger, a mark of the file is kept together with each acknowledgement: its length, and what stands at its end.
Whatever a killed scan wrote beyond that, half a line perhaps, is cut off when the next one begins. A file is known by
its mark, wherever it was moved to. What is acknowledged will not be asked for again, so no other file that has lines
is ever cut: neither one that lost records, nor one that the ledger does not know; and of a file of which nothing is
acknowledged yet, only the one line that the ledger had announced. One that is empty or missing begins a new file; the
records before stay in theirs.

What is not a file of its own is written as it comes, and never cut (`out_stream.py`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from io import SEEK_END, BufferedRandom, BufferedWriter
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import attrs
import msgspec

from agora_tencent_analytics.errors import BadInput, counted
from agora_tencent_analytics.scan import CallRecord
from agora_tencent_analytics.scan.json_lines import record_pieces
from agora_tencent_analytics.scan.ledger import Ledger
from agora_tencent_analytics.storage.files import open_private

_END = 4_096
"""Bytes that tell a file: no two of different scans agree in so many, ending at the same length."""
_PIECE = 1 << 16
_FIRST = 256
"""Bytes of the first line of a file that are announced: they name the call."""
_RECORD = b'{"vendor":"'
_FILES = 8
"""Files that a ledger knows."""
_File = BufferedWriter | BufferedRandom


@attrs.frozen
class _Mark:
    """A file as far as its records are acknowledged."""

    path: str
    """Where it was."""
    length: int = 0
    """Bytes; 0 if nothing of it is acknowledged."""
    digest: str = ""
    """Of the last of these bytes."""
    first: str = ""
    """While nothing is acknowledged: how the first line begins that is being written."""
    losses: int = 0
    """How often the ledger had lost acknowledgements by then."""

    def fits(self, file: BinaryIO) -> bool:
        """True if the file has the records that are acknowledged: some, and whole lines of ours."""
        if self.length < len(_RECORD) or self.digest != _digest(file, self.length):
            return False
        file.seek(self.length - 1)
        ended = file.read(1) == b"\n"
        file.seek(0)
        return ended and file.read(len(_RECORD)) == _RECORD

    def announces(self, file: BinaryIO) -> bool:
        """True if the file holds the announced line, or the beginning of it, and nothing else."""
        announced = self.first.encode()
        file.seek(0)
        if not announced.startswith(_RECORD) or not announced.startswith(file.read(len(announced))):
            return False
        file.seek(0)
        lines = sum(piece.count(b"\n") for piece in iter(lambda: file.read(_PIECE), b""))
        return lines == 0 or (lines == 1 and _whole_lines(file, 0) == file.seek(0, SEEK_END))


@attrs.frozen
class OutFile:
    """Where records go; nowhere, if no file was asked for."""

    file: _File | None
    ledger: Ledger | None = None
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
        where = (
            "the file of this name that was moved away or emptied" if earlier[0] == self.marks[0].path else earlier[0]
        )
        return f"{self.marks[0].path} begins with what is new; what was read before is in {where}{more}"

    async def write(self, record: CallRecord) -> str | None:
        """Writes a record; the bookmark to be kept with its acknowledgement."""
        if self.file is None:
            return None
        pieces = record_pieces(record)
        before = self.file.seek(0, SEEK_END)
        if self.ledger is not None and not before:
            first = next(pieces)
            announced = attrs.evolve(self.marks[0], first=first[:_FIRST].decode(errors="ignore"))
            self.ledger.keep(_bookmark((announced, *self.marks[1:])))
            pieces = chain((first,), pieces)
        try:
            self.file.writelines(pieces)
            self.file.flush()
        except OSError:  # the disk is full: no line stays half, and what is in the buffer is not tried again
            os.ftruncate(self.file.fileno(), before)
            self.file.raw.close()
            raise
        if self.ledger is None:
            return None
        length = self.file.tell()
        this, *others = self.marks
        return _bookmark((_Mark(this.path, length, _digest(self.file, length), losses=this.losses), *others))


@contextmanager
def out_file(path: str | None, ledger: Ledger | None, *, force: bool = False) -> Iterator[OutFile]:
    """Opens the file, empty, or where the ledger says that it was left.

    Args:
        path: where it is; None for nowhere.
        ledger: follows the file.
        force: True if a file that holds something may be emptied, where no ledger follows it.

    Raises:
        BadInput: it cannot be written, holds something, or does not fit its ledger.
    """
    if path is None:
        yield OutFile(None)
        return
    try:
        file, marks = _opened(Path(path), ledger, force)
    except OSError as error:
        raise BadInput(f"cannot write {error.filename or path}: {error.strerror or error}") from None
    with file:
        yield OutFile(file, ledger, marks)


def _opened(path: Path, ledger: Ledger | None, force: bool) -> tuple[_File, tuple[_Mark, ...]]:
    if ledger is None:
        if not force and path.is_file() and path.stat().st_size:
            raise BadInput(f"{path} exists; --force replaces it, and with --ledger it is continued")
        return os.fdopen(open_private(path, anew=True), "wb"), ()
    named = str(path.resolve()).encode(errors="backslashreplace").decode()
    marks = _marks(ledger.bookmark)
    file = os.fdopen(open_private(path), "r+b")
    try:
        known = _known(file, named, marks)
        length = known.length if known else 0
        if known and known.losses < ledger.losses:
            # Whole lines were acknowledged once: their calls come again and say so, if the vendor still has them.
            length = _whole_lines(file, length)
        this = _Mark(named, length, _digest(file, length) if length else "", losses=ledger.losses)
        kept = (this, *(mark for mark in marks if mark is not known))[:_FILES]
        ledger.keep(_bookmark(kept))
        file.truncate(length)
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
    if not size:
        return known if known is not None and not known.length else None
    if known is None or not (known.length or known.announces(file)):
        written = next((mark.path for mark in marks if mark.length), "")
        raise BadInput(
            f"{named} has lines that this --ledger did not write; "
            + (f"its records are in {written}: name that file, wherever it is now, or " if written else "name ")
            + "one that is empty or missing"
        )
    if known.length and not known.fits(file):
        raise BadInput(
            f"{named} has {counted(size, 'byte')}, and not the {known.length:,} that the ledger says were written: "
            "records are missing that will not be asked for again; put the file back, or name another --out for "
            "what is new"
        )
    return known


def _whole_lines(file: BinaryIO, length: int) -> int:
    """How long the file is up to the end of its last whole line, and at least so long."""
    end = file.seek(0, SEEK_END)
    while end > length:
        begin = max(length, end - _PIECE)
        file.seek(begin)
        at = file.read(end - begin).rfind(b"\n")
        if at >= 0:
            return begin + at + 1
        end = begin
    return length


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
