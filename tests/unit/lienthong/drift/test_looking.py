"""Documents and dictionaries are looked at when they are due; what differs is told once."""

from datetime import UTC, datetime, timedelta

import pytest

from lienthong.channels.dictionaries import Dictionary, no_answer
from lienthong.drift.fetching import fetch_document
from lienthong.drift.looking import Looker, LookRules
from lienthong.drift.profile import DriftSettings
from lienthong.drifts import Ending, Kind, Touched
from lienthong.store.contracts import accept, count_open, list_events
from lienthong.store.database import reading
from lienthong.store.work import begin
from schemas.errors import PeerError
from schemas.model import load_version, read_file

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NAMES = {
    Dictionary.PROCEDURES: ("MATTHC", "TENTTHC"),
    Dictionary.FIELDS: ("MALINHVUC", "TENLINHVUC"),
    Dictionary.AGENCIES: ("MADONVI", "TENDONVI"),
}


class Portal:
    """Hands out what a test says, and counts how often it is asked."""

    def __init__(self):
        self.documents = {}
        self.entries = {one: {"1": "Một", "2": "Hai"} for one in NAMES}
        self.asked = 0
        self.more = {}
        self.is_away = False

    def fetch_document(self, name):
        self.asked += 1
        return self.documents[name]

    def fetch_entries(self, dictionary):
        self.asked += 1
        if self.is_away:
            raise no_answer(dictionary, "HTTP 503")
        code, title = NAMES[dictionary]
        return [
            {code: key, title: name, **self.more} for key, name in self.entries[dictionary].items()
        ]


class Clock:
    now = START
    ahead = timedelta(0)

    def __call__(self):
        return self.now + self.ahead

    def steady(self):
        return self.now.timestamp()


@pytest.fixture
def portal():
    return Portal()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(store, portal, clock):
    def make_(*documents, with_lists=True, fields=()):
        return Looker(
            target="http://cong.example/portal",
            rules=LookRules(
                documents=documents, every=timedelta(hours=24), returned_after=timedelta(hours=24)
            ),
            fetch_document=portal.fetch_document,
            fetch_entries=portal.fetch_entries if with_lists else None,
            store=store,
            touched=lambda found: [
                [Touched(mapping="ward", fields=("MaTTHC",))] if one.place in fields else []
                for one in found
            ],
            clock=clock,
            steady=clock.steady,
        )

    return make_


def told(store):
    with reading(store) as connection:
        events = list_events(connection, only_open=True)
    return {(one.drift.kind, one.drift.place, one.drift.before, one.drift.after) for one in events}


def test_the_first_look_learns_and_the_next_tells_what_is_new_gone_and_renamed(
    make, portal, clock, store
):
    looker = make()
    looker.step()
    portal.entries[Dictionary.PROCEDURES] = {"2": "Hai (sửa đổi)", "3": "Ba"}
    clock.now += timedelta(hours=24)

    looker.step()

    assert told(store) == {
        (Kind.ENTRY_GONE, "1", "Một", ""),
        (Kind.ENTRY_RENAMED, "2", "Hai", "Hai (sửa đổi)"),
        (Kind.ENTRY_NEW, "3", "", "Ba"),
    }


def test_nothing_is_asked_before_it_is_due_whichever_process_looked(make, portal, clock):
    make().step()
    clock.now += timedelta(hours=23)

    make().step()

    assert portal.asked == 3


def test_a_portal_that_is_away_is_asked_again_later_and_nothing_is_gone(make, portal, clock, store):
    looker = make()
    looker.step()
    portal.is_away, portal.asked = True, 0
    clock.now += timedelta(hours=24)

    looker.step()
    looker.step()

    assert portal.asked == 3
    assert told(store) == set()
    assert all(one.trouble for one in looker.look_at_all())


