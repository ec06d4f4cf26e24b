//! Loops of `ssh`, `tar` and `rsync`.

use super::{Peer, Source, for_each_host};
use crate::hosts::Hosts;
use tokio::process::Command;

/// `tar | ssh tar -x`; changed files alone onto a hardlinked copy; `ssh host mv`. They check and remember nothing, and
/// the first two don't switch.
#[derive(Debug)]
pub struct Floors;

impl Peer for Floors {
    fn name(&self) -> &'static str {
        "tar | ssh (floor)"
    }

    fn first(&self, hosts: &Hosts, source: &Source) -> anyhow::Result<Command> {
        let script = "tar -C \"$TREE\" --exclude=.git -cf - . | \
                      ssh -F \"$SSH_CONFIG\" \"$1\" \"mkdir -p $HOSTS_ROOT/1 && tar -C $HOSTS_ROOT/1 -xf -\"";
        Ok(for_each_host(hosts, script, &[("TREE", &source.tree)]))
    }

    fn next(&self, hosts: &Hosts, source: &Source) -> anyhow::Result<Command> {
        let script = "tar -C \"$TREE\" -T \"$CHANGED\" -cf - | \
                      ssh -F \"$SSH_CONFIG\" \"$1\" \"cp -al $HOSTS_ROOT/1 $HOSTS_ROOT/2 && tar -C $HOSTS_ROOT/2 -xf -\"";
        Ok(for_each_host(hosts, script, &[("TREE", &source.tree), ("CHANGED", &source.changed)]))
    }

    fn back(&self, hosts: &Hosts, _: &Source) -> anyhow::Result<Command> {
        Ok(for_each_host(hosts, &switch("1"), &[]))
    }
}

/// `rsync -a`, with `--link-dest` for the second release, then a switch by `ssh`.
#[derive(Debug)]
pub struct Rsync;

impl Peer for Rsync {
    fn name(&self) -> &'static str {
        "rsync --link-dest"
    }

    fn first(&self, hosts: &Hosts, source: &Source) -> anyhow::Result<Command> {
        let copy = "rsync -a --exclude=.git -e \"ssh -F $SSH_CONFIG\" \"$TREE/\" \"$1:$HOSTS_ROOT/1/\" && ";
        Ok(for_each_host(hosts, &(copy.to_owned() + &switch("1")), &[("TREE", &source.tree)]))
    }

    fn next(&self, hosts: &Hosts, source: &Source) -> anyhow::Result<Command> {
        let copy =
            "rsync -a --exclude=.git --link-dest=../1 -e \"ssh -F $SSH_CONFIG\" \"$TREE/\" \"$1:$HOSTS_ROOT/2/\" && ";
        Ok(for_each_host(hosts, &(copy.to_owned() + &switch("2")), &[("TREE", &source.tree)]))
    }

    fn back(&self, hosts: &Hosts, _: &Source) -> anyhow::Result<Command> {
        Ok(for_each_host(hosts, &switch("1"), &[]))
    }
}

/// One `ssh` that replaces the symlink by a rename.
fn switch(release: &str) -> String {
    format!(
        "ssh -F \"$SSH_CONFIG\" \"$1\" \"ln -sfn $HOSTS_ROOT/{release} $HOSTS_ROOT/next && \
         mv -T $HOSTS_ROOT/next $HOSTS_ROOT/current\""
    )
}
