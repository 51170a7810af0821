"""The file of a report: emptied before anything is asked, and written at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.scan.json_lines import encode
from agora_tencent_analytics.storage.files import write_whole


def clear_report(path: str | None) -> None:
    """Empties a report before anything is asked, so that none of an earlier run is taken for this one's.

    Raises:
        BadInput: it cannot be written.
    """
    try:
        if path is not None:
            write_whole(path, b"")
    except OSError as error:
        raise BadInput(f"cannot write {error.filename or path}: {error.strerror}") from None


def write_report(path: str | None, said: Mapping[str, Any]) -> None:
    """Writes a report, if one is asked for."""
    if path is not None:
        write_whole(path, encode(said, indent=2) + b"\n")
