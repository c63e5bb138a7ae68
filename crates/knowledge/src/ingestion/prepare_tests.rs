use super::*;

#[test]
fn only_an_object_that_is_not_there_is_missing() {
    let kind = |code: Code| unread(objects::Error::new(code, "refused"), ("handbook", "salary.md.metadata.json")).kind;
    assert_eq!(kind(Code::NoSuchKey), ErrorKind::NotFound);
    assert_eq!(kind(Code::KmsNotFound), ErrorKind::Conflict, "its key is gone, and it is there");
    assert_eq!(kind(Code::NoSuchBucket), ErrorKind::Conflict);
    assert_eq!(kind(Code::AccessDenied), ErrorKind::Denied);
    assert!(is_own(&unread(objects::Error::new(Code::KmsNotFound, "refused"), ("handbook", "a.md"))));
}
