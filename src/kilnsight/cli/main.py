"""Entry point: commands, and what each kind of failure says and returns."""

from __future__ import annotations

import errno
import importlib
import signal
import sys
import traceback

import click

from kilnsight import __version__
from kilnsight.errors import InputError, KilnsightError
from kilnsight.i18n import gettext as _
from kilnsight.i18n import pick_language, use_language

COMMANDS = ("check", "demo", "simulate", "survey")
"""Names of the sub-commands; each is a module of this package with a function `command`."""

INPUT_FAULT = 1
USAGE = 2
OUR_FAULT = 70
INTERRUPTED = 130


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

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the program is for, in the reader's language."""
        self.help = _("Drone photos of cement plants into problems that get fixed.")
        super().format_help_text(ctx, formatter)


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
        # Without standalone mode an exit that a command asks for comes back as a value.
        value = cli(arguments, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        return _interrupted()
    except KilnsightError as error:
        _say(str(error))
        return error.exit_code
    except MemoryError:
        return _input_fault(
            _("Memory ran out."),
            _("Close other programs or give less with --memory and --workers, and run the same"
              " command again: finished stages are kept."),
        )
    except OSError as error:
        return _system_error(error)
    except Exception as error:
        return _our_fault(error)
    return value if isinstance(value, int) else 0


def _interrupted() -> int:
    """Say that the work can go on later; a second Ctrl-C changes nothing any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _say(_("Stopped. Run the same command again to go on from the last finished stage."))
    return INTERRUPTED


def _remedy(number: int | None) -> str | None:
    """What helps against an error of the system; None where nobody knows."""
    space = _("Free some space and run the same command again: finished stages are kept.")
    rights = _("Give a folder that you may read and write.")
    return {
        errno.ENOSPC: space,
        errno.EDQUOT: space,
        errno.EFBIG: space,
        errno.EACCES: rights,
        errno.EPERM: rights,
        errno.EROFS: _("Give a folder on a disk that can be written."),
        errno.EIO: _("The disk or card reports an error: copy the photos to another disk."),
    }.get(number or 0)


def _system_error(error: OSError) -> int:
    """Say what the system refused and what helps; what nobody can help is our fault."""
    remedy = _remedy(error.errno)
    if remedy is None:
        return _our_fault(error)
    reason = _reason(error)
    return _input_fault(_("The system says: {reason}.", reason=reason), remedy, error.filename)


def _reason(error: OSError) -> str:
    """What the system says, in the reader's language where it is a full disk."""
    if error.errno == errno.ENOSPC:
        return _("the disk is full")
    return error.strerror or str(error)


def _input_fault(problem: str, remedy: str, file: str | None = None) -> int:
    _say(str(InputError(problem, remedy=remedy, file=file)))
    return INPUT_FAULT


def _our_fault(error: Exception) -> int:
    """Show the trace that a report of the fault needs."""
    traceback.print_exception(error, file=sys.stderr)
    _say(_("This is a fault of Kilnsight, not of your input. Please report it with the lines above."
           " What was finished is kept."))
    return OUR_FAULT


def _say(text: str) -> None:
    click.echo(text, err=True)
