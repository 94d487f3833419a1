"""
The context of every sealed value: its table, column and row, so that none opens anywhere else.
"""

from __future__ import annotations


def document_context(message_id: str) -> str:
    """Return the context of `messages.document`."""
    return f"messages.document:{message_id}"


def problems_context(message_id: str) -> str:
    """Return the context of `messages.problems`."""
    return f"messages.problems:{message_id}"


def corrections_context(message_id: str) -> str:
    """Return the context of `messages.corrections`."""
    return f"messages.corrections:{message_id}"


def words_context(message_id: str, kind: str, number: int) -> str:
    """Return the context of `attempts.message`."""
    return f"attempts.message:{message_id}:{kind}:{number}"


def answer_context(message_id: str, kind: str, number: int) -> str:
    """Return the context of `attempts.answer`."""
    return f"attempts.answer:{message_id}:{kind}:{number}"


def headers_context(message_id: str, kind: str, number: int) -> str:
    """Return the context of `attempts.headers`."""
    return f"attempts.headers:{message_id}:{kind}:{number}"


def attachment_context(message_id: str, number: int) -> str:
    """Return the context of `attachments.declared`."""
    return f"attachments.declared:{message_id}:{number}"


SESSION_CONTEXT = "file/portal-session"
"""Of the session with a portal, which lies in a file of the data directory."""


def receipt_context(message_id: str) -> str:
    """Return the context of `receipts.document`."""
    return f"receipts.document:{message_id}"


def submission_receipt_context(submission_id: str, statement: str) -> str:
    """Return the context of `submission_receipts.document`."""
    return f"submission_receipts.document:{submission_id}:{statement}"


def submission_problems_context(submission_id: str) -> str:
    """Return the context of `submissions.problems`."""
    return f"submissions.problems:{submission_id}"


def piece_context(submission_id: str, number: int, *, is_last: bool) -> str:
    """
    Return the context of `submission_pieces.body`.

    With its number and its end in it no piece can be moved, left out or cut off.
    """
    return f"submission_pieces.body:{submission_id}:{number}:{int(is_last)}"


def search_key_context(name: str) -> str:
    """Return the context of `search_keys.secret`."""
    return f"search_keys.secret:{name}"


def salt_context(source: str) -> str:
    """Return the context of `pulls.salt`."""
    return f"pulls.salt:{source}"


def totp_context(account_id: str) -> str:
    """Return the context of `accounts.totp`."""
    return f"accounts.totp:{account_id}"


def next_totp_context(account_id: str) -> str:
    """Return the context of `accounts.totp_next`."""
    return f"accounts.totp_next:{account_id}"
