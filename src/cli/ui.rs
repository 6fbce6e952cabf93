//! The only place that prints: data on stdout, talk on stderr.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::{
    failure::{Failure, exit},
    options::{Color, Format, Talk},
};

pub const GREEN: Style = AnsiColor::Green.on_default();
pub const YELLOW: Style = AnsiColor::Yellow.on_default();
pub const RED: Style = AnsiColor::Red.on_default().bold();
const RED_LINE: Style = AnsiColor::Red.on_default();
pub const DIM: Style = Style::new().dimmed();
pub const BOLD: Style = Style::new().bold();

/// How this run talks.
#[derive(Clone)]
pub struct Ui {
    pub format: Format,
    color: Color,
    pub quiet: bool,
    verbose: u8,
}

/// A document of the contract: its kind, the version, and the fields of its body.
#[derive(Serialize)]
struct Document<'a, T> {
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    kind: &'a str,
    #[serde(flatten)]
    body: &'a T,
}

impl Ui {
    pub fn new(talk: &Talk) -> Self {
        Self { format: talk.format, color: talk.color, quiet: talk.quiet, verbose: talk.verbose }
    }

    /// The same, saying only what went wrong.
    pub fn quieter(&self) -> Self {
        Self { quiet: true, ..self.clone() }
    }

    /// The same, without documents on stdout.
    pub fn as_text(&self) -> Self {
        Self { format: Format::Text, ..self.clone() }
    }

    pub fn is_verbose(&self) -> bool {
        self.verbose > 0
    }

    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether stdout is a terminal that can be drawn on again.
    pub fn redraws(&self) -> bool {
        !self.is_json() && std::io::stdout().is_terminal()
    }

    /// The whole screen anew, what was there before replaced.
    pub fn screen(&self, text: &str) {
        let text = if self.color_on_stdout() {
            text.to_owned()
        } else {
            anstream::adapter::strip_str(text).to_string()
        };
        let lines: String = text.lines().map(|line| format!("{line}\x1b[K\r\n")).collect();
        self.exactly(&format!("\x1b[H{lines}\x1b[J"));
    }

    /// Whether stderr is a terminal that a bar may be drawn on.
    pub fn draws(&self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }

    pub fn color_on_stdout(&self) -> bool {
        self.choice(anstream::stdout().is_terminal())
    }

    pub fn color_on_stderr(&self) -> bool {
        self.choice(anstream::stderr().is_terminal())
    }

