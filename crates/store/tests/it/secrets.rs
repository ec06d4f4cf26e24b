use crate::support::{at, both, commit};

both!(a_secret_is_bytes_under_a_key, |store| {
    assert_eq!(store.secret("env:B").await.expect("reads"), None);
    commit!(store, tx => tx.put_secret("env:B", &[0, 255, 1], at(0)));
    commit!(store, tx => tx.put_secret("env:a", &[], at(0)));
    commit!(store, tx => tx.put_secret("env:B", &[7], at(1)));
    assert_eq!(store.secret("env:B").await.expect("reads"), Some(vec![7]));
    assert_eq!(store.secret("env:a").await.expect("reads"), Some(Vec::new()));
    assert_eq!(store.secret_keys().await.expect("reads"), [("env:B".into(), at(1)), ("env:a".into(), at(0))]);
    assert!(commit!(store, tx => tx.delete_secret("env:B")));
    assert!(!commit!(store, tx => tx.delete_secret("env:B")));
    assert_eq!(store.secret_keys().await.expect("reads"), [("env:a".into(), at(0))]);
});
