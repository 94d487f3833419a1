"""A scenario gives the same calls in the same order the same answers, whatever run it is."""

from __future__ import annotations

import json
import re

import urllib3

from lienthong.sandbox import load_scenario
from lienthong.sandbox.scenario import read_scenario
from tests.integration.sandbox.conftest import SNAPSHOT

CHANGING = re.compile(r'"session": "[0-9a-f]+"')
ROUGH = """\
scenario: rough
steps:
  - {then: commit_then_drop, wait: {share: 0.3}, times: 4}
  - then: {mode: changed, change: code}
    wait: {share: 0.5, service: DongBoHoSoMC}
    times: 3
  - {then: session_expired, wait: {share: 0.4}, times: 3}
  - {then: unknown_success, wait: {dossier: "H29.14-261124-00?7"}, times: always}
"""


def run(sandbox):
    """Send forty calls, one after another; return what came of each, sessions apart."""
    url = f"{sandbox.url.removesuffix('/portal')}/adapter"
    seen = []

    def call(path, **values):
        try:
            answer = urllib3.request("POST", f"{url}/{path}", json=values, retries=False)
        except urllib3.exceptions.HTTPError as error:
            seen.append(type(error).__name__)
            return {}
        seen.append((answer.status, CHANGING.sub("", answer.data.decode())))
        return json.loads(answer.data)

    session = None
    for number in range(40):
        if session is None:
            login = {"username": "thu-nghiem", "password": "thu-nghiem"}
            session = call("auth", **login)["session"]
        values = SNAPSHOT | {"MaHoSo": f"H29.14-261124-{number:04d}"}
        said = call(
            "integration",
            session=session,
            madonvi="000.00.00.H29",
            service="DongBoHoSoMC",
            isUpdating="False",
            data=[values],
        )
        if said.get("error_code") == "10":
            session = None
    return seen


def test_two_runs_with_the_same_seed_are_the_same_and_another_seed_is_not(start, tmp_path):
    scenario = read_scenario(ROUGH.encode(), file="rough.yaml")

    def play(name, seed):
        sandbox = start(scenario=scenario, seed=seed, ledger=tmp_path / f"{name}.sqlite")
        seen = run(sandbox)
        rows = sandbox.ledger()
        return seen, [(row.operation, row.dossier_code, row.outcome) for row in rows.arrivals]

    first, second, other = play("a", 7), play("b", 7), play("c", 8)

    assert first == second
    assert first != other
    assert sum(one == "ProtocolError" for one in first[0]) == 4
    assert sum('"00"' in one[1] for one in first[0]) == 3


def test_where_it_stands_is_told_and_it_can_begin_again(start, connect, agency):
    sandbox = start(scenario=load_scenario("drift"))
    channel = connect(sandbox)
    for number in range(3):
        code = f"H29.14-261124-000{number}"
        channel.send(agency.request(number, MaHoSo=code))

    stage = sandbox.state()["scenario"]
    assert (stage["scenario"], stage["step"], stage["hits"]) == ("drift", 1, 1)

    sandbox.http.request("POST", f"{sandbox.control_url}/restart")
    assert sandbox.state()["scenario"]["passed"] == 0
