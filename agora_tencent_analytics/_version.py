"""The version, written once: the package, the wheel and the command line all read it here."""

from __future__ import annotations

__version__ = "0.1.0"
