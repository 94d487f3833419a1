"""Drafts: what a sample tells, what it does not, and that nothing is guessed in silence."""

import io

import pytest

from adapters import JsonOptions, XmlOptions, read_records
from adapters.guessing import FormatUnknown, find_source
from lienthong.samples import write_samples
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


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """Return the packaged agencies' files by name."""
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder, dossiers=60)
    return {path.stem: path for path in folder.iterdir() if path.stem in AGENCIES}


def draft_of(data, *, file_name="mau.csv", language=Language.EN, schema="dvcqg-2020", **given):
    source = io.BytesIO(data.encode() if isinstance(data, str) else data)
    options, doubts = find_source(source, file_name=file_name, is_known=is_known, **given)
    records = read_records(source, file_name=file_name, options=options)
    draft = propose(profile_records(records, limit=1000), load_version(schema))
    text = write_draft(
        draft,
        name="mau",
        agency_code="H29.14",
        agency_name="Mẫu",
        schema=schema,
        options=options,
        file_name=file_name,
        source_doubts=[doubt.en for doubt in doubts],
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


@pytest.mark.parametrize("name", AGENCIES)
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


def test_dates_that_read_two_ways_are_a_doubt():
    _, found, text = draft_of("Mã hồ sơ;Ngày nhận\nH29.15-250707-0001;05/03/2021\nX;06/03/2021\n")

    assert found["NgayTiepNhan"].formats == ("dd/MM/yyyy",)
    assert "reads as MM/dd/yyyy too" in text


def test_a_value_that_is_no_date_is_never_proposed_to_mean_nothing():
    rows = ["20/03/2021", "31/02/2021", "00/00/0000", "chưa rõ", *["21/03/2021"] * 6]
    _, found, text = draft_of("Ngày nhận;x\n" + "\n".join(f"{day};1" for day in rows) + "\n")

    assert found["NgayTiepNhan"].empty == ("00/00/0000",)
    assert "2 values cannot be read, for example '31/02/2021', 'chưa rõ'" in text


def test_codes_that_only_look_like_the_portals_are_not_taken_for_them():
    _, own, _ = draft_of("Trạng thái;x\n1;a\n4;a\n77;a\n")
    _, theirs, text = draft_of("Trạng thái;x\n1;a\n4;a\n10;a\n")

    assert own["TrangThaiHoSo"].codes == {"1": "", "4": "", "77": ""}
    assert theirs["TrangThaiHoSo"].codes == {"1": "1", "4": "4", "10": "10"}
    assert "make sure they mean the same" in text


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
