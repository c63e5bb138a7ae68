use super::*;

/// 2026-01-31T12:34:56Z
const NOW: Timestamp = Timestamp(1_769_862_896_000);

#[test]
fn an_interval_keeps_its_rhythm_and_skips_what_was_missed() {
    let every = Every::Interval(Duration::from_secs(60));
    let at = |seconds| NOW.plus_seconds(seconds);
    assert_eq!(every.next(NOW, NOW).unwrap(), at(60));
    assert_eq!(every.next(at(60), at(61)).unwrap(), at(120));
    assert_eq!(every.next(at(60), at(60 * 10 + 5)).unwrap(), at(60 * 11));
    assert_eq!(every.next(at(60), at(120)).unwrap(), at(180));
}

#[test]
fn a_cron_expression_names_times_in_utc() {
    let next = |expression: &str| Every::Cron(expression.to_owned()).next(NOW, NOW).unwrap().to_iso8601();
    assert_eq!(next("*/15 * * * *"), "2026-01-31T12:45:00.000Z");
    assert_eq!(next("0 3 * * *"), "2026-02-01T03:00:00.000Z");
    assert_eq!(next("0 0 29 2 *"), "2028-02-29T00:00:00.000Z");
}

#[test]
fn a_schedule_that_cannot_be_kept_is_refused() {
    for every in [
        Every::Interval(Duration::from_millis(999)),
        Every::Interval(Duration::MAX),
        Every::Cron("every day".to_owned()),
        Every::Cron("61 * * * *".to_owned()),
        Every::Cron("0 0 30 2 *".to_owned()),
        Every::Cron(String::new()),
    ] {
        let error = every.next(NOW, NOW).unwrap_err();
        assert_eq!(error.kind, base::ErrorKind::Invalid, "{every:?}: {error}");
    }
}

#[test]
fn what_is_stored_is_read_back() {
    for every in [Every::Interval(Duration::from_millis(1_500)), Every::Cron("0 3 * * 1-5".to_owned())] {
        assert_eq!(Every::from_text(&every.to_text()).unwrap(), every);
    }
    assert!(Every::from_text("days:1").is_err());
}
