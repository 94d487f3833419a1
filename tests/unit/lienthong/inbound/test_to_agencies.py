"""What a door stored is read by the agency's own mapping, whichever way it came."""

import io
import json

import pytest

from adapters import read_records
from mappings import load_agencies

UNIT = "000.00.15.H29"
PAYMENT = {
    "MaHoSo": "000.00.15.H29-260302-0001",
    "MaSoThue": "8000000042",
    "HoTenNguoiNopTien": "Nguyễn Thị Bưởi",
    "ThongTinThanhToan": {
        "ThoiGianThanhToan": "20260310093000",
        "MaThongBaoThue": "TB-1",
        "TrangThaiThanhToan": 1,
        "SoTien": 150000,
    },
}


@pytest.fixture(scope="module")
def services():
    return load_agencies(None).get("land-registration").inbound


def files(site, converter):
    """Return the files that come of everything that the doors stored."""
    made = []
    for _, name, _, body in site.kept():
        records = read_records(
            io.BytesIO(body),
            file_name=name,
            options=converter.source,
            read_columns=converter.read_columns,
        )
        made += [converter.convert(record, now=site.clock()) for record in records]
    return made


def test_a_dossier_gives_the_same_file_over_json_and_over_soap(site, item, services):
    token = site.token()
    peer = site.peer(json={"token": True}, soap={"token": True})
    body = {"madonvi": UNIT, "service": "DongBoHoSoMC", "isUpdating": "False", "data": [item]}

    told = peer.answer_json(json.dumps(body).encode(), bearer=token)
    soap = site.envelope(site.request(site.document()))
    heard = peer.answer_soap(soap, bearer=token, content_type="text/xml")

    assert (told.status, heard.status) == (200, 200)
    one, other = files(site, services["DongBoHoSoMC"])
    assert one.problems == other.problems == ()
    assert one.document == other.document
    assert one.document.splitlines()[1] == (
        b"000.00.15.H29-260302-0001;1.001193.000.00.00.H29;OL;Nguy\xd4n Th\xde B\xad\xebi;"
        b"C\xb8 nh\xa9n;;;;02/03/2026 08:15;;M\xedi \xae\xa8ng k\xfd;0;;"
    )


def test_the_payment_of_a_tax_reaches_the_land_office(site, services):
    secret = "bi-mat-cua-thue-2026"
    peer = site.peer(json={"security_key": secret})
    body = {"SecurityKey": secret, "Service": "ChungTuThue", "madonvi": UNIT, "Data": PAYMENT}

    answered = peer.answer_json(json.dumps(body).encode(), bearer=None)

    assert answered.status == 200
    (inbound,) = files(site, services["ChungTuThue"])
    assert inbound.problems == ()
    assert b";10/03/2026 09:30;150.000;" in inbound.document
