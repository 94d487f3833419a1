"""Drafts: what a sample tells, what it does not, and that nothing is guessed in silence."""

import io
import json
import re

import pytest

from adapters import JsonOptions, XmlOptions, read_records
from adapters.guessing import FormatUnknown, find_source
from adapters.guessing_documents import find_documents
from lienthong.samples import write_profiles, write_samples
from mappings import load_agencies, load_mapping
from mappings.drafts import is_known, profile_records, propose, write_draft
from mappings.language import FieldRule
from schemas.errors import ConfigError, InputError
from schemas.model import load_version
from schemas.problem import Language

AGENCIES = [
    "business-registration",
    "district-portalqh",
    "health-department",
    "igate-one-stop",
    "land-registration",
    "ward-civil-status",
]


PROFILES = [
    "criminal-record",
    "lgsp-documents",
    "ministry-profile",
    "opencps-one-stop",
    "provincial-portal-td",
    "school-enrolment",
    "social-insurance",
    "transport",
]


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """Return the packaged agencies' files by name."""
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder, dossiers=60)
    write_profiles(folder, dossiers=60)
    return {path.stem: path for path in folder.iterdir()}


def draft_of(data, *, file_name="mau.csv", language=Language.EN, schema="dvcqg-2020", **given):
    source = io.BytesIO(data.encode() if isinstance(data, str) else data)
    options, doubts = find_source(source, file_name=file_name, is_known=is_known, **given)
    options, more = find_documents(source, file_name=file_name, options=options, limit=1000)
    records = read_records(source, file_name=file_name, options=options)
    draft = propose(profile_records(records, limit=1000), load_version(schema))
    text = write_draft(
        draft,
        name="mau",
        agency_code="H29.14",
        agency_name="Mẫu",
        schema=schema,
        is_schema_given=False,
        options=options,
        file_name=file_name,
        source_doubts=[doubt.en for doubt in [*doubts, *more]],
        language=language,
    )
    return options, {one.target.name: one for one in draft.proposals}, text


@pytest.mark.parametrize("name", AGENCIES)
def test_the_source_of_every_packaged_agency_is_found(samples, name):
    agencies = load_agencies(None)
    wanted = load_mapping(agencies.path(name)).source
    data = samples[name].read_bytes()

    found, _, _ = draft_of(data, file_name=samples[name].name)

    assert type(found) is type(wanted)
    for key in ("encoding", "delimiter", "header_row"):
        assert getattr(found, key, None) == getattr(wanted, key, None), key
    if isinstance(wanted, XmlOptions):
        assert found.records.count("/") == wanted.records.count("/")
        assert set(found.namespaces.values()) == set(wanted.namespaces.values())
    elif isinstance(wanted, JsonOptions):
        assert found.records == wanted.records


@pytest.mark.parametrize("name", AGENCIES)
def test_no_column_is_taken_for_another_field_than_its_mapping_has(samples, name):
    file = load_mapping(load_agencies(None).path(name))
    wanted = {
        field: {path.text.partition(".@")[0] for path in rule.sources}
        for field, rule in file.dossier.items()
        if isinstance(rule, FieldRule) and rule.sources and rule.lookup is None
    }
    data = samples[name].read_bytes()

    _, found, _ = draft_of(data, file_name=samples[name].name, schema=file.schema.name)

    plain = {
        field: one.column.path
        for field, one in found.items()
        if one.column is not None and not one.table_column and field in wanted
    }
    wrong = {field: path for field, path in plain.items() if path not in wanted[field]}
    # In doubt both are named: a wrong first choice must carry the right one as the other.
    assert {f for f in wrong if not wanted[f] & set(found[f].others)} == set()
    assert len(plain) - len(wrong) >= 4


@pytest.mark.parametrize("name", AGENCIES + PROFILES)
@pytest.mark.parametrize("language", [Language.VI, Language.EN])
def test_a_draft_is_read_and_never_passes_for_a_finished_mapping(samples, name, language, tmp_path):
    data = samples[name].read_bytes()
    _, _, text = draft_of(data, file_name=samples[name].name, language=language)
    path = tmp_path / "draft.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        load_mapping(path)

    codes = {problem.code for problem in caught.value.problems}
    assert codes <= {
        "mapping.no_tests",
        "mapping.field_unmapped",
        "mapping.unfinished",
    }
    assert load_mapping(path, is_draft=True).dossier


