"""ETags in requests and answers.

RFC 9110 8.8.3, 13.1; xAPI 1.0.3 Communication 3.1; xAPI 2.0 4.1.4. If-Match compares
strongly, so a weak tag never fulfils it; If-None-Match compares weakly. What does not
name tags is refused: a precondition passed over would be an update lost. A tag
without quotes, as some clients send it, is taken for the tag.
"""

import re
from datetime import datetime
from http import HTTPStatus

from flask import Response, request
from werkzeug.http import http_date

from lrs.preconditions import ANY, Precondition
from statements.errors import Invalid, PreconditionFailed

# each tag becomes a parameter of the command that compares it
MAX_LENGTH = 8 * 1024
MAX_TAGS = 100
_TAG = re.compile(r'(?P<weak>W/)?(?:"(?P<tag>[^"\x00-\x20\x7f]*)"|(?P<bare>[^\s",]+))')
_BETWEEN = re.compile(r"[ \t]*(?:,[ \t]*)+")


class MalformedPrecondition(Invalid):
    """A precondition names ETags in quotes, separated by commas, or *."""


def read_precondition() -> Precondition:
    """The If-Match and If-None-Match of this request; raises MalformedPrecondition."""
    match, none_match = map(request.headers.get, ("If-Match", "If-None-Match"))
    return Precondition(
        match=None if match is None else _tags("If-Match", match, weak=False),
        none_match=(
            None
            if none_match is None
            else _tags("If-None-Match", none_match, weak=True)
        ),
    )


def tagged(
    answer: Response, *, etag: str, last_modified: datetime | None = None
) -> Response:
    """The answer to a GET with its ETag, or 304 where the caller has it already.

    Raises PreconditionFailed where If-Match names others. Nobody may keep the answer
    without asking again: a browser would show a learner the state of yesterday.
    """
    precondition = read_precondition()
    if not precondition.match_holds(etag):
        raise PreconditionFailed
    if not precondition.none_match_holds(etag):
        answer = Response(status=HTTPStatus.NOT_MODIFIED)
        del answer.headers["Content-Type"]
    answer.headers["ETag"] = f'"{etag}"'
    answer.headers["Cache-Control"] = "private, no-cache"
    if last_modified is not None:
        answer.headers["Last-Modified"] = http_date(last_modified)
    return answer


def _tags(name: str, header: str, *, weak: bool) -> frozenset[str]:
    """The tags of a header, weak ones among them or left out."""
    if header.strip() == ANY:
        return frozenset({ANY})
    if len(header) > MAX_LENGTH:
        raise MalformedPrecondition(
            f"{name} is longer than {MAX_LENGTH} bytes.", header=name
        )
    found: set[str] = set()
    rest = header.strip(" \t,")
    at = count = 0
    while tag := _TAG.match(rest, at):
        count += 1
        if count > MAX_TAGS:
            raise MalformedPrecondition(
                f"{name} names more than {MAX_TAGS} ETags.", header=name
            )
        text = tag["bare"] if tag["tag"] is None else tag["tag"]
        # a star among tags or in quotes would be taken for one of them
        if text == ANY:
            break
        if weak or not tag["weak"]:
            found.add(text)
        if tag.end() == len(rest):
            return frozenset(found)
        between = _BETWEEN.match(rest, tag.end())
        if between is None:
            break
        at = between.end()
    raise MalformedPrecondition(
        f'{name} is * alone, or a list of ETags such as "0a1b", "2c3d".', header=name
    )
