"""Files that dossiers wait for: no dossier goes before all of them are there and right."""

import hashlib
import json
import time
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import delete, select, update

from lienthong.attachments.blobs import BlobBroken, FolderBlobs, opened_parts
from lienthong.attachments.manifest import FileLimits, PreparedFile
from lienthong.attachments.profile import FileServer
from lienthong.attachments.sources import FileSources
from lienthong.channels.port import Packet
from lienthong.flows.fetch import Fetcher, FetchRules
from lienthong.flows.reseal_files import reseal_files
from lienthong.flows.retain import PayloadClass, retain
from lienthong.flows.sweep_files import OVER, sweep_files, sweep_leavings
from lienthong.retry import Backoff
from lienthong.store.attachments import (
    claim_fetches,
    keep_fetches,
    load_files,
    put_off,
    read_late_fetches,
)
from lienthong.store.data_keys import SqlKeyStore
from lienthong.store.database import reading
from lienthong.store.findings import submission_findings
from lienthong.store.intake import Origin
from lienthong.store.ledgers import load_ledgers
from lienthong.store.portal_answers import no_columns
from lienthong.store.problem_groups import load_groups
from lienthong.store.queries import show_message
from lienthong.store.reissuing import Made, put_in_place
from lienthong.store.results import list_results, result_values
from lienthong.store.rotation import rotate
from lienthong.store.tables import attachments, audit, fetches, messages
from lienthong.store.vault import SealBroken
from lienthong.store.work import begin
from lienthong.testing.attached import HTML, PDF
from lienthong.testing.file_server import serving_files
from mappings.attachments import DeclaredFile
from schemas.problem import Place, Problem, Severity, Text

LIMITS = FileLimits(file_bytes=50_000_000, dossier_bytes=80_000_000)
ORIGIN = Origin(
    submission_id="s1",
    agency="land",
    mapping="land@1",
    one_row_per_dossier=False,
    service=None,
)


@pytest.fixture
def site():
    with serving_files() as site:
        yield site


class Bench:
    """A fetcher beside the exchange, and short words."""

    def __init__(self, exchange, site, folder):
        self.exchange = exchange
        self.store = exchange.store
        self.site = site
        self.blobs = FolderBlobs(folder)
        self.servers = {
            "land": FileServer(
                url=f"{site.url}/f/",
                agencies=("land",),
                allow_http=True,
                allow_private=True,
                # Long, for a machine that is busy; nothing here waits for them.
                connect_timeout_seconds=30,
                read_timeout_seconds=30,
            )
        }

    def fetcher(self, *, sources=None, steady=time.monotonic, **changes):
        return Fetcher(
            store=self.store,
            broker=self.exchange.broker,
            sources=sources or FileSources(self.servers),
            blobs=self.blobs,
            rules=replace(
                FetchRules(
                    slots=4,
                    per_agency=2,
                    lease=timedelta(minutes=2),
                    backoff=Backoff(first=timedelta(seconds=10), longest=timedelta(hours=1)),
                    limits=LIMITS,
                ),
                **changes,
            ),
            clock=self.exchange.clock,
            random=Random(1),
            steady=steady,
        )

    def fetch(self, **changes):
        fetcher = self.fetcher(**changes)
        while fetcher.step():
            pass
        fetcher.close()

    def declare(self, number=1, *, name="don.pdf", path=None, **said):
        values = {"way": "url", "source": f"{self.site.url}{path or f'/f/{number}'}"}
        return PreparedFile(
            declared=DeclaredFile(
                number=number,
                place=Place(file="hs.json", path=f"[0].tep[{number - 1}].link"),
                name=name,
                **(values | said),
            )
        )

    def manifest(self, message_id):
        with reading(self.store) as connection:
            return load_files(connection, message_id, vault=self.store.vault)

    def problems(self, message_id):
        with reading(self.store) as connection:
            return show_message(connection, message_id, vault=self.store.vault).line.problems

    def kept(self):
        root = self.blobs.folder
        return sorted(path.name for path in root.rglob("*") if path.is_file())

    def notes(self, action):
        with reading(self.store) as connection:
            rows = connection.execute(select(audit.c.detail).where(audit.c.action == action))
            return [json.loads(row.detail) for row in rows]


@pytest.fixture
def bench(exchange, site, tmp_path):
    return Bench(exchange, site, tmp_path / "attachments")


@pytest.fixture
def dossier(bench, record, event):
    """Take one dossier with files in; dossier("m1", bench.declare(1), …)."""

    def take(
        message_id, *files, code="D-1", content="a", agency="land", progress=None, problems=()
    ):
        events = [event(message_id, code, content=content)]
        if progress:
            events.append(event(progress, code, content="p", packet=Packet.PROGRESS))
        made = replace(record(1, *events), files=tuple(files), problems=problems)
        return bench.exchange.take(made, agency=agency)

    return take


def test_a_dossier_goes_when_all_its_files_are_there(bench, dossier):
    for number in range(1, 6):
        bench.site.files[f"/f/{number}"] = PDF

    assert dossier("m1", *(bench.declare(number) for number in range(1, 6))) == []
    assert bench.exchange.states() == [("m1", "held")]
    bench.exchange.step(2)
    assert bench.exchange.portal.sent == []

    bench.fetch()
    bench.exchange.step(2)

    assert bench.exchange.state_of("m1") == "delivered"
    assert len(bench.exchange.portal.sent) == 1
    [file, *_] = bench.manifest("m1")
    assert file.found.sha256 == hashlib.sha256(PDF).hexdigest()
    assert file.found.size == len(PDF)


