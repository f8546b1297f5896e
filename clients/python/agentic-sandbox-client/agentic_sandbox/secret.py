# SPDX-License-Identifier: Apache-2.0
"""Tokens and passwords, which no message, log or traceback may show."""

import re
from typing import Iterable

HIDDEN = "***"
# What a header can hold: http.client would quote anything else in its error.
_HEADER = re.compile(r"[\x20-\x7e]+\Z")


class Secret:
    """A text that only reveal() shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str):
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


def bearer(token: str, source: str) -> Secret:
    """The value of an Authorization header; raises ValueError, which names the source alone."""
    token = token.strip()
    if not token:
        raise ValueError(f"{source} is empty")
    if not _HEADER.match(token) or " " in token:
        raise ValueError(f"{source} has a character that a token cannot have")
    return Secret("Bearer " + token)


def hide(text: str, secrets: Iterable[Secret]) -> str:
    """The text without the secrets; a server may repeat what it was sent."""
    for secret in secrets:
        whole = secret.reveal()
        for part in (whole, whole.partition(" ")[2]):
            if part:
                text = text.replace(part, HIDDEN)
    return text