def test_dates_that_read_two_ways_are_a_doubt():
    _, found, text = draft_of("Mã hồ sơ;Ngày nhận\nH29.15-250707-0001;05/03/2021\nX;06/03/2021\n")

    assert found["NgayTiepNhan"].formats == ("dd/MM/yyyy",)
    assert "reads as MM/dd/yyyy too" in text


def test_a_value_that_is_no_date_is_never_proposed_to_mean_nothing():
    rows = ["20/03/2021", "31/02/2021", "00/00/0000", "chưa rõ", *["21/03/2021"] * 6]
    _, found, text = draft_of("Ngày nhận;x\n" + "\n".join(f"{day};1" for day in rows) + "\n")

    assert found["NgayTiepNhan"].empty == ("00/00/0000",)
    assert (
        "2 of 10 cannot be read, their records will be reported: '31/02/2021' (1x), 'chưa rõ' (1x)"
        in text
    )


def test_codes_that_only_look_like_the_portals_are_not_taken_for_them():
    _, own, _ = draft_of("Trạng thái;x\n1;a\n4;a\n77;a\n")
    _, theirs, text = draft_of("Trạng thái;x\n1;a\n4;a\n10;a\n")

    assert own["TrangThaiHoSo"].codes == {"1": "", "4": "", "77": ""}
    assert theirs["TrangThaiHoSo"].codes == {}
    assert (
        "  # DOUBT: they look like the portal's codes, make sure they mean that: 1 = Newly "
        "registered (1x), 4 = In processing (1x), 10 = Result returned (1x)\n"
        '  TrangThaiHoSo: "Trạng thái"\n' in text
    )


def test_words_of_the_portal_become_its_codes_and_others_a_question_mark():
    _, found, text = draft_of("Tình trạng;x\nĐang xử lý;a\nTREO;b\n")

    assert found["TrangThaiHoSo"].codes == {"Đang xử lý": "4", "TREO": ""}
    assert '"TREO": "?"' in text


def test_titles_of_procedures_come_from_the_table_where_the_sample_has_only_codes():
    _, _, text = draft_of("Mã thủ tục;Số hồ sơ\n1.001612.000.00.00.H29;H29.15-250707-0001\n")

    assert (
        "TenTTHC: {from: \"Mã thủ tục\", text: [{extract: '\\d\\.\\d{6}'}],"
        " lookup: {table: procedures, column: title}}" in text
    )


@pytest.mark.parametrize(
    ("codes", "rule"),
    [
        (
            ["2.000286"] * 3 + ["9.999999"],
            """  # DOUBT: 2 of 2 codes are not in the packaged procedures: give each its \
title as the national portal has it; take a code out that does not exist, its \
records are then reported
  TenTTHC:
    from: "maTTHC"
    codes:
      "2.000286": "?"
      "9.999999": "?"
""",
        ),
        (
            ["2.000286.000.00.00.H29"],
            """  TenTTHC:
    from: "maTTHC"
    text: [{extract: '\\d\\.\\d{6}'}]
    codes:
      "2.000286": "?"
""",
        ),
        (
            ["1.001612"] * 3 + ["9.999999", "2.000286", "2.000286"],
            """  # DOUBT: 2 of 3 codes are not in the packaged procedures: '2.000286' (2x), \
'9.999999' (1x): their records will be reported; where a code is right, write a code list \
(`codes`) instead of `lookup`
  TenTTHC: {from: "maTTHC", text: [{extract: '\\d\\.\\d{6}'}], lookup: {table: procedures, \
column: title}}
""",
        ),
    ],
)
def test_a_lookup_is_tried_on_the_codes_of_the_sample(codes, rule):
    _, _, text = draft_of(json.dumps([{"maTTHC": code} for code in codes]))

    assert rule in text
    assert text.count("not in the packaged procedures") == 2


def test_a_lookup_that_knows_every_code_is_no_doubt():
    _, found, text = draft_of('[{"maTTHC": "1.001612"}]')

    assert found["TenTTHC"].table_column == "title"
    assert "packaged procedures" not in text


