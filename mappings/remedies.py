"""What the reader can do about a value, where the rule that refused it says nothing better."""

from __future__ import annotations

from schemas.problem import Text

REMEDIES = {
    "mapping.code_unknown": Text(
        vi="sửa giá trị tại nguồn, hoặc thêm nó vào danh mục mã của ánh xạ",
        en="mend the value at the source, or add it to the mapping's code list",
    ),
    "mapping.code_not_valid": Text(
        vi="kiểm tra ngày, hoặc thêm mã có hiệu lực vào ngày đó",
        en="check the date, or add the code that is in force on that day",
    ),
    "mapping.lookup_unknown": Text(
        vi="kiểm tra mã tại nguồn; nếu có đuôi riêng của đơn vị, cắt nó bằng `text`",
        en="check the code at the source; cut a local ending off with `text`",
    ),
    "mapping.date_invalid": Text(
        vi="sửa ngày tại nguồn; nếu đơn vị viết theo dạng khác, thêm dạng đó vào `date`",
        en="mend the date at the source; if the agency writes another form, add it to `date`",
    ),
    "mapping.date_implausible": Text(
        vi="sửa ngày tại nguồn; nếu nó có nghĩa là không có ngày, liệt kê nó ở `empty`",
        en="mend the date at the source; if it means no date, list it under `empty`",
    ),
    "mapping.number_invalid": Text(
        vi="sửa số tại nguồn, hoặc chọn dạng số mà đơn vị dùng",
        en="mend the number at the source, or choose the form that the agency uses",
    ),
    "mapping.text_no_match": Text(
        vi="sửa giá trị tại nguồn, hoặc sửa biểu thức của `extract`",
        en="mend the value at the source, or the expression of `extract`",
    ),
    "mapping.too_long": Text(
        vi="rút gọn tại nguồn, hoặc cho phép cắt bằng `truncate`",
        en="shorten it at the source, or allow `truncate`",
    ),
    "mapping.value_refused": Text(
        vi="sửa giá trị tại nguồn theo dạng mà Cổng nhận",
        en="mend the value at the source to the form that the portal takes",
    ),
    "mapping.key_empty": Text(
        vi="điền giá trị tại nguồn, hoặc bỏ khóa này khỏi ánh xạ",
        en="fill the value at the source, or take the key out of the mapping",
    ),
    "mapping.valid_at_missing": Text(
        vi="điền ngày mà `valid_at` chỉ đến", en="fill the date that `valid_at` names"
    ),
    "mapping.progress_other_dossier": Text(
        vi="sửa mã hồ sơ của dòng tiến độ tại nguồn",
        en="mend the dossier code of the progress row at the source",
    ),
}
"""By the code of the problem; codes that are not here always say more themselves."""
