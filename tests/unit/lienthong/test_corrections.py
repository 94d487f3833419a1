"""What is told of a correction, and to whom it shows nothing."""

import pytest

from lienthong.corrections import Correction
from lienthong.operations.masking import finding_of
from schemas.problem import Place


def corrected(before, after):
    return Correction(
        path="name", before=before, after=after, salt="00" * 16, place=Place(column="B (name)")
    )


@pytest.mark.parametrize("after", ["O'Neil", "a » Neil", "«Neil»", "' Neil '", '"Neil"', "Neil"])
def test_a_new_value_is_masked_whole_whatever_quotes_are_in_it(after):
    finding = corrected("Nel", after).finding()

    told = finding_of(finding)

    assert "Neil" in finding.message.vi
    assert "Neil" in finding.message.en
    assert "Ne" not in told.model_dump_json()


def test_digests_of_equal_values_differ_by_their_salt():
    one = corrected("Nguyễn", "Trần")
    other = Correction(path="name", before="Nguyễn", after="", salt="11" * 16, place=Place())

    assert one.digest("Nguyễn") != other.digest("Nguyễn")


def test_a_value_stands_in_no_trace_of_the_program():
    assert "Nguyễn" not in repr(corrected("Nguyễn", "Trần"))
    assert "Trần" not in repr(corrected("Nguyễn", "Trần"))
