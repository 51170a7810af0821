"""A good JSON answer made bad, in the ways in which answers go bad: `mutated`.

Driven by plain bytes, so that hypothesis shrinks what it finds and a coverage-guided fuzzer steers what it tries.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import attrs

__all__ = ["Entropy", "mutated", "swollen"]

_MOST = 4
# What stands in a tree for text that `json` does not write, and is put in its place afterwards.
_RAW = {
    "@huge@": "9" * 5_000,
    "@long@": "-" + "1" * 400,
    "@exponent@": "1e400",
    "@nan@": "NaN",
    "@infinity@": "-Infinity",
    "@fraction@": "0." + "3" * 400,
    "@surrogate@": '"\\ud800"',
    "@control@": '"\x01"',
    "@wide@": '"' + "w" * 70_000 + '"',
    "@deep@": "[" * 200_000,
}
_ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        1.0,
        1.5,
        -0.0,
        1e300,
        2**31,
        2**53 + 1,
        2**63 - 1,
        2**63,
        -(2**63) - 1,
        2**64,
        10**18,
    ),
    *("", "x", "0", "-1", "1.5", "1e999", "NaN", "inf", "true", "null", "٣", "1_0", " 7 ", "\x00", "\x1b[31m\x07"),
    *("\x9b2J", "\u202e", "\U0001f600", "=1+1", "a,b\r\nc", '"', "2026-01-01", "9999-12-31 23:59:59", "0001-01-01"),
    *(
        [],
        {},
        [None],
        [[]],
        [{}],
        {"": None},
        {"a": {"b": []}},
        [1, [2, [3]]],
        [["x", "y"]],
        {"Error": {}},
        {"code": 300},
    ),
    *({"Error": {"Code": 7, "Message": []}}, {"Series": {}}, {"Columns": None}, [[1790000000, None]]),
    *_RAW,
)
_DEPTHS = (2, 60, 300, 480, 700, 960, 5_000)


class Entropy:
    """Decisions drawn from bytes; nothing but zeros once they are used up."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def below(self, bound: int) -> int:
        """A number from 0 up to, not including, `bound`."""
        width = 1 if bound <= 256 else 2
        taken = self._data[self._at : self._at + width]
        self._at += width
        return int.from_bytes(taken, "little") % bound

    def one_of(self, choices: Any) -> Any:
        """One of several."""
        return choices[self.below(len(choices))]


@attrs.frozen
class _Place:
    """Where a node hangs."""

    parent: Any
    key: Any


def mutated(body: bytes, data: bytes) -> bytes:
    """The answer with one to four things wrong with it; with no data, a null in the place of everything."""
    entropy = Entropy(data)
    root = [json.loads(body)]
    deep: dict[str, str] = {}
    for _ in range(1 + entropy.below(_MOST)):
        places = list(_places(root))
        _spoil(entropy.one_of(places), places, entropy, deep)
    text = json.dumps(root[0])
    for mark, raw in (*reversed(deep.items()), *_RAW.items()):
        text = text.replace(f'"{mark}"', raw)
    return _garbled(text.encode("utf-8", "surrogatepass"), entropy)


def _places(root: list[Any]) -> Iterator[_Place]:
    todo: list[Any] = [root]
    while todo:
        node = todo.pop()
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            yield _Place(node, key)
            if isinstance(node[key], dict | list):
                todo.append(node[key])


def _spoil(place: _Place, places: list[_Place], entropy: Entropy, deep: dict[str, str]) -> None:
    parent, key = place.parent, place.key
    node = parent[key]
    match entropy.below(8):
        case 0 | 1 | 2:
            parent[key] = deepcopy(entropy.one_of(_ODD))
        case 3 if isinstance(parent, dict):
            del parent[key]
        case 3 if isinstance(node, list):
            node.clear()
        case 4:
            other = entropy.one_of(places)
            parent[key] = deepcopy(other.parent[other.key])
        case 5:
            # As text, since `json` itself writes nothing that deep.
            depth, (before, after) = entropy.one_of(_DEPTHS), entropy.one_of((("[", "]"), ('{"a":', "}")))
            parent[key] = f"@{len(deep)}@"
            deep[parent[key]] = before * depth + json.dumps(node) + after * depth
        case 6 if isinstance(node, list) and node:
            one, times = entropy.one_of(node), 1 + entropy.below(300)
            node.extend(deepcopy(one) for _ in range(times))
        case 7 if isinstance(parent, dict):
            parent[entropy.one_of(("", "Error", "code", "extra", "vendor", "call_id", "sid", "x" * 300))] = deepcopy(
                node
            )
        case _:
            parent[key] = [node]


def _garbled(text: bytes, entropy: Entropy) -> bytes:
    """Bytes gone wrong on the way: mostly none."""
    at = entropy.below(max(1, len(text)))
    match entropy.below(16):
        case 1:
            return text[:at]
        case 2:
            return text[:at] + b"\xff\xfe" + text[at:]
        case 3:
            return b"\xef\xbb\xbf" + text
        case 4:
            return text[:at] + bytes([entropy.below(256)]) + text[at + 1 :]
        case 5:
            return text + text[at:]
        case 6:
            return text[:at] + b"NaN" + text[at:]
        case 7:
            return text.decode("utf-8", "replace").encode("utf-16")
        case _:
            return text


def swollen(body: bytes, data: bytes, more: int) -> bytes:
    """The answer with two of its lists or objects swollen by so many entries: copies of one, or new names."""
    entropy = Entropy(data)
    root = [json.loads(body)]
    nodes = [place.parent[place.key] for place in _places(root) if isinstance(place.parent[place.key], dict | list)]
    chosen = sorted((entropy.below(len(nodes)), entropy.below(len(nodes))))
    # Outer lists before inner ones, and lists before objects: what is copied is still small.
    for node in sorted((nodes[at] for at in chosen), key=lambda node: isinstance(node, dict)):
        if isinstance(node, list):
            one = json.dumps(entropy.one_of(node) if node else {})
            node.extend(json.loads(one) for _ in range(more))
            for number, entry in enumerate(node[-more // 2 :]):
                if isinstance(entry, dict):
                    entry[f"new{number}"] = number
        else:
            node.update((f"more{number}", None) for number in range(more))
    return json.dumps(root[0]).encode()
