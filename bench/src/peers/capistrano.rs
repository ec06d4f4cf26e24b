//! Capistrano with its own way to get the code: a mirror of the repository on every host, `git archive` from there.

use super::{Peer, Source};
use crate::hosts::Hosts;
use anyhow::ensure;
use std::path::PathBuf;
use tokio::process::Command;

/// Debian's `capistrano`.
#[derive(Debug)]
pub struct Capistrano {
    dir: PathBuf,
}

impl Capistrano {
    /// A project for these hosts, below `dir`.
    ///
    /// # Errors
    /// When Capistrano is not installed, or the disk refuses.
    pub fn new(dir: PathBuf, hosts: &Hosts, source: &Source) -> anyhow::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "nothing else runs while tools are looked for")]
        let there = std::process::Command::new("cap").arg("--version").output();
        ensure!(
            there.is_ok_and(|output| output.status.success()),
            "not installed (Debian: apt-get install capistrano ruby-ed25519 ruby-bcrypt-pbkdf)"
        );
        std::fs::create_dir_all(dir.join("config/deploy"))?;
        let capfile = "require 'capistrano/setup'\nrequire 'capistrano/deploy'\nrequire 'capistrano/scm/git'\n\
                       install_plugin Capistrano::SCM::Git\n";
        std::fs::write(dir.join("Capfile"), capfile)?;
        let deploy = format!(
            "set :application, 'bench'\nset :repo_url, {:?}\nset :branch, 'main'\nset :deploy_to, {:?}\n\
             set :keep_releases, 5\nset :format, :dot\nset :ssh_options, {{ user: {:?}, keys: [{:?}], \
             keys_only: true, config: false, verify_host_key: :never, auth_methods: %w(publickey) }}\n",
            source.tree,
            hosts.common.join("cap"),
            hosts.user,
            hosts.key,
        );
        std::fs::write(dir.join("config/deploy.rb"), deploy)?;
        let servers: String = hosts
            .hosts
            .iter()
            .map(|host| format!("server {:?}, port: {}, roles: %w(app)\n", host.address, host.port))
            .collect();
        std::fs::write(dir.join("config/deploy/bench.rb"), servers)?;
        Ok(Self { dir })
    }

    fn cap(&self, task: &str) -> Command {
        let mut command = Command::new("cap");
        command.args(["bench", task]).current_dir(&self.dir);
        command
    }
}

impl Peer for Capistrano {
    fn name(&self) -> &'static str {
        "Capistrano"
    }

    fn first(&self, _: &Hosts, _: &Source) -> anyhow::Result<Command> {
        Ok(self.cap("deploy"))
    }

    fn next(&self, _: &Hosts, _: &Source) -> anyhow::Result<Command> {
        Ok(self.cap("deploy"))
    }

    fn back(&self, _: &Hosts, _: &Source) -> anyhow::Result<Command> {
        Ok(self.cap("deploy:rollback"))
    }
}
