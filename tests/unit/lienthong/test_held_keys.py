"""Several keys of one holder: which one signs, at any moment, whatever lies beside it."""

from datetime import UTC, datetime, timedelta

import pytest

from lienthong.held_keys import KeyState, choose, end_of_cover, load_held, stamp_of, state_of
from lienthong.keyring import OPERATOR, Keyring
from signing import (
    KeyUnusable,
    add_development_key,
    certificate_reasons,
    load_certificates,
    make_development_pki,
)

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def day(number):
    return NOW + timedelta(days=number)


@pytest.fixture
def folder(tmp_path):
    """A root, and no key of `land` yet."""
    make_development_pki(tmp_path, agencies={}, now=NOW, days=3_000)
    return tmp_path


@pytest.fixture
def add(folder):
    def run(name, begin, end, *, holder="land"):
        files = add_development_key(
            folder,
            f"agencies/{holder}{name and '/'}{name}",
            title="Sở Mẫu",
            agency_code="H29.1",
            term=(day(begin), day(end)),
            kind="ec",
        )
        return files.key

    return run


@pytest.fixture
def stem(folder):
    return folder / "agencies" / "land"


def name_at(stem, number):
    found = load_held(stem)
    key = choose(found, now=day(number))
    return next(one.stem.name for one in found if one.key is key)


def test_the_newest_key_that_is_valid_signs_and_takes_over_on_its_first_day(add, stem):
    add("", 0, 100)
    add("second", 90, 300)
    add("third", 290, 400)

    taken = [name_at(stem, number) for number in (0, 50, 89, 90, 99, 101, 289, 290, 399)]

    assert taken == ["land"] * 3 + ["second"] * 4 + ["third"] * 2


def test_where_none_is_valid_the_one_says_why_that_was_last_or_will_be_first(add, stem):
    add("a", 10, 20)
    add("b", 30, 40)

    assert name_at(stem, 5) == "a"
    assert name_at(stem, 25) == "a"
    assert name_at(stem, 50) == "b"
    key = choose(load_held(stem), now=day(50))
    with pytest.raises(KeyUnusable) as told:
        key.check_usable_at(day(50))
    assert told.value.code == "key.expired"


def test_a_key_that_cannot_be_loaded_stands_in_no_others_way(add, stem):
    add("good", 0, 100)
    broken = add("broken", 10, 200)
    broken.write_text("no key at all")

    found = load_held(stem)

    assert name_at(stem, 20) == "good"
    chosen = choose(found, now=day(20))
    states = {one.stem.name: state_of(one, chosen=chosen, now=day(20)) for one in found}
    assert states == {"good": KeyState.IN_USE, "broken": KeyState.UNUSABLE}
    assert next(one.trouble.code for one in found if one.key is None) == "key.format"


def test_if_none_can_be_loaded_it_says_why(add, stem):
    add("broken", 10, 200).write_text("no key at all")

    with pytest.raises(KeyUnusable) as told:
        choose(load_held(stem), now=day(20))

    assert told.value.code == "key.format"


def test_states_tell_what_each_key_is_for(add, stem):
    for name, begin, end in (("a", -20, -1), ("b", -10, 50), ("c", -5, 60), ("d", 40, 90)):
        add(name, begin, end)
    found = load_held(stem)
    chosen = choose(found, now=NOW)

    assert [state_of(one, chosen=chosen, now=NOW).value for one in found] == [
        "expired",
        "spare",
        "in use",
        "next",
    ]


@pytest.mark.parametrize(
    ("spans", "until"),
    [
        ([(0, 10)], 10),
        ([(0, 10), (9, 30)], 30),
        ([(0, 10), (10, 30), (29, 60)], 60),
        ([(0, 10), (11, 30)], 10),
        ([(5, 10)], 0),
        ([(0, 50), (10, 20)], 50),
        ([], 0),
    ],
)
def test_the_cover_ends_where_no_key_takes_over(add, stem, spans, until):
    for number, (begin, end) in enumerate(spans):
        add(f"k{number}", begin, end)

    assert end_of_cover(load_held(stem), now=NOW) == day(until)


def test_a_keyring_notices_new_keys_and_the_passing_of_time(add, folder):
    moment = [NOW]
    keyring = Keyring(folder, may_make_development_keys=False, clock=lambda: moment[0])
    add("", 0, 100)
    first = keyring.agency_key("land", "", "")
    add("next", 50, 200)
    again = keyring.agency_key("land", "", "")
    moment[0] = day(50)

    assert again.certificate == first.certificate
    assert keyring.agency_key("land", "", "").certificate != first.certificate
    assert keyring.names() == ["land"]


def test_keys_only_in_a_folder_count_too(add, folder):
    add("only", 0, 100)
    keyring = Keyring(folder, may_make_development_keys=False, clock=lambda: NOW)

    assert keyring.names() == ["land"]
    assert keyring.agency_key("land", "", "").certificate is not None
    assert stamp_of(keyring.stem("land")) != stamp_of(keyring.stem(OPERATOR))


def test_without_any_key_it_is_said_which_file_is_missing(folder):
    keyring = Keyring(folder, may_make_development_keys=False, clock=lambda: NOW)

    with pytest.raises(KeyUnusable) as told:
        keyring.agency_key("land", "", "")

    assert told.value.code == "key.missing"
    assert "land.key.pem" in told.value.en


@pytest.fixture
def keyring(folder):
    return Keyring(folder, may_make_development_keys=False, clock=lambda: NOW)


def reasons_against(keyring, certificate_file):
    (certificate,) = load_certificates(certificate_file.read_bytes())
    found = certificate_reasons(
        certificate, intermediates=(), policy=keyring.seal_policy(), signed_at=NOW
    )
    return [one.code for one in found]


def test_an_agency_under_the_same_root_cannot_have_sealed(folder, keyring, add):
    add("", 0, 100)

    assert reasons_against(keyring, folder / "operator.cert.pem") == []
    assert reasons_against(keyring, folder / "agencies/land.cert.pem") == ["certificate.not_named"]


def test_seals_of_an_operator_certificate_hold_when_its_key_is_gone(folder, keyring):
    add_development_key(
        folder, "operator/2025", title="Cũ", agency_code=None, term=(NOW, day(9)), kind="ec"
    )
    (folder / "operator/2025.key.pem").unlink()

    assert reasons_against(keyring, folder / "operator/2025.cert.pem") == []
    assert reasons_against(keyring, folder / "operator.cert.pem") == []


def test_where_an_operator_bundle_is_locked_nobody_is_accused_wrongly(folder, keyring, add):
    add("", 0, 100)
    (folder / "operator").mkdir()
    (folder / "operator/next.p12").write_bytes(b"locked")

    assert keyring.seal_policy().signers is None
    assert reasons_against(keyring, folder / "agencies/land.cert.pem") == []
