//! The command line: the only code that prints, reads arguments and the environment, and picks exit codes.
//!
//! One file a command. Each turns its arguments into library values, calls one
//! function of the story, and prints what comes back.

mod again;
mod ask;
mod commands;
mod failure;
mod host;
mod landing;
mod launch;
mod naming;
mod options;
mod places;
mod progress;
mod settings;
mod source;
mod ui;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use failure::Failure;
use options::Talk;
use ui::Ui;

/// Hermetic copies of production, with a field-by-field account of how faithful they are.
#[derive(Debug, Parser)]
#[command(name = "prodmirror", version, max_term_width = 100, propagate_version = false, after_help = EXAMPLES)]
struct Arguments {
    #[command(flatten)]
    talk: Talk,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  prodmirror init                        write a first profile
  prodmirror check                       find every problem in it
  prodmirror plan                        see what `up` would do
  prodmirror up                          bring the mirror up, seeded and verified
  prodmirror ledger                      how faithful it is, field by field
  prodmirror run -- pytest               a mirror for one command, gone afterwards

Exit codes: 0 yes or done, 1 the answer is no, 2 usage, 3 bad profile or input file,
4 a tool or engine failed, 5 never became ready, 6 inconclusive, 130 interrupted.";

#[derive(Debug, Subcommand)]
enum Command {
    Init(commands::init::Init),
    Doctor(commands::doctor::Doctor),
    Check(commands::check::Check),
    Capture(commands::capture::Capture),
    Schema(commands::schema::Schema),
    Pin(commands::pin::Pin),
    Plan(commands::plan::Plan),
    Render(commands::render::Render),
    Up(commands::up::Up),
    #[command(visible_aliases = ["ps", "ls"])]
    Status(commands::status::Status),
    Endpoints(commands::endpoints::Endpoints),
    Ledger(commands::ledger::Ledger),
    EnvDump(commands::env_dump::EnvDump),
    EnvDiff(commands::env_diff::EnvDiff),
    Diff(commands::diff::Diff),
    Drift(commands::drift::Drift),
    Watch(commands::watch::Watch),
    InspectImage(commands::inspect_image::InspectImage),
    Logs(commands::logs::Logs),
    Exec(commands::exec::Exec),
    Cp(commands::cp::Cp),
    Stop(commands::power::Stop),
    Start(commands::power::Start),
    Restart(commands::power::Restart),
    Reset(commands::reset::Reset),
    Down(commands::down::Down),
    Gc(commands::gc::Gc),
    Run(commands::run::Run),
    Completions(commands::completions::Completions),
    Version(commands::version::Version),
    /// Commands of the contract that this version does not have.
    #[command(flatten)]
    Later(commands::later::Later),
}

/// Runs the program; the code is the contract's.
pub fn main() -> ExitCode {
    let matches = match Arguments::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return ui::usage(&error),
    };
    let arguments = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => return ui::usage(&error),
    };
    let ui = Ui::new(&arguments.talk);
    ui.trace();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return ui.fail(&Failure::tool("runtime", format!("cannot start: {error}"))),
    };
    let outcome = runtime.block_on(dispatch(arguments.command, &ui));
    // A copy of standard input may still block a thread; nothing is lost by leaving it.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => ui.fail(&failure),
    }
}

/// The clap definition, for completions and man pages.
fn definition() -> clap::Command {
    Arguments::command()
}

/// Formats besides text and JSON belong to one command each.
fn refuse_format(format: options::Format, command: &Command) -> Result<(), Failure> {
    use options::Format;
    let (of, belongs) = match format {
        Format::Text | Format::Json => return Ok(()),
        Format::Env => ("endpoints", matches!(command, Command::Endpoints(_))),
        Format::Dotenv | Format::Compose | Format::Shell | Format::Docker => {
            ("env-dump", matches!(command, Command::EnvDump(_)))
        }
    };
    if belongs {
        return Ok(());
    }
    Err(Failure::usage("format", format!("this format is for `{of}`; write text or json")))
}

async fn dispatch(command: Command, ui: &Ui) -> Result<u8, Failure> {
    refuse_format(ui.format, &command)?;
    match command {
        Command::Init(it) => it.run(ui).await,
        Command::Doctor(it) => it.run(ui).await,
        Command::Check(it) => it.run(ui),
        Command::Capture(it) => it.run(ui).await,
        Command::Schema(it) => it.run(ui),
        Command::Pin(it) => it.run(ui).await,
        Command::Plan(it) => it.run(ui).await,
        Command::Render(it) => it.run(ui).await,
        Command::Up(it) => it.run(ui).await,
        Command::Status(it) => it.run(ui).await,
        Command::Endpoints(it) => it.run(ui).await,
        Command::Ledger(it) => it.run(ui).await,
        Command::EnvDump(it) => it.run(ui).await,
        Command::EnvDiff(it) => it.run(ui).await,
        Command::Diff(it) => it.run(ui).await,
        Command::InspectImage(it) => it.run(ui).await,
        Command::Drift(it) => it.run(ui).await,
        Command::Watch(it) => it.run(ui).await,
        Command::Logs(it) => it.run(ui).await,
        Command::Exec(it) => it.run(ui).await.map_err(Failure::into_run),
        Command::Cp(it) => it.run(ui).await,
        Command::Stop(it) => it.run(ui).await,
        Command::Start(it) => it.run(ui).await,
        Command::Restart(it) => it.run(ui).await,
        Command::Reset(it) => it.run(ui).await,
        Command::Down(it) => it.run(ui).await,
        Command::Gc(it) => it.run(ui).await,
        Command::Run(it) => it.run(ui).await.map_err(Failure::into_run),
        Command::Completions(it) => it.run(ui),
        Command::Version(it) => it.run(ui),
        Command::Later(it) => it.run(),
    }
}