@pytest.mark.parametrize(
    ("spoil", "said", "code"),
    [
        (lambda site: site.files.update({"/f/3": b""}), {}, "attachment.empty"),
        (lambda site: site.files.update({"/f/3": HTML}), {}, "attachment.html"),
        (lambda site: site.files.update({"/f/3": PDF[:40]}), {}, "attachment.truncated"),
        (lambda site: site.files.pop("/f/3"), {}, "attachment.missing"),
        (lambda site: None, {"sha256": "0" * 64}, "attachment.wrong_sha256"),
        (lambda site: None, {"size": 1}, "attachment.wrong_size"),
        (lambda site: None, {"name": "don.docx"}, "attachment.wrong_type"),
        (lambda site: None, {"source": "https://a.example/f/3"}, "attachment.not_allowed"),
        (lambda site: None, {"source": "file:///etc/passwd"}, "attachment.address"),
    ],
)
def test_one_bad_file_of_five_stops_the_dossier_and_is_named(bench, dossier, spoil, said, code):
    for number in range(1, 6):
        bench.site.files[f"/f/{number}"] = PDF
    spoil(bench.site)
    files = [bench.declare(number, **(said if number == 3 else {})) for number in range(1, 6)]
    dossier("m1", *files, progress="m2")

    bench.fetch()
    bench.exchange.step(3)

    assert bench.exchange.portal.sent == []
    assert bench.exchange.states() == [("m1", "rejected"), ("m2", "held")]
    [problem] = bench.problems("m1")
    assert problem.code == code
    assert problem.place == Place(file="hs.json", path="[0].tep[2].link")
    assert "số 3 «" in problem.message.vi
    assert "Attachment 3 '" in problem.message.en


def test_all_bad_files_are_told_at_once(bench, dossier):
    bench.site.files |= {"/f/1": b"", "/f/2": PDF, "/f/3": HTML}
    dossier("m1", *(bench.declare(number) for number in (1, 2, 3)))

    bench.fetch()

    assert [(p.code, p.field) for p in bench.problems("m1")] == [
        ("attachment.empty", "attachments[1]"),
        ("attachment.html", "attachments[3]"),
    ]


@pytest.mark.parametrize("status", [400, 405, 406, 403])
def test_a_server_that_refuses_everything_rejects_nothing_and_is_left_alone(bench, dossier, status):
    now = [0.0]
    sources = FileSources(bench.servers, steady=lambda: now[0])
    for number in range(8):
        bench.site.files[f"/f/{number}"] = PDF
        bench.site.statuses[f"/f/{number}"] = status
        dossier(f"m{number}", bench.declare(number + 1, path=f"/f/{number}"), code=f"D-{number}")

    bench.fetch(sources=sources, slots=1)

    assert {state for _, state in bench.exchange.states()} == {"held"}
    assert {bench.problems(f"m{number}")[0].code for number in range(8)} == {"attachment.refused"}
    assert len(bench.site.asked) == 5

    bench.site.statuses.clear()
    bench.exchange.clock.tick(minutes=10)
    bench.fetch(sources=sources, slots=1)
    assert {state for _, state in bench.exchange.states()} == {"held"}, "it is left alone"
    now[0] += 61
    bench.exchange.clock.tick(minutes=10)
    bench.fetch(sources=sources, slots=1)
    assert {state for _, state in bench.exchange.states()} == {"ready"}


class Refusing:
    """The server of `bench`, which refused five dossiers ("r0", …) and is left alone."""

    def __init__(self, bench, dossier):
        self.now = 0.0
        self._bench = bench
        self._dossier = dossier
        self.sources = FileSources(bench.servers, steady=lambda: self.now)

    def begin(self):
        for number in range(5):
            self.turn_away(f"r{number}")
        self.asked = len(self._bench.site.asked)

    def turn_away(self, message_id, **said):
        self._bench.site.statuses[f"/f/{message_id}"] = 403
        declared = self._bench.declare(path=f"/f/{message_id}")
        self._dossier(message_id, declared, **({"code": f"D-{message_id}"} | said))
        self.fetch()

    def fetch(self, **changes):
        self._bench.fetch(sources=self.sources, **changes)

    def standing(self, message_id):
        """Return how often its files were looked for in vain, and when they are due."""
        query = (
            select(messages.c.awaits_files, fetches.c.due_at)
            .join(fetches, fetches.c.message_id == messages.c.id)
            .where(messages.c.id == message_id)
        )
        with reading(self._bench.store) as connection:
            tries, due_at = connection.execute(query).one()
        return tries, due_at - self._bench.exchange.clock()


@pytest.fixture
def refusing(bench, dossier):
    return Refusing(bench, dossier)


def test_who_is_turned_away_while_a_server_is_left_alone_has_not_tried(bench, refusing):
    refusing.begin()
    refusing.now += 20
    for _ in range(3):
        refusing.turn_away("m1")
        # Long before it is due, and again.
        with begin(bench.store, at=bench.exchange.clock) as work:
            work.connection.execute(update(fetches).values(due_at=work.at))
    refusing.fetch()

    tries, pause = refusing.standing("m1")
    assert tries == 0
    assert timedelta(seconds=40) <= pause < timedelta(seconds=42)
    assert len(bench.site.asked) == refusing.asked
    assert [note["codes"] for note in bench.notes("message.files_away")] == [
        "attachment.refused"
    ] * 5
    [problem] = bench.problems("m1")
    assert problem.code == "attachment.refused"
    assert "is left alone" in problem.message.en
    found = submission_findings(bench.store, "s6", columns=no_columns)
    assert [one.problem for one in found] == [problem.about("D-m1")]


def test_what_was_found_of_a_file_stays_while_its_server_is_left_alone(bench, dossier, refusing):
    bench.site.statuses["/f/1"] = 302
    dossier("m1", bench.declare(1))
    refusing.fetch()
    [found] = bench.problems("m1")
    refusing.begin()

    for _ in range(3):
        bench.exchange.clock.tick(hours=1)
        refusing.fetch()

    assert refusing.standing("m1")[0] == 1
    assert bench.problems("m1") == (found,)
    assert found.code == "attachment.redirected"


