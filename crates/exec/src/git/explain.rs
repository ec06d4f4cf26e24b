//! What git's last words mean for a person.

use super::remote::{Remote, Transport};
use crate::ExecError;

/// Turns the standard error of a failed git into an error that says what to do. git speaks English: `LC_ALL=C`.
pub(super) fn explain(remote: &Remote, stderr: &[String]) -> ExecError {
    let said = |words: &[&str]| stderr.iter().any(|line| words.iter().any(|word| line.contains(word)));
    let url = &remote.url;
    let words = last_words(stderr);
    let advice = if said(HOST_KEY) {
        "the key of its ssh host is not the known one. If the host was reinstalled, replace the known key; if not, \
         somebody may be in between"
    } else if said(LOGIN) {
        "the login was refused. Check that the repository's credential is valid and may read it"
    } else if said(MISSING) {
        "there is no such repository, or the credential may not see it. Check the URL and the credential"
    } else if said(TLS) {
        "its TLS certificate is not trusted. Add its authority to the server's trusted certificates"
    } else if said(PROTOCOL) {
        "it, or a submodule, uses a transport that davit does not allow. Use https or ssh"
    } else if said(DOWN) {
        return unreachable(remote, &words);
    } else {
        return ExecError::Git(words);
    };
    ExecError::Git(format!("{url}: {advice} ({words})"))
}

const HOST_KEY: &[&str] = &["Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED"];

const LOGIN: &[&str] = &[
    "Authentication failed",
    "could not read Username",
    "could not read Password",
    "Permission denied",
    "returned error: 401",
    "returned error: 403",
    "Access denied",
    "invalid credentials",
];

const MISSING: &[&str] = &[
    "Repository not found",
    "does not appear to be a git repository",
    "returned error: 404",
    "returned error: 410",
    "' not found",
    "could not be found",
    "' does not exist",
];

const TLS: &[&str] = &["SSL certificate", "certificate verif", "unable to get local issuer"];

const PROTOCOL: &[&str] = &["' not allowed", "is not a git command", "Unable to find remote helper"];

const DOWN: &[&str] = &[
    "Could not resolve",
    "Failed to connect",
    "Couldn't connect",
    "Connection refused",
    "Connection timed out",
    "Connection reset",
    "Connection closed",
    "closed by remote host",
    "Broken pipe",
    "Operation timed out",
    "Operation too slow",
    "Network is unreachable",
    "No route to host",
    "unable to connect",
    "unexpected disconnect",
    "hung up unexpectedly",
    "early EOF",
    "Empty reply from server",
    "returned error: 429",
    "returned error: 5",
];

fn unreachable(remote: &Remote, words: &str) -> ExecError {
    let detail = format!("{words}. Check the URL, the network and the server there; davit can try again");
    match remote.check().ok().as_ref().and_then(Transport::host).map(|host| host.parse()) {
        Some(Ok(host)) => ExecError::Unreachable { host, detail },
        Some(Err(_)) | None => ExecError::Git(format!("{} can't be reached: {detail}", remote.url)),
    }
}

/// The lines that say why, joined: those marked as errors, else the last one.
fn last_words(stderr: &[String]) -> String {
    let marked = |line: &&String| ["fatal: ", "error: ", "remote: ", "ssh: "].iter().any(|mark| line.starts_with(mark));
    let lines: Vec<&str> = stderr.iter().filter(marked).map(|line| line.trim()).collect();
    match (&lines[..], stderr.iter().rev().find(|line| !line.trim().is_empty())) {
        ([], Some(last)) => last.trim().to_owned(),
        ([], None) => "it failed and said nothing".to_owned(),
        (lines, _) => lines[lines.len().saturating_sub(4)..].join("; "),
    }
}
