"""The vocabulary of metrics, against what the vendors' pages print."""

from __future__ import annotations

from agora_tencent_analytics.agora.metrics import AGORA_METRICS, AGORA_METRICS_2021_03
from agora_tencent_analytics.models.metrics import METRICS
from agora_tencent_analytics.tencent.metrics import TENCENT_METRICS
from tests.support.in_turn import in_turn

# Unit by mid as the vendor prints it; "" where it prints none.
AGORA_UNITS = {
    **dict.fromkeys((20001, 20002, 20015, 20016, 20017, 20018, 20039, 20040), "percent"),
    **dict.fromkeys((20003, 20004, 20006, 20009, 20024, 20030), "kbps"),
    **dict.fromkeys((20005, 20011, 20021, 20022), "ms"),
    **dict.fromkeys((20007, 20008, 20010, 20023, 20031), "fps"),
    **dict.fromkeys((20019, 20020, 20027, 20028, 20032, 20033, 20034, 20035), "px"),
    **dict.fromkeys((20025, 20026), "dB"),
    20013: "",
    **dict.fromkeys((20036, 20037, 20038), "percent"),
}
# Neutral names (own, from a peer), unit and factor by DataType.
TENCENT = {
    "appCpu": ("app_cpu", "app_cpu", "percent", 1.0),
    "sysCpu": ("system_cpu", "system_cpu", "percent", 1.0),
    "aBit": ("audio_send_bitrate", "audio_receive_bitrate", "kbps", 0.001),
    "aBlock": ("audio_freeze_time", "audio_freeze_time", "ms", 1.0),
    "bigvBit": ("video_send_bitrate", "video_receive_bitrate", "kbps", 0.001),
    "bigvCapFps": ("video_capture_fps", "video_capture_fps", "fps", 1.0),
    "bigvEncFps": ("video_send_fps", "video_send_fps", "fps", 1.0),
    "bigvDecFps": ("video_render_fps", "video_render_fps", "fps", 1.0),
    "bigvBlock": ("video_freeze_time", "video_freeze_time", "ms", 1.0),
    "aLoss": ("audio_uplink_loss", "audio_downlink_loss", "percent", 1.0),
    "bigvLoss": ("video_uplink_loss", "video_downlink_loss", "percent", 1.0),
    "bigvWidth": ("video_send_width", "video_receive_width", "px", 1.0),
    "bigvHeight": ("video_send_height", "video_receive_height", "px", 1.0),
    "aCapEnergy": ("audio_capture_energy", "audio_capture_energy", "", 1.0),
    "aPlayEnergy": ("audio_playback_energy", "audio_playback_energy", "", 1.0),
    "rtt": ("rtt", "rtt", "ms", 1.0),
    "bigvRecFps": ("video_receive_fps", "video_receive_fps", "fps", 1.0),
}


def test_agoras_ids_are_all_there_and_the_gaps_are_the_vendors() -> None:
    assert set(range(20001, 20041)) - {20012, 20014, 20029} == set(map(int, AGORA_METRICS))


@in_turn(("mid", "unit"), AGORA_UNITS.items())
def test_an_agora_metric_has_the_vendors_unit(mid: int, unit: str) -> None:
    known = AGORA_METRICS[str(mid)]
    assert (unit, 1.0) == (METRICS[known.own].unit, known.scale)
    assert known.of("") == known.of("peer")


def test_every_agora_id_has_its_unit_checked() -> None:
    assert set(AGORA_METRICS) == set(map(str, AGORA_UNITS))


def test_two_agora_ids_mean_the_same_only_where_one_is_for_the_web() -> None:
    names = [known.own for known in AGORA_METRICS.values()]
    shared = {mid: known for mid, known in AGORA_METRICS.items() if names.count(known.own) > 1}
    assert {"20015", "20037", "20017", "20038"} == set(shared)


@in_turn(("data_type", "meaning"), TENCENT.items())
def test_a_tencent_metric_is_told_apart_by_direction(data_type: str, meaning: tuple[str, str, str, float]) -> None:
    known = TENCENT_METRICS[data_type]
    own, from_peer, unit, scale = meaning
    assert (own, from_peer, scale) == (known.of(""), known.of("peer"), known.scale)
    assert unit == METRICS[own].unit == METRICS[from_peer].unit


def test_tencents_seventeen_data_types_are_all_there() -> None:
    assert set(TENCENT) == set(TENCENT_METRICS)
    assert 17 == len(TENCENT_METRICS)


def test_neutral_names_are_keys_of_themselves_and_all_in_use() -> None:
    assert list(METRICS) == [metric.name for metric in METRICS.values()]
    known = [*AGORA_METRICS.values(), *TENCENT_METRICS.values()]
    assert set(METRICS) == {name for metric in known for name in (metric.of(""), metric.of("peer"))}
    assert {"percent", "kbps", "ms", "fps", "px", "dB", ""} == {metric.unit for metric in METRICS.values()}


def test_in_march_2021_one_video_stream_was_sent_and_all_else_was_as_today() -> None:
    assert ("video_send_bitrate", "low_video_send_bitrate") == (
        AGORA_METRICS_2021_03["20006"].own,
        AGORA_METRICS["20006"].own,
    )
    # "The width of the video", not "of the received video" as later: of one's own stream it is what was sent.
    sizes = [(AGORA_METRICS_2021_03[mid].of(""), AGORA_METRICS_2021_03[mid].of("peer")) for mid in ("20019", "20020")]
    assert [("video_send_width", "video_receive_width"), ("video_send_height", "video_receive_height")] == sizes
    differ = {mid for mid, known in AGORA_METRICS.items() if AGORA_METRICS_2021_03[mid] != known}
    assert ({"20006", "20019", "20020"}, set(AGORA_METRICS)) == (differ, set(AGORA_METRICS_2021_03))
