"""The measurements, with numbers as small as they go: everything arrives once and in order."""

import pytest
from lxml import etree

from lienthong.testing import postgresql, rabbitmq

SMALL = ("--dossiers", 100, "--held", 100, "--scenario", "sustained", "--scenario", "catch-up")
NO_FAULT = {"missing": 0, "unannounced": 0, "doubled": 0, "differing": 0, "disordered": 0}


def test_conversion_is_measured_against_its_primitives(cli):
    result = cli("bench", "--dossiers", 200, "--json")

    assert result.code == 0
    assert result.json["dossiers"] >= 150
    assert 0 < result.json["ratio"] < 2
    assert result.json["primitives_microseconds"]["sign"] > 0


def test_signing_and_verifying_are_measured_beside_their_primitives(cli):
    result = cli("bench", "--signatures", "--dossiers", 100, "--json")

    assert result.code == 0
    found = result.json
    ways = ("sign", "sign_second", "verify")
    assert list(found) == [f"{way} {key}" for key in ("RSA-2048", "P-256") for way in ways]
    assert all(0 < one["ratio"] < 2 for one in found.values())
    assert "second" in found["sign_second P-256"]["primitives_microseconds"]
    assert "second" not in found["verify P-256"]["primitives_microseconds"]


@pytest.mark.parametrize("way", ["embedded", "rabbitmq"])
def test_the_whole_way_is_measured(cli, way):
    if way == "rabbitmq" and not (rabbitmq.is_installed() and postgresql.is_installed()):
        pytest.skip("RabbitMQ and PostgreSQL are not installed")

    result = cli("bench", "--way", way, *SMALL, "--key", "ec", "--picture", "way.svg", "--json")

    assert result.code == 0, result.err
    found = result.json
    agreement = found["agreement"]
    assert {fault: agreement[fault] for fault in NO_FAULT} == NO_FAULT
    # What was sent in the scenarios, and before them to warm up and to measure the stages.
    assert agreement["dossiers"] > 200
    assert found["sustained"]["dossiers"] == 100
    assert found["sustained"]["cpu"]["worker 1"] > 0
    assert found["catch_up"]["held"] == 100
    assert found["poison"] is None
    stages = ["receive", "expand", "deliver", *(["results"] if way == "rabbitmq" else []), "way"]
    assert list(found["stages"]) == stages
    assert all(stage["ratio"] > 0 for stage in found["stages"].values())
    if way == "rabbitmq":
        assert {"RabbitMQ", "PostgreSQL"} <= found["sustained"]["cpu"].keys()
    assert etree.parse(cli.folder / "way.svg").getroot().tag.endswith("svg")
