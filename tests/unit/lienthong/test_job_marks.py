"""The bulk replay that a reason ends with."""

import pytest

from lienthong.job_marks import job_in, with_mark

JOB = "0193a5c2-1111-7222-8333-444455556666"


def test_what_a_job_does_names_it():
    assert job_in(with_mark("Cổng đã sửa", JOB)) == JOB


@pytest.mark.parametrize(
    "reason", ["", JOB, f"[{JOB}]", f"x [{JOB}] y", f"x [{JOB}]\n", "x [abc]", "[" * 1_000]
)
def test_other_reasons_name_none(reason):
    assert job_in(reason) is None
