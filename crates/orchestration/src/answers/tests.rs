use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use base::{ErrorKind, FixedClock, SeededRandom, Timestamp};
use futures::stream::StreamExt as _;
use identity::kms::{KeyRef, NewKey};
use identity::{Ctx, Defaults, JobOwner, RootKey};
use inference::fake::FakeLoader;
use inference::{Facts, LoadOptions, Loaded, Loader, ModelFiles};
use knowledge::{DocumentName, Location, Passage, Retrieve, Retrieved, SearchType};
use models::PullRequest;
use objects::BlobPlace;

use super::*;

const REFUNDS: &str = "Refunds are made within 14 days. The card that paid is credited. Cash is never paid out.";
const LATE: &str = "## Late returns\n\nA late return costs 20 euros for each day. Lost keys cost 90 euros.";
const CHAT: &str = "tiny";
const EMBEDDER: &str = "mini";

/// A fake engine that replies as it is told to prompts that have a text.
struct Replying(FakeLoader, Vec<(&'static str, &'static str)>);

impl Loader for Replying {
    fn inspect(&self, files: &ModelFiles) -> inference::Result<Facts> {
        self.0.inspect(files)
    }

    fn load(&self, files: &ModelFiles, options: &LoadOptions) -> inference::Result<Loaded> {
        match self.0.load(files, options)? {
            Loaded::Generator(_) => Ok(Loaded::Generator(Arc::new(self.0.generator(options, &self.1)?))),
            embedder => Ok(embedder),
        }
    }

    fn read_all(
        &self,
        files: &ModelFiles,
        options: &LoadOptions,
        passages: &[inference::Passage],
        cancelled: &AtomicBool,
        done: &AtomicUsize,
    ) -> inference::Result<Vec<Vec<Vec<inference::Reading>>>> {
        self.0.read_all(files, options, passages, cancelled, done)
    }
}

/// Documents by name, those that nobody may read, and what was asked.
#[derive(Default)]
struct Shelf(Mutex<Shelved>);

#[derive(Default)]
struct Shelved {
    texts: Vec<(&'static str, String)>,
    forbidden: BTreeSet<&'static str>,
    asked: Vec<Retrieve>,
}

impl Shelf {
    fn of(texts: &[(&'static str, &str)]) -> Arc<Self> {
        let texts = texts.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
        Arc::new(Self(Mutex::new(Shelved { texts, ..Shelved::default() })))
    }

    fn lock(&self) -> MutexGuard<'_, Shelved> {
        self.0.lock().unwrap()
    }
}

#[async_trait]
impl Library for Shelf {
    async fn retrieve(&self, _: &Ctx, ask: Retrieve) -> Result<Retrieved> {
        let mut shelved = self.lock();
        let visible: Vec<Passage> = shelved
            .texts
            .iter()
            .filter(|(name, _)| !shelved.forbidden.contains(name))
            .map(|(name, text)| passage(name, text))
            .collect();
        let count = visible.len() as u64;
        let passages = visible.into_iter().take(ask.results).collect();
        shelved.asked.push(ask);
        Ok(Retrieved {
            passages,
            next: None,
            search: SearchType::Hybrid,
            visible: count,
            matching: count,
            filter: None,
            embedding_model: EMBEDDER.to_owned(),
        })
    }

