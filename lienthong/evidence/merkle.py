"""
Merkle trees as in Certificate Transparency (RFC 6962, section 2.1), with SHA-256.

A leaf and an inner node are hashed with different first bytes, so neither can be taken for the
other. A path from a leaf to the root proves that the leaf is in the tree, at its place.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HASH_BYTES = 32
_LEAF = b"\x00"
_NODE = b"\x01"


def hash_leaf(data: bytes) -> bytes:
    """Return the hash of a leaf that holds `data`."""
    return sha256(_LEAF + data).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over hashes of leaves, in their order; of none the hash of nothing."""
    if not leaves:
        return sha256(b"").digest()
    # Level by level, an odd one going up as it is, gives the tree of the RFC.
    level = list(leaves)
    while len(level) > 1:
        above = [
            sha256(_NODE + level[at] + level[at + 1]).digest() for at in range(0, len(level) - 1, 2)
        ]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def path_of(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return the hashes beside the way from leaf `index` up to the root, the lowest first."""
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    path = []
    level = list(leaves)
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            path.append(level[beside])
        above = [
            sha256(_NODE + level[at] + level[at + 1]).digest() for at in range(0, len(level) - 1, 2)
        ]
        if len(level) % 2:
            above.append(level[-1])
        level, index = above, index // 2
    return path


def root_from(leaf: bytes, *, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that `path` leads to from the hash of leaf `index` of `size`; None: none."""
    if not 0 <= index < size:
        return None
    hashes = iter(path)
    found = leaf
    while size > 1:
        if index % 2 or index + 1 < size:
            beside = next(hashes, None)
            if beside is None or len(beside) != HASH_BYTES:
                return None
            pair = beside + found if index % 2 else found + beside
            found = sha256(_NODE + pair).digest()
        index, size = index // 2, (size + 1) // 2
    return found if next(hashes, None) is None else None
