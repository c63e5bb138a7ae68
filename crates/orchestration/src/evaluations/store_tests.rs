use std::path::Path;
use std::sync::Arc;

use ::store::testing::each_backend;
use base::{FixedClock, SeededRandom};
use identity::{Defaults, Identity, RootKey};
use serde_json::{Value, json};

use super::*;
use crate::evaluations::outcome::Tokens;
use crate::evaluations::passport::{Passport, Rated};
use crate::evaluations::plan::{Asked, System};
use crate::evaluations::prices::Prices;

async fn identity(store: &Store, dir: &Path) -> Identity {
    let key = RootKey::load_or_create(dir.join("root.key")).unwrap();
    let defaults = Defaults { region: "us-east-1".parse().unwrap() };
    let clock = Arc::new(FixedClock::new(Timestamp(0)));
    Identity::open(store.clone(), key, clock, Arc::new(SeededRandom::new(1)), defaults).await.unwrap()
}

fn job_of(ctx: &Ctx, id: &str, name: &str, created: i64) -> EvaluationJob {
    EvaluationJob {
        id: id.to_owned(),
        arn: arn(ctx, id),
        name: name.to_owned(),
        description: Some("why".to_owned()),
        status: EvaluationStatus::InProgress,
        messages: Vec::new(),
        role_arn: "role".to_owned(),
        output_key: None,
        tags: vec![("k".to_owned(), "v".to_owned())],
        asked: Asked {
            systems: vec![System::ModelAnswers { source: "mine".to_owned() }],
            datasets: Vec::new(),
            judge: Some("judge".to_owned()),
            custom: Vec::new(),
            custom_judge: None,
            output: "s3://b/".to_owned(),
            unlimited: false,
            askings: 1,
            embedder: None,
            prices: Prices::default(),
        },
        configuration: json!({"evaluationConfig": {}}),
        request_token: None,
        folder: "run".to_owned(),
        work: None,
        total: None,
        begun: None,
        created: Timestamp(created),
        modified: Timestamp(created),
        ended: None,
    }
}

fn owner(ctx: &Ctx) -> Owner {
    Owner {
        account: ctx.account().clone(),
        region: ctx.region().clone(),
        principal_arn: "arn".to_owned(),
        principal_id: None,
    }
}

