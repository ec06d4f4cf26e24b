//! What people use today to do the same work, and the floors: the least that OpenSSH can do it with.
//!
//! Each tool puts the tree into a new directory on every host and switches a symlink to it with a rename; the floors
//! leave the switch out. Loops over hosts are `xargs -P16`, as people write them.

mod ansible;
mod capistrano;
mod shell;

use crate::cost::{Cost, measured};
use crate::hosts::Hosts;
use std::path::{Path, PathBuf};
use tokio::process::Command;

pub use ansible::Ansible;
pub use capistrano::Capistrano;
pub use shell::{Floors, Rsync};

/// How many hosts a loop works on at the same time.
pub const PARALLEL: usize = 16;

/// What is released.
#[derive(Debug, Clone)]
pub struct Source {
    /// The working tree, which is a git repository as well.
    pub tree: PathBuf,
    /// The files that the second version changed, relative to the tree, a line each.
    pub changed: PathBuf,
}

/// A way to do the three works.
pub trait Peer {
    /// For the table.
    fn name(&self) -> &'static str;

    /// The whole tree to hosts that have nothing.
    fn first(&self, hosts: &Hosts, source: &Source) -> anyhow::Result<Command>;

    /// The next version, whose predecessor is there.
    fn next(&self, hosts: &Hosts, source: &Source) -> anyhow::Result<Command>;

    /// Back to the first version.
    fn back(&self, hosts: &Hosts, source: &Source) -> anyhow::Result<Command>;
}

/// Runs one of a peer's works.
///
/// # Errors
/// When it fails.
pub async fn run(command: Command) -> anyhow::Result<Cost> {
    measured(command).await
}

/// `sh -c SCRIPT` once a host, its name as `$1`, with these variables.
fn for_each_host(hosts: &Hosts, script: &str, variables: &[(&str, &Path)]) -> Command {
    let names: Vec<&str> = hosts.hosts.iter().map(|host| host.name.as_str()).collect();
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("printf '%s\\n' {} | xargs -P{PARALLEL} -n1 sh -euc \"$1\" sh", names.join(" ")));
    command.arg("sh").arg(script).env("SSH_CONFIG", &hosts.ssh_config).env("HOSTS_ROOT", &hosts.common);
    for (name, value) in variables {
        command.env(name, value);
    }
    command
}
