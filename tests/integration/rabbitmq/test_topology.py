"""The queues as declared, compared and shown; on the server and by the command line."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from datetime import timedelta

import pika
import pytest

from broker.port import BrokerError, BrokerUnavailable, Message
from broker.rabbitmq import check, declare, definitions, make_topology, read_depths
from broker.rabbitmq.settings import connection_parameters
from lienthong.testing import forked
from mappings import load_agencies

AGENCIES = len(load_agencies(None).names())


def test_a_declared_topology_has_no_drift_and_may_be_declared_again(settings):
    declare(settings)
    declare(settings)

    assert check(settings) == []


def test_what_is_missing_is_told_and_not_made(settings):
    names = [drift.what.name for drift in check(settings)]

    plan = settings.plan
    assert names == [
        plan.work_exchange,
        plan.delay_exchange,
        plan.parking_exchange,
        plan.parking_queue,
        f"{plan.prefix}.work.deliver",
        f"{plan.prefix}.delay.deliver.200ms",
        f"{plan.prefix}.delay.deliver.1000ms",
    ]
    assert len(check(settings)) == 7
    assert check(settings)[3].en == (
        f"queue {plan.prefix}.parked is missing; run: lienthong topology apply"
    )


def test_a_queue_with_other_arguments_is_told_in_words(settings):
    declare(settings)
    changed = replace(settings, plan=replace(settings.plan, delivery_limit=3))

    drifts = check(changed)

    assert [drift.what.name for drift in drifts] == [
        f"{settings.plan.prefix}.work.deliver",
        f"{settings.plan.prefix}.delay.deliver.200ms",
        f"{settings.plan.prefix}.delay.deliver.1000ms",
    ]
    assert "exists with other arguments" in drifts[0].en
    assert "x-delivery-limit" in drifts[0].en
    assert "đã có với tham số khác" in drifts[0].vi
    with pytest.raises(BrokerError, match=r"exists on the server with other arguments"):
        declare(changed)


def test_a_classic_queue_in_the_place_of_ours_is_told(settings):
    with pika.BlockingConnection(connection_parameters(settings)) as connection:
        connection.channel().queue_declare(settings.plan.parking_queue, durable=True)

    (drift,) = [d for d in check(settings) if d.what.name == settings.plan.parking_queue]

    assert "x-queue-type" in drift.said


def test_the_definitions_are_what_the_server_would_get(settings, private_rabbitmq, tmp_path):
    path = tmp_path / "definitions.json"
    path.write_text(json.dumps(definitions(make_topology(settings.plan), vhost="/")))

    private_rabbitmq.ctl("import_definitions", str(path))

    assert check(settings) == []


def test_no_server_is_unavailable(settings):
    nowhere = replace(settings, urls=("amqp://127.0.0.1:1/%2F",))

    with pytest.raises(BrokerUnavailable):
        check(nowhere)


# The command line


@pytest.fixture
def run(rabbitmq, settings, tmp_path):
    """Run one command of ours in a folder whose settings name the server."""

    def once(*words, url=rabbitmq.url, password="guest", delivery_limit=20):
        (tmp_path / "lienthong.toml").write_text(
            f'[broker]\nkind = "rabbitmq"\nurls = ["{url}"]\nuser = "guest"\n'
            f'password = "{password}"\nprefix = "cli-{settings.plan.prefix}"\n'
            f"delivery_limit = {delivery_limit}\n"
        )
        return forked.run(
            [sys.executable, "-m", "lienthong", "--lang", "en", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )

    return once


def test_the_command_line_makes_checks_and_shows(run):
    before = run("topology", "check")
    applied = run("topology", "apply")
    after = run("topology", "check")
    changed = run("topology", "check", "--json", delivery_limit=5)
    shown = run("topology", "show")

    assert (before.returncode, applied.returncode, after.returncode) == (1, 0, 0)
    assert before.stdout.count("is missing; run: lienthong topology apply") == 23 + 3 * AGENCIES
    assert f"All {19 + 2 * AGENCIES} queues are there" in applied.stdout
    assert changed.returncode == 1
    assert {drift["trouble"] for drift in json.loads(changed.stdout)} == {"other"}
    assert shown.returncode == 0
    assert len(json.loads(shown.stdout)["queues"]) == 19 + 2 * AGENCIES


def test_an_agency_that_is_added_later_gets_its_queues_by_applying_again(settings):
    declare(settings)
    more = replace(settings, plan=replace(settings.plan, agencies=("land-registration",)))

    assert [drift.what.name for drift in check(more)] == [
        f"{settings.plan.prefix}.results",
        f"{settings.plan.prefix}.in.land-registration",
        f"{settings.plan.prefix}.in.land-registration",
        f"{settings.plan.prefix}.results.land-registration",
    ]
    declare(more)
    assert check(more) == []
    assert check(settings) == []


def test_the_command_line_prints_the_users_and_never_a_password(run):
    lines = run("topology", "users").stdout.splitlines()
    permissions = json.loads(run("topology", "users", "--json").stdout)["permissions"]

    prefix = permissions[0]["user"].removesuffix("-topology")
    name = f"{prefix}-land-registration"
    variable = f"PASSWORD_{name}".replace("-", "_").upper()
    assert f'rabbitmqctl add_user {name} "${{{variable}:?}}"' in lines
    assert {
        "user": name,
        "vhost": "/",
        "configure": "^$",
        "write": rf"^{prefix}\.in\.land-registration$",
        "read": rf"^{prefix}\.results\.land-registration$",
    } in permissions
    assert len(permissions) == 2 + AGENCIES
    assert len(lines) == 2 * len(permissions)


def test_the_command_line_lists_what_is_parked_and_gives_it_back(run, settings, open_broker):
    assert run("topology", "apply").returncode == 0
    plan = replace(settings.plan, prefix=f"cli-{settings.plan.prefix}", delivery_limit=20)
    broker = open_broker(replace(settings, plan=plan))
    broker.publish("deliver", [Message(id="h1", body=b"0123456789 citizen")])
    (hint,) = broker.receive(
        "deliver", limit=1, lease=timedelta(minutes=1), wait=timedelta(seconds=5)
    )
    broker.park(hint, reason="[bold]why not")

    shown = run("topology", "parked").stdout
    (item,) = json.loads(run("topology", "parked", "--json").stdout)
    partly = run("topology", "replay", "h1", "h2")

    assert "[bold]why not" in shown
    assert "citizen" not in shown
    assert (item["id"], item["queue"], item["attempts"]) == ("h1", "deliver", 1)
    assert item["reason"] == "[bold]why not"
    assert partly.returncode == 1
    assert "1 messages are back" in partly.stdout
    assert run("topology", "parked", "--json").stdout.strip() == "[]"
    assert run("topology", "replay", "h1").returncode == 1


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"url": "amqp://127.0.0.1:1/"}, "RabbitMQ cannot be reached"),
        ({"password": "s3cret-w0rd"}, "refuses the user or the password"),
    ],
    ids=["nobody there", "wrong password"],
)
def test_a_server_that_does_not_let_us_in_is_code_3_and_no_trace(run, how, words):
    done = run("topology", "apply", **how)

    assert done.returncode == 3
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "s3cret-w0rd" not in done.stderr


def test_the_whole_job_comes_out_right_over_rabbitmq(run, settings, rabbitmq, tmp_path):
    assert run("topology", "apply").returncode == 0
    environment = {
        "LIENTHONG_BROKER__KIND": "rabbitmq",
        "LIENTHONG_BROKER__URLS": json.dumps([rabbitmq.url]),
        "LIENTHONG_BROKER__USER": "guest",
        "LIENTHONG_BROKER__PASSWORD": "guest",
        "LIENTHONG_BROKER__PREFIX": f"cli-{settings.plan.prefix}",
    }

    done = forked.run(
        [sys.executable, "-m", "lienthong", "--lang", "en", "demo", "--dossiers", "20"],
        cwd=tmp_path,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert "0 missing at the portal" in done.stdout
    assert "0 in effect twice" in done.stdout
    assert "0 out of order" in done.stdout
    assert not (tmp_path / "lienthong-demo" / "broker.sqlite").exists()


@pytest.mark.parametrize("tier", [timedelta(seconds=1), timedelta(minutes=10)])
def test_every_queue_of_the_plan_is_durable_and_limited(settings, tier):
    topology = make_topology(replace(settings.plan, tiers=(tier,)))

    for queue in topology.queues:
        assert queue.arguments["x-queue-type"] == "quorum"
        assert int(queue.arguments["x-delivery-limit"]) >= 2
        if queue.name != settings.plan.parking_queue:
            assert queue.arguments["x-dead-letter-strategy"] == "at-least-once"
            assert queue.arguments["x-overflow"] == "reject-publish"


def test_the_depth_of_every_queue_is_told_and_one_that_is_missing_is_none(broker, settings):
    broker.publish("deliver", [Message(id=f"m{n}", body=b"x") for n in range(3)])
    ((own, _),) = [
        (name, count) for name, count in until_three(settings) if name.endswith("deliver")
    ]
    with pika.BlockingConnection(connection_parameters(settings)) as connection:
        connection.channel().queue_delete(own)

    assert read_depths(settings)[own] is None


def until_three(settings):
    """Wait until three messages are counted, which the server does now and then."""
    ends = time.monotonic() + 20
    while 3 not in (found := read_depths(settings)).values():
        assert time.monotonic() < ends, found
        time.sleep(0.2)
    return found.items()
