"""`mapping preview`: an integrator and somebody at the agency see where each value comes from."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

GUIDE = (Path(__file__).parents[2] / "docs" / "mapping-language.md").read_text("utf-8")


def block(language, *, after=""):
    """Return the first code block of a language in the guide, or in a part of it."""
    found = re.search(rf"{after}.*?```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return found[1]


@pytest.fixture
def example(tmp_path):
    """Write the guide's worked example."""
    (tmp_path / "so.yaml").write_text(block("yaml"), "utf-8")
    (tmp_path / "ho-so.csv").write_text(block("csv"), "utf-8")
    return tmp_path


class Page(HTMLParser):
    """Reads a page strictly: every tag must be closed in its turn."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, text):
        super().__init__()
        self.open = []
        self.ids = []
        self.links = []
        self.loads = []
        self.texts = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag == "a":
            self.links.append(attributes["href"])
        self.loads += [tag] if tag in {"script", "link", "img", "iframe"} else []
        self.loads += [name for name in attributes if name in {"src", "style"} or name[:2] == "on"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data.strip())


def test_the_alternative_that_made_a_value_is_shown_with_its_line(quick, example):
    rule = "  NgayHenTra:\n    first:\n      - Hẹn\n      - {from: Hẹn trả, date: [dd/MM/yyyy]}\n"
    written = (example / "so.yaml").read_text("utf-8")
    written = re.sub(r"(?m)^  NgayHenTra: .*\n", rule, written)
    (example / "so.yaml").write_text(written, "utf-8")

    terminal = quick("mapping", "preview", "ho-so.csv", "-a", "so.yaml")
    page = quick("mapping", "preview", "ho-so.csv", "-a", "so.yaml", "--html", "xem.html")

    told = " ".join(terminal.out.split())
    assert (terminal.code, page.code) == (0, 0)
    assert "20250710000000 alternative 1 of `first` (line 30)" in told
    assert "→ alternative 2 of `first` (line 31)" in told
    texts = Page((example / "xem.html").read_text("utf-8")).texts
    assert "quy tắc thứ 1 của `first`" in " ".join(texts)
    assert "quy tắc thứ 2 của `first`" in " ".join(texts)


def test_the_guides_example_is_shown_field_by_field(quick, example):
    result = quick("mapping", "preview", "ho-so.csv", "-a", "so.yaml")

    assert result.code == 0
    shown = [line.rstrip() for line in result.out.splitlines()]
    example_rows = block("text", after="## Preview").splitlines()
    assert [line for line in example_rows if line not in shown] == []
    told = " ".join(result.out.split())
    assert "Record 1 · ho-so.csv, row 2 · H29.15-250707-0001 · accepted" in told
    assert "date dd/MM/yyyy HH:mm" in told
    assert "code list tinh_trang:" in told
    assert "TaiLieuNop[2].TenTepDinhKem" in told
    assert "no rule uses" not in told


def test_the_guides_example_names_cell_rule_and_line_of_a_value(quick, example):
    (record,) = quick("mapping", "preview", "ho-so.csv", "-a", "so.yaml", "--json").json["records"]

    (field,) = (f for f in record["packets"][0]["fields"] if f["field"] == "TrangThaiHoSo")
    lines = block("yaml").splitlines()
    assert field["value"] == "4"
    assert lines[field["line"] - 1] == "  TrangThaiHoSo: {from: Tình trạng, codes: tinh_trang}"
    read, code = field["steps"]
    assert (read["kind"], read["after"], read["source"]["column"]) == (
        "source",
        "Đang xử lý",
        "F (Tình trạng)",
    )
    assert (code["kind"], code["before"], code["after"]) == ("codes", "Đang xử lý", "4")
    assert lines[code["line"] - 1] == '      - {from: "Đang xử lý", to: "4"}'


@pytest.mark.parametrize("columns", ["80", "120"])
def test_a_terminal_of_usual_width_is_not_overrun(cli, example, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)

    out = cli("mapping", "preview", "ho-so.csv", "-a", "so.yaml", lang="vi").out

    assert max(map(len, out.splitlines())) <= 120


def test_what_is_shown_in_json_is_what_convert_reports(quick, keyed, sample_set, tmp_path):
    sample = sample_set.of("igate-one-stop")

    shown = quick("mapping", "preview", sample.path, "-a", sample.agency, "--limit", 999, "--json")
    converted = keyed("convert", sample.path, "-a", sample.agency, "--json")

    assert (shown.code, converted.code) == (1, 1)
    records = shown.json["records"]
    assert len(records) == sample.records
    told = {"repeated", "duplicate"}
    reported = [e for e in converted.json["errors"] if e["code"].split(".")[1] not in told]
    assert len(reported) > 10
    assert [
        (record["record"], error["code"], error["source"], error["field"])
        for record in records
        for error in record["errors"]
    ] == [(e["record"], e["code"], e["source"], e["field"]) for e in reported]


def test_one_record_and_one_dossier_can_be_asked_for(quick, sample_set):
    sample = sample_set.of("land-registration")
    words = ("mapping", "preview", sample.path, "-a", sample.agency, "--json")

    by_code = quick(*words, "--dossier", sample.dossiers[3])
    number = by_code.json["records"][0]["record"]

    assert [record["dossier"] for record in by_code.json["records"]] == [sample.dossiers[3]]
    assert quick(*words, "--record", number).out == by_code.out


@pytest.mark.parametrize("words", [("--record", "9000"), ("--dossier", "không có")])
def test_what_the_file_does_not_hold_is_told_and_no_page_is_left(
    quick, sample_set, words, tmp_path
):
    sample = sample_set.of("land-registration")

    result = quick(
        "mapping", "preview", sample.path, "-a", sample.agency, *words, "--html", "xem.html"
    )

    assert result.code == 1
    assert "preview.nothing_found" in result.err
    assert list(tmp_path.iterdir()) == []


def test_both_at_once_are_refused(quick, example):
    result = quick(
        "mapping", "preview", "ho-so.csv", "-a", "so.yaml", "--record", "1", "--dossier", "x"
    )

    assert (result.code, "usage.conflict" in result.err) == (2, True)


@pytest.mark.parametrize("agency", ["igate-one-stop", "ward-civil-status", "district-portalqh"])
def test_the_page_is_whole_by_itself_and_every_link_in_it_leads_somewhere(
    quick, sample_set, agency, tmp_path
):
    sample = sample_set.of(agency)

    result = quick(
        "mapping", "preview", sample.path, "-a", agency, "--limit", 999, "--html", "xem.html"
    )

    assert result.code == 1
    page = Page((tmp_path / "xem.html").read_text("utf-8"))
    assert page.loads == []
    assert len(page.ids) == len(set(page.ids))
    assert {unquote(link) for link in page.links} <= {f"#{name}" for name in page.ids}
    # That a dossier came twice is seen by whoever takes the whole file.
    bad = {error.record for error in sample.expected if error.code != "dossier.duplicate"}
    assert sum(text == "bị từ chối" for text in page.texts) == len(bad)


def test_a_hostile_value_is_text_in_the_page_and_steers_no_terminal(quick, example):
    row = (example / "ho-so.csv").read_text("utf-8")
    spoilt = row.replace("Nguyễn Thị Mẫu", "<script>alert(1)</script>\x1b[2J\x07")
    (example / "ho-so.csv").write_text(spoilt, "utf-8")
    words = ("mapping", "preview", "ho-so.csv", "-a", "so.yaml")

    shown = quick(*words)
    quick(*words, "--html", "xem.html")

    assert shown.code == 1
    assert "\x1b[2J" not in shown.out
    text = (example / "xem.html").read_text("utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[2J\\x07" in text
    Page(text)


def test_a_place_that_cannot_be_written_is_told_before_anything_is_read(quick, example):
    result = quick(
        "mapping", "preview", "khong-co.csv", "-a", "so.yaml", "--html", "so.yaml/xem.html"
    )

    assert (result.code, "output.unwritable" in result.err) == (2, True)


def test_a_preview_needs_no_key(cli, example):
    assert cli("mapping", "preview", "ho-so.csv", "-a", "so.yaml").code == 0
    assert sorted(path.name for path in example.iterdir()) == ["ho-so.csv", "so.yaml"]


MESSAGE = """[
 {"MaHoSo": "000.15.29.H29-260305-0042", "MaTTHC": "1.012784", "ChuHoSo": "Trần Văn Mẫu",
  "LoaiDoiTuong": "1", "NgayTiepNhan": "20260305081500", "TrangThaiHoSo": "1", "MaLinhVuc": "G10"},
 {"MaHoSo": "000.15.29.H29-260305-0043", "MaTTHC": "1.012784", "ChuHoSo": "Lý 李",
  "LoaiDoiTuong": "1", "NgayTiepNhan": "20260305081500", "TrangThaiHoSo": "1"}]