#[tokio::test]
async fn jobs_are_kept_by_name_listed_by_filter_and_end_once() {
    each_backend(async |store| {
        let dir = tempfile::tempdir().unwrap();
        let identity = identity(&store, dir.path()).await;
        store.migrate(TABLES.name, TABLES.migrations).await.unwrap();
        let keyring = identity.keyring();
        let ctx = identity.service_ctx("111111111111".parse().unwrap(), "us-east-1".parse().unwrap(), "tests");
        let other = identity.service_ctx("222222222222".parse().unwrap(), "us-east-1".parse().unwrap(), "tests");
        let mut first = job_of(&ctx, "aaaaaaaaaaaa", "first-job", 1);
        let second = job_of(&ctx, "bbbbbbbbbbbb", "second-job", 2);
        for job in [&first, &second] {
            assert!(insert(&store, keyring, &ctx, job, &owner(&ctx)).await.unwrap());
        }
        let same_name = job_of(&ctx, "cccccccccccc", "first-job", 3);
        assert!(!insert(&store, keyring, &ctx, &same_name, &owner(&ctx)).await.unwrap());
        assert_eq!(job(&store, keyring, &ctx, "aaaaaaaaaaaa").await.unwrap(), Some(first.clone()));
        assert_eq!(job(&store, keyring, &other, "aaaaaaaaaaaa").await.unwrap(), None);
        assert_eq!(unsubmitted(&store).await.unwrap().len(), 2);

        let page = PageRequest { limit: 1, after: None };
        let listed = async |filter: EvaluationFilter| {
            let jobs = jobs(&store, keyring, &ctx, &filter, &page).await.unwrap();
            jobs.into_iter().map(|job| job.name).collect::<Vec<_>>()
        };
        assert_eq!(listed(EvaluationFilter::default()).await, ["second-job", "first-job"]);
        let ascending = EvaluationFilter { ascending: true, ..EvaluationFilter::default() };
        assert_eq!(listed(ascending).await, ["first-job", "second-job"]);
        let named = EvaluationFilter { name_contains: Some("sec".to_owned()), ..EvaluationFilter::default() };
        assert_eq!(listed(named).await, ["second-job"]);
        let rag = EvaluationFilter { is_rag: Some(true), ..EvaluationFilter::default() };
        assert!(listed(rag).await.is_empty());
        let models = EvaluationFilter { is_rag: Some(false), after: Some(Timestamp(1)), ..EvaluationFilter::default() };
        assert_eq!(listed(models).await, ["second-job"]);

        let begun = Begun { at: Timestamp(4), with: 7 };
        set_begun(&store, &ctx, &first.id, 9, begun).await.unwrap();
        let found = job(&store, keyring, &ctx, &first.id).await.unwrap().unwrap();
        assert_eq!((found.total, found.begun), (Some(9), Some(begun)));
        clear_begun(&store, &ctx, &first.id).await.unwrap();
        let found = job(&store, keyring, &ctx, &first.id).await.unwrap().unwrap();
        assert_eq!((found.total, found.begun), (Some(9), None));
        let more = |mut tags: Tags| {
            tags.push(("more".to_owned(), "w".to_owned()));
            Ok(tags)
        };
        assert!(change_tags(&store, keyring, &ctx, &first.id, more).await.unwrap());
        assert!(!change_tags(&store, keyring, &other, &first.id, more).await.unwrap());
        let found = job(&store, keyring, &ctx, &first.id).await.unwrap().unwrap();
        assert_eq!((found.tags.len(), &found.tags[1].0, found.asked), (2, &"more".to_owned(), first.asked.clone()));

        assert!(begin_stop(&store, &ctx, &first.id, Timestamp(5)).await.unwrap());
        first.ended = Some(Timestamp(6));
        first.status = EvaluationStatus::Completed;
        assert!(!end(&store, keyring, &ctx, &first).await.unwrap(), "it is to stop");
        (first.status, first.messages) = (EvaluationStatus::Stopped, vec!["told".to_owned()]);
        assert!(end(&store, keyring, &ctx, &first).await.unwrap());
        assert!(!end(&store, keyring, &ctx, &first).await.unwrap(), "it has ended");
        let found = job(&store, keyring, &ctx, &first.id).await.unwrap().unwrap();
        assert_eq!((found.status, found.messages), (EvaluationStatus::Stopped, vec!["told".to_owned()]));
        assert_eq!(open_jobs(&store, keyring, &ctx).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn parts_are_kept_once_sealed_and_deleted_with_their_job() {
    each_backend(async |store| {
        let dir = tempfile::tempdir().unwrap();
        let identity = identity(&store, dir.path()).await;
        store.migrate(TABLES.name, TABLES.migrations).await.unwrap();
        let keyring = identity.keyring();
        let ctx = identity.service_ctx("111111111111".parse().unwrap(), "us-east-1".parse().unwrap(), "tests");
        let (id, place) = ("aaaaaaaaaaaa", |record, metric| Place { dataset: 0, system: 0, record, turn: 0, metric });
        for (record, metric, content) in
            [(0, None, "answer"), (0, Some(0), "score"), (0, Some(0), "again"), (1, None, "other")]
        {
            keep(&store, keyring, &ctx, (id, place(record, metric)), &json!(content)).await.unwrap();
        }
        let found = parts(&store, keyring, &ctx, id, (0, 0), (0, 1)).await.unwrap();
        let found: Vec<(Place, Value)> = found.iter().map(|part| (part.place, part.read().unwrap())).collect();
        assert_eq!(found, [(place(0, None), json!("answer")), (place(0, Some(0)), json!("score"))]);
        assert_eq!(counts(&store, &ctx, id).await.unwrap(), [(0, None, 2), (0, Some(0), 1)]);
        assert!(parts(&store, keyring, &ctx, id, (0, 1), (0, 9)).await.unwrap().is_empty());
        assert_eq!(kept_digest(&store, keyring, &ctx, (id, 0)).await.unwrap(), None);
        for (digest, first) in [("one", "one"), ("two", "one")] {
            assert_eq!(first_digest(&store, keyring, &ctx, (id, 0), digest).await.unwrap(), first);
        }
        assert_eq!(first_digest(&store, keyring, &ctx, (id, 1), "two").await.unwrap(), "two");
        assert_eq!(kept_digest(&store, keyring, &ctx, (id, 0)).await.unwrap().as_deref(), Some("one"));
        set_digest(&store, keyring, &ctx, (id, 0), "three").await.unwrap();
        assert_eq!(first_digest(&store, keyring, &ctx, (id, 0), "one").await.unwrap(), "three");
        assert_eq!(kept_digest(&store, keyring, &ctx, (id, 1)).await.unwrap().as_deref(), Some("two"));
        assert_eq!(counts(&store, &ctx, id).await.unwrap(), [(0, None, 2), (0, Some(0), 1)]);
        assert_eq!(parts(&store, keyring, &ctx, id, (0, 0), (0, 9)).await.unwrap().len(), 3);
        delete(&store, &ctx, id).await.unwrap();
        assert!(counts(&store, &ctx, id).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_latest_passport_of_a_judge_counts() {
    each_backend(async |store| {
        let dir = tempfile::tempdir().unwrap();
        let identity = identity(&store, dir.path()).await;
        store.migrate(TABLES.name, TABLES.migrations).await.unwrap();
        let ctx = identity.service_ctx("111111111111".parse().unwrap(), "us-east-1".parse().unwrap(), "tests");
        let passport = |count: usize| {
            let rated = |at: usize| Rated {
                label: at % 2,
                expected: (at % 2) as f64,
                human: at % 2,
                length: at,
                ..Rated::default()
            };
            Passport::new(("m", "rubric"), 2, &(0..count).map(rated).collect::<Vec<_>>()).unwrap()
        };
        for count in [20, 40] {
            keep_passport(&store, &ctx, "judge", &passport(count), Timestamp(1)).await.unwrap();
        }
        assert_eq!(passports(&store, &ctx, "judge").await.unwrap(), [passport(40)]);
        assert!(passports(&store, &ctx, "other").await.unwrap().is_empty());
        let other = Passport { rubric: "another".to_owned(), ..passport(20) };
        keep_passport(&store, &ctx, "judge", &other, Timestamp(1)).await.unwrap();
        assert_eq!(passports(&store, &ctx, "judge").await.unwrap(), [other, passport(40)]);
    })
    .await;
}

#[tokio::test]
async fn verdicts_of_pairs_are_kept_once_and_go_with_either_job() {
    each_backend(async |store| {
        let dir = tempfile::tempdir().unwrap();
        let identity = identity(&store, dir.path()).await;
        store.migrate(TABLES.name, TABLES.migrations).await.unwrap();
        let keyring = identity.keyring();
        let ctx = identity.service_ctx("111111111111".parse().unwrap(), "us-east-1".parse().unwrap(), "tests");
        let duel = |length: usize| Duel {
            told: Some([[0.5, 0.25, 0.25]; 2]),
            lengths: [length, 1],
            error: None,
            tokens: Tokens::default(),
        };
        let kept = async |ids| duels(&store, keyring, &ctx, ids).await.unwrap();
        for other in ["bbbbbbbbbbbb", "cccccccccccc"] {
            let ids = ("aaaaaaaaaaaa", other, "asked");
            for (pair, length) in [(0, 10), (7, 20), (7, 30)] {
                keep_duel(&store, keyring, &ctx, (ids, pair), &duel(length)).await.unwrap();
            }
            assert_eq!(kept(ids).await, BTreeMap::from([(0, duel(10)), (7, duel(30))]), "the last one");
            assert!(kept(("aaaaaaaaaaaa", other, "otherwise")).await.is_empty());
            assert!(kept((other, "aaaaaaaaaaaa", "asked")).await.is_empty());
        }
        delete(&store, &ctx, "cccccccccccc").await.unwrap();
        assert!(kept(("aaaaaaaaaaaa", "cccccccccccc", "asked")).await.is_empty());
        assert_eq!(kept(("aaaaaaaaaaaa", "bbbbbbbbbbbb", "asked")).await.len(), 2);
        delete(&store, &ctx, "aaaaaaaaaaaa").await.unwrap();
        assert!(kept(("aaaaaaaaaaaa", "bbbbbbbbbbbb", "asked")).await.is_empty());
    })
    .await;
}
