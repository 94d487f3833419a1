"""The vault tries to open what was changed, moved, or sealed with keys that are not there."""

import subprocess
import sys
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from structlog.testing import capture_logs

from lienthong.store.data_keys import SqlKeyStore
from lienthong.store.master_keys import MasterKey, MasterKeyFile, StoreKeyMissing
from lienthong.store.rotation import prepare, rotate, unneeded_masters
from lienthong.store.tables import audit
from lienthong.store.vault import SealBroken, WrappedKey, make_key, open_vault
from schemas.errors import ConfigError, PeerError

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LATER = datetime(2027, 3, 2, 8, 0, tzinfo=UTC)
PLACE = "messages.document:m1"
PERSON = b"<HoTen>Nguyen Van A</HoTen>"


class FakeKeyStore:
    """The port in memory; `cut_off` makes the next write fail as if the process had died."""

    def __init__(self):
        self.keys = []
        self.cut_off = False

    def load(self):
        return list(self.keys)

    def write(self, *, before, after, at):
        if self.cut_off:
            self.cut_off = False
            raise ConnectionError("killed")
        if self.keys != list(before):
            return False
        self.keys = list(after)
        return True


@pytest.fixture
def keys():
    return FakeKeyStore()


@pytest.fixture
def key_file(tmp_path):
    return tmp_path / "keys" / "store.key"


@pytest.fixture
def open_(key_file, keys):
    """Open the vault as a process does when it starts."""

    def open_(*, encrypt=True):
        return open_vault(key_file, keys, encrypt=encrypt, now=NOW)

    return open_


@pytest.fixture
def vault(open_):
    return open_()


def names_in(key_file):
    return [key.id for key in MasterKeyFile(key_file).read()]


# values


def test_what_is_sealed_opens_at_its_place_and_shows_nothing(vault):
    sealed = vault.seal(PERSON, context=PLACE)

    assert vault.open(sealed, context=PLACE) == PERSON
    assert PERSON not in sealed
    assert sealed[:5] == b"\x01\x00\x00\x00\x01"
    assert len(sealed) == 1 + 4 + 12 + len(PERSON) + 16


