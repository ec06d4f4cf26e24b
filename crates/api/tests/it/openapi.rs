//! The OpenAPI document: what is served is what is written down here, so that a change of the contract is seen.

use crate::schema;
use davit_testkit::app::TestApp;
use serde_json::Value;

#[test]
fn the_contract() {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_json_snapshot!("openapi", schema::document());
    });
}

#[tokio::test]
async fn it_is_served_as_it_is() {
    let app = TestApp::start().await;
    let served = app.http().get(format!("{}/api/v1/openapi.json", app.url())).send().await.unwrap();
    assert_eq!(&served.json::<Value>().await.unwrap(), schema::document());
    app.finish().await;
}
