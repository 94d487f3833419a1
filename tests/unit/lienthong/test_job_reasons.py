"""Why a bulk replay stands there: stored in English, read in both languages."""

import pytest

from lienthong.job_reasons import CHANGED, FAILING, job_reason_words


@pytest.mark.parametrize(
    ("stored", "vi"),
    [
        (
            CHANGED.write(messages=16, mappings=0),
            "16 thông điệp và 0 ánh xạ đã thay đổi từ khi yêu cầu",
        ),
        (
            FAILING.write(percent=100, judged=20, most=20),
            "100 % trong 20 thông điệp gần nhất bị lỗi, quá mức 20 %",
        ),
        ("100 % of the last 20 failed, they say", "100 % of the last 20 failed, they say"),
        ("Cổng bảo trì", "Cổng bảo trì"),
        ("", ""),
    ],
)
def test_the_products_own_reason_is_vietnamese_and_a_persons_stays(stored, vi):
    said = job_reason_words(stored)

    assert (said.vi, said.en) == (vi, stored)


def test_what_was_stored_before_is_read_as_well():
    said = job_reason_words("16 messages and 0 mappings changed")

    assert said.vi.startswith("16 thông điệp")
