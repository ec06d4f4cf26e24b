//! `actions/upload-artifact` and `actions/download-artifact`: files that outlive the job.

use super::{Inputs, Kind, because, size};
use crate::job::{Fault, Outputs, Running};
use crate::search::{Search, common};
use crate::services::{NewArtifact, Selector, Services};
use std::path::Path;

/// What an artefact is called that has no name.
const USUAL_NAME: &str = "artifact";
/// Characters that no name of an artefact has, because some file system has not.
const NOT_IN_NAMES: &[char] = &['"', ':', '<', '>', '|', '*', '?', '\r', '\n', '\\', '/'];

impl<S: Services> Running<'_, S> {
    /// Packs files and keeps them.
    pub(crate) async fn upload(&mut self, with: &[(String, String)]) -> Result<Outputs, Fault> {
        let inputs = Inputs(with);
        let artifact = NewArtifact {
            name: name_of(inputs.text("name").unwrap_or(USUAL_NAME))?,
            keep_days: inputs.number("retention-days")?.filter(|days| *days > 0),
            overwrite: inputs.flag("overwrite")?,
        };
        let when_none = inputs.text("if-no-files-found").unwrap_or("warn");
        if !["warn", "error", "ignore"].contains(&when_none) {
            return Err(Fault::failed("`if-no-files-found` must be `warn`, `error` or `ignore`"));
        }
        let patterns = inputs.lines("path");
        let search = Search::parse(patterns.iter().map(String::as_str), &self.roots, true).map_err(Fault::failed)?;
        let mut found = self.find(&search, Kind::Kept).await?;
        if !inputs.flag("include-hidden-files")? {
            found.retain(|path| !search.is_hidden(path));
        }
        if found.is_empty() {
            let message = format!("no file was found: {}", patterns.join(", "));
            return match when_none {
                "error" => Err(Fault::failed(message)),
                "warn" => {
                    self.log.warn(&message).await;
                    Ok(Vec::new())
                }
                _ => Ok(Vec::new()),
            };
        }
        self.keep_artifact(&artifact, &search, &found).await
    }

    async fn keep_artifact(
        &mut self,
        artifact: &NewArtifact,
        search: &Search,
        found: &[String],
    ) -> Result<Outputs, Fault> {
        let root = root_of(search, found);
        let prefix = format!("{}/", root.trim_end_matches('/'));
        let files: Vec<String> =
            found.iter().filter_map(|path| path.strip_prefix(&prefix)).map(str::to_owned).collect();
        let file = self.outside("artifact.tar.gz");
        let packing = self.place.pack(&files, &root, &file);
        let bytes = self.ends.unless_ended(packing).await.ok_or(Fault::Ended)?.map_err(Fault::from)?;
        let services = self.services;
        let saving = services.save_artifact(artifact, &file);
        let saved = self.ends.unless_ended(saving).await.ok_or(Fault::Ended)??;
        let count = if files.len() == 1 { "1 file".to_owned() } else { format!("{} files", files.len()) };
        self.log.say(&format!("Kept {count} as `{}`, {}", artifact.name, size(bytes))).await;
        let mut outputs = vec![("artifact-id".to_owned(), saved.id), ("artifact-digest".to_owned(), saved.digest)];
        outputs.extend(saved.url.map(|url| ("artifact-url".to_owned(), url)));
        Ok(outputs)
    }

    /// Unpacks artefacts of the run: one into the directory itself, several each into its own.
    pub(crate) async fn download(&mut self, with: &[(String, String)]) -> Result<Outputs, Fault> {
        let inputs = Inputs(with);
        let into = self.roots.resolve(inputs.text("path").unwrap_or(".")).map_err(Fault::failed)?;
        let which = match (inputs.text("name"), inputs.text("pattern")) {
            (Some(name), _) => Selector::Name(name.to_owned()),
            (None, Some(pattern)) => Selector::Pattern(pattern.to_owned()),
            (None, None) => Selector::All,
        };
        let services = self.services;
        let loading = services.load_artifacts(&which);
        let found = self.ends.unless_ended(loading).await.ok_or(Fault::Ended)??;
        let together = matches!(which, Selector::Name(_)) || inputs.flag("merge-multiple")?;
        if let (Selector::Name(name), true) = (&which, found.is_empty()) {
            return Err(Fault::failed(format!(
                "the run has no artefact `{name}`; the job that uploads it must be in `needs`"
            )));
        }
        for (name, file) in &found {
            let directory = if together { into.clone() } else { format!("{into}/{name}") };
            self.unpack(file, &directory)
                .await
                .map_err(|fault| because(&format!("`{name}` can't be unpacked"), fault))?;
            self.log.say(&format!("Unpacked `{name}` into {directory}")).await;
        }
        if found.is_empty() {
            self.log.warn("the run has no such artefacts").await;
        }
        Ok(vec![("download-path".to_owned(), into)])
    }

    pub(super) async fn unpack(&mut self, file: &Path, into: &str) -> Result<(), Fault> {
        self.used = true;
        let unpacking = self.place.unpack(file, into);
        self.ends.unless_ended(unpacking).await.ok_or(Fault::Ended)??;
        Ok(())
    }
}

fn name_of(name: &str) -> Result<String, Fault> {
    if name.contains(NOT_IN_NAMES) || name == "." || name == ".." || name.chars().count() > 255 {
        return Err(Fault::failed(format!("`{name}` can't be the name of an artefact: it must be one of a file")));
    }
    Ok(name.to_owned())
}

/// The directory whose files an artefact has: what all patterns have in common, as GitHub's action does it.
fn root_of(search: &Search, found: &[String]) -> String {
    let parent = |path: &str| path.rsplit_once('/').map_or("/", |(above, _)| above).to_owned();
    let starts = search.starts();
    match starts.as_slice() {
        [only] if found.iter().all(|path| path == only) => parent(only),
        [only] => (*only).to_owned(),
        several => common(several).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Roots;

    #[test]
    fn an_artefact_begins_where_its_patterns_meet() {
        let roots = Roots { workspace: "/w".into(), home: "/h".into(), temp: "/t".into() };
        let cases: [(&[&str], &[&str], &str); 6] = [
            (&["dist"], &["/w/dist/a", "/w/dist/b/c"], "/w/dist"),
            (&["dist/a.txt"], &["/w/dist/a.txt"], "/w/dist"),
            (&["dist/**/*.js"], &["/w/dist/x/a.js"], "/w/dist"),
            (&["a/x.txt", "a/b/y.txt"], &["/w/a/x.txt", "/w/a/b/y.txt"], "/w/a"),
            (&["a", "b/c"], &["/w/a/1", "/w/b/c/2"], "/w"),
            (&["*.log"], &["/w/a.log"], "/w"),
        ];
        for (patterns, found, expected) in cases {
            let search = Search::parse(patterns.iter().copied(), &roots, true).expect("patterns");
            let found: Vec<String> = found.iter().map(|path| (*path).to_owned()).collect();
            assert_eq!(root_of(&search, &found), expected, "{patterns:?}");
        }
    }

    #[test]
    fn names_are_those_of_files() {
        assert_eq!(name_of("build (1) ü"), Ok("build (1) ü".to_owned()));
        for name in ["a/b", "..", "a:b", "a\\b", "*"] {
            assert!(name_of(name).is_err(), "{name}");
        }
    }
}