"""
INBOUND = ("mapping", "preview", "m.json", "-a", "land-registration", "--inbound")


def test_a_message_of_the_portal_is_shown_beside_the_file_that_the_agency_gets(quick, tmp_path):
    (tmp_path / "m.json").write_text(MESSAGE, "utf-8")

    result = quick(*INBOUND, "DongBoHoSoMC", "--limit", "9", "--out", "ra")

    assert result.code == 1
    shown = " ".join(result.out.split())
    assert "Agency's column" in shown
    assert "MaThuTuc 1.012784.000.00.00.H29" in shown
    assert "date written dd/MM/yyyy HH:mm" in shown
    assert "target.unencodable" in shown
    assert "Source columns that no rule uses" in shown
    (written,) = (tmp_path / "ra").iterdir()
    assert written.name == "hoso-000.15.29.H29-260305-0042-preview-1.csv"
    assert b";05/03/2026 08:15;;M\xedi \xae\xa8ng k\xfd;" in written.read_bytes()


def test_a_message_is_shown_to_programs_and_browsers_too(quick, tmp_path):
    (tmp_path / "m.json").write_text(MESSAGE, "utf-8")

    told = json.loads(quick(*INBOUND, "DongBoHoSoMC", "--json").out)
    page = quick(*INBOUND, "DongBoHoSoMC", "--html", "xem.html")

    (record,) = told["records"]
    assert record["file"] == {
        "name": "hoso-000.15.29.H29-260305-0042-{message}.csv",
        "media_type": "text/csv",
        "charset": "tcvn3",
    }
    assert record["packets"][0]["fields"][0]["field"] == "MaHoSoMotCua"
    assert page.code == 0
    Page((tmp_path / "xem.html").read_text("utf-8"))


def test_a_service_that_the_mapping_does_not_name_is_answered_with_the_nearest(quick, tmp_path):
    (tmp_path / "m.json").write_text(MESSAGE, "utf-8")

    unknown = quick(*INBOUND, "DongBoHoSo")
    alone = quick("mapping", "preview", "m.json", "-a", "land-registration", "--out", "ra")

    assert (unknown.code, alone.code) == (2, 2)
    assert "did you mean 'DongBoHoSoMC'?" in unknown.err
    assert "--out needs --inbound" in alone.err
