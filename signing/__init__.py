"""
Sign documents and judge signed ones: keys, XAdES signatures, trust, development keys.

Knows nothing of dossiers or portals: any XML whose root has an `Id` can be signed, and what was
proven comes back as bytes. Of our packages it imports only the hardened parser of `schemas`.
"""

from __future__ import annotations

from signing.asic import CONTAINER_TYPE, SIGNATURES, ContainedFile, sign_files
from signing.canonical import canonical_bytes
from signing.certificates import Signer, load_certificates, read_signer
from signing.devauthority import (
    DevelopmentAuthority,
    Withdrawn,
    load_development_authority,
)
from signing.devpki import (
    DEVELOPMENT_MARK,
    DevelopmentPki,
    KeyFiles,
    add_development_key,
    export_pkcs12,
    is_development,
    make_development_pki,
)
from signing.errors import (
    DocumentUnsignable,
    KeyUnusable,
    NoCanonicalForm,
    Reason,
    SignatureRefused,
    SigningError,
)
from signing.explaining import Step, StepResult, Words, explain
from signing.file_names import relative_uri
from signing.keys import Passphrase, SigningKey, load_pem, load_pkcs12
from signing.plain import PlainSigner
from signing.policy import (
    AGENCY_DOCUMENT,
    EDXML_LEGACY,
    PORTAL_RECEIPT,
    TrustUnusable,
    VerificationPolicy,
    load_policy,
)
from signing.profile import Algorithm, Form, Hash, LegacyAlgorithm, RsaPadding
from signing.revocation import Demand, Found, Kept, Revocation, RevocationSource
from signing.standing import Evidence, Kind, Standing, Status
from signing.trust import CertificateFindings, certificate_reasons
from signing.values import is_signed_by, prove, sign_bytes
from signing.verdicts import Inspection, Verified, VerifiedFile, VerifiedPlain
from signing.verifying import (
    inspect,
    inspect_detached,
    inspect_plain,
    verify,
    verify_detached,
    verify_plain,
)
from signing.xades import XadesSigner

__all__ = [
    "AGENCY_DOCUMENT",
    "CONTAINER_TYPE",
    "DEVELOPMENT_MARK",
    "EDXML_LEGACY",
    "PORTAL_RECEIPT",
    "SIGNATURES",
    "Algorithm",
    "CertificateFindings",
    "ContainedFile",
    "Demand",
    "DevelopmentAuthority",
    "DevelopmentPki",
    "DocumentUnsignable",
    "Evidence",
    "Form",
    "Found",
    "Hash",
    "Inspection",
    "Kept",
    "KeyFiles",
    "KeyUnusable",
    "Kind",
    "LegacyAlgorithm",
    "NoCanonicalForm",
    "Passphrase",
    "PlainSigner",
    "Reason",
    "Revocation",
    "RevocationSource",
    "RsaPadding",
    "SignatureRefused",
    "Signer",
    "SigningError",
    "SigningKey",
    "Standing",
    "Status",
    "Step",
    "StepResult",
    "TrustUnusable",
    "VerificationPolicy",
    "Verified",
    "VerifiedFile",
    "VerifiedPlain",
    "Withdrawn",
    "Words",
    "XadesSigner",
    "add_development_key",
    "canonical_bytes",
    "certificate_reasons",
    "explain",
    "export_pkcs12",
    "inspect",
    "inspect_detached",
    "inspect_plain",
    "is_development",
    "is_signed_by",
    "load_certificates",
    "load_development_authority",
    "load_pem",
    "load_pkcs12",
    "load_policy",
    "make_development_pki",
    "prove",
    "read_signer",
    "relative_uri",
    "sign_bytes",
    "sign_files",
    "verify",
    "verify_detached",
    "verify_plain",
]
