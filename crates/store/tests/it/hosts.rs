use crate::support::{at, both, commit, configured, host, is_not_found};
use davit_store::hosts::HostCheck;

both!(the_last_check_of_a_host_is_kept, |store| {
    configured(&store).await;
    let first = HostCheck { at: at(1), code: "ok".into(), detail: "fine".into(), fingerprint: Some("SHA256:x".into()) };
    let second = HostCheck { at: at(2), code: "denied".into(), detail: "no\0".into(), fingerprint: None };
    commit!(store, tx => tx.record_host_check(&host("web-1"), &first));
    commit!(store, tx => tx.record_host_check(&host("web-2"), &first));
    commit!(store, tx => tx.record_host_check(&host("web-1"), &second));
    let checks = store.host_checks().await.expect("reads");
    assert_eq!(checks.len(), 2);
    assert_eq!(checks[&host("web-1")], HostCheck { detail: "no␀".into(), ..second });
    assert_eq!(checks[&host("web-2")], first);
    let mut tx = store.begin().await.expect("begins");
    is_not_found(tx.record_host_check(&host("gone"), &first).await);
});

both!(a_pinned_key_is_part_of_the_host, |store| {
    configured(&store).await;
    commit!(store, tx => tx.pin_host_key(&host("web-1"), "ssh-ed25519 AAAA"));
    let pinned = store.host(&host("web-1")).await.expect("reads").expect("is there");
    assert_eq!(pinned.host_key.as_deref(), Some("ssh-ed25519 AAAA"));
    assert_eq!(pinned.address, "web-1.example");
    assert_eq!(store.host(&host("web-2")).await.expect("reads").expect("is there").host_key, None);
    let mut tx = store.begin().await.expect("begins");
    assert_eq!(is_not_found(tx.pin_host_key(&host("gone"), "k").await), "host gone does not exist");
});
