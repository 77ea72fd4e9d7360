//! Wires the components together in dependency order and stops them in reverse.
