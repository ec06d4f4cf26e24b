//! Real git for tests: repositories in a directory, and a server that hands them out over HTTP.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

/// A repository on disk. Commits are reproducible: a fixed author, one second between one and the next.
#[derive(Debug)]
pub struct Repo {
    path: PathBuf,
    commits: Mutex<u64>,
}

impl Repo {
    /// A new repository with an empty branch `main`.
    pub fn init(path: impl Into<PathBuf>) -> Self {
        let repo = Self { path: path.into(), commits: Mutex::new(0) };
        std::fs::create_dir_all(&repo.path).expect("a directory for the repository");
        repo.git(&["init", "--quiet", "--initial-branch=main", "."]);
        repo
    }

    /// A repository that is there already.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), commits: Mutex::new(0) }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is, as a remote's URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.path.display().to_string()
    }

    /// Runs git here and returns what it prints, without the line ending.
    ///
    /// # Panics
    /// When git fails.
    pub fn git(&self, arguments: &[&str]) -> String {
        let second = 1_767_225_600 + *self.commits.lock().expect("the lock");
        let output = Command::new(program())
            .args(arguments)
            .current_dir(&self.path)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_ALLOW_PROTOCOL", "file:http:https")
            .env("GIT_AUTHOR_NAME", "Ada Author")
            .env("GIT_AUTHOR_EMAIL", "ada@example.com")
            .env("GIT_COMMITTER_NAME", "Cem Committer")
            .env("GIT_COMMITTER_EMAIL", "cem@example.com")
            .env("GIT_AUTHOR_DATE", format!("{second} +0000"))
            .env("GIT_COMMITTER_DATE", format!("{second} +0000"))
            .stdin(Stdio::null())
            .output()
            .expect("git runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?} in {}: {stderr}", self.path.display());
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Writes files and commits them with everything else that changed. Returns the commit's id.
    pub fn commit(&self, message: &str, files: &[(&str, &str)]) -> String {
        for (name, content) in files {
            let path = self.path.join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
            std::fs::write(path, content).expect("a file");
        }
        *self.commits.lock().expect("the lock") += 1;
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.rev("HEAD")
    }

    /// The id that a revision names.
    #[must_use]
    pub fn rev(&self, revision: &str) -> String {
        self.git(&["rev-parse", "--verify", revision])
    }

    /// Makes a branch here and switches to it.
    pub fn branch(&self, name: &str) {
        self.git(&["switch", "--quiet", "-c", name]);
    }

    /// Switches to a branch.
    pub fn switch(&self, name: &str) {
        self.git(&["switch", "--quiet", name]);
    }

    /// A lightweight tag.
    pub fn tag(&self, name: &str) {
        self.git(&["tag", "--no-sign", name]);
    }

    /// An annotated tag.
    pub fn annotated_tag(&self, name: &str, message: &str) {
        self.git(&["tag", "--no-sign", "--annotate", "-m", message, name]);
    }

    /// Commits a submodule: its code from `from` now, `url` as what is written down. Returns the commit's id.
    pub fn submodule(&self, from: &str, url: &str, path: &str) -> String {
        self.git(&["submodule", "--quiet", "add", "--force", from, path]);
        self.git(&["submodule", "--quiet", "set-url", path, url]);
        self.commit(&format!("Add {path}"), &[])
    }

    /// A bare copy, as a forge has it.
    pub fn clone_bare(&self, into: impl Into<PathBuf>) -> Self {
        let path = into.into();
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        self.git(&["clone", "--quiet", "--bare", ".", &path.display().to_string()]);
        Self { path, commits: Mutex::new(0) }
    }

    /// Pushes everything, by force, to another repository's path or URL.
    pub fn push(&self, to: &str) {
        self.git(&["push", "--quiet", "--mirror", to]);
    }
}

/// Routes that hand out all bare repositories below `root` over smart HTTP, for a server that has other routes too.
pub fn router(root: &Path) -> axum::Router {
    let site = Site { root: root.to_owned(), authorization: None, requests: Arc::default() };
    axum::Router::new().route("/{owner}/{*rest}", axum::routing::any(answer)).with_state(Arc::new(site))
}

/// Hands out all bare repositories below a directory over smart HTTP, through the real `git http-backend`. Stops when
/// dropped.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    stop: CancellationToken,
}

impl HttpServer {
    /// Serves `root` on a free port of the loopback address; with `login`, only to that user name and password.
    pub async fn start(root: &Path, login: Option<(&str, &str)>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let authorization = login.map(|(user, password)| {
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
        });
        let site = Arc::new(Site { root: root.to_owned(), authorization, requests: Arc::clone(&requests) });
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let app = axum::Router::new().fallback(answer).with_state(site);
        tokio::spawn(async move { axum::serve(listener, app).with_graceful_shutdown(stopped).await });
        Self { address, requests, stop }
    }

    /// The URL of `root/name`.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    /// `METHOD path?query` of every request so far, refused ones included.
    ///
    /// # Panics
    /// When a request panicked.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("the lock").clone()
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[derive(Debug)]
struct Site {
    root: PathBuf,
    authorization: Option<String>,
    requests: Arc<Mutex<Vec<String>>>,
}

async fn answer(State(site): State<Arc<Site>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    site.requests.lock().expect("the lock").push(format!("{method} {uri}"));
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if site.authorization.is_some() && site.authorization.as_deref() != shown {
        let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"git\"")];
        return (StatusCode::UNAUTHORIZED, challenge, "wrong user name or password").into_response();
    }
    backend(&site.root, &method, &uri, &headers, &body).await
}

/// Git, by its path: what has an environment of its own and is started by name costs a fork of the whole test.
pub(crate) fn program() -> PathBuf {
    davit_exec::process::locate("git".as_ref(), std::env::var_os("PATH").as_deref())
}

/// One CGI request (RFC 3875) to `git http-backend`.
async fn backend(root: &Path, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Response {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let protocol = headers.get("git-protocol").and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut child = tokio::process::Command::new(program())
        .arg("http-backend")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_PROTOCOL", protocol)
        .env("REQUEST_METHOD", method.as_str())
        .env("PATH_INFO", uri.path())
        .env("QUERY_STRING", uri.query().unwrap_or(""))
        .env("CONTENT_TYPE", text(header::CONTENT_TYPE))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", text(header::CONTENT_ENCODING))
        .env("REMOTE_ADDR", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("git http-backend runs");
    let mut stdin = child.stdin.take().expect("its standard input");
    let feed = async {
        // It may answer without reading all of the request.
        let _ = stdin.write_all(body).await;
        drop(stdin);
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), feed);
    cgi_response(&output.expect("its answer").stdout)
}

fn cgi_response(output: &[u8]) -> Response {
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(output.len());
    let body = output.get(end + 4..).unwrap_or_default().to_vec();
    let mut response = Response::builder().status(StatusCode::OK);
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        let Some((name, value)) = line.split_once(": ") else { continue };
        response = match name {
            "Status" => response.status(value.split(' ').next().unwrap_or("500")),
            _ => response.header(name, value),
        };
    }
    response.body(Body::from(body)).expect("a response")
}
