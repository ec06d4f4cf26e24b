//! People's shells on hosts: a real sshd, a real WebSocket, and everybody who must not get one.

use davit_domain::access::Role;
use davit_engine::terminals::Limits;
use davit_testkit::app::{Database, PASSWORD, TestApp};
use davit_testkit::sshd::Sshd;
use futures::{SinkExt as _, StreamExt as _};
use reqwest::header::SET_COOKIE;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

struct Place {
    app: TestApp,
    sshd: Sshd,
}

/// Somebody in a browser.
struct Browser {
    cookie: String,
}

/// A shell that shows nothing for so long shows nothing more; whoever waits says what there was.
const HANGS: Duration = Duration::from_secs(120);

/// The browser's side of a shell.
struct Shell {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    shown: Vec<u8>,
}

impl Place {
    async fn start() -> Self {
        let app = TestApp::start().await;
        let sshd = Sshd::start().await;
        let place = Self { app, sshd };
        place.configure("labels = [\"web\"]").await;
        place
    }

    async fn configure(&self, of_host: &str) {
        let key = self.app.path("host.key");
        std::fs::write(&key, self.sshd.client_private_key()).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let hosts = format!(
            "[[environment]]\nkey = \"production\"\n\n[[environment]]\nkey = \"test\"\n\n\
             [[host]]\nname = \"web-1\"\naddress = {:?}\nport = {}\nuser = {:?}\nhost_key = {:?}\n\
             private_key = {{ file = {:?} }}\n{of_host}\n\n[[host]]\nname = \"here\"\nkind = \"local\"\n",
            self.sshd.address(),
            self.sshd.port(),
            self.sshd.user(),
            self.sshd.host_key_line(),
            key.display().to_string()
        );
        self.app.apply(&format!("{}{hosts}", self.app.forge_table())).await;
    }

    async fn browser(&self, name: &str) -> Browser {
        let url = format!("{}/api/v1/session", self.app.url());
        let body = json!({ "name": name, "password": PASSWORD });
        let response = self.app.http().post(url).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let cookie = response.headers()[SET_COOKIE].to_str().unwrap();
        Browser { cookie: cookie.split(';').next().unwrap().to_owned() }
    }

    async fn call(&self, browser: &Browser, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.app.http().request(method, format!("{}/api/v1{path}", self.app.url()));
        let request = request.header("cookie", &browser.cookie).header("x-davit-request", "1");
        let request = body.iter().fold(request, |request, body| request.json(body));
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or(Value::Null))
    }

    async fn ask(&self, browser: &Browser) -> (u16, Value) {
        self.call(browser, Method::POST, "/hosts/web-1/terminals", Some(json!({ "cols": 80, "rows": 24 }))).await
    }

    /// The socket of a terminal; the status when there is none.
    async fn socket(&self, id: i64, origin: Option<&str>, headers: &[(&'static str, &str)]) -> Result<Shell, u16> {
        let url = format!("{}/api/v1/terminals/{id}/socket", self.app.url().replacen("http", "ws", 1));
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers.iter().copied().chain(origin.map(|origin| ("origin", origin))) {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Shell { socket, shown: Vec::new() }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }

    async fn come(&self, browser: &Browser, id: i64) -> Result<Shell, u16> {
        self.socket(id, Some(self.app.url()), &[("cookie", &browser.cookie)]).await
    }

    /// A shell whose prompt says nothing.
    async fn open(&self, browser: &Browser) -> (i64, Shell) {
        let (status, answer) = self.ask(browser).await;
        assert_eq!(status, 201, "{answer}");
        let id = answer["id"].as_i64().unwrap();
        let mut shell = self.come(browser, id).await.expect("the socket opens");
        assert_eq!(shell.word().await["type"], "ready");
        shell.type_in("PS1=; stty -echo; echo 'I am '$((40 + 2))\n").await;
        shell.wait_for("I am 42\r\n").await;
        (id, shell)
    }

    async fn closed(&self, id: i64) -> Value {
        let look = async || {
            let terminal = self.app.get(&format!("/terminals/{id}")).await;
            (terminal["state"] == "closed").then_some(terminal)
        };
        self.app.until("the terminal is closed", look).await
    }

    async fn feed_of(&self, action: &str) -> Vec<Value> {
        let feed = self.app.get(&format!("/feed?action={action}")).await;
        feed["items"].as_array().unwrap().clone()
    }
}

impl Shell {
    async fn type_in(&mut self, text: &str) {
        self.socket.send(Message::Binary(text.as_bytes().to_vec().into())).await.unwrap();
    }

    async fn resize(&mut self, cols: u16, rows: u16) {
        let word = json!({ "type": "resize", "cols": cols, "rows": rows });
        self.socket.send(Message::Text(word.to_string().into())).await.unwrap();
    }

    async fn wait_for(&mut self, text: &str) {
        loop {
            let shown = String::from_utf8_lossy(&self.shown).into_owned();
            if let Some(at) = shown.find(text) {
                self.shown = shown.as_bytes()[at + text.len()..].to_vec();
                return;
            }
            let next = tokio::time::timeout(HANGS, self.socket.next()).await;
            match next.unwrap_or_else(|_| panic!("nothing more instead of {text:?} after {shown:?}")) {
                Some(Ok(Message::Binary(bytes))) => self.shown.extend_from_slice(&bytes),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("{other:?} instead of {text:?} after {shown:?}"),
            }
        }
    }

    /// What the server says next that is no output.
    async fn word(&mut self) -> Value {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Binary(bytes))) => self.shown.extend_from_slice(&bytes),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("{other:?} instead of a word"),
            }
        }
    }

    /// The last word, after which the socket is closed.
    async fn end(mut self) -> Value {
        let word = self.word().await;
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Close(_))) | None => return word,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("{other:?} after the end"),
            }
        }
    }
}

