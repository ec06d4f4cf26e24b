//! Git mirrors: one an app below `mirrors/`, and one a repository whose workflows run below `repositories/`.

use crate::histories::DEEPEST;
use crate::{Engine, EngineError};
use davit_domain::config::{App, Repository, RepositorySettings};
use davit_domain::ids::{AppKey, ForgeId};
use davit_domain::time::Timestamp;
pub use davit_exec::git::NamedRef;
use davit_exec::git::{self, CommitLine, Credential, Mirror, Remote, Resolved, Rewrite, Way};
use davit_exec::{ExecError, LineSink};
use davit_forge::ApiError;
use secrecy::ExposeSecret as _;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Branches, and as many tags, that are looked through for a text.
const MOST_REFS: usize = 50_000;
/// For how long what the remote said is taken for what it says.
const FRESH: Duration = Duration::from_secs(15);
/// The same while somebody types or turns pages: they have just seen what there is, and no letter should wait for it.
const FRESH_WHILE_CHOOSING: Duration = Duration::from_secs(120);

/// Branches and tags, each newest first.
pub type Refs = (Vec<NamedRef>, Vec<NamedRef>);

/// When the repositories of apps were last fetched for people who choose from them, and what was there.
#[derive(Debug, Default)]
pub(crate) struct Fetched(Mutex<HashMap<AppKey, Fetch>>);

#[derive(Debug)]
struct Fetch {
    /// Where from: an app may get another repository.
    repository: Repository,
    at: Timestamp,
    refs: Option<Arc<Refs>>,
}

impl Fetch {
    fn is_fresh(&self, now: Timestamp, lasts: Duration) -> bool {
        now >= self.at && now.since(self.at) < lasts
    }
}

impl Fetched {
    fn is_fresh(&self, app: &App, now: Timestamp, lasts: Duration) -> bool {
        self.fetches()
            .get(&app.key)
            .is_some_and(|fetch| fetch.repository == app.repository && fetch.is_fresh(now, lasts))
    }

    /// The app's repository was just fetched. What nobody would be shown any more is dropped.
    fn note(&self, app: &App, now: Timestamp) {
        let mut fetches = self.fetches();
        fetches.retain(|_, fetch| fetch.is_fresh(now, FRESH_WHILE_CHOOSING));
        fetches.insert(app.key.clone(), Fetch { repository: app.repository.clone(), at: now, refs: None });
    }

    /// When the app's repository was fetched, and what was there, if that is known.
    fn last(&self, app: &App) -> Option<(Timestamp, Option<Arc<Refs>>)> {
        let fetches = self.fetches();
        let fetch = fetches.get(&app.key).filter(|fetch| fetch.repository == app.repository)?;
        Some((fetch.at, fetch.refs.clone()))
    }

    /// Keeps what was there after the fetch at `at`, unless there was another since.
    fn keep(&self, app: &App, at: Timestamp, refs: &Arc<Refs>) {
        let mut fetches = self.fetches();
        let fetch = fetches.get_mut(&app.key).filter(|fetch| fetch.repository == app.repository && fetch.at == at);
        if let Some(fetch) = fetch {
            fetch.refs = Some(Arc::clone(refs));
        }
    }

    fn fetches(&self) -> MutexGuard<'_, HashMap<AppKey, Fetch>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// The mirror of an app's repository, made when it is missing. Two on one directory take turns.
    ///
    /// # Errors
    /// When the forge's credential is missing or the disk refuses.
    pub async fn mirror(&self, app: &App) -> Result<Mirror, EngineError> {
        let dir = self.data_dir().join("mirrors").join(app.key.as_str());
        Ok(Mirror::open(&dir, self.remote(app).await?).await?)
    }

    /// The mirror of a repository whose workflows run, made when it is missing. Several on one directory take turns.
    ///
    /// # Errors
    /// When the forge's credential is missing or the disk refuses.
    pub async fn repository_mirror(&self, settings: &RepositorySettings) -> Result<Mirror, EngineError> {
        // No forge has a name with this sign in it, so that no two names make one directory.
        let name = settings.name.to_lowercase().replace('/', "+");
        let dir = self.data_dir().join("repositories").join(settings.forge.as_str()).join(name);
        let remote = self.remote_at_forge(&settings.forge, &settings.name, settings.url.as_deref()).await?;
        Ok(Mirror::open(&dir, remote).await?)
    }

