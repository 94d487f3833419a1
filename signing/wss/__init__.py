"""
WS-Security on SOAP messages: OASIS SOAP Message Security 1.1, X.509 and UsernameToken profiles.

`SecurityWriter` makes messages, `verify_message` judges them. What a message carries (a dossier,
an answer) is not known here.
"""

from __future__ import annotations

from signing.wss.login import Login, PasswordForm
from signing.wss.policy import SecurityPolicy, SecurityRefused, VerifiedMessage
from signing.wss.replay import Recall, ReplayMemory
from signing.wss.second import MessageOpinion
from signing.wss.verifying import verify_message
from signing.wss.writing import SecuredMessage, SecurityWriter

__all__ = [
    "Login",
    "MessageOpinion",
    "PasswordForm",
    "Recall",
    "ReplayMemory",
    "SecuredMessage",
    "SecurityPolicy",
    "SecurityRefused",
    "SecurityWriter",
    "VerifiedMessage",
    "verify_message",
]
