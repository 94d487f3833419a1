"""The settings of alerts: nothing goes openly, or where it was not set, and no line is added."""

import pytest
from pydantic import ValidationError

from lienthong.alert_settings import AlertSettings, HookSettings, MailSettings
from lienthong.settings import load_settings

MAIL = {"host": "mail.example.vn", "from": "a@example.vn", "to": ["b@example.vn"]}
HOOK = {"url": "https://hooks.example.vn/x", "secret": "x" * 24}


def test_without_a_channel_alerts_are_off(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert load_settings(file=None).alerts.channels == ()


def test_secrets_come_from_the_environment_and_are_not_shown(tmp_path, monkeypatch):
    file = tmp_path / "lienthong.toml"
    file.write_text(
        '[alerts.mail]\nhost = "h"\nuser = "u"\nfrom = "a@example.vn"\nto = ["b@example.vn"]\n'
        '[alerts.webhooks.on-call]\nurl = "https://hooks.example.vn/x"\n'
    )
    monkeypatch.setenv("LIENTHONG_ALERTS__MAIL__PASSWORD", "s3cret")
    monkeypatch.setenv("LIENTHONG_ALERTS__WEBHOOKS__ON_CALL__SECRET", "s3cret" * 5)

    alerts = load_settings(file=file).alerts

    assert alerts.channels == ("mail", "on-call")
    assert alerts.mail.password.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(alerts)


@pytest.mark.parametrize(
    "wrong",
    [
        {"security": "none", "user": "u"},
        {"to": []},
        {"to": ["b@example.vn\r\nBcc: c@example.vn"]},
        {"to": ["B <b@example.vn>"]},
        {"from": "nobody"},
        {"port": 0},
        {"passwort": "x"},
    ],
)
def test_a_mail_server_that_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValidationError):
        MailSettings(**MAIL | wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://hooks.example.vn/x"},
        {"url": "https://u:p@hooks.example.vn/x"},
        {"url": "file:///etc/passwd"},
        {"secret": "short"},
        {"secret": "whsec_%%%"},
    ],
)
def test_a_webhook_that_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValidationError):
        HookSettings(**HOOK | wrong)


def test_a_webhook_cannot_be_taken_for_the_mail():
    with pytest.raises(ValidationError):
        AlertSettings(webhooks={"mail": HOOK})


def test_a_name_cannot_add_a_line_to_a_mail():
    with pytest.raises(ValidationError):
        AlertSettings(name="x\r\nBcc: c@example.vn")
