//! The model catalogue, downloads, aliases, loaded models and invocation.
