"""
The same tricks on signatures of every form. Each has a right value, made with a key that is trusted
here, or is changed after signing; each is refused for the reason that names the trick.
"""

from __future__ import annotations

import base64
import copy
import hmac

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from signing import Form, canonical_bytes
from tests.unit.signing.conftest import DS, FILE, XADES, b64

DS_URI = DS.strip("{}")
C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XPATH2 = "http://www.w3.org/2002/06/xmldsig-filter2"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
STRUCTURE = "signature.structure"
FORBIDDEN = "signature.reference_forbidden"
ALGORITHM = "signature.algorithm_forbidden"
FORMS = list(Form)
INSIDE = [Form.ENVELOPED, Form.PLAIN]


@pytest.fixture(params=FORMS, ids=lambda form: form.value)
def form(request):
    return request.param


def signature_in(root):
    return root if root.tag == f"{DS}Signature" else root.find(f"{DS}Signature")


def reference(root):
    return root.find(f".//{DS}Reference")


def element(name, text="", **attributes):
    made = etree.Element(f"{DS}{name}", nsmap={"ds": DS_URI}, **attributes)
    made.text = text
    return made


def add_transform(algorithm, inner=""):
    def change(root):
        chain = reference(root).find(f"{DS}Transforms")
        if chain is None:
            chain = element("Transforms")
            reference(root).insert(0, chain)
        one = element("Transform", Algorithm=algorithm)
        if inner:
            one.append(etree.fromstring(inner))
        chain.insert(0, one)

    return change


def set_on(path, name, value):
    return lambda root: root.find(f".//{DS}{path}").set(name, value)


def put_into(path, make):
    return lambda root: root.find(f".//{DS}{path}").append(make())


def text_of(path, value):
    return lambda root: setattr(root.find(f".//{DS}{path}"), "text", value)


def reference_again(root):
    root.find(f".//{DS}SignedInfo").append(copy.deepcopy(reference(root)))


def no_references(root):
    info = root.find(f".//{DS}SignedInfo")
    for one in info.findall(f"{DS}Reference"):
        info.remove(one)


def key_value_for_certificates(root):
    """The verifier is to take the key out of KeyInfo, and to ask no chain."""
    info = root.find(f".//{DS}KeyInfo")
    info.clear()
    info.append(element("KeyValue"))


def nine_certificates(root):
    data = root.find(f".//{DS}X509Data")
    for _ in range(8):
        data.append(copy.deepcopy(data[0]))


def more_about_the_certificate(root):
    root.find(f".//{DS}X509Data").append(element("X509SubjectName", "CN=Sở Tư pháp"))


OFF_PROFILE = [
    ("transform XSLT", add_transform(XSLT, "<xsl:x xmlns:xsl='urn:xsl'/>"), FORBIDDEN),
    ("transform XPath", add_transform(XPATH, "<a>not(//x)</a>"), FORBIDDEN),
    ("transform XPath filter 2", add_transform(XPATH2), FORBIDDEN),
    ("transform base64", add_transform(DS_URI + "base64"), FORBIDDEN),
    ("transform c14n with comments", add_transform(C14N + "WithComments"), FORBIDDEN),
    ("transform unknown", add_transform("urn:x"), FORBIDDEN),
    ("URI to a file of the machine", set_on("Reference", "URI", "file:///etc/passwd"), FORBIDDEN),
    ("URI to a host", set_on("Reference", "URI", "http://127.0.0.1:9/x"), FORBIDDEN),
    ("URI to a host, without scheme", set_on("Reference", "URI", "//127.0.0.1/x"), FORBIDDEN),
    ("URI upwards", set_on("Reference", "URI", "../giay-phep.pdf"), FORBIDDEN),
    ("URI by XPointer", set_on("Reference", "URI", "#xpointer(/)"), FORBIDDEN),
    ("URI absent", lambda root: reference(root).attrib.pop("URI"), FORBIDDEN),
    ("reference repeated", reference_again, FORBIDDEN),
    ("no references", no_references, FORBIDDEN),
    (
        "SignedInfo c14n with comments",
        set_on("CanonicalizationMethod", "Algorithm", C14N + "WithComments"),
        ALGORITHM,
    ),
    (
        "SignedInfo inclusive c14n",
        set_on(
            "CanonicalizationMethod",
            "Algorithm",
            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        ),
        ALGORITHM,
    ),
    (
        "HMAC output length",
        put_into("SignatureMethod", lambda: element("HMACOutputLength", "1")),
        ALGORITHM,
    ),
    ("method RSA-SHA1", set_on("SignatureMethod", "Algorithm", DS_URI + "rsa-sha1"), ALGORITHM),
    ("method DSA", set_on("SignatureMethod", "Algorithm", DS_URI + "dsa-sha1"), ALGORITHM),
    ("method RSA-MD5", set_on("SignatureMethod", "Algorithm", MORE + "rsa-md5"), ALGORITHM),
    ("method none", set_on("SignatureMethod", "Algorithm", "none"), ALGORITHM),
    ("digest SHA-1", set_on("DigestMethod", "Algorithm", DS_URI + "sha1"), ALGORITHM),
    ("digest MD5", set_on("DigestMethod", "Algorithm", MORE + "md5"), ALGORITHM),
    ("digest not base64", text_of("DigestValue", "*" * 44), STRUCTURE),
    ("digest empty", text_of("DigestValue", ""), "signature.digest_differs"),
    ("certificate not base64", text_of("X509Certificate", "MII*"), STRUCTURE),
    ("certificate cut", text_of("X509Certificate", "MIIB"), "certificate.unreadable"),
    ("key from KeyInfo", key_value_for_certificates, STRUCTURE),
    ("key name", put_into("KeyInfo", lambda: element("KeyName", "portal")), STRUCTURE),
    (
        "key by retrieval",
        put_into("KeyInfo", lambda: element("RetrievalMethod", URI="http://127.0.0.1:9/key")),
        STRUCTURE,
    ),
    ("nine certificates", nine_certificates, STRUCTURE),
    ("a subject name beside the certificate", more_about_the_certificate, STRUCTURE),
    (
        "an object that nobody has signed",
        lambda root: signature_in(root).append(element("Object", "trả lời: đồng ý")),
        STRUCTURE,
    ),
    (
        "a manifest in the place of the content",
        lambda root: (
            reference(root).set("Type", DS_URI + "Manifest"),
            reference(root).set("URI", "#m"),
        ),
        None,
    ),
    (
        "text between the parts",
        lambda root: setattr(signature_in(root), "text", "đồng ý"),
        STRUCTURE,
    ),
    ("attribute on the signature", lambda root: signature_in(root).set("note", "x"), STRUCTURE),
]


