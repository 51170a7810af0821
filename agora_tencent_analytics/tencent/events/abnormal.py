"""Tencent's bad experiences and what may cause them: 5 experiences, 32 and 26 abnormal events.

The wording is this library's own. These ids are the
`ExperienceId` and `AbnormalEventId` of `DescribeUnusualEvent`; as `EventId` the same numbers mean other things.

Source: https://www.tencentcloud.com/document/product/647/37906 (text of 2023-10-11, read 2026-08-21).
"""

from __future__ import annotations

from collections.abc import Mapping

EXPERIENCES: Mapping[int, str] = {
    1: "Entering the room took long",
    2: "Video could not be switched on",
    3: "Audio could not be switched on",
    4: "Video froze",
    5: "Audio froze",
}
"""The kinds of bad experience by `ExperienceId`."""

DISMISSAL_EVENTS: Mapping[int, str] = {
    1001: "Audio device could not be initialised",
    1002: "Video device could not be initialised",
    1003: "Token could not be had",
    1004: "Request to the access server failed",
    1005: "Room entry failed",
    1006: "Room entry failed for good, at whichever stage",
    1007: "Address of the user changed between signaling and media",
    1008: "Room entry lacked its parameters",
    1009: "Room entry had a wrong SDKAppID",
    1010: "Room entry had a wrong room id",
    1011: "Room entry had a wrong user id",
    1012: "Room entry had a wrong UserSig",
    1013: "Room entry was not answered in time",
    1014: "Service refused: package used up or account in arrears",
    1015: "Camera could not be opened, a faulty driver perhaps",
    1016: "Camera not permitted, denied by the user perhaps",
    1017: "Camera could not take its settings",
    1018: "Camera in use by another app",
    1019: "Microphone could not be opened, a faulty driver perhaps",
    1020: "Microphone not permitted, denied by the user perhaps",
    1021: "Microphone could not take its settings",
    1022: "Microphone in use elsewhere, by a phone call perhaps",
    1023: "Loudspeaker could not be opened, a faulty driver perhaps",
    1024: "Screen sharing could not begin: denied by the user or wrongly asked for",
    1025: "Screen sharing needs a newer system: Android 5.0 or iOS 11.0",
    1026: "Auxiliary stream not permitted",
    1027: "Auxiliary stream already taken by another user",
    1028: "System put an end to screen sharing",
    1029: "Video frames could not be encoded, the system took the hardware encoder perhaps",
    1030: "Video resolution not supported",
    1031: "Audio frames could not be encoded, unfit custom audio perhaps",
    1032: "Audio sample rate not supported",
}
"""What can be asked for only after the room is dismissed, by `AbnormalEventId`."""

REALTIME_EVENTS: Mapping[int, str] = {
    2001: "CPU load of the device was high",
    2002: "CPU load of the app was high",
    2003: "Uplink delay was high",
    2004: "Uplink jitter was high",
    2005: "Uplink audio lost many packets",
    2006: "Captured audio was silent",
    2007: "Uplink main video lost many packets",
    2008: "Uplink low video lost many packets",
    2009: "Uplink auxiliary video lost many packets",
    2010: "Capture frame rate of the main video was abnormal",
    2011: "Capture frame rate of the low video was abnormal",
    2012: "Capture frame rate of the auxiliary video was abnormal",
    2013: "Downlink delay was high",
    2014: "Downlink jitter was high",
    2015: "Downlink audio lost many packets",
    2016: "Played audio was silent",
    2017: "Downlink main video lost many packets",
    2018: "Downlink low video lost many packets",
    2019: "Downlink auxiliary video lost many packets",
    2020: "Render frame rate of the main video was abnormal",
    2021: "Render frame rate of the low video was abnormal",
    2022: "Render frame rate of the auxiliary video was abnormal",
    2023: "Downlink audio froze",
    2024: "Downlink main video froze",
    2025: "Downlink low video froze",
    2026: "Downlink auxiliary video froze",
}
"""What can be asked for while the room is open, less than 5 minutes after it happened."""

_RESTART = "switch it off and on again, restart the device, or update its driver"
ADVICE: Mapping[int, str] = {
    1008: "check what is passed to enterRoom",
    1013: "check the network",
    1014: "check that the package has minutes left, and that the account is not in arrears",
    **dict.fromkeys((1015, 1019, 1023), _RESTART),
    1018: "try another camera",
    1024: "on Windows and macOS, check the parameters of the screen sharing",
    1025: "use Android 5.0 or iOS 11.0, or later",
}
"""What the vendor says to do about some of them."""