#[tokio::test]
async fn a_shell_in_the_browser_from_its_start_to_its_end() {
    let place = Place::start().await;
    let browser = place.browser("operator").await;
    let (id, mut shell) = place.open(&browser).await;
    let open = place.app.get(&format!("/terminals/{id}")).await;
    assert_eq!((&open["state"], &open["user"], &open["host"]), (&json!("open"), &json!("operator"), &json!("web-1")));
    shell.resize(132, 50).await;
    shell.type_in("stty size\n").await;
    shell.wait_for("50 132\r\n").await;
    let text = "printf '<%s>\\n' '中文 ñ 😀'\n";
    for byte in text.as_bytes() {
        shell.socket.send(Message::Binary(vec![*byte].into())).await.unwrap();
    }
    shell.wait_for("<中文 ñ 😀>\r\n").await;
    shell.type_in("read -rs password; echo got ${#password} letters\n").await;
    shell.type_in("hunter2-secret\n").await;
    shell.wait_for("got 14 letters\r\n").await;
    shell.type_in("exit 7\n").await;
    let end = shell.end().await;
    assert_eq!((&end["type"], &end["code"], &end["reason"]), (&json!("exit"), &json!(7), &json!("exited")));

    let closed = place.closed(id).await;
    assert_eq!(
        (&closed["exit_code"], &closed["reason"], &closed["recorded"]),
        (&json!(7), &json!("exited"), &json!(true))
    );
    assert!(closed["bytes"].as_i64().unwrap() > 50);
    let opened = &place.feed_of("terminal_opened").await[0];
    assert_eq!(
        (&opened["actor"], &opened["subject"], &opened["origin"]),
        (&json!("operator"), &json!("web-1"), &json!("127.0.0.1"))
    );
    let ended = &place.feed_of("terminal_closed").await[0];
    assert_eq!(
        (&ended["detail"]["reason"], &ended["detail"]["exit_code"], &ended["origin"]),
        (&json!("exited"), &json!(7), &json!("127.0.0.1"))
    );

    let recording = place.app.path(&format!("recordings/{id}.cast"));
    assert_eq!(std::fs::metadata(&recording).unwrap().permissions().mode() & 0o777, 0o600);
    let url = format!("{}/api/v1/terminals/{id}/recording", place.app.url());
    let response = place.app.http().get(url).header("cookie", &browser.cookie).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-disposition"], format!("attachment; filename=\"terminal-{id}.cast\""));
    let text = response.text().await.unwrap();
    assert_eq!(text, std::fs::read_to_string(&recording).unwrap());
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["version"], &lines[0]["width"], &lines[0]["height"]), (&json!(2), &json!(80), &json!(24)));
    let shown: String =
        lines[1..].iter().filter(|event| event[1] == "o").map(|event| event[2].as_str().unwrap()).collect();
    assert!(shown.contains("<中文 ñ 😀>") && shown.contains("got 14 letters"), "{shown:?}");
    assert!(lines[1..].iter().any(|event| event[1] == "r" && event[2] == "132x50"));
    assert!(!text.contains("hunter2"), "what is typed is not recorded");
    place.app.finish().await;
}