def test_a_few_values_beside_the_portals_codes_are_named_and_get_no_code():
    records = [{"kenhThucHien": code} for code in [*"123" * 4, "7", "", "Bưu điện"]]
    _, found, text = draft_of(json.dumps(records))

    assert found["KenhThucHien"].codes == {}
    assert (
        "  # DOUBT: '7' (1x), 'Bưu điện' (1x): none of the portal's codes, their records will be "
        "reported\n"
        '  KenhThucHien: "kenhThucHien"\n' in text
    )


PEOPLE = [{"cmnD": f"0790900000{n:02}", "cmnD_NgayCap": "01/01/2022"} for n in range(9)]


def test_numbers_of_persons_never_become_the_id_of_an_account():
    _, older, text = draft_of(json.dumps(PEOPLE))
    _, newer, _ = draft_of(json.dumps(PEOPLE), schema="dvcqg-2022")

    assert older["MaDoiTuong"].column is None
    assert "\n  MaDoiTuong:" not in text
    assert "  # DOUBT: MaDoiTuong: cmnD looks like the number of a paper" in text
    assert newer["MaDoiTuong"].column is None
    assert newer["SoGiayToChuHoSo"].column.path == "cmnD"
    assert newer["SoGiayToChuHoSo"].kind == "personal_id"


def test_a_column_named_like_accounts_is_no_account_if_numbers_of_persons_are_in_it():
    _, accounts, _ = draft_of('[{"maDoiTuong": "tech-1"}, {"maDoiTuong": "tech-2"}]')
    _, persons, text = draft_of('[{"maDoiTuong": "079090000001"}, {"maDoiTuong": "020000001"}]')

    assert accounts["MaDoiTuong"].column.path == "maDoiTuong"
    assert persons["MaDoiTuong"].column is None
    assert "DOUBT: MaDoiTuong: maDoiTuong looks like the number of a paper" in text


def test_numbers_of_persons_are_never_repeated_in_a_draft():
    wrong = [{"cmnD": "07909000000"}, {"cmnD": "X-4407", "email": "a@@b"}, {"email": "c@d.vn"}]
    records = [{**one, "email": f"a{n}@b.vn"} for n, one in enumerate(PEOPLE)]
    _, _, text = draft_of(json.dumps([*records, *wrong]), schema="dvcqg-2022")

    assert "2 of 11 are no personal_id: their records will be reported" in text
    assert "1 of 11 is no email: a warning will say so" in text
    for value in ("0790900", "X-4407", "a@@b"):
        assert value not in text


def test_empty_values_are_told_where_somebody_will_miss_them():
    names = [{"hoVaTen": "A", "donViXuLy": "B", "ghiChu": "C"}] * 3
    _, _, text = draft_of(json.dumps([*names, {"hoVaTen": "", "donViXuLy": " ", "ghiChu": ""}]))

    assert (
        "  # DOUBT: 1 of 4 is empty: with `required: true` such a record is reported\n"
        '  ChuHoSo: "hoVaTen"\n' in text
    )
    assert "  # DOUBT: 1 of 4 is empty, and the portal insists on this field: such a record" in text
    assert text.count(" of 4 ") == 2


def test_the_draft_says_which_schema_it_took_and_what_only_another_one_has():
    record = '[{"noiNopHoSo": "2", "maCSDL": "1", "cmnD": "079090000001", "ghiChu": "x"}]'
    _, _, older = draft_of(record)
    _, _, newer = draft_of(record, schema="dvcqg-2022")

    assert (
        "# By default, because --schema was not given\n"
        "# DOUBT: dvcqg-2022 has fields for columns that have none here; ask which one the portal "
        "takes:\n"
        "#   noiNopHoSo: NoiNopHoSo\n"
        "#   maCSDL: DSKetNoiCSDL.MaCSDL\n"
        "#   cmnD: SoGiayToChuHoSo\n"
        "schema: dvcqg-2020\n" in older
    )
    assert "has fields for columns" not in newer


def test_groups_are_named_where_nothing_was_found_for_them():
    _, _, text = draft_of('[{"maHoSo": "x"}]', schema="dvcqg-2022")

    groups = re.findall(r"^  # (\w+): group, no list and no column was found$", text, re.MULTILINE)
    assert groups == [
        "TaiLieuNop",
        "DanhSachLePhi",
        "DanhSachTepDinhKemKhac",
        "DanhSachHoSoBoSung",
        "DanhSachGiayToKetQua",
        "DinhDanhCHS",
        "DSKetNoiCSDL",
    ]


