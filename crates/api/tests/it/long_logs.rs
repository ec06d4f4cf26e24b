//! Logs by windows, search in them, and a deployment beside an earlier one.

use crate::ci_support::Ci;
use crate::schema;
use crate::shop::{Kind, REPOSITORY, Shop};
use davit_domain::access::Role;
use davit_domain::ids::DeploymentId;
use davit_engine::log_differences::{Compared, Extent, first_difference};
use davit_store::log_windows::{Begin, LinesOf};
use reqwest::Method;
use serde_json::{Value, json};

const HOOKS: &str = "hooks.after_checkout = \"seq 40\"\n\
    hooks.before_release = '''seq 300; printf '\\033[31mERR\\033[0mor: %s\\n' boom; test ! -e fails'''";

fn seqs(window: &Value) -> Vec<i64> {
    window["items"].as_array().unwrap().iter().map(|line| line["seq"].as_i64().unwrap()).collect()
}

fn texts(lines: &Value) -> Vec<&str> {
    lines.as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_log_is_read_by_windows_and_searched() {
    let shop = Shop::start(&[Kind::Local, Kind::Ssh], HOOKS).await;
    let deployment = shop.release_new("one").await;
    assert_eq!(deployment["state"], "succeeded", "{:?}", shop.log_of(&deployment).await);
    let logs = format!("/deployments/{}/logs", deployment["id"]);
    let all = shop.get(&format!("{logs}?limit=5000")).await;
    let last = all["last_seq"].as_i64().unwrap();

    let whole = shop.get(&format!("{logs}/window?limit=5000")).await;
    assert_eq!((&whole["first"], &whole["total"], &whole["last_seq"]), (&json!(0), &json!(last), &json!(last)));
    assert_eq!(whole["items"], all["items"]);
    let middle = shop.get(&format!("{logs}/window?line=100&limit=3")).await;
    assert_eq!((&middle["first"], seqs(&middle)), (&json!(99), vec![100, 101, 102]));

    for (line, first) in [(i64::MIN, 0), (0, 0), (i64::MAX, last)] {
        for of in ["", "&host=local-1", "&step=4"] {
            let window = shop.get(&format!("{logs}/window?line={line}{of}")).await;
            let expected = if first == 0 { &json!(0) } else { &window["total"] };
            assert_eq!(&window["first"], expected, "line {line}{of}");
        }
        let place = shop.get(&format!("{logs}/window?place={line}&limit=1")).await;
        assert_eq!(seqs(&place).len(), usize::from(first == 0), "{place}");
        shop.get(&format!("{logs}?after={line}")).await;
    }

    let of_host = shop.get(&format!("{logs}?limit=5000&host=ssh-2&step=4")).await;
    let expected = seqs(&of_host);
    let tail = shop.get(&format!("{logs}/window?host=ssh-2&step=4&place=290&limit=5")).await;
    assert_eq!(tail["total"], json!(expected.len()));
    assert_eq!(seqs(&tail), expected[290..295]);
    let there = shop.get(&format!("{logs}/window?host=ssh-2&step=4&line={}&limit=1", expected[17])).await;
    assert_eq!((&there["first"], seqs(&there)), (&json!(17), vec![expected[17]]));
    let server = shop.get(&format!("{logs}/window?host=-&step=3&limit=5000")).await;
    assert!(texts(&server["items"]).contains(&"40"), "{server}");

    let found = shop.get(&format!("{logs}/search?q=error: BOOM")).await;
    assert_eq!((&found["total"], &found["before"]), (&json!(2), &json!(0)));
    let hits = found["lines"].as_array().unwrap();
    let on_second = shop.get(&format!("{logs}/search?q=error: BOOM&host=ssh-2")).await;
    assert_eq!(on_second["total"], 1);
    assert!(hits.contains(&on_second["lines"][0]));
    assert_eq!(shop.get(&format!("{logs}/search?q=boom&host=-")).await["total"], 0);
    for query in ["q=", &format!("q={}", "x".repeat(501))] {
        let (status, problem) = shop.app.call(Role::Viewer, Method::GET, &format!("{logs}/search?{query}"), None).await;
        assert_eq!((status, &problem["code"]), (422, &json!("invalid")), "{problem}");
    }
    shop.finish().await;
}

#[tokio::test]
async fn a_deployment_is_compared_with_an_earlier_one() {
    let shop = Shop::start(&[Kind::Local], HOOKS).await;
    let first = shop.release_new("one").await;
    assert_eq!(first["state"], "succeeded", "{:?}", shop.log_of(&first).await);
    let path = format!("/deployments/{}/compare", first["id"]);
    let (status, problem) = shop.app.call(Role::Viewer, Method::GET, &path, None).await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")), "nothing was before");

    shop.repo.commit("broken", &[("fails", "yes")]);
    shop.app.publish(&shop.repo, REPOSITORY);
    let id = shop.ask(json!({ "ref": "main" })).await;
    let second = shop.ended(id).await;
    assert_eq!(second["state"], "failed", "{second}");

    let compared = shop.get(&format!("/deployments/{id}/compare")).await;
    assert_eq!(compared["with"]["id"], first["id"]);
    let cell = |host: &str, step: i64| {
        let cells = compared["cells"].as_array().unwrap();
        cells.iter().find(|cell| cell["host"] == host && cell["step"] == step).unwrap_or_else(|| panic!("{compared}"))
    };
    let before_release = cell("local-1", 4);
    assert_eq!(
        (&before_release["before"]["state"], &before_release["now"]["state"]),
        (&json!("succeeded"), &json!("failed"))
    );
    assert!(before_release["now"]["took"].is_i64(), "{before_release}");
    let named = shop.get(&format!("/deployments/{id}/compare?with={}", first["id"])).await;
    assert_eq!(named, compared);

    let lines = async |host: &str, step| {
        shop.get(&format!("/deployments/{id}/compare/lines?with={}&host={host}&step={step}", first["id"])).await
    };
    let parting = lines("local-1", 4).await;
    assert_eq!(parting["differs"], true, "{parting}");
    assert!(parting["same"].as_i64().unwrap() >= 301, "{parting}");
    assert!(texts(&parting["now"]).iter().any(|text| text.contains('1')), "it says how the hook ended: {parting}");
    let same = lines("local-2", 4).await;
    assert_eq!((&same["differs"], &same["before"], &same["now"]), (&json!(false), &json!([]), &json!([])), "{same}");
    assert_eq!((&same["truncated"], &same["same"]), (&json!(false), &json!(0)), "{same}");
    let path = format!("/deployments/{id}/compare?with={id}");
    let (status, problem) = shop.app.call(Role::Viewer, Method::GET, &path, None).await;
    assert_eq!((status, &problem["code"]), (422, &json!("invalid")), "{problem}");
    shop.finish().await;
}

#[tokio::test]
async fn long_logs_are_compared_piece_by_piece_and_not_for_ever() {
    let shop = Shop::start(&[Kind::Local], "hooks.before_release = \"seq 4500\"").await;
    let id = shop.release_new("one").await["id"].as_i64().unwrap();
    let store = shop.app.engine().store();
    let deployment = store.deployment(DeploymentId(id)).await.unwrap().unwrap();
    let of = LinesOf { host: Some(Some("local-1".parse().unwrap())), step: Some(4) };
    let lines = store.log_window(deployment.id, &of, Begin::Place(0), 1).await.unwrap().total;
    assert_eq!(lines, 4_500);
    for (most, expected) in [
        (200_000, Compared::Same(lines)),
        (4_001, Compared::Same(lines)),
        (4_000, Compared::SameSoFar(4_000)),
        (1, Compared::SameSoFar(2_000)),
    ] {
        let extent = Extent { show: 5, most };
        let compared = first_difference(store, &deployment, &deployment, &of, extent).await.unwrap();
        assert_eq!(compared, expected, "{most} lines at most");
    }
    shop.finish().await;
}

#[tokio::test]
async fn a_jobs_log_is_outlined_and_searched() {
    let ci = Ci::start("").await;
    let workflow = "on: push\njobs:\n  tea:\n    runs-on: ubuntu-latest\n    steps:\n      - run: |\n          echo one\n          \
        echo '::group::Water'\n          echo '::error::too cold'\n          echo '::endgroup::'\n      - run: echo two\n";
    let run = ci.run(workflow).await;
    let jobs = ci.jobs(run.id).await;
    let get = async |path: &str| {
        let answer = ci.app.get(path).await;
        schema::check(path, &answer);
        answer
    };
    let logs = format!("/jobs/{}/logs", jobs[0].id);
    let lines = get(&logs).await;
    let outline = get(&format!("{logs}/outline")).await;
    assert_eq!((&outline["last_seq"], &outline["truncated"]), (&lines["last_seq"], &json!(false)));
    let seq_of = |text: &str| {
        let items = lines["items"].as_array().unwrap();
        let found = items.iter().find(|line| line["text"].as_str().unwrap().starts_with(text));
        found.unwrap_or_else(|| panic!("no {text}: {lines}"))["seq"].clone()
    };
    let marks = outline["marks"].as_array().unwrap();
    let mark = |kind: &str, seq: &Value| marks.iter().find(|mark| mark["kind"] == kind && &mark["seq"] == seq);
    let group = mark("group", &seq_of("::group::Water")).unwrap_or_else(|| panic!("{outline}"));
    assert_eq!(group["title"], "Water");
    assert!(mark("error", &seq_of("::error::")).is_some(), "{outline}");
    assert!(mark("endgroup", &seq_of("::endgroup::")).is_some(), "{outline}");
    let other = marks.iter().rfind(|mark| mark["kind"] == "step" && mark["step"] != group["step"]);
    let other = other.unwrap_or_else(|| panic!("each step has a mark: {outline}"));

    let found = get(&format!("{logs}/search?q=TOO COLD")).await;
    let items = lines["items"].as_array().unwrap().iter();
    let expected: Vec<&Value> =
        items.filter(|line| line["text"].as_str().unwrap().contains("too cold")).map(|line| &line["seq"]).collect();
    assert_eq!(
        (&found["total"], &found["lines"]),
        (&json!(2), &json!(expected)),
        "the script's own line, and what it said"
    );
    let elsewhere = get(&format!("{logs}/search?q=too cold&step={}", other["step"])).await;
    assert_eq!(elsewhere["total"], 0);
    ci.finish().await;
}
