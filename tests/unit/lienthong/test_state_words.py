"""What errors of replays, problems and rights say in Vietnamese: names, with codes in brackets."""

import re

import pytest

from lienthong.access.rights import RIGHT_NAMES, ROLE_NAMES, Forbidden, Right, Role
from lienthong.replay_states import ALLOWED, JobState, Verb
from lienthong.state_words import ACTS, GROUP_STATES, JOB_STATES, STATES, VERBS
from lienthong.states import State
from lienthong.store import replay_problems


def said(error):
    """Return what a person reads in Vietnamese, without codes in brackets."""
    problem = error.problem
    whole = f"{problem.message.vi} → {problem.suggestion.vi}"
    return re.sub(r" \(`?\w+`?\)", "", whole)


@pytest.mark.parametrize("table", [STATES, VERBS, JOB_STATES, GROUP_STATES, ACTS])
def test_everything_is_called_something(table):
    (kind,) = {type(one) for one in table}
    assert set(table) == set(kind)


def test_rights_and_roles_are_called_something():
    assert set(RIGHT_NAMES) == set(Right)
    assert set(ROLE_NAMES) == set(Role)


def test_a_missing_right_is_named_in_vietnamese_with_its_code():
    problem = Forbidden(Right.REPLAY_MANY, "land").problem

    assert problem.message.vi == "Không có quyền yêu cầu chạy hàng loạt (`replay_many`) với land"
    assert problem.suggestion.vi.endswith("người vận hành (operator)")
    assert problem.message.en == "The right `replay_many` is missing for land"


def test_states_are_called_as_the_console_calls_them():
    allowed = sorted(ALLOWED[Verb.RESEND], key=lambda state: state.value)
    error = replay_problems.states_missing(Verb.RESEND, allowed, [State.REJECTED])

    assert error.problem.message.vi == "Không thể gửi lại ở trạng thái bị từ chối (rejected)"
    assert error.problem.suggestion.vi == (
        "Chọn trong: dừng chờ (parked), cách ly (quarantined), chưa rõ (unknown)"
    )


@pytest.mark.parametrize(
    "error",
    [
        replay_problems.no_job("x"),
        replay_problems.nothing(Verb.REISSUE),
        replay_problems.wrong_state("x", JobState.CANCELLED, JobState.RUNNING),
        replay_problems.own_job(),
        replay_problems.other_digest(),
    ],
    ids=lambda error: error.code,
)
def test_no_command_line_and_no_english_word_stands_in_what_a_page_shows(error):
    words = set(re.findall(r"[a-z_]+", said(error)))
    codes = {one.value for kind in (State, JobState, Verb, Role) for one in kind}

    assert "lienthong" not in words
    assert not words & codes


def test_of_many_that_changed_a_few_are_named_and_the_rest_counted():
    message = replay_problems.stale(16, ["a", "b", "c", "d", "e"], []).problem.message

    assert message.vi.endswith("(a, b, c, d, e … và 11 nữa)")
    assert message.en.endswith("(a, b, c, d, e … and 11 more)")
    assert replay_problems.stale(2, ["a", "b"], []).problem.message.en.endswith("(a, b)")
