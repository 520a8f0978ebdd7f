"""The token endpoint of OAuth 2, for the grant of client credentials.

RFC 6749 3.2, 4.4, 5; RFC 7009 (revocation); RFC 8414 (metadata). A client is a
credential: its key and secret, by Basic or in the form, buy a token for an hour. What
OAuth says of requests and answers is Authlib's; who a client is and what it may do is
ours.
"""

from datetime import UTC, datetime
from typing import Any

import orjson
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientMixin,
    InvalidClientError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Request,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint
from flask import Blueprint, Request, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from lrs import problems
from lrs.credentials import SCOPES, Caller, admit, verify_secret
from lrs.db import reading, writing
from lrs.oauth import InvalidScope, find_token, issue_token, revoke_token
from lrs.views import callers
from lrs.views.access import allow
from lrs.views.application import parts
from statements.errors import DomainError, Unauthenticated

BLUEPRINT = Blueprint("oauth", __name__, url_prefix="/xapi/oauth")
METADATA = Blueprint("oauth_metadata", __name__, url_prefix="/.well-known")

LARGEST_FORM = 16 * 1024
FORM = "application/x-www-form-urlencoded"
AUTHENTICATION = ["client_secret_basic", "client_secret_post"]
OTHER_METHODS = ["GET", "PUT", "PATCH", "DELETE"]


@BLUEPRINT.post("/token")
@allow("public")
def token() -> Response:
    """A token for a credential, or why there is none."""
    given = _form()
    if "grant_type" not in given:
        raise InvalidRequestError("The parameter grant_type is missing.")
    answer: Response = TokenServer(datetime.now(UTC)).create_token_response(given)
    return answer


@BLUEPRINT.post("/revoke")
@allow("public")
def revoke() -> Response:
    """Refuse a token of the client's own from now on; 200 for an unknown one too."""
    server, name = TokenServer(datetime.now(UTC)), Revocation.ENDPOINT_NAME
    answer: Response = server.create_endpoint_response(name, _form())
    return answer


@BLUEPRINT.route("/token", methods=OTHER_METHODS)
@BLUEPRINT.route("/revoke", methods=OTHER_METHODS)
@allow("public")
def not_so() -> Response:
    """Forms are posted here, nothing else."""
    raise MethodNotAllowed(["POST"])


@METADATA.get("/oauth-authorization-server")
@allow("public")
def metadata() -> Response:
    """Where tokens are had and how (RFC 8414 2)."""
    issuer = parts().config.portal_url
    found = {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/xapi/oauth/token",
        "token_endpoint_auth_methods_supported": AUTHENTICATION,
        "revocation_endpoint": f"{issuer}/xapi/oauth/revoke",
        "revocation_endpoint_auth_methods_supported": AUTHENTICATION,
        "grant_types_supported": [ClientCredentialsGrant.GRANT_TYPE],
        # required, and there is no authorization endpoint that would give any
        "response_types_supported": ["none"],
        "scopes_supported": list(SCOPES),
    }
    return Response(orjson.dumps(found), content_type="application/json")


@BLUEPRINT.errorhandler(OAuth2Error)
def _refused(error: OAuth2Error) -> Response:
    return TokenServer.handle_response(*error())


@BLUEPRINT.errorhandler(HTTPException)
def _refused_by_the_framework(error: HTTPException) -> Response:
    body = {"error": "invalid_request", "error_description": error.description}
    answer = TokenServer.handle_response(error.code or 500, body, [])
    for name, value in error.get_headers():
        if name == "Allow":
            answer.headers[name] = value
    return answer


@BLUEPRINT.errorhandler(DomainError)
def _refused_here(error: DomainError) -> Response:
    return callers.problem_response(error)


@BLUEPRINT.after_request
def _keep_nothing(answer: Response) -> Response:
    """Headers of every answer (RFC 6749 5.1)."""
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Pragma"] = "no-cache"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


class Form(OAuth2Request):  # type: ignore[misc]
    """A posted form as Authlib reads requests: of the address nothing counts."""

    def __init__(self, sent: Request, address: str) -> None:
        """Read the form; raises InvalidRequestError for one that cannot be used."""
        super().__init__(sent.method, address, headers=sent.headers)
        sent.max_content_length = LARGEST_FORM
        if sent.mimetype != FORM:
            raise InvalidRequestError(f"Parameters are posted as {FORM}.")
        self._form = sent.form.to_dict()
        if any(len(values) > 1 for values in sent.form.listvalues()):
            raise InvalidRequestError("A parameter is given more than once.")
        if "client_secret" in self._form and "Authorization" in sent.headers:
            raise InvalidRequestError("The client is authenticated in one way only.")
        self.payload = BasicOAuth2Payload(self._form)

    @property
    def form(self) -> dict[str, str]:
        """The parameters."""
        return self._form

    def __contains__(self, name: str) -> bool:
        """Whether a parameter is there."""
        return name in self._form


