//! AWS protocols: signatures, routing, codecs, event streams, generated shapes.
