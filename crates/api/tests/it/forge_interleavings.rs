//! However deliveries get lost, doubled and out of order, and whenever davit looks by itself in between: what is
//! released is what would have been released had each come once and in order.
//!
//! A move that is its branch's or tag's only one, a merge and a deployment lead to exactly one request. Of several moves
//! of one branch some may be skipped, because a newer one was known first; the newest is never skipped, and comes last.

use crate::shop::{Kind, REPOSITORY, Shop};
use davit_domain::config::ForgeKind;
use davit_domain::ids::{CommitSha, RequestId};
use davit_engine::catch_up;
use davit_store::deliveries::{Delivery as Taken, DeliveryFilter};
use davit_store::requests::{Request, RequestFilter};
use davit_testkit::app::Database;
use davit_testkit::fake_forge::{Delivery, Disorder, NewDeployment, NewPullRequest, NewPush};
use std::collections::BTreeMap;
use std::time::Duration;

/// Longer than a forge's own delivery is waited for.
const A_WHILE: Duration = Duration::from_secs(61);
/// A request that waits is as good as a deployment, and sooner there.
const REVIEWED: &str = "review = { required = 1, self_approval = false }";
/// Each environment is released by another sort of event: its key, the rest of its table, and what releases it.
const ENVIRONMENTS: [(&str, &str, &str); 4] = [
    ("production", REVIEWED, "{ on = \"push\", branches = [\"one-*\", \"line-*\"] }"),
    ("staging", "", "{ on = \"tag\" }"),
    ("merged", REVIEWED, "{ on = \"merge\", branches = [\"main\"] }"),
    ("chat", "", "{ on = \"deployment_event\" }"),
];

#[tokio::test]
async fn any_disorder_at_github_ends_alike() {
    any_disorder_ends_alike(ForgeKind::Github, 10).await;
}

#[tokio::test]
async fn any_disorder_at_gitlab_ends_alike() {
    any_disorder_ends_alike(ForgeKind::Gitlab, 7).await;
}

#[tokio::test]
async fn any_disorder_at_gitea_ends_alike() {
    any_disorder_ends_alike(ForgeKind::Gitea, 6).await;
}

#[tokio::test]
async fn any_disorder_at_gitee_ends_alike() {
    any_disorder_ends_alike(ForgeKind::Gitee, 5).await;
}

/// The first case is the clean one; the others are drawn.
async fn any_disorder_ends_alike(kind: ForgeKind, cases: u64) {
    let shop = shop(kind).await;
    for seed in 0..cases {
        let clean = Disorder { seed, lost: 0, doubled: 0, delay: 0 };
        let disorder = match seed {
            0 => clean,
            1 => Disorder { lost: 100, ..clean },
            2 => Disorder { doubled: 100, delay: 9, ..clean },
            _ => Disorder { lost: 30, doubled: 40, delay: 4, ..clean },
        };
        let story = Story::new(&shop, seed).await;
        live_through(&shop, &story, &disorder).await;
        let made = made(&shop, &story).await;
        let case = format!("{kind:?}, {disorder:?}\n{}", verdicts(&shop).await);
        if seed == 0 {
            assert_eq!(made, story.in_order, "the clean order: {case}");
        }
        story.check(&made, &case);
    }
    shop.finish().await;
}

async fn shop(kind: ForgeKind) -> Shop {
    let shop = Shop::bare_at(kind, Database::Sqlite, &[Kind::Local]).await;
    let srv = shop.srv();
    let environments =
        ENVIRONMENTS.map(|(key, rest, _)| format!("[[environment]]\nkey = {key:?}\n{rest}\n\n")).concat();
    let releases = ENVIRONMENTS.map(|(key, _, auto)| {
        format!(
            "[[app.release]]\nenvironment = {key:?}\nhosts = [\"local-1\"]\ndeploy_path = {:?}\n\
             releases_path = {:?}\nauto = {auto}\n",
            srv.join(key),
            srv.join(format!("davit-{key}"))
        )
    });
    shop.configure(&shop.document(&format!("{environments}{}", shop.app_with(&releases.concat())))).await;
    shop.app.forge.add_hook(REPOSITORY, &shop.app.hook_url());
    look(&shop).await;
    shop
}