#[tokio::test]
async fn a_socket_is_for_the_page_and_the_person_that_asked_and_once() {
    let place = Place::start().await;
    let browser = place.browser("operator").await;
    let id = place.ask(&browser).await.1["id"].as_i64().unwrap();
    let cookie = [("cookie", browser.cookie.as_str())];
    for origin in [None, Some("https://evil.example"), Some("null"), Some("http://127.0.0.1:1")] {
        assert_eq!(place.socket(id, origin, &cookie).await.err(), Some(403), "{origin:?}");
    }
    let own = Some(place.app.url());
    assert_eq!(place.socket(id, own, &[]).await.err(), Some(401), "nobody");
    let admin = place.browser("admin").await;
    assert_eq!(place.come(&admin, id).await.err(), Some(404), "an administrator neither");
    let token = format!("Bearer {}", place.app.token(Role::Operator));
    assert_eq!(place.socket(id, own, &[("authorization", &token)]).await.err(), Some(403), "a token");
    for role in [Role::Viewer, Role::Developer, Role::Reviewer, Role::Releaser] {
        let other = place.browser(role.as_str()).await;
        assert_eq!(place.come(&other, id).await.err(), Some(403), "{role:?}");
        assert_eq!(place.ask(&other).await.0, 403, "{role:?}");
    }
    let (status, _) = place.call(&browser, Method::GET, &format!("/terminals/{id}/socket"), None).await;
    assert_eq!(status, 403, "a request that says no page");

    let shell = place.come(&browser, id).await.expect("the owner gets it");
    assert_eq!(place.come(&browser, id).await.err(), Some(409), "once");
    drop(shell);
    assert_eq!(place.closed(id).await["reason"], "disconnected");
    assert_eq!(place.come(&browser, id).await.err(), Some(409), "and not again");
    for wild in ["-1", "0", "9223372036854775807"] {
        assert_eq!(place.come(&browser, wild.parse().unwrap()).await.err(), Some(404), "{wild}");
    }
    place.app.finish().await;
}

#[tokio::test]
async fn who_asks_and_does_not_come_gets_none() {
    let place = Place::start().await;
    let browser = place.browser("operator").await;
    let id = place.ask(&browser).await.1["id"].as_i64().unwrap();
    place.app.jump(31);
    assert_eq!(place.come(&browser, id).await.err(), Some(409));
    assert_eq!(place.app.get("/terminals").await["items"], json!([]), "what nobody came for is no terminal");
    assert!(place.feed_of("terminal_opened").await.is_empty());
    place.app.finish().await;
}

#[tokio::test]
async fn a_person_has_so_many_shells_and_no_more() {
    let place = Place::start().await;
    let browser = place.browser("operator").await;
    let asked = futures::future::join_all((0..8).map(|_| place.ask(&browser))).await;
    let mut answers: Vec<u16> = asked.iter().map(|(status, _)| *status).collect();
    answers.sort_unstable();
    assert_eq!(answers, [201, 201, 201, 201, 201, 409, 409, 409]);
    let other = place.browser("admin").await;
    assert_eq!(place.ask(&other).await.0, 201, "others have their own");
    for (cols, rows) in [(0, 24), (80, 0), (1001, 24), (80, 65535)] {
        let body = json!({ "cols": cols, "rows": rows });
        let (status, _) = place.call(&other, Method::POST, "/hosts/web-1/terminals", Some(body)).await;
        assert_eq!(status, 422, "{cols}x{rows}");
    }
    let body = json!({ "cols": 80, "rows": 24 });
    let (status, answer) = place.call(&other, Method::POST, "/hosts/here/terminals", Some(body.clone())).await;
    assert_eq!(status, 422);
    assert!(answer["detail"].as_str().unwrap().contains("davit itself"), "{answer}");
    let (status, _) = place.app.post("/hosts/web-1/terminals", body).await;
    assert_eq!(status, 403, "a token asks for none");
    place.app.finish().await;
}

