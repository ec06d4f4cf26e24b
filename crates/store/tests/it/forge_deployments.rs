use crate::support::{
    at, both, commit, configured, deploy, deployed_to, id, is_conflict, is_not_found, make_request, new_delivery,
    new_request, received, sha,
};
use davit_domain::ids::DeploymentId;
use davit_store::Store;
use davit_store::deliveries::Verdict;
use davit_store::deployments::Deployment;
use davit_store::forge_deployments::ForgeDeployment;
use davit_store::inbox::{NewDelivery, Put};
use davit_store::requests::NewRequest;

fn at_forge(deployment: &Deployment) -> ForgeDeployment {
    ForgeDeployment {
        deployment: deployment.id,
        forge: id("hub"),
        repository: "Acme/Shop".into(),
        environment: "Production".into(),
        number: None,
        made_by_davit: true,
    }
}

async fn found(store: &Store, repository: &str, number: i64) -> Option<DeploymentId> {
    commit!(store, tx => tx.deployment_at_forge(&id("hub"), repository, number))
}

async fn awaits(store: &Store, repository: &str, environment: &str, since: i64) -> bool {
    commit!(store, tx => tx.awaits_forge_number(&id("hub"), repository, environment, &sha(), at(since)))
}

both!(a_deployment_gets_its_number_at_the_forge, |store| {
    let deployment = deployed_to(&store, &["web-1"]).await;
    assert_eq!(store.forge_deployment(deployment.id).await.expect("reads"), None);
    assert!(!awaits(&store, "acme/shop", "production", 0).await);
    commit!(store, tx => tx.put_forge_deployment(&at_forge(&deployment)));
    assert!(awaits(&store, "ACME/shop", "PRODUCTION", 2).await);
    assert!(!awaits(&store, "acme/shop", "production", 3).await, "it was made before");
    assert!(!awaits(&store, "acme/shop", "staging", 0).await);
    assert!(!awaits(&store, "acme/docs", "production", 0).await);
    commit!(store, tx => tx.set_forge_number(deployment.id, 42));
    commit!(store, tx => tx.set_forge_number(deployment.id, 42));
    assert!(!awaits(&store, "acme/shop", "production", 0).await, "its number is known");
    let expected = ForgeDeployment { repository: "acme/shop".into(), number: Some(42), ..at_forge(&deployment) };
    assert_eq!(store.forge_deployment(deployment.id).await.expect("reads"), Some(expected.clone()));
    assert_eq!(commit!(store, tx => tx.forge_deployment(deployment.id)), Some(expected.clone()));
    assert_eq!(found(&store, "acme/SHOP", 42).await, Some(deployment.id));
    assert_eq!((found(&store, "acme/shop", 43).await, found(&store, "acme/docs", 42).await), (None, None));
    // What was written down first stays.
    commit!(store, tx => tx.put_forge_deployment(&ForgeDeployment { number: Some(7), ..at_forge(&deployment) }));
    assert_eq!(store.forge_deployment(deployment.id).await.expect("reads"), Some(expected));
});

both!(a_number_is_never_changed_and_never_made_up, |store| {
    let deployment = deployed_to(&store, &["web-1"]).await;
    let mut tx = store.begin().await.expect("begins");
    is_not_found(tx.set_forge_number(deployment.id, 1).await);
    tx.put_forge_deployment(&ForgeDeployment { number: Some(1), ..at_forge(&deployment) }).await.expect("writes");
    let conflict = is_conflict(tx.set_forge_number(deployment.id, 2).await);
    assert_eq!(conflict, format!("deployment {} is number 1 at hub, not 2", deployment.id));
    drop(tx);
    let mut tx = store.begin().await.expect("begins");
    let unknown = ForgeDeployment { deployment: DeploymentId(99), ..at_forge(&deployment) };
    is_conflict(tx.put_forge_deployment(&unknown).await);
});

both!(the_newest_attempt_has_the_number, |store| {
    let request = make_request(&store, &new_request(configured(&store).await)).await;
    let mut newest = None;
    for attempt in 1..=2 {
        let deployment = deploy(&store, &request, attempt, &["web-1"]).await;
        let asked = ForgeDeployment { number: Some(5), made_by_davit: false, ..at_forge(&deployment) };
        commit!(store, tx => tx.put_forge_deployment(&asked));
        newest = Some(deployment.id);
    }
    assert_eq!(found(&store, "acme/shop", 5).await, newest);
    assert!(!awaits(&store, "acme/shop", "production", 0).await, "others made it");
});

both!(a_request_is_found_by_the_number_that_asked_for_it, |store| {
    let revision = configured(&store).await;
    let delivery = received(&store, &["d-1"]).await[0];
    let other = NewDelivery { forge: id("lab"), ..new_delivery("d-2") };
    let Put::New(other) = commit!(store, tx => tx.put_deliveries(std::slice::from_ref(&other)))[0] else {
        panic!("it is new")
    };
    let asked = |delivery| NewRequest { delivery: Some(delivery), forge_deployment: Some(42), ..new_request(revision) };
    let first = make_request(&store, &asked(delivery)).await;
    assert_eq!(first.forge_deployment, Some(42));
    make_request(&store, &asked(other)).await;
    make_request(&store, &new_request(revision)).await;
    for delivery in [delivery, other] {
        commit!(store, tx => tx.finish_delivery(delivery, Verdict::Processed, "", "", Some("Acme/Shop"), None));
    }
    let found = |forge: &'static str, number| {
        let store = &store;
        async move { commit!(store, tx => tx.request_for_forge_deployment(&id(forge), "acme/SHOP", number)) }
    };
    assert_eq!(found("hub", 42).await, Some(first.id));
    assert_eq!((found("hub", 43).await, found("elsewhere", 42).await), (None, None));
    let elsewhere = commit!(store, tx => tx.request_for_forge_deployment(&id("hub"), "acme/docs", 42));
    assert_eq!(elsewhere, None);
    let again = make_request(&store, &asked(delivery)).await;
    assert_eq!(found("hub", 42).await, Some(again.id), "the newest");
});
