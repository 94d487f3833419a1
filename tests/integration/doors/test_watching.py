"""Watching real processes: what they answer, and what Prometheus makes of it."""

import subprocess
import time
from contextlib import closing
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from lienthong.access.rights import EVERY, Grant, Role
from lienthong.store.access_tokens import make_access_token
from lienthong.store.database import make_tables
from lienthong.store.work import begin

RULES = Path(__file__).parents[3] / "deploy/prometheus"


def until(condition):
    """Wait for what must come."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def watch(here, roles):
    process = here.start(roles)
    here.address = here._address(process)
    return process


def up(answer):
    assert answer.status == 200
    (family,) = [
        one
        for one in text_string_to_metric_families(answer.body.decode())
        if one.name == "lienthong_up"
    ]
    return family.samples[0].value


def test_the_rules_fire_when_they_should(promtool):
    for words in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        ran = subprocess.run(
            [promtool, *words], cwd=RULES, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_prometheus_finds_nothing_to_say_about_the_page(make_here, promtool):
    here = make_here("[console]\nport = 0\nopen_metrics = true\n")
    watch(here, "console,sweep")

    page = here.ask("/metrics").body
    linted = subprocess.run(
        [promtool, "check", "metrics"], input=page, capture_output=True, check=False
    )

    assert (linted.returncode, linted.stdout + linted.stderr) == (0, b"")


def test_a_worker_tells_what_it_saw_and_is_alive_and_ready(make_here):
    here = make_here("[metrics]\nport = 0\n")
    watch(here, "metrics,expand,sweep")

    turned = b'lienthong_role_turned_timestamp_seconds{role="expand"}'
    until(lambda: turned in here.ask("/metrics").body)

    assert b"lienthong_messages" not in here.ask("/metrics").body
    assert here.ask("/live").json == {"status": "ok"}
    assert here.ask("/ready").json["checks"]["store"] == "ok"


def test_without_its_database_the_console_answers_as_it_last_knew(make_here, private_postgresql):
    url = private_postgresql.create_database("watching_away")
    here = make_here(f'[store]\nurl = "{url}"\n[console]\nport = 0\n')
    installation = here.installation
    make_tables(installation.engine)
    with begin(installation.store, at=installation.clock) as work:
        grants = [Grant(role=Role.VIEWER, agencies=EVERY)]
        token = make_access_token(work, "prometheus", grants=grants, expires_at=None)
    installation.engine.dispose()
    watch(here, "console")
    assert here.ask("/metrics").status == 401
    assert up(here.ask("/metrics", token=token)) == 1

    private_postgresql.freeze()
    try:
        with closing(here.connect(timeout=10)) as connection:
            connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {token}"})
            frozen = connection.getresponse()
            assert (frozen.status, b"lienthong_messages" in frozen.read()) == (200, True)
        alive = here.ask("/live")
    finally:
        private_postgresql.thaw()
    private_postgresql.kill()
    try:
        ready = here.ask("/ready")
        page = here.ask("/metrics", token=token)
    finally:
        private_postgresql.start()

    assert alive.status == 200
    assert (ready.status, ready.json["checks"]["store"]) == (503, "failed")
    assert page.status == 200
