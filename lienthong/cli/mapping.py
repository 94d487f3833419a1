"""Commands for integrators: mapping list, check, test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lienthong.cli.files import AsJson
from lienthong.cli.session import Exit, Session, finish
from schemas.errors import ConfigError
from schemas.problem import Severity, Text

if TYPE_CHECKING:
    from mappings import MappingFile
    from schemas.problem import Problem

mapping = typer.Typer(help="Check and test the mappings of agencies.", no_args_is_help=True)
SHOWN_DIGITS = 12
"""Of a hash; enough to tell two versions apart. --json has all of it."""

Which = Annotated[
    list[str] | None,
    typer.Argument(
        help="Names of agencies, YAML files or folders of them; default: all", metavar="NAME…"
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(mapping, name="mapping")


@mapping.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """
    List the agencies that can be converted.

    Example: lienthong mapping list
    """
    session: Session = context.obj
    agencies = session.installation.mappings
    found = [(name, agencies.get(name)) for name in agencies.names()]
    if as_json:
        session.json(
            [
                {
                    "name": name,
                    "version": converter.version,
                    "sha256": converter.digest,
                    "code": converter.agency_code,
                    "title": converter.agency_name,
                    "schema": converter.schema.name,
                }
                for name, converter in found
            ]
        )
        return
    for name, converter in found:
        session.out.print(
            f"{name:<24}{converter.version:<5}{converter.digest[:SHOWN_DIGITS]:<15}"
            f"{converter.agency_code:<20}{converter.schema.name:<12}"
            f"{converter.agency_name}",
            markup=False,
        )


@mapping.command()
def check(context: typer.Context, which: Which = None, as_json: AsJson = False) -> None:
    """
    Report everything that is wrong in mapping files, with file, line and what to write instead.

    Example: lienthong mapping check agencies/phuong-ben-nghe.yaml
    """
    from lienthong.cli.machine import count_values, problem_values
    from mappings import Need, cover_fields, find_claims, load_mapping

    session: Session = context.obj
    results: dict[Path, list[Problem]] = {}
    loaded: list[MappingFile] = []
    for path in find_files(session, which):
        try:
            loaded.append(load_mapping(path))
            results[path] = list(loaded[-1].warnings)
        except ConfigError as error:
            results[path] = list(error.problems)
    for claim in find_claims(loaded):
        results[Path(str(claim.place.file))].append(claim)
    covered = cover_fields(loaded)
    counts = {
        file.path: {need: covered.count(number, need) for need in (Need.ALWAYS, Need.OPTIONAL)}
        for number, file in enumerate(loaded)
    }
    faults = [p for found in results.values() for p in found if p.severity is Severity.ERROR]
    if as_json:
        session.json(
            [
                {
                    "file": str(path),
                    "problems": [problem_values(p, session.language) for p in problems],
                    "coverage": count_values(counts[path]) if path in counts else None,
                }
                for path, problems in results.items()
            ]
        )
    else:
        for path, problems in results.items():
            if not problems:
                filled, known = counts[path][Need.OPTIONAL]
                session.say(
                    Text(
                        vi=f"{path}: đúng; đủ trường bắt buộc, {filled}/{known} trường khác",
                        en=f"{path}: correct; all mandatory fields, {filled}/{known} of the others",
                    ),
                    style="green",
                )
            session.problems(problems)
    finish(Exit.USAGE if faults else Exit.DONE)


@mapping.command("test")
def run_carried_tests(context: typer.Context, which: Which = None, as_json: AsJson = False) -> None:
    """
    Run the tests that mapping files carry.

    Example: lienthong mapping test land-registration
    """
    from mappings import load_mapping, run_tests

    session: Session = context.obj
    results = [(path, run_tests(load_mapping(path))) for path in find_files(session, which)]
    failed = sum(bool(result.differences) for _, found in results for result in found)
    if as_json:
        session.json(
            [
                {
                    "file": str(path),
                    "tests": [
                        {
                            "name": result.name,
                            "line": result.line,
                            "passed": not result.differences,
                            "differences": [
                                text.say(session.language) for text in result.differences
                            ],
                        }
                        for result in found
                    ],
                }
                for path, found in results
            ]
        )
    else:
        for path, found in results:
            for result in found:
                mark = "✗" if result.differences else "✓"
                session.out.print(f"{mark} {path}:{result.line} {result.name}", markup=False)
                for text in result.differences:
                    session.out.print(f"    {text.say(session.language)}", markup=False)
        total = sum(len(found) for _, found in results)
        session.say(
            Text(
                vi=f"{total} phép thử, {failed} không đạt",
                en=f"{total} tests, {failed} failed",
            ),
            style="red" if failed else "green",
        )
    finish(Exit.PARTLY if failed else Exit.DONE)


def find_files(session: Session, which: list[str] | None) -> list[Path]:
    """Return the files of the agencies, paths and folders named; of all agencies for none."""
    if which is None:
        agencies = session.installation.mappings
        return [agencies.path(name) for name in agencies.names()]
    return [path for name in which for path in _files(session, name)]


def _files(session: Session, name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        return sorted(path.glob("*.yaml"))
    if name.endswith((".yaml", ".yml")):
        return [path]
    return [session.installation.mappings.path(name)]
