//! The documentation under `/docs`: every link leads somewhere, both languages have the same pages, nothing else gets out.

use crate::schema;
use davit_testkit::app::TestApp;
use reqwest::{StatusCode, Url};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const LANGUAGES: [&str; 2] = ["/docs", "/docs/zh-CN"];

/// Where the guide lies in the repository.
fn guide() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// Names of the documents of a directory, without `.md`.
fn documents(directory: &Path) -> BTreeSet<String> {
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    files.filter_map(|name| name.strip_suffix(".md").map(str::to_owned)).collect()
}

fn address(language: &str, name: &str) -> String {
    if name == "index" { language.to_owned() } else { format!("{language}/{name}") }
}

/// The values of an attribute, as they are meant.
fn values<'a>(html: &'a str, attribute: &str) -> impl Iterator<Item = String> + 'a {
    let start = format!(" {attribute}=\"");
    let pieces: Vec<&str> = html.split(&*start).skip(1).collect();
    pieces.into_iter().filter_map(|piece| piece.split_once('"')).map(|(value, _)| value.replace("&amp;", "&"))
}

/// An anchor as it is written in the page that it is in.
fn decoded(anchor: &str) -> String {
    let mut pieces = anchor.split('%');
    let mut bytes = pieces.next().unwrap().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}

/// The levels of its headings, in their order.
fn structure(html: &str) -> String {
    let article = html.split_once("<article>").unwrap().1;
    article.split("<h").skip(1).filter_map(|rest| rest.chars().next()).filter(char::is_ascii_digit).collect()
}

