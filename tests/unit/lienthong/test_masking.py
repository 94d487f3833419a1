"""What findings say to those who may see no values: the mapping's own words, and nobody's data."""

import pytest

from lienthong.operations.masking import finding_of
from schemas.problem import Problem, Text

KNOWN = "'Tổ chức', 'Cá nhân'"


def unknown_code(value):
    quoted = repr(value)
    return Problem(
        code="mapping.code_unknown",
        message=Text(
            vi=f"danh mục mã 'doi_tuong' không có giá trị {quoted}; đã biết: {KNOWN}",
            en=f"code list 'doi_tuong' has no value {quoted}; known are {KNOWN}",
        ),
        value=value,
    )


def test_an_unknown_code_is_masked_beside_the_codes_that_the_mapping_knows():
    said = finding_of(unknown_code("Nguyễn An")).message

    assert said.vi == f"danh mục mã 'doi_tuong' không có giá trị 'Xxxxxx Xx'; đã biết: {KNOWN}"
    assert said.en == f"code list 'doi_tuong' has no value 'Xxxxxx Xx'; known are {KNOWN}"


@pytest.mark.parametrize(
    "value",
    [
        "'; known are 'Nguyễn An",
        '"; đã biết: "Nguyễn An',
        "x\n'; các mã đã biết: Nguyễn An'",
        "code list 'Nguyễn An'",
        "Nguyễn An" * 40 + "'; known are '",
    ],
)
def test_no_value_gets_itself_taken_for_the_list(value):
    said = finding_of(unknown_code(value)).message

    assert "Nguyễn" not in said.vi + said.en
    assert said.vi.endswith(KNOWN)
    assert said.en.endswith(KNOWN)
