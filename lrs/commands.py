"""Running a command line: settings, exit code, and reasons in words."""

import argparse
import sys
from collections.abc import Mapping, Sequence

from sqlalchemy.exc import OperationalError

from lrs.config import Config
from statements.errors import DomainError


def run_command(
    parser: argparse.ArgumentParser,
    words: Sequence[str] | None,
    environ: Mapping[str, str],
) -> int:
    """The exit code: 0 done, 1 refused or failed with a reason, 2 wrong use."""
    arguments = parser.parse_args(words)
    try:
        # what looks at a file alone leaves nothing behind, not even a secret key
        alone = getattr(arguments, "alone", False)
        # nor does what only looks at an installation
        looks = getattr(arguments, "looks", False)
        config = Config() if alone else Config.from_env(environ, make_secret=not looks)
        return int(arguments.run(arguments, config))
    except DomainError as error:
        sys.stderr.write(f"rollcall: {error.detail}\n")
    except OperationalError as error:
        reason = str(error.orig).partition("\n")[0]
        sys.stderr.write(f"rollcall: the database does not answer: {reason}\n")
    except KeyboardInterrupt:
        sys.stderr.write("rollcall: interrupted\n")
    return 1
