"""Witnesses: what they were handed they keep, whatever is handed in afterwards, and say so."""

import json
import socket
import threading
import time
from dataclasses import replace

import pytest
import urllib3
import uvicorn

from lienthong.evidence.seals import FIRST_SEAL, SealBody, SignedSeal, read_body
from lienthong.evidence.witness_app import make_app
from lienthong.evidence.witnesses import (
    LONGEST_LINE,
    FolderWitness,
    HttpWitness,
    PrintedWitness,
    WitnessAway,
    WitnessDisagrees,
    write_line,
)
from schemas.errors import ConfigError

TOKEN = "a token of the tests"


def seal(number, *, root="00", at="2026-03-02T08:00:00.000000Z"):
    body = SealBody(
        log="log", number=number, at=at, entries=1, first=1, last=1, total=number,
        root=root, previous=FIRST_SEAL,
    )  # fmt: skip
    return SignedSeal(body=body.write(), signature=b"signature", signer="ab" * 32)


@pytest.fixture
def folder(tmp_path):
    return FolderWitness(tmp_path / "witness")


@pytest.fixture
def served(folder):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(make_app(folder, token=TOKEN), log_level="critical")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(params=["folder", "http"])
def witness(request, folder):
    if request.param == "folder":
        return folder
    return HttpWitness(request.getfixturevalue("served"), token=TOKEN)


def put(witness, *seals_):
    for one in seals_:
        witness.put(one, certificates="PEM")


def numbers(witness):
    return [one.number for one in witness.remembered()]


def test_it_remembers_what_it_was_handed(witness, folder):
    put(witness, seal(1), seal(2), seal(5, at="2026-03-03T00:00:00.000000Z"))

    assert numbers(witness) == [1, 2, 5]
    assert [one.digest for one in witness.remembered()][1] == seal(2).digest
    names = sorted(path.name for path in folder.folder.glob("*.jsonl"))
    assert names == ["seals-2026-03-02.jsonl", "seals-2026-03-03.jsonl"]
    assert (folder.folder / "signers" / f"{'ab' * 32}.pem").read_text() == "PEM"


def test_the_same_seal_again_is_kept_once(witness):
    put(witness, seal(1), seal(2), seal(2), seal(1))

    assert numbers(witness) == [1, 2]


@pytest.mark.parametrize("number", [1, 2])
def test_another_seal_of_a_number_that_it_has_is_refused_and_told(witness, number):
    put(witness, seal(1), seal(2))

    with pytest.raises(WitnessDisagrees) as refused:
        put(witness, seal(number, root="11"))

    assert str(number) in refused.value.text.en
    assert [one.digest for one in witness.remembered()] == [seal(1).digest, seal(2).digest]


def test_a_line_that_broke_off_is_passed_over_and_the_next_stands_alone(folder):
    put(folder, seal(1), seal(2))
    file = next(folder.folder.glob("*.jsonl"))
    file.write_text(file.read_text()[:-40])

    assert numbers(folder) == [1]
    put(folder, seal(2), seal(3))
    assert numbers(folder) == [1, 2, 3]


@pytest.mark.parametrize(
    "line",
    ["", "{}", "[]", "null", "\x00", '{"body": 3}', "[" * 20_000, '{"body":"{}","signature":"!"}'],
    ids=["nothing", "object", "list", "null", "zero", "number", "deep", "no base64"],
)
def test_lines_that_are_no_seals_are_passed_over(folder, line):
    put(folder, seal(1))
    file = next(folder.folder.glob("*.jsonl"))
    with file.open("a") as lines:
        lines.write(line + "\n")

    assert numbers(folder) == [1]
    assert folder.last().content.number == 1


def test_a_folder_that_cannot_be_written_is_away(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(WitnessAway):
        put(FolderWitness(tmp_path / "file"), seal(1))


def test_an_address_where_nobody_listens_is_away():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    for act in (lambda w: put(w, seal(1)), numbers):
        with pytest.raises(WitnessAway):
            act(HttpWitness(url, token=TOKEN))


def test_without_the_token_nothing_is_told_and_nothing_taken(served, folder):
    put(folder, seal(1))
    stranger = HttpWitness(served, token="another")

    for act in (lambda w: put(w, seal(2)), numbers):
        with pytest.raises(WitnessAway, match="401"):
            act(stranger)
    assert numbers(folder) == [1]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{}", 400), (b"\xff", 400), (b"x" * (LONGEST_LINE + 1), 413), (b"[" * 20_000, 400)],
    ids=["no seal", "no ascii", "too long", "deep"],
)
def test_what_is_no_seal_is_refused(served, folder, body, status):
    answer = urllib3.request(
        "POST", f"{served}/seals", body=body, headers={"Authorization": f"Bearer {TOKEN}"}
    )

    assert answer.status == status
    assert numbers(folder) == []


def test_a_signer_cannot_be_named_so_that_a_file_elsewhere_is_written(served, folder):
    evil = replace(seal(1), signer="../../evil")
    answer = urllib3.request(
        "POST",
        f"{served}/seals",
        body=write_line(evil, certificates="PEM"),
        headers={"Authorization": f"Bearer {TOKEN}"},
    )

    assert answer.status == 400
    assert not folder.folder.exists() or not list(folder.folder.rglob("*evil*"))


def test_printed_seals_are_read_as_people_type_them():
    digest = seal(7).digest.hex()
    typed = " ".join(digest.upper()[at : at + 8] for at in range(0, 64, 8))

    assert numbers(PrintedWitness.read([f"7 : {typed}"])) == [7]
    for wrong in ("7", f"x:{digest}", f"0:{digest}", f"7:{digest[:-1]}", f"٧:{digest}"):
        with pytest.raises(ConfigError) as refused:
            PrintedWitness.read([wrong])
        assert refused.value.code == "witness.printed_wrong"


@pytest.mark.parametrize(
    "change",
    [{"number": "1"}, {"number": True}, {"type": "other"}, {"extra": 1}, {"root": None}],
    ids=["text", "truth", "type", "extra", "none"],
)
def test_a_body_that_is_not_exactly_a_seal_is_none(change):
    values = json.loads(seal(1).body) | change
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))

    with pytest.raises(ValueError, match="not a seal"):
        read_body(text)


def test_a_body_written_in_another_way_is_none():
    with pytest.raises(ValueError, match="not a seal"):
        read_body(json.dumps(json.loads(seal(1).body)))