@pytest.mark.parametrize(
    ("change", "code"), [pytest.param(change, code, id=name) for name, change, code in OFF_PROFILE]
)
def test_a_right_signature_that_leaves_the_profile_of_its_form_is_refused(
    workshop, form, change, code
):
    root = etree.fromstring(workshop.make(form))
    change(root)
    if code not in {"signature.digest_differs", STRUCTURE}:
        workshop.restore(root, workshop.agency)

    found = workshop.judge(form, canonical_bytes(root))

    expected = code or (FORBIDDEN if form is Form.DETACHED else "signature.not_covering")
    assert expected in {one.code for one in found.reasons}
    assert all(len(one.vi) < 1000 and len(one.en) < 1000 for one in found.reasons)


def test_the_forgers_tools_work_in_every_form_so_that_refusals_mean_something(workshop, form):
    root = etree.fromstring(workshop.make(form))
    workshop.restore(root, workshop.agency)

    assert not workshop.judge(form, canonical_bytes(root)).reasons


def comment_in(tag):
    """Half of the text behind a comment: readers that stop there see another value."""

    def change(text):
        start = text.index(b"<ds:" + tag + b">") + len(tag) + 20
        return text[:start] + b"<!-- -->" + text[start:]

    return change


def instruction_in(tag):
    def change(text):
        start = text.index(b"<ds:" + tag + b">") + len(tag) + 20
        return text[:start] + b"<?x y?>" + text[start:]

    return change


def with_value(value):
    def change(text):
        head, _, rest = text.partition(b"<ds:SignatureValue>")
        old, _, tail = rest.partition(b"</ds:SignatureValue>")
        return head + b"<ds:SignatureValue>" + value(old) + b"</ds:SignatureValue>" + tail

    return change


def second_signature_in_an_object(text):
    start, end = text.index(b"<ds:Signature "), text.index(b"</ds:Signature>")
    whole = text[start : end + 15]
    return text[:end] + b"<ds:Object>" + whole + b"</ds:Object>" + text[end:]


def namespace_declared_higher(text):
    """Moved to the root, where another writer would declare it: no longer what was composed."""
    return text.replace(b' xmlns:ds="' + DS_URI.encode() + b'"', b"", 1).replace(
        b" ", b' xmlns:ds="' + DS_URI.encode() + b'" ', 1
    )