    async fn may_read(&self, _: &Ctx, name: &DocumentName, _: Option<&str>) -> Result<bool> {
        Ok(!self.lock().forbidden.contains(name.document.as_str()))
    }
}

fn passage(name: &str, text: &str) -> Passage {
    Passage {
        chunk: format!("source/{name}/0"),
        document: name.to_owned(),
        data_source: "source".to_owned(),
        location: Location::Custom { id: name.to_owned() },
        text: text.to_owned(),
        span: 0..text.len(),
        page: None,
        score: 0.5,
        metadata: BTreeMap::new(),
        explanation: search::Explanation { lexical: None, vector: None, terms: Vec::new() },
        language: search::analysis::Language::Any,
    }
}

/// A deployment with a chat model and an embedder.
struct World {
    answers: Answers,
    identity: Identity,
    shelf: Arc<Shelf>,
    clock: Arc<FixedClock>,
    ctx: Ctx,
    jobs: jobs::Running,
    dir: tempfile::TempDir,
}

impl World {
    async fn start(shelf: Arc<Shelf>, replies: &[(&'static str, &'static str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::new(Timestamp(1_800_000_000_000)));
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(1));
        let store = Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
        let key = RootKey::load_or_create(dir.path().join("root.key")).unwrap();
        let defaults = Defaults { region: "us-east-1".parse().unwrap() };
        let identity = Identity::open(store.clone(), key, clock.clone(), random.clone(), defaults).await.unwrap();
        let admin = identity.first_start(identity::RootCredentials::default()).await.unwrap();
        let owner = JobOwner {
            account: admin.account.clone(),
            region: "us-east-1".parse().unwrap(),
            principal_arn: format!("arn:aws:iam::{}:root", admin.account),
            principal_id: None,
        };
        let ctx = identity.job_ctx(&owner).await.unwrap();
        let queue = jobs::Jobs::open(store.clone(), Arc::new(base::SystemClock), random.clone()).await.unwrap();
        let place = BlobPlace::Folder(dir.path().join("objects"));
        let objects =
            Objects::open(store.clone(), identity.clone(), place, clock.clone(), random.clone()).await.unwrap();
        let mut config = models::Config::new(dir.path().join("models"), dir.path().join("imported"));
        config.sealing_key = Some(Arc::clone(identity.keyring()));
        drop(rustls::crypto::ring::default_provider().install_default());
        let parts = models::Parts {
            store: store.clone(),
            jobs: queue.clone(),
            identity: identity.clone(),
            objects: objects.clone(),
            loader: Arc::new(Replying(FakeLoader::default(), replies.to_vec())),
            quantizer: Arc::new(checkpoint::Plain),
            dialects: Arc::new(NoDialect),
            clock: clock.clone(),
            random: random.clone(),
            http: reqwest::Client::new(),
        };
        let models = Models::open(config, parts).await.unwrap();
        let jobs = queue.start(1);
        for file in ["tiny.gguf", "mini.safetensors"] {
            for (name, text) in [(file, file), ("config.json", "{}"), ("tokenizer.json", "{}")] {
                std::fs::write(dir.path().join(name), text).unwrap();
            }
            let source = format!("file:{}", dir.path().join(file).display());
            let pull = PullRequest { source, accept_terms: false, allow_template: false };
            let job = models.pull(&ctx, pull).await.unwrap();
            let mut watched = Box::pin(queue.watch(ctx.account(), &job.id));
            while let Some(job) = watched.next().await {
                assert!(job.error.is_none(), "{job:?}");
            }
        }
        let parts = Parts {
            store,
            identity: identity.clone(),
            models,
            objects,
            library: shelf.clone(),
            clock: clock.clone(),
            random,
        };
        let answers = Answers::open(parts).await.unwrap();
        Self { answers, identity, shelf, clock, ctx, jobs, dir }
    }

    async fn answer(&self, ask: Ask) -> Result<Answer> {
        self.answers.answer(&self.ctx, ask).await?.collect().await
    }

    async fn stop(self) {
        self.jobs.stop().await;
        drop(self.dir);
    }
}

/// No batch is answered here.
struct NoDialect;

impl models::Dialects for NoDialect {
    fn decode(&self, _: models::RecordBody<'_>) -> Result<models::Asked> {
        Err(base::Error::not_implemented("Records have no dialect here."))
    }

