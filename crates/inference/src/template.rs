//! Chat templates, as model files carry them.
