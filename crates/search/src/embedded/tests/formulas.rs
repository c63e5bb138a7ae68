use super::*;
use crate::analysis::tokens;

fn plain(query: &str) -> Query {
    Query::new(Caller::anonymous()).text(query)
}

/// The formula as it is written down, over tokens, for one field of weight 1.
fn reference(texts: &[&str], query: &str, at: usize) -> f64 {
    let terms = |text: &str| tokens(text, Language::English).into_iter().map(|token| token.term).collect::<Vec<_>>();
    let texts: Vec<Vec<String>> = texts.iter().map(|text| terms(text)).collect();
    let n = texts.len() as f64;
    let average = texts.iter().map(Vec::len).sum::<usize>() as f64 / n;
    let part = |term: String| {
        let df = texts.iter().filter(|text| text.contains(&term)).count() as f64;
        let tf = texts[at].iter().filter(|other| **other == term).count() as f64;
        let length = texts[at].len() as f64;
        (1.0 + (n - df + 0.5) / (df + 0.5)).ln() * tf / (tf + 1.5 * (0.25 + 0.75 * length / average))
    };
    terms(query).into_iter().map(part).sum()
}

#[test]
fn lexical_scores_are_bm25() {
    let texts =
        ["the river bank runs", "a bank loan, a bank", "running water", "", "stone bridge over the river river"];
    let state = state(texts.iter().enumerate().map(|(at, text)| document(&at.to_string(), text)));
    for query in ["river", "bank run", "the bank the bank", "water stone missing"] {
        let results = state.search(&plain(query)).unwrap();
        assert!(!results.hits.is_empty());
        for hit in results.hits {
            let lexical = hit.explanation.lexical.unwrap();
            assert!(
                (lexical.score - reference(&texts, query, hit.key.parse().unwrap())).abs() < 1e-9,
                "{query} {hit:?}"
            );
            let explained: f64 = hit.explanation.terms.iter().map(|term| term.score).sum();
            assert!((lexical.score - explained).abs() < 1e-9);
        }
    }
}

/// `BM25(dtype="float64").get_scores` of the Python package `bm25s` 0.3.16 for these very tokens.
#[test]
fn lexical_scores_are_those_of_bm25s() {
    let texts = [
        "a cat is a feline and likes to purr",
        "a dog is the human best friend and loves to play",
        "a bird is a beautiful animal that can fly",
        "",
        "a fish is a creature that lives in water and swims like a cat or a cat",
    ];
    let any = |at: usize, text: &str| Document { language: Some(Language::Any), ..document(&at.to_string(), text) };
    let state = state(texts.iter().enumerate().map(|(at, text)| any(at, text)));
    let expected = [
        ("does the cat purr", [0.913_643_052, 0.509_646_678, 0.0, 0.0, 0.393_133_002]),
        ("a cat cat that swims", [0.872_840_697, 0.105_761_241, 0.519_193_611, 0.0, 1.619_429_71]),
        ("to", [0.353_647_086, 0.321_850_645, 0.0, 0.0, 0.0]),
    ];
    for (query, scores) in expected {
        let query = Query { languages: Languages::Only(Language::Any), ..plain(query) };
        let hits = state.search(&query).unwrap().hits;
        for (at, expected) in scores.into_iter().enumerate() {
            let hit = hits.iter().find(|hit| hit.key == at.to_string());
            let score = hit.map_or(0.0, |hit| hit.explanation.lexical.unwrap().score);
            assert!((score - expected).abs() < 1e-6, "{query:?} {at}: {score} {expected}");
        }
    }
}

#[test]
fn a_field_counts_by_its_weight() {
    let titled = |key: &str, title: &str, body: &str| Document {
        fields: [("title".to_owned(), title.to_owned()), ("body".to_owned(), body.to_owned())].into(),
        ..document(key, "")
    };
    let state = state([titled("body", "stone", "river"), titled("title", "river", "stone")]);
    let hits = state.search(&plain("river")).unwrap().hits;
    assert_eq!(hits.iter().map(|hit| hit.key.as_str()).collect::<Vec<_>>(), ["title", "body"]);
    let scores: Vec<f64> = hits.iter().map(|hit| hit.explanation.lexical.unwrap().score).collect();
    assert!((scores[0] - 2.0 * scores[1]).abs() < 1e-12);
    assert_eq!(hits[0].explanation.terms[0].field, "title");
}

