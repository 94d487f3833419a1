"""Why a message stands where it stands: the product's own sentences, in Vietnamese as well."""

from __future__ import annotations

import unicodedata

REASONS: dict[str, str] = {
    "the portal has it: update": "Cổng đã có hồ sơ: chuyển sang cập nhật",
    "the portal says 'exists' to something that was not an add": (
        "Cổng trả lời «đã tồn tại» cho một lần gửi không phải thêm mới"
    ),
    "the portal does not have it: add": "Cổng chưa có hồ sơ: chuyển sang thêm mới",
    "the portal says 'does not exist' to something that was not an update": (
        "Cổng trả lời «chưa tồn tại» cho một lần gửi không phải cập nhật"
    ),
    "the portal does not take its values; nothing was sent, the attempt says which": (
        "Cổng không nhận một số giá trị của nó; chưa gửi gì, lần gửi cuối nêu rõ giá trị nào"
    ),
    "refused by the portal": "Cổng từ chối",
    "refused together with others: it goes alone": (
        "bị từ chối chung với các dòng khác trong một lần gọi: gửi lại riêng"
    ),
    "an answer never seen before, to several rows: the portal is asked": (
        "câu trả lời chưa từng gặp cho nhiều dòng: đang hỏi lại Cổng"
    ),
    "an answer never seen before": "câu trả lời chưa từng gặp",
    "answers never seen before, several in a row: the portal is asked": (
        "nhiều câu trả lời chưa từng gặp liên tiếp: đang hỏi lại Cổng"
    ),
    "no usable answer: the portal is asked": "không có câu trả lời dùng được: đang hỏi lại Cổng",
    "the portal is busy": "Cổng đang bận",
    "the portal cannot be reached": "không kết nối được tới Cổng",
    "the portal refuses us as a whole: login, certificate or address": (
        "Cổng từ chối cả hệ thống: đăng nhập, chứng thư hoặc địa chỉ"
    ),
    "nothing was sent for a reason of our own; its last attempt says which": (
        "chưa gửi vì lý do phía hệ thống; xem lần gửi gần nhất"
    ),
    "the portal was not asked for a reason of our own; the last look-up says which": (
        "chưa tra cứu vì lý do phía hệ thống; xem lần tra cứu gần nhất"
    ),
    "the look-up failed": "tra cứu không thành",
    "the portal shows it": "Cổng cho thấy đã có",
    "existence does not prove an update: the same snapshot goes again": (
        "có hồ sơ chưa chứng minh được lần cập nhật: gửi lại đúng bản đó"
    ),
    "existence settles the add": "hồ sơ đã có ở Cổng: việc thêm mới đã xong",
    "the portal shows the progress row": "Cổng cho thấy dòng tiến độ",
    "the portal's look-up cannot prove a progress row": (
        "tra cứu của Cổng không chứng minh được dòng tiến độ"
    ),
    "not there yet, and may still arrive": "chưa có ở Cổng, có thể vẫn đang đến",
    "not there after the quiet period: it goes again": (
        "hết thời gian chờ vẫn không có ở Cổng: gửi lại"
    ),
    "refused by the agency": "cơ quan nhận từ chối",
    "an internal error while it was handed over; see the log": (
        "lỗi bên trong khi giao cho cơ quan; xem nhật ký"
    ),
    "whether it arrived is not known: it goes again": "chưa rõ đã đến nơi chưa: gửi lại",
    "it is safe to send again, under its own id": "gửi lại an toàn, vẫn mang mã cũ",
    "the agency does not take it now": "cơ quan nhận chưa nhận lúc này",
    "the agency cannot be reached": "không kết nối được tới cơ quan nhận",
    "the agency refuses us as a whole: login, certificate or address": (
        "cơ quan nhận từ chối kết nối: đăng nhập, chứng thư hoặc địa chỉ"
    ),
    "the worker that sent it is gone": "tiến trình gửi nó không còn nữa",
    "its worker ended again and again while sending it": (
        "tiến trình gửi nó dừng đột ngột nhiều lần"
    ),
    "its stored document cannot be opened": "không mở được tài liệu đã lưu của nó",
}
"""Why a message stands where it stands; what a person wrote is not in here and stays as it is."""


def reasons_saying(words: str) -> list[str]:
    """Return the stored sentences whose Vietnamese has these words in it."""
    wanted = unicodedata.normalize("NFC", words).casefold()
    return [stored for stored, vi in REASONS.items() if wanted in vi.casefold()]
