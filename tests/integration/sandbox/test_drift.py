"""A portal changes its contract overnight: told with the first answer, and nothing is believed."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from lienthong.channels.port import Answer, Found, Outcome, Packet, SendRequest
from lienthong.channels.profile import TargetProfile
from lienthong.drift.fetching import fetch_document
from lienthong.drift.kinds import kinds_of
from lienthong.drift.looking import Looker, LookRules
from lienthong.drift.profile import DriftSettings
from lienthong.drift.watch import AnswerWatch, WatchRules
from lienthong.drift.watched import WatchedChannel
from lienthong.drifts import Ending, Kind, Touched
from lienthong.sandbox import LookUpShows
from lienthong.store.contracts import accept, count_open, find_events, list_events
from lienthong.store.database import make_tables, open_sqlite, open_store, reading
from lienthong.store.tables import audit
from lienthong.store.work import begin
from tests.contract.json_site import DOSSIER, JSON_DOCUMENT, MADE_AT, MESSAGE, open_json
from tests.integration.sandbox.conftest import AGENCY, NOW

ONLY_0 = {"success_codes": ("0",)}
SERVICE = "DongBoHoSoMC"
WITHIN = f"Envelope.Body.{SERVICE}Response"


class Clock:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path):
    engine = open_sqlite(tmp_path / "store.sqlite")
    make_tables(engine)
    yield open_store(engine, key_file=tmp_path / "store.keys", now=NOW)
    engine.dispose()


@pytest.fixture
def watch(store, clock):
    """Give a watch that has nothing learnt yet, as a process begins with."""

    def watch_(channel, learn_answers=2, **changes):
        given = {
            "target": "http://cong.example/portal",
            "kinds": lambda: kinds_of(channel._profile),
            "rules": WatchRules(learn_answers=learn_answers, returned_after=timedelta(hours=24)),
            "store": lambda: store,
            "touched": lambda drifts: [[Touched(mapping="so-tttt", fields=())] for _ in drifts],
            "clock": clock,
        }
        return AnswerWatch(**(given | changes))

    return watch_


def kinds(events):
    return [(one.drift.kind, one.drift.place, one.drift.after) for one in events]


def audited(store, action):
    with reading(store) as connection:
        rows = connection.execute(select(audit.c.subject).where(audit.c.action == action))
        return [row.subject for row in rows]


@pytest.fixture
def soap(start, connect, agency, watch):
    """Give a sandbox that was learnt over SOAP: its answers to adds and to look-ups."""
    sandbox = start(look_up_shows=LookUpShows.CONTENT)
    channel = connect(sandbox, **ONLY_0)
    watching = watch(channel)
    for number in (1, 2):
        request = agency.request(number, MaHoSo=f"H29.14-261124-000{number}")
        assert watching.look(SERVICE, channel.send(request)) == []
        found = channel.look_up(agency_code=AGENCY, dossier_code=request.dossier_code)
        assert watching.look("TraCuuHoSo", found) == []
    return sandbox, channel, watching


@pytest.mark.parametrize(
    ("change", "outcome", "expected"),
    [
        ("code", Outcome.UNRECOGNISED, (Kind.CODE, f"{WITHIN}.error_code", "00")),
        ("drop", Outcome.UNRECOGNISED, (Kind.KEY_GONE, f"{WITHIN}.message", "")),
        ("key", Outcome.UNRECOGNISED, (Kind.KEY_NEW, f"{WITHIN}.MaTheoDoi", "")),
        ("large", Outcome.DELIVERED, (Kind.LARGER, "size", "65536 byte")),
    ],
)  # fmt: skip
def test_a_change_over_soap_is_told_with_the_first_answer_and_no_delivery_falsely_succeeds(
    soap, agency, store, change, outcome, expected
):
    sandbox, channel, watching = soap
    sandbox.misbehave("changed", change=change)

    answer = channel.send(agency.request(3, MaHoSo="H29.14-261124-0003"))
    raised = watching.look(SERVICE, answer)

    assert answer.outcome is outcome
    # It counts only with the receipt that proves it.
    assert (answer.receipt is not None) == (outcome is Outcome.DELIVERED)
    assert kinds(raised) == [expected]
    assert raised[0].touched == (Touched(mapping="so-tttt", fields=()),)
    assert audited(store, "drift.found") == [raised[0].id]


def test_a_status_that_no_list_has_is_told_with_the_first_look_up(soap):
    sandbox, channel, watching = soap
    sandbox.misbehave("changed", change="value")

    found = channel.look_up(agency_code=AGENCY, dossier_code="H29.14-261124-0001")

    assert [kind for kind, _, _ in kinds(watching.look("TraCuuHoSo", found))] == [Kind.VALUE]


@pytest.mark.parametrize(
    ("mode", "is_told"),
    [
        ("maintenance", True),
        ("unknown_code", True),
        ("fault", False),
        ("unavailable", False),
        ("too_many", False),
        ("commit_then_drop", False),
        ("exists", False),
        ("reject", False),
    ],
)
def test_trouble_and_refusals_that_are_known_are_no_drift(soap, agency, mode, is_told):
    sandbox, channel, watching = soap
    sandbox.misbehave(mode)

    answer = channel.send(agency.request(3, MaHoSo="H29.14-261124-0003"))

    assert answer.outcome is not Outcome.DELIVERED
    assert bool(watching.look(SERVICE, answer)) is is_told


def test_it_is_told_once_by_however_many_processes(soap, agency, store, watch):
    sandbox, channel, watching = soap
    sandbox.misbehave("changed", change="key")
    answer = channel.send(agency.request(3, MaHoSo="H29.14-261124-0003"))

    first = watching.look(SERVICE, answer)
    again = watching.look(SERVICE, answer)
    elsewhere = watch(channel).look(SERVICE, answer)

    assert (len(first), again, elsewhere) == (1, [], [])
    assert len(audited(store, "drift.found")) == 1


def test_what_was_accepted_is_part_of_the_contract_for_every_process(soap, agency, store, watch):
    sandbox, channel, watching = soap
    sandbox.misbehave("changed", change="key")
    answer = channel.send(agency.request(3, MaHoSo="H29.14-261124-0003"))
    (event,) = watching.look(SERVICE, answer)

    with begin(store, at=NOW, actor="an") as work:
        accept(work, event, reason="công văn 12")

    assert watch(channel).look(SERVICE, answer) == []
    with reading(store) as connection:
        (found,) = find_events(connection, event.id[:6])
        assert count_open(connection) == 0
    assert (found.ending, found.ended_by, found.reason) == (Ending.ACCEPTED, "an", "công văn 12")


def test_it_ends_by_itself_when_the_old_shape_is_back_for_long_enough_and_is_told_anew(
    soap, agency, store, watch, clock
):
    sandbox, channel, watching = soap
    sandbox.misbehave("changed", change="key", count=1)
    changed = channel.send(agency.request(3, MaHoSo="H29.14-261124-0003"))
    old = channel.send(agency.request(4, MaHoSo="H29.14-261124-0004"))
    (event,) = watching.look(SERVICE, changed)

    clock.now += timedelta(hours=23)
    watch(channel).look(SERVICE, old)
    with reading(store) as connection:
        assert count_open(connection) == 1
    clock.now += timedelta(hours=2)
    watch(channel).look(SERVICE, old)

    with reading(store) as connection:
        assert [one.ending for one in list_events(connection, only_open=False)] == [Ending.RETURNED]
    assert audited(store, "drift.returned") == [event.id]
    assert [one.id for one in watch(channel).look(SERVICE, changed)] == [event.id]


def test_processes_learn_together(start, connect, agency, watch):
    sandbox = start()
    channel = connect(sandbox)
    answers = [
        channel.send(agency.request(number, MaHoSo=f"H29.14-261124-000{number}"))
        for number in (1, 2, 3)
    ]
    one, other = watch(channel), watch(channel)

    one.look(SERVICE, answers[0])
    other.look(SERVICE, answers[1])

    sandbox.misbehave("changed", change="key")
    changed = channel.send(agency.request(5, MaHoSo="H29.14-261124-0005"))
    assert len(watch(channel).look(SERVICE, changed)) == 1


def test_a_watch_that_fails_disturbs_no_delivery(start, connect, agency, watch):
    def broken():
        raise LookupError("Nguyễn Văn An")

    sandbox = start()
    inside = connect(sandbox)
    channel = WatchedChannel(inside, watch(inside, store=broken))

    with closing(channel):
        answers = [
            channel.send(agency.request(number, MaHoSo=f"H29.14-261124-000{number}"))
            for number in (1, 2)
        ]

    assert [one.outcome for one in answers] == [Outcome.DELIVERED] * 2


def test_the_watch_does_its_work_beside_the_deliveries(start, connect, agency, watch, store):
    sandbox = start()
    inside = connect(sandbox)
    channel = WatchedChannel(inside, watch(inside, learn_answers=1))
    first = agency.request(1)

    with closing(channel):
        channel.send(first)
        sandbox.misbehave("changed", change="key")
        channel.send(agency.request(2, MaHoSo="H29.14-261124-0002"))
        found = channel.look_up(agency_code=AGENCY, dossier_code=first.dossier_code)

    assert found.found is not Found.WITHHELD
    with reading(store) as connection:
        (event,) = list_events(connection, only_open=True)
    assert event.drift.kind is Kind.KEY_NEW


@pytest.fixture
def adapter(start, tmp_path, watch):
    """Give a sandbox that was learnt over the JSON adapter."""
    sandbox = start(channel="dvcqg-json", look_up_shows=LookUpShows.EXISTENCE)
    table = {
        "auth_endpoint": "/auth",
        "integration_endpoint": "/integration",
        "username": "thu-nghiem",
        "password": "thu-nghiem",
        "madonvi": AGENCY,
        "expired_codes": ["10"],
    }
    channel = open_json(
        sandbox.url.removesuffix("/portal") + "/adapter",
        folder=tmp_path,
        clock=lambda: MADE_AT,
        session=None,
        adapter=table,
        look_up_attempts=1,
        **ONLY_0,
    )
    watching = watch(channel)
    add = _add(False)
    assert channel.send(add).outcome is Outcome.DELIVERED
    for _ in range(2):
        assert watching.look(SERVICE, channel.send(_add(True))) == []
        found = channel.look_up(agency_code=AGENCY, dossier_code=DOSSIER)
        assert watching.look("TraCuuHoSo", found) == []
    yield sandbox, channel, watching
    channel.close()


def _add(is_updating):
    return SendRequest(
        packet=Packet.DOSSIER,
        message_id=MESSAGE,
        dossier_code=DOSSIER,
        document=JSON_DOCUMENT,
        is_updating=is_updating,
        attempt=1,
        sent_at=MADE_AT,
        agency="sotttt",
    )


@pytest.mark.parametrize(
    ("change", "outcome", "expected"),
    [
        ("code", Outcome.UNRECOGNISED, (Kind.CODE, "error_code", "00")),
        ("drop", Outcome.DELIVERED, (Kind.KEY_GONE, "message", "")),
        ("key", Outcome.DELIVERED, (Kind.KEY_NEW, "trace_id", "")),
        ("large", Outcome.DELIVERED, (Kind.LARGER, "size", "512 byte")),
    ],
)
def test_a_change_of_the_adapter_is_told_with_the_first_answer(adapter, change, outcome, expected):
    sandbox, channel, watching = adapter
    sandbox.misbehave("changed", change=change)

    answer = channel.send(_add(True))

    assert answer.outcome is outcome
    assert kinds(watching.look(SERVICE, answer)) == [expected]


def test_a_new_status_of_the_adapter_is_told_with_the_first_look_up(adapter):
    sandbox, channel, watching = adapter
    sandbox.misbehave("changed", change="value")

    found = channel.look_up(agency_code=AGENCY, dossier_code=DOSSIER)

    assert kinds(watching.look("TraCuuHoSo", found)) == [
        (Kind.VALUE, "result[].TrangThaiHoSo", "99")
    ]
    assert replace(found, raw=None).found is Found.PRESENT


def test_the_documents_of_a_portal_that_keeps_to_ours_agree_with_them(start, store, clock):
    sandbox = start()
    names = (f"{sandbox.url}?wsdl", f"{sandbox.url}/dossier.xsd", f"{sandbox.url}/nothing.xsd")
    target = TargetProfile(endpoint=sandbox.url, receipts="none")
    looker = Looker(
        target=sandbox.url,
        rules=LookRules(
            documents=names, every=timedelta(hours=24), returned_after=timedelta(hours=24)
        ),
        fetch_document=partial(fetch_document, settings=DriftSettings(), target=target),
        fetch_entries=None,
        store=store,
        touched=lambda drifts: [[] for _ in drifts],
        clock=clock,
    )

    wsdl, xsd, missing = looker.look_at_all()

    assert (wsdl.trouble, wsdl.raised) == (None, ())
    assert (xsd.trouble, xsd.raised) == (None, ())
    assert "HTTP 404" in missing.trouble.en


@pytest.mark.parametrize("code", ["079201001234", "Hồ sơ của Nguyễn Văn An", "[red]x", "x" * 60])
def test_a_code_that_may_be_somebodys_data_is_told_without_it(soap, store, code):
    _, _, watching = soap
    raw = f"<a><error_code>{code}</error_code></a>".encode()
    answer = Answer(outcome=Outcome.UNRECOGNISED, code=code, http_status=200, raw=raw)

    (event,) = watching.look(SERVICE, answer)

    assert event.drift.after == "*"
    with reading(store) as connection:
        rows = connection.execute(select(audit.c.detail).where(audit.c.action == "drift.found"))
        assert code not in f"{event}{list(rows)}"


def test_an_answer_with_hundreds_of_new_fields_is_one_event(soap):
    _, channel, watching = soap
    fields = "".join(f"<F{chr(97 + n // 26)}{chr(97 + n % 26)}/>" for n in range(300))
    answer = channel.look_up(agency_code=AGENCY, dossier_code="H29.14-261124-0001")
    raw = answer.raw.replace(b"</", f"{fields}</".encode(), 1)

    raised = watching.look("TraCuuHoSo", replace(answer, raw=raw))

    assert len(raised) <= 2
