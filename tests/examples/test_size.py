"""A provider from outside is small, in lines without imports, blanks, comments and docstrings."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
_NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def code_lines(source: str) -> int:
    """Lines that hold code, imports and docstrings left out."""
    apart = set[int]()
    for node in ast.walk(ast.parse(source)):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.Import | ast.ImportFrom) or (is_text and isinstance(node.value.value, str)):  # type: ignore[attr-defined]
            apart.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))  # type: ignore[attr-defined]
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    code = {line for one in tokens if one.type not in _NO_CODE for line in range(one.start[0], one.end[0] + 1)}
    return len(code - apart)


@pytest.mark.parametrize(("name", "most"), [("daily", 110), ("twilio", 95)])
def test_a_provider_from_outside_is_small(name: str, most: int) -> None:
    source = (EXAMPLES / name / f"{name}_analytics.py").read_text(encoding="utf-8")
    assert "fmt: off" not in source
    assert code_lines(source) <= most


def test_what_is_counted_is_code() -> None:
    assert 3 == code_lines('"""Words."""\n\nimport os\nfrom sys import (\n    path,\n)\n\n# more\nx = [\n    1,\n]\n')
