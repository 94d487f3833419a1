"""Rows that nobody sealed: they speak for nothing, and silence nothing that is proven."""

import io
import json

import pytest

from lienthong.evidence import verify_evidence as verifier
from lienthong.testing.evidence_forgeries import edit, put_rows, redigested, reseal, rows_in
from lienthong.testing.evidence_unsealed import DOWN_UNSEALED, UNSEALED
from lienthong.testing.evidence_workshop import MANIFEST, contents

OPEN_LINES = {
    "proof-and-unsealed-row": "message.delivery_not_sealed",
    "delivery-unsealed": "message.delivery_not_sealed",
    "attachments-and-unsealed-row": "attachments.not_sealed",
    "attempt-moved-and-unsealed-row": "attempts.not_sealed",
    "attempt-added-and-unsealed-row": "attempts.not_sealed",
    "outcome-and-unsealed-row": "message.delivery_not_sealed",
}


def verify(shop, files):
    means = verifier.Means(
        roots=verifier.load_pem((shop.site.keyring.folder / "root.cert.pem").read_bytes())
    )
    return verifier.verify(io.BytesIO(shop.sign(files)), means)


def codes(report, kind):
    return {one.code for one in report.lines if one.kind == kind}


def proven_words(report):
    return {
        one.en for one in report.lines if one.kind == verifier.PROVEN and "witness" not in one.en
    }


def unseal(files, *actions):
    """Take the seals off the rows of these actions."""
    bare = {"seal": None, "path": None}
    put_rows(files, [row | bare if row["action"] in actions else row for row in rows_in(files)])


@pytest.mark.parametrize("name", sorted(OPEN_LINES))
def test_what_only_such_a_row_says_is_an_open_line_and_too_little(shop, name):
    down = name in DOWN_UNSEALED
    _, expected, change = (DOWN_UNSEALED if down else UNSEALED)[name]
    files = contents(shop.down if down else shop.good)
    change(shop, files)

    report = verify(shop, files)

    assert (expected, report.verdict) == ((), verifier.OPEN)
    assert OPEN_LINES[name] in codes(report, verifier.OPEN)
    assert codes(report, verifier.FALSE) == set()


def test_receipts_that_only_such_rows_know_are_told_and_stay_signed(shop):
    files = contents(shop.good)
    unseal(files, "message.delivered", "receipt.made")

    report = verify(shop, files)

    told = codes(report, verifier.OPEN)
    assert told >= {"receipt.not_sealed", "operator_receipt.not_sealed", "answer.not_sealed"}
    assert codes(report, verifier.PROVEN) >= {"receipt.signed", "operator_receipt.signed"}
    assert "receipt.not_sealed" not in codes(verify(shop, contents(shop.good)), verifier.OPEN)


def test_a_source_that_only_such_a_row_knows_is_not_called_the_one_that_came(shop):
    files = contents(shop.good)
    unseal(files, "submission.received")

    report = verify(shop, files)

    assert "source.not_logged" in codes(report, verifier.OPEN)
    assert "source.whole" not in codes(report, verifier.PROVEN)


def test_terms_that_only_such_a_row_knows_are_told(shop):
    files = contents(shop.down)
    unseal(files, "submission.received")

    report = verify(shop, files)

    assert report.verdict == verifier.OPEN
    assert "sharing.not_logged" in codes(report, verifier.OPEN)
    assert "sharing.terms" not in codes(report, verifier.PROVEN)


@pytest.mark.parametrize("place", ["first", "last"])
def test_a_copy_of_each_row_that_nobody_sealed_takes_away_no_proof(shop, place):
    """But for attempts: of each there is one row, so one more is one attempt too many."""
    files = contents(shop.down)
    rows = rows_in(files)
    copies = [
        row | {"row": 10**6 + number, "seal": None, "path": None}
        for number, row in enumerate(rows)
        if row["action"] != "message.sending"
    ]
    put_rows(files, copies + rows if place == "first" else rows + copies)
    edit(files, lambda values: values["audit"].update(rows=len(rows) + len(copies)))

    report = verify(shop, files)

    assert codes(report, verifier.FALSE) == set()
    assert proven_words(report) == proven_words(verify(shop, contents(shop.down)))


def test_files_that_came_too_late_are_late_whatever_such_a_row_says(shop):
    files = contents(shop.good)
    _, _, change = UNSEALED["attachments-and-unsealed-row"]
    change(shop, files)
    early, *rows = rows_in(files)
    late = redigested(early, at=rows[-1]["at"]) | {"row": rows[-1]["row"] + 1}
    put_rows(files, [*rows, late])
    reseal(files, key=shop.operator)
    put_rows(files, [early, *rows_in(files)])
    edit(files, lambda values: values["audit"].update(rows=len(rows) + 2))

    report = verify(shop, files)

    assert codes(report, verifier.FALSE) == {"attachments.late"}


def test_what_a_message_came_from_cannot_be_left_out_in_silence(shop):
    files = {k: v for k, v in contents(shop.good).items() if not k.startswith("submissions/")}
    edit(files, lambda values: values["submissions"].clear())

    report = verify(shop, files)

    assert report.verdict == verifier.OPEN
    words = [one.en for one in report.lines if one.code == "message.submission_not_included"]
    message = json.loads(files[MANIFEST])["messages"][0]["id"]
    assert words == [f"message {message}: manifest.json does not name what it was made of"]
