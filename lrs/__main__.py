"""The record store alone: `python -m lrs serve`.

Needs this package and `statements` only. The settings and commands are those of
Rollcall; what belongs to portal, player and packages is not there.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import timedelta

import lrs.attachments
import lrs.cli
import lrs.oauth
import lrs.rules.cli
import lrs.server
import lrs.transfer.cli
from lrs.commands import run_command
from lrs.rules import derive
from lrs.views.alone import create_app
from lrs.worker import Work

WORK = Work(
    handlers={
        "rules.changed": (derive.handle_changed,),
        # certificates are the portal's: nobody here waits for these
        "completion.derived": (),
        "completion.reversed": (),
    },
    followers={"rules": derive.derive_range},
    periodic={
        "tokens.forget": (timedelta(hours=1), lrs.oauth.forget_expired),
        "attachments.sweep": (timedelta(hours=1), lrs.attachments.sweep),
    },
)


def parser() -> argparse.ArgumentParser:
    """The commands of the record store."""
    top = argparse.ArgumentParser(
        prog="python -m lrs", description="Learning record store."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    lrs.server.add_commands(commands, create_app, WORK)
    for part in (lrs.cli, lrs.transfer.cli, lrs.rules.cli):
        part.add_commands(commands)
    return top


def main(words: Sequence[str] | None = None) -> int:
    """Run a command: 0 done, 1 refused or failed with a reason, 2 wrong use."""
    return run_command(parser(), words, os.environ)


if __name__ == "__main__":
    sys.exit(main())
