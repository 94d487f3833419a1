"""The dashboard, the alert rules and their page: whatever they name is there."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry, ProcessCollector

from lienthong.metrics.certificates import Ends
from lienthong.metrics.families import look_families, process_families
from lienthong.metrics.measures import Measures, Sealed
from lienthong.metrics.watch import Look
from lienthong.store.paces import Flow
from lienthong.store.submission_receipts import Backlog
from lienthong.tallies import Tallies

ROOT = Path(__file__).parents[3]
ENDINGS = {"counter": ("_total",), "info": ("_info",), "histogram": ("_bucket", "_sum", "_count")}
NOTHING = Measures(
    at=datetime(2026, 3, 2, tzinfo=UTC),
    messages={},
    since={},
    received={},
    queued={},
    overdue={},
    due_soon={},
    flow=Flow(workers=(), backlog=0, to_agencies=0, per_minute=0, estimate=None),
    fetching=0,
    receipts=Backlog(count=0, oldest=None),
    sealed=Sealed(
        rows=0, unsealed=0, oldest_unsealed=None, newest_seal=0, sealed_at=None, countdown=None
    ),
    alarms=0,
    drifts=0,
    compared=[],
    pulled=[],
    pauses=(),
)
_NAME = re.compile(r"\b(?:lienthong|process)_[a-z_]+\b")
_MATCHED = re.compile(r"\b(lienthong_[a-z_]+)\{([^}]*)\}")
_LABEL = re.compile(r"([a-z_]+)\s*[=!]")


@pytest.fixture(scope="module")
def exported():
    """Give every metric that the program exports, with the names of its labels."""
    look = Look(is_up=True, measures=NOTHING, ends=Ends(), took_seconds=0)
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    families = [*look_families(look), *process_families(Tallies().seen()), *registry.collect()]
    return {
        family.name + ending: {*getattr(family, "_labelnames", ()), "le"}
        for family in families
        for ending in ENDINGS.get(family.type, ("",))
    }


@pytest.fixture(scope="module")
def rules():
    text = (ROOT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8")
    (group,) = yaml.safe_load(text)["groups"]
    return group["rules"]


def check(expression, exported):
    names = set(_NAME.findall(expression))
    assert names, expression
    assert names <= exported.keys(), expression
    for name, matchers in _MATCHED.findall(expression):
        assert set(_LABEL.findall(matchers)) <= exported[name], expression


def test_the_dashboard_asks_only_for_what_is_exported(exported):
    board = json.loads((ROOT / "deploy/grafana/lienthong.json").read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    asked += [one["query"] for one in board["templating"]["list"] if one["type"] == "query"]

    assert len(asked) > 30
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for expression in asked:
        check(expression, exported)


def test_the_rules_ask_only_for_what_is_exported(exported, rules):
    assert len(rules) > 20
    for rule in rules:
        check(rule["expr"], exported)


def test_each_alert_speaks_both_languages_and_says_where_to_read_on(rules):
    page = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    headings = re.findall(r"^### (.+)", page, re.MULTILINE)
    sections = {heading.lower() for heading in headings}

    for rule in rules:
        said = rule["annotations"]
        assert said["summary"] != said["summary_en"]
        assert rule["labels"]["severity"] in {"warning", "critical"}
        file, _, anchor = said["runbook"].partition("#")
        assert (file, anchor) == ("docs/operating.md", rule["alert"].lower())
        assert anchor in sections


def test_every_metric_is_on_the_page(exported):
    page = (ROOT / "docs/monitoring.md").read_text(encoding="utf-8")
    ours = {name for name in exported if name.startswith("lienthong_")}
    named = set(re.findall(r"`(lienthong_[a-z_]+)`", page))

    assert {name.removesuffix("_bucket") for name in ours} - {
        "lienthong_stage_seconds_sum",
        "lienthong_stage_seconds_count",
    } == named
