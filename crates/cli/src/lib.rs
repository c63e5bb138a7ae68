//! Command definitions, client, human and JSON output.
