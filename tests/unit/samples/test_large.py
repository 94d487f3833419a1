"""The large table: big enough, every row whole and its own, the same for the same seed."""

from __future__ import annotations

import csv
import io

from lienthong.samples import generate_large_csv


def read(path):
    text = path.read_bytes().decode("latin-1")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


def test_the_table_reaches_its_size_with_a_whole_last_row(tmp_path):
    path = tmp_path / "large.csv"

    count = generate_large_csv(path, size_bytes=400_000)

    size = path.stat().st_size
    assert 400_000 <= size < 401_000
    rows = read(path)
    assert len(rows) == count > 1024
    assert {len(row) for row in rows} == {27}
    assert path.read_bytes().endswith(b"\r\n")


def test_every_dossier_code_is_there_once(tmp_path):
    path = tmp_path / "large.csv"

    generate_large_csv(path, size_bytes=400_000)

    codes = [row["MaHoSoMotCua"] for row in read(path)]
    assert len(set(codes)) == len(codes)
    assert {len(code) for code in codes} == {len("000.15.29.H29-250106-0000001")}


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        generate_large_csv(tmp_path / name, size_bytes=50_000, seed=3)

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