PAPERS = "<x><TaiLieuNop><TenTepDinhKem>a</TenTepDinhKem></TaiLieuNop>{}</x>"


def test_what_stands_in_a_document_is_read_and_a_group_can_be_taken_from_it(tmp_path):
    more = "<TaiLieuNop><TenTepDinhKem>b</TenTepDinhKem><Url>c</Url></TaiLieuNop><Email>d</Email>"
    records = [
        {"ext": PAPERS.format(""), "maCSDL": "1"},
        {"ext": PAPERS.format(more)},
        {"ext": ""},
        {"ext": PAPERS.format("")},
    ]
    options, found, text = draft_of(json.dumps(records), schema="dvcqg-2022")
    taken = re.sub(
        r"^  # (TaiLieuNop:\n|DSKetNoiCSDL:\n)(  #  .*\n)(  #  .*\n)",
        lambda found: found[0].replace("  # ", "  "),
        text,
        flags=re.MULTILINE,
    )
    path = tmp_path / "draft.yaml"
    path.write_text(taken, encoding="utf-8")

    draft = load_mapping(path, is_draft=True)

    assert options.embedded == draft.source.embedded == {"ext": "xml"}
    assert found["Email"].column.path == "ext.Email"
    assert '#   each: "ext.TaiLieuNop"  # TenTepDinhKem, Url\n' in text
    assert draft.dossier["TaiLieuNop"].path.text == "ext.TaiLieuNop"
    assert set(draft.dossier["TaiLieuNop"].item.fields) == {"TenTepDinhKem"}
    assert set(draft.dossier["DSKetNoiCSDL"].items[0].fields) == {"MaCSDL"}


def test_one_record_with_a_list_hides_nothing_of_what_the_others_have_there():
    people = [{"nguoi": {"hoTen": "A", "email": "a@b.vn"}}] * 11
    _, few, text = draft_of(json.dumps([*people, {"nguoi": [{"hoTen": "B"}]}, {"nguoi": None}]))
    _, many, _ = draft_of(json.dumps([*people[:3], {"nguoi": [{"hoTen": "B"}]}]))

    assert few["ChuHoSo"].column.path == "nguoi.hoTen"
    assert '#   each: "nguoi"  # hoTen, email' in text
    assert "#   nguoi\n" not in text
    assert many["ChuHoSo"].column is None


def test_records_that_cannot_be_read_are_counted_and_not_taken_for_empty_ones():
    good, bad = {"ext": PAPERS.format(""), "hoVaTen": "A"}, {"ext": "<a>", "hoVaTen": "B"}
    _, _, text = draft_of(json.dumps([good] * 9 + [bad]))

    assert "9 records looked at, 1 unreadable" in text
    assert "# DOUBT: embedded ext: 1 of 10 is no XML that can be read" in text
    assert "empty" not in text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x01\x02\x03" * 100,
        b"mot dong chu khong co dau phan cach\n",
        b'{"a": ' + b"[" * 100_000,
        b"<a><b></a>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    ],
)
def test_what_is_no_sample_is_refused_in_words(data):
    with pytest.raises((FormatUnknown, InputError)):
        draft_of(data)


def test_names_of_columns_cannot_write_into_the_file(tmp_path):
    evil = 'Mã hồ sơ"\nversion: 9 #'
    header = '"' + evil.replace('"', '""') + '"'
    _, _, text = draft_of(f"{header};Trạng thái;Họ tên\nA;'#: {{x}};B\n")
    path = tmp_path / "draft.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        load_mapping(path)

    assert not [p for p in caught.value.problems if p.code.startswith("mapping.yaml")]
    assert text.count("\nversion:") == 1


