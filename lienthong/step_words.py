"""What happened to a dossier, in words: steps of the log, kinds of attempts and their outcomes."""

from __future__ import annotations

from schemas.problem import Text

_WORDS: dict[str, tuple[str, str]] = {
    "submission.received": ("Đã nhận tệp của cơ quan", "the agency's file was received"),
    "submission.expanded": ("Đã đọc hết tệp", "the file was read to its end"),
    "submission.held": ("Chưa đọc được tệp, sẽ thử lại", "the file cannot be read yet"),
    "submission.refused": ("Từ chối cả tệp", "the file was refused"),
    "submission.key_conflict": ("Tệp khác mang cùng mã gửi", "another file came under its key"),
    "submission.repeated": ("Tệp được gửi lại", "the file came again"),
    "message.ready": ("Đã ký, sẵn sàng gửi", "signed, ready to be sent"),
    "message.held": ("Đã ký, chờ thông điệp trước", "signed, waits for one before it"),
    "message.files_late": (
        "Đã báo cơ quan: hồ sơ chờ tệp đính kèm",
        "its agency was told that it waits for a file",
    ),
    "message.files_away": ("Chưa lấy được tệp đính kèm, sẽ thử lại", "a file cannot be had yet"),
    "message.files_complete": ("Đã đủ tệp đính kèm, đúng khai báo", "its files are all there"),
    "message.sending": ("Bắt đầu gửi tới Cổng", "it is being sent"),
    "message.delivered": ("Cổng đã nhận", "delivered"),
    "message.unknown": ("Chưa rõ Cổng đã nhận hay chưa", "whether it arrived is not known"),
    "message.looked_up": ("Hỏi Cổng xem đã nhận chưa", "the portal was asked"),
    "message.retrying": ("Sẽ gửi lại", "it is sent again later"),
    "message.rejected": ("Bản ghi bị từ chối", "the record was rejected"),
    "message.superseded": ("Được thay bằng bản mới hơn", "a newer one takes its place"),
    "message.parked": ("Dừng lại, chờ người xử lý", "parked: somebody must decide"),
    "message.quarantined": ("Cách ly, chờ người xử lý", "quarantined: somebody must decide"),
    "message.reissued": ("Được lập lại", "it was made again"),
    "message.corrected": ("Lập từ bản ghi đã sửa", "made of a corrected record"),
    "message.discarded": ("Bị bỏ", "it was discarded"),
    "message.viewed": ("Có người xem nội dung", "somebody looked at it"),
    "message.late_answer": ("Câu trả lời của Cổng đến muộn", "an answer came too late"),
    "event.repeated": ("Sự kiện được gửi lại", "the event came again"),
    "receipt.made": ("Đã ký biên nhận cho cơ quan", "a receipt was signed for the agency"),
    "dossier.shared": ("Chia sẻ cho cơ quan khác", "another agency was told"),
    "dossier.shared_before": ("Đã chia sẻ từ trước", "another agency was told before"),
    "dossier.not_shared": ("Không chia sẻ cho cơ quan khác", "not shared with another agency"),
    "evidence.exported": ("Xuất gói chứng cứ", "its evidence was exported"),
    "send": ("gửi", "send"),
    "lookup": ("hỏi", "look-up"),
    "delivered": ("Cổng đã nhận", "delivered"),
    "exists": ("Cổng đã có hồ sơ", "the portal has it already"),
    "missing": ("Cổng chưa có hồ sơ", "the portal does not have it"),
    "rejected": ("Cổng từ chối", "refused"),
    "busy": ("Cổng bận, chưa nhận", "busy, nothing was done"),
    "not_sent": ("chưa gửi được", "not sent"),
    "unknown": ("chưa rõ", "not known"),
    "unrecognised": ("câu trả lời lạ", "an answer never seen before"),
    "withheld": ("chưa gửi", "withheld"),
    "unsendable": ("không gửi được: Cổng không nhận giá trị", "not sent: values it does not take"),
    "target": ("Cổng từ chối kết nối", "the portal refuses us"),
    "present": ("có ở Cổng", "it is there"),
    "absent": ("không có ở Cổng", "it is not there"),
    "retention.erased": ("Nội dung bị xóa theo thời hạn lưu", "its payloads were erased"),
    "out": ("đang chờ trả lời", "no answer yet"),
    "failed": ("không hỏi được", "no answer"),
}


_DOWN: dict[str, tuple[str, str]] = {
    "submission.received": ("Đã nhận bản tin gửi xuống", "a message for the agency was received"),
    "submission.expanded": ("Đã đọc bản tin", "the message was read"),
    "submission.held": ("Chưa đọc được bản tin, sẽ thử lại", "the message cannot be read yet"),
    "submission.refused": ("Không đọc được bản tin", "the message cannot be read at all"),
    "submission.key_conflict": ("Bản tin khác mang cùng mã", "another message came under its id"),
    "submission.repeated": ("Bản tin được gửi lại", "the message came again"),
    "message.ready": ("Đã lập tệp, sẵn sàng giao", "its file is made, ready to be handed over"),
    "message.held": ("Đã lập tệp, chờ tệp trước", "its file is made, waits for one before it"),
    "message.sending": ("Đang giao cho cơ quan", "it is being handed over"),
    "message.delivered": ("Cơ quan đã nhận", "handed over to the agency"),
    "message.unknown": ("Chưa rõ cơ quan đã nhận hay chưa", "whether it arrived is not known"),
    "message.looked_up": ("Chuẩn bị giao lại", "it is handed over again"),
    "message.retrying": ("Sẽ giao lại", "it is handed over again later"),
    "send": ("giao", "hand-over"),
    "delivered": ("cơ quan đã nhận", "taken"),
    "rejected": ("cơ quan từ chối", "refused"),
    "busy": ("cơ quan chưa nhận lúc này", "not taken now"),
    "absent": ("giao lại", "goes again"),
}
"""Of what goes down to an agency, where it is said otherwise."""


def word_of(code: str, *, is_down: bool = False) -> Text:
    """Return a step in words; one that has none is its own name."""
    vi, en = (is_down and _DOWN.get(code)) or _WORDS.get(code, (code, code))
    return Text(vi=vi, en=en)
