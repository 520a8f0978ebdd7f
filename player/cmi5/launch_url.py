"""The address that a unit of cmi5 is launched with (8.1)."""

from urllib.parse import quote

import orjson

from packages.manifest import Unit


def launch_url(address: str, parameters: dict[str, str]) -> str:
    """The address with the launch parameters after its own query, before its fragment."""
    rest, mark, fragment = address.partition("#")
    written = "&".join(
        f"{name}={quote(value, safe='')}" for name, value in parameters.items()
    )
    return f"{rest}{_joint(rest)}{written}{mark}{fragment}"


def _joint(address: str) -> str:
    if "?" not in address:
        return "?"
    return "" if address.endswith(("?", "&")) else "&"


def plain_url(origin: str, unit: Unit) -> str:
    """The unit's own address, absolute, with what query and fragment it has (9.6.3.4)."""
    return unit.address if unit.is_external else f"{origin}/{unit.address}"


def parameters_of(
    *,
    portal_url: str,
    fetch_token: str,
    actor: dict[str, object],
    registration: str,
    activity: str,
) -> dict[str, str]:
    """The five parameters by name (8.1.1 to 8.1.5)."""
    return {
        "endpoint": f"{portal_url}/xapi/",
        "fetch": f"{portal_url}/cmi5/fetch/{fetch_token}",
        "actor": orjson.dumps(actor).decode(),
        "registration": registration,
        "activityId": activity,
    }
