from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

import pytest

from signing import make_development_pki, token_module
from signing.token_key import load_token_key

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
_numbers = count()


class Place:
    """A token of one test, and a folder of files that stand for keys in it."""

    def __init__(self, softhsm, folder, pki, *, agency):
        self.softhsm = softhsm
        self.folder = folder
        self.pki = pki
        self.agency = agency
        self.memory = folder / "memory"
        self.memory.mkdir()
        self.token = softhsm.add_token(f"token-{next(_numbers)}")

    def fill(self, files=None, *, label="agency", key_id="01", with_certificate=True, asks=False):
        files = files or self.agency
        self.token.add_key(files.key, label=label, key_id=key_id, asks=asks)
        if with_certificate:
            self.token.add_certificate(files.certificate, label=label, key_id=key_id)

    def load(self, name="agency", **options):
        stem = self.folder / name
        return self.load_again(self.token.write(stem, **{"key": "agency", **options}))

    def load_again(self, file):
        stem = file.name.removesuffix(".pkcs11.toml")
        return load_token_key(
            file,
            pin_file=file.with_name(f"{stem}.pass"),
            certificate_file=file.with_name(f"{stem}.cert.pem"),
            memory=self.memory,
        )


@pytest.fixture(scope="session")
def token_pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("token-pki") / "keys"
    return make_development_pki(
        folder,
        agencies={"so-tu-phap": ("H29.5", "Sở Tư pháp"), "so-y-te": ("H29.7", "Sở Y tế")},
        now=NOW,
    )


@pytest.fixture
def place(softhsm, token_pki, tmp_path, monkeypatch):
    # A module that has just been started is not started again for two seconds; a test that wants
    # that says so.
    monkeypatch.setattr(token_module, "RESTART_SECONDS", 0.0)
    return Place(softhsm, tmp_path, token_pki, agency=token_pki.agencies["so-tu-phap"])
