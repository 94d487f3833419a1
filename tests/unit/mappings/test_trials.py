from __future__ import annotations

import pytest

from mappings import run_tests

RECORD = "{so: H29.15-210305-0001, ngay: 05/03/2021, tep: [{ten: a}, {ten: b}]}"
RULES = {"TaiLieuNop": "{each: tep, fields: {TenTepDinhKem: ten}}"}
PROGRESS = (
    "{each: qt, fields: {MaHoSo: /so, NguoiXuLy: ten, NoiDungXuLy: nd, "
    "ThoiDiemXuLy: {from: luc, date: [iso]}, TrangThai: {constant: '4'}}}"
)

CASES = {
    "as expected": (f"{{record: {RECORD}, dossier: {{NgayTiepNhan: '20210305000000'}}}}", []),
    "nothing expected": (f"{{record: {RECORD}}}", []),
    "absent as expected": (f"{{record: {RECORD}, dossier: {{GhiChu: null, Fax: ~}}}}", []),
    "items as expected": (
        f"{{record: {RECORD}, dossier: {{TaiLieuNop: [{{TenTepDinhKem: a}}, {{}}]}}}}",
        [],
    ),
    "plain numbers are compared as text": (
        f"{{record: {RECORD}, dossier: {{TrangThaiHoSo: 4, GhiChu: null}}}}",
        [],
    ),
    "another value": (
        f"{{record: {RECORD}, dossier: {{HinhThuc: '1'}}}}",
        ["HinhThuc: expected '1', found '0'"],
    ),
    "missing": (
        f"{{record: {RECORD}, dossier: {{GhiChu: x}}}}",
        ["GhiChu: expected 'x', found nothing"],
    ),
    "there but should not be": (
        f"{{record: {RECORD}, dossier: {{HinhThuc: null}}}}",
        ["HinhThuc: expected nothing, found '0'"],
    ),
    "too few items": (
        f"{{record: {RECORD}, dossier: {{TaiLieuNop: [{{TenTepDinhKem: a}}]}}}}",
        ["TaiLieuNop: expected 1 items, found 2"],
    ),
    "another item": (
        f"{{record: {RECORD}, dossier: {{TaiLieuNop: [{{}}, {{TenTepDinhKem: c}}]}}}}",
        ["TaiLieuNop[1].TenTepDinhKem: expected 'c', found 'b'"],
    ),
    "an unexpected problem": (
        "{record: {so: H29.15-210305-0001, ngay: ''}}",
        [
            (
                "unexpected problem mapping.field_missing (NgayTiepNhan): "
                "mandatory field NgayTiepNhan is empty; it comes from 'ngay'"
            )
        ],
    ),
    "an expected problem": (
        "{record: {so: H29.15-210305-0001, ngay: x}, problems: [{code: mapping.date_invalid}]}",
        [],
    ),
    "an expected problem elsewhere": (
        (
            "{record: {so: H29.15-210305-0001, ngay: ''}, "
            "problems: [{code: mapping.field_missing, field: MaHoSo}]}"
        ),
        [
            "missing problem mapping.field_missing (MaHoSo)",
            (
                "unexpected problem mapping.field_missing (NgayTiepNhan): "
                "mandatory field NgayTiepNhan is empty; it comes from 'ngay'"
            ),
        ],
    ),
    "twice expected, once found": (
        (
            "{record: {so: H29.15-210305-0001, ngay: x}, "
            "problems: [{code: mapping.date_invalid}, {code: mapping.date_invalid}]}"
        ),
        ["missing problem mapping.date_invalid"],
    ),
    "a problem that does not come": (
        f"{{record: {RECORD}, problems: [{{code: mapping.date_invalid}}]}}",
        ["missing problem mapping.date_invalid"],
    ),
    "no progress": (f"{{record: {RECORD}, progress: []}}", []),
    "progress missing": (
        f"{{record: {RECORD}, progress: [{{NguoiXuLy: a}}]}}",
        ["progress: expected 1 items, found 0"],
    ),
}


@pytest.mark.parametrize(("test", "differences"), list(CASES.values()), ids=list(CASES))
def test_a_test_finds(mapping_text, load, test, differences):
    text = mapping_text(RULES, progress=PROGRESS, tests=f"[{{name: thử, {test[1:]}]")

    (result,) = run_tests(load(text))

    assert (result.name, result.line) == ("thử", 7)
    assert [difference.en for difference in result.differences] == differences
    assert all(difference.vi != difference.en for difference in result.differences)


def test_progress_is_compared_row_by_row(mapping_text, load):
    rows = "[{ten: A, nd: x, luc: 2021-03-05 08:15:00}, {ten: B, nd: y, luc: '2021-03-06'}]"
    text = mapping_text(
        progress=PROGRESS,
        tests=f"[{{name: thử, record: {{so: H29.15-210305-0001, ngay: 05/03/2021, qt: {rows}}}, "
        "progress: [{NguoiXuLy: A, ThoiDiemXuLy: '20210305081500'}, {NguoiXuLy: C}]}]",
    )

    (result,) = run_tests(load(text))

    assert [d.en for d in result.differences] == ["progress[1].NguoiXuLy: expected 'C', found 'B'"]


@pytest.mark.parametrize(
    ("document", "differences"),
    [
        ("<h><tep><ten>a.pdf</ten></tep></h>", []),
        ("<h><tep>", ["unexpected problem embedded.xml_syntax"]),
    ],
)
def test_a_test_may_hold_a_document_as_the_agency_sends_it(
    mapping_text, load, document, differences
):
    record = f"{{so: H29.15-210305-0001, ngay: 05/03/2021, xml: '{document}'}}"
    text = mapping_text(
        {"TaiLieuNop": "{each: xml.tep, fields: {TenTepDinhKem: ten}}"},
        source="{format: csv, embedded: {xml: xml}}",
        tests=f"[{{name: thử, record: {record}, "
        "dossier: {TaiLieuNop: [{TenTepDinhKem: a.pdf}]}}]",
    )

    (result,) = run_tests(load(text))

    assert [d.en.partition(":")[0] for d in result.differences] == differences
