"""The data keys in the store: who starts at the same moment as others shares one key with them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

from lienthong.store.data_keys import SqlKeyStore
from lienthong.store.master_keys import MasterKeyFile
from lienthong.store.rotation import rotate
from lienthong.store.vault import make_key, open_vault
from schemas.errors import PeerError

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PLACE = "messages.document:m1"


def test_keys_that_changed_meanwhile_are_not_written_over(payloads):
    kept = SqlKeyStore(payloads.engine)
    (first,) = kept.load()
    master = MasterKeyFile(payloads.key_file).read()[-1]

    assert not kept.write(before=[], after=[make_key(1, master=master, now=NOW)], at=NOW)
    assert kept.load() == [first]


def test_those_who_rotate_at_once_rotate_one_after_the_other_or_not_at_all(payloads):
    sealed = payloads.seal(b"hello", PLACE)
    barrier = Barrier(4)

    def work(_number):
        barrier.wait()
        try:
            return rotate(
                MasterKeyFile(payloads.key_file), SqlKeyStore(payloads.engine), now=NOW
            ).key_id
        except PeerError:
            return None

    with ThreadPoolExecutor(4) as threads:
        made = [key for key in threads.map(work, range(4)) if key is not None]

    kept = SqlKeyStore(payloads.engine)
    assert sorted(made) == list(range(2, len(made) + 2))
    assert [key.id for key in kept.load()] == list(range(1, len(made) + 2))
    assert len({key.master_id for key in kept.load()}) == 1
    vault = open_vault(payloads.key_file, kept, encrypt=True, now=NOW)
    assert vault.open(sealed, context=PLACE) == b"hello"
