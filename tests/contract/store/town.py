"""An installation of two agencies whose messages have come to every end, and who asks."""

from datetime import timedelta
from io import BytesIO

from starlette.testclient import TestClient

from broker.memory import MemoryBroker
from lienthong.access.rights import EVERY, Grant, Role
from lienthong.api.app import make_app
from lienthong.channels.port import Answer, Found, LookUp, Outcome
from lienthong.flows.receive import Offer, receive
from lienthong.moving import Moving
from lienthong.proving import Proving
from lienthong.store.access_tokens import make_access_token
from lienthong.store.database import reading
from lienthong.store.tables import metadata
from lienthong.store.work import begin
from lienthong.testing.evidence_site import MADE_AT, QuietSite, SigningPortal
from signing import XadesSigner, make_development_pki

OURS, THEIRS = "ours", "zqtheirs"
CODES = {OURS: "000.00.15.H29", THEIRS: "000.00.16.H29"}
DATES = {OURS: "260302", THEIRS: "770707"}
"""Within the codes of dossiers."""
PAPERS = {OURS: "079080001234", THEIRS: "079080009876"}
MARKS = (THEIRS, DATES[THEIRS], PAPERS[THEIRS])
"""What stands in everything that the other agency writes, in lower case."""
KINDS = {"0001": "delivered", "0002": "parked", "0003": "quarantined", "0004": "rejected"}
"""What becomes of a dossier, by the end of its code."""
SHARED = "H29.15-260303-0001"
"""A dossier of this code both have."""
WHY = "kiểm tra lại"
MAPPING = """
mapping: {name}
version: 1
schema: dvcqg-2022
agency: {{code: "{code}", name: "Sở {name}"}}
source: {{format: csv}}
dossier:
  MaHoSo: dossier
  ChuHoSo: owner
  SoGiayToChuHoSo: paper
  LoaiDoiTuong: {{constant: "1"}}
  MaTTHC: {{constant: "1.001612"}}
  TenTTHC: {{constant: "Thủ tục"}}
  MaLinhVuc: {{constant: "G07-KH02"}}
  TenLinhVuc: {{constant: "Lĩnh vực"}}
  NgayTiepNhan: {{from: received, date: ["dd/MM/yyyy"]}}
  TrangThaiHoSo: {{from: status, codes: {{moi: "2"}}}}
  HinhThuc: {{constant: "0"}}
  DonViXuLy: {{from: office}}
tests: []
"""
HEAD = "dossier,owner,paper,received,status,office"


class Portal(SigningPortal):
    """Answers by what the dossier's code ends with."""

    def send(self, request):
        end = KINDS[request.dossier_code[-4:]]
        if end == "parked":
            return Answer(outcome=Outcome.REJECTED, code="-1", message=request.dossier_code)
        if end == "quarantined":
            return Answer(outcome=Outcome.UNRECOGNISED, code="777", message=request.dossier_code)
        return super().send(request)

    def look_up(self, *, agency_code, dossier_code):
        return LookUp(found=Found.ABSENT)


class Town(QuietSite):
    """Two agencies, one of which writes a mark into everything; of a folder that has one: it."""

    def __init__(self, folder, *, store_url=None, **tables):
        maps = folder / "maps"
        if not maps.exists():
            _found(folder, maps)
        console = {"totp_required": False}
        super().__init__(folder, store_url=store_url, mappings_dir=maps, console=console, **tables)
        self.files = 0

    def clock(self):
        # Whoever waits for a turn at the portal waits for this clock.
        with self._ticking:
            self._now += timedelta(milliseconds=50)
        return super().clock()

    def open_channel(self):
        return Portal(XadesSigner(self.keyring.portal_key()))

    def bring(self, agency, *rows):
        self.files += 1
        with self.open_broker() as broker:
            receive(
                Offer(
                    source=BytesIO("\n".join([HEAD, *rows]).encode()),
                    file_name=f"{agency}-{self.files}.csv",
                    agency=agency,
                    door="file",
                    sender=f"{agency}-sender",
                ),
                store=self.store,
                broker=broker,
                clock=self.clock,
            )
        self.work()


