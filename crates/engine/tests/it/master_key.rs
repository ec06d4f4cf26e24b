//! The master key of a database: a wrong one is refused, and replacing it is all or nothing.

use davit_engine::EngineError;
use davit_engine::master_key::{KeySource, NewKey, open};
use davit_engine::seal::Sealer;
use davit_store::Store;
use davit_testkit::app::{Database, TestApp};
use secrecy::ExposeSecret;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

async fn store_in(dir: &Path) -> Store {
    Store::open_sqlite(&dir.join("davit.sqlite")).await.expect("opens")
}

fn file(path: &Path) -> KeySource {
    KeySource::File(path.to_owned())
}

async fn refusal(store: &Store, source: &KeySource) -> String {
    open(store, source).await.expect_err("refused").to_string()
}

fn passphrase(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("passphrase");
    std::fs::write(&path, text).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("chmod");
    path
}

async fn put(store: &Store, sealer: &Sealer, key: &str, text: &str) -> Result<(), davit_store::StoreError> {
    let sealed = sealer.seal(key, &text.into()).expect("sealed");
    let mut tx = store.begin().await?;
    tx.put_secret(key, &sealed, davit_domain::time::Timestamp::from_millis(0)).await?;
    tx.commit().await
}

#[tokio::test]
async fn a_wrong_key_is_refused_at_start_and_none_is_made_in_its_place() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_in(dir.path()).await;
    let (right, wrong) = (dir.path().join("right.key"), dir.path().join("wrong.key"));
    let sealer = open(&store, &file(&right)).await.expect("a first start makes the key");
    put(&store, &sealer, "secret:a", "geheim").await.expect("stored");
    assert_eq!(open(&store, &file(&right)).await.expect("opens").id(), sealer.id());
    let missing = refusal(&store, &file(&wrong)).await;
    assert!(missing.contains("it is missing") && !wrong.exists(), "{missing}");
    Sealer::make_file(&wrong).expect("made");
    let refused = refusal(&store, &file(&wrong)).await;
    assert!(refused.contains("this is not the key") && !refused.contains("geheim"), "{refused}");
    let refused = refusal(&store, &KeySource::Passphrase(passphrase(dir.path(), "correct horse battery"))).await;
    assert!(refused.contains("sealed with a key file"), "{refused}");
    store.close().await;
}

#[tokio::test]
async fn a_database_from_before_keys_had_names_takes_the_key_that_opens_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_in(dir.path()).await;
    let (right, wrong) = (dir.path().join("right.key"), dir.path().join("wrong.key"));
    let (sealer, _) = (Sealer::make_file(&right).expect("made"), Sealer::make_file(&wrong).expect("made"));
    put(&store, &sealer, "secret:a", "geheim").await.expect("stored");
    assert!(refusal(&store, &file(&wrong)).await.contains("this is not the key"));
    assert_eq!(open(&store, &file(&right)).await.expect("opens").id(), sealer.id());
    store.close().await;
}

#[tokio::test]
async fn a_passphrase_opens_what_it_sealed() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = store_in(dir.path()).await;
    let source = KeySource::Passphrase(passphrase(dir.path(), "correct horse battery\n"));
    let sealer = open(&store, &source).await.expect("a first start");
    put(&store, &sealer, "secret:a", "geheim").await.expect("stored");
    let again = open(&store, &source).await.expect("opens");
    let sealed = store.secret("secret:a").await.expect("reads").expect("is there");
    assert_eq!(again.open("secret:a", &sealed).expect("opens").expose_secret(), "geheim");
    passphrase(dir.path(), "another horse battery\n");
    assert!(refusal(&store, &source).await.contains("this is not the key (or passphrase)"));
    let key = dir.path().join("master.key");
    assert!(refusal(&store, &file(&key)).await.contains("--master-passphrase-file") && !key.exists());
    store.close().await;
}

