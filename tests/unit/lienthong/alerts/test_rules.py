"""The table of alerts: the same as Prometheus', and every rule finds what it is for."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from lienthong.alert_settings import AlertSettings
from lienthong.alerts.finding import Facts, duration
from lienthong.alerts.rules import BY_NAME, ONLY_HERE, ONLY_PROMETHEUS, RULES
from lienthong.alerts.watch import find
from lienthong.evidence.stamps import Countdown, Lack
from lienthong.metrics.certificates import Ends
from lienthong.metrics.measures import Compared, Measures, Pulled, Queued, Sealed, Side, Which
from lienthong.pacing import Pace
from lienthong.pauses import Pause, What
from lienthong.states import State
from lienthong.store.paces import Flow, WorkerPace
from lienthong.store.submission_receipts import Backlog

ROOT = Path(__file__).parents[4]
NOW = datetime(2026, 3, 2, tzinfo=UTC)
OLD = NOW - timedelta(days=9)
WORKER = WorkerPace(worker="h:1", pace=Pace.OPEN, until=None, allowed=1, delivered=0)
SEALED = Sealed(
    rows=0, unsealed=0, oldest_unsealed=None, newest_seal=0, sealed_at=None, countdown=None
)
WELL = Measures(
    at=NOW,
    messages={},
    since={},
    received={},
    queued={},
    overdue={},
    due_soon={},
    flow=Flow(workers=(), backlog=0, to_agencies=0, per_minute=0, estimate=None),
    fetching=0,
    receipts=Backlog(count=0, oldest=None),
    sealed=SEALED,
    alarms=0,
    drifts=0,
    compared=[],
    pulled=[],
    pauses=(),
)
LACK = Countdown(since=OLD, rows=1, seals=1, warned_at=OLD, due_by=OLD, lack=Lack.USUAL)
PAUSE = Pause(
    subject="a", what=What.INTAKE, reason="secret words", by="someone", since=OLD, until=None
)
HELD = Queued(count=2, held=1, oldest=NOW)
BAD = {
    "LienthongOverdue": {"overdue": {"a": 2}},
    "LienthongDueSoon": {"due_soon": {"a": 2}},
    "LienthongMessagesStand": {"since": {Which("a", "up", State.RETRYING): OLD}},
    "LienthongUnknownStays": {"since": {Which("a", "up", State.UNKNOWN): OLD}},
    "LienthongNeedsSomebody": {"messages": {Which("a", "up", State.PARKED): 3}},
    "LienthongBreakerOpen": {"flow": replace(WELL.flow, workers=(WORKER,))},
    "LienthongNobodyDelivers": {"flow": replace(WELL.flow, backlog=4)},
    "LienthongSubmissionsStand": {"queued": {Side("a", "up"): replace(HELD, held=0, oldest=OLD)}},
    "LienthongSubmissionsHeld": {"queued": {Side("a", "up"): HELD}},
    "LienthongSealLate": {"sealed": replace(SEALED, oldest_unsealed=OLD)},
    "LienthongStampLate": {"sealed": replace(SEALED, countdown=replace(LACK, due_by=NOW))},
    "LienthongEvidenceAlarm": {"alarms": 1},
    "LienthongDrift": {"drifts": 1},
    "LienthongDiscrepancies": {"compared": [Compared(agency="", ended_at=NOW, found={"x": 1})]},
    "LienthongReconciliationMissing": {"compared": [Compared(agency="", ended_at=OLD, found={})]},
    "LienthongPullTrouble": {
        "pulled": [Pulled(source="s", read_at=None, rows=0, is_in_trouble=True)]
    },
    "LienthongPauseForgotten": {"pauses": (PAUSE, replace(PAUSE, subject="b", until=NOW))},
    "LienthongReceiptsLate": {"receipts": Backlog(count=1, oldest=OLD)},
}
OTHER = {
    "LienthongKeyEndsSoon": {"ends": Ends(keys={"h": NOW + timedelta(days=20)})},
    "LienthongTrustEnds": {"ends": Ends(trust={("documents", "CA", "ff"): NOW})},
    "LienthongKeysUnreadable": {"ends": Ends(unreadable=frozenset({"h"}))},
    "LienthongKeyTrouble": {"keys": {"h": "key.locked"}},
    "LienthongExchangeAway": {"exchange": False},
    "LienthongReplayStopped": {"stopped_jobs": ("j",)},
    "LienthongDiskFull": {"disk_free_percent": 3, "disk_least_percent": 10},
}


def facts(measures=WELL, **changes):
    return Facts(**{"now": NOW, "measures": measures, "ends": Ends(), "exchange": True} | changes)


def names(found):
    return sorted({rule for rule, _ in found})


@pytest.fixture(scope="module")
def prometheus():
    text = (ROOT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8")
    (group,) = yaml.safe_load(text)["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def as_ours(words):
    words = re.sub(r"\{\{ \$labels\.(\w+) \}\}", r"{\1}", words)
    return re.sub(r"\{\{ \$value( \| \w+)? \}\}", "{value}", words)


def threshold(expression):
    found = re.search(r"[<>] (\d+(?: \* \d+)?)(?:$| unless )", expression)
    if found is None:
        return None
    first, _, second = found[1].partition(" * ")
    return int(first) * int(second or 1)


def test_the_table_is_that_of_prometheus(prometheus):
    assert prometheus.keys() - ONLY_PROMETHEUS == BY_NAME.keys() - ONLY_HERE
    for name in prometheus.keys() - ONLY_PROMETHEUS:
        rule, theirs = BY_NAME[name], prometheus[name]
        minutes = {"m": 1, "h": 60}[theirs["for"][-1]] * int(theirs["for"][:-1])
        assert rule.hold == timedelta(minutes=minutes), name
        assert rule.severity.value == theirs["labels"]["severity"], name
        assert rule.words.vi == as_ours(theirs["annotations"]["summary"]), name
        assert rule.words.en == as_ours(theirs["annotations"]["summary_en"]), name
        if rule.limit is not None:
            assert threshold(theirs["expr"]) == rule.limit, name


def test_where_all_is_well_nothing_is_found():
    assert find(AlertSettings(), facts()) == {}


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_rule_finds_what_it_is_for(name):
    found = find(AlertSettings(), facts(replace(WELL, **BAD[name])))

    assert names(found) == [name]
    (one,) = found.values()
    assert "{" not in one.words.vi + one.words.en + one.step.vi + one.step.en


@pytest.mark.parametrize("name", sorted(OTHER))
def test_a_rule_finds_what_the_store_does_not_know(name):
    assert names(find(AlertSettings(), facts(**OTHER[name]))) == [name]


def test_what_is_worse_is_found_beside_what_is_bad():
    both = facts(replace(WELL, sealed=replace(SEALED, countdown=LACK)))
    key = facts(ends=Ends(keys={"h": NOW + timedelta(days=2)}))

    assert names(find(AlertSettings(), both)) == ["LienthongStampLate", "LienthongStampOverdue"]
    assert names(find(AlertSettings(), key)) == ["LienthongKeyEnds", "LienthongKeyEndsSoon"]


def test_every_rule_is_tried_here():
    tried = BAD.keys() | OTHER.keys() | {"LienthongStampOverdue", "LienthongKeyEnds"}

    assert {rule.name for rule in RULES} - tried == {"LienthongStoreAway"}


def test_what_is_switched_off_is_not_looked_for():
    settings = AlertSettings(off=("LienthongDrift",))

    assert find(settings, facts(replace(WELL, drifts=1))) == {}


@pytest.mark.parametrize("name", sorted(ONLY_HERE | (BY_NAME.keys() - ONLY_PROMETHEUS)))
def test_operating_says_what_to_do(name):
    page = (ROOT / "docs/operating.md").read_text(encoding="utf-8")

    assert f"### {name}\n" in page


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (timedelta(seconds=30), "0m"),
        (timedelta(minutes=61), "1h 1m"),
        (timedelta(days=2, hours=3), "2d 3h 0m"),
        (timedelta(days=-1), "-1d 0h 0m"),
    ],
)
def test_lengths_of_time_are_said_as_prometheus_does(time, said):
    assert duration(time) == said
