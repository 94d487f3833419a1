"""What may change in a target's contract, in words, each with what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from typing import TYPE_CHECKING, TypeAlias

from schemas.problem import Text

if TYPE_CHECKING:
    from datetime import datetime

Fingerprint: TypeAlias = Mapping[str, str]
"""Features by name, with what is known of each."""
Patch: TypeAlias = Mapping[str, str | None]
"""What accepting a drift does to a fingerprint; None takes a feature out."""


class Kind(Enum):
    """What has changed; the values are stored and shown."""

    CODE = "code"
    """An answer code that no list of the target knows, or that is spelled as never before."""
    FORM = "form"
    """Another HTTP status, or something else than an answer of the protocol."""
    KEY_NEW = "key_new"
    KEY_GONE = "key_gone"
    TYPE = "type"
    VALUE = "value"
    """A value of an enumerated field that the schema does not list."""
    NAMESPACE = "namespace"
    LARGER = "larger"
    ITEM_NEW = "item_new"
    """In a WSDL or XSD; so the next two."""
    ITEM_GONE = "item_gone"
    ITEM_CHANGED = "item_changed"
    ENTRY_NEW = "entry_new"
    """In a dictionary; so the next two."""
    ENTRY_GONE = "entry_gone"
    ENTRY_RENAMED = "entry_renamed"
    MANY = "many"
    """More has changed than is worth telling one by one."""


class Ending(Enum):
    """How a drift is no longer open; the values are stored and shown."""

    OPEN = "open"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    """The old shape has been back for long enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One difference from what was learnt."""

    subject: str
    """What it is in: "answer DongBoHoSoMC success", "document URL", "list LayDanhSachTTHC"."""
    kind: Kind
    place: str
    """The feature concerned; a path, a name or a code."""
    before: str = ""
    after: str = ""
    patch: Patch = field(default_factory=dict, hash=False)
    fields: tuple[str, ...] = field(default=(), compare=False)
    """Fields of the portal that it is about, where its place does not name the one."""

    def id_for(self, target: str) -> str:
        """Return what it is known by: the same in every process."""
        # Of many it is one and the same, however many they are by now.
        values = () if self.kind is Kind.MANY else (self.before, self.after)
        parts = (target, self.subject, self.kind.value, self.place, *values)
        return sha256("\n".join(parts).encode()).hexdigest()[:12]

    @property
    def words(self) -> Text:
        """What has changed, in a sentence."""
        vi, en = _WORDS[self.kind]
        named = {"place": self.place, "before": self.before or "-", "after": self.after or "-"}
        named["more"] = f" ({self.after})" if self.after else ""
        return Text(vi=vi.format(**named), en=en.format(**named))

    @property
    def remedy(self) -> Text:
        """What to do."""
        return _REMEDIES[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """One mapping that makes what has changed."""

    mapping: str
    fields: tuple[str, ...]
    """The portal's, with the agency's own column where there is one: "MaHoSo ← so_ho_so"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A drift as it was written down."""

    id: str
    target: str
    drift: Drift
    touched: tuple[Touched, ...]
    ending: Ending
    found_at: datetime
    seen_at: datetime
    """When it was seen last."""
    ended_at: datetime | None
    ended_by: str | None
    reason: str | None


_WORDS = {
    Kind.CODE: (
        "mã trả lời {after} chưa có trong danh sách nào (đã biết: {before})",
        "answer code {after} is on no list, or was never spelled so (known: {before})",
    ),
    Kind.FORM: ("trả lời là {after}, không phải {before}", "the answer is {after}, not {before}"),
    Kind.KEY_NEW: ("có trường mới {place}", "there is a new key {place}"),
    Kind.KEY_GONE: ("thiếu trường {place}", "the key {place} is missing"),
    Kind.TYPE: (
        "{place} là {after}, trước đây là {before}",
        "{place} is {after}, it was {before}",
    ),
    Kind.VALUE: (
        "{place} có giá trị {after} ngoài danh mục",
        "{place} has the value {after}, which its code list does not have",
    ),
    Kind.NAMESPACE: (
        "không gian tên của {place} là {after}, trước đây là {before}",
        "the namespace of {place} is {after}, it was {before}",
    ),
    Kind.LARGER: (
        "trả lời lớn hơn hẳn: khoảng {after}, trước đây nhiều nhất {before}",
        "answers are much larger: about {after}, at most {before} before",
    ),
    Kind.ITEM_NEW: ("mới: {place}{more}", "new: {place}{more}"),
    Kind.ITEM_GONE: ("đã bỏ: {place}", "removed: {place}"),
    Kind.ITEM_CHANGED: ("{place}: {before} → {after}", "{place}: {before} → {after}"),
    Kind.ENTRY_NEW: ("mã mới {place} «{after}»", "new code {place} '{after}'"),
    Kind.ENTRY_GONE: ("mã {place} «{before}» không còn", "code {place} '{before}' is gone"),
    Kind.ENTRY_RENAMED: (
        "mã {place} đổi tên: «{before}» → «{after}»",
        "code {place} has another name: '{before}' → '{after}'",
    ),
    Kind.MANY: (
        "{after} thay đổi cùng lúc: coi như một tài liệu khác",
        "{after} changes at once: another document altogether",
    ),
}
_ACCEPT = Text(
    vi="nếu đúng là thay đổi của Cổng: lienthong drift accept",
    en="when it is meant by the portal: lienthong drift accept",
)
_MAPPING = Text(
    vi="sửa ánh xạ nêu dưới đây, chạy lienthong mapping test, rồi lienthong drift accept",
    en="mend the mappings named below, run lienthong mapping test, then lienthong drift accept",
)
_REMEDIES = {
    Kind.CODE: Text(
        vi="hỏi bên vận hành Cổng mã này nghĩa là gì, rồi thêm vào success_codes, exists_codes, "
        "rejected_codes hoặc busy_codes trong [target]; đến lúc đó thông điệp nằm ở quarantined",
        en="ask the portal's operator what the code means, then put it into success_codes, "
        "exists_codes, rejected_codes or busy_codes of [target]; until then messages are "
        "quarantined",
    ),
    Kind.FORM: Text(
        vi="kiểm tra địa chỉ endpoint và thông báo bảo trì của Cổng; không có gì được tính là đã "
        "nhận",
        en="check the endpoint and the portal's notices of maintenance; nothing counts as received",
    ),
    Kind.KEY_NEW: _ACCEPT,
    Kind.KEY_GONE: Text(
        vi="hỏi bên vận hành Cổng vì sao bỏ trường; kiểm tra lienthong messages list --state "
        "quarantined; rồi lienthong drift accept",
        en="ask the portal's operator why it is gone; see lienthong messages list --state "
        "quarantined; then lienthong drift accept",
    ),
    Kind.TYPE: _ACCEPT,
    Kind.VALUE: Text(
        vi="xem giá trị mới nghĩa là gì và ánh xạ nào cần dùng nó; rồi lienthong drift accept",
        en="find out what it means and which mappings need it; then lienthong drift accept",
    ),
    Kind.NAMESPACE: Text(
        vi="Cổng có thể đã đổi phiên bản lược đồ: xem schema_versions trong [target]",
        en="the portal may speak another schema version: see schema_versions of [target]",
    ),
    Kind.LARGER: Text(
        vi="xem một trả lời (lienthong messages show) và max_answer_bytes trong [target]",
        en="look at an answer (lienthong messages show) and at max_answer_bytes of [target]",
    ),
    Kind.ITEM_NEW: _MAPPING,
    Kind.ITEM_GONE: _MAPPING,
    Kind.ITEM_CHANGED: _MAPPING,
    Kind.ENTRY_NEW: _ACCEPT,
    Kind.ENTRY_GONE: _MAPPING,
    Kind.ENTRY_RENAMED: _MAPPING,
    Kind.MANY: Text(
        vi="so sánh tài liệu của Cổng với bản đã dùng, sửa ánh xạ, rồi lienthong drift accept",
        en="compare the portal's document with the one in use, mend the mappings, then "
        "lienthong drift accept",
    ),
}
