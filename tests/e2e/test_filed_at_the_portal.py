"""A dossier filed at the simulator's portal reaches an agency's own file; its status comes up."""

import json
import re
import time
from dataclasses import dataclass
from typing import Any

import pytest
import urllib3

from lienthong.sandbox import read_ledger
from tests.e2e.test_other_channels import write_table

CODE = "000.15.29.H29-260305-0042"
UNIT = "000.15.29.H29"
DOSSIER = {
    "MaHoSo": CODE,
    "MaTTHC": "1.012784",
    "TenTTHC": "Tách thửa hoặc hợp thửa đất.",
    "MaLinhVuc": "G10-DD01",
    "TenLinhVuc": "Đất đai",
    "KenhThucHien": "2",
    "ChuHoSo": "Trần Văn Mẫu",
    "LoaiDoiTuong": "1",
    "SoDienThoai": "0900000042",
    "TrichYeuHoSo": "Tách thửa 112, tờ 07",
    "NgayTiepNhan": "20260305081500",
    "NgayHenTra": "20260326170000",
    "TrangThaiHoSo": "1",
    "HinhThuc": "0",
    "DonViXuLy": "Văn phòng Đăng ký đất đai",
}
READ_BY_THE_LAND_OFFICE = (
    b"MaHoSoMotCua;MaThuTuc;KenhNop;HoTen;LoaiDoiTuong;SoDienThoai;Email;TrichYeu;NgayTiepNhan;"
    b"NgayHenTra;TrangThai;TraQuaBuuDien;GhiChu;TepDinhKem\r\n"
    b"000.15.29.H29-260305-0042;1.012784.000.00.00.H29;OL;Tr\xc7n V\xa8n M\xc9u;C\xb8 nh\xa9n;"
    b"0900000042;;T\xb8ch th\xf6a 112, t\xea 07;05/03/2026 08:15;26/03/2026 17:00;"
    b"M\xedi \xae\xa8ng k\xfd;0;;\r\n"
)
"""In TCVN3: capitals with accents have no bytes there."""
WRITTEN_BY_THE_LAND_OFFICE = (
    b"SoBienNhan;MaHoSoMotCua;LanCapNhat;MaThuTuc;KenhNop;HoTen;LoaiDoiTuong;SoThuTuThua;"
    b"SoHieuBanDo;DienTich;DiaChiTaiSan;NgayTiepNhan;NgayHenTra;TrangThai;TraQuaBuuDien\r\n"
    b"260305/0042;000.15.29.H29-260305-0042;1;1.012784.000.00.00.H29;OL;Tr\xc7n V\xa8n M\xc9u;"
    b"C\xb8 nh\xa9n;112;07;84,5;12/3;05/03/2026 08:15;26/03/2026;\xa7ang x\xf6 l\xfd;0\r\n"
)
PAYMENT_READ = (
    b"MaHoSoMotCua;MaThongBaoThue;MaSoThue;NguoiNop;SoGiayTo;DiaChi;NgayNop;SoTien;TrangThai;"
    b"ChungTu\r\n"
)


@dataclass
class Site:
    """A sandbox, and an installation that knows it as target and as peer."""

    cli: Any
    control: str
    door: str
    token: str

    def file(self, *words, door=None):
        """File something and wait until it is acknowledged."""
        words += ("--door", door or f"{self.door}/json", "--token", self.token)
        return self.cli(
            "sandbox", "file", *words, "--control", self.control, "--wait", 30, "--json"
        )

    def filings(self):
        return urllib3.request("GET", f"{self.control}/filings").json()["filings"]

    def taken(self, pattern):
        """Return the files of this pattern that the land office finds, when there is one."""
        return until(lambda: sorted((self.cli.folder / "land").glob(pattern)))

    @property
    def ledger(self):
        return read_ledger(self.cli.folder / "portal" / "sandbox.sqlite")


def until(found, seconds=60):
    ends = time.monotonic() + seconds
    while not (value := found()) and time.monotonic() < ends:
        time.sleep(0.1)
    return value


