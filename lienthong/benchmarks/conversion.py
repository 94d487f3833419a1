"""
Measuring conversion against the sum of its primitives, in one run, so that a noisy machine cancels.

A primitive is the barest call that does the work: libxml2's validation of a parsed document, its
canonical form, one SHA-256, one signature with a loaded key. Reading, mapping and building are our
own code and stand as they are.
"""

from __future__ import annotations

import hashlib
import resource
import tempfile
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

from lxml import etree

from adapters import read_records
from adapters.record import SourceRecord
from lienthong.agencies import make_agency
from lienthong.benchmarks.measuring import Cost, Meter, Primitive, Stage
from lienthong.channels.port import TO_PORTAL
from lienthong.flows.convert import Report, convert_file
from lienthong.ids import make_id
from lienthong.samples import generate_large_csv
from schemas.building import DocumentBuilder
from schemas.parser import parse_xml
from schemas.problem import Language, Text
from schemas.validation import Validator
from signing import XadesSigner
from signing.second import SecondOpinion
from signing.values import algorithm_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lienthong.agencies import Agency
    from lienthong.wiring import Installation

T = TypeVar("T")
AGENCY = "land-registration"
SECOND = "second"
"""Key of the second verification among the primitives."""
MIB = 1024 * 1024
BYTES_PER_RECORD = 260
"""Of the generated CSV."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """What an agency sends: many records, or one."""

    agency: str
    file_name: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one run found."""

    dossiers: int
    stage: Stage
    """Reading, mapping, building, validating and signing one dossier, as `convert` does it."""
    once: Stage
    """The same without the second verification of the signature."""


def measure_conversion(installation: Installation, *, dossiers: int) -> Measurement:
    """Convert about `dossiers` generated records, and time each primitive on the same data."""
    file = _generated(dossiers)
    primitives, documents = measure_primitives(installation, [file])
    converter = installation.mappings.get(AGENCY)
    plain = make_agency(converter, signer=XadesSigner(installation.signer(AGENCY).key))
    name = Text(vi="chuyển đổi", en="convert")
    without = Text(vi="chuyển đổi, không kiểm tra lần hai", en="convert, without the second look")
    return Measurement(
        dossiers=len(documents),
        stage=Stage(
            key="convert",
            name=name,
            cost=_cost(installation, file, agency=installation.agency(AGENCY), of=len(documents)),
            primitives=primitives,
        ),
        once=Stage(
            key="convert_once",
            name=without,
            cost=_cost(installation, file, agency=plain, of=len(documents)),
            primitives=tuple(one for one in primitives if one.key != SECOND),
        ),
    )


def make_documents(installation: Installation, *, dossiers: int) -> list[bytes]:
    """Return about `dossiers` unsigned documents, as `convert` builds them."""
    return measure_primitives(installation, [_generated(dossiers)])[1]


def _generated(dossiers: int) -> SourceFile:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.csv"
        generate_large_csv(path, size_bytes=dossiers * BYTES_PER_RECORD)
        return SourceFile(agency=AGENCY, file_name="large.csv", body=path.read_bytes())


def _cost(installation: Installation, file: SourceFile, *, agency: Agency, of: int) -> Cost:
    return Meter().measure(lambda: _convert(installation, file, agency=agency), dossiers=of)


def measure_primitives(
    installation: Installation, files: Sequence[SourceFile]
) -> tuple[tuple[Primitive, ...], list[bytes]]:
    """
    Time each primitive of conversion on what stands in `files`.

    Returns:
        The primitives, per event, in the order of the way; and the unsigned documents.
    """
    now = installation.clock()
    agencies = {file.agency: installation.agency(file.agency) for file in files}
    converters = {name: installation.mappings.get(name) for name in agencies}
    timed = _Timed()
    records = timed.run(
        ("read", "đọc tệp", "read"),
        lambda: [
            (file.agency, record)
            for file in files
            for record in read_records(
                BytesIO(file.body),
                file_name=file.file_name,
                options=agencies[file.agency].source,
            )
        ],
    )
    good = [(agency, record) for agency, record in records if isinstance(record, SourceRecord)]
    conversions = timed.run(
        ("map", "ánh xạ", "map"),
        lambda: [(agency, converters[agency].convert(record)) for agency, record in good],
    )
    events = [(agency, event) for agency, found in conversions for event in found.events]
    builders = {
        (name, packet.value): DocumentBuilder(converter.schema, packet.value)
        for name, converter in converters.items()
        for packet in TO_PORTAL
    }
    documents = timed.run(
        ("build", "dựng XML", "build XML"),
        lambda: [
            builders[name, event.packet].build(
                event.values,
                message_id=make_id(now),
                agency_code=agencies[name].code,
                created_at=now,
            )
            for name, event in events
        ],
    )
    parsed = timed.run(
        ("parse", "phân tích XML", "parse XML"), lambda: [parse_xml(one) for one in documents]
    )
    validators = {name: Validator(converter.schema) for name, converter in converters.items()}
    names = [name for name, _ in events]
    timed.run(
        ("xsd", "kiểm tra XSD", "XSD"),
        lambda: [
            validators[name].problems_of_element(root)
            for name, root in zip(names, parsed, strict=True)
        ],
    )
    timed.run(
        ("c14n", "dạng chuẩn (c14n)", "c14n"),
        lambda: [etree.tostring(root, method="c14n", exclusive=True) for root in parsed],
    )
    timed.run(
        ("sha256", "SHA-256", "SHA-256"),
        lambda: [hashlib.sha256(document).digest() for document in documents],
    )
    signs = {name: _signing(installation, name) for name in agencies}
    timed.run(
        ("sign", "ký", "sign"),
        lambda: [signs[name](one) for name, one in zip(names, documents, strict=True)],
    )
    signers = {name: XadesSigner(installation.signer(name).key) for name in agencies}
    seconds = {name: SecondOpinion(signers[name].key.certificate) for name in agencies}
    signed = [
        (name, signers[name].sign_parsed(root, signed_at=now))
        for name, root in zip(names, parsed, strict=True)
    ]
    timed.run(
        (SECOND, "kiểm tra lần hai (xmlsec)", "second look (xmlsec)"),
        lambda: [seconds[name](document) for name, document in signed],
    )
    return timed.primitives(dossiers=len(documents)), documents


class _Timed:
    """Times one piece of work after the other; per dossier once it is known how many there are."""

    def __init__(self) -> None:
        self._found: list[Primitive] = []

    def run(self, named: tuple[str, str, str], work: Callable[[], T]) -> T:
        results: list[T] = []
        cost = Meter().measure(lambda: results.append(work()), dossiers=1)
        key, vi, en = named
        self._found.append(Primitive(key=key, name=Text(vi=vi, en=en), cost=cost))
        return results[0]

    def primitives(self, *, dossiers: int) -> tuple[Primitive, ...]:
        return tuple(
            Primitive(key=found.key, name=found.name, cost=found.cost.over(dossiers))
            for found in self._found
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


def _convert(installation: Installation, file: SourceFile, *, agency: Agency) -> None:
    with Report(file_name=file.file_name, agency=agency, language=Language.VI) as report:
        convert_file(
            BytesIO(file.body),
            file_name=file.file_name,
            agency=agency,
            out=None,
            report=report,
            clock=installation.clock,
        )


def _signing(installation: Installation, agency: str) -> Callable[[bytes], bytes]:
    converter = installation.mappings.get(agency)
    held = installation.keyring.agency_key(agency, converter.agency_code, converter.agency_name)
    return partial(held.sign, algorithm=algorithm_of(held))
