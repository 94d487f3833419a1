"""What the HTTP door answers instead of taking something over; see `lienthong.web.refusal`."""

from __future__ import annotations

from lienthong.web.refusal import Refused, refuse
from schemas.problem import Text


def not_yours() -> Refused:
    """The token is another agency's."""
    return refuse(
        403,
        "http.other_agency",
        Text(vi="Mã truy cập này là của cơ quan khác", en="This token belongs to another agency"),
        Text(
            vi="Dùng mã của đúng cơ quan nêu trong địa chỉ",
            en="Use the token of the agency that the address names",
        ),
    )


def no_agency() -> Refused:
    """Nobody configured the agency in the address."""
    return refuse(
        404,
        "http.agency_unknown",
        Text(vi="Không có cơ quan nêu trong địa chỉ", en="There is no agency as the address says"),
        Text(
            vi="Dùng tên ánh xạ hoặc mã đơn vị (MaDonVi) của cơ quan",
            en="Use the name of the agency's mapping, or its code (MaDonVi)",
        ),
    )


def no_submission() -> Refused:
    """The agency has no such submission."""
    return refuse(
        404,
        "http.submission_unknown",
        Text(vi="Cơ quan này không có lần gửi đó", en="This agency has no such submission"),
        Text(
            vi="Dùng mã `submission` trong trả lời khi gửi tệp",
            en="Use the `submission` of the answer to the hand-over",
        ),
    )


def no_receipt() -> Refused:
    """Nothing of the kind was signed about the submission, nor will be."""
    return refuse(
        404,
        "http.no_receipt",
        Text(
            vi="Lần gửi này không có biên nhận loại đó",
            en="There is no such receipt for this submission",
        ),
        Text(
            vi="`statement=refused` chỉ có khi cả tệp bị từ chối; tệp nhận trước khi hệ thống có "
            "biên nhận thì không có",
            en="`statement=refused` is there for a file that was refused as a whole; what was "
            "received before the system signed receipts has none",
        ),
    )


def receipt_not_yet(retry_after: int) -> Refused:
    """The operator's key cannot sign now; what was handed over is safe all the same."""
    return refuse(
        503,
        "http.receipt_not_yet",
        Text(
            vi="Biên nhận chưa ký được vào lúc này; tệp đã nhận vẫn an toàn",
            en="The receipt cannot be signed now; what was handed over is safe all the same",
        ),
        Text(
            vi="Hỏi lại sau; biên nhận cũng sẽ có trong danh sách kết quả",
            en="Ask again later; it will be among the results as well",
        ),
        retry_after=str(retry_after),
    )


def not_read_yet(retry_after: int) -> Refused:
    """The records of the submission are not all read."""
    return refuse(
        409,
        "http.not_read_yet",
        Text(
            vi="Tệp chưa được đọc hết, nên chưa biết hết lỗi",
            en="The file is not read to its end, so not all that is wrong with it is known",
        ),
        Text(vi="Hỏi lại sau", en="Ask again later"),
        retry_after=str(retry_after),
    )


def erased() -> Refused:
    """The bytes of the submission are not kept any more."""
    return refuse(
        410,
        "http.erased",
        Text(
            vi="Nội dung của lần gửi này đã được xóa theo thời hạn lưu trữ",
            en="The bytes of this submission were erased when their retention ended",
        ),
        Text(
            vi="Xem lỗi trong danh sách kết quả (results)",
            en="See what was wrong in the list of results",
        ),
    )


def no_mapping() -> Refused:
    """The agency's mapping cannot be used now."""
    return refuse(
        503,
        "http.mapping_unusable",
        Text(
            vi="Cấu hình của cơ quan này hiện không dùng được",
            en="The mapping of this agency cannot be used now",
        ),
        Text(vi="Báo người vận hành", en="Tell the operator"),
    )


def no_length() -> Refused:
    """The request does not say whether it has a body."""
    return refuse(
        411,
        "http.length_missing",
        Text(
            vi="Yêu cầu không có Content-Length và cũng không theo từng khối (chunked)",
            en="The request has neither a Content-Length nor chunked transfer",
        ),
        Text(
            vi="Gửi kèm Content-Length, hoặc Transfer-Encoding: chunked",
            en="Send a Content-Length, or Transfer-Encoding: chunked",
        ),
    )


def too_large(limit: int) -> Refused:
    """The body is over the limit."""
    return refuse(
        413,
        "http.too_large",
        Text(vi=f"Tệp lớn hơn {limit} byte", en=f"The file is larger than {limit} bytes"),
        Text(vi="Chia nhỏ tệp rồi gửi lại", en="Send it in parts"),
    )


def too_slow() -> Refused:
    """The sender is silent or drips."""
    return refuse(
        408,
        "http.too_slow",
        Text(
            vi="Dữ liệu đến quá chậm; không có gì được lưu",
            en="The bytes came too slowly; nothing was kept",
        ),
        Text(vi="Kiểm tra đường truyền, rồi gửi lại", en="Check the connection, then send again"),
    )


def wrong_type(expected: tuple[str, ...]) -> Refused:
    """The body says to be of another format than the agency's."""
    said = ", ".join(expected)
    return refuse(
        415,
        "http.content_type",
        Text(
            vi=f"Content-Type không khớp định dạng của cơ quan; cần: {said}",
            en=f"Content-Type is not of the agency's format; expected: {said}",
        ),
        Text(
            vi="Gửi nguyên tệp làm thân yêu cầu, không dùng biểu mẫu (multipart)",
            en="Send the file itself as the body, not a form (multipart)",
        ),
    )


def packed() -> Refused:
    """The body is compressed."""
    return refuse(
        415,
        "http.content_encoding",
        Text(vi="Không nhận nội dung nén", en="Compressed bodies are not taken"),
        Text(vi="Gửi nguyên tệp, bỏ Content-Encoding", en="Send it plainly, no Content-Encoding"),
    )


def empty() -> Refused:
    """There are no bytes."""
    return refuse(
        422,
        "http.empty",
        Text(vi="Tệp rỗng", en="The file is empty"),
        Text(vi="Kiểm tra việc xuất tệp, rồi gửi lại", en="Check the export, then send it again"),
    )


def busy(retry_after: int) -> Refused:
    """As many uploads are under way as may be."""
    return refuse(
        503,
        "http.busy",
        Text(vi="Đang nhận quá nhiều tệp", en="As many files are being taken as can be"),
        Text(vi="Gửi lại sau", en="Send it again later"),
        retry_after=str(retry_after),
    )


def your_turn_later(retry_after: int) -> Refused:
    """As many uploads of this agency are under way as may be."""
    return refuse(
        429,
        "http.agency_busy",
        Text(
            vi="Cơ quan này đang gửi quá nhiều tệp cùng lúc",
            en="This agency is sending too many files at once",
        ),
        Text(vi="Chờ tệp trước xong rồi gửi tiếp", en="Let the earlier ones end first"),
        retry_after=str(retry_after),
    )


def paused(retry_after: int) -> Refused:
    """An operator keeps what the agency sends out for now."""
    return refuse(
        503,
        "http.paused",
        Text(
            vi="Người vận hành đang tạm dừng tiếp nhận của cơ quan này; chưa nhận gì",
            en="An operator has paused intake of this agency; nothing was taken",
        ),
        Text(
            vi="Gửi lại sau Retry-After giây với cùng Idempotency-Key",
            en="Send it again after Retry-After seconds, with the same Idempotency-Key",
        ),
        retry_after=str(retry_after),
    )
