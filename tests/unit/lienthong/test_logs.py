"""Nothing personal gets into a log line."""

import json
import re

import pytest

from lienthong.flows.incoming import check
from lienthong.logs import kind_and_place, mask_personal


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        ("công dân 079085001234 không hợp lệ", "công dân *** không hợp lệ"),
        ("CMND 023456789.", "CMND ***."),
        ("gọi 0912345678 nhé", "gọi *** nhé"),
        ("gọi +84912345678", "gọi ***"),
        ("gửi an.nguyen@example.vn", "gửi ***"),
        ("hồ sơ 000.00.15.H29-260302-0001", "hồ sơ 000.00.15.H29-260302-0001"),
        ("0197b3a2-7c1e-7000-8000-123456789012", "0197b3a2-7c1e-7000-8000-123456789012"),
        ("HTTP 503", "HTTP 503"),
    ],
)
def test_what_looks_personal_is_masked_and_codes_are_not(said, logged):
    assert mask_personal(None, "info", {"detail": said, "number": 3}) == {
        "detail": logged,
        "number": 3,
    }


def test_of_a_bug_only_the_kind_and_our_own_lines_are_told():
    try:
        check(None, None, largest_bytes=1)
    except AttributeError as error:
        said = kind_and_place(error)

    assert said["error"] == "AttributeError"
    assert re.fullmatch(r"lienthong/flows/incoming\.py:\d+", said["at"].rpartition(" > ")[2])


def test_a_bug_outside_of_ours_has_its_own_line():
    try:
        json.loads("{Nguyễn Văn An")
    except ValueError as error:
        said = kind_and_place(error)

    assert said["error"] == "JSONDecodeError"
    assert re.search(r"json/decoder\.py:\d+$", said["at"])
