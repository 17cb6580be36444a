"""How the loss falls with parameters and tokens: small runs, a law fitted to them, and its prediction put to the test."""
