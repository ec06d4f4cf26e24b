//! Custom mode: the author's own actions, on the server and on real hosts.

use crate::shop::{Kind, Shop, text};
use davit_domain::ids::AppKey;
use davit_testkit::app::Database;
use serde_json::{Value, json};
use std::path::PathBuf;

fn action(name: &str, on: &str, run: &str) -> String {
    format!("[[app.release.action]]\nname = {name:?}\non = {on:?}\nrun = \"\"\"{run}\"\"\"\n\n")
}

fn transfer(name: &str, what: &str) -> String {
    format!("[[app.release.action]]\nname = {name:?}\ntransfer = {{ {what} }}\n\n")
}

async fn configure(shop: &Shop, head: &str, actions: &[String]) {
    let release = format!("mode = \"custom\"\n{head}\n\n{}", actions.concat());
    shop.configure(&shop.document(&shop.production("", &release))).await;
}

async fn has(shop: &Shop, deployment: &Value, end: &str) -> usize {
    shop.log_of(deployment).await.iter().filter(|line| line.ends_with(end)).count()
}

fn states(deployment: &Value) -> Vec<(String, String)> {
    let hosts = deployment["host_runs"].as_array().unwrap();
    hosts.iter().map(|host| (text(&host["host"]), text(&host["state"]))).collect()
}

async fn upload(shop: &Shop, name: &str, content: &str) {
    let file: PathBuf = shop.app.path("upload.tmp");
    std::fs::write(&file, content).unwrap();
    let app: AppKey = "shop".parse().unwrap();
    shop.app.engine().add_upload(&app, name, "ada", file).await.unwrap();
}

#[tokio::test]
async fn actions_run_in_order_and_transfers_arrive() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Ssh, Kind::Ssh]).await;
    let srv = shop.srv();
    let srv = srv.display();
    configure(
        &shop,
        "input = [{ name = \"VERSION\", label = \"Version\", required = true }]",
        &[
            action("Make", "server", "mkdir dist && echo \\\"$VERSION of $DAVIT_ENV\\\" > dist/version && cp index.html dist/"),
            action("Stop", "host", "echo \\\"stop $VERSION $DAVIT_DEPLOY_KIND on $DAVIT_HOST_NAME\\\"; mkdir -p $DAVIT_DEPLOY_PATH"),
            transfer("Files", &format!("from = \"dist\", to = \"{srv}/app/dist\"")),
            transfer("Licence", &format!("upload = \"licence\", to = \"{srv}/app/licence\", mode = \"0600\"")),
            action("Between", "server", "echo between; ls dist"),
            action("Start", "host", "cat ../app/dist/version; echo in $PWD"),
            "[[app.release.rollback_action]]\nname = \"Back\"\non = \"host\"\nrun = 'echo back to $DAVIT_RELEASE $DAVIT_DEPLOY_KIND'\n\n".to_owned(),
            format!("[[app.release.rollback_action]]\nname = \"Old files\"\ntransfer = {{ from = \"dist\", to = \"{srv}/app/dist\" }}\n\n"),
        ],
    )
    .await;
    upload(&shop, "licence", "for ever").await;
    let first = shop.commit("one");
    let deployment = shop.ask(json!({ "commit": first, "inputs": { "VERSION": "7" } })).await;
    let deployment = shop.ended(deployment).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment} {:#?}", shop.log_of(&deployment).await);
    let titles: Vec<String> = deployment["steps"].as_array().unwrap().iter().map(|step| text(&step["title"])).collect();
    assert_eq!(titles[1..], ["Make", "Stop", "Files", "Licence", "Between", "Start"], "{titles:?}");
    for host in &shop.hosts {
        let read = |path: &str| std::fs::read_to_string(host.disk.join("app").join(path)).unwrap();
        assert_eq!(
            (read("dist/version"), read("dist/index.html"), read("licence")),
            ("7 of production\n".into(), "one".into(), "for ever".into())
        );
        assert_eq!(has(&shop, &deployment, &format!("stop 7 regular on {}", host.name)).await, 1);
    }
    assert_eq!(has(&shop, &deployment, &format!("in {srv}/www")).await, 2, "once the deploy path is there");
    assert_eq!(has(&shop, &deployment, "stdout between").await, 1);

    let second = shop.commit("two");
    let two = shop.ask(json!({ "commit": second, "inputs": { "VERSION": "8" } })).await;
    assert_eq!(shop.ended(two).await["state"], "succeeded");
    let (status, request) = shop.app.post("/apps/shop/environments/production/rollback", json!({})).await;
    assert_eq!(status, 201, "{request}");
    let back = shop.ended(request["deployment"].as_i64().unwrap()).await;
    assert_eq!(back["state"], "succeeded", "{back} {:#?}", shop.log_of(&back).await);
    assert_eq!(has(&shop, &back, &format!("back to {} rollback", text(&deployment["release"]))).await, 2);
    let version = std::fs::read_to_string(shop.hosts[1].disk.join("app/dist/version")).unwrap();
    assert_eq!(version, "7 of production\n");
    shop.finish().await;
}

