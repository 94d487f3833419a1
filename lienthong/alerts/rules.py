"""
The table of alerts: what is wrong when, for how long it must be so, and what to do about it.

The same conditions, thresholds and words as in `deploy/prometheus/alerts.yml`, by the same names; a
test compares the two. What one process alone knows, or what needs the numbers of half an hour
ago, is Prometheus' alone (`ONLY_PROMETHEUS`); what has no metric is ours alone (`ONLY_HERE`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from lienthong.alerting import Severity
from lienthong.alerts.finding import (
    DAY,
    HOUR,
    Case,
    broken,
    counted,
    discrepancies,
    disk,
    forgotten_pauses,
    held,
    keys_end,
    only,
    since,
    stamps,
    standing,
    stuck,
    trust_ends,
    uncompared,
    undelivered,
    unexpanded,
    unread,
)
from lienthong.states import State
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lienthong.alerts.finding import Facts

ONLY_PROMETHEUS = frozenset(
    {
        "LienthongWatchAway",
        "LienthongBacklogGrows",
        "LienthongManyUnknown",
        "LienthongSealingTrouble",
        "LienthongRoleStands",
    }
)
ONLY_HERE = frozenset(
    {"LienthongExchangeAway", "LienthongKeyTrouble", "LienthongReplayStopped", "LienthongDiskFull"}
)
STORE_AWAY = "LienthongStoreAway"
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One alert."""

    name: str
    severity: Severity
    hold: timedelta
    """How long it must be so without a pause before somebody is told."""
    words: Text
    """With places `{…}` for what a case names."""
    step: Text
    """What to do next."""
    find: Callable[[Facts], Iterable[Case]]
    limit: float | None = None
    """The threshold: a number, or seconds."""

    def say(self, case: Case) -> Text:
        """Return the words of one case."""
        return _fill(self.words, case)

    def advise(self, case: Case) -> Text:
        """Return what is to be done about one case."""
        return _fill(self.step, case)


def _fill(words: Text, case: Case) -> Text:
    return Text(vi=words.vi.format_map(case.named), en=words.en.format_map(case.named))