    fn status(&self, _: &base::Error) -> u16 {
        501
    }
}

fn ask(text: &str, model: Option<&str>) -> Ask {
    let generation = model.map(|model| Generation { model: model.to_owned(), ..Generation::default() });
    Ask {
        text: text.to_owned(),
        source: Source::KnowledgeBase(Search::of(Retrieve::new("ABCDEF1234", text))),
        generation,
        orchestration: None,
        session: None,
        session_key: None,
        unsupported: Unsupported::Extract,
    }
}

fn quotes<'a>(answer: &'a Answer) -> Vec<(&'a str, &'a str)> {
    let quote = |citation: &'a Citation| {
        let reference = &citation.references[0];
        (&answer.text[citation.span.clone()], &answer.passages[reference.passage].text[reference.span.clone()])
    };
    answer.citations.iter().map(quote).collect()
}

#[tokio::test]
async fn a_model_answers_and_each_sentence_is_cited_by_what_says_it() {
    let shelf = Shelf::of(&[("late", LATE), ("refunds", REFUNDS)]);
    let world = World::start(shelf, &[("How long", "Refunds are made within 14 days [2]. Enjoy your trip.")]).await;
    let answer = world.answer(ask("How long do refunds take?", Some(CHAT))).await.unwrap();
    assert_eq!(answer.text, "Refunds are made within 14 days. Enjoy your trip.");
    assert_eq!(quotes(&answer), [("Refunds are made within 14 days.", "Refunds are made within 14 days.")]);
    assert_eq!((answer.voice, answer.left_out), (Voice::Model, 0));
    assert_eq!(answer.served_by.as_ref().unwrap().name, CHAT);
    assert!(answer.usage.input > 0 && answer.usage.output > 0);
    world.stop().await;
}

#[tokio::test]
async fn an_answer_that_nothing_supports_is_none() {
    let shelf = Shelf::of(&[("late", LATE), ("refunds", REFUNDS)]);
    let world = World::start(shelf, &[("return", "Bananas are yellow, as everybody knows.")]).await;
    let asked = |unsupported| Ask { unsupported, ..ask("What does a late return cost for each day?", Some(CHAT)) };
    let instead = world.answer(asked(Unsupported::Extract)).await.unwrap();
    assert_eq!(instead.voice, Voice::PassagesInstead);
    assert_eq!(quotes(&instead)[0].0, "A late return costs 20 euros for each day.");
    let refused = world.answer(asked(Unsupported::Refuse)).await.unwrap();
    assert_eq!((refused.voice, refused.text.as_str()), (Voice::Nobody, NO_ANSWER));
    assert_eq!(refused.citations, []);
    let kept = world.answer(asked(Unsupported::Keep)).await.unwrap();
    assert_eq!((kept.voice, kept.text.as_str()), (Voice::Model, "Bananas are yellow, as everybody knows."));
    assert_eq!(kept.citations, []);
    world.stop().await;
}

#[tokio::test]
async fn a_model_that_declines_is_believed_and_nothing_found_is_no_answer() {
    let shelf = Shelf::of(&[("late", LATE)]);
    let world = World::start(shelf, &[("late return", NO_ANSWER)]).await;
    let declined = world.answer(ask("What does a late return cost?", Some(CHAT))).await.unwrap();
    assert_eq!((declined.voice, declined.text.as_str()), (Voice::Nobody, NO_ANSWER));
    world.shelf.lock().texts.clear();
    let nothing = world.answer(ask("What does a late return cost?", Some(CHAT))).await.unwrap();
    assert_eq!((nothing.voice, nothing.served_by), (Voice::Nobody, None));
    world.stop().await;
}

#[tokio::test]
async fn passages_answer_in_their_own_sentences() {
    let world = World::start(Shelf::of(&[("late", LATE), ("refunds", REFUNDS)]), &[]).await;
    let answer = world.answer(ask("What do lost keys cost?", None)).await.unwrap();
    assert_eq!(
        (answer.voice, quotes(&answer)[0]),
        (Voice::Passages, ("Lost keys cost 90 euros.", "Lost keys cost 90 euros."))
    );
    for (said, source) in quotes(&answer) {
        assert_eq!(said, source, "an extract is a quotation");
    }
    let nothing = world.answer(ask("Who painted the ceiling of the chapel?", None)).await.unwrap();
    assert_eq!((nothing.voice, nothing.text.as_str()), (Voice::Nobody, NO_ANSWER));
    world.stop().await;
}

