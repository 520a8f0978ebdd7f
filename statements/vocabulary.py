"""IRIs by short name: verbs, activity types, extensions, profiles.

The data stands in vocabulary.toml.
"""

import tomllib
from importlib.resources import files

_TABLES: dict[str, dict[str, str]] = tomllib.loads(
    files("statements").joinpath("vocabulary.toml").read_text(encoding="utf-8")
)
VERBS = _TABLES["verb"]
ACTIVITY_TYPES = _TABLES["activity_type"]
EXTENSIONS = _TABLES["extension"]
ACTIVITIES = _TABLES["activity"]
VOIDED = VERBS["voided"]


def verb(name: str) -> str:
    """The IRI of a verb, `verb("attested")`; KeyError for an unknown name."""
    return VERBS[name]


def activity_type(name: str) -> str:
    """The IRI of an activity type, `activity_type("course")`."""
    return ACTIVITY_TYPES[name]


def extension(name: str) -> str:
    """The IRI of an extension, `extension("position")`."""
    return EXTENSIONS[name]


def activity(name: str) -> str:
    """The IRI of a well-known activity, such as a profile's category."""
    return ACTIVITIES[name]
