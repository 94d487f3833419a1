"""What a run is held to, and its picture."""

import re

import pytest
from lxml import etree

from lienthong.agreement import Agreement
from lienthong.benchmarks.measuring import Cost, Primitive, Stage
from lienthong.benchmarks.picture import draw
from lienthong.benchmarks.report import WayReport
from lienthong.benchmarks.scenarios import CaughtUp, Latency, Poisoned, Steady, Sustained
from schemas.problem import Language, Text

SIGN = Primitive(key="sign", name=Text(vi="ký", en="sign"), cost=Cost(cpu=250, wall=250))
EXPAND = Stage(
    key="expand",
    name=Text(vi="mở & ký", en="expand & sign"),
    cost=Cost(cpu=500, wall=600),
    primitives=(SIGN,),
)
AGREED = Agreement(
    dossiers=1, missing=(), unannounced=(), doubled=(), differing=(), disordered=(), repeats=0
)


def latency(p99, longest=0.0):
    return Latency(count=100, p50=0.01, p95=0.02, p99=p99, longest=longest)


def report(**found):
    return WayReport(
        way="rabbitmq", key="rsa", slots=16, primitives=(SIGN,), stages=[EXPAND], **found
    )


def sustained(per_second):
    cpu = {"portal": 900.0, "worker 1": 700.0, "PostgreSQL": 300.0, "senders": 50.0}
    return Sustained(dossiers=per_second * 10, seconds=10, cpu=cpu)


def test_the_portal_and_the_senders_cost_the_product_nothing():
    assert sustained(800).cost == Cost(cpu=1000, wall=1250)


@pytest.mark.parametrize(
    ("found", "is_met"),
    [
        ({"sustained": sustained(800)}, [True]),
        ({"sustained": sustained(799)}, [False]),
        ({"steady": Steady(per_second=50, receipt=latency(0.49), told=None)}, [True]),
        ({"steady": Steady(per_second=50, receipt=latency(0.51), told=None)}, [False]),
        ({"caught_up": CaughtUp(held=50_000, seconds=299, fresh=latency(1, 1.9))}, [True, True]),
        ({"caught_up": CaughtUp(held=50_000, seconds=301, fresh=latency(1, 2.1))}, [False, False]),
    ],
    ids=["fast", "slow", "prompt", "late", "drained", "drained late"],
)
def test_figures_are_held_to_their_targets(found, is_met):
    assert [target.is_met for target in report(**found).targets] == is_met


def test_a_shorter_catch_up_has_its_share_of_the_time():
    caught_up = CaughtUp(held=5_000, seconds=31, fresh=latency(1, 1))

    assert [target.asked for target in report(caught_up=caught_up).targets] == ["< 30 s", "< 2 s"]
    assert [target.is_met for target in report(caught_up=caught_up).targets] == [False, True]


@pytest.mark.parametrize(("delivered", "holds"), [(99, True), (98, False)])
def test_only_the_poisonous_dossier_may_be_held_up(delivered, holds):
    poisoned = Poisoned(
        dossiers=100,
        delivered=delivered,
        poison="unknown",
        before=latency(0.1),
        beside=latency(0.1),
    )

    assert report(poisoned=poisoned, agreement=AGREED).holds is holds


@pytest.mark.parametrize(("language", "name"), [("vi", "mở & ký"), ("en", "expand & sign")])
def test_the_picture_has_every_stage_and_says_which_targets_are_missed(language, name):
    found = report(
        sustained=sustained(900), steady=Steady(per_second=50, receipt=latency(9), told=None)
    )

    root = etree.fromstring(draw(found, language=Language(language)).encode())

    words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    styles = [bar.get("class") for bar in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert name in words
    assert "250 / 500 µs = 50%" in words
    assert styles.count("met") == 1
    assert styles.count("missed") == 1


def test_the_picture_follows_the_readers_scheme_with_a_background_of_its_own():
    drawn = draw(report(), language=Language.EN)

    assert "prefers-color-scheme: dark" in drawn
    assert re.search(r'<rect class="page" width="\d+" height="\d+"/>', drawn)
