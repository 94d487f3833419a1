"""What the packaged WSDL says about calling a portal: its operations and their SOAP actions."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from zeep import Client
from zeep.transports import Transport
from zeep.wsdl.bindings import Soap11Binding, Soap12Binding

from schemas.errors import ConfigError
from schemas.model import load_version, read_file

BASE = "http://packaged.invalid/"
"""Base of the packaged files' names; reading never leaves the package."""
OPERATIONS = ("DongBoHoSoMC", "CapNhatTienDoHoSoMC", "TraCuuHoSo")


class OfflineTransport(Transport):
    """Refuses the network; what `load` hands out is for a subclass to say."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def get(self, address: str, params: Any, headers: Any) -> Any:
        """Refuse: this client only reads."""
        raise NotImplementedError

    def post(self, address: str, message: Any, headers: Any) -> Any:
        """Refuse: this client only reads."""
        raise NotImplementedError


class PackagedTransport(OfflineTransport):
    """Hands zeep the files of one schema version."""

    def __init__(self, version: str) -> None:
        super().__init__()
        self._version = version

    def load(self, url: str) -> bytes:
        """Return the packaged file that `url` names."""
        if not url.startswith(BASE):
            raise ConfigError(
                f"the WSDL of {self._version} refers to {url}, outside its package",
                code="target.wsdl",
            )
        name = PurePosixPath(urlsplit(url).path).name
        return bytes(read_file(load_version(self._version), name))


def open_wsdl(version: str) -> Client:
    """Return zeep's view of the packaged WSDL of `version`."""
    transport = PackagedTransport(version)
    try:
        return Client(f"{BASE}portal.wsdl", transport=transport)  # type: ignore[no-untyped-call]
    finally:
        transport.session.close()


def read_actions(version: str, *, soap: str) -> dict[str, str]:
    """
    Return the SOAP action of every operation that is used.

    Raises:
        ConfigError: when the WSDL lacks the binding or an operation.
    """
    kind = Soap11Binding if soap == "1.1" else Soap12Binding
    for binding in open_wsdl(version).wsdl.bindings.values():
        # One of zeep's bindings is a subclass of neither, so the exact class tells them apart.
        if type(binding) is kind:
            operations = binding.all()  # type: ignore[no-untyped-call]
            missing = [name for name in OPERATIONS if name not in operations]
            if missing:
                raise ConfigError(
                    f"the WSDL of {version} lacks {', '.join(missing)} in its SOAP {soap} binding",
                    code="target.wsdl",
                )
            return {name: str(operations[name].soapaction or "") for name in OPERATIONS}
    raise ConfigError(f"the WSDL of {version} has no SOAP {soap} binding", code="target.wsdl")