#[tokio::test]
async fn what_is_streamed_is_what_is_collected() {
    let shelf = Shelf::of(&[("late", LATE), ("refunds", REFUNDS)]);
    let reply = "Refunds are made within 14 days [2]. Lost keys cost 90 euros [1]. Bye.";
    let world = World::start(shelf, &[("How long", reply)]).await;
    let mut stream = world.answers.answer(&world.ctx, ask("How long?", Some(CHAT))).await.unwrap();
    let (mut text, mut citations, mut whole) = (String::new(), Vec::new(), None);
    while let Some(event) = stream.next().await {
        match event.unwrap() {
            AnswerEvent::Text(more) => text.push_str(&more),
            AnswerEvent::Citation(citation) => citations.push(citation),
            AnswerEvent::Finished(answer) => whole = Some(*answer),
        }
    }
    let whole = whole.unwrap();
    assert_eq!((&text, &citations), (&whole.text, &whole.citations));
    assert_eq!(whole.citations.len(), 2);
    world.stop().await;
}

#[tokio::test]
async fn a_conversation_goes_on_without_what_was_revoked() {
    let shelf = Shelf::of(&[("late", LATE), ("refunds", REFUNDS)]);
    let replies = [
        ("How long do refunds take?", "Refunds are made within 14 days [2]."),
        ("And in cash?", "I was told of no turn before."),
    ];
    let world = World::start(shelf, &replies).await;
    let first = world.answer(ask("How long do refunds take?", Some(CHAT))).await.unwrap();
    let next = || Ask {
        session: Some(first.session.clone()),
        unsupported: Unsupported::Keep,
        ..ask("And in cash?", Some(CHAT))
    };
    let second = world.answer(next()).await.unwrap();
    assert_eq!(
        (second.session.as_str(), second.text.as_str()),
        (first.session.as_str(), "Refunds are made within 14 days.")
    );
    let queries: Vec<String> = world.shelf.lock().asked[1..].iter().map(|ask| ask.text.clone()).collect();
    assert_eq!(queries, ["And in cash?", "How long do refunds take?\nAnd in cash?"]);
    world.shelf.lock().forbidden.insert("refunds");
    assert_eq!(world.answer(next()).await.unwrap().text, "I was told of no turn before.");
    world.stop().await;
}

#[tokio::test]
async fn a_turn_is_forgotten_with_what_the_turns_came_from_that_its_model_was_told() {
    let replies = [
        ("And a late return?", "A late return costs 20 euros for each day [1]."),
        ("How long do refunds take?", "Refunds are made within 14 days [1]."),
        ("And lost keys?", "I was told of no turn before."),
    ];
    let world = World::start(Shelf::of(&[("refunds", REFUNDS)]), &replies).await;
    let first = world.answer(ask("How long do refunds take?", Some(CHAT))).await.unwrap();
    world.shelf.lock().texts = vec![("late", LATE.to_owned())];
    let next = |text: &str| Ask {
        session: Some(first.session.clone()),
        unsupported: Unsupported::Keep,
        ..ask(text, Some(CHAT))
    };
    let second = world.answer(next("And a late return?")).await.unwrap();
    assert_eq!(quotes(&second)[0].1, "A late return costs 20 euros for each day.");
    assert_eq!(world.answer(next("And lost keys?")).await.unwrap().text, second.text);
    world.shelf.lock().forbidden.insert("refunds");
    assert_eq!(world.answer(next("And lost keys?")).await.unwrap().text, "I was told of no turn before.");
    world.stop().await;
}

