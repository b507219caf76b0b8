//! The binary from the outside: commands, exit codes, output, and the service that `up` starts.

mod analyze;
mod inputs;
mod program;
mod same_bytes;
mod strangers;
mod up;
