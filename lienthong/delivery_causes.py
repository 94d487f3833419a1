"""
Why messages are not delivered, one code for one cause, with words, owner and remedy.

A code stands for what was decided after an attempt (`lienthong.decisions`); it is stored, so it
stays what it is. What the portal answers to everybody alike is of the target, whoever's message it
was; the rest is of the agency. On the way to an agency every cause is of that agency.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lienthong.owners import Owner, Step
from schemas.problem import Text


class DeliveryCause(Enum):
    """Causes; the values are codes, stored and shown."""

    REFUSED = "delivery.refused"
    UNSENDABLE = "delivery.unsendable"
    EXISTS = "delivery.exists"
    MISSING = "delivery.missing"
    UNRECOGNISED = "delivery.unrecognised"
    STRANGE_ANSWERS = "delivery.strange_answers"
    NO_ANSWER = "delivery.no_answer"
    BUSY = "delivery.busy"
    UNREACHABLE = "delivery.unreachable"
    LOCKED_OUT = "delivery.locked_out"
    WITHHELD = "delivery.withheld"
    LOOK_UP_FAILED = "delivery.look_up_failed"
    LOOK_UP_WITHHELD = "delivery.look_up_withheld"
    UNPROVEN = "delivery.unproven"
    WORKER_GONE = "delivery.worker_gone"
    KILLS_WORKER = "delivery.kills_worker"
    DAMAGED = "delivery.damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is known of a cause."""

    message: Text
    to_agency: Text | None = None
    """The same of what goes to an agency, where it is said otherwise."""
    remedy: Text
    owner: Owner
    steps: tuple[Step, ...]
    is_of_target: bool = False
    """Whether it is the same trouble whoever's message meets it, on the way to the portal."""


_WAITS = Text(
    vi="Không phải làm gì: hệ thống tự thử lại; nếu kéo dài, hỏi đơn vị vận hành Cổng",
    en="Nothing: it is tried again by itself; if it lasts, ask who runs the portal",
)
_READ_DETAIL = Text(
    vi="Xem lần gửi cuối của một thông điệp (messages show), sửa cấu hình, khóa hoặc chứng thư",
    en="Read the last attempt of a message (messages show), and mend settings, key or certificate",
)

