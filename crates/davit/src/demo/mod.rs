//! `davit demo`: everything for real, on this machine alone.
//!
//! A git repository with two commits; an environment `staging` with a `local` host, and where `sshd` is installed an
//! environment `production` with an `ssh` host; a server on SQLite. Both commits are released everywhere, then the last
//! environment goes back to the first one. What the hosts serve is read from their disks each time. Before that a workflow
//! runs, where there is a sandbox to run it in.

mod repository;
mod sshd;
mod workflow;

use crate::app::App;
use crate::client::types::{Deployment, DeploymentState};
use crate::client::{Client, DeployOrder};
use crate::failure::{Exit, Failure, Outcome};
use crate::serve::Signals;
use crate::settings::{self, Data, Server};
use clap::Args;
use davit_domain::access::Role;
use davit_engine::master_key::KeySource;
use repository::SampleRepository;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sshd::Sshd;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

const APP: &str = "sample";
const USER: &str = "admin";

/// Releases a sample app on this machine, for real
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Release, roll back, stop; for scripts
    #[arg(long)]
    once: bool,
    /// Print one JSON object with what happened
    #[arg(long, requires = "once")]
    json: bool,
    /// Address of UI and API [default: 127.0.0.1:8700, or a free port with --once]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// An empty directory for everything; it stays [default: a new one that is removed at the end]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Does it. With `--once` it ends by itself, otherwise with Ctrl-C.
pub(crate) async fn run(args: DemoArgs) -> Outcome {
    crate::logging::start_quietly();
    let kept = args.dir.as_deref().map(empty_dir).transpose()?;
    let temporary = tempfile::Builder::new().prefix("davit-demo-").tempdir().map_err(disk)?;
    let root = kept.unwrap_or_else(|| temporary.path().to_owned());
    let listen = args.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], if args.once { 0 } else { 8700 })));

    let repository = SampleRepository::make(&root.join("repository")).await?;
    let sshd = Sshd::prepare(&root.join("ssh-host")).await?;
    let app = App::start(server(&root, listen)?).await?;
    let address = app.address;
    let password = SecretString::from(davit_engine::accounts::random_text().chars().take(16).collect::<String>());
    let failed = |error: davit_engine::EngineError| Failure::failed(error.to_string());
    app.engine.create_user(USER, Role::Admin, &password).await.map_err(failed)?;
    let token = app.engine.create_token(USER, "demo").await.map_err(failed)?;
    let client = Client::new(&format!("http://{address}"), Some(&token))?;
    let demo = Demo { places: places(&root, sshd.as_ref())?, client, repository, quiet: args.json };

    let stop = CancellationToken::new();
    let work = async {
        let mut signals = Signals::listen()?;
        let result = tokio::select! {
            result = demo.steps(sshd.as_ref()) => result,
            () = signals.next() => Err(Failure::failed("stopped before the demo was through")),
        };
        if result.is_ok() && !args.once {
            demo.say(&invitation(address, &password, &demo.places))?;
            signals.next().await;
        }
        result
    };
    let work = async {
        let result = work.await;
        stop.cancel();
        result
    };
    let hosts = async {
        if let Some(sshd) = &sshd {
            sshd.serve_until(stop.cancelled()).await;
        }
    };
    let (result, served, ()) = tokio::join!(work, app.run(stop.clone().cancelled_owned()), hosts);
    served?;
    report(result, args.json)
}

/// An environment of the demo and its one host.
struct Place {
    environment: &'static str,
    name: &'static str,
    color: &'static str,
    host: &'static str,
    root: PathBuf,
}

struct Demo {
    places: Vec<Place>,
    client: Client,
    repository: SampleRepository,
    quiet: bool,
}

impl Demo {
    async fn steps(&self, sshd: Option<&Sshd>) -> Result<Value, Failure> {
        self.say(&format!("Sample repository with two commits: {}", self.repository.dir.display()))?;
        self.say(&match sshd {
            Some(sshd) => format!("Hosts: local-host (this machine), ssh-host (sshd on 127.0.0.1:{})", sshd.port),
            None => {
                "Hosts: local-host alone, because sshd is not installed (Debian: apt-get install openssh-server)".into()
            }
        })?;
        self.client.apply(&self.configuration(sshd), &BTreeMap::new(), false, false).await?;
        let run = self.test_it().await?;
        let mut releases = Vec::new();
        let mut first = None;
        for place in &self.places {
            let old = self.release(place, "first", &self.repository.first).await?;
            let new = self.release(place, "second", &self.repository.second).await?;
            releases.extend([summary(place, &old), summary(place, &new)]);
            first = Some((place, old));
        }
        let Some((place, first)) = first else { return Err(Failure::failed("the demo has no host")) };
        let back = self.roll_back(place, &first).await?;
        Ok(json!({
            "ok": true,
            "state": back.state,
            "ssh": sshd.is_some(),
            "run": run,
            "releases": releases,
            "rollback": summary(place, &back),
        }))
    }

    async fn release(&self, place: &Place, version: &str, commit: &str) -> Result<Deployment, Failure> {
        self.say(&format!("\nReleasing the {version} commit ({}) to {}", &commit[..7], place.environment))?;
        let order = DeployOrder { commit: Some(commit.to_owned()), ..DeployOrder::default() };
        let request = self.client.deploy(APP, place.environment, &order).await?;
        self.follow(place, request.deployment, version).await
    }

    async fn roll_back(&self, place: &Place, to: &Deployment) -> Result<Deployment, Failure> {
        let release = to.release.as_deref();
        self.say(&format!("\nRolling {} back to {}", place.environment, release.unwrap_or("the release before")))?;
        let request = self.client.rollback(APP, place.environment, release).await?;
        self.follow(place, request.deployment, "first").await
    }

