"""What the signature of a message's document is worth, step by step, as `lienthong verify` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from lienthong.channels.port import Packet
from lienthong.documents import inspect_document
from lienthong.explanation import explain_document
from lienthong.operations.masking import finding_of
from lienthong.operations.messages import agency_of_message
from lienthong.operations.signature_views import SignatureStep, SignatureView
from lienthong.operations.views import Words
from lienthong.policy_settings import AGENCY_DOCUMENT
from lienthong.store.database import reading
from lienthong.store.sealed import document_context
from lienthong.store.tables import messages
from schemas.errors import ConfigError, InputError
from schemas.problem import Problem, Text
from signing import SigningError, inspect

if TYPE_CHECKING:
    from lienthong.access.rights import Principal
    from lienthong.documents import DocumentFindings
    from lienthong.wiring import Installation
    from signing import Reason, Step, VerificationPolicy
    from signing import Words as SigningWords


def see_signature(
    installation: Installation, principal: Principal, message_id: str
) -> SignatureView:
    """
    Return who signed a message's document, when, what is covered, and whether it is trusted now.

    Values of the document are masked.

    Raises:
        InputError: there is none that whoever asks may see, or no document of ours, or no more.
        ConfigError: nobody is pinned whom to trust.
    """
    agency_of_message(installation, principal, message_id)
    document = _document(installation, message_id)
    try:
        # It does not wait for what authorities say.
        policy = installation.policies.load(AGENCY_DOCUMENT)
        found = inspect(document, policy=policy, now=installation.clock())
    except SigningError as error:
        raise ConfigError(Text(vi=error.vi, en=error.en), code=error.code) from error
    findings = inspect_document(document, inspection=found)
    return _view(findings, policy)


def _document(installation: Installation, message_id: str) -> bytes:
    store = installation.store
    query = select(messages.c.packet, messages.c.document, messages.c.document_digest)
    with reading(store) as connection:
        row = connection.execute(query.where(messages.c.id == message_id)).one()
    if row.packet == Packet.INBOUND.value or row.document_digest is None:
        raise _no_document()
    if row.document is None:
        raise _erased()
    return store.vault.open(row.document, context=document_context(message_id))


def _view(findings: DocumentFindings, policy: VerificationPolicy) -> SignatureView:
    found = findings.inspection
    signer, stamp = found.signer, found.timestamp
    return SignatureView(
        is_good=findings.is_good,
        covered=findings.covered,
        signer=None if signer is None else signer.common_name,
        agency_code=None if signer is None else signer.agency_code,
        not_after=None if signer is None else signer.not_after,
        signed_at=found.signed_at,
        stamped_at=None if stamp is None else stamp.at,
        stamped_by=None if stamp is None else stamp.authority.common_name,
        is_intact=found.intact,
        is_trusted=found.trusted,
        faults=[finding_of(each) for each in findings.faults or ()],
        steps=[_step(one) for one in explain_document(findings, policy=policy).steps],
    )


def _step(one: Step) -> SignatureStep:
    return SignatureStep(
        step=one.name,
        title=_words(one.title),
        result=one.result,
        found=[_words(each) for each in one.found],
        reasons=[_words(each) for each in one.reasons],
    )


def _words(words: SigningWords | Reason) -> Words:
    return Words(vi=words.vi, en=words.en)


def _no_document() -> InputError:
    return InputError(
        Problem(
            code="message.document_not_found",
            message=Text(
                vi="Thông điệp không có văn bản do hệ thống này ký",
                en="The message has no document that was signed here",
            ),
            suggestion=Text(
                vi="Bản ghi chưa hợp lệ, hoặc thông điệp gửi xuống cơ quan",
                en="Its record is not valid, or it goes down to an agency",
            ),
        )
    )


def _erased() -> InputError:
    return InputError(
        Problem(
            code="message.document_erased",
            message=Text(
                vi="Văn bản đã xóa khi hết thời hạn lưu",
                en="The document was erased when its retention ended",
            ),
            suggestion=Text(
                vi="Kiểm tra gói chứng cứ đã xuất trước đó: lienthong evidence verify",
                en="Check a pack of evidence of before: lienthong evidence verify",
            ),
        )
    )
