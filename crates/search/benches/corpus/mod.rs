//! The corpus that search is measured on: 384 dimensions in 200 clusters, 60 words by Zipf's law out of 20,000, each
//! document for one to three of 50 groups. A user who is in three groups sees about 12 % of it.

#![allow(clippy::expect_used)]

use std::path::Path;

use rand::seq::index::sample;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use search::analysis::Language;
use search::{Acl, Caller, Change, Document, Embedded, Query, Schema};

/// The vectors' dimension.
pub(crate) const DIMENSION: usize = 384;
const CLUSTERS: usize = 200;
const GROUPS: usize = 50;
const VOCABULARY: f64 = 20_000.0;

/// Makes documents and queries, the same ones in every run.
pub(crate) struct Corpus {
    rng: ChaCha8Rng,
    centres: Vec<Vec<f32>>,
}

impl Corpus {
    /// The corpus.
    #[must_use]
    pub(crate) fn new() -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(20_261_126);
        let centres = (0..CLUSTERS).map(|_| (0..DIMENSION).map(|_| normal(&mut rng)).collect()).collect();
        Self { rng, centres }
    }

    /// A document of that key.
    pub(crate) fn document(&mut self, key: usize) -> Document {
        let groups = self.rng.random_range(1..=3);
        let groups = sample(&mut self.rng, GROUPS, groups).into_iter().map(|group| format!("group{group}")).collect();
        Document {
            key: format!("{key:07}"),
            fields: [("text".to_owned(), self.words(60))].into(),
            language: None,
            metadata: Default::default(),
            acl: Acl { allowed_groups: groups, ..Acl::default() },
            vector: Some(self.vector()),
        }
    }

    /// A query of eight words and a vector, by a user in three groups.
    pub(crate) fn query(&mut self) -> Query {
        let mut caller = Caller::user("ana");
        caller.groups = sample(&mut self.rng, GROUPS, 3).into_iter().map(|group| format!("group{group}")).collect();
        Query::new(caller).text(self.words(8)).vector(self.vector())
    }

    /// An index of so many documents in `folder`, compacted.
    pub(crate) fn index(&mut self, folder: &Path, documents: usize) -> Embedded {
        let index = Embedded::open(folder, Schema::text(Language::English, Some(DIMENSION))).expect("an index");
        let all: Vec<usize> = (0..documents).collect();
        for batch in all.chunks(1_000) {
            let batch = batch.iter().map(|key| Change::Put(self.document(*key))).collect();
            index.apply(batch).expect("a batch");
        }
        index.compact().expect("a compaction");
        index
    }

    fn words(&mut self, count: usize) -> String {
        let word = |rng: &mut ChaCha8Rng| format!("w{}", VOCABULARY.powf(rng.random::<f64>()) as u32);
        (0..count).map(|_| word(&mut self.rng)).collect::<Vec<_>>().join(" ")
    }

    fn vector(&mut self) -> Vec<f32> {
        let centre = self.rng.random_range(0..CLUSTERS);
        let Self { rng, centres } = self;
        centres[centre].iter().map(|x| x + 0.7 * normal(rng)).collect()
    }
}

/// Nearly normal: a sum of uniform numbers.
fn normal(rng: &mut ChaCha8Rng) -> f32 {
    (0..6).map(|_| rng.random::<f32>()).sum::<f32>() - 3.0
}