#[tokio::test]
async fn nobody_types_for_a_while() {
    let place = Place::start().await;
    let browser = place.browser("operator").await;
    let (id, mut shell) = place.open(&browser).await;
    place.app.advance(Duration::from_secs(14 * 60 + 10));
    let word = shell.word().await;
    assert_eq!(word["type"], "idle");
    assert!((1..=60).contains(&word["seconds"].as_u64().unwrap()), "{word}");
    // A key is enough; what the shell shows is not.
    shell.type_in("echo still here\n").await;
    shell.wait_for("still here\r\n").await;
    place.app.advance(Duration::from_secs(14 * 60 + 10));
    assert_eq!(shell.word().await["type"], "idle", "and the time begins anew");
    place.app.advance(Duration::from_secs(60));
    let end = shell.end().await;
    assert_eq!((&end["type"], &end["reason"]), (&json!("exit"), &json!("idle")));
    assert_eq!(place.closed(id).await["reason"], "idle");
    place.app.finish().await;
}

#[tokio::test]
async fn no_shell_lives_for_ever() {
    let mut place = Place::start().await;
    let limits = Limits { idle: Duration::from_secs(100 * 3600), ..Limits::default() };
    place.app.restart_with_terminals(limits).await;
    let browser = place.browser("operator").await;
    let (_, shell) = place.open(&browser).await;
    place.app.advance(Duration::from_secs(8 * 3600));
    assert_eq!(shell.end().await["reason"], "longest");
    place.app.finish().await;
}

#[tokio::test]
async fn a_shell_ends_with_the_right_to_it() {
    let place = Place::start().await;
    let engine = place.app.engine();

    let browser = place.browser("operator").await;
    let (_, shell) = place.open(&browser).await;
    assert_eq!(place.call(&browser, Method::DELETE, "/session", None).await.0, 204);
    place.app.advance(Duration::from_secs(10));
    assert_eq!(shell.end().await["reason"], "signed_out");

    let browser = place.browser("operator").await;
    let (_, shell) = place.open(&browser).await;
    let (status, answer) =
        place.app.call(Role::Admin, Method::PATCH, "/users/operator", Some(json!({ "disabled": true }))).await;
    assert_eq!(status, 200, "{answer}");
    place.app.advance(Duration::from_secs(10));
    assert_eq!(shell.end().await["reason"], "signed_out");

    // A role on some hosts alone, that is taken away.
    engine.create_user("ana", None, &PASSWORD.into()).await.unwrap();
    let grant = json!({ "user": "ana", "role": "operator", "scope": "label:web" });
    let (status, grant) = place.app.post("/grants", grant).await;
    assert_eq!(status, 201, "{grant}");
    let browser = place.browser("ana").await;
    let (id, shell) = place.open(&browser).await;
    assert_eq!(place.call(&browser, Method::GET, "/terminals", None).await.1["items"][0]["id"], id);
    let path = format!("/grants/{}", grant["id"]);
    assert_eq!(place.app.call(Role::Admin, Method::DELETE, &path, None).await.0, 204);
    place.app.advance(Duration::from_secs(10));
    assert!(["denied", "signed_out"].contains(&shell.end().await["reason"].as_str().unwrap()));
    assert_ne!(place.ask(&browser).await.0, 201);

    // The host's label is what the grant is about.
    place.app.post("/grants", json!({ "user": "ana", "role": "operator", "scope": "label:web" })).await;
    let browser = place.browser("ana").await;
    let (_, shell) = place.open(&browser).await;
    place.configure("labels = [\"database\"]").await;
    place.app.advance(Duration::from_secs(10));
    assert_eq!(shell.end().await["reason"], "denied");
    place.app.finish().await;
}

