//! Binds llama.cpp: the only crate with a native build.
