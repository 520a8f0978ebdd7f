"""Signed statements: the JWS in a signature attachment fits its statement.

xAPI 1.0.3 Data 2.6; xAPI 2.0 4.2.6; RFC 7515. This catches mistakes; whom to trust is
the reader's to decide, so neither validity dates nor roots of certificates are looked
at. No key is ever fetched, and none taken from the token but inside the certificates of
`x5c`: headers that name one elsewhere are refused, as are those that must be understood.
Only the compact serialization is taken, which 1.0.3 asks for and announces as the only
one of later versions.
"""

import base64
import binascii
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from statements import text
from statements.compare import same_statement
from statements.errors import Invalid, InvalidStatement
from statements.validate import check_statement

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

USAGE = "http://adlnet.gov/expapi/attachments/signature"
CONTENT_TYPE = "application/octet-stream"
ALGORITHMS = {"RS256": "SHA256", "RS384": "SHA384", "RS512": "SHA512"}
# a statement as large as a request may have, in base64, with certificates
MAX_LENGTH = 24 * 1024 * 1024
MAX_HEADER = 256 * 1024
MAX_CERTIFICATES = 10
# RSA keys of 1024 to 16384 bits
MIN_SIGNATURE, MAX_SIGNATURE = 128, 2048
SECTION = "Data 2.6; 2.0 4.2.6"
_COMPACT = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
# keys that would have to be fetched, or that prove nothing but themselves
_KEYS_ELSEWHERE = ("jku", "x5u", "jwk")


def is_signature(attachment: dict[str, Any]) -> bool:
    """Whether this attachment says that it is a signature."""
    return bool(attachment["usageType"] == USAGE)


def check_declaration(attachment: dict[str, Any], *, path: str) -> None:
    """A signature's attachment says what it has to; raises InvalidStatement."""
    if attachment["contentType"].strip().lower() != CONTENT_TYPE:
        detail = f"The contentType of a signature is {CONTENT_TYPE}."
        raise _wrong(Invalid(detail), path)


def check_signature(
    token: bytes,
    attachment: dict[str, Any],
    *,
    statement: dict[str, Any],
    version: str,
    path: str,
) -> None:
    """The token is a signature of the statement; raises InvalidStatement.

    `attachment`, found at `path`, declares the token; `statement`, which has it, is as
    received. A statement inside another is compared without its objectType.
    """
    check_declaration(attachment, path=path)
    try:
        _check(token, statement, version)
    except Invalid as error:
        raise _wrong(error, path) from error


def _wrong(error: Invalid, path: str) -> InvalidStatement:
    """The same of the attachment: what is wrong inside it has a path of its own."""
    inside = error.extra.get("requirement", error.detail)
    return InvalidStatement(
        f"{path}: {error.detail}", path=path, requirement=inside, section=SECTION
    )


def _check(token: bytes, statement: dict[str, Any], version: str) -> None:
    match = _COMPACT.fullmatch(token)
    if match is None:
        raise Invalid("The signature is not a JWS in compact serialization.")
    header = _header(match[1])
    payload = _payload(match[2], version)
    signature = _base64url(match[3], "signature")
    if not MIN_SIGNATURE <= len(signature) <= MAX_SIGNATURE:
        raise Invalid(f"{len(signature)} bytes are not an RSA signature.")
    if "x5c" in header:
        signed = token[: match.end(2)]
        _verify(header["x5c"], ALGORITHMS[header["alg"]], signed, signature)
    _compare(payload, statement)


def _base64url(value: bytes, what: str) -> bytes:
    """The decoded bytes; only the one spelling that RFC 7515 gives them."""
    try:
        found = base64.urlsafe_b64decode(value + b"=" * (-len(value) % 4))
    except binascii.Error as error:
        raise Invalid(f"The {what} of the JWS is not base64url.") from error
    if base64.urlsafe_b64encode(found).rstrip(b"=") != value:
        raise Invalid(f"The {what} of the JWS is not base64url.")
    return found


