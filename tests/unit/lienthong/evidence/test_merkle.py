"""Merkle trees: the known answers of RFC 6962, and proofs that prove only what is so."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.evidence.merkle import hash_leaf, path_of, root_from, root_of

# Test vectors of the Certificate Transparency reference implementation (merkle_tree_test.cc).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_certificate_transparency(size):
    assert root_of([hash_leaf(leaf) for leaf in LEAVES[:size]]).hex() == ROOTS[size - 1]


def test_of_nothing_the_root_is_the_hash_of_nothing():
    assert root_of([]) == sha256(b"").digest()


@given(st.integers(1, 70), st.data())
def test_a_path_leads_to_the_root_from_its_own_leaf_and_place_only(size, data):
    leaves = [hash_leaf(bytes([number])) for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1))
    path = path_of(index, leaves)

    assert root_from(leaves[index], index=index, size=size, path=path) == root_of(leaves)
    if other != index:
        assert root_from(leaves[other], index=index, size=size, path=path) != root_of(leaves)
        assert root_from(leaves[index], index=other, size=size, path=path) != root_of(leaves)


@pytest.mark.parametrize(
    ("index", "path"),
    [(0, []), (0, [b"\x00" * 32] * 4), (0, [b"\x00" * 31] * 3), (-1, []), (5, [])],
    ids=["too short", "too long", "no hashes", "before the first", "behind the last"],
)
def test_a_path_that_is_none_leads_nowhere(index, path):
    assert root_from(hash_leaf(b""), index=index, size=5, path=path) is None


def test_a_leaf_cannot_pass_for_a_node():
    left, right = hash_leaf(b"a"), hash_leaf(b"b")

    assert hash_leaf(left + right) != root_of([left, right])