async fn replaced(database: Database) {
    let app = TestApp::start_on(database).await;
    let (engine, store) = (app.engine(), app.engine().store());
    let key = app.path("master.key");
    let before = open(store, &file(&key)).await.expect("opens");
    engine.set_secret("one", &"geheim-eins".into(), "ada").await.expect("stored");
    put(store, &before, "totp:7", "geheim-zwei").await.expect("stored");
    let keys = store.secret_keys().await.expect("reads");
    let to = app.path("other.key");
    let count = engine.rotate_master_key(&NewKey::File(to.clone()), "ada").await.expect("replaced");
    assert_eq!((count, store.secret_keys().await.expect("reads")), (keys.len(), keys));

    assert!(refusal(store, &file(&key)).await.contains("this is not the key"));
    let after = open(store, &file(&to)).await.expect("opens");
    for (name, text) in [("secret:one", "geheim-eins"), ("totp:7", "geheim-zwei")] {
        let sealed = store.secret(name).await.expect("reads").expect("is there");
        assert_eq!(after.open(name, &sealed).expect("opens").expose_secret(), text);
        assert!(before.open(name, &sealed).is_err(), "the old key opens nothing any more");
    }
    // A server that runs on with the old key does no harm.
    let refused = engine.set_secret("two", &"geheim".into(), "ada").await.expect_err("refused");
    assert!(
        matches!(&refused, EngineError::Conflict(sentence) if sentence.contains("restart this server")),
        "{refused}"
    );
    let late = engine.rotate_master_key(&NewKey::InPlace, "ada").await.expect_err("it was replaced");
    assert!(matches!(&late, EngineError::Conflict(sentence) if sentence.contains("was replaced")), "{late}");
    assert_eq!(open(store, &file(&to)).await.expect("all is as before").id(), after.id());
    let feed = store.feed(None, 5).await.expect("reads");
    assert_eq!(feed[0].entry.action, "master_key_rotated");
    app.finish().await;
}

#[tokio::test]
async fn everything_is_sealed_anew_with_another_key_on_sqlite() {
    replaced(Database::Sqlite).await;
}

#[tokio::test]
async fn everything_is_sealed_anew_with_another_key_on_postgres() {
    replaced(Database::Postgres).await;
}

#[tokio::test]
async fn a_key_that_was_about_to_take_its_place_does_so_at_the_next_start() {
    let app = TestApp::start().await;
    let (engine, store) = (app.engine(), app.engine().store());
    let key = app.path("master.key");
    let before = open(store, &file(&key)).await.expect("opens");
    // Killed before the transaction was committed: a new file is there, and nothing else.
    Sealer::make_file(&app.path("master.key.0123456789abcdef.new")).expect("made");
    assert_eq!(open(store, &file(&key)).await.expect("opens").id(), before.id());
    // Killed after it, before the file took its place.
    std::fs::copy(&key, app.path("old.key")).expect("copied");
    engine.rotate_master_key(&NewKey::InPlace, "ada").await.expect("replaced");
    let id = Sealer::read_file(&key).expect("reads").id();
    let next = app.path(&format!("master.key.{id}.new"));
    assert!(!next.exists());
    std::fs::rename(&key, &next).expect("moved");
    std::fs::rename(app.path("old.key"), &key).expect("moved");
    let after = open(store, &file(&key)).await.expect("opens");
    assert!(after.id() != before.id() && after.id() == id && !next.exists());
    assert_eq!(Sealer::read_file(&key).expect("reads").id(), id);
    app.finish().await;
}

async fn of_many_who_replace_the_key_one_does(database: Database) {
    let app = TestApp::start_on(database).await;
    let (engine, store) = (app.engine(), app.engine().store());
    let key = app.path("master.key");
    open(store, &file(&key)).await.expect("opens");
    engine.set_secret("one", &"geheim".into(), "ada").await.expect("stored");
    let tries = (0..6).map(|_| engine.rotate_master_key(&NewKey::InPlace, "ada"));
    let (done, refused): (Vec<_>, Vec<_>) = futures::future::join_all(tries).await.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (1, 5));
    assert!(refused.iter().all(|refused| matches!(refused, Err(EngineError::Conflict(_)))), "{refused:?}");
    let after = open(store, &file(&key)).await.expect("the key that is there opens it");
    let sealed = store.secret("secret:one").await.expect("reads").expect("is there");
    assert_eq!(after.open("secret:one", &sealed).expect("opens").expose_secret(), "geheim");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_replace_the_key_one_does_on_sqlite() {
    of_many_who_replace_the_key_one_does(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_replace_the_key_one_does_on_postgres() {
    of_many_who_replace_the_key_one_does(Database::Postgres).await;
}

#[tokio::test]
async fn a_key_file_is_replaced_by_a_passphrase_and_back() {
    let app = TestApp::start().await;
    let (engine, store) = (app.engine(), app.engine().store());
    open(store, &file(&app.path("master.key"))).await.expect("opens");
    let phrase = passphrase(app.path("").as_path(), "correct horse battery");
    engine.rotate_master_key(&NewKey::Passphrase(phrase.clone()), "ada").await.expect("replaced");
    assert!(open(store, &KeySource::Passphrase(phrase)).await.is_ok());
    assert!(refusal(store, &file(&app.path("master.key"))).await.contains("--master-passphrase-file"));
    app.finish().await;
}
