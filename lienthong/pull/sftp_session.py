"""
A connection to an SFTP server whose key is known beforehand; what it says is turned into words.

A server is never trusted at first sight: what it gives could be anybody's.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn

import paramiko

from schemas.errors import ConfigError, PeerError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lienthong.pull.sftp_profile import SftpPull

# Its words carry traces of what a server sent; what matters of them is raised.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class _Strange(paramiko.MissingHostKeyPolicy):
    """Refuses every server whose key is not known."""

    def __init__(self, shown: str) -> None:
        self._shown = shown

    def missing_host_key(
        self,
        client: paramiko.SSHClient,  # noqa: ARG002 - the library's signature
        hostname: str,  # noqa: ARG002
        key: paramiko.PKey,
    ) -> NoReturn:
        """Refuse it."""
        raise _other_key(self._shown, key)


@contextmanager
def connected(profile: SftpPull) -> Iterator[paramiko.SFTPClient]:
    """
    Open a session, and close it.

    Raises:
        PeerError: the server cannot be reached, or broke off: later helps.
        ConfigError: it is not the one that we know, or refuses us, or a folder is not there.
    """
    with paramiko.SSHClient() as client:
        with translating(profile):
            session = _log_in(client, profile)
        # What comes of its use is translated there: the store's troubles are others.
        yield session


@contextmanager
def translating(profile: SftpPull) -> Iterator[None]:
    """Turn what goes wrong into words. Raises as `connected` does."""
    shown = shown_server(profile)
    try:
        yield
    except paramiko.AuthenticationException as error:
        raise _refused(shown, "đăng nhập", "the login") from error
    except PermissionError as error:
        raise _refused(shown, "quyền đọc hoặc ghi", "reading or writing") from error
    except FileNotFoundError as error:
        raise _no_folder(shown) from error
    except UnicodeError as error:
        raise _wrong_name(shown) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise _unreachable(shown, type(error).__name__) from error


def shown_server(profile: SftpPull) -> str:
    """Return where it is, as people may see it."""
    port = "" if profile.port == 22 else f":{profile.port}"
    return f"sftp://{profile.user}@{profile.host}{port}/{profile.folder.lstrip('/')}"


def _log_in(client: paramiko.SSHClient, profile: SftpPull) -> paramiko.SFTPClient:
    shown = shown_server(profile)
    client.set_missing_host_key_policy(_Strange(shown))
    _know(client, profile)
    key = _load_key(profile)
    connection = socket.create_connection(
        (profile.host, profile.port), timeout=profile.connect_timeout_seconds
    )
    # Small requests must not wait for the answers of others: 40 ms each, otherwise.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        client.connect(
            profile.host,
            profile.port,
            sock=connection,
            username=profile.user,
            password=profile.password.get_secret_value() or None,
            pkey=key,
            allow_agent=False,
            look_for_keys=False,
            timeout=profile.connect_timeout_seconds,
            banner_timeout=profile.connect_timeout_seconds,
            auth_timeout=profile.connect_timeout_seconds,
            channel_timeout=profile.connect_timeout_seconds,
        )
    except paramiko.BadHostKeyException as error:
        raise _other_key(shown, error.key) from error
    except BaseException:
        connection.close()
        raise
    session = client.open_sftp()
    channel = session.get_channel()
    assert channel is not None
    channel.settimeout(profile.read_timeout_seconds)
    return session


def _know(client: paramiko.SSHClient, profile: SftpPull) -> None:
    host = profile.host if profile.port == 22 else f"[{profile.host}]:{profile.port}"
    if profile.host_key is not None:
        entry = None
        with suppress(ValueError, paramiko.SSHException, paramiko.hostkeys.InvalidHostKey):
            entry = paramiko.hostkeys.HostKeyEntry.from_line(f"{host} {profile.host_key}")
        if entry is None or entry.key is None:
            raise _unusable("host_key")
        client.get_host_keys().add(host, entry.key.get_name(), entry.key)
        return
    try:
        client.load_system_host_keys(str(profile.known_hosts))
    except (OSError, ValueError, paramiko.SSHException) as error:
        raise _unusable(f"known_hosts ({profile.known_hosts})") from error


def _load_key(profile: SftpPull) -> paramiko.PKey | None:
    if profile.private_key is None:
        return None
    password = profile.key_password.get_secret_value() or None
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        with suppress(OSError, ValueError, TypeError, paramiko.SSHException):
            return kind.from_private_key_file(str(profile.private_key), password)
    raise _unusable(f"private_key ({profile.private_key})")


def _unusable(what: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Không dùng được {what} của nguồn SFTP; kiểm tra tệp, quyền đọc và "
            "LIENTHONG_PULL__TÊN__KEY_PASSWORD",
            en=f"{what} of the SFTP source cannot be used; check the file, that it can be read, "
            "and LIENTHONG_PULL__NAME__KEY_PASSWORD",
        ),
        code="pull.key",
    )


def _other_key(shown: str, key: paramiko.PKey) -> ConfigError:
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    found = f"{key.get_name()} SHA256:{digest}"
    return ConfigError(
        Text(
            vi=f"Máy chủ {shown} đưa khóa khác với cấu hình: {found}; hỏi bên quản lý máy chủ, "
            "đúng khóa mới sửa host_key hoặc known_hosts",
            en=f"the server {shown} shows another key than the settings: {found}; ask its owner, "
            "and change host_key or known_hosts only if it is theirs",
        ),
        code="pull.host_key",
    )


def _refused(shown: str, vi: str, en: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Máy chủ {shown} từ chối {vi}; kiểm tra user, LIENTHONG_PULL__TÊN__PASSWORD, "
            "private_key và quyền trên folder, archive",
            en=f"the server {shown} refuses {en}; check user, LIENTHONG_PULL__NAME__PASSWORD, "
            "private_key, and the rights on folder and archive",
        ),
        code="pull.refused",
    )


def _no_folder(shown: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Trên {shown} không có thư mục này, hoặc tệp vừa biến mất; kiểm tra folder",
            en=f"on {shown} there is no such folder, or a file has just gone; check folder",
        ),
        code="pull.folder",
    )


def _wrong_name(shown: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Trên {shown} có tên tệp không phải UTF-8; đổi tên không dấu",
            en=f"on {shown} there is a file whose name is not in UTF-8; rename it",
        ),
        code="pull.value",
    )


def _unreachable(shown: str, cause: str) -> PeerError:
    return PeerError(
        Text(
            vi=f"Không đọc được {shown} ({cause}); sẽ tự thử lại",
            en=f"{shown} cannot be read ({cause}); it is tried again",
        ),
        retryable=True,
        code="pull.unreachable",
    )
