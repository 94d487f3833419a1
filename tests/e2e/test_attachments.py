"""Files of dossiers, from an agency's server to the portal, with the commands of an operator."""

import json
import sqlite3
import zipfile
from pathlib import Path

import pytest

import mappings
from lienthong.sandbox import read_ledger
from lienthong.testing.attached import HTML, PDF
from lienthong.testing.file_server import serving_files

PACKAGED = Path(mappings.__file__).parent / "agencies" / "igate-one-stop.yaml"
FILES = """
attachments:
  each: TepDinhKem
  when: {path: DuongDan, present: true}
  fields: {name: TenGiayTo, url: DuongDan, component: MaThanhPhanHoSo}
"""
IN_ZIP = FILES.replace("url: DuongDan", "file: DuongDan")


def record(number, *paths):
    return {
        "MaSuKien": f"sk-{number}",
        "MaHoSo": f"H29.14-250707-{number:04}",
        "MaTTHC": "1.001193",
        "TenLinhVuc": "Hộ tịch",
        "HinhThucTiepNhan": 2,
        "LoaiDoiTuong": 0,
        "MaDonViTiepNhan": "H29.14.01",
        "NgayNop": "2025-07-06 21:40:05",
        "NgayTiepNhan": "20250707081500",
        "TrangThaiHoSo": 4,
        "ThongTinNguoiNop": {"SoGiayTo": "079000000042"},
        "TepDinhKem": [
            {"IdGiayTo": f"a{place}", "TenGiayTo": f"To khai {place}.pdf", "DuongDan": path}
            for place, path in enumerate(paths, start=1)
        ],
    }


def use_mapping(cli, text):
    folder = cli.folder / "agencies"
    folder.mkdir(exist_ok=True)
    (folder / PACKAGED.name).write_text(text)


@pytest.fixture
def files():
    with serving_files() as site:
        yield site


@pytest.fixture
def with_files(site, files):
    """An installation whose one-stop agency has files on a server."""
    settings = site.cli.folder / "lienthong.toml"
    settings.write_text(
        'mappings_dir = "agencies"\n' + settings.read_text() + "[attachments]\n"
        "backoff_first_seconds = 0.2\n"
        "[attachments.servers.one-stop]\n"
        f'url = "{files.url}/f/"\n'
        'agencies = ["igate-one-stop"]\nallow_http = true\nallow_private = true\n'
    )
    use_mapping(site.cli, PACKAGED.read_text() + FILES)
    return site


def submit(cli, *records):
    (cli.folder / "hs.json").write_text(json.dumps({"data": records}))
    assert cli("submit", "hs.json", "--agency", "igate-one-stop").code == 0


def listed(cli):
    found = cli("messages", "list", "--json").json
    return {one["dossier"]: one for one in found}


def test_what_is_whole_arrives_and_what_is_not_is_named(with_files, files):
    cli = with_files.cli
    files.files |= {f"/f/{number}": PDF for number in range(1, 6)} | {"/f/bad": HTML}
    whole = record(1, *(f"{files.url}/f/{number}" for number in range(1, 6)))
    broken = record(2, *(f"{files.url}/f/{path}" for path in ("1", "2", "bad", "4", "gone")))
    submit(cli, whole, broken)

    assert cli("run", "--until-idle").code == 0

    found = listed(cli)
    assert found["H29.14-250707-0001"]["state"] == "delivered"
    assert found["H29.14-250707-0002"]["state"] == "rejected"
    told = cli("messages", "show", found["H29.14-250707-0002"]["id"], lang="vi").out
    assert "số 3 «To khai 3.pdf» là một trang HTML" in told.replace("\n", " ")
    assert "số 5 «To khai 5.pdf» không có ở địa chỉ" in told.replace("\n", " ")
    shown = cli("messages", "show", found["H29.14-250707-0001"]["id"], "--json").json
    assert [file["type"] for file in shown["files"]] == ["pdf"] * 5
    assert "message.files_complete" in [step["action"] for step in shown["history"]]
    timeline = cli("dossier", "H29.14-250707-0001").out
    assert "its files are all there" in timeline
    assert cli("audit", "verify").code == 0
    assert cli("doctor").code in (0, 1)