def _form() -> Form:
    return Form(request, f"{parts().config.portal_url}{request.path}")


class Client(ClientMixin):  # type: ignore[misc]
    """A credential as Authlib sees clients, authenticated already."""

    def __init__(self, caller: Caller) -> None:
        """Stand for this caller."""
        self.caller = caller

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether it may ask in this way: every credential may in the only one."""
        return bool(grant_type == ClientCredentialsGrant.GRANT_TYPE)


class Grant(ClientCredentialsGrant):  # type: ignore[misc]
    """The grant, with the ways in which clients authenticate here."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTHENTICATION


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    """RFC 7009; hints are of no use, there is one kind of token."""

    CLIENT_AUTH_METHODS = AUTHENTICATION

    def check_params(self, sent: Form, client: Client) -> None:
        """Require the token."""
        del client
        if "token" not in sent:
            raise InvalidRequestError("The parameter token is missing.")

    def query_token(self, token_string: str, token_type_hint: str | None) -> Any:
        """The token, or None."""
        del token_type_hint
        with reading(parts().engine) as db:
            found = find_token(db, token=token_string)
            return None if found is None else Held(found.credential_id, token_string)

    def revoke_token(self, token: "Held", sent: Form) -> None:
        """Refuse the token from now on."""
        del sent
        with writing(parts().engine) as db:
            revoke_token(db, token=token.token)


class Held:
    """A token as Authlib sees one."""

    def __init__(self, credential_id: object, token: str) -> None:
        """Stand for this token."""
        self.credential_id, self.token = credential_id, token

    def check_client(self, client: Client) -> bool:
        """Whether it was given to this client."""
        return self.credential_id == client.caller.credential_id


class TokenServer(AuthorizationServer):  # type: ignore[misc]
    """Authlib's server for one request."""

    def __init__(self, now: datetime) -> None:
        """Answer one request that came at this instant."""
        super().__init__()
        self.now = now
        self.register_grant(Grant)
        self.register_endpoint(Revocation)

    def create_oauth2_request(self, sent: Form) -> Form:
        """The request, which is read already."""
        return sent

    def get_token_grant(self, sent: Form) -> Any:
        """The one grant; raises UnsupportedGrantTypeError for others, with words."""
        try:
            return super().get_token_grant(sent)
        except UnsupportedGrantTypeError as error:
            error.description = "The grant here is client_credentials."
            raise

    def authenticate_client(
        self, sent: Form, methods: list[str], endpoint: str = "token"
    ) -> Client:
        """The credential that asks; raises InvalidClientError.

        An unknown key and a wrong secret are one answer, and a token buys no token.
        """
        del methods, endpoint
        header = sent.headers.get("Authorization", "")
        try:
            with reading(parts().engine) as db:
                if header.lower().startswith("basic"):
                    caller = admit(db, authorization=header, now=self.now)
                else:
                    caller = verify_secret(
                        db,
                        key=sent.form.get("client_id", ""),
                        secret=sent.form.get("client_secret", ""),
                        now=self.now,
                    )
        except Unauthenticated:
            raise InvalidClientError(
                "The key or secret of the credential is not valid.", status_code=401
            ) from None
        callers.count(caller, now=self.now)
        client = sent.client = Client(caller)
        return client

    def generate_token(self, **asked: Any) -> dict[str, Any]:
        """A stored token as RFC 6749 5.1 shows it; raises InvalidScopeError."""
        wanted = (asked["scope"] or "").split()
        try:
            with writing(parts().engine) as db:
                issued = issue_token(
                    db, caller=asked["client"].caller, scopes=wanted, now=self.now
                )
        except InvalidScope:
            raise InvalidScopeError(
                "The scope is unknown, or more than the credential holds."
            ) from None
        return {
            "access_token": issued.token,
            "token_type": "Bearer",
            "expires_in": issued.seconds,
            "scope": " ".join(issued.scopes),
        }

    def save_token(self, token: dict[str, Any], sent: Form) -> None:
        """Nothing: it was stored when it was made."""

    def send_signal(self, name: str, *words: Any, **named: Any) -> None:
        """Nothing: nobody listens."""

    @staticmethod
    def handle_response(
        status: int, body: dict[str, Any], headers: list[tuple[str, str]]
    ) -> Response:
        """The answer as JSON."""
        answer = Response(orjson.dumps(body), status, headers)
        answer.content_type = "application/json"
        if status == 401:
            answer.headers["WWW-Authenticate"] = problems.BASIC
        return answer
