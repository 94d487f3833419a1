"""Listening for seals: the application of a witness on uvicorn."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING

import uvicorn

from lienthong.evidence.witness_app import make_app
from lienthong.evidence.witnesses import FolderWitness
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LEAST_TOKEN = 16


def serve_witness(  # noqa: PLR0913 - as many options has the command
    folder: Path,
    *,
    host: str,
    port: int,
    token_file: Path | None,
    certificate: Path | None,
    key: Path | None,
    ready: Callable[[str], object],
) -> None:
    """
    Serve the seals in `folder` until the process is stopped; `ready` is told the address.

    Raises:
        ConfigError: there is no token, or it is too short to keep anybody out; or it cannot listen.
    """
    token = _read_token(token_file)
    config = uvicorn.Config(
        make_app(FolderWitness(folder), token=token),
        ssl_certfile=certificate,
        ssl_keyfile=key,
        log_level="warning",
        server_header=False,
        limit_concurrency=32,
        timeout_keep_alive=30,
    )
    with closing(_listen(host, port)) as listener:
        name, number = listener.getsockname()[:2]
        ready(f"{'http' if certificate is None else 'https'}://{name}:{number}")
        uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise ConfigError(
            Text(
                vi=f"Không lắng nghe được ở {host}:{port} ({error.strerror}): chọn cổng khác bằng "
                "--port, hoặc dừng chương trình đang dùng cổng đó",
                en=f"it cannot listen on {host}:{port} ({error.strerror}): choose another --port, "
                "or stop who has it",
            ),
            code="witness.port",
        ) from error


def _read_token(file: Path | None) -> str:
    if file is None:
        raise _no_token("--token-file")
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _no_token(str(file)) from error
    if len(token) < _LEAST_TOKEN:
        raise _no_token(str(file))
    return token


def _no_token(where: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"{where}: cần một tệp có mã bí mật ít nhất {_LEAST_TOKEN} ký tự, ví dụ tạo bằng: "
            "openssl rand -hex 32 > token",
            en=f"{where}: expected a file with a token of at least {_LEAST_TOKEN} characters, made "
            "for example by: openssl rand -hex 32 > token",
        ),
        code="witness.no_token",
    )
