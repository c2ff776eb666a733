"""Programs that run block by block along one axis, on several threads."""