async fn page(app: &TestApp, path: &str) -> (StatusCode, String) {
    let response = app.http().get(format!("{}{path}", app.url())).send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

async fn good_page(app: &TestApp, path: &str) -> String {
    let (status, text) = page(app, path).await;
    assert_eq!(status, StatusCode::OK, "{path}");
    text
}

#[tokio::test]
async fn every_link_leads_somewhere() {
    let app = TestApp::start().await;
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut wanted: BTreeSet<(String, String)> = BTreeSet::new();
    let mut next: Vec<String> = LANGUAGES.map(str::to_owned).into();
    while let Some(path) = next.pop() {
        if seen.contains_key(&path) {
            continue;
        }
        let response = app.http().get(format!("{}{path}", app.url())).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.url().path(), path, "a link that is led on");
        let media_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        if !media_type.starts_with("text/html") {
            seen.insert(path, BTreeSet::new());
            continue;
        }
        let html = response.text().await.unwrap();
        for link in values(&html, "href").chain(values(&html, "src")) {
            assert_ne!(link, "#", "{path} has a link that leads nowhere");
            let (to, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let to = to.split('?').next().unwrap_or_default();
            let to = if to.is_empty() { path.as_str() } else { to };
            if to.starts_with("/docs") {
                next.push(to.to_owned());
                wanted.insert((format!("{to}#{anchor}"), path.clone()));
            } else {
                assert!(
                    to == "/" || to == "/favicon.svg" || to.starts_with("/api/v1/") || to.starts_with("http"),
                    "{path}: {to}"
                );
            }
        }
        seen.insert(path, values(&html, "id").collect());
    }
    for (link, from) in &wanted {
        let (to, anchor) = link.split_once('#').unwrap();
        assert!(anchor.is_empty() || seen[to].contains(&decoded(anchor)), "{from}: there is no {link}");
    }
    for (language, directory) in LANGUAGES.into_iter().zip([guide(), guide().join("zh-CN")]) {
        for name in documents(&directory) {
            assert!(seen.contains_key(&address(language, &name)), "nothing leads to {name}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn both_languages_have_the_same_pages() {
    let app = TestApp::start().await;
    let names = documents(&guide());
    assert_eq!(names, documents(&guide().join("zh-CN")), "every page is there in both languages");
    for name in &names {
        let [english, chinese] = LANGUAGES.map(|language| address(language, name));
        let (english, chinese) = (good_page(&app, &english).await, good_page(&app, &chinese).await);
        assert_eq!(structure(&english), structure(&chinese), "{name} has other headings in Chinese");
        assert!(english.contains("<html lang=\"en\">") && chinese.contains("<html lang=\"zh-CN\">"), "{name}");
    }
    for language in LANGUAGES {
        let first = good_page(&app, language).await;
        let (_, contents) = first.split_once("<nav class=\"contents\"").unwrap();
        let contents: BTreeSet<String> = values(contents.split_once("</nav>").unwrap().0, "href").collect();
        for name in names.iter().filter(|name| *name != "index") {
            assert!(contents.contains(&address(language, name)), "{name} is not in the contents of {language}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn every_operation_is_in_the_reference() {
    let app = TestApp::start().await;
    let list = good_page(&app, "/docs/api").await;
    let mut groups: BTreeMap<String, String> = BTreeMap::new();
    for link in values(&list, "href").filter(|link| link.starts_with("/docs/api/")) {
        let page = link.split('#').next().unwrap().to_owned();
        if let Entry::Vacant(group) = groups.entry(page) {
            let html = good_page(&app, group.key()).await;
            group.insert(html);
        }
    }
    for (path, operations) in schema::document()["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            let heading = format!("{method}</span> {path}<a");
            let places = groups.values().filter(|html| html.contains(&heading)).count();
            assert_eq!(places, 1, "{method} {path}");
        }
    }
    let schemas = &groups["/docs/api/schemas"];
    for name in schema::document()["components"]["schemas"].as_object().unwrap().keys() {
        assert!(schemas.contains(&format!("<h2 id=\"{name}\">")), "{name}");
    }
    let hosts = &groups["/docs/api/hosts"];
    assert!(hosts.contains("-X POST") && hosts.contains("$DAVIT_URL/api/v1/hosts/web-1/verify"), "{hosts}");
    app.finish().await;
}

/// The document knows a shape by its name alone: of two with one name, it describes one in the place of the other.
#[test]
fn no_two_shapes_have_one_name() {
    let mut names = BTreeSet::new();
    let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                directories.push(entry);
                continue;
            }
            let source = std::fs::read_to_string(&entry).unwrap();
            for shape in source.split("ToSchema)]").skip(1) {
                let line = shape.lines().find(|line| line.contains("struct ") || line.contains("enum ")).unwrap();
                let name = line.split_once("struct ").or_else(|| line.split_once("enum ")).unwrap().1;
                let name: String = name.chars().take_while(|letter| letter.is_alphanumeric()).collect();
                assert!(names.insert(name.clone()), "{name} of {} is there twice", entry.display());
            }
        }
    }
    assert!(names.len() > 100, "{names:?}");
}

#[tokio::test]
async fn the_reference_says_what_an_operation_needs() {
    let app = TestApp::start().await;
    for (language, hosts, setup) in [
        (
            "/docs",
            "the role operator or more on the host; an account by its session: a token can't.",
            "open to everybody.",
        ),
        ("/docs/zh-CN", "在主机上具有运维（operator）或更高的角色；账号，只能用会话，令牌不行。", "任何人都可以调用。"),
    ] {
        let page = good_page(&app, &format!("{language}/api/hosts")).await;
        let of_terminals = page.split_once("id=\"post-hosts-name-terminals\"").unwrap().1;
        let needs = of_terminals.split_once("class=\"needs\"").unwrap().1.split_once("</p>").unwrap().0;
        assert!(needs.ends_with(hosts), "{needs}");
        assert!(good_page(&app, &format!("{language}/api/setup")).await.contains(setup));
    }
    let list = good_page(&app, "/docs/api").await;
    let row = list.split_once("api/hosts#post-hosts-scan-keys").unwrap().1.split_once("</tr>").unwrap().0;
    assert!(row.ends_with("<td>operator</td>"), "{row}");
    app.finish().await;
}

#[tokio::test]
async fn nothing_but_the_guide_gets_out() {
    let app = TestApp::start().await;
    for path in [
        "/docs/nothing",
        "/docs/images/..%2f..%2fCargo.toml",
        "/docs/..%2fCargo.toml",
        "/docs/%2fetc%2fpasswd",
        "/docs/zh-CN/..%2fhosts",
        "/docs/images/en",
        "/docs/layout.html",
        "/docs/%3Cscript%3E",
    ] {
        let (status, text) = page(&app, path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert!(text.contains("There is no such page") || text.contains("没有这个页面"), "{path}: {text}");
        assert!(!text.contains("<script>"), "{path}");
    }
    let post = app.http().post(format!("{}/docs", app.url())).send().await.unwrap();
    assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
    app.finish().await;
}

#[tokio::test]
async fn addresses_of_the_repository_lead_on() {
    let app = TestApp::start().await;
    for (from, to) in [
        ("/docs/", "/docs"),
        ("/docs/hosts.md", "/docs/hosts"),
        ("/docs/index.md", "/docs"),
        ("/docs/zh-CN/", "/docs/zh-CN"),
        ("/docs/zh-CN/index.md", "/docs/zh-CN"),
        ("/docs/zh-CN/hosts.md", "/docs/zh-CN/hosts"),
    ] {
        let response = app.http().get(format!("{}{from}", app.url())).send().await.unwrap();
        assert_eq!((response.status(), response.url().path()), (StatusCode::OK, to), "{from}");
    }
    app.finish().await;
}

#[tokio::test]
async fn what_a_reader_has_is_not_sent_again() {
    let app = TestApp::start().await;
    for path in ["/docs/hosts", "/docs/style.css", "/docs/images/en/overview.png"] {
        let ask = || app.http().get(format!("{}{path}", app.url()));
        let first = ask().send().await.unwrap();
        assert_eq!(first.status(), StatusCode::OK, "{path}");
        assert_eq!(first.headers()["cache-control"], "no-cache");
        let tag = first.headers()["etag"].clone();
        let again =
            ask().header("if-none-match", format!("\"other\", {}", tag.to_str().unwrap())).send().await.unwrap();
        assert_eq!((again.status(), &again.headers()["etag"]), (StatusCode::NOT_MODIFIED, &tag), "{path}");
        assert_eq!(ask().header("if-none-match", "\"other\"").send().await.unwrap().status(), StatusCode::OK);
    }
    app.finish().await;
}

#[tokio::test]
async fn it_is_searched_in_both_languages() {
    let app = TestApp::start().await;
    let find = async |path: &str, query: &str| {
        let mut url = Url::parse(&format!("{}{path}", app.url())).unwrap();
        url.query_pairs_mut().append_pair("q", query);
        let response = app.http().get(url).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{query}");
        response.text().await.unwrap()
    };
    let found = find("/docs/search", "jump HOSTS").await;
    assert!(found.contains("<li><a href=\"/docs/hosts#jump-hosts\">"), "{found}");
    assert!(found.contains("<mark>"), "{found}");
    let found = find("/docs/search", "/hosts/scan-keys").await;
    assert!(found.contains("/docs/api/hosts#post-hosts-scan-keys"), "{found}");
    let found = find("/docs/zh-CN/search", "主机密钥").await;
    assert!(found.contains("<li><a href=\"/docs/zh-CN/hosts"), "{found}");
    assert!(find("/docs/search", "no-such-word-anywhere").await.contains("Nothing found"));
    assert!(find("/docs/search", "").await.contains("a place is found when"));
    for (query, found) in
        [("q=jump+hosts&q=nothing", "#jump-hosts"), ("x=1&q=jump%20hosts&q", "#jump-hosts"), ("q=%ff", "")]
    {
        let page = good_page(&app, &format!("/docs/search?{query}")).await;
        assert!(page.contains("<h1>Search</h1>") && page.contains(found), "{query}: {page}");
    }
    let odd = find("/docs/search", "\"><script>alert(1)</script> <mark").await;
    assert!(!odd.contains("<script>alert"), "{odd}");
    assert!(find("/docs/search", &"ü".repeat(5_000)).await.contains("Nothing found"));
    app.finish().await;
}
