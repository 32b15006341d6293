"""What stands on the site, as plain records; metres east (x) and north (y) of the origin."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from pyproj import Proj, Transformer

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Site:
    """Where the origin of the scene lies: UTM easting and northing in metres."""

    crs: str = "EPSG:32650"
    # 180 km east of the central meridian the grid has true scale: no area needs a correction
    easting: float = 680_400.0
    northing: float = 3_500_200.0

    @property
    def lon_lat(self) -> tuple[float, float]:
        """Longitude and latitude of the origin, degrees."""
        lon, lat = self.to_lon_lat(np.zeros((1, 2)))[0]
        return float(lon), float(lat)

    def to_lon_lat(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Longitudes and latitudes, shape (n, 2), of scene points, shape (n, 2)."""
        change = Transformer.from_crs(self.crs, "EPSG:4326", always_xy=True)
        lon, lat = change.transform(xy[:, 0] + self.easting, xy[:, 1] + self.northing)
        return np.column_stack([lon, lat])

    @property
    def convergence_deg(self) -> float:
        """Angle from true north to grid north, clockwise, degrees."""
        return float(Proj(self.crs).get_factors(*self.lon_lat).meridian_convergence)


@dataclass(frozen=True)
class Bounds:
    """A rectangle: west, south, east, north in metres from the origin."""

    west: float
    south: float
    east: float
    north: float

    def grown(self, margin: float) -> Bounds:
        """Rectangle with `margin` metres more on each side."""
        return Bounds(
            self.west - margin, self.south - margin, self.east + margin, self.north + margin
        )

    def contains(self, x: float, y: float, *, margin: float = 0.0) -> bool:
        """Whether a point lies inside, at least `margin` metres from the edge."""
        inside = self.west + margin <= x <= self.east - margin
        return inside and self.south + margin <= y <= self.north - margin

    def shape(self, cell: float) -> tuple[int, int]:
        """Rows and columns of a raster with `cell` metres."""
        return round((self.north - self.south) / cell), round((self.east - self.west) / cell)


@dataclass(frozen=True)
class Cover:
    """What lies over a pile: `kind` none, green, black or tarp; `part` of it covered, 0 to 1."""

    kind: str = "none"
    part: float = 0.0
    torn: bool = False


@dataclass(frozen=True)
class Pile:
    """A stockpile: a cone, or a ridge whose crest runs from the middle by -+(dx, dy)."""

    id: str
    name: str
    material: str
    x: float
    y: float
    radius: float
    repose_deg: float
    dx: float = 0.0
    dy: float = 0.0
    cut: float = 0.0
    """How far from the middle a loader has cut the pile, as a share of the radius; 0: not."""
    rough: float = 1.0
    cover: Cover = Cover()
    wall_height: float = 0.0
    """Height of the wall behind it; 0: no wall."""
    side: float = 1.0
    """1 or -1: on which side, along y, the wall stands."""
    roofed: bool = False
    change: str = ""


@dataclass(frozen=True)
class Road:
    """A road along `line`; `surface` is asphalt, dusty or unpaved."""

    id: str
    name: str
    line: Points
    width: float
    surface: str
    marked: bool = False
    paved_to: float = 0.0
    """Share of the length paved since."""
    change: str = ""


@dataclass(frozen=True)
class Patch:
    """An area of ground; `kind` is soil, yard (unpaved), concrete, water, turbid or grass."""

    id: str
    name: str
    ring: Points
    kind: str
    greened: float = 0.0
    """Share sown or netted since, 0 to 1."""
    net: bool = False
    change: str = ""


@dataclass(frozen=True)
class Shed:
    """A shed with a gable roof; `open_side` is n, e, s, w or empty; size along x and y."""

    id: str
    name: str
    x: float
    y: float
    length: float
    width: float
    eaves: float
    ridge: float
    colour: str
    open_side: str = ""
    change: str = ""


