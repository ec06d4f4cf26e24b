//! `davit serve`.

use crate::app::App;
use crate::failure::{Exit, Failure, Outcome};
use crate::settings::{self, DataArgs, ServerArgs};
use clap::Args;
use secrecy::ExposeSecret;
use std::io::Write;
use std::path::PathBuf;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Runs the server: UI, API, webhooks and jobs in one process
#[derive(Debug, Args)]
#[command(after_help = crate::cmd::examples::SERVE)]
pub(crate) struct ServeArgs {
    /// A TOML file with the settings below, names with underscores
    #[arg(long, env = "DAVIT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    data: DataArgs,
}

/// Serves until SIGTERM or SIGINT; a second one ends the process at once.
pub(crate) async fn run(args: ServeArgs) -> Outcome {
    crate::logging::start();
    let server = settings::decide(args.data, args.server, args.config.as_deref())?;
    let app = App::start(server).await?;
    announce(&app).await?;
    until_stopped(app).await?;
    Ok(Exit::Done)
}

/// SIGTERM and SIGINT, one after the other.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on they no longer end the process by themselves.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|error| Failure::failed(format!("signals can't be caught: {error}")));
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// The next one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Runs until the first signal, then shuts down in two steps; a second signal does not wait.
async fn until_stopped(app: App) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let stop = CancellationToken::new();
    let twice = async {
        signals.next().await;
        stop.cancel();
        signals.next().await;
    };
    tokio::select! {
        done = app.run(stop.clone().cancelled_owned()) => done,
        () = twice => Err(Failure::failed("stopped at once: what was running is taken up at the next start")),
    }
}

async fn announce(app: &App) -> Result<(), Failure> {
    let settings = app.engine.settings();
    let mut text = format!(
        "davit {} on {} (data in {})\n",
        env!("CARGO_PKG_VERSION"),
        settings.public_url,
        settings.data_dir.display()
    );
    let needed = app.engine.needs_set_up().await.map_err(|error| Failure::failed(error.to_string()))?;
    if needed {
        let code = app.engine.set_up_code().expose_secret();
        text.push_str(&format!(
            "\nNo account yet. Open {} and make the first one with this one-time code:\n\n    {code}\n\n",
            settings.public_url
        ));
    }
    std::io::stdout().write_all(text.as_bytes())?;
    std::io::stdout().flush()?;
    Ok(())
}
