"""
The names of WS-Security that are written and accepted here.

Sources: OASIS SOAP Message Security 1.1, X.509 Certificate Token Profile 1.1, UsernameToken
Profile 1.1; W3C SOAP 1.1 and 1.2. What is not named here (encryption, SAML, Kerberos, derived
keys, other references to keys than a token in the message) is not accepted.
"""

from __future__ import annotations

from typing import Final

SOAP_11: Final = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12: Final = "http://www.w3.org/2003/05/soap-envelope"

_OASIS: Final = "http://docs.oasis-open.org/wss/"
WSSE: Final = f"{_OASIS}2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU: Final = f"{_OASIS}2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
WSSE11: Final = f"{_OASIS}oasis-wss-wssecurity-secext-1.1.xsd"
BASE64: Final = f"{_OASIS}2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
X509_V3: Final = f"{_OASIS}2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
PKI_PATH: Final = f"{_OASIS}2004/01/oasis-200401-wss-x509-token-profile-1.0#X509PKIPathv1"
_USERNAME: Final = f"{_OASIS}2004/01/oasis-200401-wss-username-token-profile-1.0"
PASSWORD_TEXT: Final = f"{_USERNAME}#PasswordText"
PASSWORD_DIGEST: Final = f"{_USERNAME}#PasswordDigest"

WSU_ID: Final = f"{{{WSU}}}Id"
SECURITY: Final = f"{{{WSSE}}}Security"
ACTORS: Final = {SOAP_11: f"{{{SOAP_11}}}actor", SOAP_12: f"{{{SOAP_12}}}role"}
"""The attribute that says for whom a header is, by SOAP version."""
