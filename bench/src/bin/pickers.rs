//! How long people wait who choose what to release from a large repository: 50,000 commits, 2,000 branches and 500 tags.
//! The first call of each kind reads it from git; the others are what somebody feels who goes on typing.
//!
//! `DAVIT_BENCH_COMMITS` and `DAVIT_BENCH_BRANCHES` change the size.

use anyhow::{Context, ensure};
use davit_bench::davit::{Davit, run};
use davit_bench::table::{print, row, say};
use davit_bench::{directory, median, setting};
use reqwest::Method;
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::Instant;

/// Calls of each kind after the first.
const ROUNDS: usize = 20;
const TAGS: usize = 500;
const WORDS: [&str; 8] = ["cart", "login", "order", "stock", "price", "search", "image", "invoice"];
const PEOPLE: [&str; 4] = ["Ada", "Grace", "Barbara", "Margaret"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let (commits, branches) = (setting("DAVIT_BENCH_COMMITS", 50_000), setting("DAVIT_BENCH_BRANCHES", 2_000));
    ensure!(commits > branches + TAGS * 50, "there are more branches and tags than commits for them");
    say(&format!("a repository of {commits} commits, {branches} branches and {TAGS} tags"))?;
    let dir = directory()?;
    let repository = dir.path().join("shop.git");
    make(&repository, &history(commits, branches)).await?;
    let davit = Davit::start(&dir.path().join("data")).await?;
    davit.apply(&configuration(dir.path(), &repository), json!({})).await?;

    let mut rows = vec![row(&[&"what is asked for", &"first ms", &"again: median ms", &"slowest ms", &"answers"])];
    // Everything is fetched once, which is not what is measured.
    davit.call(Method::GET, "/apps/shop/refs?limit=1", None).await?;
    let deep = davit.call(Method::GET, "/apps/shop/commits?ref=main&q=step%2090%20cart&limit=1", None).await?;
    let old = deep["items"][0]["sha"].as_str().context("an old commit")?.to_owned();
    for (what, path) in [
        ("the newest 50 branches and tags", "refs?limit=50".to_owned()),
        ("branches and tags by a word", "refs?limit=50&q=cart-01".to_owned()),
        ("the newest 50 commits of main", "commits?ref=main&limit=50".to_owned()),
        ("the next page of them", format!("commits?ref=main&limit=50&before={old}")),
        (
            "commits of a branch by words",
            "commits?ref=feature%2Fcart-0008&limit=50&q=ada%20order%20step%2012".to_owned(),
        ),
        ("commits by a word that is nowhere", "commits?ref=main&limit=50&q=nowhere".to_owned()),
        ("a commit by the beginning of its id", format!("commits?ref={}&limit=1", &old[..8])),
    ] {
        rows.push(measure(&davit, what, &format!("/apps/shop/{path}")).await?);
    }
    print("What people choose from", &rows)?;
    davit.stop().await
}

async fn measure(davit: &Davit, what: &str, path: &str) -> anyhow::Result<Vec<String>> {
    let call = async || {
        let started = Instant::now();
        let answer = davit.call(Method::GET, path, None).await?;
        anyhow::Ok((started.elapsed(), answer))
    };
    let (first, answer) = call().await?;
    let mut again = Vec::new();
    for _ in 0..ROUNDS {
        again.push(call().await?.0);
    }
    let count = |name: &str| answer[name].as_array().map_or(0, Vec::len);
    let answers = count("items") + count("branches") + count("tags");
    let ms = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1000.0);
    let slowest = again.iter().max().copied().unwrap_or_default();
    Ok(row(&[&what, &ms(first), &ms(median(&again)), &ms(slowest), &answers]))
}

/// A repository as `git fast-import` reads it: a trunk on which every fifth commit is a merge, and branches off it.
fn history(commits: usize, branches: usize) -> String {
    let (mut text, mut trunk) = (String::new(), Vec::new());
    let mut mark = 0;
    let mut commit = |text: &mut String, reference: &str, number: usize, parents: &[usize]| {
        mark += 1;
        let person = format!("{} <bench@example.com> {} +0000", PEOPLE[number % 4], 1_700_000_000 + number * 600);
        let message = format!("Make {} and {} agree, step {number}", WORDS[number % 8], WORDS[number / 8 % 8]);
        let _ = write!(text, "commit {reference}\nmark :{mark}\nauthor {person}\ncommitter {person}\n");
        let _ = write!(text, "data {}\n{message}\n", message.len());
        for (place, parent) in parents.iter().enumerate() {
            let _ = writeln!(text, "{} :{parent}", if place == 0 { "from" } else { "merge" });
        }
        let _ = write!(text, "M 100644 inline {}.txt\ndata {}\n{number}\n", number % 50, number.to_string().len());
        mark
    };
    let mut side = None;
    for number in 0..commits - branches {
        let last: Vec<usize> = trunk.last().copied().into_iter().chain(side.take()).collect();
        if number % 5 == 3 {
            side = Some(commit(&mut text, "refs/davit/side", number, &last[..1]));
        } else {
            trunk.push(commit(&mut text, "refs/heads/main", number, &last));
        }
    }
    for number in 0..branches {
        let name = format!("refs/heads/feature/{}-{number:04}", WORDS[number % 8]);
        let base = trunk[trunk.len() - 1 - number * (trunk.len() / 2) / branches.max(1)];
        commit(&mut text, &name, commits - number, &[base]);
    }
    for number in 0..TAGS {
        let _ = write!(text, "reset refs/tags/v{}.{}\nfrom :{}\n\n", number / 10, number % 10, trunk[number * 50]);
    }
    text
}

async fn make(repository: &Path, history: &str) -> anyhow::Result<()> {
    let git = || {
        let mut git = Command::new("git");
        git.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path))).current_dir(repository);
        git
    };
    std::fs::create_dir_all(repository)?;
    let mut init = git();
    init.args(["init", "--quiet", "--bare", "--initial-branch=main"]);
    run(init, "").await?;
    let mut import = git();
    import.args(["fast-import", "--quiet"]).stdin(Stdio::piped());
    let mut import = import.spawn()?;
    let mut stdin = import.stdin.take().context("piped")?;
    stdin.write_all(history.as_bytes()).await?;
    drop(stdin);
    ensure!(import.wait().await?.success(), "git fast-import failed");
    Ok(())
}

fn configuration(dir: &Path, repository: &Path) -> String {
    let (dir, repository) = (dir.display(), repository.display());
    format!(
        "[[environment]]\nkey = \"staging\"\n\n[[host]]\nname = \"here\"\nkind = \"local\"\nenvironments = [\"staging\"]\n\n\
         [[app]]\nkey = \"shop\"\nrepository = {{ url = \"{repository}\" }}\n\n\
         [[app.release]]\nenvironment = \"staging\"\nhosts = [\"here\"]\n\
         deploy_path = \"{dir}/www\"\nreleases_path = \"{dir}/releases\"\n"
    )
}
