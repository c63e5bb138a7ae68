//! Facts about all generated tables.

use std::collections::HashSet;

use aws_wire::generated::SERVICES;
use aws_wire::schema::{Kind, Shape};

fn visit(shape: &'static Shape, seen: &mut HashSet<*const Shape>, check: &mut impl FnMut(&'static Shape)) {
    if !seen.insert(std::ptr::from_ref(shape)) {
        return;
    }
    check(shape);
    match &shape.kind {
        Kind::Structure(members) | Kind::Union(members) => {
            members.iter().for_each(|member| visit(member.shape, seen, check));
        }
        Kind::List { element, .. } => visit(element, seen, check),
        Kind::Map { key, value, .. } => {
            visit(key, seen, check);
            visit(value, seen, check);
        }
        _ => {}
    }
}

#[test]
fn every_pattern_compiles() {
    let (mut seen, mut patterns) = (HashSet::new(), 0);
    for operation in SERVICES.iter().flat_map(|service| service.operations) {
        let Some(schema) = &operation.schema else { continue };
        for shape in [schema.input, schema.output, schema.stream].into_iter().flatten() {
            visit(shape, &mut seen, &mut |shape| {
                if let Kind::String { pattern: Some(pattern), .. } = &shape.kind {
                    assert!(pattern.compiles(), "{}: {}", shape.name, pattern.text());
                    patterns += 1;
                }
            });
        }
    }
    assert!(patterns > 20, "{patterns}");
}

#[test]
fn the_served_operations_are_those_of_the_toml() {
    let served: Vec<String> = SERVICES
        .iter()
        .flat_map(|service| {
            service
                .operations
                .iter()
                .filter(|operation| operation.served())
                .map(|o| format!("{}.{}", service.id, o.name))
        })
        .collect();
    let toml = include_str!("../../served.toml");
    let listed = toml.lines().filter(|line| line.contains("badge = ")).count();
    // One line of the head explains `badge` without an equals sign.
    assert_eq!(served.len(), listed, "{served:?}");
    assert!(served.contains(&"bedrock-runtime.ConverseStream".to_owned()));
}

#[test]
fn errors_have_the_models_statuses() {
    let status = |id: &str, code: &str| {
        let service = SERVICES.iter().find(|service| service.id == id).unwrap();
        service.error(code).unwrap().status
    };
    assert_eq!(status("bedrock-runtime", "ModelNotReadyException"), 429);
    assert_eq!(status("bedrock-runtime", "ModelTimeoutException"), 408);
    assert_eq!(status("bedrock", "ConflictException"), 400);
    assert_eq!(status("iam", "NoSuchEntity"), 404);
    assert_eq!(status("qbusiness", "ServiceQuotaExceededException"), 402);
}
