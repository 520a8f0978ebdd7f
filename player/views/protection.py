"""The headers that every answer of the content site carries, whatever its status.

Content Security Policy Level 3: a package loads from its own site, and from the hosts
that an author allowed for its version; it may speak to `/xapi` of the portal and be
framed by the portal and by the shell (`'self'`: the unit's frame lies within the
shell's). Large audio and video may come from the S3 server, where that is set.
"""

import logging
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from lrs.config import Config, plain_host

log = logging.getLogger("rollcall.content")

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Headers = list[tuple[str, str]]

SANDBOX = (
    "allow-scripts allow-same-origin allow-forms allow-popups allow-modals "
    "allow-downloads"
)
PERMISSIONS = (
    "unload=*, camera=(), microphone=(), geolocation=(), payment=(), usb=(), "
    "serial=(), hid=(), display-capture=()"
)
POLICY = "Content-Security-Policy"
# never sent, whatever answers: no cookies, no older way to forbid frames
NEVER = frozenset({"set-cookie", "x-frame-options", "service-worker-allowed"})
FAULT = b"Something went wrong here; it has been noted. Try again.\n"
# policies of as many sets of hosts are remembered
SETS = 1000


class Protection:
    """What the settings say of an installation's content site."""

    def __init__(self, config: Config) -> None:
        """Protect the content site of these settings."""
        self.config = config
        self.headers = lru_cache(maxsize=SETS)(self._headers)

    def _headers(self, hosts: tuple[str, ...] = ()) -> Headers:
        return [
            (POLICY, self.policy(hosts)),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Origin-Agent-Cluster", "?1"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Permissions-Policy", PERMISSIONS),
        ]

    def policy(self, hosts: tuple[str, ...] = ()) -> str:
        """The Content-Security-Policy of a package that may load from these hosts."""
        outside = "".join(f" {host}" for host in hosts if not self.is_ours(host))
        own, portal = "'self' data: blob:", self.config.portal_url
        media = self.config.s3_media_url
        return "; ".join(
            [
                f"default-src {own} 'unsafe-inline' 'unsafe-eval'{outside}",
                f"connect-src {own} {portal}/xapi/ {portal}/cmi5/fetch/{outside}",
                # where units of cmi5 lead when they are left
                f"frame-src {own} {portal}/cmi5/return/{outside}",
                *([f"media-src {own} {media}{outside}"] if media else ()),
                f"frame-ancestors 'self' {portal}",
                "base-uri 'self'",
                "form-action 'self'",
                "object-src 'none'",
                f"sandbox {SANDBOX}",
            ]
        )

    def is_ours(self, host: str) -> bool:
        """Whether the host is the portal's or of the content site."""
        for scheme in ("http", "https"):
            plain = plain_host(host, scheme=scheme)
            content = self.config.content_host
            if plain in {self.config.portal_host, content} or plain.endswith(
                f".{content}"
            ):
                return True
        return False

    def around(self, app: Wsgi) -> Wsgi:
        """The application with the headers on answers that have none of their own.

        A fault of ours is an answer too.
        """

        def protected(
            environ: dict[str, Any], start_response: Callable[..., Any]
        ) -> Iterable[bytes]:
            def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
                if not any(name == POLICY for name, _ in headers):
                    kept = [one for one in headers if one[0].lower() not in NEVER]
                    headers = [*self.headers(), *kept, ("Cache-Control", "no-store")]
                return start_response(status, headers, exc_info)

            try:
                return app(environ, start)
            except Exception:
                log.exception("an answer of the content site failed")
                headers = [("Content-Type", "text/plain; charset=utf-8")]
                start("500 Internal Server Error", headers)
                return [FAULT]

        return protected
