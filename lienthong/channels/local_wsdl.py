"""
A WSDL of another system, given as a file: zeep reads it and builds requests, and does nothing else.

What it imports must lie beside it. Nothing is fetched, and every file passes the hardened parser
first. Replies never come here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from lxml import etree
from zeep import Client
from zeep.exceptions import Error
from zeep.wsdl.bindings import Soap11Binding, Soap12Binding
from zeep.wsse.username import UsernameToken

from lienthong.channels.binding import OfflineTransport
from schemas.errors import ConfigError
from schemas.parser import XmlRefused, parse_xml
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BASE = "http://beside.invalid/"
"""Base of the files' names; reading never leaves their folder."""


class LocalOperation:
    """
    One operation of a WSDL.

    Raises:
        ConfigError: the WSDL cannot be read, needs what does not lie beside it, or has no such
            operation.
    """

    def __init__(self, wsdl: Path, *, operation: str, soap: str) -> None:
        self._wsdl = wsdl
        self._name = operation
        transport = _Beside(wsdl)
        try:
            client = Client(f"{BASE}{wsdl.name}", transport=transport)  # type: ignore[no-untyped-call]
        except (Error, etree.LxmlError, ValueError, KeyError, AttributeError) as error:
            raise _unreadable(wsdl, type(error).__name__) from error
        finally:
            transport.session.close()
        operations = _binding(client, wsdl, soap).all()
        if operation not in operations:
            raise _no_operation(wsdl, operation, sorted(operations))
        self._operation = operations[operation]
        self.action = str(self._operation.soapaction or "")
        """To be sent along."""

    def request(
        self,
        parameters: Mapping[str, Any],
        *,
        headers: Mapping[str, Any],
        token: UsernameToken | None,
    ) -> bytes:
        """
        Return the envelope of a call.

        Args:
            parameters: By name, as the WSDL wants them.
            headers: Elements of the SOAP header that the WSDL declares.
            token: A name and password for WS-Security.

        Raises:
            ConfigError: they are others than the WSDL wants.
        """
        named: dict[str, Any] = dict(parameters)
        if headers:
            named["_soapheaders"] = dict(headers)
        try:
            envelope = self._operation.create(**named).content
        except (Error, TypeError, ValueError, KeyError, AttributeError) as error:
            # zeep's words on a wrong name quote the signature, those on a wrong value the value.
            said = str(error) if isinstance(error, TypeError) else type(error).__name__
            raise _wrong_parameters(self._wsdl, self._name, said[:500]) from error
        if token is not None:
            envelope, _ = token.apply(envelope, {})  # type: ignore[no-untyped-call]
        return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")


def username_token(user: str, password: str, *, is_digest: bool) -> UsernameToken:
    """Return a name and password for WS-Security. Source: OASIS UsernameToken Profile 1.1."""
    return UsernameToken(user, password, use_digest=is_digest, zulu_timestamp=True)  # type: ignore[no-untyped-call]


class _Beside(OfflineTransport):
    """Hands zeep the files of one folder."""

    def __init__(self, wsdl: Path) -> None:
        super().__init__()
        self._wsdl = wsdl

    def load(self, url: str) -> bytes:
        """Return the file that `url` names."""
        name = unquote(urlsplit(url).path).lstrip("/")
        folder = self._wsdl.resolve().parent
        path = (folder / name).resolve()
        if not url.startswith(BASE) or not path.is_relative_to(folder):
            raise _elsewhere(self._wsdl, url)
        try:
            data = path.read_bytes()
            parse_xml(data)
        except OSError as error:
            raise _missing(self._wsdl, name, error.strerror or "?") from error
        except XmlRefused as error:
            raise _refused(path, error) from error
        return data


def _binding(client: Client, wsdl: Path, soap: str) -> Any:
    kind = Soap11Binding if soap == "1.1" else Soap12Binding
    for binding in client.wsdl.bindings.values():
        # One of zeep's bindings is a subclass of neither, so the exact class tells them apart.
        if type(binding) is kind:
            return binding
    raise ConfigError(
        Text(
            vi=f"{wsdl} không có SOAP {soap}; đổi soap trong [pull]",
            en=f"{wsdl} has no SOAP {soap} binding; change soap in [pull]",
        ),
        code="pull.wsdl",
    )


def _unreadable(wsdl: Path, kind: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Không đọc được WSDL {wsdl} ({kind}); tải lại, cùng các tệp nó import",
            en=f"the WSDL {wsdl} cannot be read ({kind}); fetch it again, with what it imports",
        ),
        code="pull.wsdl",
    )


def _no_operation(wsdl: Path, name: str, known: list[str]) -> ConfigError:
    names = ", ".join(known)
    return ConfigError(
        Text(
            vi=f"{wsdl} không có thao tác «{name}»; có: {names}",
            en=f"{wsdl} has no operation '{name}'; there are: {names}",
        ),
        code="pull.wsdl",
    )


def _wrong_parameters(wsdl: Path, name: str, said: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Tham số của «{name}» không hợp với {wsdl}: {said}; sửa parameters hoặc "
            "soap_headers trong [pull]",
            en=f"the parameters of '{name}' do not fit {wsdl}: {said}; mend parameters or "
            "soap_headers in [pull]",
        ),
        code="pull.query",
    )


def _elsewhere(wsdl: Path, url: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"{wsdl} cần {url}, không nằm cạnh nó; tải về cùng thư mục rồi sửa schemaLocation",
            en=f"{wsdl} needs {url}, which does not lie beside it; put it there, and mend the "
            "schemaLocation",
        ),
        code="pull.wsdl",
    )


def _missing(wsdl: Path, name: str, cause: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"{wsdl}: không đọc được {name}: {cause}",
            en=f"{wsdl}: {name} cannot be read: {cause}",
        ),
        code="pull.wsdl",
    )


def _refused(path: Path, error: XmlRefused) -> ConfigError:
    return ConfigError(Text(vi=f"{path}: {error.vi}", en=f"{path}: {error.en}"), code="pull.wsdl")
