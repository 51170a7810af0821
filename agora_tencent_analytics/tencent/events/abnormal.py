"""Tencent's bad experiences and what may cause them: 5 experiences, 32 and 26 abnormal events.

The wording is this library's own. These ids are the
`ExperienceId` and `AbnormalEventId` of `DescribeUnusualEvent`; as `EventId` the same numbers mean other things.

Source: https://www.tencentcloud.com/document/product/647/37906 (text of 2023-10-11, read 2026-08-21).
"""

from __future__ import annotations

from collections.abc import Mapping

from agora_tencent_analytics.tencent.events.row import AbnormalEventRow, Category, ExperienceRow

EXPERIENCES: tuple[ExperienceRow, ...] = (
    ExperienceRow(1, "Entering the room took long", "room"),
    ExperienceRow(2, "Video could not be switched on", "video"),
    ExperienceRow(3, "Audio could not be switched on", "audio"),
    ExperienceRow(4, "Video froze", "video"),
    ExperienceRow(5, "Audio froze", "audio"),
)
"""The kinds of bad experience."""

_DISMISSAL: tuple[tuple[int, Category, str], ...] = (
    (1001, "audio device", "Audio device could not be initialised"),
    (1002, "video device", "Video device could not be initialised"),
    (1003, "room", "Token could not be had"),
    (1004, "room", "Request to the access server failed"),
    (1005, "room", "Room entry failed"),
    (1006, "room", "Room entry failed for good, at whichever stage"),
    (1007, "network", "Address of the user changed between signaling and media"),
    (1008, "room", "Room entry lacked its parameters"),
    (1009, "room", "Room entry had a wrong SDKAppID"),
    (1010, "room", "Room entry had a wrong room id"),
    (1011, "room", "Room entry had a wrong user id"),
    (1012, "room", "Room entry had a wrong UserSig"),
    (1013, "room", "Room entry was not answered in time"),
    (1014, "room", "Service refused: package used up or account in arrears"),
    (1015, "video device", "Camera could not be opened, a faulty driver perhaps"),
    (1016, "permission", "Camera not permitted, denied by the user perhaps"),
    (1017, "video device", "Camera could not take its settings"),
    (1018, "video device", "Camera in use by another app"),
    (1019, "audio device", "Microphone could not be opened, a faulty driver perhaps"),
    (1020, "permission", "Microphone not permitted, denied by the user perhaps"),
    (1021, "audio device", "Microphone could not take its settings"),
    (1022, "audio device", "Microphone in use elsewhere, by a phone call perhaps"),
    (1023, "audio device", "Loudspeaker could not be opened, a faulty driver perhaps"),
    (1024, "screen sharing", "Screen sharing could not begin: denied by the user or wrongly asked for"),
    (1025, "screen sharing", "Screen sharing needs a newer system: Android 5.0 or iOS 11.0"),
    (1026, "screen sharing", "Auxiliary stream not permitted"),
    (1027, "screen sharing", "Auxiliary stream already taken by another user"),
    (1028, "screen sharing", "System put an end to screen sharing"),
    (1029, "video", "Video frames could not be encoded, the system took the hardware encoder perhaps"),
    (1030, "video", "Video resolution not supported"),
    (1031, "audio", "Audio frames could not be encoded, unfit custom audio perhaps"),
    (1032, "audio", "Audio sample rate not supported"),
)

_REALTIME: tuple[tuple[int, Category, str], ...] = (
    (2001, "performance", "CPU load of the device was high"),
    (2002, "performance", "CPU load of the app was high"),
    (2003, "network", "Uplink delay was high"),
    (2004, "network", "Uplink jitter was high"),
    (2005, "audio", "Uplink audio lost many packets"),
    (2006, "audio", "Captured audio was silent"),
    (2007, "video", "Uplink main video lost many packets"),
    (2008, "video", "Uplink low video lost many packets"),
    (2009, "video", "Uplink auxiliary video lost many packets"),
    (2010, "video", "Capture frame rate of the main video was abnormal"),
    (2011, "video", "Capture frame rate of the low video was abnormal"),
    (2012, "video", "Capture frame rate of the auxiliary video was abnormal"),
    (2013, "network", "Downlink delay was high"),
    (2014, "network", "Downlink jitter was high"),
    (2015, "audio", "Downlink audio lost many packets"),
    (2016, "audio", "Played audio was silent"),
    (2017, "video", "Downlink main video lost many packets"),
    (2018, "video", "Downlink low video lost many packets"),
    (2019, "video", "Downlink auxiliary video lost many packets"),
    (2020, "video", "Render frame rate of the main video was abnormal"),
    (2021, "video", "Render frame rate of the low video was abnormal"),
    (2022, "video", "Render frame rate of the auxiliary video was abnormal"),
    (2023, "audio", "Downlink audio froze"),
    (2024, "video", "Downlink main video froze"),
    (2025, "video", "Downlink low video froze"),
    (2026, "video", "Downlink auxiliary video froze"),
)

_RESTART = "switch it off and on again, restart the device, or update its driver"
_ADVICE: Mapping[int, str] = {
    1008: "check what is passed to enterRoom",
    1013: "check the network",
    1014: "check that the package has minutes left, and that the account is not in arrears",
    **dict.fromkeys((1015, 1019, 1023), _RESTART),
    1018: "try another camera",
    1024: "on Windows and macOS, check the parameters of the screen sharing",
    1025: "use Android 5.0 or iOS 11.0, or later",
}

DISMISSAL_EVENTS: tuple[AbnormalEventRow, ...] = tuple(
    AbnormalEventRow(abnormal_event_id, text, category, "after dismissal", _ADVICE.get(abnormal_event_id, ""))
    for abnormal_event_id, category, text in _DISMISSAL
)
"""What can be asked for only after the room is dismissed."""

REALTIME_EVENTS: tuple[AbnormalEventRow, ...] = tuple(
    AbnormalEventRow(abnormal_event_id, text, category, "in real time")
    for abnormal_event_id, category, text in _REALTIME
)
"""What can be asked for while the room is open, less than 5 minutes after it happened."""
