//! `actions/cache`: directories that the next run finds again.
//!
//! A cache is one file with an archive for each directory of the job that paths of it are in, so that it fits wherever
//! those directories are.

use super::{Inputs, Kind, because, hex, size};
use crate::job::{Fault, Outputs, Running};
use crate::search::{Search, is_in};
use crate::services::Services;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Characters of a key.
const LONGEST_KEY: usize = 512;

/// What is kept when the job succeeds.
#[derive(Debug, Clone)]
pub(crate) struct NewCache {
    key: String,
    version: String,
    paths: Vec<String>,
}

impl<S: Services> Running<'_, S> {
    /// Restores a cache, and remembers to keep one where there is none with this very key.
    pub(crate) async fn cache(&mut self, with: &[(String, String)]) -> Result<Outputs, Fault> {
        let inputs = Inputs(with);
        let key = key_of(inputs.text("key").unwrap_or_default())?;
        let others = inputs.lines("restore-keys").iter().map(|key| key_of(key)).collect::<Result<Vec<_>, _>>()?;
        let cache = NewCache { version: version(&inputs.lines("path")), paths: inputs.lines("path"), key };
        let services = self.services;
        let asking = services.restore_cache(&cache.key, &others, &cache.version);
        let found = self.ends.unless_ended(asking).await.ok_or(Fault::Ended)??;
        let mut outputs = vec![("cache-primary-key".to_owned(), cache.key.clone())];
        let Some((matched, file)) = found else {
            self.log.say(&format!("There is no cache for `{}`", cache.key)).await;
            if inputs.flag("fail-on-cache-miss")? {
                return Err(Fault::failed(format!("there is no cache for `{}`", cache.key)));
            }
            self.caches.push(cache);
            return Ok(outputs);
        };
        if !inputs.flag("lookup-only")? {
            match self.restore(&file).await {
                Ok(()) => self.log.say(&format!("Restored the cache `{matched}`")).await,
                // A cache only saves time: without it, the job does everything itself.
                Err(Fault::Failed { reason, .. }) => {
                    self.log.warn(&format!("the cache `{matched}` can't be restored: {reason}")).await;
                    return Ok(outputs);
                }
                Err(fault) => return Err(fault),
            }
        }
        let is_same = matched == cache.key;
        outputs.push(("cache-hit".to_owned(), is_same.to_string()));
        outputs.push(("cache-matched-key".to_owned(), matched));
        if !is_same {
            self.caches.push(cache);
        }
        Ok(outputs)
    }

    async fn restore(&mut self, file: &Path) -> Result<(), Fault> {
        let directory = self.outside("cache");
        let (from, into) = (file.to_owned(), directory.clone());
        let archives = tokio::task::spawn_blocking(move || split(&from, &into)).await;
        let archives = archives.map_err(|error| Fault::Ours(error.to_string()))?.map_err(Fault::failed)?;
        for (name, archive) in archives {
            let root = self.roots.named().into_iter().find(|(known, _)| *known == name);
            let Some(root) = root.map(|(_, root)| root.to_owned()) else { continue };
            self.unpack(&archive, &root).await?;
        }
        Ok(())
    }

    /// Keeps the caches that the job asked for. What goes wrong is said, and no reason to fail.
    pub(crate) async fn keep_caches(&mut self) {
        for cache in std::mem::take(&mut self.caches).into_iter().rev() {
            match self.keep_cache(&cache).await {
                Ok(said) => self.log.say(&said).await,
                Err(Fault::Ended) => return,
                Err(Fault::Failed { reason, .. } | Fault::Gone(reason) | Fault::Ours(reason)) => {
                    self.log.warn(&format!("the cache `{}` is not kept: {reason}", cache.key)).await;
                }
            }
        }
    }

    async fn keep_cache(&mut self, cache: &NewCache) -> Result<String, Fault> {
        let search =
            Search::parse(cache.paths.iter().map(String::as_str), &self.roots, false).map_err(Fault::failed)?;
        let kind = if search.is_plain() { Kind::Same } else { Kind::All };
        let found = self.find(&search, kind).await?;
        let mut archives = Vec::new();
        for (name, root) in self.roots.clone().named() {
            let prefix = format!("{}/", root.trim_end_matches('/'));
            let own = found.iter().filter_map(|path| path.strip_prefix(&prefix));
            let files: Vec<String> = own.map(str::to_owned).collect();
            if files.is_empty() {
                continue;
            }
            let archive = self.outside(name);
            let packing = self.place.pack(&files, root, &archive);
            let packed = self.ends.unless_ended(packing).await.ok_or(Fault::Ended)?;
            packed.map_err(|error| because("its files can't be packed", error.into()))?;
            archives.push((name, archive));
        }
        let roots = self.roots.named();
        if let Some(path) = found.iter().find(|path| !roots.iter().any(|(_, root)| is_in(path, root))) {
            return Err(Fault::failed(format!("{path} is in none of {}", roots.map(|(_, root)| root).join(", "))));
        }
        if archives.is_empty() {
            return Err(Fault::failed("none of its paths is there"));
        }
        let file = self.outside("cache.tar");
        let into = file.clone();
        let joined = tokio::task::spawn_blocking(move || join(&archives, &into)).await;
        let bytes = joined.map_err(|error| Fault::Ours(error.to_string()))?.map_err(Fault::Ours)?;
        let services = self.services;
        let keeping = services.save_cache(&cache.key, &cache.version, &file);
        Ok(match self.ends.unless_ended(keeping).await.ok_or(Fault::Ended)?? {
            true => format!("Kept the cache `{}`, {}", cache.key, size(bytes)),
            false => format!("Another job kept the cache `{}` already", cache.key),
        })
    }
}

fn key_of(key: &str) -> Result<String, Fault> {
    if key.contains(',') || key.chars().count() > LONGEST_KEY || key.is_empty() {
        return Err(Fault::failed(format!("a key of a cache has 1 to {LONGEST_KEY} characters, and no comma")));
    }
    Ok(key.to_owned())
}

/// Caches of other paths are other caches, whatever their key.
fn version(paths: &[String]) -> String {
    hex(&Sha256::digest(paths.join("\n")))
}

/// Writes the archives, each under its name, into one file that is not packed again. Returns its bytes.
fn join(archives: &[(&'static str, PathBuf)], into: &Path) -> Result<u64, String> {
    let failed = |error: std::io::Error| format!("{} can't be written: {error}", into.display());
    let mut builder = tar::Builder::new(File::create_new(into).map_err(failed)?);
    for (name, archive) in archives {
        builder.append_path_with_name(archive, name).map_err(failed)?;
    }
    let file = builder.into_inner().map_err(failed)?;
    Ok(file.metadata().map_err(failed)?.len())
}

/// The other way: the archives of one file, as files in a new directory. Only names of ours are taken.
fn split(file: &Path, into: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    let failed = |error: std::io::Error| format!("{} can't be read: {error}", file.display());
    std::fs::create_dir_all(into).map_err(failed)?;
    let mut archive = tar::Archive::new(File::open(file).map_err(failed)?);
    let mut found = Vec::new();
    for entry in archive.entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        let name = entry.path().map_err(failed)?.to_string_lossy().into_owned();
        if !["workspace", "home", "temp"].contains(&name.as_str()) || !entry.header().entry_type().is_file() {
            continue;
        }
        let path = into.join(&name);
        let mut copy = File::create_new(&path).map_err(failed)?;
        std::io::copy(&mut entry, &mut copy).map_err(failed)?;
        found.push((name, path));
    }
    Ok(found)
}