#[tokio::test]
async fn a_failing_action_ends_it_and_what_ran_stays() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local, Kind::Ssh]).await;
    let actions = [
        action("Touch", "host", "echo touched"),
        action("Fail", "host", "[ $DAVIT_HOST_NAME = local-1 ] || exit 12"),
        action("Never", "host", "echo never"),
    ];
    configure(&shop, "", &actions).await;
    let failed = shop.release_new("one").await;
    assert_eq!(
        (&failed["state"], &failed["reason"]),
        (&json!("failed"), &json!("action 2 on ssh-2 ended with exit 12")),
        "{failed}"
    );
    assert_eq!(states(&failed), [("local-1".into(), "failed".into()), ("ssh-2".into(), "failed".into())]);
    assert_eq!((has(&shop, &failed, "stdout touched").await, has(&shop, &failed, "stdout never").await), (2, 0));
    assert_eq!(shop.log_of(&failed).await.iter().filter(|line| line.contains("What ran stays")).count(), 1);

    configure(&shop, "", &[action("Make", "server", "exit 3"), action("Never", "host", "echo never")]).await;
    let failed = shop.release_new("two").await;
    assert_eq!(failed["reason"], "action 1 on the server ended with exit 3", "{failed}");
    assert_eq!(states(&failed), [("local-1".into(), "skipped".into()), ("ssh-2".into(), "skipped".into())]);
    shop.finish().await;
}

#[tokio::test]
async fn an_action_outlives_the_server_and_runs_once() {
    for on in ["server", "host"] {
        let mut shop = Shop::bare(Database::Sqlite, &[Kind::Ssh]).await;
        let gate = shop.gate("gate");
        let actions = [
            action("Before", on, "echo before"),
            action("Wait", on, &gate.wait()),
            action("After", "host", "echo after"),
        ];
        configure(&shop, "", &actions).await;
        let commit = shop.commit("one");
        let id = shop.ask(json!({ "commit": commit })).await;
        shop.app.wait_for_lines(id, "stdout waiting", 1).await;
        shop.app.restart().await;
        gate.open();
        let deployment = shop.ended(id).await;
        assert_eq!(deployment["state"], "succeeded", "{deployment} {:#?}", shop.log_of(&deployment).await);
        for once in ["stdout before", "stdout waiting", "stdout going on", "stdout after"] {
            assert_eq!(has(&shop, &deployment, once).await, 1, "{on}: {once}");
        }
        shop.finish().await;
    }
}

#[tokio::test]
async fn a_held_host_is_tried_again_from_the_action_that_failed() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local, Kind::Ssh]).await;
    let fine = shop.app.path("fine");
    let actions = [
        action("First", "host", "echo first"),
        action("Second", "host", &format!("[ $DAVIT_HOST_NAME = local-1 ] || test -e {}", fine.display())),
        action("Third", "host", "echo third"),
    ];
    configure(&shop, "strategy = { on_failure = \"hold\" }", &actions).await;
    let commit = shop.commit("one");
    let id = shop.ask(json!({ "commit": commit })).await;
    let path = format!("/deployments/{id}");
    shop.app.until("it is held", async || (shop.app.get(&path).await["state"] == "paused").then_some(())).await;
    std::fs::write(&fine, "").unwrap();
    let (status, answer) = shop.app.post(&format!("{path}/hosts/ssh-2/retry"), json!({})).await;
    assert_eq!(status, 200, "{answer}");
    let deployment = shop.ended(id).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment} {:#?}", shop.log_of(&deployment).await);
    assert_eq!((has(&shop, &deployment, "stdout first").await, has(&shop, &deployment, "stdout third").await), (2, 2));

    // Or given up: nothing goes back.
    std::fs::remove_file(&fine).unwrap();
    let commit = shop.commit("two");
    let id = shop.ask(json!({ "commit": commit })).await;
    let path = format!("/deployments/{id}");
    shop.app.until("it is held", async || (shop.app.get(&path).await["state"] == "paused").then_some(())).await;
    let (status, answer) = shop.app.post(&format!("{path}/revert"), json!({ "reason": "enough" })).await;
    assert_eq!(status, 200, "{answer}");
    let deployment = shop.ended(id).await;
    assert_eq!(deployment["state"], "failed", "{deployment}");
    shop.finish().await;
}

