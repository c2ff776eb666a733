"""Programs as files: the cache and what is built ahead of time."""
