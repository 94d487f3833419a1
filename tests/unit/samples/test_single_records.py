"""One record per message: all good, all told apart, every dossier's snapshots in order."""

from collections import defaultdict
from io import BytesIO

from adapters import read_records
from lienthong.samples import single_records
from mappings import load_agencies

COUNT = 90


def read(record):
    converter = load_agencies(None).get(record.agency)
    source = BytesIO(record.body)
    return list(read_records(source, file_name=record.file_name, options=converter.source))


def test_every_message_has_one_record_that_makes_one_event():
    agencies = load_agencies(None)
    for record in single_records(COUNT):
        (found,) = read(record)
        conversion = agencies.get(record.agency).convert(found)
        assert [event.dossier_code for event in conversion.events] == [record.dossier]
        assert conversion.problems == ()


def test_three_agencies_take_turns():
    agencies = [record.agency for record in single_records(6)]

    assert agencies == ["land-registration", "health-department", "business-registration"] * 2


def test_keys_and_dossiers_of_another_first_number_are_others():
    one, other = list(single_records(COUNT)), list(single_records(COUNT, first=COUNT + 1))

    assert len({record.key for record in (*one, *other)}) == 2 * COUNT
    assert not {record.dossier for record in one} & {record.dossier for record in other}


def test_some_dossiers_have_several_snapshots_in_their_order():
    versions = defaultdict(list)
    agencies = load_agencies(None)
    for record in single_records(COUNT):
        (event,) = agencies.get(record.agency).convert(read(record)[0]).events
        versions[record.dossier].append(event.version or "")

    assert any(len(found) > 1 for found in versions.values())
    assert all(found == sorted(found) for found in versions.values())


def test_the_same_seed_gives_the_same_bytes():
    assert list(single_records(9)) == list(single_records(9))
