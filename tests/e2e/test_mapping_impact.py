"""`mapping impact`: an integrator sees what a change does before an agency does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import mappings

LAND = Path(mappings.__file__).parent / "agencies" / "land-registration.yaml"


@pytest.fixture
def changed(tmp_path):
    """Write a copy of the land office's mapping with a change."""

    def write(old, new, name="moi"):
        text = LAND.read_text("utf-8")
        assert old in text
        (tmp_path / f"{name}.yaml").write_text(text.replace(old, new), "utf-8")
        return f"{name}.yaml"

    return write


def test_the_guides_example_says_what_the_command_says(quick, tmp_path):
    guide = (Path(__file__).parents[2] / "docs" / "mapping-language.md").read_text("utf-8")
    blocks = {
        language: re.search(rf"```{language}\n(.*?)```", guide, re.DOTALL)[1]
        for language in ("yaml", "csv", "console")
    }
    moved = blocks["yaml"].replace('"Đang xử lý", to: "4"', '"Đang xử lý", to: "5"')
    (tmp_path / "so.yaml").write_text(blocks["yaml"], "utf-8")
    (tmp_path / "so-moi.yaml").write_text(moved.replace("version: 1", "version: 2"), "utf-8")
    (tmp_path / "ho-so.csv").write_text(blocks["csv"], "utf-8")

    result = quick("mapping", "impact", "so.yaml", "so-moi.yaml", "ho-so.csv")

    assert result.code == 0
    told = [" ".join(line.split()).strip("─") for line in blocks["console"].splitlines()[1:]]
    shown = [" ".join(line.split()).strip("─") for line in result.out.splitlines()]
    assert told == shown


@pytest.fixture
def land(sample_set):
    return sample_set.of("land-registration")


def test_a_change_that_harms_nobody_ends_well(quick, changed, land):
    new = changed("version: 3", "version: 4")

    result = quick("mapping", "impact", "land-registration", new, land.path, land.path)

    assert result.code == 0
    assert "land-registration@3 → land-registration@4" in result.out
    assert f"{2 * land.records} records" in result.out
    assert "become invalid" not in result.out


def test_a_word_taken_out_of_a_code_list_rejects_dossiers_and_no_value_is_shown(
    quick, changed, land, tmp_path
):
    new = changed('"Đang thẩm tra"', '"Đang thẩm tra lại"')

    result = quick("mapping", "impact", "land-registration", new, land.path, "--html", "anh.html")

    assert result.code == 1
    assert "become invalid" in result.out
    assert "mapping.code_unknown TrangThaiHoSo" in result.out
    page = (tmp_path / "anh.html").read_text("utf-8")
    assert "trở thành bị từ chối" in page
    assert "Đang thẩm tra" not in result.out + page
    assert "<script" not in page


def test_values_are_shown_on_demand_and_masked_otherwise(quick, changed, land):
    new = changed("{from: HoTen, text: [collapse_spaces]}", "{from: HoTen, text: [upper]}")
    words = ("mapping", "impact", "land-registration", new, land.path, "--json")

    masked, shown = quick(*words).json, quick(*words, "--show-values").json

    assert masked["totals"] == shown["totals"]
    (field,) = masked["fields"]
    assert (field["field"], masked["totals"]["changed"]) == ("ChuHoSo", field["dossiers"])
    assert all(set(each["after"]) == set("X ()") for each in field["examples"])
    assert "(MẪU)" in shown["fields"][0]["examples"][0]["after"]
    assert shown["fields"][0]["examples"][0]["place"]["row"] > 1


def test_a_file_that_must_be_read_twice_cannot_come_by_standard_input(quick, changed):
    new = changed("\n  delimiter:", "\n  max_record_bytes: 90000\n  delimiter:")

    result = quick("mapping", "impact", "land-registration", new, "-", stdin=b"a")

    assert (result.code, "impact.read_twice" in result.err) == (2, True)


def test_a_file_that_is_not_there_is_told(quick):
    result = quick("mapping", "impact", "land-registration", "land-registration", "khong-co.csv")

    assert (result.code, "file.unreadable" in result.err) == (2, True)


