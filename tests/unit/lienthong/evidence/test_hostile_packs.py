"""Packs whose container is right and whose contents are anything: no answer but a verdict."""

import io
import json
from random import Random

import pytest

from lienthong.evidence import verify_evidence as verifier
from lienthong.testing.evidence_workshop import MANIFEST, contents

ODD = (None, True, -1, 10**30, 1.5, "", "x", "\ud800", "../x", [], {}, [[]], "9" * 5_000)
ROUNDS = 150


def leaves_of(value, path=()):
    """Give the path of everything in a JSON value."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from leaves_of(value[key], (*path, key))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from leaves_of(one, (*path, number))


def replaced(value, path, odd):
    if not path:
        return odd
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], odd)
    return copy


def verify(shop, files):
    pack = shop.sign(files, relist=False)
    means = verifier.Means(
        roots=verifier.load_pem((shop.site.keyring.folder / "root.cert.pem").read_bytes()),
        stamp_roots=verifier.load_pem(shop.stamp_root),
        witness={1: "00" * 32},
    )
    return verifier.verify(io.BytesIO(pack), means)


@pytest.mark.parametrize(
    "name", [MANIFEST, "audit/rows.jsonl", "audit/seals.jsonl", "audit/chain.jsonl"]
)
def test_any_value_in_any_place_gives_a_verdict(shop, name):
    random = Random(name)
    good = contents(shop.good)
    lines = [good[name]] if name == MANIFEST else good[name].splitlines()

    for _ in range(ROUNDS):
        number = random.randrange(len(lines))
        value = json.loads(lines[number])
        path = random.choice(list(leaves_of(value)))
        spoilt = json.dumps(replaced(value, path, random.choice(ODD))).encode()
        changed = b"\n".join([*lines[:number], spoilt, *lines[number + 1 :]])

        report = verify(shop, good | {name: changed})

        assert report.verdict in ("proven", "not_proven", "false")
        assert verifier.write_report(report).encode()
        assert json.dumps(report.values(), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"{" + b'"a":1,' * 3 + b'"a":1}',
        b"9" * 100_000,
        b"null",
        b"\n\n",
    ],
    ids=["empty", "no text", "deep", "a name twice", "a long number", "null", "empty lines"],
)
@pytest.mark.parametrize("name", [MANIFEST, "audit/rows.jsonl", "audit/chain.jsonl"])
def test_files_that_are_not_what_they_should_be_are_refused(shop, name, data):
    assert verify(shop, contents(shop.good) | {name: data}).verdict == "false"


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b"<BienNhan", b"<!DOCTYPE a><BienNhan", 1),
        lambda data: b'<?xml version="1.0" encoding="UTF-7"?>' + data,
        lambda data: data.replace(b"</BienNhan>", b"<!-- --></BienNhan>"),
        lambda data: b"<a>" * 100_000,
        lambda data: b"<" * 600_000,
        lambda data: data + b"\n",
        lambda data: b"",
    ],
    ids=["doctype", "charset", "comment", "deep", "many", "line end", "empty"],
)
def test_a_receipt_that_is_hostile_xml_is_false_and_nothing_else_is_lost(shop, change):
    files = contents(shop.good)
    name = next(one for one in files if one.endswith("/receipt.xml"))
    files[name] = change(files[name])
    values = json.loads(files[MANIFEST])
    for one in values["files"]:
        if one["name"] == name:
            one["sha256"] = verifier.hashlib.sha256(files[name]).hexdigest()
    files[MANIFEST] = json.dumps(values).encode()

    report = verify(shop, files)

    false = [one.code for one in report.lines if one.kind == "false" and "witness" not in one.code]
    assert len(false) == 1
    assert false[0].startswith("receipt.")
    assert "document.signed" in {one.code for one in report.lines}


def test_names_in_a_pack_say_nothing_to_a_terminal(shop):
    files = contents(shop.good)
    values = json.loads(files[MANIFEST])
    values["submissions"][0] |= {"id": "\x1b[2J\n[✓] all is proven", "sha256": "00"}
    files[MANIFEST] = json.dumps(values).encode()

    written = verifier.write_report(verify(shop, files))

    assert "\x1b" not in written
    assert "\n[✓] all is proven" not in written


def test_more_lines_than_fit_into_memory_are_refused(shop, monkeypatch):
    monkeypatch.setattr(verifier, "MAX_ROWS", 3)

    report = verify(shop, contents(shop.good))

    assert "file.too_large" in {one.code for one in report.lines}


def test_namespaces_by_the_thousand_are_refused_before_a_canonical_form_is_made():
    declared = "".join(f' xmlns:a{number}="urn:x"' for number in range(257))

    with pytest.raises(verifier.Refused) as refused:
        verifier.parse_xml(f"<a{declared}></a>".encode())

    assert refused.value.code == "xml.too_many_namespaces"
    assert verifier.parse_xml(b"<a>" + b'<b xmlns:c="urn:x"></b>' * 1_000 + b"</a>") is not None