#[tokio::test]
async fn sessions_that_lapsed_are_removed_when_another_begins() {
    let world = World::start(Shelf::of(&[("late", LATE)]), &[]).await;
    let store = &world.answers.inner.store;
    let begun = || async { world.answer(ask("What do lost keys cost?", None)).await.unwrap().session };
    let first = begun().await;
    world.clock.advance(SESSION_SECONDS * 1000);
    let second = begun().await;
    assert!(store::find(store, &world.ctx, &first).await.unwrap().is_some(), "it has just not lapsed");
    world.clock.advance(1);
    let third = begun().await;
    assert_eq!(store::find(store, &world.ctx, &first).await.unwrap(), None);
    assert_eq!(store::turns(store, &world.ctx, &first).await.unwrap(), Vec::<Vec<u8>>::new());
    for left in [second, third] {
        assert_eq!(store::turns(store, &world.ctx, &left).await.unwrap().len(), 1);
    }
    world.stop().await;
}

#[tokio::test]
async fn a_session_is_its_callers_and_about_one_knowledge_base() {
    let world = World::start(Shelf::of(&[("late", LATE)]), &[]).await;
    let session = Some(world.answer(ask("What do lost keys cost?", None)).await.unwrap().session);
    let again = |change: &dyn Fn(&mut Retrieve)| {
        let mut next = Ask { session: session.clone(), ..ask("And late returns?", None) };
        if let Source::KnowledgeBase(search) = &mut next.source {
            change(&mut search.retrieve);
        }
        next
    };
    world.answer(again(&|_| {})).await.unwrap();
    let other = world.answer(again(&|ask| ask.knowledge_base = "OTHER12345".to_owned())).await.unwrap_err();
    assert!(other.message.contains("knowledge base"), "{other:?}");
    let reader = world.answer(again(&|ask| ask.user = Some("ana".to_owned()))).await.unwrap_err();
    assert!(reader.message.contains("is not valid"), "{reader:?}");
    let account = world.ctx.account().clone();
    let stranger = world.identity.service_ctx(account, "us-east-1".parse().unwrap(), "tests");
    let error = world.answers.answer(&stranger, again(&|_| {})).await.err().unwrap();
    assert_eq!((error.kind, error.message.contains("is not valid")), (ErrorKind::Invalid, true));
    world.clock.advance((SESSION_SECONDS + 1) * 1000);
    assert!(world.answer(again(&|_| {})).await.unwrap_err().message.contains("is not valid"));
    world.stop().await;
}

#[tokio::test]
async fn a_session_under_a_customers_key_is_closed_with_it() {
    let world = World::start(Shelf::of(&[("late", LATE)]), &[]).await;
    let key = world.identity.kms().create_key(&world.ctx, NewKey::default()).await.unwrap();
    let begun = Ask { session_key: Some(key.arn()), ..ask("What do lost keys cost?", None) };
    let session = Some(world.answer(begun).await.unwrap().session);
    let next = || Ask { session: session.clone(), ..ask("And late returns?", None) };
    world.answer(next()).await.unwrap();
    let other = Ask { session_key: Some("arn:aws:kms:us-east-1:111122223333:key/x".to_owned()), ..next() };
    assert!(world.answer(other).await.unwrap_err().message.contains("key of a session"));
    world.identity.kms().disable_key(&world.ctx, &KeyRef::parse(&key.arn()).unwrap()).await.unwrap();
    assert!(world.answer(next()).await.is_err());
    world.stop().await;
}

#[tokio::test]
async fn passages_that_the_context_has_no_room_for_are_left_out() {
    let long = |first: &str| format!("{first} {}", "Cars are washed every morning. ".repeat(120));
    let texts = [long(REFUNDS), long("One."), long("Two.")];
    let shelf = Shelf::of(&[("a", &texts[0]), ("b", &texts[1]), ("c", &texts[2])]);
    let world = World::start(shelf, &[("How long", "Refunds are made within 14 days.")]).await;
    let answer = world.answer(ask("How long do refunds take?", Some(CHAT))).await.unwrap();
    assert_eq!((answer.left_out, answer.passages.len(), answer.citations.len()), (2, 3, 1));
    let huge = format!("{REFUNDS} {}", "Cars are washed every morning. ".repeat(600));
    world.shelf.lock().texts = vec![("huge", huge)];
    let cut = world.answer(ask("How long do refunds take?", Some(CHAT))).await.unwrap();
    assert_eq!((cut.left_out, cut.citations.len()), (0, 1));
    world.stop().await;
}

