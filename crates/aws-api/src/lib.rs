//! Every operation: permission row, decode, one domain call, encode.
