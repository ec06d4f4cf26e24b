//! Which files of a repository are workflows.

/// The directories that may hold workflow files. The first that holds any is the one that counts.
pub const WORKFLOW_DIRECTORIES: [&str; 3] = [".davit/workflows", ".github/workflows", ".gitea/workflows"];

/// The workflow files among `paths`, which are relative to the root of the repository and use `/`: the `.yml` and
/// `.yaml` files directly in the first of [`WORKFLOW_DIRECTORIES`] that has any, sorted.
pub fn workflow_files<'a>(paths: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let paths: Vec<&str> = paths.into_iter().collect();
    for directory in WORKFLOW_DIRECTORIES {
        let mut files: Vec<&str> = paths.iter().copied().filter(|path| is_workflow(directory, path)).collect();
        if !files.is_empty() {
            files.sort_unstable();
            return files;
        }
    }
    Vec::new()
}

fn is_workflow(directory: &str, path: &str) -> bool {
    let name = path.strip_prefix(directory).and_then(|rest| rest.strip_prefix('/'));
    name.is_some_and(|name| !name.contains('/') && (name.ends_with(".yml") || name.ends_with(".yaml")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_directory_with_a_workflow_counts() {
        let github = [".github/workflows/b.yaml", ".github/workflows/a.yml", ".gitea/workflows/c.yml"];
        assert_eq!(workflow_files(github), [".github/workflows/a.yml", ".github/workflows/b.yaml"]);
        let davit = [".github/workflows/a.yml", ".davit/workflows/x.yml", ".davit/workflows/README.md"];
        assert_eq!(workflow_files(davit), [".davit/workflows/x.yml"]);
        let nothing_there = [".davit/workflows/README.md", ".gitea/workflows/c.yml"];
        assert_eq!(workflow_files(nothing_there), [".gitea/workflows/c.yml"]);
    }

    #[test]
    fn other_files_are_none() {
        let paths = ["a.yml", ".github/a.yml", ".github/workflows/deep/a.yml", "x/.github/workflows/a.yml"];
        assert_eq!(workflow_files(paths), Vec::<&str>::new());
    }
}
