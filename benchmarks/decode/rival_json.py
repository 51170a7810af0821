"""`json.loads` of the standard library, no models."""

from __future__ import annotations

import json

agora = tencent = json.loads
agora_calls = agora_sessions = tencent_rooms = tencent_users = json.loads
