"""
A SoftHSM of the tests' own: tokens in a temporary folder, which can be pulled out and put back.

It touches no token of this machine. Processes find it by the environment that it gives.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from lienthong.testing import forked
from lienthong.testing.machine import ServerFailed

MODULES = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/pkcs11/libsofthsm2.so"),
    Path("/usr/local/lib/softhsm/libsofthsm2.so"),
)
PIN = "2468"
"""Of the user of every token, where a test says no other."""
SO_PIN = "13572468"


def find_module() -> Path | None:
    """Return where the PKCS#11 module is, if it is installed."""
    return next((one for one in MODULES if one.exists()), None)


def is_installed() -> bool:
    """Return whether this machine has SoftHSM."""
    return find_module() is not None and shutil.which("softhsm2-util") is not None


@dataclass(slots=True, kw_only=True)
class Token:
    """One token, which is a folder."""

    hsm: PrivateSoftHsm
    label: str
    pin: str
    folder: Path

    @property
    def module(self) -> Path:
        """The PKCS#11 module in which it is found."""
        return self.hsm.module

    def add_key(self, file: Path, *, label: str, key_id: str = "01", asks: bool = False) -> None:
        """Put a private key from a PEM file into it; one that `asks` wants the PIN every time."""
        kind = "asking-key" if asks else "key"
        self._put(kind, label, key_id, file)

    def add_certificate(self, file: Path, *, label: str, key_id: str = "01") -> None:
        """Put the certificates of a PEM file into it."""
        self._put("certificate", label, key_id, file)

    def remove_key(self, *, label: str) -> None:
        """Take a private key out of it, for good."""
        self._put("no-key", label, "01", Path(os.devnull))

    def write(
        self, stem: Path, *, key: str, pin: str | None = None, key_id: str | None = None
    ) -> Path:
        """Write the file that stands for a key of it beside `stem`, and its PIN."""
        stem.parent.mkdir(parents=True, exist_ok=True)
        lines = [f'module = "{self.module}"', f'token_label = "{self.label}"']
        lines.append(f'key_label = "{key}"')
        if key_id is not None:
            lines.append(f'key_id = "{key_id}"')
        file = stem.with_name(f"{stem.name}.pkcs11.toml")
        file.write_text("\n".join(lines), encoding="utf-8")
        stem.with_name(f"{stem.name}.pass").write_text(pin or self.pin, encoding="utf-8")
        return file

    def pull_out(self) -> None:
        """Take the token away, as one pulls a stick."""
        self.folder.rename(self.hsm.folder / f"away-{self.folder.name}")

    def put_back(self) -> None:
        """Bring it back."""
        (self.hsm.folder / f"away-{self.folder.name}").rename(self.folder)

    def _put(self, kind: str, label: str, key_id: str, file: Path) -> None:
        # A process of its own: who logs in is logged in for the whole process.
        words = [kind, str(self.module), self.label, self.pin, label, key_id, str(file)]
        self.hsm.run(sys.executable, "-m", "lienthong.testing.token_objects", *words)


@dataclass(slots=True, kw_only=True)
class PrivateSoftHsm:
    """Tokens in a folder."""

    folder: Path
    module: Path = field(init=False)

    def __post_init__(self) -> None:
        """Make the configuration."""
        module = find_module()
        if module is None or not is_installed():
            raise ServerFailed("SoftHSM is not installed; run: scripts/install-system.sh tests")
        self.module = module
        self._tokens.mkdir(parents=True)
        self._settings.write_text(
            f"directories.tokendir = {self._tokens}\nobjectstore.backend = file\n",
            encoding="utf-8",
        )

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to find the tokens."""
        return {"SOFTHSM2_CONF": str(self._settings)}

    def add_token(self, label: str, *, pin: str = PIN) -> Token:
        """Make an empty token."""
        before = set(self._tokens.iterdir())
        words = ("--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", SO_PIN)
        self.run("softhsm2-util", *words)
        (folder,) = set(self._tokens.iterdir()) - before
        return Token(hsm=self, label=label, pin=pin, folder=folder)

    def run(self, *words: str) -> None:
        """
        Run a program on the tokens.

        Raises:
            ServerFailed: it failed; its own words.
        """
        done = forked.run(
            words,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ServerFailed(done.stderr or done.stdout)

    @property
    def _tokens(self) -> Path:
        return self.folder / "tokens"

    @property
    def _settings(self) -> Path:
        return self.folder / "softhsm2.conf"
