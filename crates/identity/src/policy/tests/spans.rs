use super::*;

fn spans(text: &str) -> Vec<[u32; 4]> {
    let document = Document::parse(Kind::Managed, text).unwrap();
    assert_eq!(document.text(), text);
    let flat = |span: Span| [span.start.line, span.start.column, span.end.line, span.end.column];
    document.spans().into_iter().map(flat).collect()
}

#[test]
fn statements_are_found_in_the_text() {
    let one = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    assert_eq!(spans(one), [[1, 37, 1, 83]]);
    let several = "{\n \"Statement\": [\n  {\"Effect\": \"Deny\", \"Action\": \"*\", \"Resource\": \"*\",\n   \
                   \"Condition\": {\"StringEquals\": {\"a:b\": [\"}{\\\"\"]}}},\n  \
                   {\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\"}], \"Version\": \"2012-10-17\"}";
    assert_eq!(spans(several), [[3, 3, 4, 53], [5, 3, 5, 54]]);
}

#[test]
fn assumed_documents_lose_what_only_a_request_tells() {
    let document = parse(
        Kind::Managed,
        &json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "a:*", "Resource": "*", "Condition": {
                "StringEquals": {"aws:username": "ada"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
            {"Effect": "Deny", "Action": "a:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {"Effect": "Deny", "Action": "b:*", "Resource": "*", "Condition": {"StringEquals": {"aws:username": "eve"}}},
        ]}),
    );
    let assumed = document.assuming(|key| !key.eq_ignore_ascii_case("aws:username"));
    let lost = |(index, conditions): &(usize, Vec<Condition>)| {
        (*index, conditions.iter().map(Condition::in_words).collect::<Vec<_>>())
    };
    let statements: Vec<_> = assumed.statements.iter().map(lost).collect();
    assert_eq!(statements, [(0, vec!["aws:SourceIp IpAddress 10.0.0.0/8".to_owned()]), (2, vec![])]);
    assert_eq!(
        assumed.denies.iter().map(lost).collect::<Vec<_>>(),
        [(1, vec!["aws:SecureTransport Bool false".to_owned()])]
    );
    assert_eq!(assumed.document.statements()[0].conditions().len(), 1);
}