#[test]
fn similarity_is_the_cosine() {
    let with = |key: &str, vector: [f32; 4]| Document { vector: Some(vector.to_vec()), ..document(key, "") };
    let state =
        state([with("same", [2.0, 0.0, 0.0, 0.0]), with("across", [0.0, 3.0, 0.0, 0.0]), document("none", "x")]);
    let results = state.search(&Query::new(Caller::anonymous()).vector(vec![0.5, 0.0, 0.0, 0.0])).unwrap();
    let hits: Vec<(&str, f64, f64)> =
        results.hits.iter().map(|hit| (hit.key.as_str(), hit.score, hit.explanation.vector.unwrap().score)).collect();
    assert_eq!(hits, [("same", 1.0, 1.0), ("across", 0.5, 0.0)]);
}

#[test]
fn a_filter_excludes_results_and_leaves_scores_alone() {
    let of_year = |key: &str, year: f64| {
        let mut document = document(key, "river");
        document.metadata.insert("year".to_owned(), Value::Number(year));
        document
    };
    let state = state([of_year("old", 2001.0), of_year("new", 2024.0), document("none", "bank")]);
    let all = state.search(&plain("river")).unwrap();
    let filter = Filter::GreaterThan("year".to_owned(), Value::Number(2010.0));
    let some = state.search(&plain("river").filter(filter)).unwrap();
    assert_eq!((all.visible, all.matching, some.visible, some.matching), (3, 3, 3, 1));
    assert_eq!(some.filter.as_deref(), Some("year > 2010"));
    assert_eq!(some.hits.len(), 1);
    let new = all.hits.iter().find(|hit| hit.key == "new").unwrap();
    assert_eq!(new.explanation.lexical.unwrap().score, some.hits[0].explanation.lexical.unwrap().score);
}

#[test]
fn a_query_that_cannot_be_right_is_refused() {
    let state = state([]);
    let query = || plain("x");
    let bad = [
        Query::new(Caller::anonymous()),
        Query { limit: 0, ..query() },
        Query { limit: crate::query::MAX_LIMIT + 1, ..query() },
        query().vector(vec![1.0]),
        query().vector(vec![0.0; 4]),
        query().vector(vec![f32::NAN; 4]),
        Query { fusion: Fusion::Weighted { lexical: 0.0, vector: 0.0 }, ..query() },
        plain(&"x".repeat(crate::query::MAX_QUERY_BYTES + 1)),
    ];
    for query in bad {
        let error = state.search(&query).unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }) && error.hint().is_some());
    }
    assert!(state.search(&plain("-- ,")).unwrap().hits.is_empty());
}

#[test]
fn a_document_that_cannot_be_right_is_refused_with_its_batch() {
    let folder = tempfile::tempdir().unwrap();
    let index = Embedded::open(folder.path(), schema()).unwrap();
    let mut nan = document("nan", "x");
    nan.metadata.insert("year".to_owned(), Value::Number(f64::NAN));
    let bad = [
        document("", "x"),
        document(&"k".repeat(crate::document::MAX_NAME_BYTES + 1), "x"),
        document("big", &"x ".repeat(crate::document::MAX_TEXT_BYTES / 2 + 1)),
        Document { vector: Some(vec![1.0; 3]), ..document("short", "x") },
        Document { vector: Some(vec![f32::INFINITY; 4]), ..document("infinite", "x") },
        Document { fields: [("other".to_owned(), String::new())].into(), ..document("field", "x") },
        Document { acl: Acl { denied_users: [String::new()].into(), ..Acl::default() }, ..document("acl", "x") },
        nan,
    ];
    for document in bad {
        let error = index.apply(vec![put("good", "river"), Change::Put(document)]).unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{error}");
        assert!(index.get("good").unwrap().is_none());
    }
    assert!(index.apply(vec![Change::DeletePrefix { prefix: String::new() }]).is_err());
}

#[test]
fn a_schema_that_cannot_be_right_is_refused() {
    let text = |dimension| Schema::text(Language::Any, dimension);
    let mut twice = schema();
    twice.fields[1].name = "title".to_owned();
    let mut weightless = schema();
    weightless.fields[0].weight = 0.0;
    for bad in [
        text(Some(0)),
        text(Some(crate::document::MAX_DIMENSION + 1)),
        twice,
        weightless,
        Schema { fields: vec![], ..schema() },
    ] {
        assert!(matches!(bad.validate(), Err(Error::Invalid { .. })), "{bad:?}");
    }
    assert_eq!(text(None).validate(), Ok(()));
}
