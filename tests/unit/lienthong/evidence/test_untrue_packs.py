"""Packs that are whole and signed by the operator, and say what the log does not say."""

import io
import json
import subprocess
import sys
from hashlib import sha256
from time import monotonic

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp

from lienthong.evidence import verify_evidence as verifier
from lienthong.testing.evidence_site import MADE_AT
from lienthong.testing.evidence_workshop import MANIFEST, contents


def verify(shop, files, *, witness=None, relist=True):
    means = verifier.Means(
        roots=verifier.load_pem((shop.site.keyring.folder / "root.cert.pem").read_bytes()),
        stamp_roots=verifier.load_pem(shop.stamp_root),
        witness=witness,
    )
    return verifier.verify(io.BytesIO(shop.sign(files, relist=relist)), means)


def edited(shop, change, *, without=()):
    files = {k: v for k, v in contents(shop.good).items() if not k.endswith(without)}
    values = json.loads(files[MANIFEST])
    change(values)
    return files | {MANIFEST: json.dumps(values).encode()}


def false_codes(report):
    return sorted({one.code for one in report.lines if one.kind == verifier.FALSE})


def codes(report, kind):
    return {one.code for one in report.lines if one.kind == kind}


def test_a_document_that_was_taken_out_together_with_its_mention_is_missed(shop):
    files = edited(
        shop, lambda m: m["messages"][0].update(document=None), without=("document.xml",)
    )

    assert false_codes(verify(shop, files)) == ["document.missing"]


def test_a_portal_receipt_that_was_taken_out_together_with_its_mention_is_missed(shop):
    def change(manifest):
        manifest["messages"][0]["receipt"] = None

    files = edited(shop, change, without=("/receipt.xml",))

    assert false_codes(verify(shop, files)) == ["receipt.missing"]


def test_an_operator_receipt_that_was_taken_out_together_with_its_mention_is_missed(shop):
    def change(manifest):
        manifest["submissions"][0]["receipts"] = {}

    files = edited(shop, change, without=("receipt-received.xml",))

    assert false_codes(verify(shop, files)) == ["operator_receipt.missing"]


@pytest.mark.parametrize("state", ["rejected", "parked", "unknown"])
def test_a_delivery_that_is_passed_over_in_silence_is_told(shop, state):
    files = edited(shop, lambda m: m["messages"][0].update(state=state))

    assert false_codes(verify(shop, files)) == ["message.state_differs"]


def test_another_kind_of_proof_than_the_log_has_is_false(shop):
    files = edited(shop, lambda m: m["messages"][0].update(proof="query"))

    assert false_codes(verify(shop, files)) == ["message.proof_differs"]


def test_a_delivery_of_an_erased_document_must_be_in_the_log_too(shop):
    def change(manifest):
        manifest["messages"][0]["document"].update(file=None, erased={"by": "x", "why": "y"})
        manifest["audit"]["rows"] -= 1

    files = edited(shop, change, without=("document.xml",))
    rows = files["audit/rows.jsonl"].splitlines(keepends=True)
    files["audit/rows.jsonl"] = b"".join(one for one in rows if b"message.delivered" not in one)

    assert false_codes(verify(shop, files)) == ["message.delivery_not_logged"]


def test_one_file_cannot_stand_for_a_thousand_messages(shop):
    """Each would be read and checked anew: a small pack, and hours of work."""

    def change(manifest):
        first = manifest["messages"][0]
        manifest["messages"] = [first | {"id": f"m{number}"} for number in range(1_000)]

    begun = monotonic()
    assert false_codes(verify(shop, edited(shop, change))) == ["manifest.named_twice"]
    assert monotonic() - begun < 5


def test_a_message_is_named_once(shop):
    def change(manifest):
        first = manifest["messages"][0]
        bare = first | {"document": None, "receipt": None, "attempts": [], "state": "rejected"}
        manifest["messages"].append(bare)

    assert false_codes(verify(shop, edited(shop, change))) == ["manifest.named_twice"]


def test_seals_after_the_last_signed_one_cannot_be_made_up_in_the_chain(shop):
    files = contents(shop.good)
    made_up = ["2026-03-02T09:00:00.000000Z", 1, 90, 90, "00" * 32]
    files["audit/chain.jsonl"] += json.dumps(made_up).encode() + b"\n"

    assert false_codes(verify(shop, files)) == ["chain.broken"]


