//! Git LFS has its own protocol, which davit does not speak: its files are the small pointers that git itself stores,
//! until a hook gets their content.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;

/// What a pointer begins with.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1";
/// How many a message names.
const NAMED: usize = 3;

/// Of these paths in a checkout, those that are pointers: how many, and the first few by name.
pub(super) fn pointers(checkout: &Path, paths: &[String]) -> Option<String> {
    let found: Vec<&str> = paths.iter().map(String::as_str).filter(|path| is_pointer(&checkout.join(path))).collect();
    let named = found.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match found.len() {
        0 => None,
        count if count <= NAMED => Some(named),
        count => Some(format!("{named} and {} more", count - NAMED)),
    }
}

/// Whether `git lfs` can be run with this `PATH`.
pub(super) fn is_installed(search: Option<&OsStr>) -> bool {
    search.is_some_and(|search| std::env::split_paths(search).any(|directory| directory.join("git-lfs").is_file()))
}

fn is_pointer(path: &Path) -> bool {
    let is_file = path.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
    let mut start = [0; POINTER.len()];
    is_file && std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == POINTER
}
