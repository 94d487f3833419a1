import pytest
from pydantic import ValidationError

from lienthong.channels.profile import TargetProfile

ADAPTER = {
    "auth_endpoint": "/auth",
    "integration_endpoint": "/integration",
    "username": "u",
    "password": "p",
    "madonvi": "000.00.00.H29",
}
FACADE = {
    "form": "facade",
    "madonvi": "H29",
    "dossier_endpoint": "/api/a",
    "progress_endpoint": "/api/b",
}


def make(table, **target):
    values = {"endpoint": "http://adapter.example/x", "channel": "dvcqg-json", **target}
    return TargetProfile(**values, **({} if table is None else {"json": table}))


def test_an_adapter_needs_its_addresses_and_login_and_has_no_receipts():
    profile = make(ADAPTER)

    assert profile.json_adapter.password.get_secret_value() == "p"
    assert not profile.wants_receipts
    assert "p'" not in repr(profile.json_adapter.password)


@pytest.mark.parametrize(
    ("table", "target", "words"),
    [
        (None, {}, r"needs the table \[target.json\]"),
        (ADAPTER, {"channel": "soap"}, "the table json belongs to channel 'dvcqg-json'"),
        (ADAPTER, {"soap": "1.2"}, "soap belongs to channel 'soap': leave it out"),
        (ADAPTER, {"security": {"timestamp": True}}, "security belongs to channel 'soap'"),
        (ADAPTER, {"busy_faults": ["Server"]}, "busy_faults belongs to channel 'soap'"),
        (ADAPTER, {"receipt_trust": ["a.pem"]}, "receipt_trust belongs to channel 'soap'"),
        (ADAPTER, {"shows_content": True}, "shows_content belongs to channel 'soap'"),
        (ADAPTER, {"receipts": "required"}, "has none, its answers are the proof"),
        (ADAPTER, {"endpoint": "http://a.example/x?y=1"}, "endpoint: without a query"),
        (ADAPTER | {"username": "", "password": ""}, {}, "needs username; .*needs password"),
        (ADAPTER | {"auth_endpoint": ""}, {}, "form 'adapter' needs auth_endpoint"),
        (ADAPTER | {"update_endpoint": "/u"}, {}, "update_endpoint is not for form 'adapter'"),
        (FACADE | {"username": "u"}, {}, "username is not for form 'facade'"),
        (FACADE | {"progress_endpoint": ""}, {}, "form 'facade' needs progress_endpoint"),
        (ADAPTER | {"auth_endpoint": "auth"}, {}, "expected a path like /auth"),
        (ADAPTER | {"auth_endpoint": "/a?b=c"}, {}, "expected a path like /auth"),
        (ADAPTER | {"auth_endpoint": "/a\r\nX: y"}, {}, "expected a path like /auth"),
        (ADAPTER | {"dstcode": "a\r\nX: y"}, {}, "one line of ASCII"),
        (ADAPTER | {"madonvi": " H29"}, {}, "without spaces at its ends"),
        (ADAPTER | {"madonvi": ""}, {}, "at least 1 character"),
        (ADAPTER | {"failure_texts": [" "]}, {}, "an empty text is part of every answer"),
        (ADAPTER | {"expired_texts": ["phiên"]}, {}, "expired_texts without expired_codes"),
        (ADAPTER | {"expired_codes": ["0"]}, {}, "'0' stands in both json.expired_codes and suc"),
        (
            ADAPTER | {"expired_codes": ["-1"]},
            {"rejected_codes": ["-1"]},
            "'-1' stands in both json.expired_codes and rejected_codes",
        ),
        (ADAPTER | {"absent_codes": ["00"]}, {}, "'00' stands in both json.absent_codes"),
        (ADAPTER | {"max_lengths": {"GhiChu": 0}}, {}, "greater than or equal to 1"),
        (ADAPTER | {"sesion_seconds": 5}, {}, "sesion_seconds"),
        (ADAPTER, {"progress_rows_per_call": 0}, "greater than or equal to 1"),
        (ADAPTER, {"progress_rows_per_call": 101}, "less than or equal to 100"),
    ],
)
def test_what_contradicts_itself_is_told_in_words(table, target, words):
    with pytest.raises(ValidationError, match=words):
        make(table, **target)


@pytest.mark.parametrize("channel", ["soap", "lgsp"])
def test_only_this_channel_takes_several_progress_rows_in_a_call(channel):
    with pytest.raises(ValidationError, match=f"on channel '{channel}' each row is a call"):
        make(None, channel=channel, progress_rows_per_call=5)

    assert make(ADAPTER).progress_rows_per_call == 1
    assert make(ADAPTER, progress_rows_per_call=5).progress_rows_per_call == 5


def test_every_contradiction_is_told_at_once():
    with pytest.raises(ValidationError) as told:
        make(ADAPTER, soap="1.2", busy_faults=["Server"], receipts="required")

    assert str(told.value).count("; ") == 2


def test_a_text_tells_an_ended_session_from_other_refusals():
    table = ADAPTER | {"expired_codes": ["-1"], "expired_texts": ["hết phiên"]}

    assert make(table, rejected_codes=["-1"]).json_adapter.expired_codes == ("-1",)
