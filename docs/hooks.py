"""What the site adds to the pages as they stand: links into the repository, help of the command line, public names.

A page that the navigation of `mkdocs.yml` does not name is put among the how-tos.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import agora_tencent_analytics

PACKAGE = agora_tencent_analytics.__name__
GROUPS = {
    "data": r"models|decoding|timerange|tencent\.usage",
    "errors": "errors",
    "quota": "quota|limits|receipt|context",
    "scan": "scan",
    "vendor": r"wire|endpoint|environment|message|access|protocol|refusals|provider$",
    "client": "",
}
"""The pages of the reference, and the modules whose public names each shows; the last one takes the rest."""

_HELP = re.compile(r"^<!-- help: ?(\w*) -->$", re.M)
_NAMES = re.compile(r"^<!-- names: ([\w.]+) -->$", re.M)
_OUTSIDE = re.compile(r"\]\(\.\./((?!\.\./)[^)\s]+)\)")


def on_config(config: Any) -> Any:
    """Called by MkDocs with what `mkdocs.yml` says."""
    (how_to,) = [section["How to"] for section in config.nav if "How to" in section]
    named = {page for section in config.nav for pages in section.values() for page in pages}
    how_to += sorted({page.name for page in Path(config.docs_dir).glob("*.md")} - named)
    return config


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """Called by MkDocs with each page."""
    if "/" not in page.file.src_uri:  # pages of the top folder alone point out of `docs`
        markdown = _OUTSIDE.sub(rf"]({config.repo_url}/blob/main/\1)", markdown)
    markdown = _HELP.sub(lambda found: f"```text\n{help_of(found[1])}```", markdown)
    return _NAMES.sub(lambda found: "\n".join(f"::: {name}\n" for name in names_of(found[1])), markdown)


def help_of(command: str) -> str:
    """What `--help` of a command prints, in lines of a hundred columns."""
    words = [sys.executable, "-m", PACKAGE, *command.split(), "--help"]
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout


def names_of(group: str) -> list[str]:
    """Where the public names of a group, or of a module, are defined; a new name needs no change here."""
    if group not in GROUPS:
        module = import_module(f"{PACKAGE}.{group}")
        return [_defined(module.__name__, name) for name in module.__all__]
    found = []
    for name in agora_tencent_analytics.__all__:
        home = agora_tencent_analytics._HOME.get(name)
        value = getattr(agora_tencent_analytics, name)
        is_error = isinstance(value, type) and issubclass(value, agora_tencent_analytics.AnalyticsError)
        page = (
            "errors" if is_error else next((page for page, of in GROUPS.items() if home and re.match(of, home)), None)
        )
        if home and page == group:
            found.append(_defined(f"{PACKAGE}.{home}", name))
    return found


def _defined(module: str, name: str) -> str:
    value = getattr(import_module(module), name)
    home = getattr(value, "__module__", module) if callable(value) and isinstance(value, type) else module
    return f"{home if home.startswith(PACKAGE) else module}.{name}"
