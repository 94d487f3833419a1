"""Details of the audit log and of attempts in words: what a field is called, and what it says."""

from __future__ import annotations

import re
from typing import Any

from lienthong.job_reasons import job_reason_words
from lienthong.proofs import WORDS as PROOFS
from lienthong.proofs import Proof
from lienthong.reasons import REASONS
from lienthong.replay_states import Verb
from lienthong.state_words import STATES, VERBS
from lienthong.step_words import word_of
from schemas.problem import Text

_NAMES: dict[str, tuple[str, str]] = {
    "actor": ("người làm", "actor"),
    "after": ("sau", "after"),
    "agency": ("cơ quan", "agency"),
    "before": ("trước", "before"),
    "bytes": ("số byte", "bytes"),
    "code": ("mã", "code"),
    "codes": ("mã lỗi", "codes"),
    "count": ("số thông điệp", "count"),
    "digest": ("mã băm", "digest"),
    "done": ("đã làm", "done"),
    "dossier": ("hồ sơ", "dossier"),
    "failed_again": ("hỏng lại", "failed again"),
    "file": ("tệp", "file"),
    "files": ("số tệp", "files"),
    "found": ("tìm thấy", "found"),
    "left": ("còn lại", "left"),
    "manifest": ("danh sách tệp", "manifest"),
    "mapping": ("ánh xạ", "mapping"),
    "message": ("thông điệp", "message"),
    "number": ("lần", "number"),
    "outcome": ("kết quả", "outcome"),
    "page": ("trang", "page"),
    "path": ("chỗ", "path"),
    "place": ("chỗ", "place"),
    "proof": ("bằng chứng", "proof"),
    "reason": ("lý do", "reason"),
    "record": ("bản ghi", "record"),
    "refused": ("không làm được", "refused"),
    "reissue_of": ("lập lại từ", "reissue of"),
    "reissued_as": ("lập lại thành", "reissued as"),
    "role": ("vai trò", "role"),
    "roles": ("vai trò", "roles"),
    "signer": ("người ký", "signer"),
    "since": ("từ", "since"),
    "size": ("cỡ", "size"),
    "statement": ("nội dung ký", "statement"),
    "submission": ("lần nộp", "submission"),
    "until": ("đến", "until"),
    "values": ("số giá trị", "values"),
    "verb": ("việc", "verb"),
    "was": ("trước đó", "was"),
    "what": ("phần", "what"),
    "why": ("vì sao", "why"),
}
_KNOWN: dict[str, dict[str, Text]] = {
    "was": {state.value: words for state, words in STATES.items()},
    "verb": {verb.value: VERBS[verb] for verb in Verb},
    "proof": {proof.value: PROOFS[proof] for proof in Proof},
}

_ATTEMPTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(shape), vi)
    for shape, vi in (
        (r"error_code (\S+), receipt verified", r"mã trả lời \1, biên nhận đã kiểm tra"),
        (r"error_code (\S+), but no receipt", r"mã trả lời \1, nhưng không có biên nhận"),
        (r"error_code (\S+), but (.*)", r"mã trả lời \1, nhưng «\2»"),
        (r"error_code (\S+)", r"mã trả lời \1"),
        (r"no such dossier", "Cổng không có hồ sơ này"),
        (r"the portal has it", "Cổng có hồ sơ này"),
        (r"no time was left to connect", "hết giờ trước khi kết nối"),
        (r"not connected: (.*)", r"không kết nối được: «\1»"),
        (r"TLS refused: (.*)", r"kết nối TLS bị từ chối: «\1»"),
        (r"in its results queue", "đã vào hàng đợi kết quả của cơ quan"),
        (r"written into its folder", "đã ghi vào thư mục của cơ quan"),
        (r"it is in its folder already", "đã có trong thư mục của cơ quan"),
        (r"it is safe to send it again", "gửi lại an toàn"),
    )
)
"""What attempts say most often; the rest stays as it was written."""


def detail_name(key: str) -> Text:
    """Return what a field of a row's details is called; one that has no name is its own."""
    vi, en = _NAMES.get(key, (key, key))
    return Text(vi=vi, en=en)


def detail_value(key: str, value: Any) -> Text:
    """Return what a field of a row's details says; what is no word of ours stays as it is."""
    if isinstance(value, bool):
        return Text(vi="có", en="yes") if value else Text(vi="không", en="no")
    said = str(value)
    if key == "outcome":
        return word_of(said)
    if key in ("reason", "why"):
        return Text(vi=REASONS.get(said) or job_reason_words(said).vi, en=said)
    return _KNOWN.get(key, {}).get(said) or Text(vi=said, en=said)


def attempt_words(detail: str) -> Text:
    """Return what became of an attempt in both languages; it is stored in English."""
    for shape, vi in _ATTEMPTS:
        if found := shape.fullmatch(detail):
            return Text(vi=found.expand(vi), en=detail)
    return Text(vi=detail, en=detail)
