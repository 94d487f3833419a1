"""What deciding about a problem may be refused with, and what to do then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.state_words import ACTS, GROUP_STATES
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from lienthong.problem_groups import Group
    from lienthong.problem_states import Act

_LOOK_AGAIN = Text(
    vi="Xem lại sự cố, rồi quyết định theo bản mới của nó (`version`)",
    en="Look at the problem again, and decide by its new `version`",
)


def no_group() -> InputError:
    """Return the error for a problem that is not there."""
    return _refused(
        "problem.not_found",
        Text(vi="Không có sự cố này", en="There is no such problem"),
        Text(vi="Xem danh sách sự cố", en="See the list of problems"),
    )


def changed(group: Group) -> InputError:
    """Return the error for a decision by what somebody saw before another decided."""
    vi, en = _last_decision(group)
    return _refused(
        "problem.changed",
        Text(vi=f"Người khác đã quyết định trước: {vi}", en=f"Somebody decided before: {en}"),
        _LOOK_AGAIN,
    )


def wrong_state(group: Group, act: Act) -> InputError:
    """Return the error for what is not possible where a problem stands."""
    vi, en = _last_decision(group)
    return _refused(
        "problem.wrong_state",
        Text(vi=f"Không thể «{ACTS[act].vi}»: {vi}", en=f"{act.value} is not possible: {en}"),
        _LOOK_AGAIN,
    )


def _last_decision(group: Group) -> Text:
    state = group.standing.state.value
    name = GROUP_STATES[group.standing.state].vi
    if group.decided_at is None:
        return Text(vi=f"sự cố đang ở trạng thái «{name}»", en=f"the problem is {state}")
    decided = GROUP_STATES[group.decided].vi
    when = f"{group.decided_at:%Y-%m-%d %H:%M:%S} UTC"
    return Text(
        vi=f"sự cố đang ở trạng thái «{name}»; quyết định gần nhất: {decided}, "
        f"{group.decided_by}, {when} (bản {group.version})",
        en=f"the problem is {state}; last decision: {group.decided.value} by "
        f"{group.decided_by} at {when} (version {group.version})",
    )


def _refused(code: str, message: Text, suggestion: Text) -> InputError:
    return InputError(Problem(code=code, message=message, suggestion=suggestion))
