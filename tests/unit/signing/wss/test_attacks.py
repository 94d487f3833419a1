"""
Messages made to deceive: parts that are moved, wrapped, doubled or exchanged under a signature that
was right. Each is refused for its own reason, with the fault code that the standard names.
"""

from __future__ import annotations

import copy
import re
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from signing.wss import SecurityRefused
from signing.wss.names import SOAP_11, WSSE, WSU
from signing.wss.pki_path import build_pki_path, read_pki_path

S = f"{{{SOAP_11}}}"
SECURITY = f"{{{WSSE}}}Security"
TOKEN = f"{{{WSSE}}}BinarySecurityToken"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
ID = f"{{{WSU}}}Id"
EVIL = '<DongBoHoSoMC xmlns="urn:x"><data>giả</data></DongBoHoSoMC>'
BLOCK = b'<a:Action xmlns:a="urn:wsa">DongBoHoSoMC</a:Action>'
ACTION = frozenset({("urn:wsa", "Action")})


def evil_body(identifier=None):
    body = etree.Element(f"{S}Body")
    if identifier:
        body.set(ID, identifier)
    body.append(etree.fromstring(EVIL))
    return body


def body_wrapped_in_a_header(root):
    """The signed body survives in a header that nobody reads; a forged one is in its place."""
    wrapper = etree.SubElement(root[0], "{urn:evil}Wrapper")
    wrapper.append(root[1])
    root.append(evil_body())


def body_wrapped_and_the_forged_one_has_its_id(root):
    wrapper = etree.SubElement(root[0], "{urn:evil}Wrapper")
    wrapper.append(root[1])
    root.append(evil_body("wss-body"))


def body_wrapped_inside_the_forged_body(root):
    signed = root[1]
    body = evil_body()
    root.append(body)
    body[0].append(signed)


def body_wrapped_inside_the_security_header(root):
    root[0][-1].append(root[1])
    root.append(evil_body())


def body_wrapped_in_a_signature_object(root):
    signature = root[0][-1].find(f"{DS}Signature")
    etree.SubElement(signature, f"{DS}Object").append(root[1])
    root.append(evil_body())


def second_body_before(root):
    root.insert(1, evil_body())


def second_body_after(root):
    root.append(evil_body())


def second_body_of_the_other_soap(root):
    root.append(etree.fromstring('<Body xmlns="http://www.w3.org/2003/05/soap-envelope"/>'))


def second_element_in_the_body(root):
    root[1].insert(0, etree.fromstring(EVIL))


def second_header(root):
    root.insert(0, etree.Element(f"{S}Header"))


def second_security_header(root):
    root[0].append(copy.deepcopy(root[0][-1]))


def second_security_header_for_another_actor(root):
    security = copy.deepcopy(root[0][-1])
    security.set(f"{S}actor", "urn:other")
    root[0].insert(0, security)


def security_header_in_a_wrapper(root):
    security = root[0][-1]
    etree.SubElement(root[0], "{urn:evil}Wrapper").append(security)


def security_header_for_somebody_else(root):
    root[0][-1].set(f"{S}actor", "urn:other")


def second_signature(root):
    root[0][-1].append(copy.deepcopy(root[0][-1].find(f"{DS}Signature")))


def timestamp_exchanged_and_the_signed_one_wrapped(root):
    security = root[0][-1]
    signed = security[0]
    forged = copy.deepcopy(signed)
    forged.set(ID, "mine")
    security.insert(0, forged)
    etree.SubElement(root[0], "{urn:evil}Wrapper").append(signed)


def timestamp_exchanged_under_the_same_id(root):
    security = root[0][-1]
    signed = security[0]
    security.insert(0, copy.deepcopy(signed))
    etree.SubElement(root[0], "{urn:evil}Wrapper").append(signed)


def timestamp_left_out(root):
    root[0][-1].remove(root[0][-1][0])


def second_timestamp(root):
    root[0][-1].append(copy.deepcopy(root[0][-1][0]))


def timestamp_prolonged(root):
    root[0][-1][0][1].text = "2030-01-01T00:00:00Z"


def optional_header_wrapped(root):
    wrapper = etree.Element("{urn:evil}Wrapper")
    wrapper.append(root[0][0])
    root[0].insert(0, wrapper)


def optional_header_left_out(root):
    root[0].remove(root[0][0])


def optional_header_exchanged_beside_the_signed_one(root):
    forged = etree.fromstring('<a:Action xmlns:a="urn:wsa">TraCuuHoSo</a:Action>')
    root[0].insert(0, forged)


def header_moved_into_the_security_header(root):
    root[0][-1].append(root[0][0])


def id_doubled_in_another_spelling(root):
    root[1][0].set("ID", "wss-body")


def id_doubled_as_xml_id(root):
    root[1][0].set("{http://www.w3.org/XML/1998/namespace}id", "wss-body")