def test_a_newer_snapshot_does_not_pass_one_that_was_only_turned_away(bench, dossier, refusing):
    refusing.begin()
    refusing.turn_away("m1", code="D-1")
    dossier("m2", code="D-1", content="b")
    refusing.fetch()
    assert [bench.exchange.state_of(one) for one in ("m1", "m2")] == ["held", "held"]

    refusing.now += 61
    bench.exchange.clock.tick(minutes=2)
    with begin(bench.store, at=bench.exchange.clock) as work:
        # So that it is m1 that is asked for.
        others = fetches.c.message_id != "m1"
        work.connection.execute(delete(fetches).where(others))
    refusing.fetch()
    assert [bench.exchange.state_of(one) for one in ("m1", "m2")] == ["superseded", "ready"]


def test_an_agency_is_told_of_a_dossier_that_was_only_turned_away(bench, refusing):
    refusing.begin()
    refusing.turn_away("m1")
    told = Told(bench)

    for _ in range(3):
        bench.exchange.clock.tick(hours=1)
        refusing.fetch(tell_after=timedelta(hours=2))

    assert [one for one in told() if one[0] == "m1"] == [("m1", ["attachment.refused"])]
    assert refusing.standing("m1")[0] == 0


def test_a_server_that_refuses_one_agency_s_files_is_asked_for_another_s(bench, dossier):
    both = {"agencies": ("land", "other")}
    bench.servers["land"] = bench.servers["land"].model_copy(update=both)
    refusing = Refusing(bench, dossier)
    refusing.begin()
    bench.site.files["/f/1"] = PDF
    dossier("m1", bench.declare(1), code="D-1")
    dossier("m2", bench.declare(1), code="D-2", agency="other")

    refusing.fetch()

    assert [bench.exchange.state_of(one) for one in ("m1", "m2")] == ["held", "ready"]


def test_a_file_that_was_asked_for_before_its_server_was_left_alone_is_a_try(bench, dossier):
    folder = bench.blobs.folder.parent / "land"
    folder.mkdir()
    (folder / "other.pdf").write_bytes(PDF)
    bench.servers["folder"] = FileServer(
        url=folder.as_uri(), agencies=("land",), missing_after_seconds=300
    )
    refusing = Refusing(bench, dossier)
    refusing.begin()
    dossier("m1", bench.declare(1, way="file", source="don.pdf"), bench.declare(2))

    refusing.fetch()

    assert refusing.standing("m1")[0] == 1
    assert [one.code for one in bench.problems("m1")] == ["attachment.not_there_yet"]


@pytest.mark.parametrize("end", ["ready", "rejected"])
def test_what_its_mapping_warned_of_a_file_is_told_to_the_end(bench, dossier, end):
    warning = Problem(
        code="mapping.value_cut",
        message=Text(vi="bị cắt", en="was cut"),
        severity=Severity.WARNING,
        field="attachments[1].name",
    )
    bench.site.statuses["/f/1"] = 503
    dossier("m1", bench.declare(), problems=(warning,))

    bench.fetch()
    assert [one.code for one in bench.problems("m1")] == [warning.code, "attachment.unreachable"]

    del bench.site.statuses["/f/1"]
    if end == "ready":
        bench.site.files["/f/1"] = PDF
    bench.exchange.clock.tick(seconds=60)
    bench.fetch()

    assert bench.exchange.state_of("m1") == end
    told = {"ready": [warning.code], "rejected": [warning.code, "attachment.missing"]}[end]
    assert [one.code for one in bench.problems("m1")] == told


@pytest.mark.parametrize("status", [500, 502, 503, 429, 401, 403, 302])
def test_a_server_in_trouble_is_tried_again_at_growing_pauses(bench, dossier, status):
    bench.site.files["/f/1"] = PDF
    bench.site.statuses["/f/1"] = status
    dossier("m1", bench.declare())

    asked = []
    for _ in range(6):
        bench.fetch()
        asked.append(len(bench.site.asked))
        bench.exchange.clock.tick(seconds=11)

    assert bench.exchange.state_of("m1") == "held"
    assert asked[0] == 1
    assert asked[-1] == 3
    assert bench.problems("m1")[0].code.startswith("attachment.")

    del bench.site.statuses["/f/1"]
    bench.exchange.clock.tick(hours=1)
    bench.fetch()

    assert bench.exchange.state_of("m1") == "ready"
    assert bench.problems("m1") == ()


def test_a_dossier_that_waits_for_its_file_stands_in_a_problem_until_it_goes(bench, dossier):
    def stands():
        with reading(bench.exchange.store) as connection:
            (one,) = load_groups(connection, agencies=None)
        return one.cause.code, one.cause.field, one.counts.affected, one.standing.state.value

    bench.site.files["/f/1"] = PDF
    bench.site.statuses["/f/1"] = 500
    dossier("m1", bench.declare())
    bench.fetch()
    waiting = stands()

    del bench.site.statuses["/f/1"]
    bench.exchange.clock.tick(hours=1)
    bench.fetch()

    code = waiting[0]
    assert waiting == (code, "attachments", 1, "open")
    assert stands() == (code, "attachments", 0, "resolved")


def test_a_server_says_itself_how_long_it_is_to_be_left_alone(bench, dossier):
    bench.site.statuses["/f/1"] = 503
    bench.site.headers["/f/1"] = {"Retry-After": "600"}
    dossier("m1", bench.declare())
    bench.fetch()

    bench.exchange.clock.tick(seconds=599)
    bench.fetch()
    assert len(bench.site.asked) == 1
    bench.exchange.clock.tick(seconds=2)
    bench.fetch()
    assert len(bench.site.asked) == 2


def test_a_transfer_that_breaks_off_is_no_verdict_about_the_file(bench, dossier):
    bench.site.files["/f/1"] = PDF
    bench.site.cut["/f/1"] = 30
    dossier("m1", bench.declare())

    bench.fetch()

    assert bench.exchange.state_of("m1") == "held"
    assert bench.problems("m1")[0].code == "attachment.unreachable"
    assert bench.kept() == []


