use super::*;

async fn failed(deadline: Option<Instant>, loading: impl Future<Output = Result<Lease>>) -> Error {
    ready(deadline, loading).await.err().unwrap()
}

#[tokio::test]
async fn a_model_that_is_not_loaded_in_time_is_not_ready() {
    let error = failed(Some(Instant::now()), std::future::pending()).await;
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Throttled, NOT_READY));
    assert!(error.hint.unwrap().contains("ask again"));
}

#[tokio::test]
async fn a_model_that_others_leave_no_room_for_is_not_ready() {
    let full = Error::throttled("It needs 9 MiB.").with_hint("Try again when other models are idle.");
    let error = failed(None, std::future::ready(Err(full))).await;
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Throttled, NOT_READY));
    assert_eq!(error.hint.unwrap(), "It needs 9 MiB. Try again when other models are idle.");
}

#[tokio::test]
async fn other_failures_of_loading_stay_what_they_are() {
    let error = failed(None, std::future::ready(Err(Error::damaged("It is damaged.")))).await;
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Damaged, "It is damaged."));
}
