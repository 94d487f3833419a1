"""Every way to tamper with a pack: what the verifier says of it, and why."""

import ast
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

from lienthong.evidence import verify_evidence as verifier
from lienthong.testing.evidence_vectors import make_vectors
from signing import read_signer

ROOT = Path(__file__).parents[4]
VERIFIER = Path(verifier.__file__)


@pytest.fixture(scope="module")
def vectors(shop):
    return list(make_vectors(shop))


@pytest.fixture(scope="module")
def published():
    """Give the files of the archive that others test their verifiers with."""
    with tarfile.open(ROOT / "docs" / "evidence-vectors.tar.xz") as archive:
        return {
            entry.name.removeprefix("evidence-vectors/"): archive.extractfile(entry).read()
            for entry in archive
        }


def false_codes(report):
    return tuple(sorted({one.code for one in report.lines if one.kind == verifier.FALSE}))


def test_every_vector_gets_its_verdict_and_its_reason(shop, vectors, tmp_path):
    (tmp_path / "witness").write_bytes(shop.witness)
    roots = verifier.read_roots([shop.site.keyring.folder / "root.cert.pem"])
    stamp_roots = verifier.load_pem(shop.stamp_root)
    witness = verifier.read_witness([str(tmp_path / "witness")])
    operator = read_signer(shop.operator.certificate).fingerprint

    found = {}
    for one in vectors:
        means = verifier.Means(
            roots=roots if one.with_root else (),
            stamp_roots=stamp_roots,
            witness=witness if one.with_witness else None,
            operators=[operator] if one.pins_operator else (),
        )
        report = verifier.verify(io.BytesIO(one.pack), means)
        found[one.name] = (report.verdict, false_codes(report))

    assert found == {one.name: (one.verdict, one.codes) for one in vectors}


def test_the_published_vectors_get_their_verdicts(published, tmp_path):
    for name in ("root.pem", "stamp-root.pem", "witness.jsonl"):
        (tmp_path / name).write_bytes(published[name])
    stamp_roots = verifier.read_roots([tmp_path / "stamp-root.pem"])
    roots = verifier.read_roots([tmp_path / "root.pem"])
    witness = verifier.read_witness([str(tmp_path / "witness.jsonl")])
    expected = json.loads(published["expected.json"])

    for one in expected:
        means = verifier.Means(
            roots=roots if one["with_root"] else (),
            stamp_roots=stamp_roots,
            witness=witness if one["with_witness"] else None,
            operators=[one["operator"]] if one["operator"] else (),
        )
        report = verifier.verify(io.BytesIO(published[f"packs/{one['name']}.asice"]), means)
        found = (report.verdict, list(false_codes(report)))
        assert found == (one["verdict"], one["codes"]), one["name"]


def test_the_published_vectors_are_those_that_are_made_now(published, vectors):
    made = [(one.name, one.verdict, list(one.codes)) for one in vectors]
    expected = json.loads(published["expected.json"])

    assert [(one["name"], one["verdict"], one["codes"]) for one in expected] == made


def test_a_pack_from_before_anything_came_down_keeps_verifying():
    folder = ROOT / "tests" / "data" / "evidence_0001"
    means = verifier.Means(
        roots=verifier.read_roots([folder / "root.pem"]),
        stamp_roots=verifier.read_roots([folder / "stamp-root.pem"]),
        witness=verifier.read_witness([str(folder / "witness.jsonl")]),
    )

    with (folder / "good.asice").open("rb") as pack:
        report = verifier.verify(pack, means)

    assert (report.verdict, false_codes(report)) == ("proven", ())
    assert "sender" not in json.loads(dict(contents_of_file(folder))["manifest.json"])
    assert {one.code for one in report.lines if one.kind == verifier.PROVEN} >= {
        "document.signed",
        "receipt.signed",
        "answer.logged",
        "witness.agrees",
    }


def contents_of_file(folder):
    return contents_of((folder / "good.asice").read_bytes())


def test_any_one_bit_of_a_pack_that_is_changed_is_noticed_or_changes_nothing_in_it(shop):
    roots = verifier.read_roots([shop.site.keyring.folder / "root.cert.pem"])
    means = verifier.Means(roots=roots)
    good = contents_of(shop.good)

    for place in range(0, len(shop.good), 97):
        spoilt = bytearray(shop.good)
        spoilt[place] ^= 1 << (place % 8)
        report = verifier.verify(io.BytesIO(bytes(spoilt)), means)
        # Times in the headers of the ZIP file, and what fills the last byte of what is packed, say
        # nothing of what is in it.
        assert report.verdict == verifier.FALSE or contents_of(bytes(spoilt)) == good, place


