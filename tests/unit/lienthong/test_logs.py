"""Nothing personal gets into a log line."""

import pytest

from lienthong.logs import mask_personal


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