def rows_of(agency):
    """Return one row for each of KINDS, and one of a dossier that others have too."""
    codes = [f"H29.15-{DATES[agency]}-{end}" for end in KINDS]
    return [
        f"{code},{agency} Nguyễn,{PAPERS[agency]},02/03/2026,"
        f"{agency if KINDS[code[-4:]] == 'rejected' else 'moi'},{agency} phòng"
        for code in (*codes, SHARED)
    ]


def _found(folder, maps):
    """Make what a town of `folder` begins with."""
    maps.mkdir()
    for name, code in CODES.items():
        text = MAPPING.format(name=name, code=code)
        (maps / f"{name}.yaml").write_text(text, encoding="utf-8")
    agencies = {name: (code, f"Sở {name}") for name, code in CODES.items()}
    make_development_pki(folder / "keys", agencies=agencies, now=MADE_AT, days=3_000, kind="ec")


class Hall:
    """The operators' API of a town, in this process, and tokens for it."""

    def __init__(self, town):
        self.town = town
        self.broker = MemoryBroker(clock=town.clock)
        self.app = make_app(town, publisher=self.broker, is_stopping=lambda: True)
        self.client = TestClient(self.app, raise_server_exceptions=False)

    def token(self, *roles, agencies=EVERY, name="root"):
        some = agencies if agencies is EVERY else frozenset(agencies)
        with begin(self.town.store, at=self.town.clock, actor="root") as work:
            grants = [Grant(role=role, agencies=some) for role in roles]
            return make_access_token(work, name, grants=grants, expires_at=None)

    def ask(self, method, path, token, **more):
        headers = {"Authorization": f"Bearer {token}"} | more.pop("headers", {})
        return self.client.request(method, f"/v1{path}", headers=headers, **more)

    def do(self, path, token, **said):
        answer = self.ask("POST", path, token, json=said)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def messages(self, token, **filters):
        return self.ask("GET", "/messages", token, params=filters).json()["messages"]


def fill(hall):
    """Have people act on the messages of each agency; return a token of every right."""
    town = hall.town
    for agency in (OURS, THEIRS):
        town.bring(agency, *rows_of(agency))
    every = hall.token(*Role)
    second = hall.token(Role.APPROVER, name="second")
    for agency in (OURS, THEIRS):
        why = f"{WHY} {agency}"
        found = hall.messages(every, agency=agency)
        by_end = {one["state"]: one["id"] for one in found}
        assert (len(found), set(by_end)) == (5, set(KINDS.values()))
        hall.do(f"/messages/{by_end['delivered']}/reveal", every, reason=why)
        hall.do(
            f"/messages/{by_end['parked']}/correct",
            every,
            reason=why,
            corrections=[{"path": "owner", "value": f"{agency} Trần"}],
        )
        wanted = {"agency": agency, "state": "open"}
        problems = hall.ask("GET", "/problems", every, params=wanted).json()
        first = problems["problems"][0]
        decided = {"reason": why, "version": first["version"]}
        hall.do(f"/problems/{first['id']}/acknowledge", every, **decided)
        job = hall.do(
            "/replay-jobs",
            every,
            selection={"states": ["quarantined"], "agency": agency},
            verb="resend",
            reason=why,
        )
        hall.do(f"/replay-jobs/{job['id']}/approve", second, digest=job["digest"])
        hall.do("/pauses", every, agency=agency, what="delivery", reason=why)
    Moving(town).make_acknowledger().step()
    Proving(town).make_sealer().step()
    return every


def kept(store):
    """Return every row of every table, by table."""
    with reading(store) as connection:
        return {
            table.name: sorted(repr(tuple(row)) for row in connection.execute(table.select()))
            for table in metadata.sorted_tables
        }
