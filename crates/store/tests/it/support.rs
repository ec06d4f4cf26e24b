//! What the tests share: a macro that runs a body on both databases, and the smallest rows of each kind.

use davit_domain::access::Role;
use davit_domain::config::{
    App, Channel, ChannelKind, Commands, Configuration, Environment, Filter, FilterMode, Forge, ForgeKind, Hook, Hooks,
    Host, HostKind, HostSelector, Identity, IdentityKind, Mode, OidcProvider, Receiver, ReleaseConfig, Repository,
    Review, SecretRef, Shared, StepTimeouts, Strategy, Transfer,
};
use davit_domain::ids::{AppKey, CommitSha, DeliveryId, EnvironmentKey, HostName, RevisionId};
use davit_domain::notice::{Language, NoticeEvent};
use davit_domain::request::{Kind, RequestState};
use davit_domain::time::Timestamp;
use davit_store::deployments::{Deployment, NewDeployment, PlannedStep};
use davit_store::inbox::{Inbox, NewDelivery, Put};
use davit_store::requests::{Created, Inputs, NewRequest, Request};
use davit_store::{Store, StoreError};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::str::FromStr;
use tokio_util::sync::CancellationToken;

/// `both!(name, |store| { … })`: the body once on SQLite and once on PostgreSQL, each time on an empty database.
macro_rules! both {
    ($name:ident, |$store:ident| $body:block) => {
        mod $name {
            use super::*;

            async fn body($store: davit_store::Store) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let directory = tempfile::tempdir().expect("a directory");
                let file = directory.path().join("davit.db");
                let store = davit_store::Store::open_sqlite(&file).await.expect("opens");
                body(store.clone()).await;
                store.close().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let database = crate::postgres::TestDatabase::create().await;
                let store = database.open().await;
                body(store.clone()).await;
                store.close().await;
            }
        }
    };
}
pub(crate) use both;

/// `commit!(store, tx => { … })`: one committed transaction; the value of the block.
macro_rules! commit {
    ($store:expr, $tx:ident => $body:expr) => {{
        let mut $tx = $store.begin().await.expect("begins");
        let value = $body.await.expect("is written");
        $tx.commit().await.expect("commits");
        value
    }};
}
pub(crate) use commit;

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_769_860_800_000 + millis)
}

pub(crate) fn id<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("a valid id")
}

pub(crate) fn sha() -> CommitSha {
    id(&"1a2b3c4d".repeat(5))
}

pub(crate) fn shop() -> AppKey {
    id("shop")
}

pub(crate) fn production() -> EnvironmentKey {
    id("production")
}

pub(crate) fn host(name: &str) -> HostName {
    id(name)
}

pub(crate) fn is_conflict<T: Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Err(error @ StoreError::Conflict(_)) => error.to_string(),
        other => panic!("not a conflict: {other:?}"),
    }
}

pub(crate) fn is_not_found<T: Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Err(error @ StoreError::NotFound(_)) => error.to_string(),
        other => panic!("not a missing row: {other:?}"),
    }
}

pub(crate) fn forge_named(name: &str) -> Forge {
    Forge {
        id: id(name),
        kind: ForgeKind::Github,
        api_url: "https://git.example/api/v3".into(),
        token: Some(SecretRef::Env("TOKEN".into())),
        app: None,
        webhook_secret: None,
        signature: None,
        generic: None,
        ca: None,
        proxy: None,
        git_key: None,
    }
}

pub(crate) fn environment_named(name: &str) -> Environment {
    Environment {
        key: id(name),
        name: name.to_uppercase(),
        color: None,
        review: Review { required: 1, ..Review::default() },
        branches: Some(vec!["main".into()]),
        url: None,
        forge_name: None,
        freeze: Vec::new(),
        windows: Vec::new(),
        require_green: None,
    }
}

pub(crate) fn host_named(name: &str) -> Host {
    Host {
        name: id(name),
        kind: HostKind::Ssh,
        address: format!("{name}.example"),
        port: 22,
        user: "deploy".into(),
        jump: Vec::new(),
        labels: vec!["web".into()],
        category: None,
        environments: vec![production()],
        host_key: None,
        private_key: None,
        agent: false,
    }
}

pub(crate) fn channel_named(name: &str) -> Channel {
    Channel {
        id: id(name),
        receiver: Receiver::Hook(
            ChannelKind::Dingtalk,
            Hook { url: SecretRef::Env("URL".into()), secret: Some(SecretRef::Secret("sign".into())) },
        ),
        language: Language::Zh,
        events: Some(vec![NoticeEvent::Failed]),
        environments: vec![production()],
        apps: vec![shop()],
        allow_private: false,
        ca: None,
        templates: BTreeMap::from([(NoticeEvent::Failed, "{{ app }}".into())]),
        commands: Some(Commands::Dingtalk { app_secret: SecretRef::Env("APP".into()) }),
    }
}

pub(crate) fn identity_named(name: &str) -> Identity {
    let oidc = OidcProvider {
        issuer: "https://id.example".into(),
        client_id: "davit".into(),
        client_secret: None,
        scopes: vec!["openid".into()],
        name_claim: "preferred_username".into(),
        groups_claim: "groups".into(),
    };
    Identity {
        id: id(name),
        name: "Acme".into(),
        kind: IdentityKind::Oidc(oidc),
        role: Some(Role::Viewer),
        groups: BTreeMap::from([("devs".into(), "developers".into())]),
        ca: None,
        allow_private: true,
    }
}