def test_an_answer_that_does_not_say_how_long_it_is_proves_nothing(bench, dossier):
    digest = hashlib.sha256(PDF).hexdigest()
    for number in (1, 2, 3):
        bench.site.files[f"/f/{number}"] = PDF
        bench.site.unframed.add(f"/f/{number}")
    dossier("m1", bench.declare(1))
    dossier("m2", bench.declare(2, size=len(PDF)), code="D-2")
    dossier("m3", bench.declare(3, sha256=digest), code="D-3")

    bench.fetch()

    assert bench.exchange.states() == [("m1", "held"), ("m2", "ready"), ("m3", "ready")]
    [problem] = bench.problems("m1")
    assert problem.code == "attachment.unproven"
    assert "Content-Length" in problem.message.vi
    assert "Content-Length" in problem.suggestion.en


@pytest.mark.parametrize("said", [{"size": len(PDF)}, {"sha256": hashlib.sha256(PDF).hexdigest()}])
def test_an_answer_of_no_length_that_ends_too_early_is_no_verdict_either(bench, dossier, said):
    bench.site.files["/f/1"] = PDF
    bench.site.unframed.add("/f/1")
    bench.site.cut["/f/1"] = 30
    dossier("m1", bench.declare(1, **said))

    bench.fetch()

    assert bench.exchange.state_of("m1") == "held"
    assert bench.problems("m1")[0].code == "attachment.unproven"
    assert bench.kept() == []


def test_an_answer_of_no_length_and_another_content_is_wrong(bench, dossier):
    bench.site.files |= {"/f/1": PDF + b"\n", "/f/2": PDF[:-1] + b" "}
    bench.site.unframed |= {"/f/1", "/f/2"}
    digest = hashlib.sha256(PDF).hexdigest()
    dossier("m1", *(bench.declare(n, size=len(PDF), sha256=digest) for n in (1, 2)))

    bench.fetch()

    codes = [problem.code for problem in bench.problems("m1")]
    assert codes == ["attachment.wrong_size", "attachment.wrong_sha256"]


def test_a_file_that_comes_later_is_waited_for_as_long_as_is_set(bench, dossier):
    bench.servers["land"] = bench.servers["land"].model_copy(update={"missing_after_seconds": 300})
    dossier("m1", bench.declare())

    bench.fetch()
    assert bench.exchange.state_of("m1") == "held"
    bench.exchange.clock.tick(seconds=301)
    bench.fetch()

    assert bench.exchange.state_of("m1") == "rejected"


def test_the_store_says_how_long_a_file_was_waited_for_and_not_the_worker(bench, dossier):
    if bench.store.engine.dialect.name == "sqlite":
        pytest.skip("it has no clock of its own")
    bench.store = bench.exchange.store = replace(bench.store, has_clock=True)
    bench.servers["land"] = bench.servers["land"].model_copy(update={"missing_after_seconds": 300})
    bench.exchange.clock.jump(days=5_000)
    dossier("m1", bench.declare())

    bench.fetch()

    assert bench.exchange.state_of("m1") == "held"
    assert [one.code for one in bench.problems("m1")] == ["attachment.not_there_yet"]


def test_the_same_dossier_may_come_again_when_its_file_is_mended(bench, dossier):
    dossier("m1", bench.declare())
    bench.fetch()
    assert bench.exchange.state_of("m1") == "rejected"

    bench.site.files["/f/1"] = PDF
    dossier("m2", bench.declare())
    bench.fetch()

    assert bench.exchange.states() == [("m1", "superseded"), ("m2", "ready")]


def test_a_newer_snapshot_takes_the_place_of_one_whose_file_cannot_be_had(bench, dossier):
    bench.site.statuses["/f/1"] = 500
    bench.site.files["/f/2"] = PDF
    dossier("m1", bench.declare(1))
    bench.fetch()

    dossier("m2", bench.declare(2), content="b")
    bench.fetch()

    assert bench.exchange.states() == [("m1", "superseded"), ("m2", "ready")]
    with reading(bench.store) as connection:
        assert connection.execute(select(fetches)).all() == []


def test_a_newer_snapshot_that_came_before_the_trouble_does_so_too(bench, dossier):
    bench.site.statuses["/f/1"] = 500
    bench.site.files["/f/2"] = PDF
    dossier("m1", bench.declare(1))
    dossier("m2", bench.declare(2), content="b")

    bench.fetch()

    assert bench.exchange.states() == [("m1", "superseded"), ("m2", "ready")]


def test_a_later_snapshot_without_files_waits_for_the_earlier_one(bench, dossier):
    bench.site.files["/f/1"] = PDF
    dossier("m1", bench.declare())
    dossier("m2", content="b")
    bench.exchange.step(2)
    assert bench.exchange.states() == [("m1", "held"), ("m2", "held")]

    bench.fetch()
    bench.exchange.step(4)

    assert [one.message_id for one in bench.exchange.portal.sent] == ["m1", "m2"]


def test_other_dossiers_do_not_wait(bench, dossier):
    bench.site.statuses["/f/1"] = 500
    dossier("m1", bench.declare())
    dossier("m2", code="D-2")
    bench.fetch()

    bench.exchange.clock.tick(seconds=2)
    bench.exchange.step(2)

    assert bench.exchange.states() == [("m1", "held"), ("m2", "delivered")]


def test_a_discarded_message_is_fetched_for_no_more(bench, dossier):
    bench.site.statuses["/f/1"] = 500
    dossier("m1", bench.declare())
    bench.fetch()
    bench.exchange.act("discard", "m1")

    bench.exchange.clock.tick(hours=2)
    bench.fetch()

    with reading(bench.store) as connection:
        assert connection.execute(select(fetches)).all() == []
    assert len(bench.site.asked) == 1


