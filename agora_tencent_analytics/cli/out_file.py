"""`OutFile`: the file of a scan's records, and how it goes on where a killed scan stopped.

With a ledger, the length of the file is kept together with each acknowledgement: whatever a killed scan wrote
beyond it, half a line perhaps, is cut off when the next one begins. A file shorter than that has lost records
that no scan would ask for again, so it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from io import BufferedWriter
from pathlib import Path

import attrs

from agora_tencent_analytics.cli.output import write_record
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.scan import CallRecord
from agora_tencent_analytics.scan.ledger import Ledger

__all__ = ["OutFile", "out_file"]


@attrs.frozen
class OutFile:
    """Where records go; nowhere, if no file was asked for."""

    file: BufferedWriter | None
    name: str = ""
    """What a bookmark calls it; `""` if no ledger follows it."""

    def write(self, record: CallRecord) -> str | None:
        """Writes a record; the bookmark to be kept with its acknowledgement."""
        if self.file is None:
            return None
        write_record(self.file, record)
        self.file.flush()
        return f"{self.name} {self.file.tell()}" if self.name else None


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
        file, name = _opened(Path(path), ledger)
    except OSError as error:
        raise BadInput(f"cannot write {error.filename or path}: {error.strerror or error}") from None
    with file:
        yield OutFile(file, name)


def _opened(path: Path, ledger: Ledger | None) -> tuple[BufferedWriter, str]:
    if ledger is None:
        return path.open("wb"), ""
    name = blake2b(str(path.resolve()).encode(), digest_size=16).hexdigest()
    known, _, length = ledger.bookmark.partition(" ")
    kept = int(length) if known == name else 0
    size = path.stat().st_size if path.exists() else 0
    if path.exists() and not path.is_file():
        raise BadInput(f"{path} is no file that can be cut; with --ledger, --out needs one")
    if size < kept:
        raise BadInput(
            f"{path} has {size} bytes, and the ledger says that {kept} were written: records are missing that will not "
            "be asked for again; put the file back, or begin with another --ledger"
        )
    file = path.open("ab")  # never emptied by opening it
    file.truncate(kept)
    file.seek(kept)
    if known != name:
        ledger.keep(f"{name} 0")
    return file, name
