"""
What can be done about a value, where the rule that refused it says nothing better.

The agency reads what it can do in its own data, without a word of the mapping; what whoever writes
the mapping can do is said apart.
"""

from __future__ import annotations

from schemas.problem import Remedy, Text

_MEND_OR_TELL = Text(
    vi="sửa giá trị tại nguồn; nếu giá trị đúng, báo cho người phụ trách kết nối",
    en="mend the value at the source; if it is right, tell whoever set up the connection",
)
REMEDIES = {
    "mapping.code_unknown": Remedy(
        _MEND_OR_TELL,
        Text(
            vi="nếu giá trị đúng, thêm nó vào danh mục mã; nếu là lỗi của đơn vị thì không thêm",
            en="if the value is right, add it to the code list; if it is the agency's mistake, do "
            "not",
        ),
    ),
    "mapping.code_ambiguous": Remedy(
        Text(
            vi="báo cho người phụ trách kết nối: phải chọn một từ của đơn vị cho mã này",
            en="tell whoever set up the connection: one of the agency's words must be chosen",
        ),
        Text(vi="chọn một từ bằng `prefer`", en="choose one by `prefer`"),
    ),
    "mapping.separator_in_value": Remedy(
        _MEND_OR_TELL,
        Text(
            vi="chọn chuỗi `join` không có trong giá trị, hoặc thay nó bằng `text`",
            en="choose a `join` that no value holds, or change the value by `text`",
        ),
    ),
    "mapping.code_not_valid": Remedy(
        Text(
            vi="kiểm tra ngày của hồ sơ và giá trị này tại nguồn",
            en="check the dossier's date and this value at the source",
        ),
        Text(vi="thêm mã có hiệu lực vào ngày đó", en="add the code that is in force on that day"),
    ),
    "mapping.lookup_unknown": Remedy(
        Text(
            vi="kiểm tra mã tại nguồn; nếu mã đúng, báo cho người phụ trách kết nối",
            en="check the code at the source; if it is right, tell whoever set up the connection",
        ),
        Text(
            vi="nếu mã có đuôi riêng của đơn vị, cắt nó bằng `text`; mã đúng mà bảng không có thì "
            "dùng danh mục mã",
            en="cut a local ending off with `text`; for right codes that the table lacks use a "
            "code list",
        ),
    ),
    "mapping.date_invalid": Remedy(
        Text(vi="sửa ngày tại nguồn", en="mend the date at the source"),
        Text(
            vi="nếu đơn vị viết theo dạng khác, thêm dạng đó vào `date`",
            en="if the agency writes another form, add it to `date`",
        ),
    ),
    "mapping.date_implausible": Remedy(
        Text(
            vi="sửa ngày tại nguồn; nếu không có ngày thì để trống",
            en="mend the date at the source; leave it empty where there is none",
        ),
        Text(
            vi="nếu giá trị này nghĩa là chưa có ngày, liệt kê nó trong `date: {empty: [...]}`",
            en='if this value means "no date", list it in `date: {empty: [...]}`',
        ),
    ),
    "mapping.number_invalid": Remedy(
        Text(vi="sửa số tại nguồn", en="mend the number at the source"),
        Text(vi="hoặc chọn dạng số mà đơn vị dùng", en="or choose the form that the agency uses"),
    ),
    "mapping.text_no_match": Remedy(_MEND_OR_TELL),
    "mapping.too_long": Remedy(
        Text(vi="rút gọn tại nguồn", en="shorten it at the source"),
        Text(vi="hoặc cho phép cắt bằng `truncate`", en="or allow `truncate`"),
    ),
    "mapping.value_refused": Remedy(
        Text(
            vi="sửa giá trị tại nguồn theo dạng mà Cổng nhận",
            en="mend the value at the source to the form that the portal takes",
        ),
    ),
    "mapping.key_empty": Remedy(
        Text(vi="điền giá trị tại nguồn", en="fill the value at the source"),
        Text(vi="hoặc bỏ khóa này khỏi ánh xạ", en="or take the key out of the mapping"),
    ),
    "mapping.valid_at_missing": Remedy(
        Text(vi="điền ngày này tại nguồn", en="fill this date at the source"),
        Text(vi="hoặc sửa `valid_at`", en="or mend `valid_at`"),
    ),
    "mapping.progress_other_dossier": Remedy(
        Text(
            vi="sửa mã hồ sơ của dòng tiến độ tại nguồn",
            en="mend the dossier code of the progress row at the source",
        ),
    ),
}
"""By the code of the problem; codes that are not here always say more themselves."""
