"""Scenario files: read strictly, and played step after step."""

import pytest

from lienthong.sandbox import load_scenario
from lienthong.sandbox.scenario import packaged_scenarios, read_scenario
from lienthong.sandbox.stage import Stage
from schemas.errors import ConfigError

WRONG = """\
scenario: thu
colour: red
steps:
  - then: maintainance
  - name: hai
    wait: {calls: 0, service: DongBoHoSo, share: 2}
    then: {mode: slow, delay_seconds: -1}
    times: always
  - then: refuse
  - wait: {seconds: x}
  - then: {mode: reject, retry_after_seconds: 3}
    times: 2
    for_seconds: 3
"""


def read(text):
    return read_scenario(text.encode(), file="kich-ban.yaml")


def play(text, calls, *, seed=1, service="DongBoHoSoMC"):
    """Return what happens to so many calls at one moment."""
    stage = Stage(read(text), seed=seed, now=0)
    return [strike(stage, service=service) for _ in range(calls)]


def strike(stage, *, service="DongBoHoSoMC", code="A", now=0):
    is_delivery = service in ("DongBoHoSoMC", "CapNhatTienDoHoSoMC")
    wish = stage.strike(service=service, is_delivery=is_delivery, dossier_codes=(code,), now=now)
    return None if wish is None else wish.mode.value


def test_every_mistake_is_told_with_its_line_and_remedy():
    with pytest.raises(ConfigError) as refused:
        read(WRONG)

    problems = refused.value.problems
    assert [(problem.code, problem.place.line) for problem in problems] == [
        ("mapping.key_unknown", 2),
        ("sandbox.mode_unknown", 4),
        ("sandbox.value_wrong", 7),
        ("sandbox.service_unknown", 6),
        ("mapping.type_wrong", 6),
        ("mapping.type_wrong", 6),
        ("sandbox.never_ends", 8),
        ("sandbox.refuse", 9),
        ("mapping.key_missing", 10),
        ("mapping.type_wrong", 10),
        ("sandbox.value_wrong", 11),
        ("sandbox.two_ends", 12),
    ]
    assert problems[1].suggestion.en == "did you mean 'maintenance'?"
    assert problems[3].suggestion.vi == "có phải là 'DongBoHoSoMC'?"


@pytest.mark.parametrize(
    "text", ["", "a: [", "- a", "scenario: x\nsteps: []", "scenario: x\nsteps: 3", "\xff"]
)
def test_what_is_no_scenario_is_refused(text):
    with pytest.raises(ConfigError) as refused:
        read_scenario(text.encode("latin-1"), file="x.yaml")

    assert refused.value.problems


def test_those_that_come_along_can_be_used():
    assert packaged_scenarios() == ("bad-day", "drift", "session-trouble")
    for name in packaged_scenarios():
        assert load_scenario(name).name == name
        assert not load_scenario(name).has_times


def test_steps_are_played_one_after_another():
    text = """\
scenario: x
steps:
  - {then: empty, wait: {calls: 3}, times: 2}
  - {then: fault}
  - {then: reject, wait: {calls: 2}, times: always}
"""
    assert play(text, 8) == [
        None, None, "empty", "empty", "fault", None, "reject", "reject",
    ]  # fmt: skip


def test_only_calls_that_fit_are_counted_and_struck():
    text = """\
scenario: x
steps:
  - {then: slow, wait: {service: TraCuuHoSo, calls: 2}}
  - {then: forgets, wait: {dossier: "H29.14-*"}}
"""
    stage = Stage(read(text), seed=1, now=0)
    calls = [
        ("DongBoHoSoMC", "A"),
        ("TraCuuHoSo", "A"),
        ("login", None),
        ("TraCuuHoSo", "A"),
        ("TraCuuHoSo", "H29.14-1"),
        ("DongBoHoSoMC", "H29.15-1"),
        ("DongBoHoSoMC", "H29.14-1"),
    ]

    found = [strike(stage, service=service, code=code) for service, code in calls]

    # A look-up is left alone by what concerns deliveries.
    assert found == [None, None, None, "slow", None, None, "forgets"]
    assert stage.describe(0)["is_over"] is True


def test_a_share_hits_the_same_calls_for_the_same_seed():
    text = "scenario: x\nsteps: [{then: empty, wait: {share: 0.3}, times: 20}]"

    assert play(text, 100, seed=4) == play(text, 100, seed=4)
    assert play(text, 100, seed=4) != play(text, 100, seed=5)
    assert play(text, 200, seed=4).count("empty") == 20


def test_the_clock_begins_and_ends_a_step():
    text = """\
scenario: x
steps:
  - {then: refuse, wait: {calls: 2, seconds: 5}, for_seconds: 10}
  - {then: empty}
"""
    stage = Stage(read(text), seed=1, now=100)

    assert strike(stage, now=104) is None
    assert not stage.is_refusing(106)
    assert strike(stage, now=106) is None
    assert stage.is_refusing(107)
    assert stage.is_refusing(116)
    assert not stage.is_refusing(118)
    assert strike(stage, now=118) == "empty"

    stage.restart(200)
    assert stage.describe(200)["step"] == 1
