"""The events that Tencent's native SDKs report: 83 variants of 36 ids.

The wording is this library's own. The vendor's table has
not changed since it was published in its present form, so newer clients send ids and values that are not here
(there is no 5G in 1003, for one): an absent row is not an error.

Source: https://www.tencentcloud.com/document/product/647/37906 (text of 2023-10-11, read 2026-08-21).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from agora_tencent_analytics.models.events import UNUSED
from agora_tencent_analytics.tencent.events.row import EventRow


def _variants(event_id: int, category: str, texts: Mapping[int, str]) -> Iterator[EventRow]:
    """The rows of an event whose first parameter tells its variants apart."""
    return (EventRow(event_id, one, UNUSED, text, category) for one, text in texts.items())


def _plain(event_id: int, category: str, text: str) -> EventRow:
    return EventRow(event_id, UNUSED, UNUSED, text, category)


_PREFERENCES = {1: "smoothness", 2: "definition"}
_SCENES = {0: "a video call", 1: "live streaming", 2: "an audio call", 3: "a voice chat room"}

SDK_EVENTS: tuple[EventRow, ...] = (
    *_variants(1001, "audio device", {0: "Wired headset unplugged", 1: "Wired headset plugged in"}),
    *_variants(1002, "audio device", {0: "Bluetooth headset disconnected", 1: "Bluetooth headset connected"}),
    *_variants(1003, "network", {0: "Network disconnected", 1: "Network is now Wi-Fi"}),
    *_variants(1003, "network", {2: "Network is now 4G", 3: "Network is now 3G", 4: "Network is now 2G"}),
    *_variants(1003, "network", {5: "Network is now wired"}),
    *_variants(2001, "app", {0: "App came to the foreground", 1: "App went to the background"}),
    *_variants(2002, "permission", {1: "Missing permission: network", 2: "Missing permission: reading files"}),
    *_variants(2002, "permission", {3: "Missing permission: writing files", 4: "Missing permission: microphone"}),
    *_variants(2002, "permission", {5: "Missing permission: camera"}),
    *_variants(3001, "audio", {0: "Microphone capture began", 1: "Microphone muted"}),
    *_variants(3001, "audio", {2: "Microphone capture ended", 3: "Microphone unmuted"}),
    *_variants(3002, "audio", {0: "Audio playback unmuted", 1: "Audio playback muted"}),
    *_variants(3003, "audio", {10: "Audio is coded as AAC", 11: "Audio is coded as Opus"}),
    *_variants(3004, "audio device", {0: "Audio plays from the loudspeaker", 1: "Audio plays from the earpiece"}),
    *_variants(4001, "video device", {0: "Front camera switched on", 1: "Rear camera switched on"}),
    *_variants(4002, "video device", {0: "Front camera could not be switched on"}),
    *_variants(4002, "video device", {1: "Rear camera could not be switched on"}),
    EventRow(4003, "width", "height", "Video resolution has been switched to {one} x {two}", "video"),
    *_variants(4004, "video", {0: "Video is now encoded in software", 1: "Video is now encoded in hardware"}),
    *_variants(4005, "video", {0: "Video is now decoded in software", 1: "Video is now decoded in hardware"}),
    *_variants(4006, "video", {0: "User began to send video", 1: "User stopped sending video"}),
    EventRow(4007, "width", "height", "User set the video resolution to {one} x {two}", "video"),
    EventRow(4008, "frame rate", UNUSED, "User set the video frame rate to {one} fps", "video"),
    # The vendor states no unit for the bitrate.
    EventRow(4009, "bitrate", UNUSED, "User set the video bitrate to {one}", "video"),
    *_variants(4010, "video", {1: "Reference picture selection switched off: device too slow or network too poor"}),
    _plain(4011, "video", "Hardware decoder could not be started"),
    _plain(4012, "video", "Video is now decoded in software: the hardware decoder held back too many frames"),
    EventRow(4013, "undecoded frames in 3 s", 0, "Frames that software could not decode within 3 s: {one}", "video"),
    EventRow(4013, "undecoded frames in 3 s", 1, "Frames that hardware could not decode within 3 s: {one}", "video"),
    *_variants(4014, "video", {0: "Viewer switched the remote video on", 1: "Viewer switched the remote video off"}),
    *_variants(4015, "video", {0: "Subscription to the main video ended", 1: "Main video subscribed"}),
    _plain(5001, "room", "Room entry began"),
    *_variants(5002, "signaling", {0: "IP addresses could not be had", 1: "IP addresses received"}),
    *_variants(5003, "room", {0: "Room entry failed", 1: "Room entry succeeded"}),
    _plain(5004, "media transport", "Sending of video to the cloud began"),
    _plain(5005, "signaling", "Cloud server did not answer in time"),
    _plain(5006, "media transport", "First packet of video arrived"),
    _plain(5007, "video", "First video frame shown"),
    *_variants(5008, "room", {0: "Leaving the room failed", 1: "Leaving the room succeeded"}),
    _plain(5009, "media transport", "First frame of audio left the device"),
    *(
        EventRow(
            6001,
            preference + cloud,
            scene,
            f"Quality of service favours {wanted} in {place}, controlled {'by the cloud' if cloud else 'locally'}",
            "quality of service",
        )
        for cloud in (0, 100)
        for preference, wanted in _PREFERENCES.items()
        for scene, place in _SCENES.items()
    ),
    *_variants(7000, "room", {0: "User entered the room", 1: "User entered the room anew"}),
    *_variants(7001, "room", {0: "User left the room", 1: "User dropped out of the room by timeout"}),
    *_variants(7001, "room", {2: "User was removed from the room"}),
)
"""All rows in the vendor's order."""
