"""What the store knows: About, Agents, Activities.

xAPI 1.0.3 Communication 2.4, 2.5, 2.8; xAPI 2.0 4.1.6.3, 4.1.6.4, 4.1.6.7.
"""

from typing import Any

import orjson
from flask import Response, request

from lrs import persons
from lrs.activities import get_activity
from lrs.credentials import holds
from lrs.db import reading
from lrs.documents import etag_of
from lrs.views.access import allow
from lrs.views.application import parts
from lrs.views.callers import current_credential
from lrs.views.etags import tagged
from lrs.views.parameters import ActivityQuery, AgentQuery, NoQuery, load
from lrs.views.xapi import BLUEPRINT
from statements import actors

SPOKEN = ["1.0.0", "1.0.1", "1.0.2", "1.0.3", "2.0.0"]


@BLUEPRINT.get("/about")
@allow("public")
def about() -> Response:
    """The versions; anyone may ask, with any version header or none."""
    load(NoQuery, request.args)
    return _json({"version": SPOKEN})


@BLUEPRINT.get("/activities")
@allow("credential", scope="activities/read")
def activities() -> Response:
    """An activity, with what all statements together say of it."""
    iri = load(ActivityQuery, request.args)["activity"]
    with reading(parts().engine) as db:
        found = get_activity(db, tenant=current_credential().tenant_id, iri=iri)
    return _json(found)


@BLUEPRINT.get("/agents")
@allow("credential", scope="activities/read")
def agents() -> Response:
    """The person behind an Agent.

    Linked identifiers and names that others gave are for callers with `agents/read`;
    everyone else hears what they said themselves.
    """
    agent = load(AgentQuery, request.args)["agent"]
    caller = current_credential()
    # an Agent always has one
    ifi = str(actors.ifi(agent))
    ifis, names = [ifi], [agent["name"]] if "name" in agent else []
    if holds(caller, "agents/read"):
        with reading(parts().engine) as db:
            ifis = persons.ifis_of(db, tenant=caller.tenant_id, ifi=ifi)
            known = persons.find_names(db, tenant=caller.tenant_id, ifis=ifis)
        names = list(dict.fromkeys(names + known))
    return _json(persons.person_object(ifis, names))


def _json(value: dict[str, Any]) -> Response:
    # in one order, so that the same content has the same ETag on every database
    body = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return tagged(Response(body, content_type="application/json"), etag=etag_of(body))
