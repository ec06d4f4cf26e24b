//! The OpenAPI document: what is served is what is written down here, so that a change of the contract is seen.

use crate::schema;
use davit_testkit::app::TestApp;
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn the_contract() {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_json_snapshot!("openapi", schema::document());
    });
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let paths = schema::document()["paths"].as_object().unwrap();
    let operations = paths.values().flat_map(|item| item.as_object().unwrap().values());
    let names: Vec<&str> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    let different: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(names.len(), different.len());
    assert!(different.contains("get_apps_app_configs_environment"), "{different:?}");
}

#[tokio::test]
async fn it_is_served_as_it_is() {
    let app = TestApp::start().await;
    let served = app.http().get(format!("{}/api/v1/openapi.json", app.url())).send().await.unwrap();
    assert_eq!(&served.json::<Value>().await.unwrap(), schema::document());
    app.finish().await;
}
