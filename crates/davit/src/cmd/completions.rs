//! `davit completions`.

use super::examples;
use crate::failure::{Exit, Outcome};
use crate::output::Output;
use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::generate;
use clap_complete::shells::{Bash, Fish, Zsh};

/// Print a shell's completions
#[derive(Debug, Args)]
#[command(after_help = examples::COMPLETIONS)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

pub(super) fn run(args: CompletionsArgs) -> Outcome {
    let mut command = crate::Cli::command();
    let mut script = Vec::new();
    match args.shell {
        Shell::Bash => generate(Bash, &mut command, "davit", &mut script),
        Shell::Zsh => generate(Zsh, &mut command, "davit", &mut script),
        Shell::Fish => generate(Fish, &mut command, "davit", &mut script),
    }
    Output::detect().text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
