"""
By algorithm and form: others verify what we sign, and we verify what others sign.

The table of docs/signing.md is compared with what came out; where it differs, it is printed.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from lxml import etree

from signing import (
    Form,
    Hash,
    PlainSigner,
    SignatureRefused,
    VerificationPolicy,
    XadesSigner,
    canonical_bytes,
    verify,
    verify_detached,
    verify_plain,
)
from tests.integration.signing.interop import (
    DOCUMENT,
    FILE,
    NAME,
    NOW,
    OTHERS,
    WAYS,
    Signxml,
    make_keys,
)

DOCS = Path(__file__).parents[3] / "docs" / "signing.md"
BEGIN, END = "<!-- interoperability: begin -->\n", "<!-- interoperability: end -->"
METHODS = {"rsa": "RSA", "rsa-pss": "RSA-PSS", "p-256": "ECDSA P-256", "p-384": "ECDSA P-384"}

pytestmark = pytest.mark.skipif(
    not (shutil.which("xmlsec1") and shutil.which("javac")), reason="xmlsec1 or a JDK is absent"
)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return make_keys(tmp_path_factory.mktemp("interop"))


@pytest.fixture(scope="module")
def others(keys):
    return [other(keys) for other in OTHERS]


@pytest.fixture(scope="module")
def ours(keys):
    """What we signed, in every way."""
    files = {}
    for way in WAYS:
        key, chosen = keys.keys[way.key], {"rsa_padding": way.padding, "digest": way.digest}
        if way.form is Form.PLAIN:
            text = PlainSigner(key, **chosen).sign(DOCUMENT, at=NOW)
        elif way.form is Form.DETACHED:
            text = XadesSigner(key, **chosen).sign_file(FILE, name=NAME, signed_at=NOW)
        else:
            text = XadesSigner(key, **chosen).sign(DOCUMENT, signed_at=NOW)
        files[way] = keys.folder / f"{way}.xml"
        files[way].write_bytes(text)
    return files


@pytest.fixture(scope="module")
def judged(others, ours):
    """What others say of ours, by their name."""
    return {other.name: other.verify(ours) for other in others}


@pytest.fixture(scope="module")
def theirs(others):
    """What others signed, by their name."""
    return {other.name: other.sign(WAYS) for other in others}


def accept(keys, way, text: bytes, content: bytes = FILE) -> bytes:
    """Verify as a receiver would, who brings the text of others into canonical form first."""
    policy = VerificationPolicy(trust_anchors=(keys.root,))
    text = canonical_bytes(etree.fromstring(text))
    if way.form is Form.PLAIN:
        return verify_plain(text, policy=policy, at=NOW).content
    if way.form is Form.DETACHED:
        return verify_detached(text, content, name=NAME, policy=policy, now=NOW).content
    return verify(text, policy=policy, now=NOW).content


@pytest.mark.parametrize("other", [other.name for other in OTHERS])
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_others_verify_what_we_sign(judged, other, way):
    assert judged[other][way] == "valid"


@pytest.mark.parametrize("other", [other.name for other in OTHERS])
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_we_verify_what_others_sign(keys, theirs, other, way):
    if way not in theirs[other]:
        assert other == Signxml.name, "the others sign in every way"
        assert way.form is not Form.PLAIN
        return
    text = theirs[other][way]
    assert isinstance(text, bytes), text

    content = accept(keys, way, text)

    assert content == (FILE if way.form is Form.DETACHED else canonical_bytes(_root()))


@pytest.mark.parametrize("other", [other.name for other in OTHERS])
def test_we_refuse_what_others_signed_once_it_is_changed(keys, theirs, other):
    for way, text in theirs[other].items():
        changed = text if way.form is Form.DETACHED else text.replace(b"7f0c</", b"7f0d</")
        with pytest.raises(SignatureRefused) as refused:
            accept(keys, way, changed, FILE + b"x")
        assert [one.code for one in refused.value.reasons] == ["signature.digest_differs"]


def test_others_refuse_what_we_signed_once_it_is_changed(keys, others, ours):
    folder = keys.folder / "changed"
    folder.mkdir()
    changed = {}
    for way, file in ours.items():
        text = file.read_bytes()
        old, new = (
            (b"<ds:DigestValue>", b"<ds:DigestValue>AAAA")
            if way.form is Form.DETACHED
            else (b"7f0c</", b"7f0d</")
        )
        assert old in text
        changed[way] = folder / file.name
        changed[way].write_bytes(text.replace(old, new, 1))

    for other in others:
        assert "valid" not in other.verify(changed).values()


def test_the_table_in_the_documentation_is_what_came_out(keys, judged, theirs):
    table = _table(keys, judged, theirs)
    text = DOCS.read_text(encoding="utf-8")

    found = text[text.index(BEGIN) + len(BEGIN) : text.index(END)]

    assert found == table, f"put this between the marks of docs/signing.md:\n{table}"


def _root():
    return etree.fromstring(DOCUMENT)


def _table(keys, judged, theirs) -> str:
    """A cell names who verifies ours, and whose we verify."""
    lines = [
        "| method | " + " | ".join(form.value for form in Form) + " |",
        "|---|" + "---|" * len(Form),
    ]
    cells = {}
    for way in WAYS:
        they = [name for name, said in judged.items() if said[way] == "valid"]
        we = [name for name, made in theirs.items() if _is_accepted(keys, way, made.get(way))]
        cells[way.kind, way.digest, way.form] = f"→ {', '.join(they)}<br>← {', '.join(we)}"
    for kind, method in METHODS.items():
        for digest in Hash:
            row = " | ".join(cells[kind, digest, form] for form in Form)
            lines.append(f"| {method}, {digest.name.replace('SHA', 'SHA-')} | {row} |")
    return "\n".join(lines) + "\n"


def _is_accepted(keys, way, text) -> bool:
    if not isinstance(text, bytes):
        return False
    try:
        accept(keys, way, text)
    except SignatureRefused:
        return False
    return True