def test_the_same_value_is_never_sealed_alike_twice(vault):
    assert len({vault.seal(PERSON, context=PLACE) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "elsewhere",
    [
        "messages.document:m2",
        "messages.reason:m1",
        "receipts.document:m1",
        "messages.document:m1:0",
        "",
    ],
)
def test_what_is_moved_to_another_place_does_not_open(vault, elsewhere):
    sealed = vault.seal(PERSON, context=PLACE)

    with pytest.raises(SealBroken) as caught:
        vault.open(sealed, context=elsewhere)

    assert caught.value.context == elsewhere


def test_no_byte_can_be_changed_without_being_noticed(vault):
    sealed = vault.seal(PERSON, context=PLACE)

    for position in range(1, len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(SealBroken):
            vault.open(bytes(changed), context=PLACE)


def test_nothing_can_be_cut_off_without_being_noticed(vault):
    sealed = vault.seal(PERSON, context=PLACE)

    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            vault.open(sealed[:length], context=PLACE)


def test_a_form_that_nobody_knows_is_refused(vault):
    with pytest.raises(SealBroken, match="form is not known"):
        vault.open(b"\x02" + PERSON, context=PLACE)


def test_a_broken_seal_names_the_place_and_not_the_payload(vault):
    with pytest.raises(SealBroken) as caught:
        vault.open(b"\x01" + PERSON * 3, context=PLACE)

    assert PLACE in caught.value.text.en
    assert PLACE in caught.value.text.vi
    assert "Nguyen" not in f"{caught.value!r} {caught.value.text}"
    assert caught.value.code == "vault.seal_broken"


@given(plain=st.binary(max_size=300), context=st.text(max_size=50))
def test_every_value_of_every_place_comes_back(shared_vault, plain, context):
    assert shared_vault.open(shared_vault.seal(plain, context=context), context=context) == plain


@pytest.fixture(scope="module")
def shared_vault(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vault")
    return open_vault(folder / "store.key", FakeKeyStore(), encrypt=True, now=NOW)


# encryption switched off and on


def test_without_encryption_values_are_stored_plainly_and_no_key_is_made(open_, keys, key_file):
    vault = open_(encrypt=False)

    assert vault.seal(PERSON, context=PLACE) == b"\x00" + PERSON
    assert vault.open(b"\x00" + PERSON, context=PLACE) == PERSON
    assert keys.keys == []
    assert not key_file.exists()
    assert vault.newest_key_id is None


def test_what_was_stored_before_the_switch_opens_after_it_either_way(open_):
    before = open_(encrypt=False).seal(PERSON, context=PLACE)
    sealed = open_().seal(PERSON, context=PLACE)

    assert open_().open(before, context=PLACE) == PERSON
    assert open_(encrypt=False).open(sealed, context=PLACE) == PERSON


def test_a_vault_says_how_its_new_values_begin(open_, keys, key_file):
    plain = open_(encrypt=False).seal(PERSON, context=PLACE)
    old = open_().seal(PERSON, context=PLACE)
    rotate(MasterKeyFile(key_file), keys, now=LATER)
    new = open_().seal(PERSON, context=PLACE)
    values = (plain, old, new)

    assert [value.startswith(open_().prefix) for value in values] == [False, False, True]
    off = open_(encrypt=False)
    assert [value.startswith(off.prefix) for value in values] == [True, False, False]


# the key file


def test_the_first_start_makes_the_key_file_and_says_to_back_it_up(open_, keys, key_file):
    with capture_logs() as logs:
        open_()
        open_()

    assert [line["event"] for line in logs] == ["vault.key_made"]
    assert logs[0]["path"] == str(key_file)
    assert logs[0]["log_level"] == "warning"
    assert key_file.stat().st_mode & 0o777 == 0o600
    text = key_file.read_text(encoding="utf-8")
    assert "Mất tệp này là mất hồ sơ" in text
    assert "A lost key is lost dossiers" in text
    assert len(keys.keys) == 1
    assert names_in(key_file)[0].startswith("20260302-")


def test_a_missing_key_file_is_not_replaced_when_there_is_sealed_data(vault, open_, key_file):
    key_file.unlink()

    with pytest.raises(StoreKeyMissing, match="from its backup") as caught:
        open_()

    assert "bản sao lưu" in caught.value.text.vi
    assert caught.value.code == "vault.key_missing"
    assert not key_file.exists()


def test_switching_encryption_off_does_not_hide_that_the_key_is_gone(vault, open_, key_file):
    key_file.unlink()

    with pytest.raises(StoreKeyMissing):
        open_(encrypt=False)


def test_the_key_file_of_another_store_is_refused(vault, open_, key_file):
    theirs = key_file.with_name("theirs.key")
    MasterKeyFile(theirs).read_or_make(now=NOW)
    ours = names_in(key_file)[0]
    theirs.replace(key_file)

    with pytest.raises(StoreKeyMissing, match=f"does not have the master key '{ours}'"):
        open_()


def test_another_key_under_the_right_name_is_refused(vault, open_, key_file):
    name = names_in(key_file)[0]
    key_file.write_text(f"{name} {b64encode(bytes(32)).decode()}\n")

    with pytest.raises(StoreKeyMissing, match="not the one that wrapped data key number 1"):
        open_()


def test_a_data_key_moved_to_another_number_does_not_open(vault, open_, keys):
    (key,) = keys.keys
    moved = WrappedKey(id=2, wrapped=key.wrapped, master_id=key.master_id, created_at=NOW)
    keys.keys = [key, moved]

    with pytest.raises(StoreKeyMissing, match="data key number 2"):
        open_()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o777])
def test_a_key_file_that_others_can_open_is_refused(vault, open_, key_file, mode):
    key_file.chmod(mode)

    with pytest.raises(ConfigError, match=f"run chmod 600 {key_file}") as caught:
        open_()

    assert caught.value.code == "vault.key_file_open_to_others"


def test_every_wrong_line_of_the_key_file_is_named_and_none_is_quoted(key_file, open_):
    good = b64encode(bytes(32)).decode()
    key_file.parent.mkdir()
    key_file.write_text(
        f"# comment\n\nkey-1 {good}\nkey-2 {good[:20]}\nkey/3 {good}\nkey-1 {good}\n"
        f"key-4 {good[:-4]}!!!!\n{good}\nkey-5 {good} {good}\n"
    )
    key_file.chmod(0o600)

    with pytest.raises(ConfigError) as caught:
        open_()

    assert caught.value.code == "vault.key_file_malformed"
    assert [problem.place.line for problem in caught.value.problems] == [4, 5, 6, 7, 8, 9]
    assert good[:20] not in f"{caught.value.text} {caught.value.problems}"


def test_a_key_file_without_a_key_is_refused(key_file, open_):
    key_file.parent.mkdir()
    key_file.write_text("# nothing\n")
    key_file.chmod(0o600)

    with pytest.raises(ConfigError, match="it has no key"):
        open_()


def test_a_key_file_that_cannot_be_made_is_told_in_words(tmp_path, keys):
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError, match=r"\[store\] key_file") as caught:
        open_vault(tmp_path / "file" / "store.key", keys, encrypt=True, now=NOW)

    assert caught.value.code == "vault.key_file_unusable"


