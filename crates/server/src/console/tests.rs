use super::*;

#[test]
fn pages_carry_the_content_policy_and_unknown_pages_are_the_application() {
    for path in ["/console/", "/console/models/some-model"] {
        let response = answer(&Method::GET, path);
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert!(response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("default-src 'none'"));
    }
}

#[test]
fn a_missing_asset_is_not_the_application() {
    assert_eq!(answer(&Method::GET, "/console/assets/none.js").status(), StatusCode::NOT_FOUND);
    assert_eq!(answer(&Method::GET, "/console/assets/../../Cargo.toml").status(), StatusCode::NOT_FOUND);
}

#[test]
fn the_bare_path_leads_to_the_folder() {
    assert_eq!(answer(&Method::GET, "/console").headers()[header::LOCATION], "/console/");
    assert!(!owns("/consoles") && owns("/console"));
    assert_eq!(answer(&Method::POST, "/console/").status(), StatusCode::METHOD_NOT_ALLOWED);
}
