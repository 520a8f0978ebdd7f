"""Keys, certificates and tokens, good ones and crafted ones."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import NameOID

from statements.signatures import USAGE
from tests.statements.cases import AGENT, ATTACHMENT, ID, OTHER_AGENT, OTHER_ID, VERB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "RS256": hashes.SHA256,
    "RS384": hashes.SHA384,
    "RS512": hashes.SHA512,
}
PAYLOAD: dict[str, Any] = {
    "id": ID,
    "actor": AGENT,
    "verb": VERB,
    "object": {"id": "http://example.org/activities/exam"},
    "result": {"score": {"scaled": 0.9}, "success": True},
    "timestamp": "2026-03-02T17:00:00Z",
}
PLACES = (
    "http://127.0.0.1:9/keys",
    "http://[::1]:9/keys",
    "http://169.254.169.254/latest/meta-data",
    "https://keys.example.org/jwks.json",
    "file:///etc/passwd",
    "ldap://example.org/",
    "data:application/json,{}",
    "javascript:alert(1)",
    "//example.org/keys",
    "",
    None,
    7,
)


@functools.cache
def rsa_key(name: str = "officer") -> rsa.RSAPrivateKey:
    """A key of its own for each name."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@functools.cache
def certificate(subject: str = "officer", issuer: str = "officer") -> x509.Certificate:
    """The certificate of the subject's key, made with the issuer's."""
    names = [
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)])
        for one in (subject, issuer)
    ]
    day = datetime(2020, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(names[0])
        .issuer_name(names[1])
        .public_key(rsa_key(subject).public_key())
        .serial_number(7)
        .not_valid_before(day)
        .not_valid_after(day + timedelta(days=1))
        .sign(rsa_key(issuer), hashes.SHA256())
    )


@functools.cache
def strange_certificate(kind: str) -> x509.Certificate:
    """A certificate whose key is not one of RSA."""
    key: Any = (
        ec.generate_private_key(ec.SECP256R1())
        if kind == "ec"
        else ed25519.Ed25519PrivateKey.generate()
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, kind)])
    day = datetime(2020, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(day)
        .not_valid_after(day + timedelta(days=1))
        .sign(key, hashes.SHA256() if kind == "ec" else None)
    )


def der64(one: x509.Certificate) -> str:
    return base64.b64encode(one.public_bytes(serialization.Encoding.DER)).decode()


def encode(value: Any) -> bytes:
    raw = value if isinstance(value, bytes) else orjson.dumps(value)
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def sign(
    payload: Any,
    *,
    header: Any = None,
    with_chain: bool = True,
    key: str = "officer",
    algorithm: str = "RS256",
) -> bytes:
    """A token made with the key, whatever its header and payload say."""
    if header is None:
        header = {"alg": algorithm}
        if with_chain:
            header["x5c"] = [der64(certificate(key, "academy"))]
            header["x5c"].append(der64(certificate("academy", "academy")))
    signed = encode(header) + b"." + encode(payload)
    made = rsa_key(key).sign(signed, padding.PKCS1v15(), HASHES[algorithm]())
    return signed + b"." + encode(made)


def declare(token: bytes, **members: Any) -> dict[str, Any]:
    """The attachment of a signature."""
    return {
        "usageType": USAGE,
        "display": {"en-US": "Signature"},
        "contentType": "application/octet-stream",
        "length": len(token),
        "sha2": hashlib.sha256(token).hexdigest(),
        **members,
    }


def crafted() -> Iterator[tuple[str, bytes]]:
    """Tokens for PAYLOAD that have to be refused, each with its name."""
    yield from _bad_algorithms()
    yield from _bad_headers()
    yield from _bad_chains()
    yield from _bad_forms()
    yield from _bad_payloads()
    yield from _bad_signatures()


