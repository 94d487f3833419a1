"""Filing something at a sandbox's portal: sandbox file."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from lienthong.cli.session import Exit, Session, finish
from schemas.errors import ConfigError, PeerError
from schemas.problem import Place, Problem, Text

MOST_ITEM_BYTES = 900 * 1024
POLL_SECONDS = 0.2


def register(sandbox: typer.Typer) -> None:
    """Add the commands of this module."""
    sandbox.command()(file)


def file(  # noqa: PLR0913 - one for each option
    context: typer.Context,
    item: Annotated[
        Path | None, typer.Argument(help="JSON file with the dossier; or give --sample")
    ] = None,
    control: Annotated[str, typer.Option(help="Control address that the sandbox printed")] = "",
    sample: Annotated[bool, typer.Option("--sample", help="File something invented")] = False,
    service: Annotated[
        str, typer.Option(help="DongBoHoSoMC, ChungTuThue or another service")
    ] = "DongBoHoSoMC",
    unit: Annotated[
        str | None, typer.Option(help="Code of the unit it is for; else the start of MaHoSo")
    ] = None,
    updating: Annotated[
        bool, typer.Option("--updating", help="Of a dossier that the portal has already")
    ] = False,
    repeats: Annotated[
        int, typer.Option(min=0, max=100, help="Send it again so often, once acknowledged")
    ] = 0,
    door: Annotated[
        str | None,
        typer.Option(help="Where what is filed here goes: http://…/v1/peers/NAME/json or /soap"),
    ] = None,
    token: Annotated[
        str, typer.Option(envvar="LIENTHONG_SANDBOX_TOKEN", help="For the door", metavar="TOKEN")
    ] = "",
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait until it is acknowledged")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON")] = False,
) -> None:
    """
    File a dossier or a payment at a sandbox's portal, which sends it down until acknowledged.

    Example: lienthong sandbox file --control http://127.0.0.1:8732 --sample
    """
    session: Session = context.obj
    if (item is None) == (not sample):
        raise typer.BadParameter("give a FILE or --sample", param_hint="FILE")
    if not control:
        raise typer.BadParameter("the sandbox prints it when it starts", param_hint="--control")
    order: dict[str, Any] = {
        "service": service,
        "unit": unit,
        "is_updating": updating,
        "repeats": repeats,
    }
    if item is not None:
        order["item"] = _read_item(item)
    if door is not None:
        order["door"] = {"url": door, "token": token}
    filed = _ask(f"{control.rstrip('/')}/file", order)
    shown = _wait(control, filed, seconds=wait)
    if as_json:
        session.json(shown)
    else:
        _tell(session, shown)
    if shown["state"] == "refused" or (wait and shown["state"] != "acknowledged"):
        finish(Exit.PARTLY)


def _tell(session: Session, shown: dict[str, Any]) -> None:
    states = {
        "waiting": Text(vi="đang gửi xuống", en="being sent down"),
        "acknowledged": Text(vi="cơ quan đã nhận", en="acknowledged"),
        "refused": Text(vi="bị từ chối", en="refused"),
    }
    code = shown["dossier_code"] or shown["message_id"]
    state, answer = states[shown["state"]], shown["answer"]
    said = f" ({answer})" if answer else ""
    session.say(
        Text(
            vi=f"{shown['service']} {code}: {state.vi}, lần gửi {shown['tries']}{said}",
            en=f"{shown['service']} {code}: {state.en}, attempts {shown['tries']}{said}",
        )
    )


def _read_item(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as source:
            data = source.read(MOST_ITEM_BYTES + 1)
        value = json.loads(data.decode("utf-8-sig")) if len(data) <= MOST_ITEM_BYTES else None
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else "JSON"
        raise _unusable(path, reason or "?") from error
    if not isinstance(value, dict):
        raise _unusable(path, f"{{…}}, UTF-8, ≤ {MOST_ITEM_BYTES} byte")
    return value


def _unusable(path: Path, reason: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"{path}: cần một đối tượng JSON của một hồ sơ ({reason})",
            en=f"{path}: expected one JSON object with a dossier ({reason})",
        ),
        code="sandbox.item",
    )


def _wait(control: str, filed: dict[str, Any], *, seconds: float) -> dict[str, Any]:
    ends = time.monotonic() + seconds
    while True:
        rows = _ask(f"{control.rstrip('/')}/filings", None)["filings"]
        shown: dict[str, Any] = next(one for one in rows if one["id"] == filed["id"])
        done = shown["state"] != "waiting" and shown["repeats_left"] <= 0
        if done or shown["state"] == "refused" or time.monotonic() >= ends:
            return shown
        time.sleep(POLL_SECONDS)


def _ask(url: str, order: dict[str, Any] | None) -> dict[str, Any]:
    import urllib3

    try:
        answer = urllib3.request(
            "GET" if order is None else "POST",
            url,
            # Escaped: half a surrogate pair is the sandbox's to refuse.
            body=None if order is None else json.dumps(order).encode(),
            timeout=10.0,
            retries=False,
            redirect=False,
        )
        value = answer.json()
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise PeerError(
            Text(
                vi=f"{url}: không có cổng thử nghiệm nào trả lời; chạy lienthong sandbox portal",
                en=f"{url}: no sandbox answers there; run lienthong sandbox portal",
            ),
            retryable=True,
            code="sandbox.unreachable",
        ) from error
    if answer.status != 200:
        raise _refused(value)
    return dict(value)


def _refused(value: Any) -> ConfigError:
    found = value.get("error") if isinstance(value, dict) else None
    problems = tuple(map(_problem, found)) if isinstance(found, list) else ()
    return ConfigError(
        Text(vi="Cổng thử nghiệm không nhận", en="the sandbox does not take it"),
        problems=problems,
        code="sandbox.not_filed",
    )


def _problem(found: dict[str, Any]) -> Problem:
    remedy = found.get("remedy")
    words = str(found.get("error", ""))
    path = found.get("place") or ".".join(map(str, found.get("at", ())))
    return Problem(
        code=found.get("code", "sandbox.order"),
        message=Text(vi=found.get("vi", words), en=found.get("en", words)),
        place=Place(path=path or None),
        suggestion=None if remedy is None else Text(vi=remedy["vi"], en=remedy["en"]),
    )