def body_changed(root):
    root[1][0][0].text = "2"


def security_header_left_out(root):
    root[0].remove(root[0][-1])


def header_left_out(root):
    root.remove(root[0])


def encrypted_key_added(root):
    etree.SubElement(root[0][-1], "{http://www.w3.org/2001/04/xmlenc#}EncryptedKey")


def instruction_in_the_body(root):
    root[1].insert(0, etree.ProcessingInstruction("php", "x"))


def signature_left_out(root):
    root[0][-1].remove(root[0][-1].find(f"{DS}Signature"))


def token_left_out(root):
    root[0][-1].remove(root[0][-1].find(TOKEN))


@pytest.mark.parametrize(
    ("change", "code", "fault"),
    [
        (body_wrapped_in_a_header, "wss.not_covering", "InvalidSecurity"),
        (body_wrapped_and_the_forged_one_has_its_id, "wss.duplicate_id", "InvalidSecurity"),
        (body_wrapped_inside_the_forged_body, "wss.not_covering", "InvalidSecurity"),
        (body_wrapped_inside_the_security_header, "wss.unsupported", "UnsupportedSecurityToken"),
        (body_wrapped_in_a_signature_object, "wss.structure", "InvalidSecurity"),
        (second_body_before, "wss.envelope", "InvalidSecurity"),
        (second_body_after, "wss.envelope", "InvalidSecurity"),
        (second_body_of_the_other_soap, "wss.envelope", "InvalidSecurity"),
        (second_element_in_the_body, "wss.digest_differs", "FailedCheck"),
        (second_header, "wss.envelope", "InvalidSecurity"),
        (second_security_header, "wss.repeated", "InvalidSecurity"),
        (second_security_header_for_another_actor, "wss.repeated", "InvalidSecurity"),
        (security_header_in_a_wrapper, "wss.missing", "InvalidSecurity"),
        (security_header_for_somebody_else, "wss.other_actor", "InvalidSecurity"),
        (second_signature, "wss.repeated", "InvalidSecurity"),
        (timestamp_exchanged_and_the_signed_one_wrapped, "wss.not_covering", "InvalidSecurity"),
        (timestamp_exchanged_under_the_same_id, "wss.duplicate_id", "InvalidSecurity"),
        (timestamp_left_out, "wss.timestamp_missing", "InvalidSecurity"),
        (second_timestamp, "wss.repeated", "InvalidSecurity"),
        (timestamp_prolonged, "wss.digest_differs", "FailedCheck"),
        (optional_header_wrapped, "wss.not_covering", "InvalidSecurity"),
        (optional_header_left_out, "wss.not_covering", "InvalidSecurity"),
        (optional_header_exchanged_beside_the_signed_one, "wss.header_missing", "InvalidSecurity"),
        (header_moved_into_the_security_header, "wss.unsupported", "UnsupportedSecurityToken"),
        (id_doubled_in_another_spelling, "wss.duplicate_id", "InvalidSecurity"),
        (id_doubled_as_xml_id, "wss.duplicate_id", "InvalidSecurity"),
        (body_changed, "wss.digest_differs", "FailedCheck"),
        (security_header_left_out, "wss.missing", "InvalidSecurity"),
        (header_left_out, "wss.missing", "InvalidSecurity"),
        (encrypted_key_added, "wss.unsupported", "UnsupportedSecurityToken"),
        (instruction_in_the_body, "wss.instruction", "InvalidSecurity"),
        (signature_left_out, "wss.unsigned", "InvalidSecurity"),
        (token_left_out, "wss.token_missing", "SecurityTokenUnavailable"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_message_that_was_rearranged_is_refused(sender, receiver, change, code, fault):
    root = etree.fromstring(sender.write(message={"headers": [BLOCK]}))
    receiver.take(etree.tostring(root), signed_headers=ACTION)
    change(root)

    with pytest.raises(SecurityRefused) as refused:
        receiver.take(etree.tostring(root), signed_headers=ACTION)

    assert refused.value.code == code
    assert refused.value.fault[1] == fault
    reason = refused.value.reasons[0]
    assert reason.vi != reason.en


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"xmldsig-more#rsa-sha256", b"xmldsig#rsa-sha1", "wss.algorithm_forbidden"),
        (b"xmldsig-more#rsa-sha256", b"xmldsig#hmac-sha1", "wss.algorithm_forbidden"),
        (b"xmldsig-more#rsa-sha256", b"xmldsig-more#rsa-sha512", "wss.value_wrong"),
        (b"2001/04/xmlenc#sha256", b"2000/09/xmldsig#sha1", "wss.algorithm_forbidden"),
        (b'URI="#wss-body"', b'URI=""', "wss.reference_forbidden"),
        (b'URI="#wss-body"', b'URI="#xpointer(/)"', "wss.reference_forbidden"),
        (b'URI="#wss-body"', b'URI="http://evil/"', "wss.reference_forbidden"),
        (b'URI="#wss-body"', b'URI="#bt-1"', "wss.not_covering"),
        (b'URI="#wss-body"', b'URI="#wss-token"', "wss.reference_forbidden"),
        (b'<wsse:Reference URI="#wss-token"', b'<wsse:Reference URI="#x"', "wss.token_missing"),
        (b"-profile-1.0#X509v3", b"-profile-1.0#PKCS7", "wss.unsupported"),
        (b">MII", b">%%%", "wss.structure"),
        (b">MII", b">AAA", "certificate.unreadable"),
        (b"08:00:00.000Z", b"08:00:00.000", "wss.timestamp"),
        (b"08:00:00.000Z", b"25:00:00.000Z", "wss.timestamp"),
        (b"<wsu:Created>2026-", b"<wsu:Created>0000-", "wss.timestamp"),
    ],
)
def test_a_header_that_was_edited_is_refused(sender, receiver, old, new, code):
    envelope = sender.write()
    assert old in envelope

    with pytest.raises(SecurityRefused) as refused:
        receiver.take(envelope.replace(old, new))

    assert code in [reason.code for reason in refused.value.reasons]