def _bad_algorithms() -> Iterator[tuple[str, bytes]]:
    public = rsa_key().public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    good = {"x5c": [der64(certificate())]}
    names: tuple[Any, ...] = (
        *("none", "None", "NONE", "nOnE", "", " ", "HS256", "HS384", "HS512", "ES256"),
        *("ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA", "ES256K", "RS1"),
        *("rs256", "RS256 ", " RS256", "RS256\n", "RS2560", "SHA256", "A128KW", "dir"),
        *(None, 0, 256, True, False, [], ["RS256"], {}, {"alg": "RS256"}),
    )
    for name in names:
        headers: tuple[dict[str, Any], ...] = ({"alg": name, **good}, {"alg": name})
        for header in headers:
            signed = encode(header) + b"." + encode(PAYLOAD)
            yield f"alg {name!r} with a real signature", sign(PAYLOAD, header=header)
            yield f"alg {name!r} with no signature", signed + b"."
        mac = hmac.new(pem, signed, hashlib.sha256).digest()
        yield f"alg {name!r} with a MAC", signed + b"." + encode(mac)
    headers = (good, {}, {"Alg": "RS256"}, {"typ": "JWT"})
    for header in headers:
        yield f"no alg in {list(header)}", sign(PAYLOAD, header=header)
    for size in (hashlib.sha256, hashlib.sha384, hashlib.sha512):
        # a MAC whose key is public, called a signature of RSA
        signed = encode({"alg": "RS256"} | good) + b"." + encode(PAYLOAD)
        mac = hmac.new(pem, signed, size).digest()
        yield f"{size().name} instead of RSA", signed + b"." + encode(mac)
        signed = encode({"alg": "RS256"}) + b"." + encode(PAYLOAD)
        mac = hmac.new(pem, signed, size).digest()
        yield f"{size().name}, no certificate", signed + b"." + encode(mac)


def _bad_headers() -> Iterator[tuple[str, bytes]]:
    good = {"alg": "RS256", "x5c": [der64(certificate())]}
    for name in ("jku", "x5u", "jwk"):
        for place in PLACES:
            yield f"{name} {place!r}", sign(PAYLOAD, header=good | {name: place})
            yield (
                f"{name} {place!r} alone",
                sign(PAYLOAD, header={"alg": "RS256", name: place}),
            )
    numbers = rsa_key().public_key().public_numbers()
    own = {"kty": "RSA", "e": "AQAB", "n": encode(numbers.n.to_bytes(256)).decode()}
    yield "the key itself", sign(PAYLOAD, header={"alg": "RS256", "jwk": own})
    crits: tuple[Any, ...] = ([], ["exp"], ["b64"], ["alg"], "exp", None, {}, 1)
    for crit in crits:
        yield f"crit {crit!r}", sign(PAYLOAD, header=good | {"crit": crit})
    for b64 in (False, 0, None, "false", "true", 1):
        yield f"b64 {b64!r}", sign(PAYLOAD, header=good | {"b64": b64})
    deep = b'{"alg":"RS256","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    for name, raw in {
        "not JSON": b"{alg:RS256}",
        "a list": b'["RS256"]',
        "a string": b'"RS256"',
        "a number": b"256",
        "null": b"null",
        "empty": b" ",
        "alg twice": b'{"alg":"none","alg":"RS256"}',
        "alg twice, otherwise": b'{"alg":"RS256","alg":"none"}',
        "alg twice, spelt apart": b'{"alg":"RS256","\\u0061lg":"RS256"}',
        "kid twice inside": b'{"alg":"RS256","x":{"kid":1,"kid":2}}',
        "deep": deep,
        "no UTF-8": b'{"alg":"RS256","kid":"\xff"}',
        "UTF-16": '{"alg":"RS256"}'.encode("utf-16"),
        "byte order mark": b'\xef\xbb\xbf{"alg":"RS256"}',
        "NUL": b'{"alg":"RS256","kid":"\\u0000"}',
        "NaN": b'{"alg":"RS256","exp":NaN}',
        "large": b'{"alg":"RS256","kid":"' + b"k" * 400_000 + b'"}',
    }.items():
        yield f"header: {name}", sign(PAYLOAD, header=raw)