CHANGED = [
    ("comment in the signature value", comment_in(b"SignatureValue"), "document.not_canonical"),
    ("comment in a digest value", comment_in(b"DigestValue"), "document.not_canonical"),
    ("comment in the certificate", comment_in(b"X509Certificate"), "document.not_canonical"),
    (
        "instruction in the signature value",
        instruction_in(b"SignatureValue"),
        "document.instruction",
    ),
    ("instruction in the certificate", instruction_in(b"X509Certificate"), "document.instruction"),
    ("value cut", with_value(lambda old: old[:40]), "signature.value_wrong"),
    ("value empty", with_value(lambda _: b""), "signature.value_wrong"),
    ("value not base64", with_value(lambda old: b"@@@@" + old[4:]), STRUCTURE),
    ("value without its padding", with_value(lambda old: old.rstrip(b"=")[:-1]), STRUCTURE),
    ("value in base64url", with_value(lambda old: b"-_-_" + old[4:]), STRUCTURE),
    ("value of zeros", with_value(lambda _: b64(bytes(256)).encode()), "signature.value_wrong"),
    (
        "value as an element",
        with_value(lambda old: b"<ds:Object>" + old + b"</ds:Object>"),
        STRUCTURE,
    ),
    ("second signature inside", second_signature_in_an_object, "signature.not_single"),
    (
        "prefix bound to another namespace",
        lambda text: text.replace(b'xmlns:ds="' + DS_URI.encode(), b'xmlns:ds="urn:evil'),
        "signature.missing",
    ),
    (
        "namespace of XAdES moved to another version",
        lambda text: text.replace(b"01903/v1.3.2#", b"01903/v1.1.1#"),
        STRUCTURE,
    ),
    (
        "document type",
        lambda text: b'<!DOCTYPE x [<!ENTITY a "b">]>' + text,
        "xml.doctype",
    ),
    (
        "entities that grow",
        lambda text: b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + text,
        "xml.doctype",
    ),
    (
        "external entity",
        lambda text: b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">' + text,
        "xml.doctype",
    ),
    ("undeclared entity", with_value(lambda _: b"&a;"), "xml.syntax"),
    ("nothing", lambda _: b"", "xml.syntax"),
    ("another encoding", lambda text: text.decode().encode("utf-16"), "document.not_canonical"),
]


@pytest.mark.parametrize(
    ("change", "code"), [pytest.param(change, code, id=name) for name, change, code in CHANGED]
)
def test_what_was_changed_after_signing_is_refused_in_every_form(workshop, form, change, code):
    signed = workshop.make(form)
    forged = change(signed)
    if forged == signed:
        assert form is Form.PLAIN, "only the plain form lacks what is changed here"
        return

    found = workshop.judge(form, forged)

    assert code in {one.code for one in found.reasons}
    assert not found.intact or code.startswith("document.")


def test_a_namespace_declared_elsewhere_is_another_text(workshop):
    for form in INSIDE:
        found = workshop.judge(form, namespace_declared_higher(workshop.make(form)))
        assert [one.code for one in found.reasons] == ["document.not_canonical"]


def test_an_hmac_keyed_with_the_public_key_is_no_signature_in_any_form(workshop, form):
    public = workshop.rsa_key.public_key()
    secrets = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        workshop.agency.certificate.public_bytes(Encoding.PEM),
    ]
    for secret in secrets:
        for name, found in [(DS_URI + "hmac-sha1", "sha1"), (MORE + "hmac-sha256", "sha256")]:
            root = etree.fromstring(workshop.make(form))
            root.find(f".//{DS}SignatureMethod").set("Algorithm", name)
            info = canonical_bytes(root.find(f".//{DS}SignedInfo"))
            mac = hmac.digest(secret, info, found)
            root.find(f".//{DS}SignatureValue").text = base64.b64encode(mac).decode()

            judged = workshop.judge(form, canonical_bytes(root))

            assert [one.code for one in judged.reasons] == [ALGORITHM]


def test_no_single_changed_byte_is_ever_accepted_in_any_form(workshop, form):
    signed = workshop.make(form, by=workshop.other_agency)

    for place in range(0, len(signed), 5):
        forged = bytearray(signed)
        forged[place] ^= 1 << (place % 7)
        assert workshop.judge(form, bytes(forged)).reasons, f"byte {place}"


# Wrapping: of a document around its signature, and of a signature around its file.


def in_a_root(text, identifier="bt-evil", before=b""):
    head = f'<BanTin xmlns="urn:lienthong:dvcqg:2020" Id="{identifier}">'.encode()
    return canonical_bytes(etree.fromstring(head + before + text + b"</BanTin>"))


def apart(text):
    start, end = text.index(b"<ds:Signature "), text.index(b"</ds:Signature>") + 15
    return text[:start] + text[end:], text[start:end]


def moved_below(text):
    original, signature = apart(text)
    return in_a_root(b"<Goc>" + original + b"</Goc>" + signature, before=b"<MaHoSo>evil</MaHoSo>")