    /// What a branch, tag or SHA means right now, after asking the remote. Nothing: the default branch.
    ///
    /// # Errors
    /// When the remote can't be reached or the name means nothing there.
    pub async fn resolve(&self, app: &App, reference: Option<&str>) -> Result<Resolved, EngineError> {
        let mirror = self.mirror(app).await?;
        let cancel = CancellationToken::new();
        mirror.fetch(&nobody_listens(), &cancel).await?;
        if let Some(reference) = reference {
            return mirror.resolve(reference).await.map_err(no_such_ref);
        }
        self.default_branch(app, &mirror).await
    }

    /// Branches and tags with each word of this text in their names (`None`: all), newest first. The remote is asked,
    /// unless somebody has just had it asked; when nothing is found, that must have been a moment ago.
    ///
    /// # Errors
    /// When the remote can't be reached.
    pub async fn refs(&self, app: &App, text: Option<&str>) -> Result<Refs, EngineError> {
        let mirror = self.mirror(app).await?;
        let text = text.map(str::to_lowercase).unwrap_or_default();
        let words: Vec<&str> = text.split_whitespace().collect();
        for is_choosing in [!words.is_empty(), false] {
            self.freshen(app, &mirror, is_choosing).await?;
            let all = self.known_refs(app, &mirror).await?;
            let (branches, tags) = (named(&all.0, &words), named(&all.1, &words));
            if !is_choosing || !branches.is_empty() || !tags.is_empty() {
                return Ok((branches, tags));
            }
        }
        Ok(Refs::default())
    }

    /// What there was at the last fetch for people.
    async fn known_refs(&self, app: &App, mirror: &Mirror) -> Result<Arc<Refs>, EngineError> {
        let last = self.fetched().last(app);
        if let Some((_, Some(refs))) = last {
            return Ok(refs);
        }
        let refs = Arc::new(tokio::try_join!(mirror.branches(MOST_REFS), mirror.tags(MOST_REFS))?);
        if let Some((at, None)) = last {
            self.fetched().keep(app, at, &refs);
        }
        Ok(refs)
    }

    /// The commits of a branch or tag (`None`: the default branch), newest first.
    ///
    /// # Errors
    /// When the remote can't be reached or the name means nothing there.
    pub async fn commits(
        &self,
        app: &App,
        reference: Option<&str>,
        wanted: git::Wanted<'_>,
        most: usize,
    ) -> Result<Vec<CommitLine>, EngineError> {
        let mirror = self.mirror(app).await?;
        self.freshen(app, &mirror, !wanted.is_plain()).await?;
        let resolved = match reference {
            Some(reference) => mirror.resolve(reference).await.map_err(no_such_ref)?,
            None => self.default_branch(app, &mirror).await?,
        };
        let head = resolved.commit;
        if wanted.is_plain() {
            return Ok(mirror.history(&head, most).await?);
        }
        let history = match self.histories().get(&app.key, &head) {
            Some(history) => history,
            None => self.histories().keep(&app.key, &head, mirror.history(&head, DEEPEST).await?),
        };
        Ok(wanted.of(&history, most))
    }

    /// Asks the remote for its branches and tags, unless that was just done. `is_choosing`: somebody looks through what
    /// they were shown.
    async fn freshen(&self, app: &App, mirror: &Mirror, is_choosing: bool) -> Result<(), EngineError> {
        let lasts = if is_choosing { FRESH_WHILE_CHOOSING } else { FRESH };
        if self.fetched().is_fresh(app, self.now(), lasts) {
            return Ok(());
        }
        mirror.fetch(&nobody_listens(), &CancellationToken::new()).await?;
        self.fetched().note(app, self.now());
        Ok(())
    }

