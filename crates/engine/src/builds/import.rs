//! What people bring in: archives that become builds, and files that transfers of custom release configs put on hosts.

use super::{on_disk, remove_tree, sync_dir};
use crate::{Engine, EngineError};
use davit_domain::ids::{AppKey, CommitSha};
use davit_exec::archive;
use davit_exec::build::{self, Build, Filter};
use davit_store::builds::{BuildRow, BuildSource, NewBuild, UploadRow};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The most letters of an upload's name.
const LONGEST_NAME: usize = 100;

impl Engine {
    /// Makes a build of an archive (tar, tar.gz or zip), exactly as it is packed: no filter, no hooks. The same files
    /// again are the same build. `file` stays where it is.
    ///
    /// # Errors
    /// `NotFound` for an app that is not configured; `Invalid` when the archive is none, is damaged, too big, or holds
    /// what can't be released (see [`archive::extract`]).
    pub async fn import_build(
        &self,
        app: &AppKey,
        title: &str,
        by: &str,
        file: PathBuf,
    ) -> Result<BuildRow, EngineError> {
        self.known_app(app).await?;
        let place = self.workplace().await?;
        let result = self.import_in(&place.dir, app, title, by, &file).await;
        let dir = place.dir.clone();
        if let Err(error) = on_disk(move || remove_tree(&dir)).await {
            tracing::warn!(%error, "what is left of an upload is removed by the next sweep");
        }
        result
    }

    /// Keeps a file under a name for the transfers of an app; a newer one of this name takes its place for requests
    /// that come. `file` is moved away.
    ///
    /// # Errors
    /// `NotFound` for an app that is not configured; `Invalid` for a name that is empty, too long or not one line.
    pub async fn add_upload(
        &self,
        app: &AppKey,
        name: &str,
        by: &str,
        file: PathBuf,
    ) -> Result<UploadRow, EngineError> {
        self.known_app(app).await?;
        if name.trim().is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(EngineError::Invalid(format!(
                "the name of an upload has 1 to {LONGEST_NAME} characters on one line"
            )));
        }
        let dir = self.uploads_dir();
        let (digest, bytes) = on_disk(move || keep_file(&file, &dir)).await?;
        let now = self.now();
        let mut tx = self.store().begin().await?;
        let id = tx.add_upload(app, name, &digest, bytes, by, now).await?;
        let detail = serde_json::json!({ "app": app, "name": name, "digest": digest, "bytes": bytes });
        self.feed(&mut tx, by, "file_uploaded", &format!("upload {id}"), detail).await?;
        tx.commit().await?;
        let (app, name, created_by) = (app.clone(), name.to_owned(), by.to_owned());
        Ok(UploadRow { id, app, name, digest, bytes, created_by, created_at: now })
    }

    /// The content of an upload.
    pub(crate) fn upload_path(&self, digest: &str) -> PathBuf {
        self.uploads_dir().join(digest)
    }

    fn uploads_dir(&self) -> PathBuf {
        self.data_dir().join("uploads")
    }

    async fn known_app(&self, app: &AppKey) -> Result<(), EngineError> {
        if self.store().configuration().await?.apps.iter().any(|known| known.key == *app) {
            return Ok(());
        }
        Err(EngineError::NotFound(format!("there is no app named {app}")))
    }

    async fn import_in(
        &self,
        work: &Path,
        app: &AppKey,
        title: &str,
        by: &str,
        file: &Path,
    ) -> Result<BuildRow, EngineError> {
        let (tree, out) = (work.join("tree"), work.join("build"));
        archive::extract(file, &tree).await?;
        let made = build::make(&tree, ".", &Filter::all(), self.now(), &out).await?;
        let _stays = self.shelf().choose().await;
        let build = self.shelve(&made.digest, &out).await?;
        let new = uploaded(app, title, by, &build)?;
        let mut tx = self.store().begin().await?;
        let id = tx.keep_build(&new, self.now()).await?;
        let detail = serde_json::json!({ "app": app, "title": title, "digest": build.digest });
        self.feed(&mut tx, by, "build_uploaded", &format!("build {id}"), detail).await?;
        tx.commit().await?;
        self.store().build(id).await?.ok_or_else(|| EngineError::NotFound(format!("build {id} is gone")))
    }
}

fn uploaded(app: &AppKey, title: &str, by: &str, build: &Build) -> Result<NewBuild, EngineError> {
    Ok(NewBuild {
        app: app.clone(),
        key: format!("upload:{}", build.digest),
        digest: build.digest.clone(),
        source: BuildSource::Upload,
        // Something that is shown and sorted like a commit, and that no repository has.
        commit: CommitSha::try_from(build.digest.chars().take(40).collect::<String>())?,
        title: title.to_owned(),
        created_by: by.to_owned(),
        files: i64::try_from(build.files).unwrap_or(i64::MAX),
        bytes: i64::try_from(build.archive_bytes).unwrap_or(i64::MAX),
    })
}

/// Moves a file to where its content is its name; digest and size.
fn keep_file(file: &Path, dir: &Path) -> io::Result<(String, i64)> {
    std::fs::create_dir_all(dir)?;
    let mut hasher = blake3::Hasher::new();
    let bytes = io::copy(&mut File::open(file)?, &mut hasher)?;
    let digest = hasher.finalize().to_hex().to_string();
    let to = dir.join(&digest);
    match std::fs::rename(file, &to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let near = dir.join(format!(".coming-{:016x}", rand::random::<u64>()));
            std::fs::copy(file, &near)?;
            std::fs::rename(&near, &to)?;
            std::fs::remove_file(file)?;
        }
        renamed => renamed?,
    }
    File::open(&to)?.sync_all()?;
    sync_dir(dir)?;
    Ok((digest, i64::try_from(bytes).unwrap_or(i64::MAX)))
}
