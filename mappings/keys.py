"""
The keys of the mapping language, each with what it is for: the one place that knows them.

The readers ask here what may stand where, and the schema for editors is made from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The keys of one kind of section, in the order in which they are told."""

    required: Mapping[str, Text] = field(default_factory=dict)
    optional: Mapping[str, Text] = field(default_factory=dict)

    def __iter__(self) -> Iterator[str]:
        yield from self.required
        yield from self.optional

    def about(self, key: str) -> Text:
        """Return what `key` is for."""
        return self.required[key] if key in self.required else self.optional[key]


WHEN = Text(
    vi="điều kiện; không thỏa thì không có giá trị",
    en="a condition; when it fails there is no value",
)
FIELDS = Text(vi="quy tắc của từng trường", en="the rule of each field")
EVENT_KEY = Text(
    vi="mẫu ghép khóa của chính đơn vị; cùng khóa mà khác nội dung là xung đột",
    en="template of the agency's own key; the same key with other content is a conflict",
)

TOP = Keys(
    required={
        "mapping": Text(
            vi="tên gọi: chữ thường không dấu, chữ số, gạch nối",
            en="its name: small letters a-z, digits, hyphens",
        ),
        "version": Text(
            vi="số nguyên từ 1; tăng lên khi nghĩa của tệp thay đổi",
            en="a whole number from 1; raise it when the meaning of the file changes",
        ),
        "schema": Text(vi="phiên bản lược đồ của Cổng", en="version of the portal's schema"),
        "agency": Text(vi="đơn vị gửi hồ sơ", en="the agency that sends the dossiers"),
        "source": Text(vi="tệp được đọc thế nào", en="how the file is read"),
        "dossier": Text(
            vi="quy tắc các trường của DongBoHoSoMC", en="rules of the fields of DongBoHoSoMC"
        ),
    },
    optional={
        "leave_out": Text(
            vi="điều kiện; bản ghi thỏa thì không gửi, không là lỗi, và được đếm",
            en="a condition; a record for which it holds is not sent, is no error, and is counted",
        ),
        "event_key": EVENT_KEY,
        "order_by": Text(
            vi="mẫu ghép cho biết thứ tự các lần cập nhật của một hồ sơ",
            en="template that orders the snapshots of one dossier",
        ),
        "one_row_per_dossier": Text(
            vi="true (mặc định): một hồ sơ hai lần trong một tệp, với dữ liệu khác, là lỗi",
            en="true (default): one dossier twice in one file, with other data, is an error",
        ),
        "valid_at": Text(
            vi="ngày dùng cho danh mục mã và bảng; mặc định NgayTiepNhan",
            en="the day for code lists and tables; default NgayTiepNhan",
        ),
        "severity": Text(
            vi="{mã: error}: những điều các trường nói với nhau mà phải chặn hồ sơ",
            en="{code: error}: what the fields say together and must stop a record",
        ),
        "inbound": Text(
            vi="các dịch vụ có thông điệp từ Cổng về đơn vị, và tệp phải viết ra",
            en="services whose messages come from the portal to the agency, and what is written",
        ),
        "code_lists": Text(vi="các danh mục mã có tên", en="named lists of codes"),
        "attachments": Text(
            vi="tệp đính kèm ở đâu và được khai báo thế nào; được lấy và kiểm tra trước khi gửi",
            en="where attachments stand and what is declared of them; checked before a dossier "
            "goes",
        ),
        "progress": Text(vi="quy tắc của CapNhatTienDoHoSoMC", en="rules of CapNhatTienDoHoSoMC"),
        "tests": Text(vi="hồ sơ mẫu và kết quả phải có", en="records and what must come of them"),
    },
)
AGENCY = Keys(
    required={
        "code": Text(
            vi="mã như trong thông điệp và chứng thư số của đơn vị",
            en="as in messages and in the agency's certificate",
        ),
        "name": Text(vi="tên đơn vị", en="its name"),
    },
    optional={
        "group": Text(
            vi="một trong 23 nhóm đơn vị của danh mục dịch vụ",
            en="one of the 23 groups of the catalogue of services",
        )
    },
)
CODE_LIST = Keys(
    required={"entries": Text(vi="từ của đơn vị → mã của Cổng", en="the agency's words → codes")},
    optional={
        "ignore_case": Text(
            vi="không phân biệt chữ hoa và khoảng trắng; dấu luôn được phân biệt",
            en="compare small letters and single spaces; accents always count",
        ),
        "source": Text(
            vi="danh mục lấy từ đâu: văn bản, hệ thống, người cung cấp",
            en="where the list is from: a document, a system, who gave it",
        ),
        "version": Text(
            vi="phiên bản hoặc ngày của danh mục", en="the list's own version, or its date"
        ),
    },
)
CODE_ENTRY = Keys(
    required={
        "from": Text(
            vi='một hay nhiều từ của đơn vị; "" là giá trị trống',
            en='one or several words of the agency; "" is an empty value',
        ),
        "to": Text(vi='mã của Cổng; "" là không có gì', en='the portal\'s code; "" is nothing'),
    },
    optional={
        "valid_from": Text(vi="từ ngày, tính cả ngày đó", en="from this day, included"),
        "valid_to": Text(vi="đến hết ngày", en="to this day, included"),
    },
)
SOURCES = {
    "from": Text(
        vi="cột hay đường dẫn; danh sách: lấy cái đầu tiên có giá trị",
        en="a column or path; of a list the first that is not empty",
    ),
    "constant": Text(vi="giá trị cố định", en="always this value"),
    "template": Text(
        vi="văn bản với đường dẫn trong {ngoặc}; một phần trống thì cả mẫu trống",
        en="text with paths in {braces}; if one is empty the whole is empty",
    ),
}
CONVERSIONS = {
    "date": Text(
        vi="các định dạng ngày của đơn vị; cái đầu tiên khớp được dùng",
        en="the agency's date formats; the first that fits wins",
    ),
    "number": Text(vi="số được viết thế nào", en="how the number is written"),
    "kind": Text(
        vi="loại giá trị có quy tắc riêng: số định danh, mã số thuế, điện thoại …",
        en="a kind of value that has rules of its own: personal number, tax code, phone …",
    ),
    "codes": Text(
        vi="tên một danh mục mã, hoặc {từ: mã} viết tại chỗ",
        en="the name of a code list, or {word: code} written here",
    ),
    "lookup": Text(vi="tra trong bảng dùng chung", en="look it up in a table"),
}
TEXT = {"text": Text(vi="các quy tắc văn bản, theo thứ tự", en="text rules, in this order")}
DEFAULT = Text(vi="giá trị khi kết quả trống", en="when the result is empty")
REQUIRED = Text(
    vi="true: kết quả trống là lỗi, dù Cổng không bắt buộc",
    en="true: an empty result is an error, though the portal does not ask for the field",
)
RULE = Keys(
    optional={
        **SOURCES,
        **CONVERSIONS,
        **TEXT,
        "default": DEFAULT,
        "required": REQUIRED,
        "when": WHEN,
    }
)
ALTERNATIVE = Keys(
    optional={**SOURCES, **CONVERSIONS, **TEXT, "default": DEFAULT, "when": WHEN},
)
FIRST = Keys(
    required={
        "first": Text(
            vi="các quy tắc thay thế nhau: quy tắc đầu tiên có giá trị quyết định",
            en="alternatives, each a whole rule: the first that has a value decides",
        )
    },
    optional={"default": DEFAULT, "required": REQUIRED, "when": WHEN},
)
PREFER = Text(
    vi="{mã: từ} khi danh mục có nhiều từ cho một mã, hoặc không có từ nào",
    en="{code: word} where the list has several words for a code, or none",
)
INBOUND_RULE = Keys(optional={**RULE.optional, "prefer": PREFER})
INBOUND_ALTERNATIVE = Keys(optional={**ALTERNATIVE.optional, "prefer": PREFER})
DATE_WRITING = Keys(
    required={"write": Text(vi="dạng ngày của đơn vị", en="the agency's date format")},
    optional={
        "read": Text(
            vi="ngày đến theo dạng nào; mặc định yyyyMMddHHmmss",
            en="how the date comes; default yyyyMMddHHmmss",
        ),
        "zone": Text(
            vi='viết theo giờ nào: "Z" hay "+07:00" (mặc định)',
            en='by whose clock it is written: "Z", or "+07:00" (the default)',
        ),
        "empty": Text(vi="các giá trị có nghĩa là không có ngày", en='values that mean "no date"'),
    },
)
_EACH_ROW = Text(
    vi="đường dẫn tới một danh sách của thông điệp: mỗi phần tử một dòng",
    en="path of a list of the message: one row for each entry",
)
_WHICH = Text(vi="điều kiện: phần tử nào được lấy", en="a condition: which entries are taken")
_COLUMNS = Text(vi="các cột, theo thứ tự của tệp", en="the columns, in the order of the file")
INBOUND = Keys(
    required={
        "service": Text(vi="tên dịch vụ như đã công bố", en="name of the service, as published"),
        "target": Text(vi="tệp được viết thế nào", en="how the file is written"),
        "columns": _COLUMNS,
    },
    optional={
        "source": Text(
            vi="thông điệp được đọc thế nào; DongBoHoSoMC và CapNhatTienDoHoSoMC có mặc định",
            en="how a message is read; DongBoHoSoMC and CapNhatTienDoHoSoMC have a default",
        ),
        "dossier_code": Text(vi="nơi ghi mã hồ sơ", en="where the code of the dossier stands"),
        "procedure": Text(vi="nơi ghi mã thủ tục", en="where the code of the procedure stands"),
        "status": Text(vi="nơi ghi trạng thái", en="where the status stands"),
        "deadline": Text(vi="nơi ghi hạn trả kết quả", en="where the deadline stands"),
        "event_key": Text(
            vi="mẫu ghép khóa của bên gửi; cùng khóa mà khác nội dung là xung đột",
            en="template of the sender's own key; the same key with other content is a conflict",
        ),
        "file_name": Text(
            vi="mẫu ghép tên tệp, có {message} là mã của thông điệp",
            en="template of the file's name, with {message}, the id of the message",
        ),
        "each": _EACH_ROW,
        "when": _WHICH,
    },
)
INBOUND_COLUMN = Keys(
    required={"to": Text(vi="tên cột của đơn vị", en="the agency's own name of the column")},
    optional={
        "type": Text(
            vi="text (mặc định), number hay boolean, khi định dạng phân biệt",
            en="text (the default), number or boolean, where the format tells them apart",
        ),
        "max_length": Text(
            vi="số ký tự tối đa; dài hơn thì chặn, không bao giờ cắt",
            en="at most so many characters; longer is refused, never cut",
        ),
        "each": Text(
            vi="đường dẫn tới một danh sách: nối lại bằng `join`, hoặc viết thành `columns`",
            en="path of a list, joined by `join` or written as `columns`",
        ),
        "join": Text(
            vi="chuỗi nối giá trị của các phần tử", en="what stands between the entries' values"
        ),
        "columns": Text(
            vi="các cột của mỗi phần tử: bảng con, trang tính khác, hoặc phần tử con",
            en="the columns of each entry: another sheet, or objects or elements inside",
        ),
    },
)
LOOKUP = Keys(
    required={
        "table": Text(vi="tên bảng", en="name of the table"),
        "column": Text(vi="cột cần lấy", en="the column that is taken"),
    },
    optional={
        "key": Text(
            vi="đường dẫn tới mã; không có thì mã là giá trị lấy từ `from`",
            en="path of the code; without it the code is what `from` gives",
        )
    },
)
LOOKUP_OF_KIND = Keys(required=LOOKUP.required)
LOOKUP_SOURCE = Keys(
    required={**LOOKUP.required, "key": Text(vi="đường dẫn tới mã", en="path of the code")}
)
DATE = Keys(
    required={"formats": CONVERSIONS["date"]},
    optional={
        "empty": Text(vi="các giá trị có nghĩa là không có ngày", en='values that mean "no date"'),
        "working_days": Text(
            vi="cộng thêm từng ấy ngày làm việc: một số, hoặc đường dẫn tới số đó",
            en="so many working days later: a number, or the path of one",
        ),
        "at": Text(vi="giờ HH:mm của ngày đó", en="the time HH:mm of that day"),
    },
)
KIND = {
    "name": Text(vi="tên loại", en="name of the kind"),
    "severity": Text(
        vi="error hoặc warning cho mọi điều phát hiện ở trường này, hoặc {mã quy tắc: mức}",
        en="error or warning for whatever is found in this field, or {code of a rule: severity}",
    ),
    "born": Text(vi="nơi ghi ngày hoặc năm sinh", en="where the date or year of birth stands"),
    "sex": Text(vi="nơi ghi giới tính", en="where the sex stands"),
    "male": Text(vi="cách ghi nam; mặc định nam", en="what stands there for a man; default nam"),
    "female": Text(vi="cách ghi nữ; mặc định nữ", en="what stands there for a woman; default nữ"),
    "writing": Text(vi="cách viết mã đơn vị", en="how the agency's code is written"),
}