def test_a_key_in_key_info_is_not_followed(workshop, sender, receiver):
    """Whoever signs with a key of their own and puts its certificate into KeyInfo gets nowhere."""
    forger = workshop.issue("Kẻ giả", issuer=None, is_ca=False)
    envelope = sender.write(by=forger)
    der = b64encode(forger.certificate.public_bytes(Encoding.DER)).decode()
    held = f"<ds:X509Data><ds:X509Certificate>{der}</ds:X509Certificate></ds:X509Data>"
    inside = re.sub(rb"<wsse:Reference .*?</wsse:Reference>", held.encode(), envelope)
    honest = b64encode(workshop.agency.certificate.public_bytes(Encoding.DER))
    swapped = re.sub(rb"(<wsse:BinarySecurityToken[^>]*>)[^<]*", rb"\g<1>" + honest, inside)

    assert codes(receiver, envelope) == ["certificate.untrusted"]
    assert codes(receiver, swapped) == ["wss.unsupported"]


def test_another_certificate_of_the_same_key_is_noticed(workshop, sender, receiver):
    other = workshop.issue("Sở khác", issuer=workshop.root, key=workshop.rsa_key)
    der = b64encode(other.certificate.public_bytes(Encoding.DER))
    envelope = re.sub(rb"(<wsse:BinarySecurityToken[^>]*>)[^<]*", rb"\g<1>" + der, sender.write())

    assert codes(receiver, envelope) == ["wss.digest_differs"]


def test_a_huge_certificate_is_not_read(workshop, sender, receiver):
    der = workshop.agency.certificate.public_bytes(Encoding.DER)
    chain = b64encode(b"\x30\x84\x00\x10\x00\x00" + der + bytes(0x100000 - len(der)))
    envelope = sender.write().replace(b"#X509v3", b"#X509PKIPathv1")
    envelope = re.sub(rb"(<wsse:BinarySecurityToken[^>]*>)[^<]*", rb"\g<1>" + chain, envelope)

    assert codes(receiver, envelope) == ["certificate.unreadable"]


def test_only_named_signers_are_taken(workshop, sender, receiver):
    envelope = sender.write(by=workshop.other_agency)

    receiver.take(envelope, signers=frozenset({"Sở Xây dựng"}))
    assert codes(receiver, envelope, signers=frozenset({"Sở Tư pháp"})) == ["wss.signer_unknown"]


def test_an_expired_certificate_is_refused(workshop, sender, receiver):
    gone = workshop.issue(
        "Sở cũ",
        issuer=workshop.root,
        begin=workshop.now - timedelta(days=9),
        end=workshop.now - timedelta(seconds=100),
    )
    envelope = sender.write(by=gone, at=workshop.now - timedelta(seconds=120))

    with pytest.raises(SecurityRefused) as refused:
        receiver.take(envelope)

    assert refused.value.code == "certificate.expired_when_signed"
    assert refused.value.fault == (WSSE, "FailedAuthentication")


@pytest.mark.parametrize(
    ("late", "code"),
    [
        (timedelta(minutes=6), None),
        (timedelta(minutes=6, seconds=1), "wss.expired"),
        (timedelta(seconds=-60), None),
        (timedelta(seconds=-61), "wss.from_future"),
    ],
)
def test_a_message_is_taken_within_its_time_only(sender, receiver, late, code):
    envelope = sender.write()
    if code is None:
        receiver.take(envelope, now=receiver.now + late)
        return

    with pytest.raises(SecurityRefused) as refused:
        receiver.take(envelope, now=receiver.now + late)

    assert refused.value.code == code
    assert refused.value.fault == (WSU, "MessageExpired")


