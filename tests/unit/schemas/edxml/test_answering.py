"""A status is of one document, and says so in two ways that agree."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from schemas.edxml.answering import (
    DocumentKey,
    answer,
    judge_order,
    key_of_document,
    relate,
    split_document_id,
    with_document_id,
)
from schemas.edxml.building import NewPacket, build_packet
from schemas.edxml.judging import judge_fields
from schemas.edxml.names import Packet
from schemas.problem import Place
from tests.unit.schemas.edxml.conftest import FIELDS, STATUS, Sample, packet, status

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=timezone(timedelta(hours=7)))
SENDER = {"OrganId": "000.00.01.H29", "OrganName": "Văn phòng UBND Thành phố"}


def related(header):
    return [
        (one.code, one.place.path.rpartition("/")[2])
        for one in relate(packet(status(header=header)), packet(Sample().data()))
    ]


def test_a_status_of_the_document_is_found_to_be():
    assert related(STATUS) == []


def test_either_way_of_naming_the_document_will_do():
    whole, _, rest = STATUS.partition("<DocumentId>")
    identifier, _, after = rest.partition("</DocumentId>")

    assert related(whole + after) == []
    assert related(f"<ResponseFor><DocumentId>{identifier}</DocumentId>{after}") == []


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("<Code>12/SXD-VP", "<Code>13/SXD-VP", "Code"),
        ("2026/11/20,12", "2026/11/21,12", "DocumentId"),
        ("<PromulgationDate>2026/11/20", "<PromulgationDate>2025/11/20", "PromulgationDate"),
        ("<ResponseFor><OrganId>000.00.15", "<ResponseFor><OrganId>000.00.16", "OrganId"),
    ],
)
def test_a_status_that_says_two_things_is_of_no_document(old, new, name):
    assert related(STATUS.replace(old, new)) == [("edxml.answers_another", name)]


def test_a_status_that_names_nothing_is_of_no_document():
    _, _, after = STATUS.partition("</ResponseFor>")

    assert related("<ResponseFor><OrganId>000.00.15.H29</OrganId></ResponseFor>" + after) == [
        ("edxml.answers_nothing", "ResponseFor")
    ]


def test_spaces_and_forms_of_letters_make_no_other_document():
    assert related(STATUS.replace("H29,2026/11/20,12", "H29, 2026/11/20, 12")) == []


def test_the_answer_to_a_document_is_of_it_and_valid():
    fields = answer(FIELDS, code="03", sender=SENDER, at=NOW)

    assert fields["ResponseFor"] == {
        "OrganId": "000.00.15.H29",
        "Code": "12/SXD-VP",
        "PromulgationDate": "2026/11/20",
        "DocumentId": "000.00.15.H29,2026/11/20,12/SXD-VP",
    }
    assert (fields["Timestamp"], fields["Description"]) == ("2026/11/20 09:30:00", "Đã tiếp nhận")
    assert judge_fields(Packet.STATUS, fields, place_at=lambda path: Place(path=path)) == ()
    made = packet(build_packet(NewPacket(packet=Packet.STATUS, fields=fields)))
    assert relate(made, packet(Sample().data())) == ()


def test_a_document_id_is_made_of_its_parts_and_taken_apart():
    without = {name: value for name, value in FIELDS.items() if name != "DocumentId"}

    assert with_document_id(without)["DocumentId"] == FIELDS["DocumentId"]
    assert with_document_id({**FIELDS, "DocumentId": "x"})["DocumentId"] == "x"
    assert split_document_id(FIELDS["DocumentId"]) == key_of_document(FIELDS)
    assert split_document_id("H29,2026/11/20") is None
    assert DocumentKey(organ_id="a", date="", code="1/b").composed == ""


def test_an_unusual_order_is_told_and_what_nobody_knows_is_not():
    assert "does not usually come after 03" in judge_order("15", after="03").en
    assert judge_order("15", after="13") is None
    assert judge_order("99", after="13") is None
    assert judge_order("01", after="06") is None
