use proptest::prelude::*;

use super::*;

#[test]
fn account_ids_have_twelve_digits() {
    assert!("123456789012".parse::<AccountId>().is_ok());
    for bad in ["", "12345678901", "1234567890123", "12345678901x", "１２３４"] {
        assert!(bad.parse::<AccountId>().is_err(), "{bad}");
    }
    let random = SeededRandom::new(1);
    assert!(AccountId::random(&random).as_str().parse::<AccountId>().is_ok());
}

#[test]
fn regions_are_small_letters_digits_and_hyphens() {
    for good in ["us-gov-west-1", "local", "eu", "1", &"a".repeat(32)] {
        assert!(good.parse::<Region>().is_ok(), "{good}");
    }
    for bad in ["", "US-EAST-1", "-us", "us-", "-", "us_east_1", "../us-east-1", "us east", &"a".repeat(33)] {
        assert!(bad.parse::<Region>().is_err(), "{bad}");
    }
}

#[test]
fn arns_keep_colons_and_slashes_of_the_resource() {
    let arn: Arn = "arn:aws:bedrock:us-east-1::foundation-model/a.b-v1:0".parse().unwrap();
    assert_eq!((arn.resource_type(), arn.resource_id()), (Some("foundation-model"), "a.b-v1:0"));
    assert!("arn:aws:s3".parse::<Arn>().is_err());
    assert!("urn:aws:s3:::b".parse::<Arn>().is_err());
}

#[test]
fn uuids_are_version_4() {
    let id = SeededRandom::new(7).uuid();
    assert!(id.parse::<RequestId>().is_ok());
    assert_eq!(&id[14..15], "4");
    assert!("89ab".contains(&id[19..20]));
}

#[test]
fn times_print_as_iso8601() {
    assert_eq!(Timestamp(1_700_000_000_123).to_iso8601(), "2023-11-14T22:13:20.123Z");
    let clock = FixedClock::new(Timestamp(5));
    clock.advance(-6);
    assert_eq!(clock.now(), Timestamp(-1));
}

#[test]
fn secrets_do_not_print() {
    let secret = Secret::new("hunter2".to_owned());
    assert_eq!(format!("{secret:?}"), "[secret]");
    assert_eq!(secret.reveal(), "hunter2");
}

#[test]
fn internal_errors_keep_their_cause_private() {
    let error = Error::internal("disk on fire");
    assert!(!error.public_text().contains("fire"));
    assert!(format!("{error:?}").contains("fire"));
}

#[test]
fn random_text_is_even_and_of_the_alphabet() {
    let random = SeededRandom::new(3);
    let text = random.text(b"abc", 3000);
    for letter in ['a', 'b', 'c'] {
        let n = text.chars().filter(|c| *c == letter).count();
        assert!((900..1100).contains(&n), "{letter}: {n}");
    }
}

#[test]
fn kinds_of_errors_are_found_by_their_names() {
    for kind in ErrorKind::ALL {
        assert_eq!(kind.as_str().parse::<ErrorKind>().unwrap(), kind);
        assert_eq!(kind.to_string(), format!("{kind:?}"));
    }
    assert_eq!("notfound".parse::<ErrorKind>().unwrap_err().kind, ErrorKind::Internal);
}

proptest! {
    #[test]
    fn arns_round_trip(resource in "[a-z/:A-Z0-9_-]{1,40}") {
        let region: Region = "eu-west-1".parse().unwrap();
        let arn = Arn::new("sagemaker", Some(&region), None, resource);
        prop_assert_eq!(arn.to_string().parse::<Arn>().unwrap(), arn);
    }

    #[test]
    fn page_tokens_round_trip(key in ".{0,30}") {
        let request = PageRequest { limit: 1, after: None };
        let page = Page::cut(&request, vec![key.clone(), "more".into()], Clone::clone);
        let next = PageRequest::from_token(1, page.next_token().as_deref()).unwrap();
        prop_assert_eq!(next.after, Some(key));
    }

    #[test]
    fn foreign_page_tokens_are_refused(token in "[^_]{0,20}") {
        if let Ok(request) = PageRequest::from_token(1, Some(&token)) {
            let again = Page { items: vec![0], next_after: request.after };
            prop_assert_eq!(again.next_token().unwrap(), token);
        }
    }
}

#[test]
fn when_to_try_again_is_whole_seconds_and_at_least_one() {
    let after =
        |millis| Error::throttled("x").with_retry_after(std::time::Duration::from_millis(millis)).retry_after_seconds();
    assert_eq!([after(0), after(1), after(1000), after(1001)], [Some(1), Some(1), Some(1), Some(2)]);
}
