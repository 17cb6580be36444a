"""The OpenAI-compatible server: a model folder behind HTTP. `app.py` has the routes, `worker.py` runs the engine, `server.py` listens."""
