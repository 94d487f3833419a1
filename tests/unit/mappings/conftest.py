from __future__ import annotations

import pytest

from adapters import SourceRecord
from mappings import compile_mapping, load_mapping
from schemas.errors import ConfigError
from schemas.problem import Place, Severity

TOP = {
    "mapping": "thu-nghiem",
    "version": "1",
    "schema": "dvcqg-2020",
    "agency": '{code: "000.00.15.H29", name: "Sở Thử nghiệm"}',
    "source": "{format: csv}",
}
DOSSIER = {
    "MaHoSo": "so",
    "MaTTHC": '{constant: "1.001612"}',
    "TenTTHC": "{constant: Thủ tục}",
    "MaLinhVuc": "{constant: G01-TN01}",
    "TenLinhVuc": "{constant: Lĩnh vực}",
    "LoaiDoiTuong": '{constant: "1"}',
    "NgayTiepNhan": "{from: ngay, date: [dd/MM/yyyy]}",
    "TrangThaiHoSo": '{constant: "4"}',
    "HinhThuc": '{constant: "0"}',
    "DonViXuLy": "{constant: Đơn vị}",
}
RECORD = {"so": "H29.15-210305-0001", "ngay": "05/03/2021"}


def make_text(dossier=None, without=(), **top):
    """Write a mapping, one key a line: top in lines 1.., `dossier:` after it, its fields below."""
    fields = {k: v for k, v in (DOSSIER | (dossier or {})).items() if k not in without}
    lines = [f"{key}: {value}" for key, value in (TOP | top).items() if value is not None]
    return "\n".join([*lines, "dossier:", *(f"  {k}: {v}" for k, v in fields.items())]) + "\n"


@pytest.fixture
def mapping_text():
    return make_text


@pytest.fixture
def load(tmp_path):
    def run(text):
        path = tmp_path / "thu.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_mapping(path)

    return run


@pytest.fixture
def mistakes(load):
    """Return the errors of a text that must be refused; warnings are left out."""

    def run(text):
        with pytest.raises(ConfigError) as caught:
            load(text)
        assert caught.value.code == "mapping.invalid"
        assert all(
            p.message.vi and p.message.en and p.place.file.endswith("thu.yaml")
            for p in caught.value.problems
        )
        return [p for p in caught.value.problems if p.severity is Severity.ERROR]

    return run


@pytest.fixture
def convert(load):
    """Convert one record by the base mapping with changes."""

    def run(record=None, dossier=None, *, columns=None, place=None, **top):
        converter = compile_mapping(load(make_text(dossier, **top)))
        return converter.convert(
            SourceRecord(
                number=1,
                values=RECORD | (record or {}),
                place=place or Place(file="thu.csv", row=2),
                columns=columns or {},
            )
        )

    return run


@pytest.fixture
def value_of(convert):
    """Return the value of one rule on one record; nothing may be wrong with it."""

    def run(rule, record, *, field="GhiChu", **top):
        conversion = convert(record, {field: rule}, **top)
        assert conversion.problems == ()
        return conversion.events[0].values.get(field)

    return run


@pytest.fixture
def problems_of(convert):
    """Return the problems of one rule on one record."""

    def run(rule, record, *, field="GhiChu", **top):
        conversion = convert(record, {field: rule}, **top)
        assert conversion.events == ()
        return conversion.problems

    return run
