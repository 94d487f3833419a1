"""Whatever a row holds: a packet that is read back the same, or words on why there is none."""

from __future__ import annotations

import base64
import io
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from adapters import SourceRecord, make_options, read_records
from schemas.errors import InputError
from tests.unit.adapters.writers.test_edxml import COLUMNS, FILES, ROW, writer
from tests.unit.schemas.edxml.conftest import Sample

WRITER = writer()
OPTIONS = make_options({"format": "edxml"})
# As columns give them: NFC, no spaces around.
TEXTS = st.text(max_size=40).map(lambda text: " ".join(text.split()))


@given(subject=TEXTS, name=TEXTS, number=TEXTS, data=st.binary(min_size=1, max_size=60))
def test_what_is_written_comes_back(subject, name, number, data):
    content = base64.b64encode(data).decode()
    row = ROW | {
        "Subject": subject,
        "Code/CodeNumber": number,
        FILES.name: [{"AttachmentName": name, "ContentTransferEncoded": content}],
    }
    texts = [
        (next(one for one in COLUMNS if one.name == "Subject"), subject),
        (next(one for one in COLUMNS if one.name == "Code/CodeNumber"), number),
        (FILES.columns[0], name),
    ]
    has_fault = any(text and WRITER.fault(column, text) for column, text in texts)
    if has_fault or WRITER.faults_of([row]):
        return

    (found,) = read_records(io.BytesIO(WRITER.write([row])), file_name="x", options=OPTIONS)

    assert isinstance(found, SourceRecord)
    assert (found.values["Subject"], found.values["Code"]["CodeNumber"]) == (subject, number)
    assert found.values["Attachments"][0]["data"] == content


@given(cut=st.integers(0, 2000), noise=st.binary(max_size=8))
def test_a_damaged_file_is_refused_or_read_and_never_breaks_anything(cut, noise):
    data = Sample().data()
    damaged = data[:cut] + noise + data[cut + len(noise) :]

    with suppress(InputError):
        list(read_records(io.BytesIO(damaged), file_name="x", options=OPTIONS))