#[tokio::test]
async fn who_may_end_and_see_whose_shell() {
    let place = Place::start().await;
    place.app.engine().create_user("second", Some(Role::Operator), &PASSWORD.into()).await.unwrap();
    let (owner, other, admin) =
        (place.browser("operator").await, place.browser("second").await, place.browser("admin").await);
    let (id, shell) = place.open(&owner).await;
    let path = format!("/terminals/{id}");
    let recording = format!("{path}/recording");
    let seen = place.call(&other, Method::GET, &path, None).await;
    assert_eq!(
        (seen.0, &seen.1["mine"], &seen.1["may_end"], &seen.1["may_play"]),
        (200, &json!(false), &json!(false), &json!(false))
    );
    assert_eq!(place.call(&other, Method::GET, &recording, None).await.0, 403);
    assert_eq!(place.call(&other, Method::DELETE, &path, None).await.0, 403);
    let viewer = place.browser("viewer").await;
    assert_eq!(place.call(&viewer, Method::GET, &path, None).await.0, 403);
    assert_eq!(place.call(&admin, Method::GET, &recording, None).await.0, 200, "while it runs, too");
    assert_eq!(place.call(&admin, Method::DELETE, &path, None).await.0, 204);
    assert_eq!(shell.end().await["reason"], "ended");
    assert_eq!(place.closed(id).await["ended_by"], "admin");
    assert_eq!(place.feed_of("terminal_closed").await[0]["detail"]["by"], "admin");
    assert_eq!(place.call(&owner, Method::DELETE, &path, None).await.0, 409, "it has ended");
    for filter in ["?host=web-1", "?user=operator", "?host=web-1&user=operator", ""] {
        assert_eq!(
            place.app.get(&format!("/terminals{filter}")).await["items"].as_array().unwrap().len(),
            1,
            "{filter}"
        );
    }
    for filter in ["?host=web-2", "?user=second", "?host=%00", "?user=%27%20OR%201=1"] {
        let (status, answer) = place.app.call(Role::Admin, Method::GET, &format!("/terminals{filter}"), None).await;
        assert!(status == 422 || answer["items"] == json!([]), "{filter}: {status} {answer}");
    }
    place.app.finish().await;
}

#[tokio::test]
async fn a_server_that_stops_says_so_and_one_that_died_is_told_of() {
    let mut place = Place::start().await;
    let browser = place.browser("operator").await;
    let (id, shell) = place.open(&browser).await;
    let (end, ()) = tokio::join!(shell.end(), place.app.restart());
    assert_eq!(end["reason"], "draining");
    assert_eq!(place.closed(id).await["reason"], "draining");

    // As a process leaves it that was killed.
    let browser = place.browser("operator").await;
    let id = place.ask(&browser).await.1["id"].as_i64().unwrap();
    let (engine, terminal) = (place.app.engine(), davit_domain::ids::TerminalId(id));
    let operator = engine.store().user_by_name("operator").await.unwrap().unwrap().0;
    let mut tx = engine.store().begin().await.unwrap();
    assert!(tx.take_terminal(terminal, operator.id, engine.now(), engine.now()).await.unwrap());
    tx.commit().await.unwrap();
    place.app.jump(61);
    place.app.restart().await;
    assert_eq!(place.closed(id).await["reason"], "lost");
    assert_eq!(place.feed_of("terminal_closed").await[0]["detail"]["reason"], "lost");
    place.app.finish().await;
}

#[tokio::test]
async fn a_host_that_gives_no_shell_is_explained() {
    let place = Place::start().await;
    let browser = place.browser("operator").await;
    place.sshd.change_host_key("ed25519").await;
    let id = place.ask(&browser).await.1["id"].as_i64().unwrap();
    let shell = place.come(&browser, id).await.unwrap();
    let word = shell.end().await;
    assert_eq!(word["type"], "error");
    assert!(word["message"].as_str().unwrap().contains("CHANGED"), "{word}");
    let closed = place.closed(id).await;
    assert_eq!((&closed["reason"], &closed["recorded"]), (&json!("unreachable"), &json!(false)));
    let gone = place.call(&browser, Method::GET, &format!("/terminals/{id}/recording"), None).await;
    assert_eq!(gone.0, 404);
    place.app.finish().await;
}

