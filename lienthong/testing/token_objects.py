"""
Put keys and certificates into a token, or take a key out of it.

    python -m lienthong.testing.token_objects KIND MODULE TOKEN PIN LABEL ID FILE

A process of its own, because a login is the whole process's; the tests log in by our own code.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pkcs11
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509 import load_pem_x509_certificates
from pkcs11 import Attribute, CertificateType, ObjectClass
from pkcs11.util.ec import decode_ec_private_key
from pkcs11.util.rsa import decode_rsa_private_key

if TYPE_CHECKING:
    from cryptography import x509


def _main(kind: str, module: str, token: str, pin: str, label: str, key_id: str, file: str) -> None:  # noqa: PLR0913 - the words of a command
    found = pkcs11.lib(module).get_token(token_label=token)
    name: dict[Attribute, Any] = {Attribute.LABEL: label, Attribute.ID: bytes.fromhex(key_id)}
    with found.open(rw=True, user_pin=pin) as session:
        if kind == "no-key":
            wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.LABEL: label}
            for one in list(session.get_objects(wanted)):
                one.destroy()
        elif kind == "certificate":
            for certificate in load_pem_x509_certificates(Path(file).read_bytes()):
                session.create_object({**_certificate(certificate), **name})
        else:
            attributes = _private_key(Path(file).read_bytes())
            attributes[Attribute.ALWAYS_AUTHENTICATE] = kind == "asking-key"
            session.create_object({**attributes, **name})


def _certificate(certificate: x509.Certificate) -> dict[Attribute, Any]:
    return {
        Attribute.CLASS: ObjectClass.CERTIFICATE,
        Attribute.CERTIFICATE_TYPE: CertificateType.X_509,
        Attribute.TOKEN: True,
        Attribute.SUBJECT: certificate.subject.public_bytes(),
        Attribute.VALUE: certificate.public_bytes(Encoding.DER),
    }


def _private_key(pem: bytes) -> dict[Attribute, Any]:
    key = load_pem_private_key(pem, None)
    is_rsa = isinstance(key, rsa.RSAPrivateKey)
    der = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    attributes = decode_rsa_private_key(der) if is_rsa else decode_ec_private_key(der)
    return {
        **attributes,
        Attribute.CLASS: ObjectClass.PRIVATE_KEY,
        Attribute.TOKEN: True,
        Attribute.PRIVATE: True,
        Attribute.SENSITIVE: True,
        Attribute.EXTRACTABLE: False,
        Attribute.SIGN: True,
    }


if __name__ == "__main__":
    _main(*sys.argv[1:])
