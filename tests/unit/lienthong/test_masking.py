"""What findings say to those who may see no values: the mapping's own words, and nobody's data."""

from dataclasses import replace

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


def test_a_code_that_the_mapping_proposes_is_readable():
    proposed = Text(vi="có phải là 'Cá nhân'?", en="did you mean 'Cá nhân'?")
    problem = replace(unknown_code("Cá nhăn"), suggestion=proposed)

    assert finding_of(problem).suggestion.vi == proposed.vi
    other = replace(problem, code="mapping.lookup_unknown")
    assert finding_of(other).suggestion.vi == "có phải là 'Xx xxxx'?"


def test_which_control_character_it_is_stays_readable():
    quoted = repr("Nguyễn\x01An\u200b9")
    problem = Problem(code="mapping.value_refused", message=Text(vi=quoted, en=quoted))

    assert finding_of(problem).message.vi == "'Xxxxxx\\x01Xx\\u200b9'"
