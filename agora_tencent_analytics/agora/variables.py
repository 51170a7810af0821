"""The environment variables that a `AgoraProvider` is made from, by argument of its constructor."""

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
