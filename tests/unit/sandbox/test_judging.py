"""An item in JSON is judged as a whole: every finding at once, each once."""

from datetime import UTC, datetime

import pytest

from lienthong.sandbox.judging import judge_item
from schemas.model import load_version
from schemas.validation import Validator
from tests.contract.json_site import PROGRESS_VALUES, VALUES

VERSION = load_version("dvcqg-2022")
VALIDATOR = Validator(VERSION)


def judge(item, packet="DongBoHoSoMC"):
    found = judge_item(
        item,
        packet,
        version=VERSION,
        validator=VALIDATOR,
        unit="000.00.00.H29",
        now=datetime(2026, 11, 24, tzinfo=UTC),
    )
    assert all(problem.suggestion is not None for problem in found)
    return [(problem.code, problem.field) for problem in found]


@pytest.mark.parametrize(
    ("change", "findings"),
    [
        ({}, []),
        ({"GhiChu": "", "TaiLieuNop": []}, []),
        ({"GhiChu": None}, [("sandbox.not_a_text", "GhiChu")]),
        ({"GhiChu": 7}, [("sandbox.not_a_text", "GhiChu")]),
        ({"MaHoSo": ["x"]}, [("sandbox.not_a_text", "MaHoSo")]),
        ({"MaHoSo": ""}, [("schema.field_missing", "MaHoSo")]),
        ({"maHoSo": "x"}, [("sandbox.field_unknown", "maHoSo")]),
        ({"TaiLieuNop": {}}, [("sandbox.not_a_list", "TaiLieuNop")]),
        ({"TaiLieuNop": [1]}, [("sandbox.not_a_list", "TaiLieuNop")]),
        (
            {"TaiLieuNop": [{}]},
            [("sandbox.empty_item", "TaiLieuNop[1]")],
        ),
        (
            {"TaiLieuNop": [{"TenTepDinhKem": "a", "IsDeleted": "False", "La": "b"}]},
            [("sandbox.field_unknown", "TaiLieuNop[1].La")],
        ),
        (
            {"LoaiDoiTuong": 1, "TrangThaiHoSo": "99", "NgayTiepNhan": "20261399000000"},
            [
                ("sandbox.not_a_text", "LoaiDoiTuong"),
                ("schema.pattern", "NgayTiepNhan"),
                ("schema.code_unknown", "TrangThaiHoSo"),
            ],
        ),
        ({"ChuHoSo": "a\x01"}, [("xml.forbidden_character", "ChuHoSo")]),
    ],
)
def test_a_dossier(change, findings):
    assert judge(VALUES | change) == findings


@pytest.mark.parametrize("content", ["", None])
def test_a_progress_row_without_content_is_refused(content):
    codes = {
        code
        for code, field in judge(PROGRESS_VALUES | {"NoiDungXuLy": content}, "CapNhatTienDoHoSoMC")
    }

    assert codes <= {"schema.field_missing", "sandbox.not_a_text"}
    assert codes
