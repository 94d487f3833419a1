"""An agency's list beside what it handed in: read through its mapping, one row after the other."""

from datetime import UTC, datetime

import pytest

from lienthong.admission import Known
from lienthong.channels.port import Packet
from lienthong.reconciliation.listed import Content, Listed
from lienthong.samples import write_samples
from lienthong.states import State
from lienthong.store.database import reading
from lienthong.store.standings import Ours
from mappings import load_agencies

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LAND = "land-registration"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_samples(tmp_path_factory.mktemp("samples"), dossiers=12).of(LAND).path


@pytest.fixture
def listed(path, store):
    converter = load_agencies(None).get(LAND)
    return Listed(path, converter=converter, vault=store.vault, clock=lambda: NOW)


def rows_of(listed, *, after=0, size=5):
    return [one for _, group in listed.groups(after=after, size=size) for one in group]


def known(one, *, digest, version=None):
    latest = Known(
        id="m1",
        agency=one.agency,
        sequence=1,
        packet=Packet.DOSSIER,
        state=State.DELIVERED,
        content_digest=digest,
        version=version,
        submission_id="s1",
        record=1,
    )
    return {one.dossier_code: Ours(code=one.dossier_code, agency=one.agency, latest=latest)}


def test_rows_go_on_behind_those_that_were_compared_before(listed):
    every = list(listed.groups(after=0, size=5))
    number = every[0][0]

    assert every[0][1] + rows_of(listed, after=number) == rows_of(listed)
    assert listed.count() >= len(rows_of(listed))


def test_a_second_row_of_a_dossier_counts_as_it_would_when_handed_in(listed):
    codes = [one.dossier_code for one in rows_of(listed) if one is not None]

    assert len(codes) == len(set(codes))


def test_the_same_content_agrees(listed, store):
    one = next(one for one in rows_of(listed) if one is not None)

    with reading(store) as connection:
        same = known(one, digest=one.content_digest)
        assert listed.judge(connection, [one, None], same) == [
            Content(agrees_about=one.dossier_code),
            Content(),
        ]


def test_nothing_is_said_of_what_was_never_handed_in(listed, store):
    one = next(one for one in rows_of(listed) if one is not None)

    with reading(store) as connection:
        assert listed.judge(connection, [one], {}) == [Content()]


def test_a_list_that_is_no_file_is_an_error(store, tmp_path):
    listed = Listed(
        tmp_path / "gone.csv",
        converter=load_agencies(None).get(LAND),
        vault=store.vault,
        clock=lambda: NOW,
    )

    with pytest.raises(FileNotFoundError):
        listed.digest()