@pytest.mark.parametrize("mark", ["\n", "\u2028", "\x85"])
def test_paths_of_documents_and_lists_cannot_write_into_the_file(mark, tmp_path):
    evil = f"x{mark}version: 9{mark}#"
    papers = {evil: [{"TenTepDinhKem": "a", "IsDeleted": "b", evil: "c"}], "hoVaTen": "A"}
    good, bad = {evil + "d": "<a><b>1</b></a>", **papers}, {evil + "d": "<a>", **papers}
    _, _, text = draft_of(json.dumps([good] * 9 + [bad]))
    path = tmp_path / "draft.yaml"
    path.write_text(text, encoding="utf-8")

    assert load_mapping(path, is_draft=True).source.embedded
    assert "is no XML that can be read" in text
    assert not [line for line in text.splitlines()[4:] if line.lstrip().startswith("version")]


_HEAD = "Mã hồ sơ;Họ tên;Ngày nhận;Tình trạng\n"


def rows_of(*extra, many=40):
    rows = [f"H29.15-250707-{n:04};Người {n};07/07/2025;DTN" for n in range(1, many + 1)]
    return _HEAD + "\n".join([*rows, *extra]) + "\n"


def test_one_code_that_another_dossier_took_does_not_make_every_row_an_update():
    _, _, text = draft_of(rows_of("H29.15-250707-0007;Người khác;09/07/2025;DTN"))

    assert "one_row_per_dossier: true\n" in text
    assert "# DOUBT: 1 of 40 dossier codes come several times ('H29.15-250707-0007' (2x))" in text


def test_rows_that_agree_in_the_dossier_and_differ_in_its_status_are_updates():
    _, _, text = draft_of(rows_of("H29.15-250707-0007;Người 7;07/07/2025;TDX"))

    assert "one_row_per_dossier: false\n" in text
    assert "# DOUBT: 1 of 40 dossier codes come several times: is each row an update?" in text


def test_a_file_in_which_most_codes_come_again_is_one_of_updates():
    again = [f"H29.15-250707-{n:04};Ông {n};08/07/2025;TDX" for n in range(1, 31)]

    _, _, text = draft_of(rows_of(*again))

    assert "one_row_per_dossier: false\n" in text
    assert "# DOUBT: 30 of 40 dossier codes come several times: is each row an update?" in text


def test_a_row_that_came_twice_just_as_it_is_makes_no_updates():
    _, _, text = draft_of(rows_of("H29.15-250707-0007;Người 7;07/07/2025;DTN"))

    assert "one_row_per_dossier: true\n" in text


def test_a_file_without_repeats_says_nothing_of_them():
    _, _, text = draft_of(rows_of())

    assert "one_row_per_dossier" not in text


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (Language.EN, "# once in 41: it may be a mistake of the agency; do not guess"),
        (Language.VI, "# chỉ 1 lần trong 41: có thể là lỗi của đơn vị; đừng đoán"),
    ],
)
def test_a_status_that_comes_once_among_many_is_not_offered_for_guessing(language, said):
    text = rows_of("H29.15-250707-0099;Người 99;07/07/2025;XLK")

    _, _, text = draft_of(text, language=language)

    (line,) = [line for line in text.splitlines() if '"XLK"' in line]
    assert line.strip().startswith('"XLK": "?"')
    assert said in line
    assert '"DTN": "?"\n' in text


def test_statuses_that_all_come_once_are_no_mistakes():
    text = _HEAD + "".join(
        f"H29.15-250707-{n:04};Người {n};07/07/2025;T{n}\n" for n in range(1, 26)
    )

    _, _, text = draft_of(text)

    assert '"T1": "?"\n' in text


def test_an_unused_column_says_which_schema_has_a_field_for_it():
    _, _, text = draft_of("Mã hồ sơ;Số CCCD\nH29.15-250707-0001;079099000123\n")

    assert "#   Số CCCD  (dvcqg-2022 has SoGiayToChuHoSo; dvcqg-2020 has no field for this" in text


CODED = "Mã hồ sơ;{name};Liên lạc;Ngày ghi sổ\n" + "".join(
    f"H29.36-250707-{n:04};1.001612.000.00.00.H29;090123450{n};0{n}/07/2025\n" for n in range(1, 9)
)


