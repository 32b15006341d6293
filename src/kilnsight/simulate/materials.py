"""What surfaces are made of: numbers, colours, and the classes of the truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GRASS, SCRUB, SOIL, UNPAVED, ASPHALT, DUSTY, CONCRETE, ROCK, WATER, TURBID = range(10)
LIMESTONE, COAL, CLAY, GYPSUM, SLAG, SAND, NET_GREEN, NET_BLACK, TARP, FIELD, FOREST = range(10, 21)
ROOF_BLUE, ROOF_GREY, CLADDING, CAST, STEEL, KILN, BELT, LEAVES, PAINT, GLASS, RUBBER, LOAD = range(
    30, 42
)
COUNT = 42

BULK = {
    "limestone": LIMESTONE, "coal": COAL, "clay": CLAY,
    "gypsum": GYPSUM, "slag": SLAG, "sand": SAND,
}
"""Materials of stockpiles."""

_COLOURS: dict[int, tuple[float, float, float]] = {
    GRASS: (0.088, 0.118, 0.042), SCRUB: (0.165, 0.158, 0.073), SOIL: (0.275, 0.190, 0.118),
    UNPAVED: (0.305, 0.258, 0.200), ASPHALT: (0.082, 0.083, 0.085), DUSTY: (0.270, 0.248, 0.214),
    CONCRETE: (0.330, 0.322, 0.298), ROCK: (0.345, 0.325, 0.290), WATER: (0.020, 0.040, 0.040),
    TURBID: (0.250, 0.225, 0.165), LIMESTONE: (0.400, 0.375, 0.330), COAL: (0.024, 0.024, 0.026),
    CLAY: (0.310, 0.190, 0.100), GYPSUM: (0.500, 0.480, 0.445), SLAG: (0.150, 0.138, 0.125),
    SAND: (0.450, 0.355, 0.225), NET_GREEN: (0.040, 0.115, 0.062),
    NET_BLACK: (0.030, 0.031, 0.033), TARP: (0.080, 0.170, 0.340), FIELD: (0.120, 0.140, 0.050),
    FOREST: (0.040, 0.062, 0.024), ROOF_BLUE: (0.090, 0.180, 0.330),
    ROOF_GREY: (0.300, 0.305, 0.305), CLADDING: (0.400, 0.410, 0.410),
    CAST: (0.390, 0.380, 0.350), STEEL: (0.270, 0.270, 0.265), KILN: (0.210, 0.180, 0.155),
    BELT: (0.045, 0.045, 0.047), LEAVES: (0.078, 0.125, 0.040), PAINT: (0.600, 0.600, 0.600),
    GLASS: (0.020, 0.026, 0.030), RUBBER: (0.022, 0.022, 0.022), LOAD: (0.380, 0.350, 0.300),
}

CLASSES = {
    1: ("vegetation", (GRASS, SCRUB, FIELD, FOREST, LEAVES)),
    2: ("bare soil", (SOIL,)),
    3: ("unpaved road", (UNPAVED,)),
    4: ("paved", (ASPHALT,)),
    5: ("bulk material", (LIMESTONE, COAL, CLAY, GYPSUM, SLAG, SAND)),
    6: ("dust net", (NET_GREEN, NET_BLACK)),
    7: ("tarpaulin", (TARP,)),
    8: ("roof", (ROOF_BLUE, ROOF_GREY)),
    9: ("concrete", (CONCRETE, CAST)),
    10: ("water", (WATER,)),
    11: ("turbid water", (TURBID,)),
    12: ("vehicle", (PAINT, GLASS, RUBBER, LOAD)),
    13: ("other", (CLADDING, STEEL, KILN, BELT)),
    14: ("quarry rock", (ROCK,)),
    15: ("dusty paved", (DUSTY,)),
}
"""Class number to (name, materials) of truth/surface.tif; 0 is no data."""


def albedo() -> NDArray[np.float64]:
    """Linear reflectance (red, green, blue) of each material, shape (COUNT, 3)."""
    table = np.full((COUNT, 3), 0.3)
    for number, colour in _COLOURS.items():
        table[number] = colour
    return table


def class_of_material() -> NDArray[np.uint8]:
    """Class number of each material, shape (COUNT,)."""
    table = np.full(COUNT, 13, dtype=np.uint8)
    for number, (_, members) in CLASSES.items():
        table[list(members)] = number
    return table
