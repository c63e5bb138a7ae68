use super::*;

fn page(method: &str, uri: &str, headers: &[(&str, &str)]) -> Option<Page> {
    let mut builder = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    Page::of(&builder.body(()).unwrap().into_parts().0)
}

#[test]
fn probes_and_pages_are_answered_without_the_api() {
    for method in ["GET", "HEAD"] {
        assert_eq!(page(method, "/healthz", &[]), Some(Page::Health));
        assert_eq!(page(method, "/readyz", &[]), Some(Page::Readiness));
        assert_eq!(page(method, "/metrics", &[]), Some(Page::Metrics));
        assert_eq!(page(method, "/console/keys", &[]), Some(Page::Console));
    }
    assert_eq!(page("GET", "/", &[("accept", "text/html,*/*")]), Some(Page::Home));
    assert_eq!(page("GET", "/", &[]), None);
    assert_eq!(page("GET", "/healthz", &[("authorization", "Basic eDp5")]), Some(Page::Health));
}

#[test]
fn what_is_signed_goes_to_the_api_whatever_its_path() {
    for path in ["/console", "/console/x", "/healthz", "/readyz", "/metrics"] {
        assert_eq!(page("GET", path, &[("authorization", "AWS4-HMAC-SHA256 Credential=x")]), None);
        assert_eq!(page("GET", &format!("{path}?X-Amz-Algorithm=AWS4-HMAC-SHA256"), &[]), None);
        assert_eq!(page("GET", &format!("{path}?AWSAccessKeyId=x&Signature=y"), &[]), None);
    }
}

#[test]
fn what_is_not_signed_goes_to_the_api_but_for_exact_paths() {
    for path in ["/healthz/", "/healthz/x", "//healthz", "/consolex", "/%63onsole", "/v1/models", "/craton/v1/status"] {
        assert_eq!(page("GET", path, &[]), None, "{path}");
    }
    assert_eq!(page("POST", "/metrics", &[]), None);
}

#[test]
fn a_head_is_as_long_as_it_is_written() {
    let request = Request::builder().method("POST").uri("http://host/a?b").header("x-a", "1").header("host", "h");
    let written = "POST /a?b HTTP/1.1\r\nx-a: 1\r\nhost: h\r\n\r\n";
    assert_eq!(length_of(&request.body(()).unwrap().into_parts().0), written.len());
}
