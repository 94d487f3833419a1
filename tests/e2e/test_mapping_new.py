"""mapping new, as an integrator runs it."""


def test_a_sample_becomes_a_draft_that_says_what_is_left(cli, sample_set, tmp_path):
    sample = next(one.path for one in sample_set.files if one.agency == "land-registration")

    done = cli("mapping", "new", "moi", "--from", sample)

    assert done.code == 0
    text = (tmp_path / "moi.yaml").read_text(encoding="utf-8")
    assert f"The draft is in moi.yaml; {text.count('# DOUBT: ')} doubts are marked" in done.out
    assert "mapping.field_unmapped" in done.out
    assert 'encoding: "tcvn3"' in text
    assert cli("mapping", "check", "moi.yaml").code == 2


def test_a_file_that_is_there_is_never_overwritten(cli, tmp_path):
    (tmp_path / "a.csv").write_text("a;b\n1;2\n", encoding="utf-8")
    (tmp_path / "moi.yaml").write_text("mine", encoding="utf-8")

    done = cli("mapping", "new", "moi", "--from", "a.csv")

    assert done.code == 2
    assert "--out" in done.err
    assert (tmp_path / "moi.yaml").read_text() == "mine"


def test_what_is_no_sample_is_told_and_leaves_no_file(cli, tmp_path):
    (tmp_path / "a.bin").write_bytes(b"\x00\x01" * 500)

    done = cli("mapping", "new", "moi", "--from", "a.bin")

    assert done.code in (1, 2)
    assert "Traceback" not in done.err
    assert not (tmp_path / "moi.yaml").exists()


def test_a_name_that_no_mapping_can_have_is_refused_before_anything_is_read(cli, tmp_path):
    for name in ("Phường 1", "../moi", "-x", ""):
        done = cli("mapping", "new", "--from", "nowhere.csv", "--", name)

        assert done.code == 2
        assert "a-z" in done.err
    assert not list(tmp_path.glob("*.yaml"))


def test_the_coverage_of_a_draft_is_shown_with_what_is_left_to_do(cli, tmp_path):
    rows = "H29.15-250707-0001;TREO\nH29.15-250707-0002;Xong\n"
    (tmp_path / "a.csv").write_text(f"Mã hồ sơ;Tình trạng\n{rows}", encoding="utf-8")
    assert cli("mapping", "new", "moi", "--from", "a.csv").code == 0

    shown = cli("mapping", "coverage", "moi.yaml", "--html", "phu.html")
    data = cli("mapping", "coverage", "moi.yaml", "--json")
    table = cli("mapping", "coverage", "moi.yaml")

    assert (shown.code, data.code, table.code) == (0, 0, 0)
    by_field = {
        row["field"]: row["agencies"]["moi"]
        for row in data.json["fields"]
        if row["packet"] == "DongBoHoSoMC"
    }
    assert by_field["TrangThaiHoSo"] == "unfinished"
    assert by_field["MaHoSo"] == "mapped"
    assert by_field["HinhThuc"] == "missing"
    for result in (shown, table):
        assert "mapping.unfinished  moi.yaml, line " in result.out
        assert "mapping.field_unmapped  moi.yaml, line " in result.out
    (agency,) = data.json["agencies"]
    assert {problem["code"] for problem in agency["problems"]} == {
        "mapping.unfinished",
        "mapping.field_unmapped",
    }


def test_a_sample_of_unknown_columns_becomes_a_draft_that_says_field_by_field(cli, tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3,4\n", encoding="utf-8")

    done = cli("mapping", "new", "moi", "--from", "a.csv", "--out", "chua/co/moi.yaml")

    assert done.code == 0
    assert "the mandatory field MaHoSo of HoSo is not mapped" in done.out
    assert "mapping.type_wrong" not in done.out
    assert cli("mapping", "coverage", "chua/co/moi.yaml").code == 0


def test_a_folder_that_cannot_be_made_is_told_with_a_remedy(cli, tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n", encoding="utf-8")

    done = cli("mapping", "new", "moi", "--from", "a.csv", "--out", "a.csv/moi.yaml")

    assert (done.code, "output.unwritable" in done.err) == (2, True)
    assert "give another place" in done.err
