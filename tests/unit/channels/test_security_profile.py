"""The [target.security] table refuses what contradicts itself, and never shows its password."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from lienthong.channels.profile import TargetProfile
from lienthong.settings import load_settings
from schemas.errors import ConfigError

URL = "https://portal.example/portal"
LOGIN = {"username": "tich-hop", "password": "mật khẩu 1"}


def test_without_the_table_messages_have_no_security_header():
    assert TargetProfile(endpoint=URL).security is None


def test_an_empty_table_signs_with_the_operators_key_and_the_time():
    security = TargetProfile(endpoint=URL, security={}).security

    assert (security.signature, security.signed_by, security.timestamp) == (True, "operator", True)
    assert security.username is None
    assert not security.signed_answers


@pytest.mark.parametrize(
    ("security", "words"),
    [
        ({"signature": False, "timestamp": False}, "nothing is asked for"),
        ({"username": "a"}, "username and password belong together"),
        ({"password": "a"}, "username and password belong together"),
        ({"username": "a\nb", "password": "a"}, "one line of printable characters"),
        ({"username": "a", "password": "a\x00"}, "one line of printable characters"),
        ({"signed_answers": True}, "signed_answers needs answer_trust"),
        ({"answers_confirm": True}, "answers_confirm needs signature and signed_answers"),
        ({"validity_seconds": 0}, "validity_seconds"),
        ({"signed_by": ""}, "signed_by"),
        ({"sign": True}, "security.sign"),
    ],
)
def test_refuses_what_contradicts_itself(security, words):
    with pytest.raises(ValidationError) as refused:
        TargetProfile(endpoint=URL, security=security)

    assert words in str(refused.value)


def test_a_password_as_it_is_goes_to_https_only():
    text = LOGIN | {"password_form": "text"}

    TargetProfile(endpoint=URL, security=text)
    TargetProfile(endpoint="http://portal.example/x", security=LOGIN)
    with pytest.raises(ValidationError) as refused:
        TargetProfile(endpoint="http://127.0.0.1/x", security=text)
    assert "shows the password" in str(refused.value)


def test_the_password_comes_from_the_environment_and_is_not_shown(tmp_path, monkeypatch):
    file = tmp_path / "lienthong.toml"
    file.write_text(f'[target]\nendpoint = "{URL}"\n[target.security]\nusername = "tich-hop"\n')
    monkeypatch.setenv("LIENTHONG_TARGET__SECURITY__PASSWORD", "rất bí mật")

    settings = load_settings(file=file)

    assert settings.target.security.password.get_secret_value() == "rất bí mật"
    assert "rất bí mật" not in f"{settings!r} {settings.model_dump(mode='json')}"


def test_a_misspelt_key_is_named_with_its_line_and_the_right_one(tmp_path):
    file = tmp_path / "lienthong.toml"
    file.write_text(f'[target]\nendpoint = "{URL}"\n\n[target.security]\nsigned_answer = true\n')

    with pytest.raises(ConfigError) as refused:
        load_settings(file=file)

    (problem,) = refused.value.problems
    assert (problem.place.path, problem.place.line) == ("target.security.signed_answer", 5)
    assert problem.suggestion.en == "did you mean 'signed_answers'?"
