"""Coverage: what counts as connected, in which group, and its picture."""

from datetime import UTC, date, datetime

import pytest
from lxml import etree

from lienthong.catalogue_coverage import Connection, by_group, cover, procedures_of
from lienthong.catalogue_picture import draw
from lienthong.store.deliveries import Delivered
from mappings import load_agencies, load_mapping
from mappings.catalogue import Catalogue, Service
from schemas.problem import Language

DAY = date(2026, 3, 2)
AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
BIRTH = "1.001193"


@pytest.fixture(scope="module")
def files():
    agencies = load_agencies(None)
    return [load_mapping(agencies.path(name)) for name in agencies.names()]


def catalogue(*pairs, **more):
    return Catalogue(
        services=tuple(Service(code=code, title="t", group=group, **more) for code, group in pairs)
    )


def states(lines):
    return [(line.service.group, line.connection.value, line.mappings) for line in lines]


def test_a_delivery_connects_the_group_of_its_agency_alone(files):
    delivered = [Delivered("ward-civil-status", "9.000001", 7, AT)]

    lines = cover(
        catalogue(("9.000001", "wards"), ("9.000001", "districts")), files, delivered, day=DAY
    )

    assert states(lines) == [
        ("wards", "delivered", ("ward-civil-status",)),
        ("districts", "none", ()),
    ]
    assert (lines[0].delivered, lines[0].last_at) == (7, AT)


def test_an_agency_whose_mapping_is_gone_still_counts(files):
    delivered = [Delivered("gone", "9.000001", 1, AT)]

    (line,) = cover(catalogue(("9.000001", "health")), files, delivered, day=DAY)

    assert line.connection is Connection.DELIVERED


def test_a_code_that_a_mapping_writes_down_is_mapped(files):
    file = next(file for file in files if procedures_of(file))
    code = min(procedures_of(file))

    (line,) = cover(catalogue((code, file.agency_group)), files, [], day=DAY)

    assert states([line]) == [(file.agency_group, "mapped", (file.name,))]


def test_what_is_not_on_the_list_that_day_is_left_out(files):
    services = catalogue((BIRTH, "wards"), valid_to=date(2025, 6, 30))

    assert cover(services, files, [], day=DAY) == []


def test_the_picture_has_every_group_and_is_xml(files):
    lines = cover(catalogue((BIRTH, "wards")), files, [], day=DAY)
    groups = by_group(lines)

    root = etree.fromstring(draw(groups, language=Language.VI).encode())

    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert len(groups) == 23
    assert all(any(group.group.name[:40] in word for word in words) for group in groups)
    assert "0 / 1" in words
