"""`python -m agora_tencent_analytics`: the command line."""

from __future__ import annotations

import sys

from agora_tencent_analytics.cli import main

if __name__ == "__main__":
    sys.exit(main())
