"""Details of the log, attempts and reasons as a person reads them in Vietnamese."""

import re
from pathlib import Path

import pytest

from lienthong.detail_words import attempt_words, detail_name, detail_value
from lienthong.reasons import REASONS, reasons_saying
from lienthong.step_words import word_of


@pytest.mark.parametrize(
    ("key", "value", "vi"),
    [
        ("was", "parked", "dừng chờ"),
        ("verb", "resend", "Gửi lại"),
        ("reason", "refused by the portal", "Cổng từ chối"),
        ("why", "2 messages and 0 mappings changed", "2 thông điệp và 0 ánh xạ"),
        ("outcome", "delivered", "Cổng đã nhận"),
        ("is_revealed", True, "có"),
        ("count", 3, "3"),
        ("reason", "Bà con chờ", "Bà con chờ"),
    ],
)
def test_what_a_detail_says_is_vietnamese_where_it_is_a_word_of_ours(key, value, vi):
    assert detail_value(key, value).vi.startswith(vi)


def test_a_detail_has_a_vietnamese_name_and_keeps_its_own_if_it_has_none():
    assert detail_name("submission").vi == "lần nộp"
    assert detail_name("strange").vi == "strange"


@pytest.mark.parametrize(
    ("stored", "vi"),
    [
        ("error_code 0, receipt verified", "mã trả lời 0, biên nhận đã kiểm tra"),
        ("error_code -1", "mã trả lời -1"),
        ("error_code 0, but no receipt", "mã trả lời 0, nhưng không có biên nhận"),
        ("not connected: refused", "không kết nối được: «refused»"),
        ("something else", "something else"),
    ],
)
def test_what_became_of_an_attempt_is_vietnamese(stored, vi):
    assert (attempt_words(stored).vi, attempt_words(stored).en) == (vi, stored)


def test_a_reason_is_found_by_the_words_that_are_shown():
    assert reasons_saying("cổng TỪ chối")[0] in REASONS
    assert "refused by the portal" in reasons_saying("Cổng từ chối")
    assert reasons_saying("refused") == []


def test_every_step_that_docs_name_has_words():
    text = (Path(__file__).parents[3] / "docs/audit.md").read_text()
    named = re.findall(
        r"`((?:replay|problem|pause|filter|reconcile|drift|mapping|settings)\.[a-z_]+)`", text
    )

    assert len(named) > 20
    assert [one for one in named if word_of(one).vi == one] == []
