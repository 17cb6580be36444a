"""Running a model: cache, sampling, the engine, and models behind a folder or a URL."""
