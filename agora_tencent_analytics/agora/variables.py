"""The environment variables that an `AgoraProvider` is made from, and the generations of the API that it speaks.

The command line reads this at its start, so nothing heavy is imported.
"""

from __future__ import annotations

from collections.abc import Mapping

from agora_tencent_analytics.environment import EnvironmentVariable

VARIABLES: Mapping[str, EnvironmentVariable] = {
    "app_id": EnvironmentVariable("AGORA_APP_ID", kind="app"),
    "customer_id": EnvironmentVariable("AGORA_CUSTOMER_ID", kind="key"),
    "customer_secret": EnvironmentVariable("AGORA_CUSTOMER_SECRET", kind="secret"),
    "plan": EnvironmentVariable("AGORA_PLAN"),
    "base_url": EnvironmentVariable("AGORA_BASE_URL", required=False, several=True),
}
GENERATIONS = ("2024", "2022", "2021-07", "2021-03")
"""What `api=` takes, today's first."""
