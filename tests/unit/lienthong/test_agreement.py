"""Comparing what we call delivered with what took effect: every kind of difference is named."""

import pytest

from lienthong.agreement import compare
from lienthong.channels.port import Packet
from lienthong.sandbox.ledger import ArrivalRow, EffectRow, Ledger
from lienthong.store.queries import DeliveredEvent


def ours(message_id, sequence=1, digest="aa", dossier="D-1"):
    return DeliveredEvent(
        message_id=message_id,
        agency="land",
        dossier_code=dossier,
        sequence=sequence,
        packet=Packet.DOSSIER,
        document_digest=digest,
    )


def ledger(*effects):
    return Ledger(
        arrivals=tuple(
            ArrivalRow(
                id=number,
                at="2026-03-02T08:00:00Z",
                operation="DongBoHoSoMC",
                message_id=message_id,
                dossier_code="D-1",
                digest=digest,
                is_updating=False,
                attempt=1,
                outcome="committed",
            )
            for number, (message_id, digest) in enumerate(effects, start=1)
        ),
        effects=tuple(
            EffectRow(
                id=number,
                arrival_id=number,
                message_id=message_id,
                dossier_code="D-1",
                packet="DongBoHoSoMC",
                digest=digest,
            )
            for number, (message_id, digest) in enumerate(effects, start=1)
        ),
    )


def test_the_same_on_both_sides_agrees():
    found = compare([ours("m1"), ours("m2", 2)], ledger(("m1", "aa"), ("m2", "aa")))

    assert found.holds
    assert (found.dossiers, found.repeats) == (1, 0)


@pytest.mark.parametrize(
    ("delivered", "effects", "fault", "expected"),
    [
        ([ours("m1")], [], "missing", ("m1",)),
        ([], [("m1", "aa")], "unannounced", ("m1",)),
        ([ours("m1")], [("m1", "bb")], "differing", ("m1",)),
        ([ours("m1")], [("m1", "aa"), ("m1", "aa")], "doubled", ("m1",)),
        ([ours("m1"), ours("m2", 2)], [("m2", "aa"), ("m1", "aa")], "disordered", ("D-1",)),
    ],
    ids=["missing", "unannounced", "differing", "doubled", "disordered"],
)
def test_every_kind_of_difference_is_named(delivered, effects, fault, expected):
    found = compare(delivered, ledger(*effects))

    assert getattr(found, fault) == expected
    assert not found.holds