/// What happens at the forge, and what has to come of it.
struct Story {
    /// In the order in which they happen.
    steps: Vec<Step>,
    /// What the clean order makes: environment and commit.
    in_order: Vec<(String, String)>,
    /// The branch that moves several times: its commits.
    line: Vec<String>,
    /// The newest request before it.
    after: Option<RequestId>,
}

/// One thing that happens, and what the forge says about it.
struct Step {
    /// What is at the forge from then on: `<commit>:<ref>`, for git.
    moves: Option<String>,
    delivery: Delivery,
}

impl Story {
    /// Commits, tags and merges; nothing is at the forge yet.
    async fn new(shop: &Shop, case: u64) -> Self {
        let (repo, forge) = (&shop.repo, &shop.app.forge);
        let after = requests(shop).await.first().map(|request| request.id);
        let mut story = Self { steps: Vec::new(), in_order: Vec::new(), line: Vec::new(), after };
        let main: CommitSha = repo.rev("main").parse().unwrap();
        let commit = |title: &str| -> CommitSha { repo.commit(title, &[("index.html", title)]).parse().unwrap() };
        for (branch, moves) in [(format!("one-{case}-a"), 1), (format!("line-{case}"), 3), (format!("one-{case}-b"), 1)]
        {
            repo.branch(&branch);
            let mut before = None;
            for number in 0..moves {
                let after = commit(&format!("{branch} {number}"));
                story.push(shop, &push(&format!("refs/heads/{branch}"), before.as_ref(), &after));
                story.expect("production", &after);
                if moves > 1 {
                    story.line.push(after.to_string());
                }
                before = Some(after);
            }
            repo.switch("main");
        }
        let merge = commit(&format!("Sell coffee (#{})", case + 1));
        story.push(shop, &push("refs/heads/main", Some(&main), &merge));
        let change = NewPullRequest {
            repository: REPOSITORY,
            number: i64::try_from(case).unwrap() + 1,
            action: "closed",
            title: "Sell coffee",
            author: "grace",
            head_repository: Some(REPOSITORY),
            head_branch: "coffee",
            head: &main,
            base_branch: "main",
            draft: false,
            merge_commit: Some(&merge),
        };
        story.steps.push(Step { moves: None, delivery: forge.pull_request_delivery(&change) });
        story.expect("merged", &merge);
        story.push(shop, &push(&format!("refs/tags/v{case}"), None, &merge));
        story.expect("staging", &merge);
        // Git knows nothing of deployments: where the forge does not remember deliveries, a lost one is lost.
        if forge.kind() == ForgeKind::Github {
            let new = NewDeployment {
                repository: REPOSITORY,
                number: 0,
                environment: "chat",
                commit: &main,
                reference: "main",
                description: "from the chat",
                payload: "",
                by: "grace",
            };
            let number = forge.add_deployment(&new);
            let delivery = forge.deployment_delivery(&NewDeployment { number, ..new });
            story.steps.push(Step { moves: None, delivery });
            story.expect("chat", &main);
        }
        story
    }

    fn push(&mut self, shop: &Shop, push: &NewPush<'_>) {
        let moves = push.after.map(|after| format!("{after}:{}", push.git_ref));
        self.steps.push(Step { moves, delivery: shop.app.forge.push_delivery(push) });
    }

    fn expect(&mut self, environment: &str, commit: &CommitSha) {
        self.in_order.push((environment.to_owned(), commit.to_string()));
    }

    /// Whether this is what has to come of it, in whatever disorder.
    fn check(&self, made: &[(String, String)], case: &str) {
        let mut times: BTreeMap<&(String, String), usize> = BTreeMap::new();
        for request in made {
            *times.entry(request).or_default() += 1;
        }
        for (expected, in_line) in self.in_order.iter().map(|expected| (expected, self.line.contains(&expected.1))) {
            let found = times.remove(expected).unwrap_or_default();
            assert!(found == 1 || (in_line && found == 0), "{expected:?} was made {found} times: {made:?}\n{case}");
        }
        assert_eq!(times, BTreeMap::new(), "nobody asked for these\n{case}");
        let of_line: Vec<&String> = made.iter().map(|(_, commit)| commit).filter(|c| self.line.contains(c)).collect();
        assert_eq!(of_line.last().copied(), self.line.last(), "the newest comes last: {made:?}\n{case}");
    }
}