pub(crate) fn release_to(environment: &str) -> ReleaseConfig {
    ReleaseConfig {
        environment: id(environment),
        hosts: HostSelector::Labels(vec!["web".into()]),
        deploy_path: "/srv/shop/current".into(),
        releases_path: "/srv/shop/releases".into(),
        keep: 3,
        build_dir: ".".into(),
        filter: Some(Filter { mode: FilterMode::Exclude, patterns: vec!["*.log".into()] }),
        shared: Shared { dirs: vec!["uploads".into()], files: Vec::new() },
        variables: "A=1\n".into(),
        hooks: Hooks { after_checkout: "make".into(), ..Hooks::default() },
        strategy: Strategy::default(),
        health: None,
        transfer: Transfer::default(),
        caches: Vec::new(),
        share_builds: false,
        inputs: Vec::new(),
        mode: Mode::Regular,
        timeouts: StepTimeouts { step: 600, idle: 60 },
        auto: None,
        notify: Some(vec![id("ops")]),
    }
}

pub(crate) fn app_named(name: &str, environments: &[&str]) -> App {
    App {
        key: id(name),
        name: name.to_uppercase(),
        repository: Repository::Forge { forge: id("hub"), name: format!("acme/{name}"), url: None },
        releases: environments.iter().map(|environment| release_to(environment)).collect(),
    }
}

/// One forge, two environments, two hosts, the shop with a release to each environment.
pub(crate) fn configuration() -> Configuration {
    Configuration {
        forges: vec![forge_named("hub")],
        environments: vec![environment_named("test"), environment_named("production")],
        hosts: vec![host_named("web-2"), host_named("web-1")],
        apps: vec![app_named("shop", &["test", "production"])],
        repositories: Vec::new(),
        channels: vec![channel_named("ops")],
        identities: vec![identity_named("sso")],
    }
}

/// Saves [`configuration`] and returns the revision of the shop's release to production.
pub(crate) async fn configured(store: &Store) -> RevisionId {
    commit!(store, tx => tx.save_configuration(&Configuration::default(), &configuration(), "alice", at(0)));
    store.release_config(&shop(), &production()).await.expect("is read").expect("is there").0.id
}

pub(crate) fn new_request(revision: RevisionId) -> NewRequest {
    NewRequest {
        app: shop(),
        environment: production(),
        kind: Kind::Regular,
        state: RequestState::AwaitingRelease { approvals: Vec::new() },
        commit: sha(),
        git_ref: Some("main".into()),
        title: "Sell more".into(),
        revision,
        review: Review { required: 0, ..Review::default() },
        target_release: None,
        hosts: None,
        build: None,
        inputs: Inputs::default(),
        created_by: "alice".into(),
        created_at: at(1),
        delivery: None,
        forge_deployment: None,
        values: davit_domain::values::Pinned::default(),
        description: String::new(),
        schedule: None,
        batch: None,
        cloned_from: None,
        idempotency_key: None,
    }
}

pub(crate) async fn make_request(store: &Store, new: &NewRequest) -> Request {
    match commit!(store, tx => tx.create_request(new)) {
        Created::New(request) => request,
        Created::Existing(request) => panic!("{request:?} was there already"),
    }
}

/// The configuration, a request, and its first deployment to `hosts`.
pub(crate) async fn deployed_to(store: &Store, hosts: &[&str]) -> Deployment {
    let request = make_request(store, &new_request(configured(store).await)).await;
    deploy(store, &request, 1, hosts).await
}

pub(crate) async fn deploy(store: &Store, request: &Request, attempt: i64, hosts: &[&str]) -> Deployment {
    let hosts: Vec<(HostName, u32)> = hosts.iter().map(|name| (host(name), 1)).collect();
    let steps = PlannedStep::regular(request.kind);
    let new = NewDeployment { request, attempt, hosts: &hosts, steps: &steps };
    commit!(store, tx => tx.create_deployment(&new, at(2)))
}

pub(crate) async fn take_fence(store: &Store, deployment: &Deployment) -> i64 {
    commit!(store, tx => tx.take_fence(deployment.id, at(3)))
}

pub(crate) fn new_delivery(delivery: &str) -> NewDelivery {
    NewDelivery {
        forge: id("hub"),
        delivery: delivery.into(),
        event: "push".into(),
        received_at: at(5),
        headers: vec![("X-GitHub-Event".into(), "push".into()), ("Accept".into(), "*/*".into())],
        body: vec![0, 159, 146, 150, b'{', b'}'],
    }
}

/// Stores these deliveries one after the other, and ends the inbox.
pub(crate) async fn received(store: &Store, deliveries: &[&str]) -> Vec<DeliveryId> {
    let cancel = CancellationToken::new();
    let (inbox, writer) = Inbox::start(store.clone(), cancel.clone());
    let putting = async {
        let mut ids = Vec::new();
        for delivery in deliveries {
            match inbox.put(new_delivery(delivery)).await.expect("is stored") {
                Put::New(id) | Put::Known(id) => ids.push(id),
            }
        }
        cancel.cancel();
        ids
    };
    tokio::join!(putting, writer).0
}