#[tokio::test]
async fn inputs_are_checked_and_pinned() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    let input = "input = [{ name = \"SIZE\", label = \"Size\", choices = [\"s\", \"l\"], default = \"s\" }]\nhooks.after_checkout = 'echo size $SIZE'\nhooks.after_release = 'echo size $SIZE'";
    shop.configure(&shop.document(&shop.production("", input))).await;
    for (inputs, says) in [(json!({ "SIZE": "m" }), "not a choice"), (json!({ "X": "1" }), "no input X")] {
        let commit = shop.commit("one");
        let body = json!({ "commit": commit, "inputs": inputs });
        let (status, answer) = shop.app.post("/apps/shop/environments/production/deploy", body).await;
        assert_eq!(status, 422, "{answer}");
        assert!(answer.to_string().contains(says), "{answer}");
    }
    for (inputs, size) in [(json!({}), "s"), (json!({ "SIZE": "l" }), "l")] {
        let commit = shop.commit(size);
        let id = shop.ask(json!({ "commit": commit, "inputs": inputs })).await;
        let deployment = shop.ended(id).await;
        assert_eq!(
            has(&shop, &deployment, &format!("stdout size {size}")).await,
            2,
            "{:?}",
            shop.log_of(&deployment).await
        );
    }
    // Going back, what was filled in for that release counts; with a push, the defaults.
    let (status, request) = shop.app.post("/apps/shop/environments/production/rollback", json!({})).await;
    assert_eq!((status, &request["inputs"]["SIZE"]), (201, &json!("s")), "{request}");
    shop.app.settle().await;
    shop.configure(&shop.document(&shop.production("", &format!("{input}\nauto = {{ on = \"push\" }}")))).await;
    shop.push("pushed").await;
    shop.app.settle().await;
    let newest = shop.get("/requests").await["items"][0].clone();
    assert_eq!((&newest["kind"], &newest["inputs"]["SIZE"]), (&json!("auto"), &json!("s")), "{newest}");
    shop.finish().await;
}

#[tokio::test]
async fn actions_run_batch_by_batch_and_those_of_the_server_once() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Ssh, Kind::Ssh]).await;
    let srv = shop.srv();
    let actions = [
        action("Make", "server", "echo making; mkdir dist; echo made > dist/file"),
        action("First", "host", "echo first"),
        action("Between", "server", "echo between"),
        transfer("Files", &format!("from = \"dist/file\", to = \"{}/file\"", srv.display())),
    ];
    configure(&shop, "strategy = { batches = [\"1\", \"100%\"], pause = \"confirm\" }", &actions).await;
    let commit = shop.commit("one");
    let id = shop.ask(json!({ "commit": commit })).await;
    let path = format!("/deployments/{id}");
    shop.app.until("the pause", async || (shop.app.get(&path).await["state"] == "paused").then_some(())).await;
    let there = |number: usize| shop.hosts[number].disk.join("file").exists();
    assert_eq!((there(0), there(1)), (true, false));
    let (status, answer) = shop.app.post(&format!("{path}/continue"), json!({})).await;
    assert_eq!(status, 200, "{answer}");
    let deployment = shop.ended(id).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment} {:#?}", shop.log_of(&deployment).await);
    assert!(there(1));
    for (text, times) in [("stdout making", 1), ("stdout between", 1), ("stdout first", 2)] {
        assert_eq!(has(&shop, &deployment, text).await, times, "{text}");
    }
    shop.finish().await;
}

#[tokio::test]
async fn a_cancel_ends_a_server_action_before_any_host_is_touched() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Ssh]).await;
    let actions = [action("Wait", "server", "echo waiting; exec sleep 600"), action("Never", "host", "echo never")];
    configure(&shop, "", &actions).await;
    let commit = shop.commit("one");
    let id = shop.ask(json!({ "commit": commit })).await;
    shop.app.wait_for_lines(id, "stdout waiting", 1).await;
    let (status, answer) = shop.app.post(&format!("/deployments/{id}/cancel"), json!({})).await;
    assert_eq!(status, 200, "{answer}");
    let deployment = shop.ended(id).await;
    assert_eq!(deployment["state"], "cancelled", "{deployment}");
    assert_eq!(states(&deployment), [("ssh-1".into(), "cancelled".into())]);
    let log = shop.log_of(&deployment).await;
    assert!(log.iter().any(|line| line.contains("cancelled by admin") && line.contains("TERM")), "{log:#?}");
    assert_eq!(has(&shop, &deployment, "stdout never").await, 0);
    shop.finish().await;
}
