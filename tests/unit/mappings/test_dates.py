from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.dates import (
    AMBIGUOUS,
    DATE_FORMATS,
    DateImplausible,
    DateInvalid,
    format_moment,
    make_date_reader,
)

READS = [
    ("yyyyMMddHHmmss", "20210305081530", "20210305081530"),
    ("dd/MM/yyyy", "05/03/2021", "20210305000000"),
    ("dd/MM/yyyy", "5/3/2021", "20210305000000"),
    ("dd/MM/yyyy", "29/02/2024", "20240229000000"),
    ("dd/MM/yyyy HH:mm", "05/03/2021 08:15", "20210305081500"),
    ("dd/MM/yyyy HH:mm", "5/3/2021 8:15", "20210305081500"),
    ("dd/MM/yyyy HH:mm:ss", "05/03/2021 08:15:30", "20210305081530"),
    ("dd-MM-yyyy", "05-03-2021", "20210305000000"),
    ("dd.MM.yyyy", "05.03.2021", "20210305000000"),
    ("yyyy-MM-dd", "2021-03-05", "20210305000000"),
    ("yyyy-MM-dd", "2021-3-5", "20210305000000"),
    ("yyyy-MM-dd HH:mm:ss", "2021-03-05 08:15:30", "20210305081530"),
    ("yyyy/MM/dd", "2021/03/05", "20210305000000"),
    ("yyyy/MM/dd HH:mm:ss", "2021/03/05 08:15:30", "20210305081530"),
    ("MM/dd/yyyy", "03/05/2021", "20210305000000"),
    ("yyyyMMdd", "20210305", "20210305000000"),
    ("MM/yyyy", "03/2021", "20210301000000"),
    ("MM.yyyy", "3.2021", "20210301000000"),
    ("MM-yyyy", "12-2021", "20211201000000"),
    ("yyyy", "2021", "20210101000000"),
    ("iso", "2021-03-05", "20210305000000"),
    ("iso", "2021-03-05T08:15:30", "20210305081530"),
    ("iso", "2021-03-05T08:15", "20210305081500"),
    ("iso", "2021-03-05T01:15:30Z", "20210305081530"),
    ("iso", "2021-03-05T08:15:30+07:00", "20210305081530"),
    ("iso", "2021-03-05T08:15:30.123+0700", "20210305081530"),
    ("iso", "2021-03-04T20:15:30-05", "20210305081530"),
    ("iso", "2020-12-31T17:30:00Z", "20210101003000"),
    ("iso_local_labelled_utc", "2021-03-05T08:15:00.000Z", "20210305081500"),
    ("epoch_ms", "1614906900000", "20210305081500"),
    ("epoch_s", "1614906900", "20210305081500"),
    ("dotnet", "/Date(1614906900000)/", "20210305081500"),
    ("dotnet", "/Date(1614906900000+0700)/", "20210305081500"),
    ("dotnet", r"\/Date(1614906900000)\/", "20210305081500"),
    ("excel_serial", "44260", "20210305000000"),
    ("excel_serial", "44260.34375", "20210305081500"),
]
IMPOSSIBLE = [
    ("dd/MM/yyyy", "31/02/2021"),
    ("dd/MM/yyyy", "29/02/2021"),
    ("dd/MM/yyyy", "00/03/2021"),
    ("dd/MM/yyyy", "05/13/2021"),
    ("dd/MM/yyyy", "05/03/21"),
    ("dd/MM/yyyy", "05/03/2021 08:15"),
    ("dd/MM/yyyy", "x05/03/2021"),
    ("dd/MM/yyyy", "٠٥/٠٣/٢٠٢١"),
    ("dd/MM/yyyy HH:mm", "05/03/2021 24:15"),
    ("dd/MM/yyyy HH:mm", "05/03/2021 08:60"),
    ("yyyyMMdd", "2021305"),
    ("MM/yyyy", "13/2021"),
    ("MM.yyyy", "05.03.2021"),
    ("MM-yyyy", "2021"),
    ("yyyy", "21"),
    ("iso", "2021-03-05T08"),
    ("iso", "2021-03-05T08:15:30+99:00"),
    ("iso_local_labelled_utc", "2021-03-05T08:15:00"),
    ("epoch_ms", "1614906900000.5"),
    ("epoch_ms", "9" * 15),
    ("dotnet", "/Date()/"),
    ("dotnet", "Date(1614906900000)"),
    ("excel_serial", "-1"),
    ("workbook", "05/03/2021"),
]
IMPLAUSIBLE = [
    ("dd/MM/yyyy", "01/01/0001"),
    ("dd/MM/yyyy", "31/12/1989"),
    ("dd/MM/yyyy", "01/01/2101"),
    ("dotnet", "/Date(-62135596800000)/"),
    ("epoch_ms", "0"),
    ("epoch_s", "1614906900000"[:8]),
    ("excel_serial", "1"),
    ("yyyy", "0000"[:3] + "1"),
]


@pytest.mark.parametrize(
    ("name", "text", "expected"), READS, ids=[f"{name}: {text}" for name, text, _ in READS]
)
def test_reads_a_date_of_each_format(name, text, expected):
    assert make_date_reader([name])(text) == expected


