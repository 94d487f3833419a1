"""
Measuring conversion against the sum of its primitives, in one run, so that a noisy machine cancels.

A primitive is the barest call that does the work: libxml2's validation of a parsed document, its
canonical form, one SHA-256, one signature with a loaded key. Reading, mapping and building are our
own code and stand as they are. Durable and network stages are not measured here.
"""

from __future__ import annotations

import hashlib
import resource
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from lxml import etree

from adapters import read_records
from adapters.record import SourceRecord
from lienthong.channels.port import Packet
from lienthong.flows.convert import Report, convert_file
from lienthong.ids import make_id
from lienthong.samples import generate_large_csv
from schemas.building import DocumentBuilder
from schemas.parser import parse_xml
from schemas.problem import Language, Text
from schemas.validation import Validator

if TYPE_CHECKING:
    from collections.abc import Callable

    from lienthong.wiring import Installation

T = TypeVar("T")
AGENCY = "land-registration"
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Time of one stage, per dossier."""

    name: Text
    microseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one run found."""

    dossiers: int
    primitives: tuple[Stage, ...]
    whole_microseconds: float
    """Reading, mapping, building, validating and signing one dossier, as `convert` does it."""

    @property
    def sum_microseconds(self) -> float:
        """The sum of the primitives."""
        return sum(stage.microseconds for stage in self.primitives)

    @property
    def ratio(self) -> float:
        """1 would be the speed of the primitives alone."""
        return self.sum_microseconds / self.whole_microseconds


def measure_conversion(installation: Installation, *, dossiers: int) -> Measurement:
    """Convert about `dossiers` generated records, and time each primitive on the same data."""
    agency = installation.agency(AGENCY)
    converter = installation.mappings.get(AGENCY)
    key = installation.keyring.agency_key(AGENCY, agency.code, converter.agency_name).private_key
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "large.csv"
        generate_large_csv(file, size_bytes=dossiers * 260)
        data = file.read_bytes()
    now = installation.clock()
    records, reading = _timed(
        lambda: list(read_records(BytesIO(data), file_name="large.csv", options=agency.source))
    )
    good = [record for record in records if isinstance(record, SourceRecord)]
    conversions, mapping = _timed(lambda: [converter.convert(record) for record in good])
    events = [event for conversion in conversions for event in conversion.events]
    builder = DocumentBuilder(converter.schema, Packet.DOSSIER.value)

    def build() -> list[bytes]:
        return [
            builder.build(
                event.values, message_id=make_id(now), agency_code=agency.code, created_at=now
            )
            for event in events
        ]

    documents, building = _timed(build)
    parsed, parsing = _timed(lambda: [parse_xml(document) for document in documents])
    validator = Validator(converter.schema)
    _, validating = _timed(lambda: [validator.problems_of_element(root) for root in parsed])
    _, canonical = _timed(
        lambda: [etree.tostring(root, method="c14n", exclusive=True) for root in parsed]
    )
    _, digesting = _timed(lambda: [hashlib.sha256(document).digest() for document in documents])
    _, signing = _timed(lambda: [_sign(key, document) for document in documents])
    _, whole = _timed(lambda: _convert(installation, data))
    count = len(documents)
    named = (
        ("đọc tệp", "read", reading),
        ("ánh xạ", "map", mapping),
        ("dựng XML", "build XML", building),
        ("phân tích XML", "parse XML", parsing),
        ("kiểm tra XSD", "XSD", validating),
        ("dạng chuẩn (c14n)", "c14n", canonical),
        ("SHA-256", "SHA-256", digesting),
        ("ký", "sign", signing),
    )
    return Measurement(
        dossiers=count,
        primitives=tuple(
            Stage(name=Text(vi=vi, en=en), microseconds=seconds / count * 1e6)
            for vi, en, seconds in named
        ),
        whole_microseconds=whole / count * 1e6,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeFile:
    """What converting one large generated CSV took."""

    size_bytes: int
    records: int
    seconds: float
    peak_bytes: int
    """Peak resident memory of this process, everything included."""


def measure_large_file(installation: Installation, *, size_bytes: int) -> LargeFile:
    """Convert a generated CSV of `size_bytes` and note time and peak memory of this process."""
    agency = installation.agency(AGENCY)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "large.csv"
        generate_large_csv(file, size_bytes=size_bytes)
        begun = perf_counter()
        with (
            file.open("rb") as source,
            Report(file_name=file.name, agency=agency, language=Language.VI) as report,
        ):
            totals = convert_file(
                source,
                file_name=file.name,
                agency=agency,
                out=None,
                report=report,
                clock=installation.clock,
            )
        seconds = perf_counter() - begun
        size = file.stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return LargeFile(size_bytes=size, records=totals.records, seconds=seconds, peak_bytes=peak)


def _convert(installation: Installation, data: bytes) -> None:
    agency = installation.agency(AGENCY)
    with Report(file_name="large.csv", agency=agency, language=Language.VI) as report:
        convert_file(
            BytesIO(data),
            file_name="large.csv",
            agency=agency,
            out=None,
            report=report,
            clock=installation.clock,
        )


def _sign(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    begun = perf_counter()
    result = work()
    return result, perf_counter() - begun
