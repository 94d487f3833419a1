"""
The errors of signing, in words an operator understands.

    SigningError
    ├── KeyUnusable         our key or its certificate cannot sign: mend the key, start again
    ├── DocumentUnsignable  the document handed in cannot carry our signature: a bug or wrong data
    │   └── NoCanonicalForm it has no canonical form, so nothing can be said about its bytes
    └── SignatureRefused    a received document is not accepted; `reasons` lists every finding

Every code is stable and dotted. Messages name certificates and places, never a document's values.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """
    One finding about a key, a certificate or a signature, in both languages.

    Each is one line: what forgers write into names and ids makes no lines, colours or directions of
    its own where it is shown.
    """

    code: str
    vi: str
    en: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "vi", in_one_line(self.vi))
        object.__setattr__(self, "en", in_one_line(self.en))

    def __str__(self) -> str:
        return self.en


class SigningError(Exception):
    """Anything this package reports on purpose; str() is the English sentence."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.en)
        self.code = reason.code
        self.vi = reason.vi
        self.en = reason.en


class KeyUnusable(SigningError):
    """A signing key or its certificate is absent, locked, wrong, weak or out of its time."""


class DocumentUnsignable(SigningError):
    """The document has no usable `Id`, is signed already, or is not well-formed."""


class NoCanonicalForm(DocumentUnsignable):
    """The element uses namespaces that canonical XML does not know, such as relative ones."""

    def __init__(self) -> None:
        super().__init__(
            Reason(
                code="document.no_canonical_form",
                vi="Tài liệu không có dạng chuẩn tắc: không gian tên phải là URI tuyệt đối",
                en="The document has no canonical form: namespaces must be absolute URIs",
            )
        )


class SignatureRefused(SigningError):
    """A signed document is not accepted; `reasons` has at least one finding, in reading order."""

    def __init__(self, reasons: tuple[Reason, ...]) -> None:
        super().__init__(
            Reason(
                code=reasons[0].code,
                vi="; ".join(reason.vi for reason in reasons),
                en="; ".join(reason.en for reason in reasons),
            )
        )
        self.reasons = reasons


def in_one_line(text: str) -> str:
    """Return a text without what makes lines, colours or directions where it is shown."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else " " for one in text)