def test_a_killed_fetcher_s_successor_fetches_only_the_rest(bench, dossier, monkeypatch):
    bench.site.files |= {f"/f/{number}": PDF + bytes([10] * number) for number in (1, 2, 3)}
    dossier("m1", *(bench.declare(number) for number in (1, 2, 3)))

    class Killed(BaseException):
        pass

    write, calls = bench.blobs.write, []

    def killed_at_the_third(name, parts):
        calls.append(name)
        if len(calls) == 3:
            raise Killed
        write(name, parts)

    monkeypatch.setattr(bench.blobs, "write", killed_at_the_third)
    with pytest.raises(Killed):
        bench.fetch()
    monkeypatch.undo()
    assert bench.exchange.state_of("m1") == "held"

    bench.fetch()
    assert len(bench.site.asked) == 3, "its lease has not ended"
    bench.exchange.clock.tick(minutes=3)
    bench.fetch()

    assert bench.exchange.state_of("m1") == "ready"
    assert bench.site.asked == ["/f/1", "/f/2", "/f/3", "/f/3"]


def test_who_lost_its_lease_writes_nothing_down(bench, dossier):
    bench.site.files["/f/1"] = PDF
    dossier("m1", bench.declare())
    fetcher = bench.fetcher()
    with begin(bench.store, at=bench.exchange.clock) as work:
        [claim] = claim_fetches(work, limit=1, lease=timedelta(minutes=2))
        work.connection.execute(update(fetches).values(fence=9))

    with pytest.raises(Exception, match="m1"):
        fetcher._fetch(claim)
    fetcher.close()

    assert bench.exchange.state_of("m1") == "held"
    assert bench.manifest("m1")[0].found is None
    assert bench.kept() == []


def test_a_clock_that_was_set_back_keeps_no_claim_from_being_prolonged(bench, dossier, monkeypatch):
    clock, kept = bench.exchange.clock, []
    monkeypatch.setattr("lienthong.flows.fetch.keep_fetches", lambda *_, **_more: kept.append(1))
    fetcher = bench.fetcher(steady=clock.steady)
    dossier("m1", bench.declare())
    with begin(bench.store, at=clock) as work:
        [claim] = claim_fetches(work, limit=1, lease=timedelta(minutes=2))
    fetcher._in_hand[Future()] = claim
    clock.jump(days=30)
    fetcher._renew()
    clock.jump(days=-30)

    fetcher._renew()
    assert len(kept) == 1
    clock.tick(seconds=30)
    fetcher._renew()

    assert len(kept) == 2
    fetcher._in_hand.clear()
    fetcher.close()


def test_a_claim_that_was_given_back_is_prolonged_no_more(bench, dossier):
    dossier("m1", bench.declare())
    clock, lease = bench.exchange.clock, timedelta(minutes=2)
    with begin(bench.store, at=clock) as work:
        [claim] = claim_fetches(work, limit=1, lease=lease)
        put_off(work, claim, due_at=work.at + timedelta(seconds=10))

    with begin(bench.store, at=clock) as work:
        keep_fetches(work, [claim], lease=lease)
    clock.tick(seconds=11)

    with begin(bench.store, at=clock) as work:
        assert len(claim_fetches(work, limit=1, lease=lease)) == 1


def test_a_slow_server_of_one_agency_keeps_no_other_waiting(bench, dossier):
    def slow():
        yield PDF[:20]
        time.sleep(1.5)
        yield PDF[20:]

    bench.servers["other"] = bench.servers["land"].model_copy(update={"agencies": ("other",)})
    bench.site.files["/f/2"] = PDF
    bench.site.streams["/f/1"] = slow
    for number in range(6):
        dossier(f"a{number}", bench.declare(1), code=f"A-{number}")
    dossier("b1", bench.declare(2), code="B-1", agency="other")
    fetcher = bench.fetcher()
    begun = time.monotonic()

    while bench.exchange.state_of("b1") != "ready":
        fetcher.step()
        assert time.monotonic() - begun < 1.4
    fetcher.close()


def test_what_is_stored_is_sealed_and_the_same_file_is_stored_once(bench, dossier):
    bench.site.files |= {"/f/1": PDF, "/f/2": PDF}
    dossier("m1", bench.declare(1), bench.declare(2))

    bench.fetch()

    [name] = bench.kept()
    stored = (bench.blobs.folder / name[:2] / name).read_bytes()
    assert b"%PDF" not in stored
    opened = opened_parts(bench.blobs, name=name, size=len(PDF), vault=bench.store.vault)
    assert b"".join(opened) == PDF
    assert {file.blob for file in bench.manifest("m1")} == {name}


@pytest.mark.parametrize("harm", ["cut", "changed", "swapped"])
def test_a_kept_file_that_was_touched_does_not_open(bench, dossier, harm):
    large = PDF[:-6] + bytes(2_500_000) + PDF[-6:]
    bench.site.files |= {"/f/1": large}
    dossier("m1", bench.declare(1))
    bench.fetch()
    [name] = bench.kept()
    path = bench.blobs.folder / name[:2] / name
    stored = path.read_bytes()
    part = 4 + int.from_bytes(stored[:4])
    path.write_bytes(
        {
            "cut": stored[: 2 * part],
            "changed": stored[:1000] + bytes([stored[1000] ^ 1]) + stored[1001:],
            "swapped": stored[part : 2 * part] + stored[:part] + stored[2 * part :],
        }[harm]
    )

    with pytest.raises((SealBroken, BlobBroken)):
        list(opened_parts(bench.blobs, name=name, size=len(large), vault=bench.store.vault))


def test_the_log_has_the_digest_of_the_manifest_and_no_address(bench, dossier):
    bench.site.files["/f/1"] = PDF
    dossier("m1", bench.declare(path="/f/1?token=secret"))
    bench.fetch()

    [complete] = bench.notes("message.files_complete")
    assert (complete["files"], complete["bytes"]) == (1, len(PDF))
    assert len(complete["manifest"]) == 64
    with reading(bench.store) as connection:
        everything = [str(row) for row in connection.execute(select(audit.c.detail))]
    assert "secret" not in "".join(everything)


