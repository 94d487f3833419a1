"""
Where a key is that lives in a PKCS#11 token: a small TOML file that stands for it.

    module = "/usr/lib/softhsm/libsofthsm2.so"   the device's driver, an absolute path
    token_label = "lienthong"                    and/or token_serial
    key_label = "land-registration"              and/or key_id, hexadecimal

A module is code that is loaded into this process, so only what nobody but its owner and their group
can change is loaded: neither this file nor the module nor the module's folder may be writable by
everybody.
"""

from __future__ import annotations

import os
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path

from signing.errors import KeyUnusable, Reason

LARGEST_BYTES = 64 * 1024
_NAMES = ("module", "token_label", "token_serial", "key_label", "key_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPlace:
    """Names one key of one token; what is None is not asked for."""

    module: Path
    token_label: str | None = None
    token_serial: str | None = None
    key_label: str | None = None
    key_id: bytes | None = None

    @property
    def token(self) -> str:
        """The token's name, for people."""
        return self.token_label or self.token_serial or ""

    @property
    def key(self) -> str:
        """The key's name, for people."""
        return self.key_label or (self.key_id or b"").hex()


def read_place(file: Path) -> TokenPlace:
    """
    Read the file that stands for a key in a token.

    Raises:
        KeyUnusable: "key.missing", or "key.token_file" with everything that is wrong in it.
    """
    values = _values(file)
    module = Path(values.get("module", ""))
    identifier = _hexadecimal(values.get("key_id", ""))
    faults = []
    if unknown := sorted(values.keys() - set(_NAMES)):
        names = ", ".join(unknown)
        faults.append((f"không biết {names}", f"unknown: {names}"))
    if not module.is_absolute():
        faults.append(("module phải là đường dẫn tuyệt đối", "module must be an absolute path"))
    if not (values.get("token_label") or values.get("token_serial")):
        faults.append(("thiếu token_label hoặc token_serial", "needs token_label or token_serial"))
    if not (values.get("key_label") or values.get("key_id")):
        faults.append(("thiếu key_label hoặc key_id", "needs key_label or key_id"))
    if identifier is None:
        faults.append(("key_id phải là số hệ mười sáu", "key_id must be hexadecimal"))
    if faults:
        raise _wrong(file, vi="; ".join(f[0] for f in faults), en="; ".join(f[1] for f in faults))
    return TokenPlace(
        module=module,
        token_label=values.get("token_label") or None,
        token_serial=values.get("token_serial") or None,
        key_label=values.get("key_label") or None,
        key_id=identifier or None,
    )


def check_module(module: Path) -> Path:
    """
    Return the real path of a module that may be loaded.

    Raises:
        KeyUnusable: "key.module" if it is not there, "key.module_unsafe" if everybody may write it.
    """
    try:
        real = module.resolve(strict=True)
        is_open = _is_open(real) or _is_open(real.parent)
    except (OSError, RuntimeError) as error:
        cause = getattr(error, "strerror", None) or type(error).__name__
        raise KeyUnusable(
            Reason(
                code="key.module",
                vi=f"Không mở được mô-đun PKCS#11 {module}: {cause}; cài trình điều khiển của thiết"
                " bị, hoặc sửa module",
                en=f"The PKCS#11 module {module} cannot be opened: {cause}; install the driver of "
                "the device, or mend 'module'",
            )
        ) from error
    if is_open:
        raise KeyUnusable(
            Reason(
                code="key.module_unsafe",
                vi=f"Ai cũng ghi được mô-đun PKCS#11 {real} hoặc thư mục của nó, nên không nạp: "
                "chạy chmod o-w",
                en=f"Everybody may write the PKCS#11 module {real} or its folder, so it is not "
                "loaded: use chmod o-w",
            )
        )
    return real


def _values(file: Path) -> dict[str, str]:
    try:
        with file.open("rb") as stream:
            if stat.S_IMODE(os.fstat(stream.fileno()).st_mode) & stat.S_IWOTH:
                raise _wrong(
                    file,
                    vi="ai cũng ghi được tệp này, mà nó chọn mã được nạp: chạy chmod o-w",
                    en="everybody may write it, and it chooses code to load: use chmod o-w",
                )
            text = stream.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise KeyUnusable(
            Reason(
                code="key.missing",
                vi=f"Không đọc được tệp khóa {file}: {error.strerror}",
                en=f"Key file {file} cannot be read: {error.strerror}",
            )
        ) from error
    if len(text) > LARGEST_BYTES:
        raise _wrong(file, vi="tệp quá lớn", en="it is too large")
    try:
        values = tomllib.loads(text.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise _wrong(file, vi=f"không phải TOML: {error}", en=f"not TOML: {error}") from error
    if wrong := sorted(name for name, value in values.items() if not isinstance(value, str)):
        names = ", ".join(wrong)
        raise _wrong(file, vi=f"phải là chuỗi: {names}", en=f"must be strings: {names}")
    return values


def _hexadecimal(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def _is_open(path: Path) -> bool:
    mode = path.stat().st_mode
    # In a sticky folder, as /tmp is, nobody can replace what belongs to somebody else.
    is_sticky = stat.S_ISDIR(mode) and bool(mode & stat.S_ISVTX)
    return bool(mode & stat.S_IWOTH) and not is_sticky


def _wrong(file: Path, *, vi: str, en: str) -> KeyUnusable:
    return KeyUnusable(
        Reason(code="key.token_file", vi=f"Tệp khóa {file}: {vi}", en=f"Key file {file}: {en}")
    )
