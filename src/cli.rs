//! Parses the command line.
