"""A number as it leaves the program: with unit, interval, method and source."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Quantity:
    """A measured or computed value.

    `lo` and `hi` bound a 95 % interval in the same unit as `value`. `method` says in a few
    words how the value was got, `source` what it was got from.
    """

    value: float
    unit: str
    lo: float
    hi: float
    method: str
    source: str = ""

    def __post_init__(self) -> None:
        if not all(math.isfinite(x) for x in (self.value, self.lo, self.hi)):
            raise ValueError(f"quantity is not finite: {self.value} [{self.lo}, {self.hi}]")
        if not self.lo <= self.value <= self.hi:
            raise ValueError(f"value {self.value} is outside its interval [{self.lo}, {self.hi}]")

    @classmethod
    def from_sigma(
        cls, value: float, unit: str, *, sigma: float, method: str, source: str = "",
        floor: float = -math.inf, ceiling: float = math.inf,
    ) -> Quantity:
        """Quantity with the interval value +- 1.96 sigma, cut to `floor` and `ceiling`."""
        lo = min(value, max(value - 1.96 * sigma, floor))
        hi = max(value, min(value + 1.96 * sigma, ceiling))
        return cls(value, unit, lo, hi, method, source)

    def as_dict(self) -> dict[str, Any]:
        """Plain dictionary with the fields of this quantity, for JSON."""
        return asdict(self)
