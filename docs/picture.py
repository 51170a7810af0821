"""Draws `docs/pictures/scan.svg`: what a terminal of 120 columns shows of a scan that was really made.

`python docs/picture.py` makes it anew; needs the extra `cli`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

from rich.console import Console
from rich.segment import Segment
from rich.text import Text

WORDS = ["scan", "--simulate"]
COLUMNS = 120
PICTURE = Path(__file__).parent / "pictures" / "scan.svg"

_CHAR, _LINE, _EDGE = 8.4, 18, 16
_INK = {"bold": "#f0f6fc", "dim": "#8b949e", "": "#c9d1d9"}


def shown() -> str:
    """What the scan shows on a terminal; progress, which is gone at the end, is left out."""
    ours, theirs = os.openpty()
    with tempfile.TemporaryDirectory() as state, open(os.devnull, "wb") as nowhere:
        environment = {**os.environ, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color", "XDG_STATE_HOME": state}
        environment.pop("NO_COLOR", None)
        command = [sys.executable, "-m", "agora_tencent_analytics", *WORDS]
        process = subprocess.Popen(command, stdout=theirs, stderr=nowhere, stdin=nowhere, env=environment)
        os.close(theirs)
        told = b""
        try:
            while piece := os.read(ours, 65_536):
                told += piece
        except OSError:  # the other end is closed
            pass
        os.close(ours)
        if process.wait():
            raise SystemExit(f"the scan ended with {process.returncode}")
    return told.decode().replace("\r\n", "\n").strip("\n")


def drawn(text: str) -> str:
    """The text with its colours as SVG, in whatever fixed-width font the reader has."""
    prompt = Text.assemble(("$ ", "dim"), ("agora-tencent-analytics " + " ".join(WORDS), "bold"), "\n")
    console = Console(width=COLUMNS, color_system="truecolor", force_terminal=True, file=open(os.devnull, "w"))  # noqa: SIM115
    lines = console.render_lines(prompt + Text.from_ansi(text), pad=False)
    width, height = round(COLUMNS * _CHAR + 2 * _EDGE), len(lines) * _LINE + 2 * _EDGE + 22
    rows = "\n".join(_row(line, _EDGE + 22 + (number + 1) * _LINE - 5) for number, line in enumerate(lines))
    dots = "".join(f'<circle cx="{20 + 18 * at}" cy="18" r="6" fill="{ink}"/>' for at, ink in enumerate(_DOTS))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="A terminal that shows the result of a scan">\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>\n{dots}\n'
        f'<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14"'
        f' xml:space="preserve">\n{rows}\n</g>\n</svg>\n'
    )


_DOTS = ("#ff5f57", "#febc2e", "#28c840")


def _row(line: list[Segment], y: int) -> str:
    at, pieces = 0, []
    for segment in line:
        style = segment.style
        kind = "bold" if style and style.bold else "dim" if style and style.dim else ""
        text = segment.text.rstrip("\n")
        if text.strip():
            # Stretched to its columns: no font is wider or narrower than the table.
            place = f'x="{_EDGE + at * _CHAR:.1f}" y="{y}" textLength="{len(text) * _CHAR:.1f}"'
            weight = ' font-weight="bold"' if kind == "bold" else ""
            pieces.append(f'<text {place} fill="{_INK[kind]}"{weight}>{escape(text)}</text>')
        at += len(text)
    return "".join(pieces)


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawn(shown()), encoding="utf-8")
