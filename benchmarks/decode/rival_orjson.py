"""`orjson.loads`, no models: the baseline that every ratio refers to."""

from __future__ import annotations

import orjson

agora = tencent = orjson.loads
agora_calls = agora_sessions = tencent_rooms = tencent_users = orjson.loads
