//! A host that only lets in who has a password gets davit's key, and is released to with it from then on.

use crate::shop::{Shop, text};
use davit_testkit::app::Database;
use davit_testkit::sshd::{Logins, ScriptedSshd, Sshd};
use serde_json::json;

const PASSWORD: &str = "0ne-time 'secret' \"pass\"";

/// The table of a host behind this server. Its private key is that of `real`, which no server lets in yet.
fn host(shop: &Shop, server: &ScriptedSshd, real: &Sshd) -> String {
    let key = shop.app.path("deploy.key");
    std::fs::write(&key, real.client_private_key()).unwrap();
    format!(
        "[[host]]\nname = \"web-1\"\naddress = {:?}\nport = {}\nuser = {:?}\nhost_key = {:?}\nprivate_key = {{ file = {:?} }}\n\n",
        server.address(),
        server.port(),
        real.user(),
        server.host_key_line(),
        key.display().to_string()
    )
}

#[tokio::test]
async fn a_one_time_password_opens_the_door_for_releases() {
    let shop = Shop::bare(Database::Sqlite, &[]).await;
    // OpenSSH checks passwords as root with PAM alone, so the first login is to another server with the same account.
    let real = Sshd::start().await;
    for logins in [Logins::Password(PASSWORD.into()), Logins::Question(PASSWORD.into())] {
        let server = ScriptedSshd::start(logins, 0).await;
        let table = host(&shop, &server, &real);
        let release = shop.production("", "").replace("hosts = []", "hosts = [\"web-1\"]");
        shop.configure(&format!("{}{table}{release}", shop.app.forge_table())).await;
        let before = shop.app.post("/hosts/web-1/verify", json!({})).await.1;
        assert_eq!((&before["ok"], &before["code"]), (&json!(false), &json!("denied")), "{before}");

        let (status, answer) = shop.app.post("/hosts/web-1/install-key", json!({ "password": "wrong" })).await;
        assert!(status == 424 || answer["ok"] == json!(false), "{status} {answer}");
        assert!(answer.to_string().contains("the password is not right"), "{answer}");
        let installed = server.home().join(".ssh/authorized_keys");
        assert!(!installed.exists());

        for time in ["first", "second"] {
            let body = json!({ "password": PASSWORD });
            let (status, check) = shop.app.post("/hosts/web-1/install-key", body).await;
            assert_eq!((status, &check["ok"]), (200, &json!(true)), "{time}: {check}");
            assert_eq!(std::fs::read_to_string(&installed).unwrap().lines().count(), 1, "{time}: twice is once");
        }

        // From now on OpenSSH itself takes the key, and nobody is asked for a password.
        real.authorize_from(&installed);
        let moved = table
            .replace(&format!("port = {}", server.port()), &format!("port = {}", real.port()))
            .replace(server.host_key_line(), &real.host_key_line());
        shop.configure(&format!("{}{moved}{release}", shop.app.forge_table())).await;
        let check = shop.app.post("/hosts/web-1/verify", json!({})).await.1;
        assert_eq!(check["ok"], json!(true), "{check}");
        let deployment = shop.release_new("with the key").await;
        assert_eq!(deployment["state"], "succeeded", "{deployment}");
        let page = std::fs::read_to_string(shop.srv().join("www/index.html")).unwrap();
        assert_eq!(page, "with the key");
    }
    let feed = shop.app.engine().store().feed(None, 1000).await.unwrap();
    let installs: Vec<_> = feed.iter().filter(|line| line.entry.action == "key_installed").collect();
    assert_eq!(installs.len(), 4, "who did it is known");
    assert!(!format!("{feed:?}").contains("secret"), "the password is nowhere");
    assert_eq!(text(&shop.get("/hosts").await["items"][0]["name"]), "web-1");
    shop.finish().await;
}
