"""What agency, store and portal may not agree about, in words, each with the next step to take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Kind(Enum):
    """What is wrong with one dossier; the values are stored and shown."""

    MISSING = "missing"
    """Delivered by us, not there."""
    STALE = "stale"
    """An older snapshot of ours is in effect there."""
    DOUBLED = "doubled"
    """There more than once, or a progress row of it is."""
    DIFFERENT = "different"
    """What is in effect there is nothing of ours, or says something else."""
    UNEXPECTED = "unexpected"
    """There, and never delivered by us."""
    NOT_RECEIVED = "not_received"
    """On the agency's list, never handed in here, and not there."""
    OUTDATED = "outdated"
    """The agency's list says something else than what it last handed in here."""
    UNPROVEN = "unproven"
    """Asked, and no usable answer."""
    WAITING = "waiting"
    """Not sent yet."""


BY_ASKING = (
    Kind.MISSING,
    Kind.STALE,
    Kind.DOUBLED,
    Kind.DIFFERENT,
    Kind.UNEXPECTED,
    Kind.NOT_RECEIVED,
    Kind.UNPROVEN,
)
"""What the portal said; it is asked once more before it counts."""
AGREES = frozenset({Kind.WAITING})
"""What is no disagreement."""
ENOUGH = 2
"""Times that the portal must have said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDifference:
    """One field that differs; a value is there only where it is a code, an id or a digest."""

    field: str
    ours: str | None = None
    theirs: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """One dossier about which something does not agree, or that waits."""

    dossier_code: str
    agency: str
    kind: Kind
    message_id: str | None = None
    """Of ours: which should be in effect, or waits."""
    fields: tuple[FieldDifference, ...] = ()
    detail: str = ""
    """One line in our words; no personal data."""
    times: int = 1
    """How often the portal was asked and it was so."""
    found_at: datetime
    sent_at: datetime | None = None
    """When it was let go again."""

    @property
    def is_proven(self) -> bool:
        """Tell whether the portal said so often enough."""
        return self.kind not in BY_ASKING or self.times >= ENOUGH

    @property
    def next_step(self) -> Text:
        """Say what to do about it."""
        step = NEXT_STEPS[self.kind]
        told = {"code": self.dossier_code, "agency": self.agency, "id": self.message_id or "?"}
        return Text(vi=step.vi.format_map(told), en=step.en.format_map(told))


WORDS: Mapping[Kind, Text] = {
    Kind.MISSING: Text(vi="thiếu ở Cổng", en="missing at the portal"),
    Kind.STALE: Text(vi="Cổng còn bản cũ", en="older at the portal"),
    Kind.DOUBLED: Text(vi="lặp ở Cổng", en="doubled at the portal"),
    Kind.DIFFERENT: Text(vi="khác ở Cổng", en="different at the portal"),
    Kind.UNEXPECTED: Text(vi="có ở Cổng, không do ta gửi", en="at the portal, not sent by us"),
    Kind.NOT_RECEIVED: Text(vi="cơ quan có, chưa gửi vào", en="never handed in by the agency"),
    Kind.OUTDATED: Text(vi="cơ quan đã sửa, chưa gửi vào", en="changed at the agency since"),
    Kind.UNPROVEN: Text(vi="chưa chứng minh được", en="not proven"),
    Kind.WAITING: Text(vi="chưa gửi", en="not sent yet"),
}
NEXT_STEPS: Mapping[Kind, Text] = {
    Kind.MISSING: Text(
        vi="Gửi lại đúng văn bản đã ký: lienthong reconcile --resume --send-missing -r LÝ-DO",
        en="Let the same signed document go again: lienthong reconcile --resume --send-missing "
        "-r REASON",
    ),
    Kind.STALE: Text(
        vi="Xem: lienthong dossier {code}; để bản mới nhất có hiệu lực: lienthong messages reissue "
        "{id} -r LÝ-DO",
        en="See: lienthong dossier {code}; to put the latest in effect: lienthong messages reissue "
        "{id} -r REASON",
    ),
    Kind.DOUBLED: Text(
        vi="Đề nghị Cổng bỏ bản thừa; không gửi gì thêm từ đây",
        en="Ask the portal to remove the extra one; nothing sent from here can",
    ),
    Kind.DIFFERENT: Text(
        vi="Hỏi Cổng ai đã sửa; nếu bản của ta đúng: lienthong messages reissue {id} -r LÝ-DO",
        en="Ask the portal who changed it; if ours is right: lienthong messages reissue {id} "
        "-r REASON",
    ),
    Kind.UNEXPECTED: Text(
        vi="Tìm hệ thống đã gửi nó; nếu đúng là của cơ quan, gửi vào: lienthong submit TỆP "
        "--agency {agency}",
        en="Find which system sent it; if it is the agency's, hand it in: lienthong submit FILE "
        "--agency {agency}",
    ),
    Kind.NOT_RECEIVED: Text(
        vi="Cơ quan gửi vào: lienthong submit TỆP --agency {agency}",
        en="The agency hands it in: lienthong submit FILE --agency {agency}",
    ),
    Kind.OUTDATED: Text(
        vi="Cơ quan gửi bản mới: lienthong submit TỆP --agency {agency}",
        en="The agency hands the new one in: lienthong submit FILE --agency {agency}",
    ),
    Kind.UNPROVEN: Text(
        vi="Đối soát lại sau; nếu vẫn vậy, hỏi Cổng và xem: lienthong doctor",
        en="Reconcile again later; if it stays so, ask the portal and see: lienthong doctor",
    ),
    Kind.WAITING: Text(
        vi="Xem nó chờ gì: lienthong dossier {code}",
        en="See what it waits for: lienthong dossier {code}",
    ),
}