def kind(options: Iterable[str]) -> Keys:
    """Return the keys of a kind that has these options."""
    return Keys(
        required={"name": KIND["name"]},
        optional={key: KIND[key] for key in ("severity", *options)},
    )


GROUPS = {
    "each": Text(
        vi="đường dẫn tới một danh sách: mỗi phần tử một mục",
        en="path of a list: one item for each entry",
    ),
    "items": Text(
        vi="các mục viết ra, lấy từ các cột của bản ghi",
        en="items written out, from columns of the record",
    ),
    "split": Text(
        vi="một văn bản cắt thành nhiều phần: mỗi phần một mục, là `value`",
        en="a text cut into parts: one item for each, as `value`",
    ),
}
EACH_GROUP = Keys(required={"each": GROUPS["each"], "fields": FIELDS}, optional={"when": WHEN})
SPLIT_GROUP = Keys(required={"split": GROUPS["split"], "fields": FIELDS}, optional={"when": WHEN})
ITEMS_GROUP = Keys(required={"items": GROUPS["items"]})
ITEM = Keys(required={"fields": FIELDS}, optional={"when": WHEN})
SPLIT = Keys(
    required={
        "from": Text(vi="cột hay đường dẫn của văn bản", en="column or path of the text"),
        "separator": Text(vi="chỗ cắt", en="where it is cut"),
    }
)
PROGRESS_ROWS = Keys(
    required={"fields": FIELDS},
    optional={
        "each": Text(
            vi="đường dẫn tới danh sách tiến độ; không có thì bản ghi là một dòng tiến độ",
            en="path of the list of rows; without it the record itself is one row",
        ),
        "when": WHEN,
        "event_key": EVENT_KEY,
    },
)
JOINS = {
    "all": Text(vi="mọi điều kiện đều thỏa", en="all of these"),
    "any": Text(vi="ít nhất một điều kiện thỏa", en="one of these at least"),
    "not": Text(vi="điều kiện không thỏa", en="not this"),
}
TESTS = {
    "present": Text(vi="có giá trị, hay không có", en="something stands there, or nothing"),
    "equals": Text(vi="đúng bằng", en="the text is this"),
    "in": Text(vi="là một trong", en="the text is one of these"),
    "matches": Text(
        vi="biểu thức chính quy được tìm thấy; ^…$ cho cả văn bản",
        en="the regular expression is found; ^…$ for the whole",
    ),
}
CONDITION = Keys(
    required={"path": Text(vi="cột hay đường dẫn được xét", en="the column or path looked at")},
    optional=TESTS,
)
TEST = Keys(
    required={
        "name": Text(vi="tên phép thử", en="name of the test"),
        "record": Text(vi="một bản ghi như trong tệp của đơn vị", en="a record as in the file"),
    },
    optional={
        "dossier": Text(
            vi="các trường phải có; null: phải vắng mặt",
            en="fields that must come; null: must be absent",
        ),
        "progress": Text(vi="các dòng tiến độ phải có", en="progress rows that must come"),
        "problems": Text(
            vi="đúng những lỗi phải có; không ghi: không được có lỗi",
            en="exactly the problems that must come; without it none may",
        ),
        "inbound": Text(
            vi="tên dịch vụ: bản ghi là một thông điệp từ Cổng, không phải của đơn vị",
            en="name of a service: the record is a message of the portal, not the agency's own",
        ),
        "rows": Text(
            vi="của một thông điệp: các dòng phải được viết, theo tên cột của đơn vị",
            en="of a message: the rows that must be written, by the agency's columns",
        ),
        "file_name": Text(
            vi="của một thông điệp: tên tệp, với {message}",
            en="of a message: the file's name, with {message}",
        ),
        "left_out": Text(
            vi="true: `leave_out` phải bỏ qua bản ghi này, không có gì khác",
            en="true: `leave_out` must leave this record out, and nothing else comes of it",
        ),
    },
)
EXPECTED_PROBLEM = Keys(
    required={"code": Text(vi="mã lỗi", en="code of the problem")},
    optional={"field": Text(vi="trường của Cổng", en="field of the portal")},
)