#[tokio::test]
async fn a_connection_that_is_cut_ends_the_shell() {
    let place = Place::start().await;
    let browser = place.browser("operator").await;
    let (id, shell) = place.open(&browser).await;
    place.sshd.cut_now();
    assert_eq!(shell.end().await["reason"], "lost");
    assert_eq!(place.closed(id).await["reason"], "lost");
    place.app.finish().await;
}

#[tokio::test]
async fn a_recording_has_an_end_and_so_has_its_keeping() {
    let mut place = Place::start().await;
    place.app.restart_with_terminals(Limits { recording: 20_000, ..Limits::default() }).await;
    let browser = place.browser("operator").await;
    let (id, mut shell) = place.open(&browser).await;
    shell.type_in("while true; do echo a line that fills the recording; done\n").await;
    assert_eq!(shell.end().await["reason"], "too_big");
    let closed = place.closed(id).await;
    let recording = place.app.path(&format!("recordings/{id}.cast"));
    assert!(std::fs::metadata(&recording).unwrap().len() < 20_000);
    assert_eq!((&closed["reason"], &closed["recorded"]), (&json!("too_big"), &json!(true)));

    assert_eq!(place.app.engine().forget_recordings().await.unwrap(), 0);
    place.app.jump(91 * 24 * 3600);
    assert_eq!(place.app.engine().forget_recordings().await.unwrap(), 1);
    assert!(!recording.exists());
    assert_eq!(
        place.app.get(&format!("/terminals/{id}")).await["recorded"],
        json!(false),
        "that there was one is known"
    );
    place.app.finish().await;
}

#[tokio::test]
async fn no_path_leads_out_of_the_recordings() {
    let place = Place::start().await;
    let browser = place.browser("admin").await;
    for path in [
        "/terminals/..%2f..%2fmaster.key/recording",
        "/terminals/1%2f..%2f..%2fmaster.key/recording",
        "/terminals/1.cast/recording",
        "/terminals/%00/recording",
        "/terminals/99999999999999999999/recording",
        "/terminals/../recording",
    ] {
        let (status, _) = place.call(&browser, Method::GET, path, None).await;
        assert_eq!(status, StatusCode::NOT_FOUND.as_u16(), "{path}");
    }
    place.app.finish().await;
}

#[tokio::test]
async fn what_is_no_word_ends_the_socket() {
    let place = Place::start().await;
    let browser = place.browser("operator").await;
    for nonsense in ["", "{}", "{\"type\":\"exec\"}", "{\"type\":\"resize\",\"cols\":-1,\"rows\":99999999}", "[[[["] {
        let (id, mut shell) = place.open(&browser).await;
        shell.socket.send(Message::Text(nonsense.into())).await.unwrap();
        assert_eq!(place.closed(id).await["reason"], "disconnected", "{nonsense:?}");
    }
    // A size that is a size but none of a terminal is the nearest one.
    let (_, mut shell) = place.open(&browser).await;
    shell.resize(0, 65_535).await;
    shell.type_in("stty size\n").await;
    shell.wait_for("1000 1\r\n").await;
    // More than a browser sends at once.
    drop(shell.socket.send(Message::Binary(vec![b'x'; 2 << 20].into())).await);
    let ended = loop {
        match shell.socket.next().await {
            Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => {}
            ended => break ended,
        }
    };
    assert!(!matches!(ended, Some(Ok(Message::Text(_)))), "{ended:?}");
    place.app.finish().await;
}

#[tokio::test]
async fn terminals_work_on_several_servers() {
    let app = TestApp::start_on(Database::Postgres).await;
    let place = Place { app, sshd: Sshd::start().await };
    place.configure("environments = [\"production\"]").await;
    let browser = place.browser("operator").await;
    let (id, mut shell) = place.open(&browser).await;
    // Another process ends it: only the table says so.
    let mut tx = place.app.engine().store().begin().await.unwrap();
    assert!(tx.ask_end_of_terminal(davit_domain::ids::TerminalId(id), "admin").await.unwrap());
    tx.commit().await.unwrap();
    shell.type_in("echo on\n").await;
    place.app.advance(Duration::from_secs(10));
    assert_eq!(shell.end().await["reason"], "ended");
    assert_eq!(place.closed(id).await["ended_by"], "admin");
    place.app.finish().await;
}