@dataclass(frozen=True)
class Conveyor:
    """A belt gallery from `start` to `end` (x, y, height above ground), open between shares."""

    id: str
    name: str
    start: tuple[float, float, float]
    end: tuple[float, float, float]
    open_from: float = 0.0
    open_to: float = 0.0
    change: str = ""


@dataclass(frozen=True)
class Vehicle:
    """A truck, car or loader; `load` is empty, or a bulk material; heading from east, degrees."""

    id: str
    kind: str
    x: float
    y: float
    heading_deg: float
    colour: tuple[float, float, float]
    load: str = ""
    covered: bool = False


@dataclass(frozen=True)
class Tank:
    """A silo or another upright cylinder."""

    x: float
    y: float
    radius: float
    height: float
    kind: str = "silo"


@dataclass(frozen=True)
class Tree:
    """A tree or bush: crown radius and height in metres."""

    x: float
    y: float
    radius: float
    height: float


@dataclass(frozen=True)
class Sky:
    """Time of a visit (local), its sun, and how the light falls; angles in degrees."""

    time: datetime
    azimuth: float
    elevation: float
    haze: float
    """Share of sky light, 0.15 clear to 0.5 hazy."""

    @property
    def towards_sun(self) -> NDArray[np.float64]:
        """Unit vector to the sun (east, north, up), grid north taken as true north."""
        a, e = np.radians([self.azimuth, self.elevation])
        return np.array([np.sin(a) * np.cos(e), np.cos(a) * np.cos(e), np.sin(e)])


@dataclass(frozen=True)
class Scene:
    """Everything about the site on one visit."""

    seed: int
    visit: int
    site: Site
    sky: Sky
    sign: tuple[float, float]
    """-1 where the plan is mirrored along x or y."""
    bounds: Bounds
    """The area flown over."""
    piles: tuple[Pile, ...] = ()
    roads: tuple[Road, ...] = ()
    patches: tuple[Patch, ...] = ()
    sheds: tuple[Shed, ...] = ()
    conveyors: tuple[Conveyor, ...] = ()
    vehicles: tuple[Vehicle, ...] = ()
    tanks: tuple[Tank, ...] = ()
    trees: tuple[Tree, ...] = ()
    gone: dict[str, str] = field(default_factory=dict)
    """Ids of things of the visit before that are no more."""

    def within(self, bounds: Bounds) -> Scene:
        """Scene flown over a smaller area."""
        return replace(self, bounds=bounds)


def mirrored(points: Points, sign: tuple[float, float]) -> Points:
    """Points with x and y multiplied by `sign`."""
    return tuple((x * sign[0], y * sign[1]) for x, y in points)


def sun_position(time: datetime, lon_lat: tuple[float, float]) -> tuple[float, float]:
    """Azimuth and elevation of the sun in degrees, at a local time of UTC+8.

    Cooper's declination and Spencer's equation of time (Duffie & Beckman, 1.5.3 and 1.6.1a).
    """
    lon, lat = lon_lat
    day = time.timetuple().tm_yday
    b = np.radians((day - 1) * 360 / 365)
    minutes = 229.2 * (
        7.5e-5 + 0.001868 * np.cos(b) - 0.032077 * np.sin(b)
        - 0.014615 * np.cos(2 * b) - 0.04089 * np.sin(2 * b)
    )
    solar = time.hour + time.minute / 60 + time.second / 3600 + (4 * (lon - 120) + minutes) / 60
    hour = np.radians(15 * (solar - 12))
    tilt = np.radians(23.45 * np.sin(np.radians(360 * (284 + day) / 365)))
    phi = np.radians(lat)
    east = -np.cos(tilt) * np.sin(hour)
    north = np.cos(phi) * np.sin(tilt) - np.sin(phi) * np.cos(tilt) * np.cos(hour)
    up = np.sin(phi) * np.sin(tilt) + np.cos(phi) * np.cos(tilt) * np.cos(hour)
    azimuth = np.degrees(np.arctan2(east, north)) % 360
    return float(azimuth), float(np.degrees(np.arcsin(up)))
