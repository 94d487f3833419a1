"""Short names of what pages show, in both languages: states, roles, verbs, jobs, findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lienthong.access.rights import ROLE_NAMES
from lienthong.channels.port import Packet
from lienthong.explanation import RESULTS
from lienthong.flowing import Flowing
from lienthong.held_keys import KeyState
from lienthong.owners import Owner
from lienthong.pauses import What
from lienthong.problem_states import GroupState
from lienthong.replay_states import JobState, Verb
from lienthong.state_words import ACTS, GROUP_STATES, JOB_STATES, STATES, VERBS
from lienthong.states import State
from schemas.problem import Severity, Text
from signing import StepResult

NEEDS_SOMEBODY = (State.PARKED, State.QUARANTINED, State.REJECTED)
_WAITING = (State.HELD, State.READY, State.RETRYING, State.SENDING, State.UNKNOWN)

TONES: dict[State, str] = {
    **dict.fromkeys(NEEDS_SOMEBODY, "bad"),
    **dict.fromkeys(_WAITING, "warn"),
    State.DELIVERED: "good",
}
"""How a state looks; ends that are neither good nor bad are quiet."""

PACKETS: dict[Packet, Text] = {
    Packet.DOSSIER: Text(vi="hồ sơ", en="dossier"),
    Packet.PROGRESS: Text(vi="tiến độ", en="progress"),
    Packet.INBOUND: Text(vi="gửi xuống", en="inbound"),
}

ABOUT_VERBS: dict[Verb, Text] = {
    Verb.RESEND: Text(
        vi="Gửi lại đúng văn bản đã ký, cùng mã thông điệp.",
        en="The same signed document goes again, under the same message id.",
    ),
    Verb.REISSUE: Text(
        vi="Lập văn bản mới từ cùng bản ghi nguồn theo ánh xạ hiện tại; bản cũ giữ nguyên.",
        en="A new document is made of the same source by the mapping as it is now; the old one "
        "stays as it is.",
    ),
    Verb.DISCARD: Text(
        vi="Kết thúc hẳn thông điệp mà không gửi; thông điệp chờ phía sau đi tiếp.",
        en="The message ends for good without being sent; what waits behind it goes on.",
    ),
}

JOB_TONES: dict[JobState, str] = {
    JobState.ASKED: "warn",
    JobState.RUNNING: "good",
    JobState.PAUSED: "warn",
    JobState.STOPPED: "bad",
    JobState.DONE: "good",
}

OWNERS: dict[Owner, Text] = {
    Owner.AGENCY: Text(vi="cơ quan gửi", en="the agency"),
    Owner.US: Text(vi="chúng ta", en="us"),
    Owner.PORTAL: Text(vi="Cổng hoặc bên gửi", en="the portal or a peer"),
    Owner.AUTHORITY: Text(vi="đơn vị cấp chứng thư", en="the certificate authority"),
}

GROUP_TONES: dict[GroupState, str] = {
    GroupState.OPEN: "bad",
    GroupState.ACKNOWLEDGED: "warn",
    GroupState.RESOLVED: "good",
}

FLOWS: dict[Flowing, Text] = {
    Flowing.STALLED: Text(vi="đang tắc", en="stalled"),
    Flowing.UNATTENDED: Text(vi="không ai gửi", en="unattended"),
    Flowing.STANDING: Text(vi="đứng yên", en="standing"),
    Flowing.RESTING: Text(vi="Cổng tạm nghỉ", en="portal rests"),
    Flowing.PAUSED: Text(vi="tạm dừng", en="paused"),
    Flowing.FLOWING: Text(vi="đang chảy", en="flowing"),
    Flowing.QUIET: Text(vi="yên", en="quiet"),
}

FLOW_TONES: dict[Flowing, str] = {
    Flowing.STALLED: "bad",
    Flowing.UNATTENDED: "bad",
    Flowing.STANDING: "warn",
    Flowing.RESTING: "warn",
    Flowing.PAUSED: "warn",
    Flowing.FLOWING: "good",
}

WHATS: dict[What, Text] = {
    What.INTAKE: Text(vi="ngừng tiếp nhận", en="intake paused"),
    What.DELIVERY: Text(vi="ngừng gửi", en="delivery paused"),
    What.DRAIN: Text(vi="gửi cho hết rồi nghỉ", en="draining"),
}

ABOUT_WHATS: dict[What, Text] = {
    What.INTAKE: Text(
        vi="Không nhận thêm: tệp và bản tin chờ bên ngoài, không mất. Những gì đã nhận vẫn gửi.",
        en="Nothing is taken in: it waits outside and is not lost. What was taken in is sent.",
    ),
    What.DELIVERY: Text(
        vi="Không gửi gì: những gì đã nhận sẵn sàng và chờ.",
        en="Nothing is sent: what was taken in becomes ready and waits.",
    ),
    What.DRAIN: Text(
        vi="Không nhận thêm, gửi hết những gì đã nhận; trang này cho biết còn bao nhiêu.",
        en="Nothing is taken in, and what was taken in is sent to its end; this page tells what "
        "is left.",
    ),
}

KEY_STATES: dict[KeyState, Text] = {
    KeyState.IN_USE: Text(vi="đang dùng", en="in use"),
    KeyState.NEXT: Text(vi="kế tiếp", en="next"),
    KeyState.SPARE: Text(vi="dự phòng", en="spare"),
    KeyState.EXPIRED: Text(vi="hết hạn", en="expired"),
    KeyState.UNUSABLE: Text(vi="không dùng được", en="unusable"),
}

KEY_TONES: dict[KeyState, str] = {
    KeyState.IN_USE: "good",
    KeyState.UNUSABLE: "bad",
}

SEVERITIES: dict[Severity, Text] = {
    Severity.ERROR: Text(vi="lỗi", en="error"),
    Severity.WARNING: Text(vi="cảnh báo", en="warning"),
}

STEP_TONES: dict[StepResult, str] = {
    StepResult.PASSED: "good",
    StepResult.NOTED: "warn",
    StepResult.FAILED: "bad",
}
"""Of what was looked at in a signature."""

NAMES: tuple[Mapping[Any, Text], ...] = (
    STATES,
    PACKETS,
    VERBS,
    JOB_STATES,
    ROLE_NAMES,
    SEVERITIES,
    OWNERS,
    GROUP_STATES,
    ACTS,
    WHATS,
    FLOWS,
    KEY_STATES,
    RESULTS,
)
"""What everything that a page names is called."""
ALL_TONES: tuple[Mapping[Any, str], ...] = (
    TONES,
    FLOW_TONES,
    JOB_TONES,
    GROUP_TONES,
    KEY_TONES,
    STEP_TONES,
)
"""How it looks: good, bad or warn; what is in none is quiet."""
