//! End to end: the built binary against the real engines. Everything is in `e2e/`; in a browser, in `browser/`.