    async fn default_branch(&self, app: &App, mirror: &Mirror) -> Result<Resolved, EngineError> {
        let default = mirror.default_branch(&nobody_listens(), &CancellationToken::new()).await?.ok_or_else(|| {
            EngineError::Invalid(format!(
                "the repository of {} has no default branch with a commit: name a ref",
                app.key
            ))
        })?;
        Ok(mirror.resolve(&format!("refs/heads/{default}")).await?)
    }

    /// Where an app's source is fetched from, and with what credential.
    async fn remote(&self, app: &App) -> Result<Remote, EngineError> {
        match &app.repository {
            Repository::Url { url } => Ok(Remote { url: url.clone(), credential: None, way: Way::default() }),
            Repository::Forge { forge, name, url } => self.remote_at_forge(forge, name, url.as_deref()).await,
        }
    }

    /// A repository at a forge: over ssh with the forge's key where there is one, else over HTTP with what the API is
    /// used with. Submodules of the same forge go the same way, however they are named.
    async fn remote_at_forge(&self, id: &ForgeId, name: &str, url: Option<&str>) -> Result<Remote, EngineError> {
        let forge = self.configured_forge(id).await?;
        let client = self.forge_client(id).await?;
        let ca_pem = self.optional_secret(forge.ca.as_ref()).await?.map(|pem| pem.expose_secret().to_owned());
        let web = client.clone_url(name);
        let place = web.as_deref().and_then(|web| Place::of(web, name));
        let url = match (url, &place, &forge.git_key) {
            (Some(url), _, _) => url.to_owned(),
            (None, Some(place), Some(_)) => format!("git@{}:{name}.git", place.host),
            (None, Some(place), None) => format!("{}{name}.git", place.base),
            (None, None, _) => {
                let sentence =
                    format!("forge {id} does not say where git fetches {name} from: give its repository a url");
                return Err(EngineError::Invalid(sentence));
            }
        };
        let is_web = url.starts_with("https://") || url.starts_with("http://");
        let credential = match (&forge.git_key, &place) {
            (Some(key), _) if !is_web => {
                Some(Credential::SshKey { private_pem: self.secret(key).await?, known_hosts: None })
            }
            (_, Some(place)) if url.starts_with(place.base) => {
                let token = client.git_token(name).await.map_err(refused)?;
                token.map(|secret| Credential::Token { username: client.git_username().to_owned(), secret })
            }
            // A key proves without telling; a token would be handed to whoever has that URL.
            (_, _) => None,
        };
        let rewrites = place.map(|place| place.rewrites(&url, name, credential.as_ref())).unwrap_or_default();
        Ok(Remote { url, credential, way: Way { ca_pem, proxy: forge.proxy, rewrites } })
    }
}

/// A forge as URLs name it.
struct Place<'u> {
    /// What all of its repositories' HTTP URLs begin with.
    base: &'u str,
    /// Its host, without a port.
    host: &'u str,
}

impl<'u> Place<'u> {
    /// From a repository's HTTP URL.
    fn of(url: &'u str, name: &str) -> Option<Self> {
        let base = url.strip_suffix(".git")?.strip_suffix(name)?;
        let authority = url.split_once("://")?.1.split('/').next()?;
        let is_port = |(_, port): &(&str, &str)| port.bytes().all(|byte| byte.is_ascii_digit());
        Some(Self { base, host: authority.rsplit_once(':').filter(is_port).map_or(authority, |(host, _)| host) })
    }

    /// What submodules' names of this forge are replaced with, so that they are fetched as `url` is.
    fn rewrites(&self, url: &str, name: &str, credential: Option<&Credential>) -> Vec<Rewrite> {
        let rewrite = |from: String, to: &str| Rewrite { from, to: to.to_owned() };
        let Self { base, host } = *self;
        match credential {
            Some(Credential::Token { .. }) => {
                [format!("git@{host}:"), format!("ssh://git@{host}/")].map(|from| rewrite(from, base)).into()
            }
            Some(Credential::SshKey { .. }) => {
                let start = url.strip_suffix(".git").unwrap_or(url).strip_suffix(name);
                start.map(|start| rewrite(base.to_owned(), start)).into_iter().collect()
            }
            None => Vec::new(),
        }
    }
}

