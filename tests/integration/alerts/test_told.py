"""People are told, once, by real servers: when it begins, a day later, and when it has ended."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from lienthong.alerting import Judged, Known, Severity
from lienthong.receivers.hook import sign_hook
from lienthong.settings import load_settings
from lienthong.store.alerts import (
    count_fired,
    lend,
    read_known,
    read_waiting,
    settle,
    silence,
    write_judged,
)
from lienthong.store.database import reading
from lienthong.store.tables import alert_notices
from lienthong.store.work import begin
from lienthong.testing import forked
from lienthong.testing.portal_site import write_toml
from lienthong.watching import Watching
from lienthong.wiring import Installation
from schemas.problem import Text
from tests.integration.alerts.conftest import SECRET

DAY = 24 * 60


def test_somebody_is_told_when_it_begins_a_day_later_and_when_it_has_ended(
    open_site, serve_mail, mailbox, hook
):
    site = open_site(serve_mail(), hook)
    watch = site.watch()
    site.run(watch, minutes=10)
    site.drifts = 3
    site.run(watch, minutes=20)
    (began,) = mailbox.texts
    site.run(watch, minutes=DAY + 30, every=30)
    site.drifts = 0
    site.run(watch, minutes=20)

    assert [one["kind"] for one in hook.notices] == ["began", "reminder", "ended"]
    assert mailbox.subjects == [
        "[Lienthong] CẢNH BÁO: Cổng đã thay đổi ở 3 chỗ",
        "[Lienthong] NHẮC LẠI: Cổng đã thay đổi ở 3 chỗ",
        "[Lienthong] ĐÃ HẾT: Cổng đã thay đổi ở 3 chỗ",
    ]
    for words in ("The portal has changed in 3 places", "lienthong drift list", "LienthongDrift"):
        assert words in began
    recipients, mail = mailbox.mails[0]
    assert (recipients, mail["Auto-Submitted"]) == (["duty@example.vn"], "auto-generated")


def test_a_webhook_is_signed_so_that_its_receiver_knows_us(open_site, hook):
    site = open_site(hook=hook)
    site.drifts = 1
    site.run(site.watch(), minutes=10)

    ((path, headers, body),) = hook.requests
    assert path == "/hook"
    signature = sign_hook(
        SECRET.encode(), headers["webhook-id"], headers["webhook-timestamp"], body
    )
    assert headers["webhook-signature"] == signature
    (notice,) = json.loads(body)["notices"]
    assert notice["next_step"]["en"] == "lienthong drift list names the mappings it touches"


def test_a_redirect_is_not_followed_and_is_no_success(open_site, hook):
    hook.status, hook.location = 307, hook.url.replace("/hook", "/elsewhere")
    site = open_site(hook=hook)
    site.drifts = 1

    site.run(site.watch(), minutes=10)

    assert {path for path, _, _ in hook.requests} == {"/hook"}
    with reading(site.installation.store) as connection:
        assert read_waiting(connection)["chat"].count == 1


def test_a_restart_tells_nothing_again(open_site, serve_mail, mailbox):
    site = open_site(serve_mail())
    site.drifts = 1
    site.run(site.watch(), minutes=10)
    for _ in range(3):
        again = site.open()
        site.run(site.watch(again), minutes=10)
        again.store.dispose()

    assert len(mailbox.mails) == 1


def test_several_processes_tell_once(open_site, serve_mail, mailbox):
    site = open_site(serve_mail())
    other = site.open()
    site.drifts = 1

    watches = [site.watch(), site.watch(other), site.watch()]
    site.run(*watches, minutes=10)
    site.run(*watches, minutes=DAY + 30, every=30)
    site.drifts = 0
    site.run(site.watch(), site.watch(other), minutes=20)
    other.store.dispose()

    assert len(mailbox.mails) == 3


def test_several_processes_tell_once_on_postgresql(
    tmp_path, postgresql_store, serve_mail, mailbox, hook
):
    mail = {
        "host": "127.0.0.1",
        "port": serve_mail(),
        "security": "none",
        "from": "a@example.vn",
        "to": ["b@example.vn"],
    }
    hooks = {"chat": {"url": hook.url, "secret": SECRET}}
    file = tmp_path / "lienthong.toml"
    tables = {
        "data_dir": str(tmp_path / "data"),
        "store": {"url": postgresql_store},
        "alerts": {"mail": mail, "webhooks": hooks, "disk_percent": 1, "every_seconds": 1},
    }
    file.write_text(write_toml(tables), encoding="utf-8")
    installations = [Installation(load_settings(file=file)) for _ in range(3)]
    now = datetime.now(UTC)
    known = Known(
        since=now - timedelta(hours=1),
        seen_at=now,
        fired_at=now - timedelta(hours=1),
        gone_at=now - timedelta(minutes=30),
        told_at=now - timedelta(hours=1),
        silenced_until=None,
        severity=Severity.WARNING,
        hold=timedelta(minutes=5),
        words=Text(vi="cũ", en="old"),
        step=Text(vi="", en=""),
    )
    with begin(installations[0].store, at=now) as work:
        judged = Judged(known={("LienthongDrift", ""): known}, notices=[])
        write_judged(work, judged, channels=(), tells=lambda _: True)
    together = Barrier(len(installations))

    def run(installation):
        watch = Watching(installation).make_alert_watch()
        together.wait()
        for _ in range(3):
            watch.step()

    threads = [Thread(target=run, args=(one,)) for one in installations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in installations:
        one.store.dispose()

    told = [one for one in hook.notices if one["alert"] == "LienthongDrift"]
    assert [one["kind"] for one in told] == ["ended"]
    assert sum("LienthongDrift" in text for text in mailbox.texts) == 1


def test_a_mail_server_that_is_away_is_tried_again_and_holds_up_no_webhook(
    open_site, serve_mail, mailbox, hook, tmp_path
):
    port = serve_mail()
    mailbox.refuses = "451 try later"
    site = open_site(port, hook)
    watch = site.watch()
    site.drifts = 1
    with capture_logs() as logs:
        site.run(watch, minutes=30)

    assert len(hook.notices) == 1
    failed = [line for line in logs if line["event"] == "alerts.not_sent"]
    assert 2 <= len(failed) <= 8
    assert {line["cause"] for line in failed} == {"SMTPDataError 451"}
    with reading(site.installation.store) as connection:
        assert read_waiting(connection)["mail"].count == 1
        assert count_fired(connection) == {"LienthongDrift": 1}

    mailbox.refuses = None
    site.run(watch, minutes=20)

    assert len(mailbox.mails) == 1


def test_a_mail_server_that_is_not_there_is_no_error_of_the_role(open_site):
    site = open_site(1)
    site.drifts = 1

    site.run(site.watch(), minutes=10)

    with reading(site.installation.store) as connection:
        assert read_waiting(connection)["mail"].count == 1


def test_above_the_limit_mails_are_put_together_and_say_what_they_leave_out(
    open_site, serve_mail, mailbox, monkeypatch
):
    site = open_site(serve_mail(), mails_per_hour=2)
    agencies = []
    look = site.look

    def crowded(installation):
        found = look(installation)
        object.__setattr__(found.measures, "overdue", dict.fromkeys(agencies, 1))
        return found

    monkeypatch.setattr(site, "look", crowded)
    watch = site.watch()
    for number in range(120):
        agencies.append(f"agency-{number:03}")
        site.run(watch, minutes=1)

    assert 3 <= len(mailbox.mails) <= 5
    longest = max(mailbox.texts, key=len)
    assert "are not listed" in longest
    assert "× LienthongOverdue" in longest
    assert len(longest) < 20_000


def test_a_store_that_is_away_is_told_once_a_machine_and_that_it_is_back(
    open_site, serve_mail, mailbox
):
    site = open_site(serve_mail())
    watches = [site.watch(), site.watch()]
    site.run(*watches, minutes=5)
    site.is_up = False
    site.run(*watches, minutes=10)
    site.run(site.watch(), minutes=10)
    site.is_up = True
    site.run(*watches, minutes=5)

    assert mailbox.subjects == [
        "[Lienthong] CẢNH BÁO: Không đọc được kho thông điệp",
        "[Lienthong] ĐÃ HẾT: Không đọc được kho thông điệp",
    ]


def test_no_reminders_while_it_is_silenced(open_site, hook):
    site = open_site(hook=hook)
    watch = site.watch()
    site.drifts = 1
    site.run(watch, minutes=10)
    with begin(site.installation.store, at=site.now) as work:
        assert silence(work, "LienthongDrift", until=site.now + timedelta(days=3)) == 1
        assert silence(work, "LienthongOverdue", until=site.now) == 0
    site.run(watch, minutes=2 * DAY, every=30)
    site.drifts = 0
    site.run(watch, minutes=20)

    assert [one["kind"] for one in hook.notices] == ["began", "ended"]


def test_below_the_least_severity_nobody_is_told(open_site, hook):
    site = open_site(hook=hook, least="critical")
    site.drifts = 1

    site.run(site.watch(), minutes=30)

    assert hook.requests == []
    with reading(site.installation.store) as connection:
        assert [rule for rule, _ in read_known(connection)] == ["LienthongDrift"]


def test_who_froze_while_sending_writes_nothing_down(open_site, serve_mail):
    site = open_site(serve_mail())
    site.drifts = 1
    watch = site.watch()
    watch._send = lambda channel: None
    site.run(watch, minutes=10)
    store = site.installation.store
    with begin(store, at=site.now) as work:
        lent = lend(work, "mail")
    with begin(store, at=site.now) as work:
        assert lend(work, "mail") is None
    with begin(store, at=site.now + timedelta(minutes=11)) as work:
        again = lend(work, "mail")
        assert again.ids == lent.ids
    with begin(store, at=site.now + timedelta(minutes=11)) as work:
        assert settle(work, lent, is_sent=True) is False
        assert settle(work, again, is_sent=True) is True


def test_what_could_not_be_sent_for_long_is_given_up_in_the_log(open_site, hook):
    hook.status = 500
    site = open_site(hook=hook)
    site.drifts = 1
    site.run(site.watch(), minutes=10)
    with begin(site.installation.store, at=site.now) as work:
        old = site.now - timedelta(days=31)
        work.connection.execute(update(alert_notices).values(made_at=old))

    with capture_logs() as logs:
        site.run(site.watch(), minutes=2)

    assert [line["notices"] for line in logs if line["event"] == "alerts.never_sent"] == [1]


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", folder / "key", "-out", folder / "certificate"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "certificate", folder / "key"


def test_a_password_goes_only_over_tls_that_holds(open_site, serve_mail, mailbox, tls):
    port = serve_mail(tls=tls, authenticator=mailbox.check, auth_required=True)
    mail = {"security": "starttls", "user": "u", "password": "s3cret"}
    site = open_site(port, mail=mail)
    site.drifts = 1
    site.run(site.watch(), minutes=6)

    assert mailbox.logins == []

    trusted = open_site(port, mail=mail | {"ca_file": str(tls[0])})
    trusted.now, trusted.drifts = site.now + timedelta(hours=1), 1
    trusted.run(trusted.watch(), minutes=10)

    assert mailbox.logins == [(b"u", b"s3cret")]
    assert len(mailbox.mails) == 1


def test_the_command_tells_everybody_now_and_says_who_took_it(open_site, serve_mail, mailbox, hook):
    site = open_site(serve_mail(), hook)
    hook.status = 500

    def run(*words):
        return forked.run(
            [sys.executable, "-m", "lienthong", "--settings", site.file, "alerts", *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    tested = run("test", "--json")

    assert tested.returncode == 3
    assert json.loads(tested.stdout) == {
        "chat": {"sent": False, "cause": "HTTP 500"},
        "mail": {"sent": True, "cause": None},
    }
    assert mailbox.subjects == ["[Lienthong] THỬ: Thử kênh cảnh báo"]
    listed = run("list", "--json")
    assert json.loads(listed.stdout)["channels"] == ["mail", "chat"]
    assert json.loads(listed.stdout)["alerts"] == []
    assert run("silence", "LienthongDrift").returncode == 2