def test_a_clock_that_was_set_back_keeps_nobody_from_looking_again(make, portal, clock):
    looker = make()
    portal.is_away = True
    clock.ahead = timedelta(days=30)
    looker.step()
    portal.is_away, portal.asked = False, 0
    clock.ahead = timedelta(0)

    looker.step()
    assert portal.asked == 0
    clock.now += timedelta(minutes=15)
    looker.step()

    assert portal.asked == 3


def test_an_empty_dictionary_is_trouble_and_not_the_end_of_every_code(make, portal, clock, store):
    looker = make()
    looker.step()
    portal.entries[Dictionary.FIELDS] = {}
    clock.now += timedelta(hours=24)

    looker.step()

    assert told(store) == {(Kind.FORM, "form", "2 entries", "0 entries")}


def test_of_many_changes_those_that_touch_a_mapping_are_told_one_by_one(make, portal, clock, store):
    portal.entries[Dictionary.PROCEDURES] = {f"1.{n}": f"Thủ tục {n}" for n in range(500)}
    looker = make(fields={"1.7"})
    looker.step()
    portal.entries[Dictionary.PROCEDURES] = {f"2.{n}": f"Thủ tục {n}" for n in range(500)}
    clock.now += timedelta(hours=24)

    looker.step()
    looker.look_at_all()

    assert told(store) == {
        (Kind.ENTRY_GONE, "1.7", "Thủ tục 7", ""),
        (Kind.MANY, "*", "", "999"),
    }


def test_a_new_column_of_a_dictionary_is_told(make, portal, clock, store):
    looker = make()
    looker.step()
    portal.more = {"MANGANH": "G01"}
    clock.now += timedelta(hours=24)

    looker.step()

    with reading(store) as connection:
        assert count_open(connection) == 3
    assert told(store) == {(Kind.ITEM_NEW, "column MANGANH", "", "")}


def test_what_was_accepted_is_not_told_again(make, portal, clock, store):
    looker = make()
    looker.step()
    portal.entries[Dictionary.AGENCIES]["3"] = "Ba"
    looker.look_at_all()
    with reading(store) as connection:
        (event,) = list_events(connection, only_open=True)

    with begin(store, at=clock, actor="an") as work:
        accept(work, event, reason="đơn vị mới")
    looked = looker.look_at_all()

    assert [one.raised for one in looked] == [(), (), ()]
    assert told(store) == set()


def test_a_change_that_was_taken_back_ends_by_itself(make, portal, clock, store):
    looker = make()
    looker.step()
    portal.entries[Dictionary.AGENCIES]["3"] = "Ba"
    looker.look_at_all()
    del portal.entries[Dictionary.AGENCIES]["3"]
    clock.now += timedelta(hours=25)

    looker.step()

    with reading(store) as connection:
        (event,) = list_events(connection, only_open=False)
    assert event.ending is Ending.RETURNED


def test_a_schema_of_ours_that_the_target_changed_is_told_at_the_first_look(make, portal, store):
    ours = read_file(load_version("dvcqg-2020"), "dossier.xsd").decode()
    changed = ours.replace(
        '<xs:element name="SoBienNhan" type="VanBan" minOccurs="0">',
        '<xs:element name="SoBienNhan" type="VanBan">',
    )
    portal.documents = {"https://cong.example/dossier.xsd": changed.encode()}
    looker = make("https://cong.example/dossier.xsd", with_lists=False)

    looker.step()

    assert told(store) == {(Kind.ITEM_CHANGED, "element HoSo.SoBienNhan required", "no", "yes")}


@pytest.mark.parametrize("size", [None, 5000], ids=["missing", "too large"])
def test_a_file_that_cannot_be_had_is_told_in_words(tmp_path, size):
    file = tmp_path / "cong.wsdl"
    if size:
        file.write_bytes(b" " * size)

    with pytest.raises(PeerError, match=r"the document .*cong.wsdl cannot be had"):
        fetch_document(str(file), settings=DriftSettings(max_bytes=4096), target=None)