/// Those with each of the words, in lower case, in their names.
fn named(refs: &[NamedRef], words: &[&str]) -> Vec<NamedRef> {
    let is_wanted = |named: &&NamedRef| {
        let name = named.name.to_lowercase();
        words.iter().all(|word| name.contains(word))
    };
    refs.iter().filter(is_wanted).cloned().collect()
}

fn refused(error: ApiError) -> EngineError {
    EngineError::Upstream(error.to_string())
}

/// The remote has answered: what is left to be wrong is the name.
pub(crate) fn no_such_ref(error: ExecError) -> EngineError {
    if let ExecError::Git(sentence) = error { EngineError::Invalid(sentence) } else { error.into() }
}

/// A sink for output that nobody reads.
pub(crate) fn nobody_listens() -> LineSink {
    tokio::sync::mpsc::channel(1).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(key: &str, url: &str) -> App {
        let repository = Repository::Url { url: url.into() };
        App { key: key.parse().expect("a key"), name: key.into(), repository, releases: Vec::new() }
    }

    #[test]
    fn what_was_fetched_is_of_one_repository_and_one_moment() {
        let (fetched, at) = (Fetched::default(), Timestamp::from_millis);
        let (shop, moved, tea) = (app("shop", "https://old"), app("shop", "https://new"), app("tea", "https://tea"));
        let refs = Arc::new(Refs::default());
        fetched.note(&shop, at(1));
        assert!(fetched.is_fresh(&shop, at(15_000), FRESH));
        assert!(!fetched.is_fresh(&shop, at(15_001), FRESH));
        fetched.keep(&shop, at(1), &refs);
        assert_eq!(fetched.last(&shop), Some((at(1), Some(Arc::clone(&refs)))));

        assert!(!fetched.is_fresh(&moved, at(2), FRESH), "that is another repository");
        assert_eq!(fetched.last(&moved), None);
        fetched.note(&moved, at(3));
        fetched.keep(&shop, at(1), &refs);
        fetched.keep(&moved, at(1), &refs);
        assert_eq!(fetched.last(&moved), Some((at(3), None)), "a list read before the fetch is not what is there now");

        fetched.note(&tea, at(120_002));
        assert!(fetched.last(&moved).is_some());
        fetched.note(&tea, at(120_003));
        assert_eq!(fetched.last(&moved), None, "nobody would be shown it");
    }

    #[test]
    fn a_forge_is_what_stands_before_the_repository() {
        for (url, base, host) in [
            ("https://github.com/acme/shop.git", "https://github.com/", "github.com"),
            ("http://127.0.0.1:4321/acme/shop.git", "http://127.0.0.1:4321/", "127.0.0.1"),
            ("https://example.com/git/acme/shop.git", "https://example.com/git/", "example.com"),
            ("https://[::1]/acme/shop.git", "https://[::1]/", "[::1]"),
        ] {
            let place = Place::of(url, "acme/shop").expect("a place");
            assert_eq!((place.base, place.host), (base, host));
        }
    }

    #[test]
    fn submodules_go_the_way_of_the_repository() {
        let place = Place::of("https://git.example.com/acme/shop.git", "acme/shop").expect("a place");
        let rewrites = |url: &str, credential: &Credential| {
            let rewrites = place.rewrites(url, "acme/shop", Some(credential));
            rewrites.into_iter().map(|rewrite| format!("{} > {}", rewrite.from, rewrite.to)).collect::<Vec<_>>()
        };
        let token = Credential::Token { username: "x".into(), secret: "t".into() };
        assert_eq!(
            rewrites("https://git.example.com/acme/shop.git", &token),
            [
                "git@git.example.com: > https://git.example.com/",
                "ssh://git@git.example.com/ > https://git.example.com/"
            ]
        );
        let key = Credential::SshKey { private_pem: "k".into(), known_hosts: None };
        for (url, to) in [
            ("git@git.example.com:acme/shop.git", "git@git.example.com:"),
            ("ssh://git@git.example.com:2222/acme/shop", "ssh://git@git.example.com:2222/"),
        ] {
            assert_eq!(rewrites(url, &key), [format!("https://git.example.com/ > {to}")]);
        }
    }
}
