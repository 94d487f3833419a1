"""The dictionaries a portal hands out: procedures, agencies, fields, one procedure whole."""

from __future__ import annotations

from enum import Enum

from schemas.errors import ConfigError, PeerError
from schemas.problem import Text


class Dictionary(Enum):
    """Those that are known; the values are the published names of their services."""

    PROCEDURES = "LayDanhSachTTHC"
    """Rows of MATTHC, TENTTHC."""
    AGENCIES = "LayDanhMucCoQuan"
    """Rows of MADONVI, TENDONVI, CAPDONVI."""
    FIELDS = "LayDanhMucLinhVuc"
    """Rows of MALINHVUC, TENLINHVUC, MANGANH."""
    PROCEDURE = "LayThuTuc"
    """Everything about one procedure."""


def no_dictionaries() -> ConfigError:
    """Say that a target hands none out."""
    return ConfigError(
        Text(
            vi='Cổng này chưa có danh mục: cần [target] channel = "dvcqg-json", [target.json] '
            'form = "adapter" và share_endpoint',
            en='this target has no dictionaries: they need [target] channel = "dvcqg-json", '
            '[target.json] form = "adapter" and share_endpoint',
        ),
        code="target.no_dictionaries",
    )


def no_answer(dictionary: Dictionary, detail: str) -> PeerError:
    """Say that a target did not answer as it should; `detail` is in our words."""
    return PeerError(
        Text(
            vi=f"Cổng không trả danh mục {dictionary.value}: {detail}",
            en=f"the portal did not hand out {dictionary.value}: {detail}",
        ),
        retryable=True,
        code="target.dictionary",
    )