def test_without_the_chain_a_witness_stands_for_no_seal_but_its_own(shop):
    files = {k: v for k, v in contents(shop.good).items() if k != "audit/chain.jsonl"}
    seals = [json.loads(line)["body"] for line in files["audit/seals.jsonl"].splitlines()]
    newest = max(seals, key=lambda body: json.loads(body)["number"])
    number = json.loads(newest)["number"]
    assert len(seals) > 1

    report = verify(shop, files, witness={number: sha256(newest.encode()).hexdigest()})

    words = [one.en for one in report.lines if one.code.startswith("witness.")]
    assert words[0] == f"Seal {number}: as the witness has it"
    assert codes(report, verifier.OPEN) >= {"witness.unlinked"}


def test_what_is_only_the_operators_word_is_called_so(shop):
    assert "operator.word" in codes(verify(shop, contents(shop.good)), verifier.OPEN)


@pytest.mark.parametrize("depth", [400, 900, 980, 990, 995, 1_000, 1_500, 3_000])
@pytest.mark.parametrize("name", ["audit/rows.jsonl", "audit/chain.jsonl", "audit/seals.jsonl"])
def test_values_of_any_depth_get_a_verdict(shop, depth, name):
    files = contents(shop.good)
    deep = "[" * depth + "]" * depth
    lines = files[name].decode().splitlines()
    value = json.loads(lines[-1])
    if isinstance(value, list):
        lines[-1] = "[" + deep + "," + json.dumps(value[1:])[1:]
    else:
        key = "at" if "at" in value else "body"
        lines[-1] = json.dumps(value | {key: "DEEP"}).replace('"DEEP"', deep)
    files[name] = "\n".join(lines).encode()

    assert verify(shop, files).verdict == "false"


def with_revocation(shop, name, data):
    files = edited(shop, lambda m: m.update(revocation=[name]))
    return verify(shop, files | {name: data})


def answer_of(shop):
    root = shop.site.keyring.policy().trust_anchors[0]
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=shop.operator.certificate,
        issuer=root,
        algorithm=hashes.SHA256(),
        cert_status=ocsp.OCSPCertStatus.GOOD,
        this_update=MADE_AT,
        next_update=None,
        revocation_time=None,
        revocation_reason=None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, shop.operator.certificate)
    return builder.sign(shop.operator.private_key, hashes.SHA256()).public_bytes(
        verifier.Encoding.DER
    )


def test_an_answer_of_an_authority_by_an_unknown_hash_says_nothing(shop):
    sha256_oid = bytes.fromhex("0609608648016503040201")
    good = answer_of(shop)
    odd = good.replace(sha256_oid, bytes.fromhex("0609608648016503040277"), 1)
    assert odd != good

    report = with_revocation(shop, "revocation/1.ocsp", odd)

    assert false_codes(report) == []
    assert "revocation.not_judged" in codes(report, verifier.OPEN)


def test_a_list_with_an_extension_twice_says_nothing(shop):
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=shop.operator.certificate.subject, last_update=MADE_AT, next_update=MADE_AT
    )
    builder = builder.add_extension(x509.CRLNumber(1), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(shop.operator.certificate.public_key()),
        critical=False,
    )
    data = builder.sign(shop.operator.private_key, hashes.SHA256()).public_bytes(
        verifier.Encoding.DER
    )
    # The number of the other extension: 2.5.29.35 becomes 2.5.29.20.
    twice = data.replace(bytes.fromhex("0603551d23"), bytes.fromhex("0603551d14"))
    assert twice != data

    report = with_revocation(shop, "revocation/1.crl", twice)

    assert false_codes(report) == []


def test_a_console_without_vietnamese_gets_the_report_all_the_same(shop, tmp_path):
    (tmp_path / "pack").write_bytes(shop.good)
    root = shop.site.keyring.folder / "root.cert.pem"

    done = subprocess.run(
        [sys.executable, verifier.__file__, tmp_path / "pack", "--root", root],
        env={"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert b"VERDICT: what must be proven is proven" in done.stdout


def test_a_witness_file_may_hold_anything(tmp_path):
    (tmp_path / "w").write_text('{"body":"\\ud800"}\n{"body":[]}\n[]\n{}\n' + "[" * 5_000)

    with pytest.raises(verifier.Unusable):
        verifier.read_witness([str(tmp_path / "w")])