@pytest.fixture
def start(cli):
    """Start commands that go on until the test ends."""
    processes = []

    def start_(*words, log):
        processes.append(cli.start(*words, log=log))
        return processes[-1]

    yield start_
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def site(cli, start):
    """Make keys, settings that fit a sandbox, and a token for the portal; start both."""
    keys = cli.folder / "keys"
    assert cli("--data-dir", "data", "keys", "make", "--out", "keys").code == 0
    (cli.folder / "lienthong.toml").write_text(f'keys_dir = "{keys}"\n')
    (cli.folder / "land").mkdir()
    words = ("--data-dir", "portal", "sandbox", "portal", "--port", 0, "--json")
    ready = json.loads(start(*words, log="portal.log").stdout.readline())
    (cli.folder / "lienthong.toml").write_text(
        f'data_dir = "data"\nkeys_dir = "{keys}"\n'
        "[delivery]\nbackoff_first_seconds = 0.2\n"
        "[http]\nport = 0\n"
        "[peers.portal]\nis_portal = true\n"
        f'[peers.portal.soap]\ntrust = ["{keys}/portal.cert.pem"]\n'
        "[peers.portal.json]\ntoken = true\n"
        "[peers.portal.services.DongBoHoSoMC]\n"
        "[peers.portal.services.ChungTuThue]\nevery_field = true\n"
        f'[peers.portal.routes]\nunits = {{"{UNIT}" = "land-registration"}}\n'
        '[receivers.land-registration]\nfolder = "land"\n' + write_table("target", ready["target"])
    )
    made = cli("doors", "token", "make", "peer:portal", "--days", 1, "--json")
    roles = ("--verbose", "run", "--roles", "http,expand,hand-over,deliver")
    start(*roles, log="run.log")
    log = cli.folder / "run.log"
    listens = until(lambda: re.search(r"(http://[0-9.:]+).*http.listening", log.read_text()))
    assert listens, log.read_text()
    door = f"{listens[1]}/v1/peers/portal"
    return Site(cli=cli, control=ready["control"], door=door, token=made.json["token"])


def test_a_dossier_filed_at_the_portal_reaches_the_land_office_and_its_status_comes_up(site):
    (site.cli.folder / "filed.json").write_text(json.dumps(DOSSIER))

    filed = site.file("filed.json", "--repeats", 2)

    assert filed.code == 0, filed.err
    assert filed.json["state"] == "acknowledged"
    assert filed.json["tries"] == 3
    (file,) = site.taken("hoso-*.csv")
    assert file.name.startswith(f"hoso-{CODE}-")
    assert file.read_bytes() == READ_BY_THE_LAND_OFFICE
    assert site.ledger.arrivals == ()

    (site.cli.folder / "next.csv").write_bytes(WRITTEN_BY_THE_LAND_OFFICE)
    submitted = site.cli("submit", "next.csv", "--agency", "land-registration")
    assert submitted.code == 0, submitted.err

    came_up = until(lambda: site.filings()[0]["came_up"])
    assert [(one["service"], one["status"]) for one in came_up][:1] == [("DongBoHoSoMC", "4")]
    sent = [one for one in site.ledger.arrivals if one.operation == "DongBoHoSoMC"]
    assert [(one.dossier_code, one.is_updating, one.outcome) for one in sent] == [(CODE, True, "0")]
    assert len(site.taken("hoso-*.csv")) == 1


def test_a_payment_filed_over_soap_without_a_door_waits_until_there_is_one(site):
    nowhere = "http://127.0.0.1:9/v1/peers/portal/json"
    words = ("sandbox", "file", "--sample", "--control", site.control, "--door", nowhere)
    waiting = site.cli(*words, "--service", "ChungTuThue", "--wait", 2)
    assert waiting.code == 1
    assert "being sent down" in waiting.out

    dossier = site.file("--sample", door=f"{site.door}/soap")

    assert dossier.code == 0, dossier.err
    assert dossier.json["state"] == "acknowledged"
    payment = until(lambda: site.filings()[1]["state"] != "waiting" and site.filings()[1])
    # The land office's mapping reads payments in JSON only, and the door took it all the same.
    assert (payment["service"], payment["state"]) == ("ChungTuThue", "acknowledged")
    assert len(site.taken("hoso-*.csv")) == 1


def test_a_payment_reaches_the_land_office(site):
    filed = site.file("--sample", "--service", "ChungTuThue")

    assert filed.code == 0, filed.err
    (file,) = site.taken("thue-*.csv")
    head, row = file.read_bytes().splitlines(keepends=True)
    assert head == PAYMENT_READ
    assert b";TB-0001;8000000042;Tr\xc7n V\xa8n M\xc9u;079000000042;12/3 " in row
    assert b";1.250.000;\xa7\xb7 n\xe9p;https://dvc.example.vn/ct/1\r\n" in row


def test_a_dossier_that_is_not_as_published_is_not_filed_and_every_reason_is_told(site):
    wrong = DOSSIER | {"ChuHoSo": 7, "TenTruongLa": "", "TaiLieuNop": "x"}
    (site.cli.folder / "wrong.json").write_text(json.dumps(wrong))

    refused = site.file("wrong.json")

    assert refused.code == 2
    for words in ("ChuHoSo: expected a text", "TenTruongLa: no such field", "TaiLieuNop: expected"):
        assert words in refused.err
    assert site.filings() == []