def test_a_message_that_grants_itself_a_long_life_is_too_old_all_the_same(sender, receiver):
    envelope = sender.write(validity=timedelta(days=30))

    receiver.take(envelope)
    assert codes(receiver, envelope, now=receiver.now + timedelta(hours=1)) == ["wss.too_old"]


def test_a_message_is_taken_once(sender, receiver):
    envelope = sender.write()
    receiver.take(envelope)

    assert codes(receiver, envelope) == ["wss.replayed"]
    # An ECDSA value has a twin, and Base64 has many spellings: neither makes a message new.
    spaced = envelope.replace(b"</ds:SignatureValue>", b"\n </ds:SignatureValue>")
    assert codes(receiver, spaced) == ["wss.replayed"]


def test_the_twin_of_an_ecdsa_value_is_the_same_message(workshop, sender, receiver):
    key = ec.generate_private_key(ec.SECP256R1())
    envelope = sender.write(by=workshop.issue("Sở Y tế", issuer=workshop.root, key=key))
    taken = receiver.take(envelope)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    s = int.from_bytes(taken.signature[32:], "big")
    twin = taken.signature[:32] + (order - s).to_bytes(32, "big")

    forged = envelope.replace(b64encode(taken.signature), b64encode(twin))

    assert forged != envelope
    assert codes(receiver, forged) == ["wss.replayed"]


def test_what_was_refused_is_not_remembered(sender, receiver):
    envelope = sender.write()
    assert codes(receiver, envelope, signers=frozenset({"ai khác"})) == ["wss.signer_unknown"]

    receiver.take(envelope)


def test_everything_wrong_is_said_at_once(workshop, sender, receiver):
    forger = workshop.issue("Kẻ giả", issuer=None)
    envelope = sender.write(by=forger, login=sender.login, at=workshop.now - timedelta(hours=2))

    assert codes(receiver, envelope, passwords={}) == [
        "wss.expired",
        "wss.too_old",
        "certificate.untrusted",
        "wss.too_old",
        "wss.login_wrong",
    ]


def test_ten_thousand_references_are_refused_before_anything_is_digested(sender, receiver):
    envelope = sender.write()
    one = re.search(rb'<ds:Reference URI="#wss-body">.*?</ds:Reference>', envelope).group()

    assert codes(receiver, envelope.replace(one, one * 10_000)) == ["wss.reference_forbidden"]


def test_a_message_over_the_limit_is_refused(sender, receiver):
    envelope = sender.write()

    assert codes(receiver, envelope, max_bytes=len(envelope) - 1) == ["xml.too_large"]
    receiver.take(envelope, max_bytes=len(envelope))


@pytest.mark.parametrize(
    "data",
    [b"", b"<a/>", b"<html><body/></html>", b"<!DOCTYPE a><a/>", b"\x00\xff", b"<a>" * 100_000],
)
def test_what_is_no_message_is_refused(receiver, data):
    with pytest.raises(SecurityRefused) as refused:
        receiver.take(data)

    assert refused.value.fault == (WSSE, "InvalidSecurity")


def test_any_single_byte_that_changes_is_noticed_or_means_the_same(sender, receiver):
    envelope = sender.write()
    wanted = etree.tostring(receiver.take(envelope).body)
    for position in range(0, len(envelope), 7):
        changed = bytearray(envelope)
        changed[position] ^= 1
        try:
            taken = replace(receiver, memory=type(receiver.memory)()).take(bytes(changed))
        except SecurityRefused:
            continue
        assert etree.tostring(taken.body) == wanted


def test_a_path_is_read_as_it_was_written(workshop):
    chain = tuple(workshop.issue(f"CA {n}", issuer=workshop.root).certificate for n in range(3))
    path = build_pki_path(workshop.agency.certificate, chain=chain)

    assert read_pki_path(path) == (workshop.agency.certificate, *chain)


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x30",
        b"\x30\x00",
        b"\x30\x80\x00\x00",
        b"\x30\x85\x01\x00\x00\x00\x00",
        b"\x30\x03\x30\x05\x00",
        b"\x31\x02\x30\x00",
        b"\x30\x02\x30\x00\x00",
        b"\x30\x12" + b"\x30\x00" * 9,
        b"\x30\x84\xff\xff\xff\xff",
    ],
)
def test_what_is_no_path_is_refused(der):
    with pytest.raises(ValueError, match=r"."):
        read_pki_path(der)


def codes(receiver, envelope, **changes):
    """Return the codes of all reasons for which a message is refused."""
    with pytest.raises(SecurityRefused) as refused:
        receiver.take(envelope, **changes)
    return [reason.code for reason in refused.value.reasons]
