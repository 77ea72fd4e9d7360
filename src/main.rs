//! Starts the program: command line, logging, then the worker until a signal.

use std::process::ExitCode;

use tributary::cli::{self, Parsed};
use tributary::{app, telemetry};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let invocation = match cli::parse(std::env::args()) {
        Parsed::Run(invocation) => invocation,
        Parsed::Version => {
            println!("tributary {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Parsed::Usage => {
            println!("{}", cli::USAGE);
            return ExitCode::from(app::EXIT_USAGE);
        }
    };
    // Before anything opens a connection: rustls asks for the process-wide provider at its first use.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("a TLS provider was installed before the program's own");
        return ExitCode::from(app::EXIT_START);
    }
    match telemetry::logging::start(&std::env::var("TRIBUTARY_LOG").unwrap_or_default()) {
        Ok(loggers) => app::run(&invocation, loggers),
        Err(error) => {
            eprintln!("TRIBUTARY_LOG: {error}");
            ExitCode::from(app::EXIT_USAGE)
        }
    }
}
