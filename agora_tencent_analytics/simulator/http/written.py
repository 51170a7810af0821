"""JSON objects of which a part is written already.

Holds `Written` and the writer: the points of a metrics answer are made as text, and making them into values first
would cost more than all the rest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import attrs


@attrs.frozen
class Written:
    """JSON as text.

    Args:
        text: one whole value. A lone surrogate from U+DC80 to U+DCFF stands for a byte that is not UTF-8.
    """

    text: str


def write(members: Mapping[str, object]) -> bytes:
    """An object with these members, each a value or a `Written`."""
    whole = f"{{{','.join(f'{_text(name)}:{_text(value)}' for name, value in members.items())}}}"
    return whole.encode("utf-8", "surrogateescape")


def _text(value: object) -> str:
    return value.text if isinstance(value, Written) else json.dumps(value, separators=(",", ":"))