_STAND = (State.READY, State.SENDING, State.RETRYING)
STORE_RULE = Rule(
    name=STORE_AWAY,
    severity=Severity.CRITICAL,
    hold=2 * MINUTE,
    words=Text(vi="Không đọc được kho thông điệp", en="The message store cannot be read"),
    step=Text(
        vi="Xem máy chủ cơ sở dữ liệu và ổ đĩa; mọi thứ tự chạy tiếp khi kho trở lại",
        en="Look at the database server and its disk; everything goes on by itself when it is back",
    ),
    # The store's own absence is not found in the store: see `away`.
    find=lambda _: (),
)
RULES = (
    STORE_RULE,
    Rule(
        name="LienthongOverdue",
        severity=Severity.CRITICAL,
        hold=5 * MINUTE,
        limit=0,
        words=Text(
            vi="{agency}: {value} hồ sơ đã quá NgayHenTra mà Cổng chưa nhận đủ",
            en="{agency}: NgayHenTra of {value} dossiers is past, and the portal does not have "
            "all of them",
        ),
        step=Text(
            vi="lienthong messages list --agency {agency}: xử lý thông điệp chờ, tạm giữ, cách ly",
            en="lienthong messages list --agency {agency}: see what is parked, quarantined or held",
        ),
        find=lambda facts: counted(facts.measures.overdue),
    ),
    Rule(
        name="LienthongDueSoon",
        severity=Severity.WARNING,
        hold=30 * MINUTE,
        limit=0,
        words=Text(
            vi="{agency}: {value} hồ sơ sắp đến NgayHenTra trong 24 giờ mà Cổng chưa nhận đủ",
            en="{agency}: NgayHenTra of {value} dossiers is within 24 hours, and the portal does "
            "not have all of them",
        ),
        step=Text(
            vi="Còn kịp: lienthong messages list --agency {agency}",
            en="There is time: lienthong messages list --agency {agency}",
        ),
        find=lambda facts: counted(facts.measures.due_soon),
    ),
    Rule(
        name="LienthongMessagesStand",
        severity=Severity.WARNING,
        hold=10 * MINUTE,
        limit=3600,
        words=Text(
            vi="{agency}: thông điệp {state} cũ nhất đã chờ {value}",
            en="{agency}: the oldest {state} message has waited {value}",
        ),
        step=Text(
            vi="lienthong status cho biết điều gì giữ việc gửi lại",
            en="lienthong status says what holds deliveries back",
        ),
        find=lambda facts: standing(facts, _STAND, HOUR),
    ),
    Rule(
        name="LienthongUnknownStays",
        severity=Severity.WARNING,
        hold=10 * MINUTE,
        limit=21_600,
        words=Text(
            vi="{agency}: có thông điệp chưa rõ kết quả từ {value}",
            en="{agency}: the fate of a message has been open for {value}",
        ),
        step=Text(
            vi="Hỏi đơn vị vận hành Cổng, rồi lienthong messages resend, hoặc để nguyên",
            en="Ask the portal's operator, then lienthong messages resend, or leave it",
        ),
        find=lambda facts: standing(facts, (State.UNKNOWN,), 6 * HOUR),
    ),
    Rule(
        name="LienthongNeedsSomebody",
        severity=Severity.WARNING,
        hold=30 * MINUTE,
        limit=0,
        words=Text(
            vi="{agency}: {value} thông điệp cần người xử lý",
            en="{agency}: {value} messages need somebody",
        ),
        step=Text(
            vi="lienthong messages list --state parked --state quarantined",
            en="lienthong messages list --state parked --state quarantined",
        ),
        find=stuck,
    ),
    Rule(
        name="LienthongBreakerOpen",
        severity=Severity.WARNING,
        hold=10 * MINUTE,
        words=Text(
            vi="{worker}: Cổng trục trặc, đang tạm dừng gửi",
            en="{worker}: the portal is in trouble, sending is paused",
        ),
        step=Text(
            vi="Gọi đơn vị vận hành Cổng; không mất gì, hệ thống tự thử lại",
            en="Call the portal's operator; nothing is lost, and it is tried again by itself",
        ),
        find=broken,
    ),
    Rule(
        name="LienthongNobodyDelivers",
        severity=Severity.CRITICAL,
        hold=5 * MINUTE,
        limit=0,
        words=Text(
            vi="{value} thông điệp đến hạn gửi mà không có tiến trình nào gửi",
            en="{value} messages are due, and no worker delivers",
        ),
        step=Text(
            vi="Chạy một tiến trình có vai trò deliver; nhật ký ghi role.failed hoặc role.waits",
            en="Start a worker with the role deliver; its log says role.failed or role.waits",
        ),
        find=undelivered,
    ),
    Rule(
        name="LienthongSubmissionsStand",
        severity=Severity.WARNING,
        hold=5 * MINUTE,
        limit=1800,
        words=Text(
            vi="{agency}: tệp đã nhận chưa được đọc hết từ {value}",
            en="{agency}: what was received {value} ago is not expanded",
        ),
        step=Text(
            vi="Có tiến trình nào chạy vai trò expand không? lienthong status",
            en="Is a worker with the role expand running? lienthong status",
        ),
        find=unexpanded,
    ),
    Rule(
        name="LienthongSubmissionsHeld",
        severity=Severity.WARNING,
        hold=15 * MINUTE,
        limit=0,
        words=Text(
            vi="{agency}: {value} tệp chờ khóa hoặc ánh xạ",
            en="{agency}: {value} submissions wait for a key or a mapping",
        ),
        step=Text(
            vi="lienthong status nêu từng tệp và điều nó chờ",
            en="lienthong status names each file and what it waits for",
        ),
        find=held,
    ),
    Rule(
        name="LienthongKeyEndsSoon",
        severity=Severity.WARNING,
        hold=HOUR,
        limit=30 * 86_400,
        words=Text(
            vi="{holder}: khóa ký còn {value}, không có khóa kế tiếp",
            en="{holder}: its key ends in {value} and none follows",
        ),
        step=Text(
            vi="Xin chứng thư mới, rồi lienthong keys rotate",
            en="Ask for a new certificate, then lienthong keys rotate",
        ),
        find=lambda facts: keys_end(facts, 30 * DAY),
    ),
    Rule(
        name="LienthongKeyEnds",
        severity=Severity.CRITICAL,
        hold=5 * MINUTE,
        limit=7 * 86_400,
        words=Text(
            vi="{holder}: khóa ký còn {value}, hoặc đã hết hạn",
            en="{holder}: its key ends in {value}, or has ended",
        ),
        step=Text(
            vi="Thay khóa ngay: lienthong keys rotate; tệp chờ sẽ tự chạy tiếp",
            en="Change it now: lienthong keys rotate; files that wait go on by themselves",
        ),
        find=lambda facts: keys_end(facts, 7 * DAY),
    ),
    Rule(
        name="LienthongTrustEnds",
        severity=Severity.WARNING,
        hold=HOUR,
        limit=60 * 86_400,
        words=Text(
            vi="Chứng thư tin cậy {certificate} ({use}) còn {value}",
            en="The trusted certificate {certificate} ({use}) ends in {value}",
        ),
        step=Text(
            vi="Xin chứng thư kế tiếp của chủ sở hữu và ghim bên cạnh chứng thư cũ",
            en="Ask its owner for the next certificate and pin it beside the old one",
        ),
        find=trust_ends,
    ),
    Rule(
        name="LienthongKeysUnreadable",
        severity=Severity.CRITICAL,
        hold=5 * MINUTE,
        limit=0,
        words=Text(
            vi="{of}: không đọc được khóa hoặc chứng thư",
            en="{of}: keys or certificates cannot be read",
        ),
        step=Text(
            vi="lienthong keys check cho biết tệp nào và vì sao",
            en="lienthong keys check says which file, and why",
        ),
        find=lambda facts: (
            Case(subject=of, named={"of": of}) for of in sorted(facts.ends.unreadable)
        ),
    ),
    Rule(
        name="LienthongKeyTrouble",
        severity=Severity.CRITICAL,
        hold=5 * MINUTE,
        words=Text(
            vi="{holder}: khóa không ký được ({code})", en="{holder}: its key cannot sign ({code})"
        ),
        step=Text(
            vi="lienthong keys check; token có thể bị khóa hoặc rút ra",
            en="lienthong keys check; a token may be locked or pulled out",
        ),
        find=lambda facts: (
            Case(subject=holder, named={"holder": holder, "code": code})
            for holder, code in sorted(facts.keys.items())
        ),
    ),
    Rule(
        name="LienthongExchangeAway",
        severity=Severity.CRITICAL,
        hold=2 * MINUTE,
        words=Text(vi="Không tới được RabbitMQ", en="The exchange cannot be reached"),
        step=Text(
            vi="lienthong doctor; xem máy chủ RabbitMQ. Việc gửi vẫn chạy, việc nhận dừng",
            en="lienthong doctor; see the RabbitMQ server. Deliveries go on, taking does not",
        ),
        find=lambda facts: () if facts.exchange else (Case(),),
    ),
    Rule(
        name="LienthongSealLate",
        severity=Severity.CRITICAL,
        hold=5 * MINUTE,
        limit=300,
        words=Text(
            vi="Nhật ký kiểm toán chưa được niêm phong từ {value}",
            en="Rows of the audit log have been without a seal for {value}",
        ),
        step=Text(
            vi="Có tiến trình nào chạy vai trò seal không? Nhật ký ghi seal.trouble",
            en="Is a worker with the role seal running? Its log says seal.trouble",
        ),
        find=lambda facts: since(
            facts.measures.sealed.oldest_unsealed, facts, timedelta(seconds=300)
        ),
    ),
    Rule(
        name="LienthongStampLate",
        severity=Severity.WARNING,
        hold=5 * MINUTE,
        words=Text(
            vi="Dấu thời gian của nhật ký đang trễ",
            en="The time-stamp of the audit log is late",
        ),
        step=Text(
            vi="Nơi cấp dấu thời gian không trả lời; nhật ký ghi stamp.trouble",
            en="The authority does not answer; the log says stamp.trouble",
        ),
        find=lambda facts: stamps(facts, is_due=False),
    ),
    Rule(
        name="LienthongStampOverdue",
        severity=Severity.CRITICAL,
        hold=MINUTE,
        words=Text(
            vi="Dấu thời gian của nhật ký đã quá hạn",
            en="The time-stamp of the audit log is overdue",
        ),
        step=Text(
            vi="Báo người chịu trách nhiệm về chứng cứ",
            en="Tell who answers for evidence",
        ),
        find=lambda facts: stamps(facts, is_due=True),
    ),
    Rule(
        name="LienthongEvidenceAlarm",
        severity=Severity.CRITICAL,
        hold=MINUTE,
        limit=0,
        words=Text(
            vi="{value} chỗ trong bằng chứng không còn đúng",
            en="{value} things do not hold of the evidence",
        ),
        step=Text(
            vi="Giữ bản sao trước khi làm gì khác, rồi lienthong audit verify",
            en="Keep copies before anything else, then lienthong audit verify",
        ),
        find=lambda facts: only(facts.measures.alarms),
    ),
    Rule(
        name="LienthongDrift",
        severity=Severity.WARNING,
        hold=5 * MINUTE,
        limit=0,
        words=Text(
            vi="Cổng đã thay đổi ở {value} chỗ", en="The portal has changed in {value} places"
        ),
        step=Text(
            vi="lienthong drift list nêu các ánh xạ liên quan",
            en="lienthong drift list names the mappings it touches",
        ),
        find=lambda facts: only(facts.measures.drifts),
    ),
    Rule(
        name="LienthongDiscrepancies",
        severity=Severity.WARNING,
        hold=5 * MINUTE,
        limit=0,
        words=Text(
            vi="Đối soát: {value} hồ sơ không khớp với Cổng",
            en="Reconciliation: {value} dossiers do not agree with the portal",
        ),
        step=Text(
            vi="lienthong reconcile cho xem và gửi lại những gì Cổng làm mất",
            en="lienthong reconcile shows them, and lets go again what the portal lost",
        ),
        find=discrepancies,
    ),
    Rule(
        name="LienthongReconciliationMissing",
        severity=Severity.WARNING,
        hold=HOUR,
        limit=2 * 86_400,
        words=Text(
            vi="Chưa đối soát với Cổng từ {value}",
            en="Nothing was compared with the portal for {value}",
        ),
        step=Text(
            vi="Có tiến trình nào chạy vai trò reconcile, và [reconcile] at đã đặt chưa?",
            en="Is a worker with the role reconcile running, and [reconcile] at set?",
        ),
        find=uncompared,
    ),
    Rule(
        name="LienthongPullTrouble",
        severity=Severity.WARNING,
        hold=15 * MINUTE,
        limit=0,
        words=Text(vi="Không đọc được nguồn {source}", en="The source {source} cannot be read"),
        step=Text(vi="lienthong pull list cho biết vì sao", en="lienthong pull list says why"),
        find=unread,
    ),
    Rule(
        name="LienthongReceiptsLate",
        severity=Severity.WARNING,
        hold=10 * MINUTE,
        limit=3600,
        words=Text(
            vi="Giấy biên nhận cho cơ quan chưa ký từ {value}",
            en="A receipt for an agency has been due for {value}",
        ),
        step=Text(
            vi="Có tiến trình nào chạy vai trò receipts, và khóa vận hành ký được không?",
            en="Is a worker with the role receipts running, and can the operator's key sign?",
        ),
        find=lambda facts: since(facts.measures.receipts.oldest, facts, HOUR),
    ),
    Rule(
        name="LienthongPauseForgotten",
        severity=Severity.WARNING,
        hold=5 * MINUTE,
        limit=86_400,
        words=Text(
            vi="{of}: {what} bị tạm dừng từ {value}, không có hạn",
            en="{of}: {what} has been paused for {value}, without an end",
        ),
        step=Text(
            vi="lienthong traffic show, rồi traffic resume hoặc đặt hạn",
            en="lienthong traffic show, then traffic resume, or give it an end",
        ),
        find=forgotten_pauses,
    ),
    Rule(
        name="LienthongReplayStopped",
        severity=Severity.WARNING,
        hold=5 * MINUTE,
        words=Text(
            vi="Gửi lại hàng loạt {job} đã tự dừng: quá nhiều thông điệp lại hỏng",
            en="The bulk replay {job} stopped by itself: too many messages failed again",
        ),
        step=Text(
            vi="lienthong messages jobs show {job}, rồi resume hoặc cancel",
            en="lienthong messages jobs show {job}, then resume or cancel",
        ),
        find=lambda facts: (Case(subject=job, named={"job": job}) for job in facts.stopped_jobs),
    ),
    Rule(
        name="LienthongDiskFull",
        severity=Severity.CRITICAL,
        hold=5 * MINUTE,
        words=Text(
            vi="Ổ đĩa của thư mục dữ liệu chỉ còn trống {value}%",
            en="Only {value}% of the disk under the data directory is free",
        ),
        step=Text(
            vi="Giải phóng hoặc mở rộng ổ đĩa; đầy thì không nhận thêm gì được",
            en="Free some, or enlarge it; when it is full nothing more can be taken",
        ),
        find=disk,
    ),
)
BY_NAME = {rule.name: rule for rule in RULES}