MESSAGES = """[
 {"MaHoSo": "000.15.29.H29-260305-0042", "MaTTHC": "1.012784", "ChuHoSo": "Trần Văn Mẫu",
  "LoaiDoiTuong": "1", "NgayTiepNhan": "20260305081500", "TrangThaiHoSo": "1"},
 {"MaHoSo": "000.15.29.H29-260305-0043", "MaTTHC": "1.012784", "ChuHoSo": "Lý 李",
  "LoaiDoiTuong": "1", "NgayTiepNhan": "20260305081500", "TrangThaiHoSo": "1"}]
"""
DOWN = ("--inbound", "DongBoHoSoMC")
DATE = '{to: NgayTiepNhan, from: NgayTiepNhan, required: true, date: "dd/MM/yyyy HH:mm"}'


@pytest.fixture
def messages(tmp_path):
    (tmp_path / "m.json").write_text(MESSAGES, "utf-8")
    return "m.json"


def test_what_changes_in_the_file_that_an_agency_gets_is_told_by_its_columns(
    quick, changed, messages
):
    new = changed(DATE, DATE.replace(" HH:mm", ""))

    result = quick("mapping", "impact", "land-registration", new, messages, *DOWN, "--json")

    assert result.code == 0
    assert (result.json["totals"]["changed"], result.json["totals"]["still_rejected"]) == (1, 1)
    (field,) = result.json["fields"]
    (example,) = field["examples"]
    assert field["field"] == "NgayTiepNhan"
    assert (example["before"], example["after"]) == ("99/99/9999 99:99", "99/99/9999")
    assert result.json["notices"][1:] == []


@pytest.mark.parametrize(
    ("key", "rule"),
    [("procedure", "TrichYeuHoSo"), ("status", "LoaiDoiTuong"), ("deadline", "NgayHenTra")],
)
def test_what_a_message_is_filed_by_is_compared_too(quick, changed, tmp_path, key, rule):
    message = json.loads(MESSAGES)[0] | {"TrangThaiHoSo": "4", "NgayHenTra": "20260405081500"}
    (tmp_path / "m.json").write_text(json.dumps([message]), "utf-8")
    was = {"procedure": "MaTTHC", "status": "TrangThaiHoSo", "deadline": "NgayTiepNhan"}[key]
    above = '    file_name: "hoso-{MaHoSo}-{message}.csv"\n'
    old = changed(above, f"{above}    {key}: {was}\n", name="old")
    new = changed(above, f"{above}    {key}: {rule}\n", name="new")

    result = quick("mapping", "impact", old, new, "m.json", *DOWN, "--json")

    told = [(each["field"], each["dossiers"]) for each in result.json["fields"]]
    assert told == [(f"inbound.{key}", 1)]


def test_a_file_that_says_the_same_in_other_bytes_changes(quick, changed, messages):
    new = changed('delimiter: ";"\n      fold', 'delimiter: ","\n      fold')

    result = quick("mapping", "impact", "land-registration", new, messages, *DOWN, "--json")

    (field,) = result.json["fields"]
    assert (field["field"], field["dossiers"]) == ("SHA-256", 1)
    assert result.json["heads"]["inbound.target.delimiter"] == {"old": ";", "new": ","}


def test_a_message_that_an_agency_would_not_get_any_more_ends_badly(quick, changed, messages):
    new = changed("{to: Email, from: Email}", "{to: Email, from: Email, required: true}")

    result = quick("mapping", "impact", "land-registration", new, messages, *DOWN)

    assert result.code == 1
    assert "become invalid" in result.out


def test_a_changed_section_inbound_that_was_not_compared_is_told(quick, changed, land):
    new = changed(DATE, DATE.replace(" HH:mm", ""))

    told = quick("mapping", "impact", "land-registration", new, land.path)
    silent = quick("mapping", "impact", "land-registration", changed("a", "a"), land.path)

    assert "`inbound` changed, too (DongBoHoSoMC), and is NOT compared here" in told.out.replace(
        "\n", " "
    )
    assert "inbound" not in silent.out


def test_rules_that_only_moved_to_another_line_are_no_change(quick, changed, land):
    new = changed("\ninbound:\n", "\n# một dòng thêm\n\ninbound:\n")

    result = quick("mapping", "impact", "land-registration", new, land.path)

    assert "NOT compared" not in result.out


def test_a_service_that_a_mapping_does_not_have_is_told(quick, messages):
    words = ("mapping", "impact", "land-registration", "land-registration", messages)

    result = quick(*words, "--inbound", "DongBoHoSo")

    assert (result.code, "did you mean 'DongBoHoSoMC'?" in result.err) == (2, True)