def test_no_error_tells_an_address(bench, dossier):
    dossier("m1", bench.declare(path="/f/gone?token=secret"))

    bench.fetch()

    [problem] = bench.problems("m1")
    assert "secret" not in repr(problem)
    assert "127.0.0.1" not in repr(problem)


def test_files_go_with_the_document_and_what_others_need_stays(bench, dossier):
    bench.site.files |= {"/f/1": PDF, "/f/2": PDF + b"\n"}
    dossier("m1", bench.declare(1), bench.declare(2), code="D-1")
    bench.fetch()
    bench.exchange.step(2)
    dossier("m2", bench.declare(1), code="D-2")
    bench.fetch()
    bench.exchange.clock.tick(days=20)

    retain(
        bench.store,
        ages={PayloadClass.DOCUMENTS: timedelta(days=10)},
        unqueued=(),
        clock=bench.exchange.clock,
        apply=True,
    )
    removed = sweep_files(bench.store, bench.blobs, clock=bench.exchange.clock)

    assert removed == 1
    [kept] = bench.kept()
    assert {file.blob for file in bench.manifest("m2")} == {kept}
    assert [file.declared for file in bench.manifest("m1")] == [None, None]
    assert bench.manifest("m1")[0].found.sha256 == hashlib.sha256(PDF).hexdigest()


@pytest.mark.parametrize("end", ["rejected", "discarded", "superseded", "reissued"])
def test_files_of_dossiers_that_never_went_are_erased_too(bench, dossier, record, event, end):
    bench.site.files |= {"/f/1": PDF, "/f/2": HTML}
    if end in ("discarded", "superseded"):
        bench.site.statuses["/f/2"] = 503
    dossier("m1", bench.declare(1), bench.declare(2))
    bench.fetch()
    if end == "discarded":
        bench.exchange.act("discard", "m1")
    elif end == "superseded":
        dossier("m2", content="b")
    elif end == "reissued":
        made = Made(origin=ORIGIN, record=record(1, event("m2", "D-1")), item=0)
        with begin(bench.store, at=bench.exchange.clock) as work:
            ledger = load_ledgers(work.connection, ["D-1"], agency="land", to_change=True)["D-1"]
            put_in_place(work, ledger, ledger.messages[0], made=made, reason="mended")
    assert bench.exchange.state_of("m1") == end
    assert len(bench.kept()) == 1

    def retained(age):
        ages = {PayloadClass.DOCUMENTS: timedelta(days=age)}
        clock = bench.exchange.clock
        [counted] = retain(bench.store, ages=ages, unqueued=(), clock=clock, apply=False)
        [done] = retain(bench.store, ages=ages, unqueued=(), clock=clock, apply=True)
        sweep_files(bench.store, bench.blobs, clock=clock)
        assert counted.erased == done.erased
        return done.erased

    bench.exchange.clock.tick(days=20)
    assert (retained(30), len(bench.kept())) == (0, 1)
    assert (retained(10), bench.kept()) == (1, [])
    assert retained(10) == 0
    # What an agency has not corrected yet keeps its document, and what was wrong with it.
    assert bool(bench.problems("m1")) == (end == "rejected")
    is_named = [file.declared is not None for file in bench.manifest("m1")]
    assert is_named == [end == "rejected"] * 2


def test_what_a_killed_fetch_left_is_swept_up(bench, dossier):
    bench.site.files["/f/1"] = PDF
    dossier("m1", bench.declare())
    bench.fetch()
    shelf = bench.blobs.folder / "ff"
    shelf.mkdir()
    (shelf / "ffff.part").write_bytes(b"half")
    (shelf / "ffee").write_bytes(b"nobody's")
    clock = bench.exchange.clock

    assert sweep_leavings(bench.store, bench.blobs, clock=clock) == 0
    clock.now = clock.now.fromtimestamp(time.time(), tz=clock.now.tzinfo) + OVER
    clock.tick(seconds=60)
    assert sweep_leavings(bench.store, bench.blobs, clock=clock) == 2

    assert len(bench.kept()) == 1


def test_a_full_file_store_is_no_fault_of_the_dossier(bench, dossier, monkeypatch):
    bench.site.files["/f/1"] = PDF
    dossier("m1", bench.declare())

    def full(_name, _parts):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bench.blobs, "write", full)
    bench.fetch()

    assert bench.exchange.state_of("m1") == "held"
    assert bench.problems("m1")[0].code == "attachment.store"


def test_files_beyond_the_limits_are_refused_while_they_come(bench, dossier):
    def endless():
        while True:
            yield bytes(100_000)

    bench.site.streams["/f/1"] = endless
    dossier("m1", bench.declare())

    bench.fetch(limits=FileLimits(file_bytes=1_000_000, dossier_bytes=10_000_000))

    assert bench.exchange.state_of("m1") == "rejected"
    assert [problem.code for problem in bench.problems("m1")] == ["attachment.too_large"]
    assert bench.kept() == []


@pytest.mark.parametrize("way", ["url", "no length", "file"])
def test_files_that_are_too_much_together_name_limit_sum_and_the_largest(bench, dossier, way):
    sizes = {1: 700, 2: 300, 3: 400}
    files = {n: PDF[:-6] + bytes(size - len(PDF)) + PDF[-6:] for n, size in sizes.items()}
    folder = bench.blobs.folder.parent / "land"
    folder.mkdir()
    bench.servers["folder"] = FileServer(url=folder.as_uri(), agencies=("land",))
    for number, content in files.items():
        (folder / f"{number}.pdf").write_bytes(content)
        if way == "no length":
            bench.site.streams[f"/f/{number}"] = lambda content=content: iter([content])
        bench.site.files[f"/f/{number}"] = content
    said = {"way": "file"} if way == "file" else {}
    names = {n: f"{n}.pdf" for n in files}
    sources = {n: {"source": name} if said else {} for n, name in names.items()}
    dossier("m1", *(bench.declare(n, name=names[n], **said, **sources[n]) for n in files))

    bench.fetch(limits=FileLimits(file_bytes=1_000, dossier_bytes=1_300))

    assert bench.exchange.state_of("m1") == "rejected"
    [problem] = bench.problems("m1")
    assert problem.code == "attachment.too_much"
    assert problem.message.vi == (
        "Các tệp đính kèm của hồ sơ có ít nhất 1400 byte, giới hạn 1300; tệp lớn nhất: số 1 "
        "«1.pdf», 700 byte"
    )
    assert problem.message.en == (
        "The attachments of the dossier have at least 1400 bytes, the limit is 1300; the largest "
        "is 1 '1.pdf' with 700 bytes"
    )
    assert problem.place.path == "[0].tep[0].link"