#[tokio::test]
async fn texts_are_ranked_by_either_kind_of_model() {
    let world = World::start(Shelf::of(&[]), &[]).await;
    let texts = ["Cars are washed.".to_owned(), "Refunds take five days.".to_owned()];
    let by_vectors = world.answers.rerank(&world.ctx, EMBEDDER, "How long do refunds take?", &texts).await.unwrap();
    assert_eq!(by_vectors.order.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [1, 0]);
    let by_scores = world.answers.rerank(&world.ctx, CHAT, "How long do refunds take?", &texts).await.unwrap();
    assert_eq!(by_scores.served_by.name, CHAT);
    for (_, score) in by_vectors.order.iter().chain(&by_scores.order) {
        assert!((0.0..=1.0).contains(score), "{score}");
    }
    let none = world.answers.rerank(&world.ctx, CHAT, "x", &[]).await.unwrap_err();
    assert_eq!(none.kind, ErrorKind::Invalid);
    world.stop().await;
}

#[tokio::test]
async fn a_question_is_searched_for_by_itself_and_by_the_models_queries() {
    let world = World::start(Shelf::of(&[("late", LATE)]), &[]).await;
    let orchestration = Orchestration { decompose: true, ..Orchestration::default() };
    let asked =
        Ask { orchestration: Some(orchestration), ..ask("What do lost keys and late returns cost?", Some(CHAT)) };
    let answer = world.answer(asked).await.unwrap();
    let queries: Vec<String> = world.shelf.lock().asked.iter().map(|ask| ask.text.clone()).collect();
    assert_eq!(queries[0], "What do lost keys and late returns cost?");
    assert!(queries.len() <= 5, "{queries:?}");
    let plain = world.answer(ask("What do lost keys and late returns cost?", Some(CHAT))).await.unwrap();
    assert!(answer.usage.input > plain.usage.input, "{:?} {:?}", answer.usage, plain.usage);
    world.stop().await;
}

#[tokio::test]
async fn what_the_model_took_that_reads_conditions_is_told_apart() {
    let world = World::start(Shelf::of(&[("late", LATE)]), &[]).await;
    let plain = ask("What do lost keys cost?", Some(CHAT));
    let attributes = vec![Attribute {
        key: "open".to_owned(),
        kind: AttributeKind::Boolean,
        description: "whether the office is open".to_owned(),
    }];
    let implicit_filter = Some(ImplicitFilter { model: CHAT.to_owned(), attributes });
    let search = Search { implicit_filter, ..Search::of(Retrieve::new("ABCDEF1234", "What do lost keys cost?")) };
    let filtered = Ask { source: Source::KnowledgeBase(search), ..plain.clone() };
    let (plain, filtered) = (world.answer(plain).await.unwrap(), world.answer(filtered).await.unwrap());
    assert_eq!((plain.conditions.input, plain.conditions.output), (0, 0));
    assert!(filtered.conditions.input > 0, "{:?}", filtered.conditions);
    assert_eq!(filtered.usage.input, plain.usage.input + filtered.conditions.input);
    world.stop().await;
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_before_anything_is_retrieved() {
    let world = World::start(Shelf::of(&[("late", LATE)]), &[]).await;
    let with = |template: &str| {
        let mut asked = ask("What do lost keys cost?", Some(CHAT));
        asked.generation.as_mut().unwrap().template = Some(template.to_owned());
        asked
    };
    for (asked, quoted) in [
        (ask("  ", Some(CHAT)), "empty"),
        (with("Answer: $query$"), "`$search_results$`"),
        (Ask { session: Some("none".to_owned()), ..ask("Why?", None) }, "Session with Id none is not valid"),
    ] {
        let error = world.answer(asked).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(error.message.contains(quoted), "{error:?}");
    }
    assert_eq!(world.shelf.lock().asked, []);
    world.stop().await;
}
