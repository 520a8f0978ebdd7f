"""Settings, read once from the environment.

Every setting has the prefix `ROLLCALL_`; `NAME_FILE` reads the value from a file.
An unknown name or an unusable value stops the start with a message that says which.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from publicsuffixlist import PublicSuffixList

from statements.errors import InvalidConfig

PREFIX = "ROLLCALL_"


@dataclass(frozen=True, kw_only=True)
class Config:
    """All settings; the defaults run on SQLite and files with no set-up at all."""

    data: Path = Path("var")
    database_url: str = ""
    database_replica_url: str = ""
    storage_url: str = ""
    s3_endpoint_url: str = ""
    s3_media_url: str = ""
    portal_url: str = ""
    content_url: str = ""
    allow_insecure_content_origin: bool = False
    secret_key: str = field(default="", repr=False)
    smtp_url: str = field(default="", repr=False)
    timezone: str = "America/Los_Angeles"
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = field(default="", repr=False)
    oidc_post_id_claim: str = ""
    workers: int = 0
    host: str = "127.0.0.1"
    port: int = 8000
    trusted_proxies: int = 0
    package_quota_mb: int = 0

    def __post_init__(self) -> None:
        """Fill what depends on other settings and refuse what cannot work."""
        fill = {
            "database_url": self.database_url
            or f"sqlite:///{self.data.resolve() / 'rollcall.sqlite'}",
            "storage_url": self.storage_url
            or (self.data.resolve() / "storage").as_uri(),
            "portal_url": self.portal_url or f"http://localhost:{self.port}",
            "content_url": self.content_url or f"http://content.localhost:{self.port}",
            "workers": self.workers or os.cpu_count() or 1,
        }
        for name, value in fill.items():
            object.__setattr__(self, name, value)
        for name in ("portal_url", "content_url"):
            object.__setattr__(self, name, _origin(name, getattr(self, name)))
        if self.s3_media_url:
            url = _origin("s3_media_url", self.s3_media_url)
            object.__setattr__(self, "s3_media_url", url)
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise InvalidConfig(
                f"{PREFIX}TIMEZONE is {self.timezone!r}; "
                "give an IANA zone such as America/Los_Angeles."
            ) from error
        if not self.allow_insecure_content_origin:
            check_content_site(self.portal_url, self.content_url)

    @property
    def zone(self) -> ZoneInfo:
        """The zone that ends days, terms and cycles where none nearer is set."""
        return ZoneInfo(self.timezone)

    @property
    def portal_host(self) -> str:
        """Host and port of the portal, as in the `Host` header."""
        return urlsplit(self.portal_url).netloc

    @property
    def content_host(self) -> str:
        """Host and port of the content site; packages live on labels under it."""
        return urlsplit(self.content_url).netloc

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str], *, make_secret: bool = True
    ) -> "Config":
        """Read the settings; raises InvalidConfig naming the setting.

        Without `make_secret` nothing is made where there is no secret key yet.
        """
        given = dict(_read(environ))
        config = cls(**given)  # type: ignore[arg-type]
        is_made = make_secret or (config.data / "secret_key").exists()
        if not config.secret_key and is_made:
            object.__setattr__(config, "secret_key", _own_secret(config.data))
        return config


def _read(environ: Mapping[str, str]) -> list[tuple[str, object]]:
    """Pairs of field and value for every setting in the environment."""
    found: list[tuple[str, object]] = []
    for variable, text in sorted(environ.items()):
        if not variable.startswith(PREFIX):
            continue
        name, value = variable.removeprefix(PREFIX).lower(), text
        if name not in Config.__dataclass_fields__ and name.endswith("_file"):
            name = name.removesuffix("_file")
            try:
                value = Path(text).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise InvalidConfig(
                    f"{variable} names {text!r}, which cannot be read: "
                    f"{error.strerror}."
                ) from error
        if name not in Config.__dataclass_fields__:
            raise InvalidConfig(f"{variable} is not a setting of Rollcall.")
        found.append((name, _convert(variable, name, value)))
    return found


def _convert(variable: str, name: str, value: str) -> object:
    kind = Config.__dataclass_fields__[name].type
    if kind is Path:
        return Path(value)
    if kind is bool:
        words = {"1": True, "true": True, "on": True, "yes": True}
        words |= {"0": False, "false": False, "off": False, "no": False, "": False}
        if value.lower() not in words:
            raise InvalidConfig(f"{variable} is {value!r}; give 1 or 0.")
        return words[value.lower()]
    if kind is int:
        if not value.isdecimal():
            raise InvalidConfig(f"{variable} is {value!r}; give a whole number.")
        return int(value)
    return value


def _origin(name: str, url: str) -> str:
    """The origin as browsers write it: small letters, no port that goes unsaid."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path:
        raise InvalidConfig(
            f"{PREFIX}{name.upper()} is {url!r}; give scheme, host and port only, "
            "such as https://training.example.org, with no path."
        )
    return f"{parts.scheme}://{plain_host(parts.netloc, scheme=parts.scheme)}"


def plain_host(host: str, *, scheme: str) -> str:
    """Host and port in one spelling: no capitals, root dot or default port."""
    host = host.lower().removesuffix(":443" if scheme == "https" else ":80")
    return host.replace(".:", ":").rstrip(".")


def check_content_site(portal_url: str, content_url: str) -> None:
    """Refuse a content site that shares the portal's host or registrable domain.

    Ports do not separate cookies, and sibling names are the same site to a browser
    (measured), so a hostile package would act with the learner's session. Names
    under `localhost` count as separate sites.
    """
    portal = urlsplit(portal_url).hostname or ""
    content = urlsplit(content_url).hostname or ""
    if portal != content and content.endswith(".localhost"):
        return
    suffixes = PublicSuffixList()
    portal_site = suffixes.privatesuffix(portal) or portal
    if portal == content or portal_site == (suffixes.privatesuffix(content) or content):
        raise InvalidConfig(
            f"{PREFIX}CONTENT_URL ({content_url}) is on the same site as the portal "
            f"({portal_url}): packages could act as the learner. Give the content a "
            "domain of its own, or set ROLLCALL_ALLOW_INSECURE_CONTENT_ORIGIN=1 for "
            "development."
        )


def _own_secret(data: Path) -> str:
    """The secret kept in the data folder, made at the first start."""
    path = data / "secret_key"
    try:
        data.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise InvalidConfig(
            f"{PREFIX}DATA is {str(data)!r}, which cannot be written: {error.strerror}."
        ) from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
        file.flush()
        os.fsync(file.fileno())
    return path.read_text(encoding="ascii").strip()
