"""What states, verbs and decisions are called, on pages as in the words of an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.problem_states import Act, GroupState
from lienthong.replay_states import JobState, Verb
from lienthong.states import State
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

STATES: dict[State, Text] = {
    State.RECEIVED: Text(vi="đã nhận", en="received"),
    State.REJECTED: Text(vi="bị từ chối", en="rejected"),
    State.HELD: Text(vi="đang giữ", en="held"),
    State.READY: Text(vi="sẵn sàng", en="ready"),
    State.SENDING: Text(vi="đang gửi", en="sending"),
    State.DELIVERED: Text(vi="đã giao", en="delivered"),
    State.UNKNOWN: Text(vi="chưa rõ", en="unknown"),
    State.RETRYING: Text(vi="sẽ gửi lại", en="retrying"),
    State.PARKED: Text(vi="dừng chờ", en="parked"),
    State.QUARANTINED: Text(vi="cách ly", en="quarantined"),
    State.REISSUED: Text(vi="đã lập lại", en="reissued"),
    State.DISCARDED: Text(vi="đã bỏ", en="discarded"),
    State.SUPERSEDED: Text(vi="đã thay", en="superseded"),
}

VERBS: dict[Verb, Text] = {
    Verb.RESEND: Text(vi="Gửi lại", en="Resend"),
    Verb.REISSUE: Text(vi="Lập lại", en="Reissue"),
    Verb.DISCARD: Text(vi="Bỏ", en="Discard"),
}

JOB_STATES: dict[JobState, Text] = {
    JobState.ASKED: Text(vi="chờ người khác duyệt", en="waits for another person"),
    JobState.RUNNING: Text(vi="đang chạy", en="running"),
    JobState.PAUSED: Text(vi="tạm dừng", en="paused"),
    JobState.STOPPED: Text(vi="tự dừng vì lỗi", en="stopped by errors"),
    JobState.DECLINED: Text(vi="không duyệt", en="declined"),
    JobState.STALE: Text(vi="đã cũ", en="stale"),
    JobState.CANCELLED: Text(vi="đã hủy", en="cancelled"),
    JobState.DONE: Text(vi="xong", en="done"),
}

GROUP_STATES: dict[GroupState, Text] = {
    GroupState.OPEN: Text(vi="chưa ai nhận", en="open"),
    GroupState.ACKNOWLEDGED: Text(vi="đang xử lý", en="acknowledged"),
    GroupState.RESOLVED: Text(vi="đã hết", en="resolved"),
    GroupState.IGNORED: Text(vi="bỏ qua", en="ignored"),
}

ACTS: dict[Act, Text] = {
    Act.ACKNOWLEDGE: Text(vi="Nhận xử lý", en="Acknowledge"),
    Act.RESOLVE: Text(vi="Đã xử lý xong", en="Resolve"),
    Act.IGNORE: Text(vi="Bỏ qua", en="Ignore"),
    Act.REOPEN: Text(vi="Mở lại", en="Reopen"),
}


def listed(states: Iterable[State]) -> Text:
    """Name states one after the other, with their codes, by which a program names them."""
    every = list(states)
    return Text(
        vi=", ".join(f"{STATES[state].vi} ({state.value})" for state in every),
        en=", ".join(state.value for state in every),
    )
