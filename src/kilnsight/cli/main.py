"""Entry point: commands, and what each kind of failure says and returns."""

from __future__ import annotations

import errno
import importlib
import sys
import traceback

import click

from kilnsight import __version__
from kilnsight.errors import InputError, KilnsightError
from kilnsight.i18n import gettext as _
from kilnsight.i18n import pick_language, use_language

COMMANDS = ("check", "demo", "simulate", "survey")
"""Names of the sub-commands; each is a module of this package with a function `command`."""

OUR_FAULT = 70
INTERRUPTED = 130

_REMEDIES = {
    errno.ENOSPC: "Free some space and run the same command again: finished stages are kept.",
    errno.EDQUOT: "Free some space and run the same command again: finished stages are kept.",
    errno.EACCES: "Give a folder that you may read and write.",
    errno.EPERM: "Give a folder that you may read and write.",
    errno.EROFS: "Give a folder on a disk that can be written.",
    errno.EIO: "The disk or card reports an error: copy the photos to another disk.",
}


class _Commands(click.Group):
    """Sub-commands, imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Command of a name, None where there is none."""
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"kilnsight.cli.{name}")
        return module.command  # type: ignore[no-any-return]


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kilnsight")
def cli() -> None:
    """Drone photos of cement plants into problems that get fixed."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with the exit code docs promise."""
    use_language(pick_language())
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code: 0 done, 1 input, 2 usage, 3 nothing to do, 70 our fault.

    130 after Ctrl-C, as shells have it.
    """
    try:
        cli(arguments, standalone_mode=False)
    except click.exceptions.Exit as exit_request:
        return exit_request.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except (KeyboardInterrupt, click.Abort):
        _say(_("Stopped. Run the same command again to go on from the last finished stage."))
        return INTERRUPTED
    except KilnsightError as error:
        _say(str(error))
        return error.exit_code
    except OSError as error:
        return _system_error(error)
    except Exception as error:
        return _our_fault(error)
    return 0


def _system_error(error: OSError) -> int:
    """Say what the system refused and what helps; what nobody can help is our fault."""
    remedy = _REMEDIES.get(error.errno or 0)
    if remedy is None:
        return _our_fault(error)
    problem = InputError(
        _("The system says: {reason}.", reason=error.strerror or str(error)),
        remedy=_(remedy), file=error.filename,
    )
    _say(str(problem))
    return problem.exit_code


def _our_fault(error: Exception) -> int:
    """Show the trace that a report of the fault needs."""
    traceback.print_exception(error, file=sys.stderr)
    _say(_("This is a fault of Kilnsight, not of your input. Please report it with the lines above."
           " What was finished is kept."))
    return OUR_FAULT


def _say(text: str) -> None:
    click.echo(text, err=True)