@pytest.mark.parametrize("name", ["ThuTuc", "Cột lạ", "Tên lĩnh vực"])
def test_codes_of_procedures_are_known_whatever_their_column_is_called(name, tmp_path):
    _, found, text = draft_of(CODED.format(name=name))

    assert f'  MaTTHC: {{from: "{name}", kind: procedure_code}}\n' in text
    assert found["TenTTHC"].table_column == "title"
    assert found["TenLinhVuc"].table_column == "field"
    before = text[: text.index("  MaTTHC: ")].splitlines()[-1]
    assert "# DOUBT: by its values, not by its name: they look like codes of procedures" in before
    claims = {"ThuTuc": "TenTTHC", "Tên lĩnh vực": "TenLinhVuc"}
    assert name not in claims or before.endswith(f"though the name says {claims[name]}")


def test_a_column_with_the_name_but_other_values_is_said_when_another_is_taken():
    data = "Mã hồ sơ;Mã thủ tục;Thủ tục\nH29.15-250707-0001;KH-01;1.001612\n"

    _, found, text = draft_of(data)

    assert found["MaTTHC"].column.path == "Thủ tục"
    assert "the column Mã thủ tục has this field's name, and other values" in text
    assert "#   Mã thủ tục\n" in text


def test_the_column_of_the_name_stays_where_it_holds_codes_of_procedures_itself():
    data = "Thủ tục liên quan;Mã thủ tục\n1.001193;1.001612\n1.001193;2.000889\n"

    _, found, text = draft_of(data)

    assert found["MaTTHC"].column.path == "Mã thủ tục"
    assert "by its values" not in text


def test_a_column_named_like_the_title_gives_way_to_the_table_and_is_named():
    data = "Cột A;Tên loại hồ sơ\n1.001612;XD1\n1.001612;XD2\n"

    _, found, text = draft_of(data)

    assert found["TenTTHC"].table_column == "title"
    assert "# DOUBT: it may as well be Tên loại hồ sơ" in text


def test_telephones_and_the_only_dates_are_proposed_and_never_in_silence():
    _, found, text = draft_of(CODED.format(name="ThuTuc"))

    assert '  SoDienThoai: {from: "Liên lạc", kind: phone}\n' in text
    assert found["NgayTiepNhan"].column.path == "Ngày ghi sổ"
    for field in ("SoDienThoai", "NgayTiepNhan"):
        assert "by its values, not by its name" in found[field].doubts[0].en
    assert "0901234501" not in text


def test_of_two_columns_of_dates_none_is_guessed():
    data = "Mã hồ sơ;Ngày A;Ngày B\nH29.15-250707-0001;05/03/2021;25/03/2021\n"

    _, found, text = draft_of(data)

    assert found["NgayTiepNhan"].column is None
    assert "# DOUBT: NgayTiepNhan: it may as well be Ngày A, Ngày B" in text
    assert "#   Ngày A  (its values look like dates)" in text


def test_a_known_name_keeps_its_column_though_another_holds_such_values():
    data = "Số điện thoại;Liên hệ khác\nkhông;0901234501\nkhông;0901234502\n"

    _, found, text = draft_of(data)

    assert found["SoDienThoai"].column.path == "Số điện thoại"
    assert "#   Liên hệ khác  (its values look like telephone numbers)" in text


def test_dossier_codes_outweigh_a_receipt_number_that_has_the_name():
    data = "Số hồ sơ;Mã quốc gia\n17/2025;H29.15-250707-0001\n18/2025;H29.15-250707-0002\n"

    _, found, text = draft_of(data)

    assert found["MaHoSo"].column.path == "Mã quốc gia"
    assert "the column Số hồ sơ has this field's name, and other values" in text


def test_numbers_of_persons_are_known_in_the_schema_that_takes_them():
    data = "Mã hồ sơ;Cột A\nH29.15-250707-0001;079099000123\nH29.15-250707-0002;079199000124\n"

    _, found, text = draft_of(data, schema="dvcqg-2022")
    _, _, older = draft_of(data)

    assert found["SoGiayToChuHoSo"].column.path == "Cột A"
    assert "079099000123" not in text
    assert "#   Cột A  (dvcqg-2022 has SoGiayToChuHoSo;" in older


def test_nine_digits_alone_are_no_numbers_of_persons():
    data = "Mã hồ sơ;Số tiền\nH29.15-250707-0001;100000000\nH29.15-250707-0002;250000000\n"

    _, found, _ = draft_of(data, schema="dvcqg-2022")

    assert found["SoGiayToChuHoSo"].column is None
