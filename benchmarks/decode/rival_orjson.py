"""`orjson.loads`, no models: the baseline that every ratio refers to."""

from __future__ import annotations

import orjson

agora = tencent = orjson.loads
