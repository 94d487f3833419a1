"""
Documents made to deceive. Every one is refused for the reason that names the trick, and what
was not signed never comes back as verified.

Two kinds: texts changed after signing, and texts with a mathematically right signature (made
with a key that is trusted here) that leaves the profile.
"""

from __future__ import annotations

import base64
import copy
import hmac
import random
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from signing import Algorithm, SignatureRefused, canonical_bytes, inspect, verify

DS_URI = "http://www.w3.org/2000/09/xmldsig#"
DS = f"{{{DS_URI}}}"
XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
BT = "{urn:lienthong:dvcqg:2020}"
ENVELOPED = b"http://www.w3.org/2000/09/xmldsig#enveloped-signature"
C14N = b"http://www.w3.org/2001/10/xml-exc-c14n#"
RSA_SHA256 = b"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SIGNATURE = re.compile(rb"<ds:Signature .*</ds:Signature>", re.DOTALL)


def swap(old: bytes, new: bytes, count: int = 1):
    def change(text: bytes) -> bytes:
        assert old in text
        return text.replace(old, new, count)

    return change


def tidy(text: bytes) -> bytes:
    return canonical_bytes(etree.fromstring(text))


def signature_of(text: bytes) -> bytes:
    return SIGNATURE.search(text).group()


def wrapped_in_new_root(text: bytes) -> bytes:
    return tidy(b'<BanTin xmlns="urn:lienthong:dvcqg:2020" Id="bt-evil">' + text + b"</BanTin>")


def original_moved_below_a_forged_root(text: bytes) -> bytes:
    """Classic wrapping: the signed element survives in a corner, a forged one stands on top."""
    signature = signature_of(text)
    original = text.replace(signature, b"")
    forged = b'<BanTin xmlns="urn:lienthong:dvcqg:2020" Id="bt-evil"><MaHoSo>evil</MaHoSo>'
    return tidy(forged + b"<Corner>" + original + b"</Corner>" + signature + b"</BanTin>")


def original_hidden_in_an_object(text: bytes) -> bytes:
    signature = signature_of(text)
    original = text.replace(signature, b"")
    held = b"<ds:Object>" + original + b"</ds:Object></ds:Signature>"
    forged = b'<BanTin xmlns="urn:lienthong:dvcqg:2020" Id="bt-evil"><MaHoSo>evil</MaHoSo>'
    return tidy(forged + signature.replace(b"</ds:Signature>", held) + b"</BanTin>")


def same_id_twice(text: bytes) -> bytes:
    return text.replace(b"<MaDonVi>", b'<MaDonVi Id="bt-7f0c">')


def forged_root_with_the_same_id(text: bytes) -> bytes:
    signature = signature_of(text)
    original = text.replace(signature, b"")
    forged = b'<BanTin xmlns="urn:lienthong:dvcqg:2020" Id="bt-7f0c"><MaHoSo>evil</MaHoSo>'
    return tidy(forged + original + signature + b"</BanTin>")


def second_signature(text: bytes) -> bytes:
    return text.replace(b"</BanTin>", signature_of(text) + b"</BanTin>")


def signature_first(text: bytes) -> bytes:
    signature = signature_of(text)
    return text.replace(signature, b"").replace(b"<MaBanTin>", signature + b"<MaBanTin>")


def signature_deep(text: bytes) -> bytes:
    signature = signature_of(text)
    return text.replace(signature, b"").replace(b"</HoSo>", signature + b"</HoSo>")


def signature_removed(text: bytes) -> bytes:
    return text.replace(signature_of(text), b"")


def other_prefix_for_ds(text: bytes) -> bytes:
    """The tags keep their looks, `ds` means something else."""
    return text.replace(b'xmlns:ds="' + DS_URI.encode(), b'xmlns:ds="urn:evil')


def truncated_value(text: bytes) -> bytes:
    return re.sub(rb"(<ds:SignatureValue>)(.{40}).*?(</ds:Sig)", rb"\1\2\3", text, flags=re.DOTALL)


