//! Which merged change a move of a branch brought, by what git says of its commits: a commit with two parents, or one
//! with the title that forges give to a squashed change.

use davit_domain::event::{ChangeAction, ChangeEvent};
use davit_domain::ids::CommitSha;
use davit_exec::ExecError;
use davit_exec::git::{HistoryEntry, Mirror};

/// Commits of the branch that are looked at; an older merge than that is not what people wait for.
const MOST_COMMITS: usize = 200;

/// The newest change that was merged into `branch` between two commits.
pub(super) async fn newest(
    mirror: &Mirror,
    repository: &str,
    branch: &str,
    before: &CommitSha,
    after: &CommitSha,
) -> Result<Option<ChangeEvent>, ExecError> {
    let history = mirror.first_parents(before, after, MOST_COMMITS).await?;
    Ok(history.iter().find_map(|commit| change(repository, branch, commit)))
}

fn change(repository: &str, branch: &str, commit: &HistoryEntry) -> Option<ChangeEvent> {
    let number = number(commit);
    if commit.parents.len() < 2 && number.is_none() {
        return None;
    }
    Some(ChangeEvent {
        repository: repository.to_owned(),
        number: number.unwrap_or(0),
        action: ChangeAction::Merged,
        title: commit.subject.clone(),
        author: commit.author.clone(),
        head: commit.parents.get(1).unwrap_or(&commit.commit).clone(),
        head_branch: String::new(),
        base_branch: branch.to_owned(),
        from_fork: false,
        draft: false,
        merge_commit: Some(commit.commit.clone()),
        word: None,
    })
}

/// `Title (#7)` and `Merge pull request #7 from …` of GitHub and Gitea, `!7` of GitLab and Gitee.
fn number(commit: &HistoryEntry) -> Option<i64> {
    let after = |text: &str, mark: &str| -> Option<i64> {
        let (_, rest) = text.rsplit_once(mark)?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
        digits.parse().ok()
    };
    let marks = ["(#", "Merge pull request #", "!"];
    marks.iter().find_map(|mark| after(&commit.subject, mark)).or_else(|| {
        commit.body.lines().filter(|line| line.starts_with("See merge request ")).find_map(|l| after(l, "!"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(parents: usize, subject: &str, body: &str) -> HistoryEntry {
        let sha = |letter: &str| letter.repeat(40).parse().expect("a SHA");
        HistoryEntry {
            commit: sha("a"),
            parents: ["b", "c"].into_iter().take(parents).map(sha).collect(),
            author: "Ada".to_owned(),
            subject: subject.to_owned(),
            body: body.to_owned(),
        }
    }

    #[test]
    fn changes_are_known_by_two_parents_or_by_their_titles() {
        for (entry, number) in [
            (entry(1, "Sell tea", ""), None),
            (entry(1, "Sell tea (#7)", ""), Some(7)),
            (entry(2, "Merge pull request #12 from ada/tea", ""), Some(12)),
            (entry(2, "Merge pull request 'Sell tea' (#9) from tea into main", ""), Some(9)),
            (entry(2, "Merge branch 'tea' into 'main'", "Sell tea\n\nSee merge request acme/shop!31"), Some(31)),
            (entry(2, "!5 Sell tea", ""), Some(5)),
            (entry(2, "Merge branch 'tea'", ""), Some(0)),
        ] {
            let change = change("acme/shop", "main", &entry);
            assert_eq!(change.map(|change| change.number), number, "{entry:?}");
        }
    }
}