def test_a_file_beyond_its_own_limit_is_no_matter_of_the_sum(bench, dossier):
    bench.site.files["/f/1"] = PDF[:-6] + bytes(2_000) + PDF[-6:]
    dossier("m1", bench.declare(1))

    bench.fetch(limits=FileLimits(file_bytes=1_000, dossier_bytes=900))

    [problem] = bench.problems("m1")
    assert problem.code == "attachment.too_large"
    assert "1000 byte" in problem.message.vi


def test_an_agency_without_a_server_waits_for_the_operator(bench, dossier):
    dossier("m1", bench.declare(), agency="nobody")

    bench.fetch()

    assert bench.exchange.state_of("m1") == "held"
    assert bench.problems("m1")[0].code == "attachment.no_server"
    assert bench.site.asked == []


def test_kept_files_are_sealed_anew_after_a_rotation(bench, dossier):
    bench.site.files |= {"/f/1": PDF, "/f/2": PDF + b"\n"}
    dossier("m1", bench.declare(1), bench.declare(2))
    bench.fetch()
    before = bench.kept()
    rotate(bench.store.vault.file, SqlKeyStore(bench.store.engine), now=bench.exchange.clock())
    (bench.blobs.folder / before[0][:2] / before[0]).unlink()

    first = reseal_files(bench.store, bench.blobs, clock=bench.exchange.clock)
    again = reseal_files(bench.store, bench.blobs, clock=bench.exchange.clock)

    assert (first.files, first.broken, again.files) == (1, (before[0],), 0)
    [name] = bench.kept()
    assert name not in before
    [size] = [file.found.size for file in bench.manifest("m1") if file.blob == name]
    stored = (bench.blobs.folder / name[:2] / name).read_bytes()
    assert stored[4:].startswith(bench.store.vault.prefix)
    opened = opened_parts(bench.blobs, name=name, size=size, vault=bench.store.vault)
    assert b"".join(opened).startswith(b"%PDF")


def test_a_bug_that_one_dossier_meets_ends_nobody_else_s_fetching(bench, dossier, monkeypatch):
    bench.site.files |= {"/f/1": PDF, "/f/2": PDF}
    dossier("m1", bench.declare(1))
    dossier("m2", bench.declare(2), code="D-2")
    write, calls = bench.blobs.write, []

    def stumbles_once(name, parts):
        calls.append(name)
        if len(calls) == 1:
            raise LookupError("a bug")
        write(name, parts)

    monkeypatch.setattr(bench.blobs, "write", stumbles_once)
    bench.fetch(slots=1)
    assert sorted(state for _, state in bench.exchange.states()) == ["held", "ready"]

    bench.exchange.clock.tick(minutes=6)
    bench.fetch()
    assert sorted(state for _, state in bench.exchange.states()) == ["ready", "ready"]


def test_a_manifest_that_does_not_open_is_left_for_the_operator(bench, dossier):
    bench.site.files["/f/1"] = PDF
    dossier("m1", bench.declare(1))
    with bench.store.engine.begin() as connection:
        connection.execute(update(attachments).values(declared=b"\x01damaged"))

    bench.fetch()

    assert bench.exchange.state_of("m1") == "held"
    assert bench.site.asked == []


def test_a_snapshot_rejected_for_its_file_is_reissued_beside_its_progress(
    bench, dossier, record, event
):
    dossier("m1", bench.declare(), progress="m1p")
    bench.fetch()
    assert bench.exchange.states() == [("m1", "rejected"), ("m1p", "held")]
    bench.site.files["/f/1"] = PDF
    events = [event("m2", "D-1"), event("m2p", "D-1", content="p", packet=Packet.PROGRESS)]
    made = Made(
        origin=ORIGIN,
        record=replace(record(1, *events), files=(bench.declare(),)),
        item=0,
    )

    with begin(bench.store, at=bench.exchange.clock) as work:
        ledger = load_ledgers(work.connection, ["D-1"], agency="land", to_change=True)["D-1"]
        put_in_place(work, ledger, ledger.messages[0], made=made, reason="mended")
    bench.fetch()

    assert bench.exchange.states() == [("m1", "reissued"), ("m1p", "held"), ("m2", "ready")]


def test_a_file_that_is_still_being_copied_is_waited_for_too(bench, dossier):
    folder = bench.blobs.folder.parent / "land"
    folder.mkdir()
    bench.servers["land"] = FileServer(
        url=folder.as_uri(), agencies=("land",), missing_after_seconds=300
    )
    (folder / "don.pdf").write_bytes(PDF[:-40])
    dossier("m1", bench.declare(way="file", source="don.pdf", size=len(PDF)))

    bench.fetch()
    assert bench.exchange.state_of("m1") == "held"
    assert bench.problems("m1")[0].code == "attachment.not_there_yet"
    (folder / "don.pdf").write_bytes(PDF)
    bench.exchange.clock.tick(seconds=30)
    bench.fetch()

    assert bench.exchange.state_of("m1") == "ready"