def contents_of(pack):
    with ZipFile(io.BytesIO(pack)) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


@pytest.mark.parametrize("size", [0, 1, 21, 22, 100, 5_000])
def test_what_is_cut_off_anywhere_is_refused_and_raises_nothing(shop, size):
    report = verifier.verify(io.BytesIO(shop.good[:size]), verifier.Means())

    assert (report.verdict, false_codes(report)) == ("false", ("container.malformed",))


def test_a_witness_that_knows_a_printed_seal_is_believed(shop):
    body = json.loads(shop.witness.splitlines()[-1])["body"]
    number = json.loads(body)["number"]
    digest = verifier.hashlib.sha256(body.encode()).hexdigest()
    spaced = " ".join(digest[at : at + 8] for at in range(0, 64, 8)).upper()

    assert verifier.read_witness([f"{number}: {spaced}"]) == {number: digest}


def test_a_time_stamp_proves_by_when_and_only_under_a_root_for_time_stamps(shop):
    root = verifier.read_roots([shop.site.keyring.folder / "root.cert.pem"])
    stranger = verifier.Certificate(shop.stranger.certificate.public_bytes(verifier.Encoding.DER))

    def stamps(stamp_roots):
        means = verifier.Means(roots=root, stamp_roots=stamp_roots)
        report = verifier.verify(io.BytesIO(shop.good), means)
        return [(one.kind, one.code, one.en) for one in report.lines if "stamp." in one.code]

    [(kind, code, words)] = stamps(verifier.load_pem(shop.stamp_root))
    assert (kind, code) == ("proven", "stamp.given")
    assert words == (
        "Seals 1 were there by 2026-03-02 08:00:00 UTC, by a time-stamp of "
        "Development time-stamps, Lienthong"
    )
    assert [one[:2] for one in stamps([])] == [("not_proven", "stamp.signer_unknown")]
    assert [one[:2] for one in stamps([stranger])] == [("false", "stamp.untrusted")]


def test_a_source_that_the_auditor_has_is_recognised(shop):
    means = verifier.Means(sources=["00" * 32])

    report = verifier.verify(io.BytesIO(shop.good), means)

    assert "source.whole" in {one.code for one in report.lines}


def test_the_verifier_needs_cryptography_and_lxml_alone():
    tree = ast.parse(VERIFIER.read_text(encoding="utf-8"), feature_version=(3, 9))
    named = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }

    assert named - set(sys.stdlib_module_names) == {"cryptography", "lxml"}


GUARD = """
import sys

def refuse(event, _arguments):
    if event.startswith("socket."):
        raise RuntimeError("the verifier went to the network")

sys.addaudithook(refuse)
"""


def test_it_runs_where_nothing_else_is_installed_and_without_a_network(shop, tmp_path):
    home = tmp_path / "elsewhere"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    [packages] = (home / "lib").glob("python*/site-packages")
    ours = Path(verifier.x509.__file__).parents[2]
    for name in (
        "cryptography",
        "lxml",
        "cffi",
        *(one.name for one in ours.glob("_cffi_backend*")),
    ):
        if (ours / name).exists():
            (packages / name).symlink_to(ours / name)
    (packages / "sitecustomize.py").write_text(GUARD)
    (tmp_path / "verify_evidence.py").write_bytes(VERIFIER.read_bytes())
    (tmp_path / "good.asice").write_bytes(shop.good)
    (tmp_path / "bad.asice").write_bytes(shop.good[:-1])
    root = shop.site.keyring.folder / "root.cert.pem"

    def run(*words):
        done = subprocess.run(
            [home / "bin" / "python", "-I", tmp_path / "verify_evidence.py", *words],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        return done.returncode, done.stdout, done.stderr

    code, out, err = run("good.asice", "--root", root)
    assert (code, err) == (0, "")
    assert "KẾT LUẬN: những gì cần chứng minh đã được chứng minh" in out
    assert "VERDICT: what must be proven is proven" in out
    assert run("bad.asice", "--root", root)[0] == 1
    assert run("good.asice")[0] == 1
    assert run("absent.asice")[0] == 2
    assert run("good.asice", "--root", "good.asice")[0] == 2
    values = json.loads(run("good.asice", "--root", root, "--json")[1])
    assert (values["verdict"], values["dossier"]) == ("proven", shop.dossiers[0])
    absent = subprocess.run(
        [home / "bin" / "python", "-I", "-c", "import lienthong"], check=False, capture_output=True
    )
    assert absent.returncode == 1
