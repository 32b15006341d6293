"""Photos to map: camera poses, surface model, orthomosaic, and how good they are."""
