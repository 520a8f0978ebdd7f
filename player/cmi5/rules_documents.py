"""Which documents a unit may use, and what it may put into them.

cmi5 10.2.1 (launch data is read only), 11 (preferences). Pure; learner, registration and,
of an activity's profile, unit have been looked at (lrs/sessions.py).
"""

from typing import Any

from lrs.documents import AGENT_PROFILE, STATE
from lrs.sessions import DocumentCall
from player.cmi5.documents import LAUNCH_DATA, PREFERENCES
from player.cmi5.rules_asked import SessionState, check_query, refused
from statements import scalars, text
from statements.errors import Invalid


def check_document(state: SessionState, call: DocumentCall) -> None:
    """Nothing, or IllegalRequest for a document that is not the unit's to use so."""
    check_query(state)
    if call.context.kind == STATE:
        _check_state(call)
    elif call.context.kind == AGENT_PROFILE:
        _check_preferences(call)


def _check_state(call: DocumentCall) -> None:
    """`LMS.LaunchData` is read only, whoever's it is (10.2.1)."""
    if call.method == "GET":
        return
    if call.document_id is None:
        raise refused(
            "10.2.1.0-5",
            f"State is deleted document by document: {LAUNCH_DATA} stays as it is.",
        )
    if call.document_id == LAUNCH_DATA:
        raise refused("10.2.1.0-5", f"{LAUNCH_DATA} is read by a unit, never changed.")


def _check_preferences(call: DocumentCall) -> None:
    """The one document of the profile, and what it may hold (11)."""
    if call.document_id not in {None, PREFERENCES}:
        raise refused("11.0.0.0-4", f"The document of the profile is {PREFERENCES}.")
    if call.method == "DELETE":
        raise refused("11.0.0.0-5", "Preferences are changed, never removed.")
    if call.content is None:
        return
    given = _members(call)
    wanted = {"languagePreference", "audioPreference"}
    if call.method == "PUT" and not wanted <= given.keys():
        raise refused(
            "11.0.0.0-5", "Preferences have languagePreference and audioPreference."
        )
    if "languagePreference" in given and not _are_languages(
        given["languagePreference"]
    ):
        raise refused(
            "11.1.0.0-1", "languagePreference is a list of language tags with commas."
        )
    if given.get("audioPreference", "on") not in ("on", "off"):
        raise refused("11.0.0.0-5", "audioPreference is `on` or `off`.")


def _members(call: DocumentCall) -> dict[str, Any]:
    try:
        if call.content is None or not call.content.is_json:
            raise Invalid
        found = text.load(call.content.data)
    except Invalid:
        found = None
    if not isinstance(found, dict):
        raise refused("11.0.0.0-5", "Preferences are a JSON object, sent as such.")
    return found


def _are_languages(given: object) -> bool:
    return isinstance(given, str) and all(
        scalars.is_language(tag.strip()) for tag in given.split(",")
    )
