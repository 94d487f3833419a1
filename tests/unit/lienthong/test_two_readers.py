"""A finding has two readers: the agency, and whoever writes the mapping."""

import json

import pytest

from lienthong.annotated.words import note_of
from lienthong.causes import Causes, cause_values
from lienthong.cli import main
from lienthong.store.results import problem_values
from schemas.problem import Language, Problem, Text

BOTH = Problem(
    code="mapping.code_unknown",
    message=Text(vi="sai", en="wrong"),
    suggestion=Text(vi="sửa tại nguồn", en="mend it"),
    for_integrator=Text(vi="thêm vào `codes`", en="add it to `codes`"),
)
MAPPING = """\
mapping: mau
version: 1
schema: dvcqg-2020
agency: {code: "H29.14", name: Mẫu}
source: {format: csv, delimiter: ";"}
dossier:
  MaHoSo: Mã
  MaTTHC: {constant: "1.001612"}
  TenTTHC: {constant: Tên}
  MaLinhVuc: {constant: G07-KH02}
  TenLinhVuc: {constant: Lĩnh vực}
  LoaiDoiTuong: {constant: "1"}
  NgayTiepNhan: {from: Ngày, date: [dd/MM/yyyy]}
  TrangThaiHoSo: {from: Tình trạng, codes: {Xong: "9"}}
  HinhThuc: {constant: "0"}
  DonViXuLy: {constant: Mẫu}
"""


@pytest.fixture
def convert(tmp_path, capfd):
    (tmp_path / "mau.yaml").write_text(MAPPING, encoding="utf-8")
    sample = tmp_path / "a.csv"
    sample.write_text("Mã;Ngày;Tình trạng\nH29.14-250707-0001;31/02/2025;Treo\n", encoding="utf-8")

    def run(*words):
        with pytest.raises(SystemExit):
            main(
                [
                    *("--lang", "en", "--data-dir", str(tmp_path / "data"), "convert"),
                    *(str(sample), "--agency", str(tmp_path / "mau.yaml")),
                    *("--out", str(tmp_path / "xml"), *words),
                ]
            )
        return capfd.readouterr().out

    return run


def test_results_and_annotated_copies_give_the_agency_its_own_part_alone():
    values = json.dumps(problem_values(BOTH), ensure_ascii=False)

    assert "sửa tại nguồn" in values
    assert "codes" not in values
    assert note_of([BOTH], Language.VI) == "Lỗi: sai → sửa tại nguồn"


def test_causes_carry_both_and_give_the_agencys():
    causes = Causes()
    causes.add(BOTH)
    (cause,) = causes.by_count()

    values = cause_values(cause, lambda text: text.en)

    assert cause.for_integrator.en == "add it to `codes`"
    assert values["suggestion"] == "mend it"
    assert "for_integrator" not in values


def test_convert_shows_both_and_its_annotated_copy_one(convert, tmp_path):
    out = convert("--report", str(tmp_path / "r.json"), "--annotated", str(tmp_path / "loi.csv"))

    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    found = {error["code"]: error for error in report["errors"]}
    copy = (tmp_path / "loi.csv").read_text(encoding="utf-8-sig")
    assert found["mapping.date_invalid"]["suggestion"] == "mend the date at the source"
    assert "add it to `date`" in found["mapping.date_invalid"]["for_integrator"]
    assert report["groups"][0]["for_integrator"]
    assert "mapping: if the agency writes another form, add it to `date`" in " ".join(out.split())
    assert "mend the date at the source" in copy
    assert "`" not in copy
    assert "code list;" not in copy
