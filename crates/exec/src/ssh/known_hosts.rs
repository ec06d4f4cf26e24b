//! Keys from OpenSSH's `known_hosts`, read as `ssh` reads it (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): several names,
//! patterns, hashed names, `[host]:port`, markers.
//!
//! Certificate authorities are left out: davit believes keys, not who signed them.

use super::keys::public_line;
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::ssh_key::known_hosts::{Entry, HostPatterns, KnownHosts as Lines, Marker};
use russh::keys::{Algorithm, PublicKey};
use sha1::Sha1;

/// What a `known_hosts` file says.
#[derive(Debug)]
pub struct KnownHosts {
    entries: Vec<Entry>,
    unreadable: usize,
}

/// What it says about one host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Its keys as in `authorized_keys`, the best kind first.
    pub keys: Vec<String>,
    /// Keys of it that must not be believed any more.
    pub revoked: Vec<String>,
    /// The places of the entries that are about it, from 0, among those that could be read.
    pub entries: Vec<usize>,
}

impl KnownHosts {
    /// Reads a file's text. Lines that are none of OpenSSH's, or have keys of kinds unknown here, are only counted.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let (entries, broken): (Vec<_>, Vec<_>) = Lines::new(text).partition(Result::is_ok);
        Self { entries: entries.into_iter().flatten().collect(), unreadable: broken.len() }
    }

    /// Entries that could be read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no entry could be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Lines that could not be read.
    #[must_use]
    pub fn unreadable(&self) -> usize {
        self.unreadable
    }

    /// What is said about a host at an address and port.
    #[must_use]
    pub fn about(&self, address: &str, port: u16) -> Known {
        let address = address.to_ascii_lowercase();
        let name = if port == 22 { address } else { format!("[{address}]:{port}") };
        let mut known = Known::default();
        let mut keys = Vec::new();
        for (place, entry) in self.entries.iter().enumerate().filter(|(_, entry)| covers(entry.host_patterns(), &name))
        {
            match entry.marker() {
                None => keys.extend(rank(entry.public_key()).map(|rank| (rank, entry.public_key()))),
                Some(Marker::Revoked) => known.revoked.push(public_line(entry.public_key())),
                Some(Marker::CertAuthority) => continue,
            }
            known.entries.push(place);
        }
        keys.sort_by_key(|(rank, _)| *rank);
        known.keys =
            keys.into_iter().map(|(_, key)| public_line(key)).filter(|key| !known.revoked.contains(key)).collect();
        known
    }
}

fn covers(patterns: &HostPatterns, name: &str) -> bool {
    match patterns {
        HostPatterns::HashedName { salt, hash } => {
            Hmac::<Sha1>::new_from_slice(salt).is_ok_and(|mac| mac.chain_update(name).verify_slice(hash).is_ok())
        }
        HostPatterns::Patterns(patterns) => {
            let matches = |pattern: &str| matches(pattern.to_ascii_lowercase().as_bytes(), name.as_bytes());
            // A pattern that is not to match rules the line out, wherever it stands.
            let not = patterns.iter().filter_map(|pattern| pattern.strip_prefix('!')).any(matches);
            !not && patterns.iter().any(|pattern| matches(pattern))
        }
    }
}

/// `*` is anything, `?` one character.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    // What follows the last `*`, and where the name was then: one more character is the star's when the rest fails.
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern, name) {
            ([], []) => return true,
            ([b'*', rest @ ..], _) => {
                star = Some((rest, name));
                pattern = rest;
            }
            ([letter, rest @ ..], [first, later @ ..]) if *letter == b'?' || letter == first => {
                (pattern, name) = (rest, later);
            }
            _ => match star {
                Some((rest, [_, later @ ..])) => {
                    star = Some((rest, later));
                    (pattern, name) = (rest, later);
                }
                _ => return false,
            },
        }
    }
}

/// Which kinds are preferred; none for those that davit can't check.
fn rank(key: &PublicKey) -> Option<u8> {
    let algorithm = key.algorithm();
    if algorithm == Algorithm::Ed25519 {
        Some(0)
    } else if matches!(algorithm, Algorithm::Ecdsa { .. }) {
        Some(1)
    } else {
        algorithm.is_rsa().then_some(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=";

    fn keys(text: &str, address: &str, port: u16) -> Vec<String> {
        KnownHosts::new(text).about(address, port).keys
    }

    #[test]
    fn names_ports_patterns_and_comments_are_read_as_ssh_does() {
        let text = format!(
            "# a comment\nweb-1,10.0.0.1 {ED25519}\n[Web-2]:2222 {ED25519} someone\n\n\
             *.example.com,!db.example.com {ED25519}\nnode-? {ED25519}\n"
        );
        for (address, port, found) in [
            ("web-1", 22, 1),
            ("WEB-1", 22, 1),
            ("10.0.0.1", 22, 1),
            ("web-1", 2222, 0),
            ("web-2", 2222, 1),
            ("web-2", 22, 0),
            ("www.example.com", 22, 1),
            ("db.example.com", 22, 0),
            ("example.com", 22, 0),
            ("node-7", 22, 1),
            ("node-77", 22, 0),
        ] {
            assert_eq!(keys(&text, address, port), vec![ED25519.to_owned(); found], "{address}:{port}");
        }
    }

    #[test]
    fn the_best_key_comes_first_and_revoked_ones_never() {
        let both = format!("web {ECDSA}\nweb {ED25519}\n");
        assert_eq!(keys(&both, "web", 22), [ED25519, ECDSA]);
        let revoked = KnownHosts::new(&format!("{both}@revoked * {ED25519}\n@cert-authority * {ED25519}\n"));
        let known = revoked.about("web", 22);
        assert_eq!((known.keys, known.revoked), (vec![ECDSA.to_owned()], vec![ED25519.to_owned()]));
    }

    #[test]
    fn lines_that_are_not_understood_cost_only_themselves() {
        let known =
            KnownHosts::new(&format!("web ssh-ed25519 nonsense\nweb ssh-new AAAA\nonly-a-name\nweb {ED25519}\n"));
        assert_eq!((known.len(), known.unreadable()), (1, 3));
        assert_eq!(known.about("web", 22).keys, [ED25519]);
    }

    #[test]
    fn hashed_names_are_found() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("known_hosts");
        std::fs::write(&file, format!("10.0.0.7,[10.0.0.7]:2222 {ED25519}\n")).expect("a file");
        #[expect(clippy::disallowed_methods, reason = "a test may wait for a program on its own thread")]
        let hashed = std::process::Command::new("ssh-keygen").args(["-q", "-H", "-f"]).arg(&file).output();
        assert!(hashed.expect("ssh-keygen").status.success());
        let text = std::fs::read_to_string(&file).expect("the hashed file");
        assert!(text.starts_with("|1|") && !text.contains("10.0.0.7"), "{text}");
        assert_eq!(keys(&text, "10.0.0.7", 22), [ED25519]);
        assert_eq!(keys(&text, "10.0.0.7", 2222), [ED25519]);
        assert!(keys(&text, "10.0.0.8", 22).is_empty());
    }
}