def _header(value: bytes) -> dict[str, Any]:
    if len(value) > MAX_HEADER:
        raise Invalid(f"The header of the JWS has more than {MAX_HEADER} bytes.")
    # parameters are named once (RFC 7515, 4), as everywhere
    header = _json(_base64url(value, "header"), "header")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        allowed = ", ".join(ALGORITHMS)
        raise Invalid(f"The algorithm of a signature is one of {allowed}.")
    for name in _KEYS_ELSEWHERE:
        if name in header:
            raise Invalid(f"Give the certificate in x5c; {name} is not followed.")
    if "crit" in header or header.get("b64", True) is not True:
        raise Invalid("Extensions that must be understood (crit, b64) are not.")
    return header


def _payload(value: bytes, version: str) -> dict[str, Any]:
    payload = _json(_base64url(value, "payload"), "payload")
    try:
        check_statement(payload, version=version)
    except InvalidStatement as error:
        raise Invalid(f"The signed statement: {error.detail}") from error
    return payload


def _json(raw: bytes, what: str) -> dict[str, Any]:
    try:
        value = text.load(raw)
    except Invalid as error:
        raise Invalid(f"The {what} of the JWS is not JSON: {error.detail}") from error
    if not isinstance(value, dict):
        raise Invalid(f"The {what} of the JWS is not a JSON object.")
    return value


def _verify(chain: Any, hash_name: str, signed: bytes, signature: bytes) -> None:
    """The first certificate made the signature, and each next one the one before."""
    # a tenth of a second that requests without signatures need not wait
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    certificates = _certificates(chain)
    try:
        key = certificates[0].public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Invalid("The key of the certificate in x5c cannot be used.") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise Invalid("The key of the certificate in x5c is not an RSA key.")
    if not MIN_SIGNATURE <= (key.key_size + 7) // 8 <= MAX_SIGNATURE:
        raise Invalid(f"RSA keys of {key.key_size} bits are not taken.")
    try:
        key.verify(signature, signed, padding.PKCS1v15(), getattr(hashes, hash_name)())
    except InvalidSignature as error:
        raise Invalid(
            "The signature was not made with the key of the certificate in x5c."
        ) from error
    for one, issuer in pairwise(certificates):
        if not _may_be_issued_by(one, issuer):
            raise Invalid("A certificate in x5c is not issued by the next one.")


def _may_be_issued_by(one: "Certificate", issuer: "Certificate") -> bool:
    """False where the issuer's name or key is another's.

    Old ways to sign a certificate, SHA-1 among them, cannot be checked any more.
    """
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    if one.issuer != issuer.subject:
        return False
    try:
        one.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError):
        return False
    except (UnsupportedAlgorithm, ValueError):
        return True
    return True


def _certificates(chain: Any) -> "list[Certificate]":
    from cryptography import x509

    if not isinstance(chain, list) or not 1 <= len(chain) <= MAX_CERTIFICATES:
        raise Invalid(f"x5c is a list of 1 to {MAX_CERTIFICATES} certificates.")
    found = []
    for one in chain:
        try:
            if not isinstance(one, str) or not _BASE64.fullmatch(one):
                raise ValueError
            der = base64.b64decode(one, validate=True)
            certificate = x509.load_der_x509_certificate(der)
            # parsed when asked for, that is now
            _ = certificate.issuer, certificate.subject
            found.append(certificate)
        except ValueError as error:
            raise Invalid("x5c holds something that is no certificate.") from error
    return found


def _compare(payload: dict[str, Any], statement: dict[str, Any]) -> None:
    """The payload is the statement before it was signed, perhaps signed before."""
    earlier = [one for one in payload.get("attachments", ()) if is_signature(one)]
    kept = {one["sha2"].lower() for one in statement["attachments"]}
    if any(one["sha2"].lower() not in kept for one in earlier) or not same_statement(
        _unsigned(payload), _unsigned(statement)
    ):
        raise Invalid(
            "The payload of the JWS is not the statement that it is attached to."
        )


def _unsigned(statement: dict[str, Any]) -> dict[str, Any]:
    """Without the signatures; a statement inside another without its objectType."""
    rest = [one for one in statement.get("attachments", ()) if not is_signature(one)]
    kept = {
        name: value
        for name, value in statement.items()
        if name not in {"attachments", "objectType"}
    }
    return kept | ({"attachments": rest} if rest else {})
