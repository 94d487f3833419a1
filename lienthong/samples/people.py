"""
People who do not exist.

Every name carries the word "mẫu" (sample), telephone numbers and papers have only zeros before
their last three digits, addresses of mail end in the reserved domain example.vn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

FAMILY_NAMES = (
    "Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Phan", "Vũ", "Võ", "Đặng",
    "Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Lý",
)  # fmt: skip
MIDDLE_NAMES = (
    "Văn", "Thị", "Minh", "Ngọc", "Thanh", "Hữu", "Đức", "Quang", "Thu", "Kim", "Gia", "Bảo",
)  # fmt: skip
GIVEN_NAMES = (
    "An", "Ánh", "Bình", "Châu", "Dung", "Giang", "Hạnh", "Hiếu", "Hương", "Khánh", "Lan", "Linh",
    "Long", "Mai", "Nam", "Nga", "Nhung", "Phúc", "Phương", "Quân", "Quyên", "Sơn", "Tâm", "Thảo",
    "Thủy", "Trang", "Trung", "Tuấn", "Uyên", "Vân", "Vy", "Xuân", "Yến", "Ưng",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One invented applicant."""

    name: str
    phone: str
    """Ten digits, the first seven always 0900000."""
    email: str
    identity: str
    """Twelve digits like a personal number, in a range that is not given out."""


def make_person(random: Random, *, number: int) -> Person:
    """Return an invented person; `number` ends up in the last three digits of their numbers."""
    tail = f"{number % 1000:03d}"
    words = (random.choice(FAMILY_NAMES), random.choice(MIDDLE_NAMES), random.choice(GIVEN_NAMES))
    return Person(
        name=f"{' '.join(words)} (mẫu)",
        phone=f"0900000{tail}",
        email=f"mau.{number:05d}@example.vn",
        identity=f"079000000{tail}",
    )
