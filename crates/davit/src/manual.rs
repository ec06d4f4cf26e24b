//! `davit man DIR`: a manual page for every command, and one for `davit-server.toml`, made from the command line itself.
//!
//! For those who package davit. What the pages say is what `--help` says: it is written once, where the command is.

use crate::failure::{Exit, Failure, Outcome};
use clap::{Arg, Args, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use std::io;
use std::path::{Path, PathBuf};

/// What the heading of the examples in `--help` is.
const EXAMPLES: &str = "Examples:";

/// Write the manual pages
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// A directory that is there
    dir: PathBuf,
}

/// Writes all of them.
pub(crate) fn run(args: &ManArgs) -> Outcome {
    let mut davit = crate::Cli::command().disable_help_subcommand(true);
    davit.build();
    let wrote = pages(&davit, &davit, &args.dir).and_then(|()| server_file(&davit, &args.dir));
    wrote.map_err(|error| Failure::failed(format!("{} can't be written to: {error}", args.dir.display())))?;
    Ok(Exit::Done)
}

fn pages(davit: &Command, command: &Command, dir: &Path) -> io::Result<()> {
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        pages(davit, subcommand, dir)?;
    }
    let man = Man::new(command.clone()).source(source()).manual("davit");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        man.render_options_section(&mut page)?;
    }
    if command.get_subcommands().any(|subcommand| !subcommand.is_hide_set()) {
        man.render_subcommands_section(&mut page)?;
    }
    rest(davit, command).to_writer(&mut page)?;
    std::fs::write(dir.join(man.get_filename()), page)
}

/// Examples, and what holds for every command.
fn rest(davit: &Command, command: &Command) -> Roff {
    let mut roff = Roff::new();
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    if let Some((_, examples)) = after.split_once(EXAMPLES) {
        roff.control("SH", ["EXAMPLES"]).control("nf", []);
        let lines = examples.trim_matches('\n').lines().map(|line| line.strip_prefix("  ").unwrap_or(line));
        for line in lines {
            roff.text([roman(line)]);
        }
        roff.control("fi", []);
    }
    roff.control("SH", ["EXIT STATUS"]);
    let exits = ["done", "failed", "the command line or the configuration makes no sense", "not allowed", "not found"];
    for (code, meaning) in exits.into_iter().chain(["the server does not answer"]).enumerate() {
        term(&mut roff, bold(code.to_string()), meaning);
    }
    roff.control("SH", ["ENVIRONMENT"]);
    term(&mut roff, bold("DAVIT_URL"), "The server that client commands talk to. Default: http://127.0.0.1:8700.");
    term(&mut roff, bold("DAVIT_TOKEN"), "The token they show. Default: what davit login stored for this server.");
    term(&mut roff, bold("NO_COLOR"), "Set to anything: no colours.");
    roff.control("SH", ["FILES"]);
    term(&mut roff, italic("~/.config/davit/login.toml"), "What davit login stored.");
    roff.control("SH", ["SEE ALSO"]);
    let parent =
        command.get_display_name().and_then(|name| name.rsplit_once('-')).map_or("davit", |(parent, _)| parent);
    let others = if std::ptr::eq(davit, command) { "davit-server.toml(5)".to_owned() } else { format!("{parent}(1)") };
    roff.text([roman(format!("{others}. The whole manual is at /docs of every davit server."))]);
    roff
}

/// `davit-server.toml(5)`: the settings of `davit serve` under their names in the file.
fn server_file(davit: &Command, dir: &Path) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("TH", ["davit-server.toml", "5", "", source().as_str(), "davit"]);
    roff.control("SH", ["NAME"]).text([roman("davit-server.toml - settings of the davit server")]);
    roff.control("SH", ["DESCRIPTION"]);
    roff.text([roman(
        "A TOML file that davit serve reads when --config or DAVIT_CONFIG names it. Each key is also a flag and a \
         variable: a flag wins over its variable, both win over the file. Unknown keys are refused.",
    )]);
    roff.control("SH", ["KEYS"]);
    let settings = davit.find_subcommand("serve").into_iter().flat_map(Command::get_arguments);
    for (argument, flag) in settings.filter_map(|argument| Some((argument, argument.get_long()?))) {
        if !matches!(flag, "config" | "help") {
            key(&mut roff, argument, flag);
        }
    }
    roff.control("SH", ["EXAMPLES"]).control("nf", []);
    roff.text([roman("listen = \"127.0.0.1:8700\"")]);
    roff.text([roman("public_url = \"https://davit.example.com\"")]);
    roff.text([roman("data_dir = \"/var/lib/davit\"")]);
    roff.control("fi", []).control("SH", ["SEE ALSO"]).text([roman("davit-serve(1)")]);
    let mut page = Vec::new();
    roff.to_writer(&mut page)?;
    std::fs::write(dir.join("davit-server.toml.5"), page)
}

fn key(roff: &mut Roff, argument: &Arg, flag: &str) {
    let variable = argument.get_env().map(|name| format!(" and {}", name.to_string_lossy())).unwrap_or_default();
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let stop = if help.ends_with(['.', ']']) { "" } else { "." };
    term(roff, bold(flag.replace('-', "_")), &format!("{help}{stop} Also --{flag}{variable}."));
}

fn term(roff: &mut Roff, name: Inline, meaning: &str) {
    roff.control("TP", []).text([name]).text([roman(meaning)]);
}

fn source() -> String {
    format!("davit {}", env!("CARGO_PKG_VERSION"))
}
