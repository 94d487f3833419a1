"""
What there is to say about the peers of an installation before the first message comes.

Whether each can be served, proves itself strongly, and leads to agencies that are here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from lienthong.remarks import Remark
from schemas.errors import LienthongError
from schemas.problem import Text
from signing import SigningError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from lienthong.inbound.peer import PeerKeys
    from lienthong.inbound.profile import PeerProfile
    from mappings import Agencies


def proofs_of(profile: PeerProfile) -> dict[str, tuple[str, ...]]:
    """Return by what a peer proves itself, in the words of its settings, at each of its doors."""
    said: dict[str, dict[str, object]] = {}
    if (soap := profile.soap) is not None:
        said["soap"] = {"trust": soap.trust, "username": soap.username, "token": soap.token}
    if (json_ := profile.json_) is not None:
        key = json_.security_key.get_secret_value()
        said["json"] = {"token": json_.token, "security_key": key}
    return {
        door: tuple(name for name, is_set in proofs.items() if is_set)
        for door, proofs in said.items()
    }


def examine_peer(
    profile: PeerProfile,
    *,
    keys: Callable[[PeerProfile], PeerKeys],
    mappings: Agencies,
    receivers: Collection[str],
) -> Iterator[Remark]:
    """
    Yield what is wrong or weak; nothing when all is well.

    Args:
        profile: Of the peer.
        keys: Returns its keys, or raises.
        mappings: Those there are.
        receivers: Agencies of which it is set how they get files.
    """
    try:
        found = keys(profile)
        if profile.soap is not None and profile.soap.signed_answers:
            found.signing()
        if _vouches_for_others(profile, found):
            yield _OPEN_TRUST
    except LienthongError as error:
        yield _unusable(error.text)
    except SigningError as error:
        yield _unusable(Text(vi=error.vi, en=error.en))
    known = set(mappings.names())
    if missing := sorted(profile.routes.agencies - known):
        listed = ", ".join(missing)
        yield Remark(
            is_fault=True,
            found=Text(
                vi=f"routes dẫn tới cơ quan không có ánh xạ ở đây: {listed}",
                en=f"routes lead to agencies without a mapping here: {listed}",
            ),
            remedy=Text(
                vi="Sửa tên trong routes, hoặc thêm ánh xạ; đến lúc đó bên gửi được trả lời «gửi "
                "lại sau»",
                en="Mend the names in routes, or add the mappings; until then the peer is told to "
                "send again later",
            ),
        )
    for agency in sorted(profile.routes.agencies & known):
        yield from _unmapped(agency, profile, mappings=mappings)
    for agency in sorted((profile.routes.agencies & known) - set(receivers)):
        yield _without_way(agency)
    for door, proofs in proofs_of(profile).items():
        if not {"trust", "token"} & set(proofs):
            yield _weak(door, proofs)


def _vouches_for_others(profile: PeerProfile, keys: PeerKeys) -> bool:
    """Tell whether trust is in whoever issues certificates, and not in the peer's own."""
    if keys.trust is None or profile.soap is None or profile.soap.signers:
        return False
    return any(_is_authority(one) for one in keys.trust.trust_anchors)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, ValueError):
        return False
    return found.value.ca


_OPEN_TRUST = Remark(
    is_fault=False,
    found=Text(
        vi="soap.trust là nơi cấp chứng thư và soap.signers để trống: ai có chứng thư từ đó, kể cả "
        "một cơ quan, đều gửi được thay bên này",
        en="soap.trust is an authority and soap.signers is empty: whoever has a certificate of it, "
        "an agency too, could send in this peer's name",
    ),
    remedy=Text(
        vi="Ghim chính chứng thư của bên gửi vào soap.trust, hoặc ghi tên (CN) vào soap.signers",
        en="Pin the peer's own certificate in soap.trust, or name who signs (CN) in soap.signers",
    ),
)


def _unusable(found: Text) -> Remark:
    return Remark(
        is_fault=True,
        found=found,
        remedy=Text(
            vi="Sửa soap.trust, hoặc khóa của người vận hành; xem docs/inbound.md",
            en="Mend soap.trust, or the operator's key; see docs/inbound.md",
        ),
    )


def _unmapped(agency: str, profile: PeerProfile, *, mappings: Agencies) -> Iterator[Remark]:
    try:
        written = mappings.get(agency).inbound
    except LienthongError:
        return  # a mapping that is wrong is told of by itself
    if lacking := sorted(set(profile.services) - set(written)):
        listed = ", ".join(lacking)
        yield Remark(
            # What is for somebody else may be left out; all of it hardly on purpose.
            is_fault=len(lacking) == len(profile.services),
            found=Text(
                vi=f"ánh xạ {agency} không có mục `inbound` cho {listed}",
                en=f"mapping {agency} has no section `inbound` for {listed}",
            ),
            remedy=Text(
                vi="Thêm dịch vụ vào mục `inbound` của ánh xạ nếu cơ quan này nhận; bản tin đã "
                "nhận không mất, chúng chờ",
                en="Add the service to the mapping's `inbound` if the agency gets it; what was "
                "received is not lost, it waits",
            ),
        )


def _without_way(agency: str) -> Remark:
    return Remark(
        is_fault=False,
        found=Text(
            vi=f"chưa đặt [receivers.{agency}]: bản tin được nhận và chờ, không đến nơi",
            en=f"[receivers.{agency}] is not set: messages are taken and wait, and do not arrive",
        ),
        remedy=Text(
            vi="Đặt folder, hook hoặc queue cho cơ quan nhận; xem docs/inbound.md",
            en="Give the receiver folder, hook or queue; see docs/inbound.md",
        ),
    )


def _weak(door: str, proofs: tuple[str, ...]) -> Remark:
    shown = ", ".join(proofs)
    return Remark(
        is_fault=False,
        found=Text(
            vi=f"{door}: chỉ xác thực bằng {shown}, ai nghe được một bản tin thì giả được",
            en=f"{door}: proven by {shown} alone, which whoever hears one message can imitate",
        ),
        remedy=Text(
            vi="Dùng chữ ký WS-Security (soap.trust) hoặc mã truy cập (token = true); chỉ nhận qua "
            "TLS",
            en="Use WS-Security signatures (soap.trust) or a token (token = true); let it come by "
            "TLS only",
        ),
    )
