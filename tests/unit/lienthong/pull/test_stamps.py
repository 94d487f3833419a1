"""Watermarks as other systems write them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from lienthong.pull.stamps import align, read_stamp, write_stamp
from schemas.errors import ConfigError

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
AT = datetime(2026, 3, 2, 14, 0, tzinfo=VIETNAM)


@pytest.mark.parametrize(
    ("form", "written", "mark"),
    [
        ("iso", "2026-03-02T07:00:00Z", AT),
        ("iso", "2026-03-02 14:00:00", AT),
        ("iso", "2026-03-02", date(2026, 3, 2)),
        ("epoch_seconds", 1772434800, AT),
        ("epoch_milliseconds", "1772434800000", AT),
        ("dotnet", "/Date(1772434800000)/", AT),
        ("number", "12", 12),
        ("number", Decimal("1.5"), Decimal("1.5")),
        ("%Y%m%d%H%M%S", "20260302140000", AT),
        ("%d/%m/%Y", "02/03/2026", date(2026, 3, 2)),
    ],
)
def test_a_watermark_is_read(form, written, mark):
    assert read_stamp(written, form=form, zone=VIETNAM, field="sua") == mark


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("iso", "02/03/2026"),
        ("iso", ["2026-03-02"]),
        ("epoch_seconds", "1e99"),
        ("epoch_seconds", True),
        ("number", "NaN"),
        ("number", "Infinity"),
        ("dotnet", "/Date(99999999999999999)/"),
        ("%d/%m/%Y", "31/02/2026"),
    ],
)
def test_what_is_written_otherwise_is_told_without_its_value(form, written):
    with pytest.raises(ConfigError) as told:
        read_stamp(written, form=form, zone=VIETNAM, field="sua")

    assert told.value.code == "pull.mark_kind"
    assert str(written) not in told.value.text.en


@pytest.mark.parametrize(
    ("form", "mark", "written"),
    [
        ("iso", AT, "2026-03-02T14:00:00+07:00"),
        ("iso", date(2026, 3, 2), "2026-03-02"),
        ("%Y-%m-%d", datetime(2026, 3, 1, 20, 0, tzinfo=UTC), "2026-03-02"),
        ("%d/%m/%Y %H:%M", date(2026, 3, 2), "02/03/2026 00:00"),
        ("epoch_seconds", AT.replace(microsecond=999_999), 1772434800),
        ("dotnet", AT, "/Date(1772434800000)/"),
        ("number", 12, 12),
        ("number", Decimal("1.5"), "1.5"),
    ],
)
def test_a_watermark_is_written_and_never_rounded_up(form, mark, written):
    assert write_stamp(mark, form=form, zone=VIETNAM) == written


def test_numbers_are_no_times():
    for form, mark in (("number", AT), ("iso", 12)):
        with pytest.raises(ConfigError):
            write_stamp(mark, form=form, zone=VIETNAM)
    with pytest.raises(ConfigError):
        align(12, like=AT, zone=VIETNAM)