def test_a_key_is_not_shown_when_its_object_is(vault, key_file):
    (key,) = MasterKeyFile(key_file).read()

    assert key.secret.hex() not in repr(key)
    assert repr(key.secret) not in repr(key)


# rotation


def test_after_a_rotation_the_old_master_key_is_not_needed_for_anything(
    vault, open_, keys, key_file
):
    sealed = vault.seal(PERSON, context=PLACE)
    old = names_in(key_file)[0]

    done = rotate(MasterKeyFile(key_file), keys, now=LATER)

    assert done.unneeded == (old,)
    assert done.rewrapped == 1
    assert done.key_id == 2
    assert names_in(key_file) == [old, done.master_id]
    lines = key_file.read_text(encoding="utf-8").splitlines(keepends=True)
    key_file.write_text("".join(line for line in lines if not line.startswith(old)))
    later = open_()
    assert later.open(sealed, context=PLACE) == PERSON
    assert later.newest_key_id == 2
    assert [key.retired_at for key in keys.keys] == [LATER, None]
    assert later.seal(PERSON, context=PLACE)[:5] == b"\x01\x00\x00\x00\x02"


def test_rotations_one_after_the_other_keep_everything_open(vault, open_, keys, key_file):
    sealed = [vault.seal(b"0", context=PLACE)]
    for number in range(1, 4):
        rotate(MasterKeyFile(key_file), keys, now=LATER)
        sealed.append(open_().seal(str(number).encode(), context=PLACE))

    assert [open_().open(value, context=PLACE) for value in sealed] == [b"0", b"1", b"2", b"3"]
    assert len(unneeded_masters(MasterKeyFile(key_file).read(), keys.keys)) == 3


def test_a_rotation_cut_off_between_file_and_store_goes_on_with_the_same_key(
    vault, open_, keys, key_file
):
    sealed = vault.seal(PERSON, context=PLACE)
    keys.cut_off = True
    with pytest.raises(ConnectionError):
        rotate(MasterKeyFile(key_file), keys, now=LATER)
    assert open_().open(sealed, context=PLACE) == PERSON
    prepared = names_in(key_file)[-1]

    done = rotate(MasterKeyFile(key_file), keys, now=LATER)

    assert done.master_id == prepared
    assert len(names_in(key_file)) == 2
    assert open_().open(sealed, context=PLACE) == PERSON


def test_a_prepared_key_is_used_by_nothing_until_the_rotation(vault, keys, key_file):
    file = MasterKeyFile(key_file)

    prepared = prepare(file, keys, now=LATER)

    assert prepare(file, keys, now=LATER) == prepared
    assert {key.master_id for key in keys.keys} == {names_in(key_file)[0]}
    assert unneeded_masters(file.read(), keys.keys) == ()
    assert rotate(file, keys, now=LATER).master_id == prepared.id


def test_the_slower_of_two_rotations_changes_nothing(vault, open_, keys, key_file):
    class Overtaken(FakeKeyStore):
        def load(self):
            return list(self.keys)

        def write(self, *, before, after, at):
            rotate(MasterKeyFile(key_file), keys, now=LATER)
            return keys.write(before=before, after=after, at=at)

    slower = Overtaken()
    slower.keys = keys.load()

    with pytest.raises(PeerError) as caught:
        rotate(MasterKeyFile(key_file), slower, now=LATER)

    assert caught.value.retryable
    assert caught.value.code == "vault.rotated_meanwhile"
    assert [key.id for key in keys.keys] == [1, 2]
    assert open_().newest_key_id == 2


def test_a_store_without_a_data_key_has_nothing_to_rotate(keys, key_file):
    with pytest.raises(StoreKeyMissing, match="encrypt = true"):
        rotate(MasterKeyFile(key_file), keys, now=NOW)


def test_a_running_process_opens_what_another_sealed_after_a_rotation(vault, open_, keys, key_file):
    rotate(MasterKeyFile(key_file), keys, now=LATER)
    sealed = open_().seal(PERSON, context=PLACE)
    assert vault.newest_key_id == 1

    assert vault.open(sealed, context=PLACE) == PERSON
    assert vault.newest_key_id == 2