def moved_below_with_its_id(text):
    original, signature = apart(text)
    return in_a_root(original + signature, identifier="bt-7f0c")


def moved_into_an_object(text):
    original, signature = apart(text)
    inner = signature.replace(
        b"</ds:Signature>", b"<ds:Object>" + original + b"</ds:Object></ds:Signature>"
    )
    return in_a_root(inner, before=b"<MaHoSo>evil</MaHoSo>")


def signature_before(text):
    original, signature = apart(text)
    return original.replace(b"<MaBanTin>", signature + b"<MaBanTin>")


def signature_below(text):
    original, signature = apart(text)
    return original.replace(b"</HoSo>", signature + b"</HoSo>")


def sibling_beside(text):
    return text.replace(b"</BanTin>", b"<HoSo>evil</HoSo></BanTin>")


WRAPPED = [
    ("whole below a new root", in_a_root, {"signature.misplaced"}),
    ("original below a forged root", moved_below, {"signature.not_covering"}),
    (
        "original below a forged root of the same id",
        moved_below_with_its_id,
        {"signature.duplicate_id", "signature.digest_differs"},
    ),
    ("original in an object of the signature", moved_into_an_object, {STRUCTURE}),
    ("signature first", signature_before, {"signature.misplaced"}),
    ("signature in the dossier", signature_below, {"signature.misplaced"}),
    ("element behind the signature", sibling_beside, {"signature.misplaced"}),
]


@pytest.mark.parametrize("inside", INSIDE, ids=lambda form: form.value)
@pytest.mark.parametrize(
    ("wrap", "codes"), [pytest.param(wrap, codes, id=name) for name, wrap, codes in WRAPPED]
)
def test_nothing_is_wrapped_around_a_signed_document(workshop, inside, wrap, codes):
    found = workshop.judge(inside, wrap(workshop.make(inside)))

    assert {one.code for one in found.reasons} == codes
    assert not found.intact


def test_the_whole_document_by_the_empty_uri_cannot_be_wrapped_either(workshop):
    """The empty URI always points to what is there: only the digest, and the place, protect it."""
    signed = workshop.sign_whole(workshop.document)
    original, signature = apart(signed)

    for forged, code in [
        (in_a_root(signed), "signature.misplaced"),
        (in_a_root(original + signature), "signature.digest_differs"),
        (sibling_beside(original).replace(b"</BanTin>", signature + b"</BanTin>"), None),
    ]:
        found = workshop.judge(Form.PLAIN, forged)
        assert (code or "signature.digest_differs") in {one.code for one in found.reasons}


def test_a_detached_signature_is_nothing_but_itself(workshop):
    signed = workshop.make(Form.DETACHED)
    held = b"<ds:Object>" + base64.b64encode(FILE) + b"</ds:Object></ds:Signature>"

    for forged, code in [
        (in_a_root(signed), "signature.missing"),
        (signed.replace(b"</ds:Signature>", held), STRUCTURE),
        (signed.replace(b'URI="giay-phep.pdf"', b'URI="#sp-f-1"'), FORBIDDEN),
        (signed.replace(b'Id="sp-f-1"', b'Id="sig-f-1"'), "signature.duplicate_id"),
        (signed.replace(b'URI="#sp-f-1"', b'URI="#sig-f-1"'), "signature.not_covering"),
        (signed.replace(b'Target="#sig-f-1"', b'Target="#sp-f-1"'), STRUCTURE),
    ]:
        assert forged != signed
        found = workshop.judge(Form.DETACHED, forged)
        assert code in {one.code for one in found.reasons}


def test_a_signature_without_its_properties_is_no_plain_one(workshop):
    """Taking XAdES away would take the signing time and the signed certificate away."""
    root = etree.fromstring(workshop.make(Form.ENVELOPED))
    signature_in(root).remove(signature_in(root).find(f"{DS}Object"))

    found = workshop.judge(Form.PLAIN, canonical_bytes(root))

    assert [one.code for one in found.reasons] == [FORBIDDEN]


def test_properties_put_into_a_plain_signature_prove_nothing(workshop):
    root = etree.fromstring(workshop.make(Form.PLAIN))
    other = etree.fromstring(workshop.make(Form.ENVELOPED)).find(f".//{DS}Object")
    signature_in(root).append(other)
    signature_in(root).set("Id", "sig-bt-7f0c")
    text = canonical_bytes(root)
    assert root.find(f".//{XADES}SigningTime") is not None

    assert [one.code for one in workshop.judge(Form.ENVELOPED, text).reasons] == [FORBIDDEN]
    assert [one.code for one in workshop.judge(Form.PLAIN, text).reasons] == [STRUCTURE]