fn push<'a>(git_ref: &'a str, before: Option<&'a CommitSha>, after: &'a CommitSha) -> NewPush<'a> {
    NewPush { repository: REPOSITORY, git_ref, before, after: Some(after), message: "Something new", pusher: "ada" }
}

/// Delivers what arrives, in the order in which it arrives, and lets davit look by itself now and then. What is lost is
/// lost when it happens, and whatever arrives happened before.
async fn live_through(shop: &Shop, story: &Story, disorder: &Disorder) {
    let forge = &shop.app.forge;
    let bare = shop.app.path("forge").join(format!("{REPOSITORY}.git")).display().to_string();
    let mishaps = disorder.of(story.steps.len());
    let mut happened = 0;
    let mut happen_until = |end: usize| {
        for (number, step) in story.steps.iter().enumerate().take(end).skip(happened) {
            if let Some(moves) = &step.moves {
                shop.repo.git(&["push", "--quiet", &bare, moves]);
            }
            if mishaps.lost.contains(&number) {
                forge.lose(REPOSITORY, &step.delivery);
            }
        }
        happened = happened.max(end);
    };
    let is_clean = disorder.lost == 0 && disorder.doubled == 0 && disorder.delay == 0;
    for (count, arriving) in (disorder.seed..).zip(&mishaps.order) {
        happen_until(arriving + 1);
        for status in forge.send(REPOSITORY, &story.steps[*arriving].delivery).await {
            assert!(status == 202 || status == 200, "{status}");
        }
        // Otherwise the next one comes while this one is being worked on.
        if is_clean || count % 3 == 0 {
            shop.app.settle().await;
        }
        if !is_clean && count % 5 == 4 {
            catch_up_now(shop).await;
        }
    }
    happen_until(story.steps.len());
    for _ in 0..2 {
        shop.app.settle().await;
        catch_up_now(shop).await;
        redelivered(shop).await;
    }
}

/// What the timer does every few minutes, now.
async fn look(shop: &Shop) {
    catch_up::once(shop.app.engine()).await.unwrap();
    shop.app.settle().await;
}

/// Looks, waits for the forge, looks again.
async fn catch_up_now(shop: &Shop) {
    look(shop).await;
    shop.app.advance(A_WHILE);
    look(shop).await;
}

/// Waits until what a forge remembers arrived after all: it sends again when it is asked, in its own time.
async fn redelivered(shop: &Shop) {
    let forge = &shop.app.forge;
    if ![ForgeKind::Github, ForgeKind::Gitlab].contains(&forge.kind()) {
        return;
    }
    let arrived = async || {
        let attempts = forge.attempts(REPOSITORY);
        let fine = |guid: &str| {
            attempts.iter().any(|attempt| attempt.guid == guid && attempt.status < 300 && attempt.status > 0)
        };
        attempts.iter().all(|attempt| fine(&attempt.guid)).then_some(())
    };
    shop.app.until("the forge sends again what failed", arrived).await;
    shop.app.settle().await;
}

/// What was made of this story: environment and commit of each request, oldest first.
async fn made(shop: &Shop, story: &Story) -> Vec<(String, String)> {
    let mut mine = requests(shop).await;
    mine.retain(|request| Some(request.id) > story.after);
    mine.iter().rev().map(|request| (request.environment.to_string(), request.commit.to_string())).collect()
}

/// All requests, newest first.
async fn requests(shop: &Shop) -> Vec<Request> {
    shop.app.engine().store().requests(&RequestFilter::default(), None, 10_000).await.unwrap()
}

/// What davit said to all deliveries, for whoever reads a failure.
async fn verdicts(shop: &Shop) -> String {
    let all = shop.app.engine().store().deliveries(&DeliveryFilter::default(), None, 10_000).await.unwrap();
    let line = |one: &Taken| format!("{} {} {} {:?}: {}\n", one.id, one.event, one.delivery, one.verdict, one.reason);
    all.iter().rev().map(line).collect()
}
