"""The review desk, the library and their API in a browser: `lookweave serve`."""
