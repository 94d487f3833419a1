"""The AsyncAPI document is valid, whole, and says what the code says."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from broker.rabbitmq import Plan, make_topology
from lienthong.flows.incoming import CONTENT_TYPES, LARGEST_BYTES
from lienthong.ids import make_id
from lienthong.store.ledgers import TOLD
from lienthong.store.results import Result, result_values
from schemas.problem import Place, Problem, Text

DOCS = Path(__file__).parents[3] / "docs" / "agencies"
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def document():
    return yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))


def result(**changes):
    values = {
        "id": make_id(NOW),
        "number": None,
        "kind": "delivered",
        "at": NOW,
        "agency": "land-registration",
        "is_again": False,
        "submission_id": make_id(NOW),
        "key": "2026-17",
        "file_name": "2026-17.csv",
        "record": 1,
        "item": 0,
        "dossier_code": "H29.14-250707-0043",
        "message_id": make_id(NOW),
        "event_key": None,
        "state": "delivered",
        "reason": "",
        "receipt": b"<receipt/>",
        "problems": (),
    }
    return result_values(Result(**values | changes))


REJECTED = Problem(
    code="mapping.code_unknown",
    message=Text(vi="lạ", en="unknown"),
    place=Place(file="2026-17.csv", row=3, column="D (TrangThai)"),
    field="TrangThaiHoSo",
    suggestion=Text(vi="sửa", en="mend"),
)
REFUSED = Problem(code="message.empty", message=Text(vi="rỗng", en="empty"))


def judged(folder, document, *samples):
    given = {
        "document": document,
        "samples": [{"schema": "Result", "value": value} for value in samples],
    }
    done = subprocess.run(
        ["node", "judge.js"],
        cwd=folder,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def test_the_document_fits_the_official_meta_schema_and_results_fit_the_document(
    npm_folder, document
):
    samples = [
        result(),
        result(kind="receipt", state="received", message_id=None, dossier_code=None, record=None),
        result(kind="rejected", state="rejected", receipt=None, problems=(REJECTED,)),
        result(
            kind="refused",
            state="refused",
            receipt=None,
            problems=(REFUSED,),
            submission_id=None,
            key=None,
            file_name=None,
            record=None,
            item=None,
            dossier_code=None,
            message_id=None,
        ),
    ]

    assert judged(npm_folder, document, *samples) == []


def test_the_judge_finds_what_is_wrong(npm_folder, document):
    assert judged(npm_folder, document, result(kind="lost")) != []
    assert judged(npm_folder, document | {"channels": {"records": {"adress": "x"}}}) != []


def test_every_reference_leads_somewhere(document):
    def walk(value):
        if isinstance(value, dict):
            if "$ref" in value:
                yield value["$ref"]
            for inner in value.values():
                yield from walk(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner)

    for reference in walk(document):
        found = document
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]


def test_it_names_the_exchange_and_the_queue_of_the_topology(document):
    topology = make_topology(Plan(agencies=("x",)))
    addresses = [channel["address"] for channel in document["channels"].values()]

    assert addresses[0].format(agency="x") in {exchange.name for exchange in topology.exchanges}
    assert addresses[1].format(agency="x") in {queue.name for queue in topology.queues}
    ((key,),) = [
        [b.key] for b in topology.bindings if b.exchange == addresses[0].format(agency="x")
    ]
    assert f"routing key `{key}`" in document["channels"]["records"]["description"]


def test_it_names_every_format_kind_and_limit_of_the_code(document):
    messages = document["components"]["messages"]
    schemas = document["components"]["schemas"]

    for name, types in CONTENT_TYPES.items():
        assert messages[name]["contentType"] == types[0]
    assert schemas["File"]["maxLength"] == LARGEST_BYTES
    told = {"received", "receipt", "refused", "broken_off", "repeated", "left_out", "rejected"}
    told.add("held")
    told |= {s.value for s in TOLD}
    assert set(schemas["Kind"]["enum"]) == told
    assert set(schemas["Result"]["properties"]) == set(result())


def test_the_guide_names_every_content_type_and_code():
    guide = (DOCS / "guide.md").read_text(encoding="utf-8")
    source = (DOCS.parents[1] / "lienthong" / "flows" / "incoming.py").read_text(encoding="utf-8")

    for types in CONTENT_TYPES.values():
        for name in types:
            assert f"`{name}`" in guide
    for code in {part.split('"')[0] for part in source.split('"message.')[1:]}:
        assert f"`message.{code}`" in guide
