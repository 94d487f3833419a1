"""
Corrections of a source record: what a person has said stands in place of what the agency wrote.

They are applied to the record in memory, between the agency's bytes and its mapping: the bytes stay
as they came, and what is made of the corrected record is judged like any other. A correction is of
one value, named by the path that the mapping reads it by; `before` is what the agency wrote, also
where it was corrected before.
"""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from adapters.record import SourceRecord
from mappings.correcting import EncodedPlace, NoSuchPlace, value_at, with_value
from mappings.source_paths import without_indices
from mappings.values import NotAValue
from schemas.errors import InputError
from schemas.problem import LONGEST_VALUE, Place, Problem, Severity, Text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from adapters.record import UnreadableRecord
    from lienthong.conversion import Prepared

MOST_CORRECTIONS = 20
"""Of one record; with more of them it is another record, and the agency's to send."""
LONGEST_PATH = 200
LONGEST_CORRECTION = 2_000
"""Characters of a new value."""
SALT_BYTES = 16
CORRECTED = "record.corrected"
"""Code of the finding that tells the agency."""
_OTHER_QUOTES = str.maketrans("'«»", "’‹›")
_FORBIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Kinds of characters that no value needs: controls, invisible ones, and those of no meaning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to stand in a record."""

    path: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One value of a record that a person has corrected."""

    path: str
    """From the root of the record, as its mapping reads it."""
    before: str = field(repr=False)
    """What the agency wrote; "" for nothing."""
    after: str = field(repr=False)
    salt: str
    """Hex; goes when the values go, so that their digests give nothing away."""
    place: Place

    def digest(self, value: str) -> str:
        """Return what proves one of the two values to who has the salt."""
        return sha256(bytes.fromhex(self.salt) + value.encode()).hexdigest()

    def finding(self) -> Problem:
        """Return what the agency is told of it."""
        # What is quoted is masked up to the quote that ends it.
        said = self.after[:LONGEST_VALUE].translate(_OTHER_QUOTES)
        return Problem(
            code=CORRECTED,
            severity=Severity.WARNING,
            place=self.place,
            value=self.before[:LONGEST_VALUE] or None,
            message=Text(
                vi=f"Người vận hành đã sửa giá trị này của bản ghi thành «{said}» rồi lập văn bản",
                en="The operator has corrected this value of the record to "
                f"'{said}', and the document was made of that",
            ),
            suggestion=Text(
                vi="Sửa giá trị tại nguồn của đơn vị; nếu giá trị sửa không đúng, gửi bản mới",
                en="Mend it in your own system; where the correction is wrong, send a new record",
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """How the record of a message differs from what its agency sent."""

    corrections: tuple[Correction, ...]
    plain: Prepared
    """What the mapping makes of the record as the agency sent it."""
    carried: frozenset[str]
    """Paths whose corrections were made to an earlier message, and are carried on."""

    def digest_of(self, item: int) -> str | None:
        """Return by what the agency's own event is known when it comes again; None: by nothing."""
        events = self.plain.events
        return events[item].content_digest if item < len(events) else None


def check_wishes(wishes: Sequence[Wish]) -> None:
    """
    Return where wishes can be tried.

    Raises:
        InputError: there are none or too many, one is too long, or says what no value may.
    """
    if not 1 <= len(wishes) <= MOST_CORRECTIONS:
        raise InputError(_how_many(len(wishes)))
    seen: set[str] = set()
    for wish in wishes:
        if not 1 <= len(wish.path) <= LONGEST_PATH:
            raise InputError(_path_unknown(wish.path[:LONGEST_PATH]))
        if wish.path in seen:
            raise InputError(_twice(wish.path))
        seen.add(wish.path)
        if len(wish.value) > LONGEST_CORRECTION:
            raise InputError(_too_long(wish))
        for character in wish.value:
            if unicodedata.category(character) in _FORBIDDEN:
                raise InputError(_forbidden(wish, character))


def correct(
    record: SourceRecord | UnreadableRecord,
    wishes: Sequence[Wish],
    *,
    kept: Mapping[str, str],
    read_columns: Collection[str],
) -> tuple[SourceRecord, tuple[Correction, ...]]:
    """
    Return a record as it is corrected, and how it then differs from what the agency sent.

    Args:
        record: As it was sent.
        wishes: What is wanted now; a value that the agency wrote takes a correction back.
        kept: Corrections from before, path to value.
        read_columns: What some rule of the mapping reads.

    Raises:
        InputError: it cannot be corrected like that, or that says nothing new.
    """
    if not isinstance(record, SourceRecord):
        raise InputError(_unreadable(record))
    for wish in wishes:
        now = kept.get(wish.path)
        if now is None:
            now = _value_at(record, wish.path)
        if _written(wish.value) == now:
            raise InputError(_unchanged(wish.path))
    made, corrections = record, []
    values = dict(kept) | {wish.path: _written(wish.value) for wish in wishes}
    for path, after in values.items():
        if without_indices(path) not in read_columns:
            raise InputError(_path_unknown(path))
        before = _value_at(record, path)
        if before == after:
            continue
        made = _with_value(made, path, after)
        corrections.append(
            Correction(
                path=path,
                before=before,
                after=after,
                salt=secrets.token_bytes(SALT_BYTES).hex(),
                place=record.place_of(path),
            )
        )
    return made, tuple(corrections)


def _written(value: str) -> str:
    """Return a value as adapters and mapping give texts."""
    return unicodedata.normalize("NFC", value.strip())


def _value_at(record: SourceRecord, path: str) -> str:
    try:
        return value_at(record, path)
    except NotAValue:
        raise InputError(_many_values(path)) from None


def _with_value(record: SourceRecord, path: str, value: str) -> SourceRecord:
    try:
        return with_value(record, path, value)
    except NoSuchPlace:
        raise InputError(_path_unknown(path)) from None
    except EncodedPlace:
        raise InputError(_encoded(path)) from None
    except NotAValue:
        raise InputError(_many_values(path)) from None


_SEE_PATHS = Text(
    vi="Xem đường dẫn ở từng trường: trang thông điệp, hoặc GET /v1/messages/{id}/record",
    en="See the path at each field: the message's page, or GET /v1/messages/{id}/record",
)
_ASK_AGENCY = Text(
    vi="Nhờ cơ quan sửa tại nguồn và gửi lại bản ghi",
    en="Have the agency mend the record and send it again",
)


def _how_many(count: int) -> Problem:
    return Problem(
        code="correction.count",
        message=Text(
            vi=f"Có {count} giá trị cần sửa; mỗi lần từ 1 đến {MOST_CORRECTIONS}",
            en=f"{count} values are to be corrected; from 1 to {MOST_CORRECTIONS} can be",
        ),
        suggestion=_ASK_AGENCY,
    )


def _path_unknown(path: str) -> Problem:
    return Problem(
        code="correction.path_unknown",
        message=Text(
            vi=f"Ánh xạ không đọc giá trị nào ở {path!r}, hoặc bản ghi không có chỗ đó",
            en=f"The mapping reads no value at {path!r}, or the record has no such place",
        ),
        suggestion=_SEE_PATHS,
    )


def _twice(path: str) -> Problem:
    return Problem(
        code="correction.path_twice",
        place=Place(path=path),
        message=Text(vi=f"{path!r} được sửa hai lần", en=f"{path!r} is corrected twice"),
        suggestion=Text(vi="Chỉ ghi một giá trị cho mỗi chỗ", en="Give one value for each path"),
    )


def _too_long(wish: Wish) -> Problem:
    return Problem(
        code="correction.too_long",
        place=Place(path=wish.path),
        message=Text(
            vi=f"Giá trị mới ở {wish.path!r} dài {len(wish.value)} ký tự; "
            f"tối đa {LONGEST_CORRECTION}",
            en=f"The new value at {wish.path!r} has {len(wish.value)} characters; "
            f"at most {LONGEST_CORRECTION} are allowed",
        ),
        suggestion=_ASK_AGENCY,
    )


def _forbidden(wish: Wish, character: str) -> Problem:
    return Problem(
        code="correction.character",
        place=Place(path=wish.path),
        message=Text(
            vi=f"Giá trị mới ở {wish.path!r} có ký tự điều khiển hoặc ký tự ẩn "
            f"U+{ord(character):04X}",
            en=f"The new value at {wish.path!r} has a control or invisible character "
            f"U+{ord(character):04X}",
        ),
        suggestion=Text(
            vi="Gõ lại giá trị trên một dòng, không dán từ tệp khác",
            en="Type the value on one line instead of pasting it",
        ),
    )


def _unchanged(path: str) -> Problem:
    return Problem(
        code="correction.unchanged",
        place=Place(path=path),
        message=Text(
            vi=f"Ở {path!r} đã là giá trị đó",
            en=f"That value stands at {path!r} already",
        ),
        suggestion=Text(
            vi="Bỏ chỗ này; để lập lại không sửa gì: lienthong messages reissue",
            en="Leave it out; to reissue with nothing corrected: lienthong messages reissue",
        ),
    )


def _many_values(path: str) -> Problem:
    return Problem(
        code="correction.not_a_value",
        place=Place(path=path),
        message=Text(
            vi=f"Ở {path!r} có nhiều giá trị, không sửa được như một giá trị",
            en=f"Several values stand at {path!r}, which cannot be corrected as one",
        ),
        suggestion=_SEE_PATHS,
    )


def _encoded(path: str) -> Problem:
    return Problem(
        code="correction.encoded",
        place=Place(path=path),
        message=Text(
            vi=f"Ở {path!r} là nội dung tệp đính kèm, không sửa bằng tay được",
            en=f"The bytes of a file stand at {path!r}, which cannot be typed",
        ),
        suggestion=_ASK_AGENCY,
    )


def _unreadable(record: UnreadableRecord) -> Problem:
    return Problem(
        code="correction.unreadable",
        place=record.problems[0].place,
        message=Text(
            vi=f"Không đọc được bản ghi số {record.number}, nên không có giá trị nào để sửa",
            en=f"Record number {record.number} cannot be read, so it has no values to correct",
        ),
        suggestion=_ASK_AGENCY,
    )
