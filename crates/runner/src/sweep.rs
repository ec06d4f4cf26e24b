//! Clears away what a server that died left of its jobs.

use crate::container;
use crate::limits::Groups;
use crate::prepare;
use crate::processes::{self, Process};
use crate::record::{self, Record};
use nix::sys::signal::Signal;
use std::path::Path;

/// Ends every place under `root` (the directory that job directories are made in) whose server is gone, and removes
/// its control groups and files. Places of servers that live are left alone, this one's too. Returns one sentence for
/// each that was cleared away or could not be.
pub async fn sweep(root: &Path) -> Vec<String> {
    let mut said = Vec::new();
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let job_dir = entry.path();
        if !job_dir.join("control").is_dir() {
            continue;
        }
        match record::lock(&job_dir) {
            // Its server lives.
            Ok(None) => {}
            Ok(Some(_lock)) => said.push(clear(&job_dir).await),
            Err(error) => said.push(format!("{} could not be cleared away: {error}", job_dir.display())),
        }
    }
    said
}

async fn clear(job_dir: &Path) -> String {
    let record = Record::read(job_dir);
    let everybody = processes::all();
    let root: Vec<Process> =
        everybody.iter().filter(|process| Some(process.identity()) == record.root).cloned().collect();
    let mut left: Vec<Process> = root.iter().flat_map(|root| processes::below(root.pid, everybody.clone())).collect();
    left.extend(root);
    if let Some(mark) = &record.mark {
        left.extend(everybody.into_iter().filter(|process| process.has_in_environment(mark)));
    }
    left.iter().for_each(|process| process.signal(Signal::SIGSTOP));
    left.iter().for_each(|process| process.signal(Signal::SIGKILL));
    let mut trouble = Groups::of(record.groups).remove().await;
    if let Some(proof) = container::clear(job_dir).await.filter(|proof| !proof.clean) {
        // The directory stays: the next sweep tries again.
        return format!("{} could not be cleared away: {proof}", job_dir.display());
    }
    if let Err(error) = prepare::remove_tree(job_dir).await {
        trouble.push(error.to_string());
    }
    let name = job_dir.display();
    if trouble.is_empty() {
        format!("{name}: cleared away what a server that died had left, {} processes", left.len())
    } else {
        format!("{name} could not be cleared away: {}", trouble.join("; "))
    }
}
