"""What a bulk replay may be refused with, and what to do then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.state_words import JOB_STATES, VERBS, listed
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lienthong.replay_states import JobState, Verb
    from lienthong.states import State


class LeaseLost(Exception):
    """A job does not run any more, or another process works on it; nothing was done."""


def no_job(job_id: str) -> InputError:
    """Return the error for a job that is not there."""
    return _refused(
        "replay.not_found",
        Text(vi=f"Không có đợt xử lý {job_id}", en=f"There is no replay job {job_id}"),
        Text(
            vi="Xem danh sách các đợt xử lý hàng loạt",
            en="See the list of bulk replays",
        ),
    )


def nothing_to_preview() -> InputError:
    """Return the error for a preview of a job that discards."""
    return _refused(
        "replay.no_preview",
        Text(
            vi="Bỏ thông điệp thì không lập và không gửi gì, nên không có gì để xem trước",
            en="To discard makes and sends nothing, so there is nothing to preview",
        ),
        Text(vi="Xem danh sách của đợt xử lý", en="See the list of the job"),
    )


def nothing(verb: Verb) -> InputError:
    """Return the error for a selection of nothing."""
    return _refused(
        "replay.nothing",
        Text(
            vi=f"Không chọn được thông điệp nào có thể {VERBS[verb].vi.lower()}",
            en=f"Nothing is selected that may be done: {verb.value}",
        ),
        Text(
            vi="Sửa điều kiện chọn; danh sách thông điệp cho thấy điều kiện nào chọn được gì",
            en="Select otherwise; the list of messages shows what a selection finds",
        ),
    )


def too_many(most: int) -> InputError:
    """Return the error for a selection that is too large."""
    return _refused(
        "replay.too_many",
        Text(
            vi=f"Một đợt xử lý có tối đa {most} thông điệp",
            en=f"One job has at most {most} messages",
        ),
        Text(
            vi="Chia theo cơ quan hoặc trạng thái thành nhiều đợt",
            en="Divide it by agency or state into several",
        ),
    )


def states_missing(verb: Verb, allowed: Sequence[State], strange: Sequence[State]) -> InputError:
    """Return the error for a selection without states, or with some in which it cannot be done."""
    possible, named, what = listed(allowed), listed(strange), VERBS[verb].vi.lower()
    return _refused(
        "replay.states",
        Text(
            vi=f"Không thể {what} ở trạng thái {named.vi}" if strange else "Chưa nêu trạng thái",
            en=f"{verb.value} is not possible in {named.en}" if strange else "No state is given",
        ),
        Text(vi=f"Chọn trong: {possible.vi}", en=f"Choose among: {possible.en}"),
    )


def wrong_state(job_id: str, state: JobState, wanted: JobState) -> InputError:
    """Return the error for what is not possible where a job stands."""
    return _refused(
        "replay.wrong_state",
        Text(
            vi=f"Đợt xử lý {job_id} đang ở trạng thái «{JOB_STATES[state].vi}», không chuyển sang "
            f"«{JOB_STATES[wanted].vi}» được",
            en=f"Job {job_id} is {state.value} and cannot become {wanted.value}",
        ),
        Text(
            vi="Xem lại đợt xử lý này: ở trạng thái hiện nay làm được gì",
            en="Look at the job again: it says what can be done where it stands",
        ),
    )


def own_job() -> InputError:
    """Return the error for deciding about what one asked for oneself."""
    return _refused(
        "replay.own",
        Text(
            vi="Người yêu cầu không được tự duyệt",
            en="Who asked for it may not decide about it",
        ),
        Text(
            vi="Nhờ người khác có vai trò người duyệt (approver); muốn rút lại thì hủy (cancel)",
            en="Ask another person with the role approver; to withdraw it: cancel",
        ),
    )


def other_digest() -> InputError:
    """Return the error for an approval of something else."""
    return _refused(
        "replay.digest",
        Text(
            vi="Mã băm không phải của đợt xử lý này",
            en="The digest is not that of this job",
        ),
        Text(
            vi="Xem lại đợt xử lý, rồi duyệt theo mã băm (`digest`) của nó",
            en="Look at the job again, and send its `digest`",
        ),
    )


def stale(count: int, ids: Sequence[str], mappings: Sequence[str]) -> InputError:
    """Return the error for a job of which messages or mappings have changed; `ids` are a few."""
    named, left = ", ".join(ids), count - len(ids)
    named_vi = f" ({named}{f' … và {left} nữa' if left else ''})" if ids else ""
    named_en = f" ({named}{f' … and {left} more' if left else ''})" if ids else ""
    vi = f"Từ khi yêu cầu, {count} thông điệp đã thay đổi{named_vi}"
    en = f"{count} messages have changed since it was asked for{named_en}"
    if mappings:
        by = ", ".join(mappings)
        vi, en = f"{vi}; ánh xạ đã thay đổi: {by}", f"{en}; other mappings: {by}"
    return _refused(
        "replay.stale",
        Text(vi=vi, en=en),
        Text(
            vi="Yêu cầu lại với cùng điều kiện, rồi duyệt đợt mới",
            en="Have it asked for again with the same selection, and approve the new job",
        ),
    )


def changed_since(message_id: str) -> InputError:
    """Return the error for an item whose message changed after it was frozen."""
    return _refused(
        "replay.changed",
        Text(
            vi=f"Thông điệp {message_id} đã thay đổi sau khi yêu cầu; không đụng đến",
            en=f"Message {message_id} changed after it was asked for, and was not touched",
        ),
        Text(vi="Nếu vẫn cần, yêu cầu lại", en="If it is still wanted, ask for it again"),
    )


def other_mapping(message_id: str) -> InputError:
    """Return the error for an item that another mapping than the approved one would reissue."""
    return _refused(
        "replay.mapping_changed",
        Text(
            vi=f"Ánh xạ của {message_id} đã thay đổi sau khi yêu cầu; không đụng đến",
            en=f"The mapping of {message_id} changed after it was asked for; it was not touched",
        ),
        Text(
            vi="Nếu vẫn cần, yêu cầu lại với ánh xạ hiện nay",
            en="If it is still wanted, ask again by the present mapping",
        ),
    )


def _refused(code: str, message: Text, suggestion: Text) -> InputError:
    return InputError(Problem(code=code, message=message, suggestion=suggestion))
