"""Of which kind an answer is, on every channel: learnt, told, or passed over."""

import json

import pytest

from lienthong.channels.port import Answer, CutAnswer, Found, LookUp, Outcome
from lienthong.channels.profile import TargetProfile
from lienthong.drift.kinds import kinds_of
from lienthong.drifts import Kind
from tests.contract.json_site import ADAPTER
from tests.contract.lgsp_site import LGSP

URL = "http://cong.example/portal"
JSON = TargetProfile(
    endpoint=URL, channel="dvcqg-json", json=ADAPTER | {"absent_codes": ["4"]}, success_codes=["0"]
)
LGSP_TARGET = TargetProfile(endpoint=URL, channel="lgsp", lgsp=LGSP, success_codes=["0", "00"])
HCM = TargetProfile(
    endpoint=URL, channel="lgsp", lgsp=LGSP | {"answer": "hcm"}, success_codes=["200"]
)


def answer(value, outcome=Outcome.DELIVERED, *, code=None, status=200, cut=None):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Answer(outcome=outcome, code=code, http_status=status, raw=raw, cut=cut)


def judge(profile, result):
    return kinds_of(profile).judge("X", result)


@pytest.mark.parametrize(
    ("profile", "value", "code"),
    [
        (JSON, {"error_code": "0", "message": "a"}, "0"),
        (LGSP_TARGET, {"Status": 0, "Message": "a"}, "0"),
        (HCM, {"StatusCode": 200, "Status": "SUCCESS"}, "200"),
    ],
    ids=["adapter", "MResult", "HCM"],
)
def test_a_success_is_learnt_with_the_spelling_of_its_code(profile, value, code):
    judged = judge(profile, answer(value, code=code))

    assert judged.subjects == ("answer X", "answer X success")
    assert judged.may_be_learnt
    assert judged.shape.codes == (code,)


def test_a_success_that_the_channel_did_not_believe_is_not_learnt():
    value = {"error_code": "0", "message": "thất bại"}

    judged = judge(JSON, answer(value, Outcome.UNRECOGNISED, code="0"))

    assert (judged.subjects[-1], judged.may_be_learnt) == ("answer X success", False)


def test_a_code_that_no_list_has_is_told_at_once():
    judged = judge(JSON, answer({"error_code": "00"}, Outcome.UNRECOGNISED, code="00"))

    (drift,) = judged.drifts
    assert (drift.kind, drift.place, drift.before, drift.after) == (
        Kind.CODE,
        "error_code",
        "0",
        "00",
    )


@pytest.mark.parametrize(
    ("found", "code", "subject"),
    [
        (Found.PRESENT, "0", "answer X success"),
        (Found.ABSENT, "0", "answer X absent"),
        (Found.ABSENT, "4", "answer X absent"),
        (Found.FAILED, "0", "answer X success"),
    ],
)
def test_look_ups_that_find_and_that_do_not_are_two_kinds(found, code, subject):
    raw = json.dumps({"error_code": code, "result": []}).encode()

    judged = judge(JSON, LookUp(found=found, raw=raw, http_status=200))

    assert judged.subjects[-1] == subject
    assert judged.may_be_learnt is (found is not Found.FAILED)


@pytest.mark.parametrize(
    "result",
    [
        Answer(outcome=Outcome.NOT_SENT),
        answer(b"<html>", Outcome.BUSY, status=503),
        answer(b"<html>", Outcome.BUSY, status=429),
        answer(b"<html>", Outcome.UNKNOWN, status=502),
        answer(b'{"error_', Outcome.UNKNOWN),
        answer({"error_code": "11"}, Outcome.TARGET),
        answer({}, Outcome.TARGET, status=401),
        LookUp(found=Found.FAILED, raw=b"<html>"),
    ],
    ids=["not sent", "503", "429", "502", "perhaps cut", "login", "401", "no status"],
)
def test_trouble_says_nothing_of_a_contract(result):
    assert judge(JSON, result) is None


@pytest.mark.parametrize(
    ("result", "form"),
    [
        (answer(b"<html></html>", Outcome.UNRECOGNISED), "HTTP 200 html"),
        (answer(b"<a/>", Outcome.UNRECOGNISED), "HTTP 200 xml"),
        (answer(b"moved", Outcome.TARGET, status=404), "HTTP 404 text"),
    ],
)
def test_something_else_than_an_answer_is_told(result, form):
    (drift,) = judge(JSON, result).drifts

    assert (drift.kind, drift.before, drift.after) == (Kind.FORM, "HTTP 200 json", form)


def test_of_an_answer_too_large_to_be_kept_its_size_is_compared():
    cut = CutAnswer(size=5_000_000, digest="0" * 64, is_whole=True)

    judged = judge(JSON, answer(b'{"error_code": "0", ', Outcome.UNKNOWN, cut=cut))

    assert judged.subjects[-1] == "answer X success"
    assert (judged.shape.features, judged.may_be_learnt) == ({"size": "23"}, False)