def _bad_chains() -> Iterator[tuple[str, bytes]]:
    own, academy = certificate("officer", "academy"), certificate("academy", "academy")
    der = own.public_bytes(serialization.Encoding.DER)
    pem = own.public_bytes(serialization.Encoding.PEM).decode()
    private = rsa_key().private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    foreign, cut = certificate("stranger", "stranger"), base64.b64encode(der[:-9])
    url_safe = base64.urlsafe_b64encode(der).decode().replace("+", "-") + "-_"
    chains: dict[str, Any] = {
        "empty": [],
        "null": None,
        "a string": der64(own),
        "an object": {"0": der64(own)},
        "a number in it": [7],
        "null in it": [None],
        "an empty string": [""],
        "no base64": ["!!!!"],
        "base64 of nothing": [base64.b64encode(b"certificate").decode()],
        "base64url": [url_safe],
        "PEM": [pem],
        "broken lines": [der64(own)[:64] + "\n" + der64(own)[64:]],
        "a space": [der64(own) + " "],
        "cut off": [cut.decode()],
        "more behind it": [base64.b64encode(der + b"0").decode()],
        "a private key": [base64.b64encode(private).decode()],
        "a changed byte": [
            base64.b64encode(der[:-9] + bytes([der[-9] ^ 1]) + der[-8:]).decode(),
            der64(academy),
        ],
        "the key of another": [der64(foreign)],
        "the academy's": [der64(academy)],
        "backward": [der64(academy), der64(own)],
        "not the issuer": [der64(own), der64(foreign)],
        "not the issuer, of the same name": [
            der64(own),
            der64(_namesake()),
        ],
        "itself twice": [der64(own), der64(own)],
        "rubbish second": [der64(own), "AAAA"],
        "too many": [der64(academy)] * 11,
        "elliptic curve": [der64(strange_certificate("ec"))],
        "Ed25519": [der64(strange_certificate("ed25519"))],
        "an unknown curve": [_unknown_curve()],
        "a short key": [der64(_short_key())],
    }
    for name, chain in chains.items():
        yield (
            f"x5c: {name}",
            sign(PAYLOAD, header={"alg": "RS256", "x5c": chain}),
        )


@functools.cache
def _namesake() -> x509.Certificate:
    """A certificate of somebody else who is called academy."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "academy")])
    day = datetime(2020, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(rsa_key("stranger").public_key())
        .serial_number(8)
        .not_valid_before(day)
        .not_valid_after(day + timedelta(days=1))
        .sign(rsa_key("stranger"), hashes.SHA256())
    )


def _unknown_curve() -> str:
    """A certificate whose key no library knows what to do with."""
    der = base64.b64decode(der64(strange_certificate("ec")))
    known, unknown = (bytes.fromhex(f"2a8648ce3d0301{end}") for end in ("07", "7f"))
    assert known in der
    return base64.b64encode(der.replace(known, unknown)).decode()


@functools.cache
def _short_key() -> x509.Certificate:
    """A certificate of a key of 768 bits."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "short")])
    day = datetime(2020, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(rsa.RSAPublicNumbers(65537, (1 << 767) + 1).public_key())
        .serial_number(9)
        .not_valid_before(day)
        .not_valid_after(day + timedelta(days=1))
        .sign(rsa_key(), hashes.SHA256())
    )