def test_one_unreadable_file_of_five_keeps_the_dossier_back_until_it_is_mended(with_files, files):
    cli, code = with_files.cli, "H29.14-250707-0001"
    files.files |= {f"/f/{number}": PDF for number in range(1, 6)} | {"/f/3": HTML}
    dossier = record(1, *(f"{files.url}/f/{number}" for number in range(1, 6)))
    submit(cli, dossier)
    assert cli("run", "--until-idle").code == 0
    stopped = listed(cli)[code]
    told = {lang: cli("messages", "show", stopped["id"], lang=lang).out for lang in ("vi", "en")}
    reached = read_ledger(with_files.ledger).arrivals

    # The agency's server is mended, and the agency sends the very same record again.
    files.files["/f/3"] = PDF
    submit(cli, dossier)
    assert cli("run", "--until-idle").code == 0

    assert stopped["state"] == "rejected"
    assert reached == (), "nothing of the dossier was seen by the portal"
    assert "số 3 «To khai 3.pdf» là một trang HTML" in " ".join(told["vi"].split())
    assert told["vi"].count("là một trang HTML") == 1
    assert "To khai 3.pdf" in told["en"]
    for number in (1, 2, 4, 5):
        assert f"số {number} «" not in told["vi"]
    states = {one["id"]: one["state"] for one in cli("messages", "list", "--json").json}
    assert states.pop(stopped["id"]) == "superseded"
    ((delivered, state),) = states.items()
    assert state == "delivered"
    shown = cli("messages", "show", delivered, "--json").json
    assert [file["type"] for file in shown["files"]] == ["pdf"] * 5
    (effect,) = read_ledger(with_files.ledger).effects
    assert (effect.dossier_code, effect.packet) == (code, "DongBoHoSoMC")
    assert cli("audit", "verify").code == 0


def test_convert_tells_what_is_to_be_fetched_and_fetches_when_asked(with_files, files):
    cli = with_files.cli
    files.files |= {"/f/1": PDF, "/f/2": b""}
    path = cli.folder / "hs.json"
    path.write_text(json.dumps({"data": [record(1, f"{files.url}/f/1", f"{files.url}/f/2")]}))
    words = ("convert", "hs.json", "--agency", "igate-one-stop", "--json")

    told = cli(*words)
    assert (told.code, told.json["files_to_fetch"], files.asked) == (0, 2, [])

    fetched = cli(*words, "--fetch")
    assert fetched.code == 1
    assert [one["code"] for one in fetched.json["errors"]] == ["attachment.empty"]
    assert fetched.json["errors"][0]["source"]["path"] == "data[0].TepDinhKem[1].DuongDan"


def test_files_in_the_same_zip_are_looked_at_and_a_reissue_does_so_again(with_files):
    cli = with_files.cli
    text = PACKAGED.read_text().replace(
        "source:\n  format: json\n  records: data\n",
        "source:\n  format: zip\n  members: ['*.json']\n  ignore: ['tep/*']\n"
        "  source: {format: json, records: data}\n",
    )
    assert "format: zip" in text
    use_mapping(cli, text + IN_ZIP)
    with zipfile.ZipFile(cli.folder / "hs.zip", "w") as archive:
        records = [record(1, "tep/Đơn.pdf"), record(2, "tep/rong.pdf"), record(3, "../x.pdf")]
        archive.writestr("hs.json", json.dumps({"data": records}))
        archive.writestr("tep/Đơn.pdf", PDF)
        archive.writestr("tep/rong.pdf", b"")
    assert cli("submit", "hs.zip", "--agency", "igate-one-stop").code == 0

    assert cli("run", "--until-idle").code == 0

    found = listed(cli)
    assert [found[f"H29.14-250707-000{n}"]["state"] for n in (1, 2, 3)] == [
        "delivered",
        "rejected",
        "rejected",
    ]
    empty = found["H29.14-250707-0002"]["id"]
    assert cli("messages", "reissue", empty, "-r", "again", "--yes").code == 0
    assert cli("run", "--until-idle").code == 0
    states = sorted(one["state"] for one in cli("messages", "list", "--json").json)
    assert states == ["delivered", "reissued", "rejected", "rejected"]


def test_the_doctor_names_an_agency_whose_files_nobody_may_fetch(site):
    settings = site.cli.folder / "lienthong.toml"
    settings.write_text('mappings_dir = "agencies"\n' + settings.read_text())
    use_mapping(site.cli, PACKAGED.read_text() + FILES)

    told = site.cli("doctor")

    assert told.code != 0
    assert "'igate-one-stop' has attachments by `url`" in " ".join(told.out.split())


def test_the_doctor_is_content_where_each_has_its_server(with_files):
    assert "will wait for ever" not in with_files.cli("doctor").out


def test_the_doctor_tells_of_dossiers_that_wait_for_files_for_long(with_files, files):
    cli = with_files.cli
    files.files["/f/1"] = PDF
    submit(cli, record(1, f"{files.url}/f/1"))
    assert cli("run", "--until-idle").code == 0
    with sqlite3.connect(cli.folder / "data" / "store.sqlite") as store:
        store.execute(
            "UPDATE messages SET state = 'held', awaits_files = 9, "
            "reason = 'attachment.unreachable', created_at = '2026-01-01 00:00:00.000000'"
        )
        store.execute(
            "INSERT INTO fetches (message_id, agency, due_at, fence) "
            "SELECT id, agency, created_at, 1 FROM messages"
        )

    told = " ".join(cli("doctor").out.split())

    assert "1 dossiers wait for files, the first since 2026-01-01" in told
    assert "attachment.unreachable" in told