def test_a_running_process_seals_with_the_new_key_once_it_refreshes(vault, keys, key_file):
    rotate(MasterKeyFile(key_file), keys, now=LATER)

    vault.refresh()

    assert vault.seal(PERSON, context=PLACE)[:5] == b"\x01\x00\x00\x00\x02"


def test_a_machine_without_the_new_master_key_goes_on_with_what_it_has(vault, keys, key_file):
    sealed = vault.seal(PERSON, context=PLACE)
    before = key_file.read_text(encoding="utf-8")
    rotate(MasterKeyFile(key_file), keys, now=LATER)
    key_file.write_text(before, encoding="utf-8")

    with pytest.raises(StoreKeyMissing):
        vault.refresh()

    assert vault.open(sealed, context=PLACE) == PERSON
    assert vault.open(vault.seal(PERSON, context=PLACE), context=PLACE) == PERSON


def test_a_machine_whose_first_start_was_overtaken_is_told_what_to_bring(tmp_path, keys):
    class Slower(FakeKeyStore):
        def load(self):
            return keys.load() if self.keys else []

        def write(self, *, before, after, at):
            self.keys = list(after)
            return keys.write(before=before, after=after, at=at)

    theirs = open_vault(tmp_path / "a" / "store.key", keys, encrypt=True, now=NOW)

    with pytest.raises(StoreKeyMissing, match="from another machine of the installation"):
        open_vault(tmp_path / "b" / "store.key", Slower(), encrypt=True, now=NOW)

    assert theirs.newest_key_id == 1


# in the store


def test_the_store_keeps_the_keys_wrapped_and_writes_changes_to_the_audit_log(engine, key_file):
    kept = SqlKeyStore(engine, actor="lan")
    sealed = open_vault(key_file, kept, encrypt=True, now=NOW).seal(PERSON, context=PLACE)
    done = rotate(MasterKeyFile(key_file), kept, now=LATER)

    vault = open_vault(key_file, kept, encrypt=True, now=LATER)

    assert vault.open(sealed, context=PLACE) == PERSON
    assert [(key.id, key.master_id, key.retired_at) for key in kept.load()] == [
        (1, done.master_id, LATER),
        (2, done.master_id, None),
    ]
    with engine.connect() as connection:
        rows = connection.execute(select(audit.c.actor, audit.c.action, audit.c.detail)).all()
    first = names_in(key_file)[0]
    assert [tuple(row) for row in rows] == [
        (
            "lan",
            "vault.keys_changed",
            f'{{"added":1,"master":"{first}","newest":1,"rewrapped":0}}',
        ),
        (
            "lan",
            "vault.keys_changed",
            f'{{"added":1,"master":"{done.master_id}","newest":2,"rewrapped":1}}',
        ),
    ]


def test_keys_that_changed_meanwhile_are_not_written_over(engine):
    kept = SqlKeyStore(engine)
    master = MasterKey(id="k", secret=bytes(32))
    first = make_key(1, master=master, now=NOW)

    assert kept.write(before=[], after=[first], at=NOW)
    assert not kept.write(before=[], after=[make_key(1, master=master, now=NOW)], at=NOW)
    assert kept.load() == [first]


def test_processes_that_start_at_once_share_one_key(tmp_path, engine):
    script = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from lienthong.store.data_keys import SqlKeyStore
from lienthong.store.database import open_sqlite
from lienthong.store.vault import open_vault
folder = Path(sys.argv[1])
engine = open_sqlite(folder / "store.sqlite")
now = datetime(2026, 3, 2, tzinfo=UTC)
keys = SqlKeyStore(engine)
print("ready", flush=True)
sys.stdin.readline()
vault = open_vault(folder / "store.key", keys, encrypt=True, now=now)
print(vault.seal(b"hello", context="a.b:1").hex(), flush=True)
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    sealed = [process.communicate(timeout=60)[0].split()[-1] for process in processes]

    kept = SqlKeyStore(engine)
    vault = open_vault(tmp_path / "store.key", kept, encrypt=True, now=NOW)
    opened = [vault.open(bytes.fromhex(value), context="a.b:1") for value in sealed]

    assert opened == [b"hello"] * 4
    assert len(kept.load()) == 1
    assert len(names_in(tmp_path / "store.key")) == 1
    assert [file.name for file in tmp_path.glob(".store.key.*")] == [".store.key.lock"]