def _bad_forms() -> Iterator[tuple[str, bytes]]:
    good = sign(PAYLOAD)
    header, payload, signature = good.split(b".")
    flat = {
        "protected": header.decode(),
        "payload": payload.decode(),
        "signature": signature.decode(),
    }
    # of the last character of 256 bytes in base64, two bits count
    loose = signature[:-1] + bytes([signature[-1] + 1])
    for name, token in {
        "nothing": b"",
        "dots": b"..",
        "one dot": b".",
        "no dots": header,
        "two parts": header + b"." + payload,
        "four parts": good + b"." + signature,
        "encrypted": b".".join([header, payload, signature, payload, header]),
        "no header": b"." + payload + b"." + signature,
        "no payload": header + b".." + signature,
        "no signature": header + b"." + payload + b".",
        "line end after it": good + b"\n",
        "space before it": b" " + good,
        "quotes": b'"' + good + b'"',
        "Bearer": b"Bearer " + good,
        "padding": good + b"=",
        "padding inside": header + b"=." + payload + b"." + signature,
        "base64 of the other alphabet": header + b"." + payload + b"+/." + signature,
        "a NUL": good + b"\0",
        "a byte order mark": b"\xef\xbb\xbf" + good,
        "UTF-16": good.decode().encode("utf-16-le"),
        "one character more": good + b"A",
        "loose bits": header + b"." + payload + b"." + loose,
        "one character as header": b"A." + payload + b"." + signature,
        "JSON, flattened": orjson.dumps(flat),
        "JSON, general": orjson.dumps(
            {"payload": flat["payload"], "signatures": [flat]}
        ),
        "the statement itself": orjson.dumps(PAYLOAD),
        "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    }.items():
        yield f"form: {name}", token


def _bad_payloads() -> Iterator[tuple[str, bytes]]:
    other = {"objectType": "Agent", "mbox": "mailto:somebody.else@example.org"}
    changed: dict[str, Any] = {
        "another actor": {"actor": OTHER_AGENT},
        "another actor, typed": {"actor": other},
        "another verb": {"verb": {"id": "http://adlnet.gov/expapi/verbs/passed"}},
        "another object": {"object": {"id": "http://example.org/activities/other"}},
        "an agent as object": {"object": other},
        "another id": {"id": OTHER_ID},
        "another score": {"result": {"score": {"scaled": 0.91}, "success": True}},
        "another success": {"result": {"score": {"scaled": 0.9}, "success": False}},
        "no success": {"result": {"score": {"scaled": 0.9}}},
        "another time": {"timestamp": "2026-03-02T17:00:01Z"},
        "a context": {"context": {"registration": OTHER_ID}},
        "an attachment": {
            "attachments": [
                {
                    **ATTACHMENT,
                    "fileUrl": "http://example.org/file",
                }
            ]
        },
        "a signature before": {"attachments": [declare(b"another token")]},
        "a member that is none": {"exp": 4102444800},
        "a wrong actor": {"actor": {"name": "nobody"}},
        "a wrong timestamp": {"timestamp": "today"},
    }
    for name, members in changed.items():
        yield f"payload: {name}", sign(PAYLOAD | members)
        yield f"payload: {name}, no x5c", sign(PAYLOAD | members, with_chain=False)
    for name in ("actor", "verb", "object", "result"):
        rest = {key: value for key, value in PAYLOAD.items() if key != name}
        yield f"payload: no {name}", sign(rest)
    for name, raw in {
        "empty": b" ",
        "not JSON": b"{'actor': 1}",
        "a list": orjson.dumps([PAYLOAD]),
        "a string": orjson.dumps(orjson.dumps(PAYLOAD).decode()),
        "null": b"null",
        "an object of nothing": b"{}",
        "claims": b'{"sub":"officer","iss":"x","exp":' + b"9" * 300 + b"}",
        "huge numbers": b'{"exp":1' + b"0" * 100_000 + b"}",
        "deep": b'{"actor":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "no UTF-8": orjson.dumps(PAYLOAD).replace(b"answered", b"answer\xff"),
        "NUL": orjson.dumps(PAYLOAD | {"id": "\0"}),
        "cut off": orjson.dumps(PAYLOAD)[:-1],
        "two statements": orjson.dumps(PAYLOAD) * 2,
    }.items():
        yield f"payload: {name}", sign(raw)


def _bad_signatures() -> Iterator[tuple[str, bytes]]:
    good = sign(PAYLOAD)
    signed, _, signature = good.rpartition(b".")
    raw = base64.urlsafe_b64decode(signature + b"==")
    for at in (0, 1, 100, 254, 255):
        flipped = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        yield f"signature: a bit at {at}", signed + b"." + encode(flipped)
    for name, value in {
        "zeros": bytes(256),
        "ones": b"\xff" * 256,
        "one": b"\0" * 255 + b"\1",
        "cut off": raw[:-1],
        "longer": raw + b"\0",
        "half": raw[:128],
        "too short": raw[:127],
        "too long": raw * 9,
        "of another": rsa_key("stranger").sign(
            signed, padding.PKCS1v15(), hashes.SHA256()
        ),
        "PSS": rsa_key().sign(
            signed,
            padding.PSS(padding.MGF1(hashes.SHA256()), 32),
            hashes.SHA256(),
        ),
        "another hash": rsa_key().sign(signed, padding.PKCS1v15(), hashes.SHA512()),
    }.items():
        yield f"signature: {name}", signed + b"." + encode(value)
    elsewhere = sign(PAYLOAD | {"id": OTHER_ID}).rpartition(b".")[2]
    yield "signature: of another statement", signed + b"." + elsewhere
    for size in (1, 32, 64, 127, 2049):
        plain = sign(PAYLOAD, with_chain=False).rpartition(b".")[0]
        yield (
            f"signature: {size} bytes, no x5c",
            plain + b"." + encode(b"\1" * size),
        )