    fn choice(&self, terminal: bool) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        }
    }

    /// Text as data on stdout. A reader that went away is no error of ours.
    pub fn data(&self, text: &str) {
        self.wrote(text);
    }

    /// As [`data`](Self::data); answers whether someone still reads.
    pub fn wrote(&self, text: &str) -> bool {
        let text = if self.color_on_stdout() {
            text.to_owned()
        } else {
            anstream::adapter::strip_str(text).to_string()
        };
        let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())
            .and_then(|()| out.write_all(end.as_bytes()))
            .and_then(|()| out.flush())
            .is_ok()
    }

    /// One document on one line of stdout, for a stream of them.
    pub fn document_line<T: Serialize>(&self, kind: &str, body: &T) {
        let document = Document { api_version: "prodmirror/v1", kind, body };
        match serde_json::to_string(&document) {
            Ok(line) => self.data(&line),
            Err(error) => self.warn(format!("a document could not be written: {error}")),
        }
    }

    /// Bytes for another program, as they are.
    pub fn exactly(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
    }

    /// A difference in the colours that people know: what A has red, what B has green, reasons dim.
    pub fn painted(&self, difference: &str) -> String {
        let paint = |line: &str| match line {
            line if line.starts_with("    - ") => format!("{RED_LINE}{line}{RED_LINE:#}\n"),
            line if line.starts_with("    + ") => format!("{GREEN}{line}{GREEN:#}\n"),
            line if line.starts_with("  ") || line.is_empty() => match line.rsplit_once("  ") {
                Some((name, why)) if !name.trim().is_empty() => format!("{name}  {DIM}{why}{DIM:#}\n"),
                _ => format!("{line}\n"),
            },
            line => format!("{BOLD}{line}{BOLD:#}\n"),
        };
        difference.lines().map(paint).collect()
    }

    /// One document on stdout.
    pub fn document<T: Serialize>(&self, kind: &str, body: &T) {
        self.data(&Self::document_text(kind, body));
    }

    pub fn document_text<T: Serialize>(kind: &str, body: &T) -> String {
        let document = Document { api_version: "prodmirror/v1", kind, body };
        serde_json::to_string_pretty(&document)
            .unwrap_or_else(|error| format!("{{\"kind\":\"Error\",\"message\":\"{error}\"}}"))
    }

    /// Talk on stderr, one line.
    pub fn say(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.error_line(text.as_ref());
        }
    }

    pub fn warn(&self, text: impl AsRef<str>) {
        self.error_line(&format!("{YELLOW}warning{YELLOW:#}: {}", text.as_ref()));
    }

    pub fn error_line(&self, text: &str) {
        let text = if self.color_on_stderr() {
            text.to_owned()
        } else {
            anstream::adapter::strip_str(text).to_string()
        };
        let mut err = std::io::stderr().lock();
        let _ = writeln!(err, "{}", text.trim_end_matches('\n'));
    }

    /// Prints a failure where it belongs and answers the exit code.
    pub fn fail(&self, failure: &Failure) -> ExitCode {
        if self.is_json() {
            self.document("Error", failure);
        }
        self.explain(failure);
        ExitCode::from(failure.process_exit.unwrap_or(failure.exit))
    }

    /// The failure in words, on stderr.
    pub fn explain(&self, failure: &Failure) {
        self.error_line(&format!("{RED}error{RED:#}: {}", failure.message));
        if let Some(answer) = &failure.last_answer {
            self.error_line(&format!("  last answer: {answer}"));
        }
        if !failure.log_tail.is_empty() {
            self.error_line(&format!("  last {} log lines:", failure.log_tail.len()));
            for line in &failure.log_tail {
                self.error_line(&format!("  {DIM}|{DIM:#} {line}"));
            }
        }
        if let Some(hint) = &failure.hint {
            // Several lines are lines to paste, so nothing stands before them.
            let is_block = hint.trim_end().contains('\n');
            let title = if is_block { "\n" } else { " " };
            for line in format!("{GREEN}hint{GREEN:#}:{title}{}", hint.trim_end()).lines() {
                self.error_line(line);
            }
        }
        if let Some(artifacts) = &failure.artifacts {
            self.error_line(&format!("  logs and ledger are in {artifacts}"));
        }
    }

    /// Turns the library's traces on for -v and -vv.
    pub fn trace(&self) {
        let level = match self.verbose {
            0 => return,
            1 => "prodmirror=info",
            _ => "prodmirror=debug,bollard=debug",
        };
        let _ = tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::new(level))
            .with_writer(std::io::stderr)
            .with_ansi(self.color_on_stderr())
            .try_init();
    }
}

/// A usage error as clap words it; `--help` and `--version` go to stdout with 0.
///
/// The arguments did not parse, so `--format json` is looked for by hand.
pub fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let arguments: Vec<_> = std::env::args().collect();
    let json = arguments.iter().any(|a| a == "--format=json")
        || arguments.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json")
        || std::env::var("PRODMIRROR_FORMAT").is_ok_and(|format| format == "json");
    let command = arguments.get(1).map(String::as_str).unwrap_or_default();
    let ours = matches!(command, "run" | "exec");
    if json {
        let message = error.render().to_string();
        let message = message.trim().trim_start_matches("error: ").to_owned();
        let failure = Failure::usage("usage", message);
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{}", Ui::document_text("Error", &failure));
    }
    let _ = error.print();
    ExitCode::from(if ours { exit::OURS } else { exit::USAGE })
}
