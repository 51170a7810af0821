"""The events that Tencent's WebRTC SDK reports: 27 ids, none with parameters.

The wording is this library's own. Some ids mean the same
to the vendor: 32768 and 32775 (video on), 32769 and 32774 (audio on); 36864 and 32790 both tell of a lost
signaling channel, as the backend saw it and as the client did.

Source: https://www.tencentcloud.com/document/product/647/37906 (text of 2023-10-11, read 2026-08-21).
"""

from __future__ import annotations

from agora_tencent_analytics.models.events import UNUSED
from agora_tencent_analytics.tencent.events.row import EventRow

_ROWS: tuple[tuple[int, str, str], ...] = (
    (36864, "signaling", "Signaling channel lost, as the backend saw it"),
    (32768, "video", "Video switched on"),
    (32769, "audio", "Audio switched on"),
    (32770, "video", "Video switched off"),
    (32771, "audio", "Audio switched off"),
    (32772, "audio", "Audio switched off, silence is sent"),
    (32773, "video", "Video switched off, a black picture is sent"),
    (32774, "audio", "Audio switched on"),
    (32775, "video", "Video switched on"),
    (32776, "video", "Video subscribed"),
    (32777, "audio", "Audio subscribed"),
    (32778, "video", "Video unsubscribed"),
    (32779, "audio", "Audio unsubscribed"),
    (32780, "video device", "Another camera taken"),
    (32781, "audio device", "Another microphone taken"),
    (32782, "video", "Video settings changed"),
    (32783, "audio", "Audio settings changed"),
    (32784, "video", "Remote video switched off"),
    (32785, "audio", "Remote audio switched off"),
    (32786, "video", "Remote video switched on"),
    (32787, "audio", "Remote audio switched on"),
    (32788, "room", "Room entered"),
    (32789, "room", "Room left"),
    (32790, "signaling", "Signaling channel lost"),
    (32791, "signaling", "Signaling channel established"),
    (32792, "media transport", "Media channel lost"),
    (32793, "media transport", "Media channel established"),
)

WEBRTC_EVENTS: tuple[EventRow, ...] = tuple(
    EventRow(event_id, UNUSED, UNUSED, text, category) for event_id, category, text in _ROWS
)
"""All rows in the vendor's order."""
