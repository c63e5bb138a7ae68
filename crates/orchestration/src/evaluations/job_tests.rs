use super::*;
use crate::evaluations::plan::AskedDataset;
use crate::evaluations::prices::Prices;

fn working(begun: Option<Begun>) -> EvaluationJob {
    EvaluationJob {
        id: "aaaaaaaaaaaa".to_owned(),
        arn: "arn:aws:bedrock:us-east-1:111111111111:evaluation-job/aaaaaaaaaaaa".parse().unwrap(),
        name: "job".to_owned(),
        description: None,
        status: EvaluationStatus::InProgress,
        messages: Vec::new(),
        role_arn: String::new(),
        output_key: None,
        tags: Vec::new(),
        asked: Asked {
            systems: Vec::new(),
            datasets: Vec::<AskedDataset>::new(),
            judge: None,
            custom: Vec::new(),
            custom_judge: None,
            output: String::new(),
            unlimited: false,
            askings: 1,
            embedder: None,
            prices: Prices::default(),
        },
        configuration: Value::Null,
        request_token: None,
        folder: String::new(),
        work: None,
        total: Some(100),
        begun,
        created: Timestamp(0),
        modified: Timestamp(0),
        ended: None,
    }
}

#[test]
fn what_is_left_is_reckoned_by_the_run_that_works() {
    // An hour after it was asked for the server, which was off since 40 were done, began anew: 10 in 5 seconds.
    let begun = Begun { at: Timestamp(3_600_000), with: 40 };
    let job = working(Some(begun));
    assert_eq!(job.seconds_left(50, Timestamp(3_605_000)), Some(25));
    assert_eq!(job.seconds_left(40, Timestamp(3_605_000)), None, "nothing was done yet");
    assert_eq!(job.seconds_left(100, Timestamp(3_605_000)), Some(0));
    assert_eq!(job.seconds_left(50, Timestamp(3_000_000)), Some(0), "a clock that was set back");
    assert_eq!(working(None).seconds_left(50, Timestamp(1_000)), None);
    let ended = EvaluationJob { status: EvaluationStatus::Completed, ..job };
    assert_eq!(ended.seconds_left(50, Timestamp(3_605_000)), None);
}