    /// Waits for the end and reads from the host's disk what it serves.
    async fn follow(&self, place: &Place, deployment: Option<i64>, version: &str) -> Result<Deployment, Failure> {
        let id = deployment.ok_or_else(|| Failure::failed("the request was not released"))?;
        let end = self.client.follow(id, 0, |_| Ok(())).await?;
        if end.state != DeploymentState::Succeeded {
            let log = self.client.get_text(&["deployments", &id.to_string(), "log.txt"]).await.unwrap_or_default();
            return Err(Failure::failed(format!("deployment {id} did not succeed:\n{log}")));
        }
        let page = place.root.join("www/current/index.html");
        let text = std::fs::read_to_string(&page)
            .map_err(|error| Failure::failed(format!("{} does not serve {}: {error}", place.host, page.display())))?;
        if !text.contains(version) {
            return Err(Failure::failed(format!("{} does not serve the {version} version: {text}", place.host)));
        }
        self.say(&format!("  deployment {id} succeeded; {} serves the {version} version", page.display()))?;
        Ok(end)
    }

    /// The same file that a person would write.
    fn configuration(&self, sshd: Option<&Sshd>) -> String {
        let mut text = workflow::tables(&self.repository.dir);
        for place in &self.places {
            let Place { environment, name, color, host, .. } = place;
            text.push_str(&format!(
                "[[environment]]\nkey = {environment:?}\nname = {name:?}\ncolor = {color:?}\n\n[[host]]\nname = {host:?}\nlabels = [\"web\"]\nenvironments = [{environment:?}]\n"
            ));
            match sshd.filter(|_| *host == "ssh-host") {
                Some(sshd) => text.push_str(&sshd.connection()),
                None => text.push_str("kind = \"local\"\n"),
            }
            text.push('\n');
        }
        text.push_str(&self.repository.app_table(APP));
        for place in &self.places {
            text.push_str(&self.repository.release_table(place.environment, &place.root));
        }
        text
    }

    fn say(&self, text: &str) -> Result<(), Failure> {
        if !self.quiet {
            writeln!(std::io::stdout(), "{text}")?;
        }
        Ok(())
    }
}

fn places(root: &Path, sshd: Option<&Sshd>) -> Result<Vec<Place>, Failure> {
    let local = Place {
        environment: "staging",
        name: "Staging",
        color: "#3b7dd8",
        host: "local-host",
        root: root.join("local-host"),
    };
    let ssh = sshd.map(|sshd| Place {
        environment: "production",
        name: "Production",
        color: "#c2513f",
        host: "ssh-host",
        root: sshd.root.clone(),
    });
    let places: Vec<Place> = std::iter::once(local).chain(ssh).collect();
    for place in &places {
        std::fs::create_dir_all(place.root.join("www")).map_err(disk)?;
    }
    Ok(places)
}

fn server(root: &Path, listen: SocketAddr) -> Result<Server, Failure> {
    let dir = root.join("data");
    std::fs::create_dir_all(&dir).map_err(disk)?;
    Ok(Server {
        data: Data { master_key: KeySource::File(dir.join("master.key")), dir, database_url: None },
        listen,
        public_url: None,
        parallel_deployments: 2,
        parallel_hosts: 8,
        parallel_jobs: davit_engine::Settings::default_parallel_jobs(),
        runner_labels: davit_engine::Settings::default_runner_labels(),
        ci_tools: Vec::new(),
        largest_upload: settings::LARGEST_UPLOAD,
        watch_hosts_every: std::time::Duration::ZERO,
        keep: davit_engine::retention::Keep::default(),
    })
}

fn summary(place: &Place, deployment: &Deployment) -> Value {
    let hosts: Vec<Value> =
        deployment.host_runs.iter().map(|run| json!({ "name": run.host, "state": run.state })).collect();
    json!({
        "environment": place.environment,
        "deployment": deployment.id,
        "request": deployment.request,
        "state": deployment.state,
        "release": deployment.release,
        "commit": deployment.commit,
        "hosts": hosts,
    })
}

fn invitation(address: SocketAddr, password: &SecretString, places: &[Place]) -> String {
    let back = places.last().map_or("staging", |place| place.environment);
    format!(
        "\ndavit is running. Look around:\n\n    http://{address}\n    name      {USER}\n    password  {}\n\n\
         It released two commits of a sample app to {} and rolled {back} back to the first.\nCtrl-C stops everything.",
        password.expose_secret(),
        places.iter().map(|place| place.environment).collect::<Vec<_>>().join(" and "),
    )
}

fn report(result: Result<Value, Failure>, as_json: bool) -> Outcome {
    match (result, as_json) {
        (Ok(value), true) => {
            writeln!(std::io::stdout(), "{value}")?;
            Ok(Exit::Done)
        }
        (Ok(_), false) => Ok(Exit::Done),
        (Err(failure), true) => {
            writeln!(std::io::stdout(), "{}", json!({ "ok": false, "state": "failed", "reason": failure.message }))?;
            Err(failure)
        }
        (Err(failure), false) => Err(failure),
    }
}

fn empty_dir(dir: &Path) -> Result<PathBuf, Failure> {
    std::fs::create_dir_all(dir).map_err(disk)?;
    if std::fs::read_dir(dir).map_err(disk)?.next().is_some() {
        return Err(Failure::usage(format!("{} is not empty: give the demo a directory of its own", dir.display())));
    }
    dir.canonicalize().map_err(disk)
}

fn disk(error: std::io::Error) -> Failure {
    Failure::failed(format!("the demo can't write to its directory: {error}"))
}