ABOUT: dict[DeliveryCause, About] = {
    DeliveryCause.REFUSED: About(
        message=Text(vi="Cổng từ chối hồ sơ", en="The portal refuses the dossier"),
        to_agency=Text(vi="Cơ quan nhận từ chối", en="The receiving agency refuses it"),
        remedy=Text(
            vi="Cơ quan sửa hồ sơ theo trả lời của Cổng rồi gửi bản mới; đã sửa ở Cổng thì gửi lại",
            en="The agency mends the dossier as the portal says and sends it anew; once the portal "
            "is mended: resend",
        ),
        owner=Owner.AGENCY,
        steps=(Step.CORRECT, Step.RESEND),
    ),
    DeliveryCause.UNSENDABLE: About(
        message=Text(
            vi="Cổng không nhận một số giá trị của hồ sơ; chưa gửi gì",
            en="The portal does not take some of its values; nothing was sent",
        ),
        remedy=Text(
            vi="Lần gửi cuối nêu rõ giá trị: sửa ánh xạ rồi lập lại, hoặc cơ quan sửa tại nguồn",
            en="The last attempt says which: mend the mapping and reissue, or have the agency mend "
            "them at the source",
        ),
        owner=Owner.US,
        steps=(Step.REISSUE, Step.CORRECT),
    ),
    DeliveryCause.EXISTS: About(
        message=Text(
            vi="Cổng trả lời «đã tồn tại» cho một lần gửi không phải thêm mới",
            en="The portal says 'exists' to something that was not an add",
        ),
        remedy=Text(
            vi="Đối chiếu hồ sơ với Cổng (reconcile), rồi gửi lại hoặc hủy từng thông điệp",
            en="Compare the dossier with the portal (reconcile), then resend or discard each",
        ),
        owner=Owner.US,
        steps=(Step.RECONCILE, Step.RESEND, Step.DISCARD),
    ),
    DeliveryCause.MISSING: About(
        message=Text(
            vi="Cổng trả lời «chưa tồn tại» cho một lần gửi không phải cập nhật",
            en="The portal says 'does not exist' to something that was not an update",
        ),
        remedy=Text(
            vi="Đối chiếu hồ sơ với Cổng (reconcile); gửi lại khi Cổng đã có hồ sơ",
            en="Compare the dossier with the portal (reconcile); resend once the portal has it",
        ),
        owner=Owner.US,
        steps=(Step.RECONCILE, Step.RESEND),
    ),
    DeliveryCause.UNRECOGNISED: About(
        message=Text(vi="Câu trả lời chưa từng gặp", en="An answer never seen before"),
        to_agency=Text(
            vi="Lỗi bên trong khi giao cho cơ quan",
            en="An internal error while it was handed over",
        ),
        remedy=Text(
            vi="Tìm hiểu mã trả lời, khai báo trong `[target]`, rồi gửi lại",
            en="Find out what the code means, put it into a list of `[target]`, then resend",
        ),
        owner=Owner.US,
        steps=(Step.CONFIGURE, Step.RESEND),
    ),
    DeliveryCause.STRANGE_ANSWERS: About(
        message=Text(
            vi="Nhiều câu trả lời chưa từng gặp liên tiếp: đang hỏi lại Cổng",
            en="Answers never seen before, several in a row: the portal is asked",
        ),
        remedy=Text(
            vi="Hỏi đơn vị vận hành Cổng xem có gì thay đổi; khai báo mã mới trong `[target]`",
            en="Ask who runs the portal what has changed; put new codes into a list of `[target]`",
        ),
        owner=Owner.PORTAL,
        steps=(Step.ASK_PORTAL, Step.CONFIGURE),
        is_of_target=True,
    ),
    DeliveryCause.NO_ANSWER: About(
        message=Text(
            vi="Không có câu trả lời dùng được: đang hỏi lại Cổng",
            en="No usable answer came: the portal is asked",
        ),
        to_agency=Text(
            vi="Chưa rõ đã đến nơi chưa: gửi lại",
            en="Whether it arrived is not known: it goes again",
        ),
        remedy=_WAITS,
        owner=Owner.PORTAL,
        steps=(Step.WAIT, Step.ASK_PORTAL),
        is_of_target=True,
    ),
    DeliveryCause.BUSY: About(
        message=Text(vi="Cổng đang bận", en="The portal is busy"),
        to_agency=Text(vi="Cơ quan nhận chưa nhận lúc này", en="The agency does not take it now"),
        remedy=_WAITS,
        owner=Owner.PORTAL,
        steps=(Step.WAIT, Step.ASK_PORTAL),
        is_of_target=True,
    ),
    DeliveryCause.UNREACHABLE: About(
        message=Text(vi="Không kết nối được tới Cổng", en="The portal cannot be reached"),
        to_agency=Text(vi="Không kết nối được tới cơ quan nhận", en="The agency cannot be reached"),
        remedy=Text(
            vi="Kiểm tra mạng và địa chỉ (doctor); hệ thống tự gửi lại khi kết nối được",
            en="Check network and address (doctor); it goes by itself once it can be reached",
        ),
        owner=Owner.PORTAL,
        steps=(Step.WAIT, Step.CONFIGURE),
        is_of_target=True,
    ),
    DeliveryCause.LOCKED_OUT: About(
        message=Text(
            vi="Cổng từ chối cả hệ thống: đăng nhập, chứng thư hoặc địa chỉ",
            en="The portal refuses us as a whole: login, certificate or address",
        ),
        to_agency=Text(
            vi="Cơ quan nhận từ chối kết nối: đăng nhập, chứng thư hoặc địa chỉ",
            en="The agency refuses us as a whole: login, certificate or address",
        ),
        remedy=Text(
            vi="Kiểm tra mật khẩu, hạn chứng thư, địa chỉ được phép; sửa xong hệ thống tự gửi lại",
            en="Check password, the certificate's end and allowed addresses; once that is mended "
            "it goes by itself",
        ),
        owner=Owner.US,
        steps=(Step.CONFIGURE, Step.RENEW),
        is_of_target=True,
    ),
    DeliveryCause.WITHHELD: About(
        message=Text(
            vi="Chưa gửi vì lý do phía hệ thống: cấu hình, khóa hoặc hạn giữ quá ngắn",
            en="Nothing was sent for a reason of our own: settings, a key or too short a lease",
        ),
        remedy=_READ_DETAIL,
        owner=Owner.US,
        steps=(Step.CONFIGURE, Step.RENEW),
    ),
    DeliveryCause.LOOK_UP_FAILED: About(
        message=Text(
            vi="Chưa rõ Cổng đã nhận hay chưa, và tra cứu không thành",
            en="Whether the portal has it is not known, and the look-up failed",
        ),
        remedy=_WAITS,
        owner=Owner.PORTAL,
        steps=(Step.WAIT, Step.ASK_PORTAL),
        is_of_target=True,
    ),
    DeliveryCause.LOOK_UP_WITHHELD: About(
        message=Text(
            vi="Chưa tra cứu ở Cổng vì lý do phía hệ thống",
            en="The portal was not asked for a reason of our own",
        ),
        remedy=_READ_DETAIL,
        owner=Owner.US,
        steps=(Step.CONFIGURE, Step.RENEW),
    ),
    DeliveryCause.UNPROVEN: About(
        message=Text(
            vi="Tra cứu của Cổng không chứng minh được dòng tiến độ",
            en="The portal's look-up cannot prove a progress row",
        ),
        remedy=Text(
            vi="Hỏi Cổng hoặc xem trên Cổng; gửi lại nếu chưa có, để yên nếu đã có",
            en="Ask or look at the portal; resend what is not there, leave what is",
        ),
        owner=Owner.US,
        steps=(Step.ASK_PORTAL, Step.RESEND),
    ),
    DeliveryCause.WORKER_GONE: About(
        message=Text(
            vi="Tiến trình gửi nó không còn nữa: đang hỏi lại Cổng",
            en="The worker that sent it is gone: the portal is asked",
        ),
        remedy=Text(
            vi="Không phải làm gì; nếu lặp lại, xem nhật ký và tài nguyên máy (doctor)",
            en="Nothing; if it comes again, see the log and the machine's resources (doctor)",
        ),
        owner=Owner.US,
        steps=(Step.WAIT, Step.CONFIGURE),
        is_of_target=True,
    ),
    DeliveryCause.KILLS_WORKER: About(
        message=Text(
            vi="Tiến trình gửi nó dừng đột ngột nhiều lần",
            en="Its worker ended again and again while sending it",
        ),
        remedy=Text(
            vi="Xem nhật ký của tiến trình, báo nhà cung cấp; gửi lại sau khi sửa",
            en="See the worker's log and report it; resend once it is mended",
        ),
        owner=Owner.US,
        steps=(Step.CONFIGURE, Step.RESEND),
    ),
    DeliveryCause.DAMAGED: About(
        message=Text(vi="Không mở được tài liệu đã lưu", en="The stored document cannot be opened"),
        remedy=Text(
            vi="Kiểm tra khóa của kho và bản sao lưu (doctor, audit verify), rồi lập lại từ nguồn",
            en="Check the store's keys and the backup (doctor, audit verify), then reissue",
        ),
        owner=Owner.US,
        steps=(Step.CONFIGURE, Step.REISSUE),
    ),
}

BY_CODE = {cause.value: about for cause, about in ABOUT.items()}
