use super::*;

fn attributes() -> Vec<Attribute> {
    [
        ("department", AttributeKind::Text),
        ("year", AttributeKind::Number),
        ("open", AttributeKind::Boolean),
        ("tags", AttributeKind::TextList),
    ]
    .map(|(key, kind)| Attribute { key: key.to_owned(), kind, description: "what it is".to_owned() })
    .to_vec()
}

#[test]
fn queries_begin_with_the_question_and_repeat_nothing() {
    let answer = json!({ "queries": [" late fees ", "late fees", "", "How much?", "deposits"] });
    assert_eq!(queries_of("How much?", &answer, 4), ["How much?", "late fees"]);
    assert_eq!(queries_of("How much?", &answer, 5), ["How much?", "late fees", "deposits"]);
    assert_eq!(queries_of("How much?", &Json::Null, 4), ["How much?"]);
}

#[test]
fn conditions_become_a_filter() {
    let answer = json!({ "conditions": [
        { "field": "department", "operator": "equals", "value": "fleet" },
        { "field": "year", "operator": "greaterThanOrEquals", "value": 2024 },
    ] });
    let filter = filter_of(&answer, &attributes()).unwrap();
    assert_eq!(filter.to_string(), "(department = \"fleet\" and year >= 2024)");
    let one = json!({ "conditions": [{ "field": "tags", "operator": "listContains", "value": "vans" }] });
    assert_eq!(filter_of(&one, &attributes()).unwrap().to_string(), "tags has \"vans\"");
}

#[test]
fn what_is_no_condition_on_a_known_field_is_passed_over() {
    for one in [
        json!({ "field": "secret", "operator": "equals", "value": "x" }),
        json!({ "field": "year", "operator": "startsWith", "value": 2 }),
        json!({ "field": "year", "operator": "equals", "value": "2024" }),
        json!({ "field": "open", "value": true }),
        json!("department"),
    ] {
        assert_eq!(filter_of(&json!({ "conditions": [one] }), &attributes()), None, "{one}");
    }
    assert_eq!(filter_of(&Json::Null, &attributes()), None);
}

#[test]
fn a_schema_has_one_choice_for_each_field() {
    let schema = conditions_schema(&attributes());
    let choices = schema["properties"]["conditions"]["items"]["anyOf"].as_array().unwrap();
    assert_eq!(choices.len(), 4);
    assert_eq!(choices[1]["properties"]["value"]["type"], "number");
}

#[test]
fn an_attribute_is_described_once() {
    let mut twice = ImplicitFilter { model: String::new(), attributes: attributes() };
    check(&twice).unwrap();
    twice.attributes.push(twice.attributes[0].clone());
    assert!(check(&twice).unwrap_err().message.contains("`department`"));
}
