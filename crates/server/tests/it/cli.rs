//! Whole sessions of the command line.
