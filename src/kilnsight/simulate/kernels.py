"""How the inner loops are compiled: once per machine, kept on disk, free of the GIL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def exact(function: F) -> F:
    """Compiled with floating point as written, for code that asks for NaN."""
    return _compiled(function)


def fast(function: F) -> F:
    """Compiled for speed; the same machine still gives the same bits each time."""
    return _compiled(function, fastmath=True, error_model="numpy")


def spliced(function: F) -> F:
    """Compiled for speed into its callers, which spares them handing large records on."""
    return _compiled(function, fastmath=True, error_model="numpy", inline="always")


def _compiled(function: F, **options: Any) -> F:
    made: F = njit(function, cache=True, nogil=True, **options)
    return made