def test_every_format_that_reads_text_is_in_the_table_above():
    assert {name for name, _, _ in READS} | {"workbook"} == set(DATE_FORMATS)


@pytest.mark.parametrize(
    ("name", "text"), IMPOSSIBLE, ids=[f"{name}: {text}" for name, text in IMPOSSIBLE]
)
def test_refuses_what_is_no_date_of_the_format(name, text):
    with pytest.raises(DateInvalid):
        make_date_reader([name])(text)


@pytest.mark.parametrize(
    ("name", "text"), IMPLAUSIBLE, ids=[f"{name}: {text}" for name, text in IMPLAUSIBLE]
)
def test_refuses_a_date_that_no_dossier_can_have(name, text):
    with pytest.raises(DateImplausible):
        make_date_reader([name])(text)


def test_takes_the_first_format_that_fits():
    read = make_date_reader(["dd/MM/yyyy HH:mm", "dd/MM/yyyy", "yyyy", "excel_serial", "epoch_ms"])

    assert read("05/03/2021 08:15") == "20210305081500"
    assert read("05/03/2021") == "20210305000000"
    assert read("2021") == "20210101000000"
    assert read("44260") == "20210305000000"
    assert read("1614906900000") == "20210305081500"


def test_a_date_cell_is_local_unless_it_carries_a_zone():
    assert format_moment(datetime.fromisoformat("2021-03-05T08:15:00")) == "20210305081500"
    assert format_moment(datetime(2021, 3, 5, 1, 15, tzinfo=UTC)) == "20210305081500"
    with pytest.raises(DateImplausible):
        format_moment(datetime.fromisoformat("1899-12-30"))


MOMENTS = st.datetimes(
    min_value=datetime.fromisoformat("1990-01-02"), max_value=datetime.fromisoformat("2100-12-30")
).map(lambda moment: moment.replace(microsecond=0))
WRITERS = {
    "yyyyMMddHHmmss": "%Y%m%d%H%M%S",
    "dd/MM/yyyy HH:mm:ss": "%d/%m/%Y %H:%M:%S",
    "yyyy-MM-dd HH:mm:ss": "%Y-%m-%d %H:%M:%S",
    "yyyy/MM/dd HH:mm:ss": "%Y/%m/%d %H:%M:%S",
    "iso": "%Y-%m-%dT%H:%M:%S",
    "iso_local_labelled_utc": "%Y-%m-%dT%H:%M:%SZ",
}


@pytest.mark.parametrize("name", list(WRITERS))
@given(moment=MOMENTS)
def test_a_wall_clock_time_comes_back_as_written(name, moment):
    written = moment.strftime(WRITERS[name])

    assert make_date_reader([name])(written) == moment.strftime("%Y%m%d%H%M%S")


@given(moment=MOMENTS, offset=st.integers(-14 * 60, 14 * 60))
def test_an_instant_is_the_same_in_every_zone(moment, offset):
    vietnam = timezone(timedelta(hours=7))
    local = moment.replace(tzinfo=vietnam)
    elsewhere = local.astimezone(timezone(timedelta(minutes=offset)))
    expected = moment.strftime("%Y%m%d%H%M%S")

    assert make_date_reader(["iso"])(elsewhere.isoformat()) == expected
    milliseconds = int(local.timestamp()) * 1000
    assert make_date_reader(["epoch_ms"])(str(milliseconds)) == expected
    assert make_date_reader(["dotnet"])(f"/Date({milliseconds})/") == expected


@given(text=st.text(max_size=30))
def test_no_text_does_more_than_be_refused(text):
    read = make_date_reader([name for name in DATE_FORMATS if name != "MM/dd/yyyy"])

    with contextlib.suppress(DateInvalid, DateImplausible):
        assert len(read(text)) == 14


def test_every_two_formats_that_read_one_text_as_two_moments_are_known_as_ambiguous():
    texts = {
        "05/03/2021", "5/3/2021", "05/03/2021 08:15", "05/03/2021 08:15:30", "05-03-2021",
        "05.03.2021", "2021-03-05", "2021-03-05 08:15:30", "2021/03/05 08:15:30", "20210305",
        "20210305081530", "2021", "44260", "44260.34375", "1614906900", "1614906900000",
        "2021-03-05T08:15:30Z", "2021-03-05T08:15:30.5Z", "2021-03-05T08:15:30",
        "2021-03-05T08:15:30+09:00", "/Date(1614906900000+0700)/", "01012021", "12122012",
        "20121212", "19991231", "73050", "2050", "999999999", "4102444799",
    }  # fmt: skip
    readers = {name: make_date_reader([name]) for name in DATE_FORMATS}
    read = {}
    for name, reader in readers.items():
        for text in texts:
            try:
                read[name, text] = reader(text)
            except (DateInvalid, DateImplausible):
                continue

    differing = {
        tuple(sorted((one, other)))
        for one, text in read
        for other in DATE_FORMATS
        if (other, text) in read and read[other, text] != read[one, text]
    }

    assert differing == {tuple(sorted(pair)) for pair in AMBIGUOUS}
