"""A cement plant that does not exist, drone photos of it, and the truth about it.

`flight.simulate` writes a folder:

    photos/DJI_20260415092646_0001_V.jpg ...   with EXIF and XMP as a DJI Mavic 3E writes them
    truth/scene.json        site, bounds, vertical datum, time, sun, errors of recorded positions
    truth/cameras.json      true lens and poses, as in docs/survey-folder.md
    truth/dsm.tif           height of the highest surface, metres
    truth/terrain.tif       height of the bare ground, metres: what volumes stand on
    truth/ortho.tif         true orthophoto
    truth/surface.tif       classes of the surface; truth/legend.json names them
    truth/findings.geojson  a feature per problem; on visit 2 also those that are gone
    truth/objects.geojson   every pile, road, patch, shed, gallery and vehicle, problem or not

Properties of a finding: `id` (the same on both visits), `code`, `name`, `present`, and measures:
`area_m2` (plan area of the whole pile or surface), `exposed_area_m2` (plan area of what is
bare), `surface_m2` (sloping), `volume_m3`, `height_m`, `cover_fraction` (of `surface_m2`). On
visit 2 also `change` (fixed, partly_fixed, not_fixed, worse, new) and `before`, the measures of
visit 1.
"""