def empty_value(text: bytes) -> bytes:
    return re.sub(rb"(<ds:SignatureValue>).*?(</ds:Sig)", rb"\1\2", text)


def broken_base64(text: bytes) -> bytes:
    return re.sub(rb"(<ds:SignatureValue>)....", rb"\1@@@@", text)


CHANGED = [
    ("letter changed", swap(b"0001", b"0002"), ["signature.digest_differs"]),
    ("space added in a value", swap(b"con<", b"con <"), ["signature.digest_differs"]),
    ("space between elements", swap(b"<HoSo>", b" <HoSo>"), ["signature.digest_differs"]),
    ("element added", swap(b"<HoSo>", b"<HoSo><A></A>"), ["signature.digest_differs"]),
    ("attribute added", swap(b"<HoSo>", b'<HoSo x="1">'), ["signature.digest_differs"]),
    ("namespace changed", swap(b"dvcqg:2020", b"dvcqg:2022"), ["signature.digest_differs"]),
    ("text after the signature", swap(b"</BanTin>", b"x</BanTin>"), ["signature.misplaced"]),
    (
        "element after the signature",
        swap(b"</BanTin>", b"<A></A></BanTin>"),
        ["signature.misplaced"],
    ),
    (
        "comment splits a value",
        swap(b"261124-0001", b"261124<!-- -->-0001"),
        ["document.not_canonical"],
    ),
    (
        "instruction splits a value",
        swap(b"261124-0001", b"261124<?x?>-0001"),
        ["document.instruction", "signature.digest_differs"],
    ),
    ("space in a tag", swap(b"<MaDonVi>", b"<MaDonVi >"), ["document.not_canonical"]),
    ("character data", swap(b"H29.5<", b"<![CDATA[H29.5]]><"), ["document.not_canonical"]),
    ("character reference", swap(b"H29.5<", b"H29&#46;5<"), ["document.not_canonical"]),
    ("byte order mark", lambda text: b"\xef\xbb\xbf" + text, ["document.not_canonical"]),
    ("declaration", lambda text: b'<?xml version="1.0"?>' + text, ["document.not_canonical"]),
    ("another encoding", lambda t: t.decode().encode("utf-16"), ["document.not_canonical"]),
    ("line feed at the end", lambda text: text + b"\n", ["document.not_canonical"]),
    (
        "unused namespace declared",
        swap(b"<HoSo>", b'<HoSo xmlns:a="urn:a">'),
        ["document.not_canonical"],
    ),
    (
        "relative namespace, which has no canonical form",
        swap(b"<HoSo>", b'<HoSo xmlns:a="../a">'),
        ["document.no_canonical_form"],
    ),
    ("second document behind", lambda text: text + b"<BanTin/>", ["xml.syntax"]),
    ("bytes behind", lambda text: text + b"\x00", ["xml.syntax"]),
    (
        "document type",
        lambda text: b'<!DOCTYPE BanTin [<!ENTITY a "b">]>' + text,
        ["xml.doctype"],
    ),
    (
        "id declared by a document type",
        lambda text: b"<!DOCTYPE BanTin [<!ATTLIST HoSo Id ID #IMPLIED>]>" + text,
        ["xml.doctype"],
    ),
    ("empty", lambda text: b"", ["xml.syntax"]),
    ("signature removed", signature_removed, ["signature.missing"]),
    ("signature copied", second_signature, ["signature.duplicate_id", "signature.not_single"]),
    ("signature moved to the front", signature_first, ["signature.misplaced"]),
    ("signature moved into the dossier", signature_deep, ["signature.misplaced"]),
    ("wrapped in a new root", wrapped_in_new_root, ["signature.misplaced"]),
    (
        "original kept below a forged root",
        original_moved_below_a_forged_root,
        ["signature.not_covering"],
    ),
    ("original hidden in ds:Object", original_hidden_in_an_object, ["signature.structure"]),
    (
        "id of the root given twice",
        same_id_twice,
        ["signature.duplicate_id", "signature.digest_differs"],
    ),
    (
        "forged root with the id of the original",
        forged_root_with_the_same_id,
        ["signature.duplicate_id", "signature.digest_differs"],
    ),
    (
        "xml:id with the id of the root",
        swap(b"<HoSo>", b'<HoSo xml:id="bt-7f0c">'),
        ["signature.duplicate_id", "signature.digest_differs"],
    ),
    (
        "ID with the id of the signed properties",
        swap(b"<HoSo>", b'<HoSo ID="sp-bt-7f0c">'),
        ["signature.duplicate_id", "signature.digest_differs"],
    ),
    ("id of the root renamed", swap(b'Id="bt-7f0c"', b'ID="bt-7f0c"'), ["signature.not_covering"]),
    ("prefix bound to another namespace", other_prefix_for_ds, ["signature.missing"]),
    (
        "signing time changed",
        swap(b"2026-11-24T08:00:00Z", b"2026-11-20T08:00:00Z"),
        ["signature.digest_differs"],
    ),
    ("signed properties swapped", swap(b"text/xml", b"text/pdf"), ["signature.digest_differs"]),
    (
        "digest value changed",
        swap(b"<ds:DigestValue>", b"<ds:DigestValue>AAAA"),
        ["signature.digest_differs", "signature.value_wrong"],
    ),
    ("signature value cut short", truncated_value, ["signature.value_wrong"]),
    ("signature value empty", empty_value, ["signature.value_wrong"]),
    ("signature value not base64", broken_base64, ["signature.structure"]),
    (
        "method changed to SHA-1",
        swap(RSA_SHA256, b"http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
        ["signature.algorithm_forbidden"],
    ),
    (
        "method changed to another allowed one",
        swap(RSA_SHA256, RSA_SHA256.replace(b"256", b"512")),
        ["signature.value_wrong"],
    ),
    (
        "method changed to a curve",
        swap(RSA_SHA256, RSA_SHA256.replace(b"#rsa", b"#ecdsa")),
        ["signature.value_wrong"],
    ),
    (
        "method absent",
        swap(b' Algorithm="' + RSA_SHA256 + b'"', b""),
        ["signature.algorithm_forbidden"],
    ),
]


@pytest.mark.parametrize(
    ("change", "codes"),
    [pytest.param(change, codes, id=name) for name, change, codes in CHANGED],
)
def test_a_changed_document_is_refused(workshop, change, codes):
    forged = change(workshop.sign())

    with pytest.raises(SignatureRefused) as refused:
        verify(forged, policy=workshop.policy, now=workshop.now)

    found = [reason.code for reason in refused.value.reasons]
    assert found == codes
    assert all(reason.vi and reason.en for reason in refused.value.reasons)
    assert inspect(forged, policy=workshop.policy, now=workshop.now).reasons


def references(root):
    return root.findall(f".//{DS}Reference")


def transforms(root, number):
    return references(root)[number].find(f"{DS}Transforms")


def add_transform(number, algorithm, inner="", position=0):
    def change(root):
        one = etree.fromstring(
            f'<ds:Transform xmlns:ds="{DS_URI}" Algorithm="{algorithm}">{inner}</ds:Transform>'
        )
        transforms(root, number).insert(position, one)

    return change


def set_on(path, name, value):
    def change(root):
        root.find(path).set(name, value)

    return change


def put_into(path, text):
    def change(root):
        root.find(path).append(etree.fromstring(text))

    return change


def drop_reference(number):
    def change(root):
        one = references(root)[number]
        one.getparent().remove(one)

    return change


def third_reference(root):
    info = root.find(f".//{DS}SignedInfo")
    info.append(copy.deepcopy(references(root)[0]))


def references_swapped(root):
    info = root.find(f".//{DS}SignedInfo")
    info.append(references(root)[0])


def reference_in_a_manifest(root):
    """The document is named only by a manifest, which most verifiers do not follow."""
    set_on(f".//{DS}Reference", "Type", "http://www.w3.org/2000/09/xmldsig#Manifest")(root)
    references(root)[0].set("URI", "#manifest")


def without(path):
    def change(root):
        one = root.find(path)
        one.getparent().remove(one)

    return change


def twice(path):
    def change(root):
        one = root.find(path)
        one.addnext(copy.deepcopy(one))

    return change


FIRST = f".//{DS}Reference"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
INCLUSIVE = (
    '<ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="x"/>'
)
HMAC_LENGTH = f'<ds:HMACOutputLength xmlns:ds="{DS_URI}">1</ds:HMACOutputLength>'
KEY_VALUE = f'<ds:KeyName xmlns:ds="{DS_URI}">k</ds:KeyName>'
FORBIDDEN = "signature.reference_forbidden"
STRUCTURE = "signature.structure"
ALGORITHM = "signature.algorithm_forbidden"

OFF_PROFILE = [
    ("URI empty", set_on(FIRST, "URI", ""), FORBIDDEN),
    ("URI absent", lambda root: references(root)[0].attrib.pop("URI"), FORBIDDEN),
    ("URI to a file", set_on(FIRST, "URI", "file:///etc/passwd"), FORBIDDEN),
    ("URI to a host", set_on(FIRST, "URI", "http://127.0.0.1:9/x"), FORBIDDEN),
    ("URI by XPointer", set_on(FIRST, "URI", "#xpointer(/)"), FORBIDDEN),
    ("URI by XPointer id", set_on(FIRST, "URI", "#xpointer(id('bt-7f0c'))"), FORBIDDEN),
    ("URI to a part only", set_on(FIRST, "URI", "#part"), "signature.not_covering"),
    ("URI bare hash", set_on(FIRST, "URI", "#"), "signature.not_covering"),
    ("root without Id", lambda root: root.attrib.pop("Id"), "signature.not_covering"),
    ("transform XPath", add_transform(0, XPATH, "<a>not(x)</a>"), FORBIDDEN),
    ("transform XSLT", add_transform(0, XSLT, "<b/>"), FORBIDDEN),
    ("transform base64", add_transform(0, DS_URI + "base64"), FORBIDDEN),
    ("transform repeated", add_transform(0, C14N.decode(), position=2), FORBIDDEN),
    ("transforms swapped", lambda r: transforms(r, 0).append(transforms(r, 0)[0]), FORBIDDEN),
    ("no transforms", lambda r: transforms(r, 0).clear(), FORBIDDEN),
    ("no enveloped transform", lambda r: transforms(r, 0).remove(transforms(r, 0)[0]), FORBIDDEN),
    (
        "c14n with comments",
        lambda root: transforms(root, 0)[1].set("Algorithm", C14N.decode() + "WithComments"),
        FORBIDDEN,
    ),
    (
        "inclusive c14n",
        lambda root: transforms(root, 0)[1].set(
            "Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
        ),
        FORBIDDEN,
    ),
    (
        "c14n with a prefix list",
        lambda root: transforms(root, 0)[1].append(etree.fromstring(INCLUSIVE)),
        FORBIDDEN,
    ),
    ("transform on the properties", add_transform(1, XPATH, "<a>x</a>"), FORBIDDEN),
    ("document reference removed", drop_reference(0), FORBIDDEN),
    ("properties reference removed", drop_reference(1), FORBIDDEN),
    ("third reference", third_reference, FORBIDDEN),
    ("references in the other order", references_swapped, FORBIDDEN),
    ("reference to a manifest", reference_in_a_manifest, "signature.not_covering"),
    (
        "properties without their Type",
        lambda root: references(root)[1].attrib.pop("Type"),
        FORBIDDEN,
    ),
    (
        "properties reference to the document",
        lambda root: references(root)[1].set("URI", "#bt-7f0c"),
        "signature.not_covering",
    ),
    (
        "SignedInfo c14n with comments",
        set_on(f".//{DS}CanonicalizationMethod", "Algorithm", C14N.decode() + "WithComments"),
        ALGORITHM,
    ),
    (
        "SignedInfo c14n with a prefix list",
        put_into(f".//{DS}CanonicalizationMethod", INCLUSIVE),
        ALGORITHM,
    ),
    ("output length", put_into(f".//{DS}SignatureMethod", HMAC_LENGTH), ALGORITHM),
    (
        "digest SHA-1",
        set_on(f".//{DS}DigestMethod", "Algorithm", DS_URI + "sha1"),
        ALGORITHM,
    ),
    (
        "digest MD5",
        set_on(f".//{DS}DigestMethod", "Algorithm", "http://www.w3.org/2001/04/xmldsig-more#md5"),
        ALGORITHM,
    ),
    (
        "digest of the certificate SHA-1",
        set_on(f".//{XADES}CertDigest/{DS}DigestMethod", "Algorithm", DS_URI + "sha1"),
        ALGORITHM,
    ),
    (
        "text hidden in KeyInfo",
        lambda root: setattr(root.find(f".//{DS}KeyInfo"), "text", "secret"),
        STRUCTURE,
    ),
    (
        "text hidden behind the certificate",
        lambda root: setattr(root.find(f".//{DS}X509Certificate"), "tail", "secret"),
        STRUCTURE,
    ),
    ("attribute hidden in the object", set_on(f".//{DS}Object", "note", "secret"), STRUCTURE),
    ("attribute hidden on the signature", set_on(f"{DS}Signature", "note", "secret"), STRUCTURE),
    ("key name", put_into(f".//{DS}KeyInfo", KEY_VALUE), STRUCTURE),
    (
        "key by retrieval",
        put_into(
            f".//{DS}KeyInfo", f'<ds:RetrievalMethod xmlns:ds="{DS_URI}" URI="http://127.0.0.1"/>'
        ),
        STRUCTURE,
    ),
    ("no certificate", lambda root: root.find(f".//{DS}X509Data").clear(), STRUCTURE),
    (
        "certificate is noise",
        lambda root: setattr(root.find(f".//{DS}X509Certificate"), "text", "AAAA"),
        "certificate.unreadable",
    ),
    ("second object", twice(f".//{DS}Object"), STRUCTURE),
    (
        "object holds something else",
        lambda root: setattr(root.find(f".//{DS}Object")[0], "tag", "{urn:x}y"),
        STRUCTURE,
    ),
    (
        "properties of another signature",
        set_on(f".//{XADES}QualifyingProperties", "Target", "#sig-other"),
        STRUCTURE,
    ),
    ("unsigned properties", twice(f".//{XADES}SignedProperties"), STRUCTURE),
    ("no signing time", without(f".//{XADES}SigningTime"), STRUCTURE),
    ("two signing times", twice(f".//{XADES}SigningTime"), STRUCTURE),
    (
        "signing time without zone",
        lambda root: setattr(root.find(f".//{XADES}SigningTime"), "text", "2026-11-24T08:00:00"),
        STRUCTURE,
    ),
    (
        "signing time beyond all calendars",
        lambda root: setattr(
            root.find(f".//{XADES}SigningTime"), "text", "0001-01-01T00:00:00+14:00"
        ),
        STRUCTURE,
    ),
    ("no signing certificate", without(f".//{XADES}SigningCertificateV2"), STRUCTURE),
    ("two signing certificates", twice(f".//{XADES}Cert"), STRUCTURE),
    (
        "signing certificate with a wrong issuer",
        lambda root: setattr(root.find(f".//{XADES}IssuerSerialV2"), "text", "AAAA"),
        "signature.certificate_swapped",
    ),
]


@pytest.mark.parametrize(
    ("change", "code"),
    [pytest.param(change, code, id=name) for name, change, code in OFF_PROFILE],
)
def test_a_right_signature_that_leaves_the_profile_is_refused(workshop, change, code):
    signed = workshop.sign()
    root = etree.fromstring(signed)
    change(root)
    if len(references(root)) > 1 and root.find(f".//{XADES}SignedProperties") is not None:
        workshop.restore(root, workshop.agency)

    with pytest.raises(SignatureRefused) as refused:
        verify(canonical_bytes(root), policy=workshop.policy, now=workshop.now)

    assert [reason.code for reason in refused.value.reasons if reason.code == code]


def test_the_forgers_tools_work_so_that_refusals_mean_something(workshop):
    """A harmless rework by the trusted key verifies: the refusals above are not accidents."""
    reworked = workshop.rework(
        workshop.sign(), lambda root: setattr(root.find(f"{BT}MaDonVi"), "text", "H29.6")
    )

    verified = verify(reworked, policy=workshop.policy, now=workshop.now)

    assert verified.element.findtext(f"{BT}MaDonVi") == "H29.6"


def test_a_signature_without_its_object_is_refused(workshop):
    root = etree.fromstring(workshop.sign())
    without(f".//{DS}Object")(root)

    found = inspect(canonical_bytes(root), policy=workshop.policy, now=workshop.now)

    assert [reason.code for reason in found.reasons] == ["signature.structure"]


def test_properties_that_cannot_be_read_are_told_once(workshop):
    """And not as a reference that points elsewhere."""
    root = etree.fromstring(workshop.sign())
    root.find(f".//{XADES}SigningTime").text = "hôm qua"

    found = inspect(canonical_bytes(root), policy=workshop.policy, now=workshop.now)

    assert [(one.code, one.en) for one in found.reasons] == [
        (
            "signature.structure",
            "SigningTime must be a time with a zone, for example 2026-11-24T08:00:00Z",
        )
    ]


def test_the_certificate_of_another_trusted_signer_cannot_be_put_in(workshop):
    twin = workshop.issue("Sở Tư pháp", issuer=workshop.root, key=workshop.rsa_key)
    root = etree.fromstring(workshop.sign())
    workshop.use_certificate(root, twin, named=False)

    with pytest.raises(SignatureRefused) as refused:
        verify(canonical_bytes(root), policy=workshop.policy, now=workshop.now)

    assert [one.code for one in refused.value.reasons] == ["signature.certificate_swapped"]


def test_a_forger_cannot_name_a_trusted_certificate_and_sign_with_an_own_key(workshop):
    forger = workshop.issue("Kẻ giả mạo", issuer=None)
    forged = workshop.rework(
        workshop.sign(), lambda root: workshop.use_certificate(root, forger, named=False), by=forger
    )
    root = etree.fromstring(forged)
    workshop.use_certificate(root, workshop.agency, named=False)

    for text in (forged, canonical_bytes(root)):
        with pytest.raises(SignatureRefused):
            verify(text, policy=workshop.policy, now=workshop.now)


def test_an_hmac_keyed_with_the_public_key_is_no_signature(workshop):
    root = etree.fromstring(workshop.sign())
    method = root.find(f".//{DS}SignatureMethod")
    public = workshop.rsa_key.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    for name in ("http://www.w3.org/2000/09/xmldsig#hmac-sha1", DS_URI + "hmac-sha256"):
        method.set("Algorithm", name)
        info = canonical_bytes(root.find(f".//{DS}SignedInfo"))
        mac = hmac.digest(public, info, "sha1" if name.endswith("sha1") else "sha256")
        root.find(f".//{DS}SignatureValue").text = base64.b64encode(mac).decode()

        found = inspect(canonical_bytes(root), policy=workshop.policy, now=workshop.now)

        assert [one.code for one in found.reasons] == ["signature.algorithm_forbidden"]


def test_an_ecdsa_signature_in_der_is_refused(workshop):
    root = etree.fromstring(workshop.sign(by=workshop.other_agency))
    info = canonical_bytes(root.find(f".//{DS}SignedInfo"))
    value = workshop.other_agency.key.sign(info, ec.ECDSA(hashes.SHA256()))
    root.find(f".//{DS}SignatureValue").text = base64.b64encode(value).decode()

    found = inspect(canonical_bytes(root), policy=workshop.policy, now=workshop.now)

    assert [one.code for one in found.reasons] == ["signature.value_wrong"]


@pytest.mark.parametrize("value", [bytes(64), b"\xff" * 64, bytes(63) + b"\x01"])
def test_an_ecdsa_value_out_of_range_is_refused(workshop, value):
    root = etree.fromstring(workshop.sign(by=workshop.other_agency))
    root.find(f".//{DS}SignatureValue").text = base64.b64encode(value).decode()

    found = inspect(canonical_bytes(root), policy=workshop.policy, now=workshop.now)

    assert [one.code for one in found.reasons] == ["signature.value_wrong"]


def test_the_signature_of_another_document_does_not_fit(workshop):
    first = workshop.sign()
    second = workshop.sign(workshop.document.replace(b"0001", b"0002"))

    forged = first.replace(signature_of(first), signature_of(second))

    found = inspect(forged, policy=workshop.policy, now=workshop.now)
    assert [one.code for one in found.reasons] == ["signature.digest_differs"]
    assert (found.intact, found.trusted) == (False, True)


def test_every_reason_is_given_at_once(workshop):
    stranger = workshop.issue(
        "Người lạ", issuer=None, end=workshop.now - timedelta(days=1), usage="key_encipherment"
    )
    text = workshop.rework(
        workshop.sign(),
        lambda root: workshop.use_certificate(root, stranger, named=True),
        by=workshop.other_agency,
    )
    text = text.replace(b"0001", b"0002").replace(b"text/xml", b"text/pdf")

    found = inspect(text + b"\n", policy=workshop.policy, now=workshop.now)

    assert [one.code for one in found.reasons] == [
        "document.not_canonical",
        "signature.digest_differs",
        "signature.digest_differs",
        "signature.value_wrong",
        "certificate.not_for_signing",
        "certificate.expired_when_signed",
        "certificate.untrusted",
    ]


def test_a_document_beyond_the_size_limit_is_refused(workshop):
    policy = replace(workshop.policy, max_bytes=1000)

    found = inspect(workshop.sign(), policy=policy, now=workshop.now)

    assert [one.code for one in found.reasons] == ["xml.too_large"]
    assert found.element is None


def test_an_element_that_is_not_expected_is_refused(workshop):
    expected = frozenset({("urn:lienthong:dvcqg:2020", "BienNhan")})
    policy = replace(workshop.policy, elements=expected)

    found = inspect(workshop.sign(), policy=policy, now=workshop.now)

    assert [one.code for one in found.reasons] == ["document.element_unexpected"]


def test_a_method_outside_the_policy_is_refused(workshop):
    policy = replace(workshop.policy, algorithms=frozenset({Algorithm.ECDSA_SHA256}))

    found = inspect(workshop.sign(), policy=policy, now=workshop.now)

    assert [one.code for one in found.reasons] == ["signature.algorithm_forbidden"]


def test_a_signing_time_in_the_future_is_refused_beyond_the_clock_skew(workshop):
    signed = workshop.sign()

    early = workshop.now - timedelta(minutes=5)
    assert verify(signed, policy=workshop.policy, now=early)
    with pytest.raises(SignatureRefused) as refused:
        verify(signed, policy=workshop.policy, now=early - timedelta(seconds=1))

    assert [one.code for one in refused.value.reasons] == ["signature.signed_in_future"]


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_certificates_full_of_noise_are_refused_and_break_nothing(workshop):
    signed = workshop.sign(by=workshop.other_agency)
    der = workshop.other_agency.certificate.public_bytes(Encoding.DER)
    noise = random.Random(20)

    for _ in range(600):
        forged = bytearray(der)
        for _ in range(noise.choice([1, 1, 2, 4])):
            forged[noise.randrange(len(forged))] = noise.randrange(256)
        if forged == der:
            continue
        text = signed.replace(base64.b64encode(der), base64.b64encode(forged))
        codes = {
            one.code for one in inspect(text, policy=workshop.policy, now=workshop.now).reasons
        }
        assert codes & {"signature.certificate_swapped", "certificate.unreadable"}


def test_no_single_changed_byte_is_ever_verified(workshop):
    signed = workshop.sign(by=workshop.other_agency)

    for place in range(0, len(signed), 3):
        forged = bytearray(signed)
        forged[place] ^= 1 << (place % 7)
        found = inspect(bytes(forged), policy=workshop.policy, now=workshop.now)
        assert found.reasons, f"byte {place}: {signed[place - 20 : place + 20]!r}"
