//! Ansible with a playbook as people write it: rsync from the controller (what `synchronize` does), then a symlink.

use super::{PARALLEL, Peer, Source};
use crate::hosts::Hosts;
use anyhow::ensure;
use std::path::PathBuf;
use tokio::process::Command;

/// `ansible-core` from PyPI, or whatever `ansible-playbook` is in `PATH`.
#[derive(Debug)]
pub struct Ansible {
    dir: PathBuf,
    program: PathBuf,
}

const PLAYBOOK: &str = r#"- hosts: all
  gather_facts: false
  tasks:
    - name: Copy the tree
      when: copy | default(false) | bool
      delegate_to: localhost
      ansible.builtin.command:
        argv: ["rsync", "-a", "--exclude=.git", "--link-dest=../{{ before }}", "-e", "ssh -F {{ ssh_config }}",
               "{{ tree }}/", "{{ inventory_hostname }}:{{ root }}/{{ release }}/"]
    - name: Point to it
      ansible.builtin.command:
        cmd: ln -sfn {{ root }}/{{ release }} {{ root }}/next
    - name: Switch
      ansible.builtin.command:
        cmd: mv -T {{ root }}/next {{ root }}/current
"#;

impl Ansible {
    /// An inventory of these hosts, below `dir`.
    ///
    /// # Errors
    /// When Ansible is not installed, or the disk refuses.
    pub fn new(dir: PathBuf, hosts: &Hosts) -> anyhow::Result<Self> {
        let own = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench-venv/bin/ansible-playbook"));
        let program = if own.exists() { own } else { PathBuf::from("ansible-playbook") };
        #[expect(clippy::disallowed_methods, reason = "nothing else runs while tools are looked for")]
        let there = std::process::Command::new(&program).arg("--version").output();
        ensure!(
            there.is_ok_and(|output| output.status.success()),
            "not installed (bench/install-peers, or pip install ansible-core)"
        );
        std::fs::create_dir_all(&dir)?;
        let names: String = hosts.hosts.iter().map(|host| format!("{}\n", host.name)).collect();
        std::fs::write(dir.join("hosts"), names)?;
        std::fs::write(dir.join("release.yml"), PLAYBOOK)?;
        let config = format!(
            "[defaults]\nforks = {PARALLEL}\nhost_key_checking = False\ninterpreter_python = /usr/bin/python3\n\
             [ssh_connection]\npipelining = True\nssh_args = -F {}\n",
            hosts.ssh_config.display()
        );
        std::fs::write(dir.join("ansible.cfg"), config)?;
        Ok(Self { dir, program })
    }

    fn play(&self, hosts: &Hosts, source: &Source, release: &str, copy: bool) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["-i", "hosts", "release.yml"]).current_dir(&self.dir);
        for (name, value) in [
            ("tree", source.tree.display().to_string()),
            ("root", hosts.common.display().to_string()),
            ("ssh_config", hosts.ssh_config.display().to_string()),
            ("release", release.to_owned()),
            ("before", "1".to_owned()),
            ("copy", copy.to_string()),
        ] {
            command.arg("-e").arg(format!("{name}={value}"));
        }
        command
    }
}

impl Peer for Ansible {
    fn name(&self) -> &'static str {
        "Ansible"
    }

    fn first(&self, hosts: &Hosts, source: &Source) -> anyhow::Result<Command> {
        Ok(self.play(hosts, source, "1", true))
    }

    fn next(&self, hosts: &Hosts, source: &Source) -> anyhow::Result<Command> {
        Ok(self.play(hosts, source, "2", true))
    }

    fn back(&self, hosts: &Hosts, source: &Source) -> anyhow::Result<Command> {
        Ok(self.play(hosts, source, "1", false))
    }
}
