"""The public names are those that are written down, so that a change of them shows in the diff."""

from __future__ import annotations

import sys

import pytest

from tests.laws.public_api import TEXT, api


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="another Python may spell a signature otherwise")
def test_the_public_names_are_written_down() -> None:
    assert TEXT.read_text(encoding="utf-8") == api(), "run `python tests/laws/public_api.py --write`"
