"""The environment variables that a `TencentProvider` is made from, by argument of its constructor."""

from __future__ import annotations

from collections.abc import Mapping

from agora_tencent_analytics.environment import EnvironmentVariable

VARIABLES: Mapping[str, EnvironmentVariable] = {
    "sdk_app_id": EnvironmentVariable("TRTC_SDK_APP_ID", kind="app"),
    "secret_id": EnvironmentVariable("TENCENTCLOUD_SECRET_ID", kind="key"),
    "secret_key": EnvironmentVariable("TENCENTCLOUD_SECRET_KEY", kind="secret"),
    "token": EnvironmentVariable("TENCENTCLOUD_TOKEN", kind="secret", required=False),
    "region": EnvironmentVariable("TENCENTCLOUD_REGION"),
    "plan": EnvironmentVariable("TRTC_PLAN"),
    "base_url": EnvironmentVariable("TRTC_BASE_URL", required=False, several=True),
}
