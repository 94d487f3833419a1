"""An evidence pack as an operator makes it and an auditor checks it, with us and without us."""

import json
import shutil
import subprocess
import zipfile

import pytest

from lienthong.samples import generate_large_csv

LAND = ("--agency", "land-registration")


@pytest.fixture
def worked(site):
    """Give an installation that has delivered a few dossiers."""
    generate_large_csv(site.cli.folder / "few.csv", size_bytes=2_000)
    assert site.cli("submit", "few.csv", *LAND).code == 0
    assert site.cli("run", "--until-idle").code == 0
    return site.cli


def dossier_of(cli):
    return cli("messages", "list", "--json").json[0]["dossier"]


def codes(found, kind):
    return {one["code"] for one in found["findings"] if one["kind"] == kind}


def test_a_pack_is_made_checked_and_written_down(worked, need):
    dossier = dossier_of(worked)
    made = worked("evidence", "export", dossier, "--out", "p.asice", lang="en")
    assert "1 messages, 1 documents, 1 receipts" in made.out
    assert "may hold data of others" in made.err
    witness = next((worked.folder / "data" / "witness").glob("seals-*.jsonl"))

    found = worked(
        *("evidence", "verify", "p.asice", "--root", "keys/root.cert.pem"),
        *("--witness", witness, "--source", "few.csv", "--json"),
    )

    assert (found.code, found.json["verdict"], found.json["dossier"]) == (0, "proven", dossier)
    assert codes(found.json, "proven") == {
        *("container.signed", "seal.signed", "log.rows", "chain.linked", "witness.agrees"),
        *("document.signed", "log.since", "receipt.signed", "source.given"),
        *("answer.logged", "operator_receipt.signed"),
    }
    told = worked("audit", "search", "--dossier", dossier, "--event", "evidence.", "--json").json
    assert [line["action"] for line in told] == ["evidence.exported"]
    # Its own row is in it, sealed.
    with zipfile.ZipFile(worked.folder / "p.asice") as pack:
        rows = [json.loads(line) for line in pack.read("audit/rows.jsonl").splitlines()]
        assert (rows[-1]["action"], rows[-1]["seal"] is not None) == ("evidence.exported", True)
        pack.extractall(worked.folder / "unpacked")
    without_root = worked("evidence", "verify", "p.asice", lang="en")
    assert without_root.code == 1
    assert "no root was given" in without_root.out

    need(is_there=shutil.which("xmlsec1") is not None, name="xmlsec1")
    # Another implementation takes the container's signature for right.
    checked = subprocess.run(
        [
            *("xmlsec1", "--verify", "--trusted-pem", "../keys/root.cert.pem"),
            *("--id-attr:Id", "SignedProperties", "META-INF/signatures.xml"),
        ],
        cwd=worked.folder / "unpacked",
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_a_whole_file_goes_along_only_when_it_is_asked_for(worked):
    dossier = dossier_of(worked)
    whole = (worked.folder / "few.csv").read_bytes()

    assert worked("evidence", "export", dossier, "--out", "a.asice").code == 0
    assert worked("evidence", "export", dossier, "--out", "b.asice", "--whole-files").code == 0

    with zipfile.ZipFile(worked.folder / "a.asice") as pack:
        everything = b"".join(map(pack.read, pack.namelist()))
    others = {line["dossier"] for line in worked("messages", "list", "--json").json} - {dossier}
    assert others
    assert not [one for one in others if one.encode() in everything]
    with zipfile.ZipFile(worked.folder / "b.asice") as pack:
        assert pack.read("submissions/1/source") == whole
    [_, row] = worked("audit", "search", "--event", "evidence.", "--json").json
    assert row["detail"] == {"whole_files": True}


def test_what_cannot_be_checked_or_made_is_told_in_words(worked):
    (worked.folder / "none.asice").write_bytes(b"not a pack")

    assert worked("evidence", "verify", "none.asice").code == 1
    assert worked("evidence", "verify", "absent.asice").code == 2
    unreadable = worked("evidence", "verify", "none.asice", "--root", "few.csv", lang="en")
    assert (unreadable.code, "few.csv" in unreadable.err) == (2, True)
    unknown = worked("evidence", "export", "H29-none", lang="en")
    assert (unknown.code, "There is no message of the dossier" in unknown.err) == (1, True)
    assert not (worked.folder / "H29-none.asice").exists()
