"""Which mapping made a message can be told for good, however often the mapping changes."""

from __future__ import annotations

import hashlib
import signal
import time
from pathlib import Path

import mappings
from lienthong.samples import write_samples

LAND = "land-registration"
PACKAGED = Path(mappings.__file__).parent / "agencies" / f"{LAND}.yaml"


def expand(cli, *, count):
    """Let a worker take in what was submitted, until there are `count` messages."""
    worker = cli.start("run", "--roles", "expand")
    deadline = time.monotonic() + 60
    while len(found := messages(cli)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.3)
    worker.send_signal(signal.SIGTERM)
    worker.wait(30)
    worker.stdout.close()
    return found


def messages(cli):
    return cli("messages", "list", "--limit", 500, "--json").json


def stamps(cli, found):
    return {cli("messages", "show", each["id"], "--json").json["mapping"] for each in found}


def test_every_message_keeps_name_version_and_hash_of_the_mapping_that_made_it(keyed, tmp_path):
    own = tmp_path / "anh-xa"
    own.mkdir()
    (tmp_path / "lienthong.toml").write_text('mappings_dir = "anh-xa"\n', "utf-8")
    file = own / "dat-dai.yaml"
    text = PACKAGED.read_text("utf-8")
    file.write_text(text, "utf-8")
    first = write_samples(tmp_path / "mau-1", dossiers=3, bad=1).of(LAND)
    second = write_samples(tmp_path / "mau-2", dossiers=3, bad=1, seed=7).of(LAND)

    assert keyed("submit", first.path, "-a", LAND).code == 0
    before = expand(keyed, count=first.records)
    made_by_first = f"{LAND}@3 sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
    file.write_text(text.replace("version: 3", "version: 4"), "utf-8")
    assert keyed("submit", second.path, "-a", LAND).code == 0
    after = expand(keyed, count=first.records + second.records)
    made_by_second = f"{LAND}@4 sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"

    ids = {each["id"] for each in before}
    assert {each["state"] for each in before} >= {"rejected"}
    assert stamps(keyed, before) == {made_by_first}
    assert stamps(keyed, [each for each in after if each["id"] not in ids]) == {made_by_second}


def test_the_list_of_mappings_says_version_and_hash(quick):
    digest = hashlib.sha256(PACKAGED.read_bytes()).hexdigest()

    shown = quick("mapping", "list")
    listed = {entry["name"]: entry for entry in quick("mapping", "list", "--json").json}

    assert listed[LAND]["sha256"] == digest
    (line,) = (line for line in shown.out.splitlines() if line.startswith(LAND))
    assert line.split()[1:3] == ["3", digest[:12]]