def test_a_file_beside_that_stays_wrong_is_waited_for_no_longer_than_is_set(bench, dossier):
    folder = bench.blobs.folder.parent / "land"
    folder.mkdir()
    bench.servers["land"] = FileServer(
        url=folder.as_uri(), agencies=("land",), missing_after_seconds=300
    )
    (folder / "don.pdf").write_bytes(PDF[:-40])
    (folder / "html.pdf").write_bytes(HTML)
    dossier("m1", bench.declare(way="file", source="don.pdf"))
    dossier("m2", bench.declare(way="file", source="html.pdf"), code="D-2")

    bench.fetch()
    assert bench.exchange.states() == [("m1", "held"), ("m2", "rejected")]
    bench.exchange.clock.tick(seconds=301)
    bench.fetch()

    assert bench.exchange.state_of("m1") == "rejected"
    assert bench.problems("m1")[0].code == "attachment.truncated"


class Told:
    """What agencies were told of files that are waited for."""

    def __init__(self, bench):
        self._bench = bench

    def __call__(self):
        store, clock = self._bench.store, self._bench.exchange.clock
        found = list_results(store, agency="land", after=0, limit=100, clock=clock)
        return [
            (one.message_id, [problem.code for problem in one.problems])
            for one in found
            if one.kind == "held"
        ]

    def values(self):
        store, clock = self._bench.store, self._bench.exchange.clock
        found = list_results(store, agency="land", after=0, limit=100, clock=clock)
        return result_values(found[-1])


def test_an_agency_is_told_once_that_its_dossier_waits_for_a_file(bench, dossier):
    told = Told(bench)
    bench.site.files["/f/1"] = PDF
    bench.site.statuses["/f/2"] = 503
    dossier("m1", bench.declare(1), bench.declare(2, name="giay.pdf"))

    for _ in range(6):
        bench.fetch(tell_after=timedelta(hours=2))
        bench.exchange.clock.tick(minutes=10)
    assert told() == []

    for _ in range(5):
        bench.fetch(tell_after=timedelta(hours=2))
        bench.exchange.clock.tick(hours=1)
    assert told() == [("m1", ["attachment.unreachable"])]
    values = told.values()
    assert (values["kind"], values["state"], values["dossier"]) == ("held", "held", "D-1")
    [error] = values["errors"]
    assert error["message"]["vi"].startswith("Tệp đính kèm số 2 «giay.pdf» chưa lấy được")
    assert error["message"]["en"].startswith("Attachment 2 'giay.pdf' cannot be had")
    assert error["source"]["path"] == "[0].tep[1].link"
    assert [note["codes"] for note in bench.notes("message.files_late")] == [
        "attachment.unreachable"
    ]

    bench.site.statuses["/f/2"] = 403
    for _ in range(3):
        bench.fetch(tell_after=timedelta(hours=2))
        bench.exchange.clock.tick(hours=1)
    assert [codes for _, codes in told()] == [["attachment.refused"]] * 2


def test_what_will_be_left_alone_for_longer_is_told_at_once(bench, dossier):
    told = Told(bench)
    bench.site.statuses["/f/1"] = 503
    bench.site.headers["/f/1"] = {"Retry-After": "80000"}
    dossier("m1", bench.declare())

    bench.fetch(tell_after=timedelta(hours=2))

    assert told() == [("m1", ["attachment.unreachable"])]


def test_a_file_that_is_waited_for_stands_among_what_is_wrong_with_its_submission(bench, dossier):
    bench.site.statuses["/f/1"] = 503
    dossier("m1", bench.declare())
    bench.fetch()

    found = submission_findings(bench.store, "s1", columns=no_columns)

    assert [(one.record, one.problem.code) for one in found] == [(1, "attachment.unreachable")]


def test_what_waits_for_long_is_counted_by_its_reason(bench, dossier):
    bench.site.statuses["/f/1"] = 500
    dossier("m1", bench.declare(1))
    dossier("m2", bench.declare(1), code="D-2")
    bench.fetch()
    begun = bench.exchange.clock()
    bench.exchange.clock.tick(seconds=7200)
    dossier("m3", bench.declare(1), code="D-3")

    def late(before):
        with reading(bench.store) as connection:
            found = read_late_fetches(connection, before=before)
        return [(one.reason, one.count, one.oldest) for one in found]

    now = bench.exchange.clock()
    assert late(begun - timedelta(hours=1)) == []
    assert late(now - timedelta(hours=1)) == [("attachment.unreachable", 2, begun)]
    assert late(now + timedelta(seconds=1)) == [
        ("attachment.unreachable", 2, begun),
        ("", 1, now),
    ]


def test_a_file_that_may_still_come_hides_no_wrong_one_behind_it(bench, dossier):
    bench.servers["land"] = bench.servers["land"].model_copy(update={"missing_after_seconds": 300})
    bench.site.files |= {"/f/2": HTML, "/f/4": PDF}
    dossier("m1", bench.declare(1), bench.declare(2))
    dossier("m2", bench.declare(1, path="/f/3"), bench.declare(2, path="/f/4"), code="D-2")

    bench.fetch()

    assert bench.exchange.states() == [("m1", "rejected"), ("m2", "held")]
    assert [problem.code for problem in bench.problems("m1")] == ["attachment.html"]
    assert [problem.code for problem in bench.problems("m2")] == ["attachment.not_there_yet"]
    assert [one.found is not None for one in bench.manifest("m2")] == [False, True]


@pytest.mark.parametrize("harm", ["all", "one unread"])
def test_a_manifest_of_which_lines_are_gone_lets_no_dossier_go(bench, dossier, harm):
    bench.site.files["/f/1"] = PDF
    dossier("m1", bench.declare(1), bench.declare(2))
    with bench.store.engine.begin() as connection:
        if harm == "all":
            connection.execute(delete(attachments))
        else:
            second = attachments.c.number == 2
            connection.execute(update(attachments).where(second).values(declared=None))

    bench.fetch()
    bench.exchange.step(2)

    assert bench.exchange.states() == [("m1", "held")]
    assert bench.exchange.portal.sent == []
