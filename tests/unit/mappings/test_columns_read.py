"""The columns that a mapping reads, found before any record, are those that a preview shows."""

import pytest

from adapters import SourceRecord, read_records
from adapters.doctor.values import column_of
from lienthong.samples import write_profiles, write_samples
from mappings import explain_mapping, load_mapping
from mappings.source_paths import columns_read
from mappings.tables import packaged, read_index

AGENCIES = [str(entry["name"]) for entry in read_index("agencies")]


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    sets = [
        make(tmp_path_factory.mktemp("samples"), dossiers=40, bad=24)
        for make in (write_samples, write_profiles)
    ]
    return {file.agency: file for each in sets for file in each.files}


@pytest.mark.parametrize("agency", AGENCIES)
def test_they_are_those_of_which_a_preview_says_that_a_rule_reads_them(agency, samples):
    mapping = load_mapping(packaged("agencies", f"{agency}.yaml"))
    explainer, columns = explain_mapping(mapping), columns_read(mapping)
    path = samples[agency].path
    with path.open("rb") as source:
        leaves = {
            (column_of(leaf.path), leaf.is_used)
            for record in read_records(source, file_name=path.name, options=mapping.source)
            if isinstance(record, SourceRecord)
            for leaf in explainer.explain(record).source
        }

    assert any(is_used for _, is_used in leaves)
    assert {column for column, is_used in leaves if is_used} <= columns
    assert columns.isdisjoint(column for column, is_used in leaves if not is_used)


def test_entries_that_are_texts_and_elements_with_attributes_count_as_read(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(MAPPING, encoding="utf-8")

    columns = columns_read(load_mapping(path))

    assert {"so", "ten", "ten.#text", "giay", "ghi"} <= columns
    assert columns.isdisjoint({"noibo", "ten.@ma"})


MAPPING = """
mapping: thu-nghiem
version: 1
schema: dvcqg-2020
agency: {code: "000.00.15.H29", name: "Sở Thử nghiệm"}
source: {format: json}
event_key: "{so}"
dossier:
  MaHoSo: so
  MaTTHC: {constant: "1.001612"}
  TenTTHC: {constant: Thủ tục}
  MaLinhVuc: {constant: G01-TN01}
  TenLinhVuc: {constant: Lĩnh vực}
  ChuHoSo: {from: ten, when: {path: ghi, present: true}}
  LoaiDoiTuong: {constant: "1"}
  NgayTiepNhan: {constant: "20260302000000"}
  TrangThaiHoSo: {constant: "2"}
  HinhThuc: {constant: "0"}
  DonViXuLy: {constant: Đơn vị}
  DanhSachGiayToKetQua:
    each: giay
    fields: {TenGiayTo: value, DuongDanTepTinKetQua: {constant: "https://hoso.example.vn/1"}}
tests: []
"""
