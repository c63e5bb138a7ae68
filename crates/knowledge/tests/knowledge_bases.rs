//! Knowledge bases from their sources to their passages.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;
use std::sync::atomic::Ordering;

use base::{Clock, ErrorKind, FixedClock, PageRequest, SystemClock};
use identity::iam::{HolderKind, HolderName};
use knowledge::{
    AclEntry, Chunking, CustomBody, DataSourceStatus, DocumentName, DocumentStatus, IngestionStatus,
    KnowledgeBaseStatus, Location, NewContent, NewDocument, NewMetadata, Origin, Retrieve, SearchType,
};
use objects::{Body, DeleteObject, ObjectRef, PutObject};
use search::{Filter, Value};
use store::testing::each_backend;

#[path = "support/deployment.rs"]
mod deployment;

use deployment::{BUCKET, Deployment, RIGHTS, ROLE, Setting};

fn uri(key: &str) -> String {
    format!("s3://{BUCKET}/{key}")
}

fn readers(names: &[(&str, &str)]) -> String {
    let entry = |(name, kind): &(&str, &str)| format!(r#"{{"name":"{name}","type":"{kind}","access":"ALLOW"}}"#);
    format!(r#"{{"accessControlList":[{}]}}"#, names.iter().map(entry).collect::<Vec<_>>().join(","))
}

/// A deployment with a few documents, its knowledge base and data source.
macro_rules! deployed {
    ($store:expr, $chunking:expr, $dir:ident, $at:ident, $base:ident, $source:ident) => {
        let $dir = tempfile::tempdir().unwrap();
        let $at = Deployment::open_on($dir.path(), $store).await.unwrap();
        $at.prepare().await.unwrap();
        $at.put("refunds.txt", "Refunds take five days. They are paid to the card.").await.unwrap();
        $at.put("cars/damage.txt", "Damage is reported within an hour. Photographs help.").await.unwrap();
        let department = r#"{"metadataAttributes":{"department":"claims","year":2024}}"#;
        $at.put("cars/damage.txt.metadata.json", department).await.unwrap();
        let $base = $at.base().await.unwrap();
        let $source = $at.source(&$base, $chunking).await.unwrap();
    };
}

async fn sqlite() -> (tempfile::TempDir, store::Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = store::Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
    (dir, store)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_synchronised_step_by_step_and_counted_as_bedrock_counts() {
    each_backend(async |store| {
        deployed!(store, None, dir, at, base, source);
        let first = at.sync(&base, &source).await.unwrap();
        assert_eq!(first.status, IngestionStatus::Complete, "{first:?}");
        let counted = first.statistics;
        assert_eq!((counted.scanned, counted.sidecars_scanned, counted.added, counted.failed), (2, 1, 2, 0));
        let found = at.ask(&at.ctx, &base, "How are refunds paid?").await.unwrap();
        let best = &found.passages[0];
        assert_eq!((best.document.as_str(), found.visible), (uri("refunds.txt").as_str(), 2));
        assert_eq!(best.text, "Refunds take five days. They are paid to the card.");
        assert_eq!(best.span, 0..best.text.len());
        let added = &best.metadata["x-amz-bedrock-kb-source-uri"];
        assert_eq!(added, &Value::Text(uri("refunds.txt")));
        assert!(best.metadata.keys().all(|name| !name.starts_with("craton:")), "{:?}", best.metadata);

        // Nothing changed: nothing is embedded.
        let embedded = at.embedder.embedded.load(Ordering::SeqCst);
        let again = at.sync(&base, &source).await.unwrap().statistics;
        assert_eq!((again.scanned, again.added, again.modified, again.metadata_modified), (2, 0, 0, 0));
        assert_eq!(at.embedder.embedded.load(Ordering::SeqCst), embedded);

        // Of one the text changes, of another what is said of it; a third is new and a fourth cannot be read.
        at.put("refunds.txt", "Refunds take seven days.").await.unwrap();
        let department = r#"{"metadataAttributes":{"department":"fleet"}}"#;
        at.put("cars/damage.txt.metadata.json", department).await.unwrap();
        at.put("keys.txt", "Keys are left at the desk.").await.unwrap();
        at.put("empty.txt", "").await.unwrap();
        let changed = at.sync(&base, &source).await.unwrap();
        let counted = changed.statistics;
        assert_eq!((counted.added, counted.modified, counted.metadata_modified, counted.failed), (1, 1, 1, 1));
        assert!(changed.failure_reasons[0].contains("empty.txt"), "{:?}", changed.failure_reasons);
        assert_eq!(at.embedder.embedded.load(Ordering::SeqCst), embedded + 2);
        let fleet = Filter::Equals("department".to_owned(), Value::Text("fleet".to_owned()));
        let ask = Retrieve { filter: Some(fleet), ..Retrieve::new(&base.id, "refunds") };
        let found = at.knowledge.retrieve(&at.ctx, ask).await.unwrap();
        assert_eq!((found.passages.len(), found.matching, found.visible), (1, 1, 3));
        let failed = Location::S3 { uri: uri("empty.txt") };
        let detail = at.knowledge.documents(&at.ctx, &base.id, &source.id, vec![failed]).await.unwrap();
        assert_eq!(detail[0].status, DocumentStatus::Failed);

        // What is gone from the bucket is gone from the index.
        at.remove("refunds.txt").await.unwrap();
        at.remove("empty.txt").await.unwrap();
        let gone = at.sync(&base, &source).await.unwrap().statistics;
        assert_eq!((gone.scanned, gone.deleted, gone.failed), (2, 2, 0));
        let found = at.ask(&at.ctx, &base, "refunds").await.unwrap();
        assert!(found.passages.iter().all(|passage| passage.document != uri("refunds.txt")));

        // And with the knowledge base goes all of it.
        at.knowledge.delete_knowledge_base(&at.ctx, &base.id).await.unwrap();
        let error = at.ask(&at.ctx, &base, "refunds").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert!(
            !dir.path().join("knowledge").join(at.ctx.account().as_str()).join("us-east-1").join(&base.id).exists()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_is_shut_out_finds_nothing_in_the_next_query() {
    let (_db, store) = sqlite().await;
    deployed!(store, None, dir, at, base, source);
    let (ana, ben) = (at.user("ana").await.unwrap(), at.user("ben").await.unwrap());
    at.identity.create_group(&at.ctx, "claims", None).await.unwrap();
    at.identity.add_user_to_group(&at.ctx, "claims", "ben").await.unwrap();
    let both = readers(&[("ana", "USER"), ("claims", "GROUP")]);
    at.put("refunds.txt.metadata.json", both).await.unwrap();
    at.sync(&base, &source).await.unwrap();
    let sees = async |ctx: &identity::Ctx| {
        let found = at.ask(ctx, &base, "refunds card").await.unwrap();
        let whole = found.passages.iter().any(|passage| passage.document == uri("refunds.txt"));
        assert_eq!(found.visible, if whole { 2 } else { 1 });
        whole
    };
    assert!(sees(&ana).await && sees(&ben).await);
    assert!(!sees(&at.ctx).await, "an administrator is not named and sees nothing");
    let as_ana = Retrieve { user: Some("ana".to_owned()), ..Retrieve::new(&base.id, "refunds card") };
    assert_eq!(at.knowledge.retrieve(&at.ctx, as_ana).await.unwrap().visible, 2);

    // Out of the group.
    at.identity.remove_user_from_group(&at.ctx, "claims", "ben").await.unwrap();
    assert!(sees(&ana).await && !sees(&ben).await);
    // Out of the sidecar; nothing is embedded again.
    let embedded = at.embedder.embedded.load(Ordering::SeqCst);
    at.put("refunds.txt.metadata.json", readers(&[("ben", "USER")])).await.unwrap();
    let counted = at.sync(&base, &source).await.unwrap().statistics;
    assert_eq!((counted.metadata_modified, counted.modified), (1, 0));
    assert_eq!(at.embedder.embedded.load(Ordering::SeqCst), embedded);
    assert!(!sees(&ana).await && sees(&ben).await);
    let name =
        DocumentName { knowledge_base: base.id.clone(), data_source: source.id.clone(), document: uri("refunds.txt") };
    assert!(at.knowledge.may_read(&at.ctx, &name, Some("ben")).await.unwrap());
    assert!(!at.knowledge.may_read(&at.ctx, &name, Some("ana")).await.unwrap());
    let acl = at.knowledge.document_acl(&at.ctx, &name).await.unwrap();
    assert_eq!(acl.allowed_users, ["ben".to_owned()].into());

    // A sidecar that cannot be read changes nothing and says so.
    at.put("refunds.txt.metadata.json", r#"{"accessControlList":[]}"#).await.unwrap();
    let job = at.sync(&base, &source).await.unwrap();
    assert_eq!(job.statistics.failed, 1, "{job:?}");
    assert!(!sees(&ana).await && sees(&ben).await);
    let location = Location::S3 { uri: uri("refunds.txt") };
    let detail = at.knowledge.documents(&at.ctx, &base.id, &source.id, vec![location]).await.unwrap();
    assert_eq!(detail[0].status, DocumentStatus::MetadataUpdateFailed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_lost_its_rights_fails_the_documents_and_keeps_what_is_stored() {
    let (_db, store) = sqlite().await;
    deployed!(store, None, dir, at, base, source);
    at.sync(&base, &source).await.unwrap();
    at.put("refunds.txt", "Refunds take seven days.").await.unwrap();
    at.allow(&RIGHTS.replace("\"s3:GetObject\",", "")).await.unwrap();
    let job = at.sync(&base, &source).await.unwrap();
    assert_eq!((job.status, job.statistics.failed), (IngestionStatus::Complete, 1), "{job:?}");
    let found = at.ask(&at.ctx, &base, "refunds").await.unwrap();
    assert!(found.passages[0].text.contains("five days"), "{:?}", found.passages[0].text);
    // It cannot list: the job says so, and removes nothing.
    at.allow(&RIGHTS.replace("\"s3:ListBucket\",", "")).await.unwrap();
    let job = at.sync(&base, &source).await.unwrap();
    assert_eq!((job.status, job.statistics.deleted), (IngestionStatus::Failed, 0), "{job:?}");
    assert!(job.failure_reasons[0].contains("s3:ListBucket"), "{:?}", job.failure_reasons);
    // With its rights back, what failed is done.
    at.allow(RIGHTS).await.unwrap();
    let job = at.sync(&base, &source).await.unwrap();
    assert_eq!((job.statistics.modified, job.statistics.failed), (1, 0), "{job:?}");
}

/// Documents for more than two windows: while the first is embedded the second is read, and the third is not.
async fn three_windows(at: &Deployment, age: &str) {
    for number in 0..150 {
        at.put(&format!("many/{number:03}.txt"), format!("The {age} note {number}.")).await.unwrap();
    }
    for last in ["yak", "zebra"] {
        at.put(&format!("{last}.txt"), format!("The {age} {last}.")).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_loses_its_rights_during_a_synchronisation_fails_what_it_can_no_longer_read() {
    let (_db, store) = sqlite().await;
    deployed!(store, None, dir, at, base, source);
    three_windows(&at, "old").await;
    at.sync(&base, &source).await.unwrap();
    three_windows(&at, "new").await;
    let (identity, ctx) = (at.identity.clone(), at.ctx.clone());
    *at.embedder.meanwhile.lock().unwrap() = Some(Box::pin(async move {
        let holder = HolderName { kind: HolderKind::Role, name: ROLE };
        let left = RIGHTS.replace("\"s3:GetObject\",", "");
        identity.put_inline_policy(&ctx, holder, "read", &left).await.unwrap();
    }));
    let job = at.sync(&base, &source).await.unwrap();
    let counted = job.statistics;
    assert_eq!((job.status, counted.modified + counted.failed), (IngestionStatus::Complete, 152), "{job:?}");
    assert!(counted.modified >= 64 && counted.failed >= 24, "{job:?}");
    assert_eq!(at.ask(&at.ctx, &base, "zebra").await.unwrap().passages[0].text, "The old zebra.");
    let location = Location::S3 { uri: uri("zebra.txt") };
    let detail = &at.knowledge.documents(&at.ctx, &base.id, &source.id, vec![location]).await.unwrap()[0];
    assert!(detail.reason.as_ref().unwrap().contains("s3:GetObject"), "{detail:?}");
    // With its rights back, what failed is done, and nothing else.
    at.allow(RIGHTS).await.unwrap();
    let job = at.sync(&base, &source).await.unwrap();
    assert_eq!((job.statistics.modified, job.statistics.failed), (counted.failed, 0), "{job:?}");
    assert_eq!(at.ask(&at.ctx, &base, "zebra").await.unwrap().passages[0].text, "The new zebra.");
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_change_or_go_during_a_synchronisation_are_as_they_are_when_they_are_read() {
    let (_db, store) = sqlite().await;
    deployed!(store, None, dir, at, base, source);
    three_windows(&at, "old").await;
    at.sync(&base, &source).await.unwrap();
    three_windows(&at, "new").await;
    at.put("zulu.txt", "A zulu that was never indexed.").await.unwrap();
    let (objects, ctx) = (at.objects.clone(), at.ctx.clone());
    *at.embedder.meanwhile.lock().unwrap() = Some(Box::pin(async move {
        let body = Body::from_bytes(b"The newest yak.".to_vec());
        objects.put_object(&ctx, PutObject::new(BUCKET, "yak.txt"), body).await.unwrap();
        for gone in ["zebra.txt", "zulu.txt"] {
            let delete = DeleteObject { object: ObjectRef::new(BUCKET, gone), if_match: None, bypass: false };
            objects.delete_object(&ctx, &delete).await.unwrap();
        }
    }));
    let job = at.sync(&base, &source).await.unwrap();
    let counted = &job.statistics;
    let told = (counted.modified, counted.deleted, counted.added, counted.failed);
    assert_eq!((job.status, told), (IngestionStatus::Complete, (151, 1, 0, 1)), "{job:?}");
    let texts = async |question: &str| {
        let found = at.ask(&at.ctx, &base, question).await.unwrap();
        found.passages.into_iter().map(|passage| passage.text).collect::<Vec<_>>()
    };
    assert_eq!(texts("yak").await[0], "The newest yak.");
    assert!(!texts("zebra zulu").await.iter().any(|text| text.contains("zebra") || text.contains("zulu")));
    // What was read is what is known of it: the next one finds nothing to do.
    let job = at.sync(&base, &source).await.unwrap();
    assert_eq!((job.statistics.modified, job.statistics.failed), (0, 0), "{job:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_another_one_or_gone_is_said_so() {
    let (_db, store) = sqlite().await;
    deployed!(store, None, dir, at, base, source);
    at.sync(&base, &source).await.unwrap();
    for (version, says) in [(1, "another one now"), (usize::MAX, "is gone")] {
        at.embedder.version.store(version, Ordering::SeqCst);
        let error = at.ask(&at.ctx, &base, "refunds").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert!(error.message.contains(says), "{error}");
        let job = at.sync(&base, &source).await.unwrap();
        assert_eq!(job.status, IngestionStatus::Failed);
        assert!(job.failure_reasons[0].contains(says), "{:?}", job.failure_reasons);
    }
    at.embedder.version.store(0, Ordering::SeqCst);
    assert!(!at.ask(&at.ctx, &base, "refunds").await.unwrap().passages.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn parents_and_neighbours_are_joined_and_a_document_is_its_chunks() {
    let (_db, store) = sqlite().await;
    let levels = Chunking::Hierarchical { parent_tokens: 12, child_tokens: 4, overlap_tokens: 1 };
    deployed!(store, Some(levels), dir, at, base, source);
    let text = "Alpha one two. Bravo three four. Charlie five six. Delta seven eight. Echo nine ten. Foxtrot end.";
    at.put("letters.txt", text).await.unwrap();
    at.sync(&base, &source).await.unwrap();
    let found = at.ask(&at.ctx, &base, "Bravo").await.unwrap();
    let best = &found.passages[0];
    assert!(best.text.starts_with("Alpha one two. Bravo three four."), "{}", best.text);
    assert_eq!(best.text, text[best.span.clone()]);
    assert!(best.text.split_whitespace().count() <= 12);
    let name =
        DocumentName { knowledge_base: base.id.clone(), data_source: source.id.clone(), document: uri("letters.txt") };
    assert_eq!(at.knowledge.document_text(&at.ctx, &name).await.unwrap().text, text);
    let chunks = at.knowledge.chunks(&at.ctx, &name).await.unwrap();
    assert!(chunks.len() > 3);
    for chunk in &chunks {
        assert_eq!(chunk.text, text[chunk.span.clone()]);
        let parent = chunk.parent.clone().unwrap();
        assert!(parent.start <= chunk.span.start && chunk.span.end <= parent.end);
    }
    let ask = Retrieve { neighbours: 1, results: 1, ..Retrieve::new(&base.id, "Echo nine") };
    let wide = at.knowledge.retrieve(&at.ctx, ask).await.unwrap();
    assert_eq!(wide.passages[0].text, text[wide.passages[0].span.clone()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_chunkings_index_and_all_searches_find() {
    let chunkings = [
        Chunking::None,
        Chunking::Fixed { max_tokens: 5, overlap_percentage: 20 },
        Chunking::Semantic { max_tokens: 20, buffer_size: 1, breakpoint_percentile: 90 },
    ];
    for chunking in chunkings {
        let (_db, store) = sqlite().await;
        deployed!(store, Some(chunking.clone()), dir, at, base, source);
        // Longer than the model reads at once.
        let long = (0..200).map(|n| format!("Sentence number {n} of the long one. ")).collect::<String>();
        at.put("long.txt", format!("{long}Zebras wait here.")).await.unwrap();
        let job = at.sync(&base, &source).await.unwrap();
        assert_eq!((job.statistics.added, job.statistics.failed), (3, 0), "{chunking:?}: {job:?}");
        for search in [SearchType::Hybrid, SearchType::Semantic, SearchType::Lexical] {
            let ask = Retrieve { search: Some(search), ..Retrieve::new(&base.id, "refunds paid card") };
            let found = at.knowledge.retrieve(&at.ctx, ask).await.unwrap();
            let best = &found.passages[0];
            assert!(best.document == uri("refunds.txt"), "{chunking:?} {search:?}: {best:?}");
            assert_eq!(best.explanation.lexical.is_some(), search != SearchType::Semantic);
            assert_eq!(best.explanation.vector.is_some(), search != SearchType::Lexical);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_and_near_duplicates_are_one() {
    let (_db, store) = sqlite().await;
    deployed!(store, None, dir, at, base, source);
    for number in 0..7 {
        let text =
            format!("Insurance rule {number}: {}", ["apple", "pear", "plum", "fig", "lime", "kiwi", "date"][number]);
        at.put(&format!("rules/{number}.txt"), text).await.unwrap();
    }
    for copy in 0..3 {
        at.put(&format!("copies/{copy}.txt"), "The same words are here in each of these copies.").await.unwrap();
    }
    at.sync(&base, &source).await.unwrap();
    let mut ask = Retrieve { results: 3, ..Retrieve::new(&base.id, "Insurance rule") };
    let mut seen = Vec::new();
    loop {
        let page = at.knowledge.retrieve(&at.ctx, ask.clone()).await.unwrap();
        seen.extend(page.passages.into_iter().map(|passage| passage.chunk));
        ask.next = page.next;
        if ask.next.is_none() {
            break;
        }
    }
    let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (10, 10), "two documents, seven rules and one of the copies");
    let copies = Retrieve { results: 20, near_duplicates: true, ..Retrieve::new(&base.id, "same words copies") };
    let all = at.knowledge.retrieve(&at.ctx, copies.clone()).await.unwrap().passages;
    let one = at.knowledge.retrieve(&at.ctx, Retrieve { near_duplicates: false, ..copies }).await.unwrap().passages;
    assert_eq!((all.len(), one.len()), (12, 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_says_something_else_is_found_behind_many_copies() {
    let (_db, store) = sqlite().await;
    let dir = tempfile::tempdir().unwrap();
    let at = Deployment::open_on(dir.path(), store).await.unwrap();
    at.prepare().await.unwrap();
    let base = at.base().await.unwrap();
    let custom = at.source_of(&base, Origin::Custom, None).await.unwrap();
    let text = |id: String, text: String| NewDocument {
        content: NewContent::Custom { id, body: CustomBody::Text(text) },
        metadata: None,
        acl: None,
    };
    let copies = (0..150)
        .map(|at| text(format!("copy-{at}"), "The heart is of normal size and the lungs are clear today.".to_owned()));
    let others = ["heart murmur", "heart surgery", "heart rate", "heart valve", "heart failure"];
    let others = others.iter().map(|what| text((*what).to_owned(), format!("A note on {what} alone.")));
    let all: Vec<NewDocument> = copies.chain(others).collect();
    for part in all.chunks(25) {
        at.knowledge.ingest_documents(&at.ctx, &base.id, &custom.id, part.to_vec(), None).await.unwrap();
        at.jobs.run_due_once().await.unwrap();
    }
    let mut ask = Retrieve { results: 5, ..Retrieve::new(&base.id, "heart of normal size, lungs clear today") };
    let first = at.knowledge.retrieve(&at.ctx, ask.clone()).await.unwrap();
    assert_eq!(first.visible, 155);
    let documents = |found: &knowledge::Retrieved| {
        found.passages.iter().map(|passage| passage.document.clone()).collect::<Vec<_>>()
    };
    let mut seen = documents(&first);
    assert!(seen.len() == 5 && seen.iter().filter(|name| name.starts_with("copy-")).count() == 1, "{seen:?}");
    ask.next = first.next;
    while ask.next.is_some() {
        let page = at.knowledge.retrieve(&at.ctx, ask.clone()).await.unwrap();
        seen.extend(documents(&page));
        ask.next = page.next;
    }
    let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (6, 6), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_was_handed_in_holds_though_the_document_could_not_be_read() {
    let (_db, store) = sqlite().await;
    deployed!(store, None, dir, at, base, source);
    let ana = at.user("ana").await.unwrap();
    at.allow(&RIGHTS.replace("\"s3:GetObject\",", "")).await.unwrap();
    let acl = Some(vec![AclEntry { name: "ana".to_owned(), group: false, allow: true }]);
    let content = NewContent::S3 { uri: uri("refunds.txt") };
    let document = NewDocument { content, metadata: None, acl };
    at.knowledge.ingest_documents(&at.ctx, &base.id, &source.id, vec![document], None).await.unwrap();
    at.jobs.run_due_once().await.unwrap();
    let place = vec![Location::S3 { uri: uri("refunds.txt") }];
    let detail = at.knowledge.documents(&at.ctx, &base.id, &source.id, place).await.unwrap();
    assert_eq!(detail[0].status, DocumentStatus::Failed, "{detail:?}");
    at.allow(RIGHTS).await.unwrap();
    at.sync(&base, &source).await.unwrap();
    assert_eq!(at.ask(&at.ctx, &base, "refunds").await.unwrap().visible, 1, "the other one alone");
    assert_eq!(at.ask(&ana, &base, "refunds").await.unwrap().visible, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_handed_in_during_a_synchronisation_outlasts_it() {
    let (_db, store) = sqlite().await;
    deployed!(store, None, dir, at, base, source);
    let (ana, ben) = (at.user("ana").await.unwrap(), at.user("ben").await.unwrap());
    let visible = async |ctx: &identity::Ctx| at.ask(ctx, &base, "zebra").await.unwrap().visible;
    // So many that the last one is read while the others are written.
    let change = async |age: &str| {
        for number in 0..64 {
            at.put(&format!("many/{number:02}.txt"), format!("The {age} note {number}.")).await.unwrap();
        }
        at.put("zebra.txt", format!("The {age} zebra.")).await.unwrap();
    };
    change("old").await;
    at.sync(&base, &source).await.unwrap();
    assert_eq!((visible(&ana).await, visible(&ben).await), (67, 67));
    change("new").await;
    let acl = Some(vec![AclEntry { name: "ana".to_owned(), group: false, allow: true }]);
    let document = NewDocument { content: NewContent::S3 { uri: uri("zebra.txt") }, metadata: None, acl };
    let (knowledge, ctx, base_id, source_id) =
        (at.knowledge.clone(), at.ctx.clone(), base.id.clone(), source.id.clone());
    *at.embedder.meanwhile.lock().unwrap() = Some(Box::pin(async move {
        knowledge.ingest_documents(&ctx, &base_id, &source_id, vec![document], None).await.unwrap();
    }));
    at.sync(&base, &source).await.unwrap();
    at.jobs.run_due_once().await.unwrap();
    assert_eq!((visible(&ana).await, visible(&ben).await), (67, 66));
    // Nor does the next one forget it.
    at.sync(&base, &source).await.unwrap();
    assert_eq!((visible(&ana).await, visible(&ben).await), (67, 66));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_handed_in_during_a_synchronisation_holds_though_there_is_no_text_yet() {
    let (_db, store) = sqlite().await;
    deployed!(store, None, dir, at, base, source);
    let (ana, ben) = (at.user("ana").await.unwrap(), at.user("ben").await.unwrap());
    let visible = async |ctx: &identity::Ctx| at.ask(ctx, &base, "zebra").await.unwrap().visible;
    for number in 0..64 {
        at.put(&format!("many/{number:02}.txt"), format!("The note {number}.")).await.unwrap();
    }
    at.put("zebra.txt", "").await.unwrap();
    let acl = Some(vec![AclEntry { name: "ana".to_owned(), group: false, allow: true }]);
    let document = NewDocument { content: NewContent::S3 { uri: uri("zebra.txt") }, metadata: None, acl };
    let (knowledge, ctx, base_id, source_id) =
        (at.knowledge.clone(), at.ctx.clone(), base.id.clone(), source.id.clone());
    *at.embedder.meanwhile.lock().unwrap() = Some(Box::pin(async move {
        knowledge.ingest_documents(&ctx, &base_id, &source_id, vec![document], None).await.unwrap();
    }));
    let job = at.sync(&base, &source).await.unwrap();
    assert_eq!((job.statistics.added, job.statistics.failed), (66, 1), "{job:?}");
    at.put("zebra.txt", "The zebra.").await.unwrap();
    at.sync(&base, &source).await.unwrap();
    assert_eq!((visible(&ana).await, visible(&ben).await), (67, 66));
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_handed_in_and_removed() {
    each_backend(async |store| {
        let dir = tempfile::tempdir().unwrap();
        let at = Deployment::open_on(dir.path(), store).await.unwrap();
        at.prepare().await.unwrap();
        let base = at.base().await.unwrap();
        let source = at.source_of(&base, Origin::Custom, None).await.unwrap();
        let text = |id: &str, text: &str| NewDocument {
            content: NewContent::Custom { id: id.to_owned(), body: CustomBody::Text(text.to_owned()) },
            metadata: Some(NewMetadata::Inline(vec![("kind".to_owned(), Value::Text("note".to_owned()))])),
            acl: None,
        };
        let secret = AclEntry { name: "ana".to_owned(), group: false, allow: true };
        let secret = NewDocument { acl: Some(vec![secret]), ..text("secret", "The vault opens at nine.") };
        let documents =
            vec![text("a", "Old text of a."), text("a", "Older."), text("a", "Parking costs two euros."), secret];
        let details = at.knowledge.ingest_documents(&at.ctx, &base.id, &source.id, documents, None).await.unwrap();
        let statuses: Vec<_> = details.iter().map(|detail| detail.status).collect();
        use DocumentStatus::{Deleting, Ignored, Indexed, NotFound, Starting};
        assert_eq!(statuses, [Ignored, Ignored, Starting, Starting]);
        at.jobs.run_due_once().await.unwrap();
        let custom = |id: &str| Location::Custom { id: id.to_owned() };
        let names = vec![custom("a"), custom("secret"), custom("none")];
        let details = at.knowledge.documents(&at.ctx, &base.id, &source.id, names.clone()).await.unwrap();
        let statuses: Vec<_> = details.iter().map(|detail| detail.status).collect();
        assert_eq!(statuses, [Indexed, Indexed, NotFound]);
        let found = at.ask(&at.ctx, &base, "parking").await.unwrap();
        assert_eq!((found.visible, found.passages[0].text.as_str()), (1, "Parking costs two euros."));
        let as_ana = Retrieve { user: Some("ana".to_owned()), ..Retrieve::new(&base.id, "vault") };
        assert_eq!(at.knowledge.retrieve(&at.ctx, as_ana).await.unwrap().visible, 2);
        let page = PageRequest { limit: 1, after: None };
        let listed = at.knowledge.list_documents(&at.ctx, &base.id, &source.id, &page).await.unwrap();
        assert_eq!((listed.items.len(), listed.next_after.is_some()), (1, true));

        let details = at.knowledge.delete_documents(&at.ctx, &base.id, &source.id, names, None).await.unwrap();
        let statuses: Vec<_> = details.iter().map(|detail| detail.status).collect();
        assert_eq!(statuses, [Deleting, Deleting, NotFound]);
        at.jobs.run_due_once().await.unwrap();
        assert_eq!(at.ask(&at.ctx, &base, "parking").await.unwrap().visible, 0);
        let refused = at.knowledge.start_ingestion(&at.ctx, &base.id, &source.id, (None, None)).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Invalid);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_sent_again_is_answered_as_it_was_and_does_nothing_more() {
    each_backend(async |store| {
        let (dir, clock) = (tempfile::tempdir().unwrap(), Arc::new(FixedClock::new(SystemClock.now())));
        let setting = Setting { clock: clock.clone(), ..Setting::default() };
        let at = Deployment::open_with(dir.path(), store, setting).await.unwrap();
        at.prepare().await.unwrap();
        let base = at.base().await.unwrap();
        let source = at.source_of(&base, Origin::Custom, None).await.unwrap();
        let note = |text: &str| {
            let content = NewContent::Custom { id: "a".to_owned(), body: CustomBody::Text(text.to_owned()) };
            vec![NewDocument { content, metadata: None, acl: None }]
        };
        let ingest =
            |text, token| at.knowledge.ingest_documents(&at.ctx, &base.id, &source.id, note(text), Some(token));
        let custom = |id: &str| Location::Custom { id: id.to_owned() };
        let delete = |ids: &[&str], token| {
            let locations = ids.iter().copied().map(custom).collect();
            at.knowledge.delete_documents(&at.ctx, &base.id, &source.id, locations, Some(token))
        };
        let work = async || while at.jobs.run_due_once().await.unwrap() > 0 {};
        let texts = async || {
            let found = at.ask(&at.ctx, &base, "parking").await.unwrap();
            found.passages.into_iter().map(|passage| passage.text).collect::<Vec<_>>()
        };

        // Twice at once, and once more when it was dealt with.
        let (one, other) =
            futures::join!(ingest("Parking costs two euros.", "one"), ingest("Parking costs two euros.", "one"));
        let first = one.unwrap();
        assert_eq!((other.unwrap(), first[0].status), (first.clone(), DocumentStatus::Starting));
        work().await;
        assert_eq!(at.embedder.embedded.load(Ordering::SeqCst), 1);
        clock.advance(1_000);
        assert_eq!(ingest("Parking costs two euros.", "one").await.unwrap(), first);
        let detail = at.knowledge.documents(&at.ctx, &base.id, &source.id, vec![custom("a")]).await.unwrap();
        assert_eq!(detail[0].status, DocumentStatus::Indexed, "nothing is done again");

        // The token of another request is refused, whichever that is.
        for refused in [ingest("Parking is free.", "one").await, delete(&["a"], "one").await] {
            let error = refused.unwrap_err();
            assert!(error.kind == ErrorKind::Invalid && error.message.contains("`one`"), "{error:?}");
        }
        work().await;
        assert_eq!(texts().await, ["Parking costs two euros."]);

        let gone = delete(&["none", "a"], "two").await.unwrap();
        let statuses: Vec<_> = gone.iter().map(|detail| detail.status).collect();
        assert_eq!(statuses, [DocumentStatus::NotFound, DocumentStatus::Deleting]);
        work().await;
        assert!(texts().await.is_empty());
        ingest("Parking is free.", "three").await.unwrap();
        work().await;
        assert_eq!(delete(&["none", "a"], "two").await.unwrap(), gone);
        work().await;
        assert_eq!(texts().await, ["Parking is free."], "what came since stays");
        // Of what was not there, too.
        let absent = delete(&["none"], "four").await.unwrap();
        clock.advance(1_000);
        assert_eq!(delete(&["none"], "four").await.unwrap(), absent);

        // A day later it is forgotten.
        clock.advance(24 * 60 * 60 * 1_000);
        assert_eq!(ingest("Parking costs five euros.", "one").await.unwrap()[0].status, DocumentStatus::Starting);
        work().await;
        assert_eq!(texts().await, ["Parking costs five euros."]);

        // Of two requests with one token at once, one is carried out, and the other refused.
        let (six, seven) = ("Parking costs six euros.", "Parking costs seven euros.");
        let (error, done) = match futures::join!(ingest(six, "five"), ingest(seven, "five")) {
            (Ok(_), Err(error)) => (error, six),
            (Err(error), Ok(_)) => (error, seven),
            both => panic!("{both:?}"),
        };
        assert!(error.kind == ErrorKind::Invalid && error.message.contains("`five`"), "{error:?}");
        work().await;
        assert_eq!(texts().await, [done]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_synchronisation_is_good_for_the_same_request_alone() {
    each_backend(async |store| {
        deployed!(store, None, dir, at, base, source);
        let start = |description: Option<&str>, token: &str| {
            let asked = (description.map(str::to_owned), Some(token.to_owned()));
            at.knowledge.start_ingestion(&at.ctx, &base.id, &source.id, asked)
        };
        // Twice at once, and once more.
        let (one, other) = futures::join!(start(Some("nightly"), "once"), start(Some("nightly"), "once"));
        let job = one.unwrap();
        assert_eq!(other.unwrap().id, job.id);
        assert_eq!(start(Some("nightly"), "once").await.unwrap().id, job.id);
        let error = start(None, "once").await.unwrap_err();
        assert!(error.kind == ErrorKind::Conflict && error.message.contains("`once`"), "{error:?}");
        let error = start(Some("nightly"), "more").await.unwrap_err();
        assert!(error.kind == ErrorKind::Conflict && error.message.contains("is running"), "{error:?}");
        // When it has ended, too.
        while at.jobs.run_due_once().await.unwrap() > 0 {}
        let again = start(Some("nightly"), "once").await.unwrap();
        assert_eq!((&again.id, again.status), (&job.id, IngestionStatus::Complete));
        assert_ne!(start(Some("nightly"), "more").await.unwrap().id, job.id);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_job_of_a_source_runs_at_a_time_and_can_be_stopped() {
    let (_db, store) = sqlite().await;
    deployed!(store, None, dir, at, base, source);
    let start = || at.knowledge.start_ingestion(&at.ctx, &base.id, &source.id, (None, None));
    let job = start().await.unwrap();
    assert_eq!(job.status, IngestionStatus::Starting);
    assert_eq!(start().await.unwrap_err().kind, ErrorKind::Conflict);
    let stopped = at.knowledge.stop_ingestion(&at.ctx, &base.id, &source.id, &job.id).await.unwrap();
    assert_eq!(stopped.status, IngestionStatus::Stopped);
    let again = at.knowledge.stop_ingestion(&at.ctx, &base.id, &source.id, &job.id).await.unwrap_err();
    assert_eq!(again.kind, ErrorKind::Conflict);
    let job = at.sync(&base, &source).await.unwrap();
    assert_eq!(job.statistics.added, 2);
    let page = PageRequest { limit: 10, after: None };
    let filter = knowledge::IngestionFilter::default();
    let jobs = at.knowledge.ingestion_jobs(&at.ctx, &base.id, &source.id, &filter, &page).await.unwrap();
    assert_eq!(jobs.items.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_is_shut_out_finds_not_even_the_old_text_of_what_cannot_be_read_now() {
    let (_db, store) = sqlite().await;
    deployed!(store, None, dir, at, base, source);
    let (ana, ben) = (at.user("ana").await.unwrap(), at.user("ben").await.unwrap());
    let sidecar = "refunds.txt.metadata.json";
    at.put(sidecar, readers(&[("ana", "USER"), ("ben", "USER")])).await.unwrap();
    at.sync(&base, &source).await.unwrap();
    let visible = async |ctx: &identity::Ctx| at.ask(ctx, &base, "refunds card").await.unwrap().visible;
    assert_eq!((visible(&ana).await, visible(&ben).await), (2, 2));
    // What is refused unread, and what has no text.
    for (content, names, sees) in [("", ["ben"], (1, 2)), ("  ", ["ana"], (2, 1))] {
        at.put("refunds.txt", content).await.unwrap();
        at.put(sidecar, readers(&names.map(|name| (name, "USER")))).await.unwrap();
        let job = at.sync(&base, &source).await.unwrap();
        assert_eq!((job.statistics.failed, job.statistics.metadata_modified), (1, 0), "{job:?}");
        assert_eq!((visible(&ana).await, visible(&ben).await), sees, "{content:?}");
        let location = vec![Location::S3 { uri: uri("refunds.txt") }];
        let detail = at.knowledge.documents(&at.ctx, &base.id, &source.id, location).await.unwrap();
        assert_eq!(detail[0].status, DocumentStatus::Failed);
    }
    // Once it can be read again, it is indexed for whom the sidecar names.
    at.put("refunds.txt", "Refunds take nine days.").await.unwrap();
    let job = at.sync(&base, &source).await.unwrap();
    assert_eq!((job.statistics.failed, job.statistics.modified), (0, 1), "{job:?}");
    assert_eq!((visible(&ana).await, visible(&ben).await), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_handed_in_is_read_by_whom_it_or_else_its_sidecar_names() {
    let (_db, store) = sqlite().await;
    deployed!(store, None, dir, at, base, source);
    let (ana, ben) = (at.user("ana").await.unwrap(), at.user("ben").await.unwrap());
    let visible = async |ctx: &identity::Ctx| at.ask(ctx, &base, "refunds card").await.unwrap().visible;
    let hand_in = async |acl: Option<Vec<AclEntry>>| {
        let attributes = vec![("kind".to_owned(), Value::Text("note".to_owned()))];
        let metadata = Some(NewMetadata::Inline(attributes));
        let document = NewDocument { content: NewContent::S3 { uri: uri("refunds.txt") }, metadata, acl };
        at.knowledge.ingest_documents(&at.ctx, &base.id, &source.id, vec![document], None).await.unwrap();
        at.jobs.run_due_once().await.unwrap();
    };
    // Attributes alone are handed in: the object's own sidecar says who may read it.
    at.put("refunds.txt.metadata.json", readers(&[("ana", "USER")])).await.unwrap();
    hand_in(None).await;
    assert_eq!((visible(&ana).await, visible(&ben).await, visible(&at.ctx).await), (1, 0, 0));
    // A list is handed in, and the object has no sidecar: it holds for what the object becomes.
    at.remove("refunds.txt.metadata.json").await.unwrap();
    hand_in(Some(vec![AclEntry { name: "ben".to_owned(), group: false, allow: true }])).await;
    assert_eq!((visible(&ana).await, visible(&ben).await), (0, 1));
    at.put("refunds.txt", "Refunds take seven days.").await.unwrap();
    let job = at.sync(&base, &source).await.unwrap();
    assert_eq!((job.statistics.added, job.statistics.modified), (1, 1), "{job:?}");
    assert_eq!((visible(&ana).await, visible(&ben).await), (1, 2));
    // Until a sidecar says otherwise, which then goes with it.
    at.put("refunds.txt.metadata.json", readers(&[("ana", "USER")])).await.unwrap();
    at.sync(&base, &source).await.unwrap();
    assert_eq!((visible(&ana).await, visible(&ben).await), (2, 1));
    at.remove("refunds.txt.metadata.json").await.unwrap();
    at.sync(&base, &source).await.unwrap();
    assert_eq!((visible(&ana).await, visible(&ben).await), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_named_by_its_arn_or_its_name() {
    let (_db, store) = sqlite().await;
    deployed!(store, None, dir, at, base, source);
    let wish = identity::sts::ServiceAssumption {
        service: "bedrock.amazonaws.com".to_owned(),
        role_arn: at.role_arn(),
        source_arn: None,
        session_name: "reader".to_owned(),
        region: at.ctx.region().clone(),
    };
    let role = at.identity.assume_role_as_service(&wish).await.unwrap();
    for name in [at.role_arn().as_str(), ROLE] {
        at.put("refunds.txt.metadata.json", readers(&[(name, "USER")])).await.unwrap();
        at.sync(&base, &source).await.unwrap();
        assert_eq!(at.ask(&role, &base, "refunds").await.unwrap().visible, 2, "{name}");
        assert_eq!(at.ask(&at.ctx, &base, "refunds").await.unwrap().visible, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_in_the_groups_that_its_tag_names() {
    let (_db, store) = sqlite().await;
    deployed!(store, None, dir, at, base, source);
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{"Service":"bedrock.amazonaws.com"}}]}"#;
    let new = identity::iam::roles::NewRole {
        name: "Reader".to_owned(),
        path: None,
        description: None,
        trust: trust.to_owned(),
        max_session: None,
        boundary: None,
        tags: vec![identity::Tag { key: "groups".to_owned(), value: "fleet claims".to_owned() }],
    };
    at.identity.create_role(&at.ctx, new).await.unwrap();
    let wish = identity::sts::ServiceAssumption {
        service: "bedrock.amazonaws.com".to_owned(),
        role_arn: format!("arn:aws:iam::{}:role/Reader", at.ctx.account()),
        source_arn: None,
        session_name: "reader".to_owned(),
        region: at.ctx.region().clone(),
    };
    let reader = at.identity.assume_role_as_service(&wish).await.unwrap();
    for (group, visible) in [("claims", 2), ("fleet", 2), ("fleet claims", 1), ("groups", 1)] {
        at.put("refunds.txt.metadata.json", readers(&[(group, "GROUP")])).await.unwrap();
        at.sync(&base, &source).await.unwrap();
        assert_eq!(at.ask(&reader, &base, "refunds").await.unwrap().visible, visible, "{group}");
        assert_eq!(at.ask(&at.ctx, &base, "refunds").await.unwrap().visible, 1);
    }
    // A group is no user of that name.
    at.put("refunds.txt.metadata.json", readers(&[("claims", "USER")])).await.unwrap();
    at.sync(&base, &source).await.unwrap();
    assert_eq!(at.ask(&reader, &base, "refunds").await.unwrap().visible, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_failed_is_tried_again_and_keeps_nothing_else_from_working() {
    let (_db, store) = sqlite().await;
    deployed!(store, None, dir, at, base, source);
    // A file stands where the index is to be.
    let realm = dir.path().join("knowledge").join(at.ctx.account().as_str()).join("us-east-1");
    let place = realm.join(&base.id);
    std::fs::create_dir_all(&realm).unwrap();
    std::fs::write(&place, "in the way").unwrap();
    at.knowledge.delete_data_source(&at.ctx, &base.id, &source.id).await.unwrap_err();
    let going = at.knowledge.data_source(&at.ctx, &base.id, &source.id).await.unwrap();
    assert_eq!(going.status, DataSourceStatus::Deleting);
    let error = at.sync(&base, &source).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    std::fs::remove_file(&place).unwrap();
    let removed = at.knowledge.delete_data_source(&at.ctx, &base.id, &source.id).await.unwrap();
    assert_eq!(removed.status, DataSourceStatus::Deleting);
    let error = at.knowledge.data_source(&at.ctx, &base.id, &source.id).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    let page = PageRequest { limit: 10, after: None };
    assert!(at.knowledge.data_sources(&at.ctx, &base.id, &page).await.unwrap().items.is_empty());

    let other = at.source_of(&base, Origin::Custom, None).await.unwrap();
    std::fs::remove_dir_all(&place).unwrap();
    std::fs::write(&place, "in the way").unwrap();
    at.knowledge.delete_knowledge_base(&at.ctx, &base.id).await.unwrap_err();
    let going = at.knowledge.knowledge_base(&at.ctx, &base.id).await.unwrap();
    assert_eq!(going.status, KnowledgeBaseStatus::Deleting);
    let with_it = at.knowledge.data_source(&at.ctx, &base.id, &other.id).await.unwrap();
    assert_eq!(with_it.status, DataSourceStatus::Deleting);
    assert_eq!(at.knowledge.data_sources(&at.ctx, &base.id, &page).await.unwrap().items, [with_it]);
    let error = at.ask(&at.ctx, &base, "refunds").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    at.knowledge.snapshot(&dir.path().join("backup")).await.unwrap();
    let again = Deployment::open_on(dir.path(), at.store.clone()).await.unwrap();
    again.knowledge.snapshot(&dir.path().join("backup")).await.unwrap();
    std::fs::remove_file(&place).unwrap();
    again.knowledge.delete_knowledge_base(&at.ctx, &base.id).await.unwrap();
    assert_eq!(at.knowledge.knowledge_base(&at.ctx, &base.id).await.unwrap_err().kind, ErrorKind::NotFound);
    assert!(again.knowledge.knowledge_bases(&at.ctx, &page).await.unwrap().items.is_empty());
}
