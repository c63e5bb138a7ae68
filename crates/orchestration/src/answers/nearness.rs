//! How near texts are in meaning to a question, on one scale for all embedding models.
//!
//! Models use different parts of the cosine's range, and one model different parts for different languages: of an English question and
//! a sentence that has nothing to do with it all-MiniLM-L6-v2 makes 0.01, multilingual-e5-small 0.72, and 0.81 where both are Chinese.
//! What a model gives to such pairs, its floor, is measured with questions and sentences that are fixed, once for each model as
//! long as the process runs; nearness is the cosine's place between the floor of the texts' language (0) and 1.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base::{Error, Result};
use identity::Ctx;
use models::{EmbedRequest, Purpose, ServedBy, Truncate};

use super::Answers;

#[cfg(test)]
mod tests;

/// Questions and sentences of a language, no two of which are about the same.
struct Unrelated {
    /// ISO 639-1.
    language: &'static str,
    questions: &'static [&'static str],
    sentences: &'static [&'static str],
}

/// English is the first.
const UNRELATED: [Unrelated; 5] = [
    Unrelated {
        language: "en",
        questions: &[
            "How long does it take to boil an egg?",
            "Which river flows through Vienna?",
            "What does a tax adviser charge for an hour?",
            "Who painted the ceiling of the chapel?",
            "When does the last train leave for the coast?",
            "How many players does a handball team have?",
            "Why do leaves turn red in autumn?",
            "Where can I renew my passport?",
            "What is the boiling point of nitrogen?",
            "Which key do I press to save a file?",
            "How old must a child be to sit in front?",
            "Who was the first emperor of the dynasty?",
        ],
        sentences: &[
            "The violin was repaired with glue made from animal hides.",
            "Sheep are shorn once a year before the weather becomes hot.",
            "The lighthouse keeper wrote down every ship that passed.",
            "A mortgage with a fixed rate protects against rising interest.",
            "Antibiotics have no effect on illnesses caused by viruses.",
            "The bridge was closed because the cables had rusted.",
            "Her second novel sold better than the first one.",
            "Concrete reaches most of its strength within four weeks.",
            "The parliament rejected the law by a narrow margin.",
            "Bees tell each other the direction of flowers by dancing.",
            "The warehouse employs forty people in two shifts.",
            "Old coins were often made of a mixture of silver and copper.",
        ],
    },
    Unrelated {
        language: "de",
        questions: &[
            "Wie lange muss ein Ei kochen?",
            "Welcher Fluss fließt durch Wien?",
            "Wo kann ich meinen Pass verlängern?",
            "Warum werden Blätter im Herbst rot?",
        ],
        sentences: &[
            "Die Geige wurde mit Leim aus Tierhäuten repariert.",
            "Schafe werden einmal im Jahr geschoren.",
            "Ihr zweiter Roman verkaufte sich besser als der erste.",
            "Das Parlament lehnte das Gesetz knapp ab.",
        ],
    },
    Unrelated {
        language: "es",
        questions: &[
            "¿Cuánto tarda en cocerse un huevo?",
            "¿Qué río pasa por Viena?",
            "¿Dónde puedo renovar mi pasaporte?",
            "¿Por qué las hojas se ponen rojas en otoño?",
        ],
        sentences: &[
            "El violín se reparó con cola hecha de pieles de animales.",
            "Las ovejas se esquilan una vez al año.",
            "Su segunda novela se vendió mejor que la primera.",
            "El parlamento rechazó la ley por un estrecho margen.",
        ],
    },
    Unrelated {
        language: "zh",
        questions: &[
            "煮一个鸡蛋要多长时间？",
            "哪条河流经维也纳？",
            "我在哪里可以更新护照？",
            "为什么树叶在秋天变红？",
        ],
        sentences: &[
            "小提琴是用动物皮制成的胶修好的。",
            "绵羊每年剪一次毛。",
            "她的第二部小说比第一部卖得好。",
            "议会以微弱多数否决了这项法律。",
        ],
    },
    Unrelated {
        language: "ar",
        questions: &[
            "كم من الوقت يستغرق سلق البيضة؟",
            "أي نهر يمر عبر فيينا؟",
            "أين يمكنني تجديد جواز سفري؟",
            "لماذا تحمر الأوراق في الخريف؟",
        ],
        sentences: &[
            "تم إصلاح الكمان بغراء مصنوع من جلود الحيوانات.",
            "تُجزّ الأغنام مرة واحدة في السنة.",
            "بيعت روايتها الثانية أفضل من الأولى.",
            "رفض البرلمان القانون بفارق ضئيل.",
        ],
    },
];
/// The highest floor: of a model for which all texts are alike none is near.
const HIGHEST_FLOOR: f32 = 0.999;

/// A model's floors, by the languages in [`UNRELATED`].
type ByLanguage = [f32; UNRELATED.len()];

/// The floors that were measured, by the models' fingerprints.
#[derive(Default)]
pub(crate) struct Floors(Mutex<HashMap<String, ByLanguage>>);

impl Floors {
    fn known(&self, fingerprint: &str) -> Option<ByLanguage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(fingerprint).copied()
    }

    fn keep(&self, fingerprint: String, floors: ByLanguage) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(fingerprint, floors);
    }
}

impl Answers {
    /// How near each text is in meaning to the question: 0 and less where they have as little to do with each other as any two
    /// texts, 1 where they mean the same.
    ///
    /// # Errors
    /// As [`models::Models::embedding_facts`] and [`models::Models::embed`].
    pub(crate) async fn nearness(
        &self,
        ctx: &Ctx,
        model: &str,
        question: &str,
        texts: Vec<String>,
    ) -> Result<Vec<f32>> {
        // A question alone is too short to tell its language.
        let floor = floor_of(&self.floors(ctx, model).await?, &format!("{question}\n{}", texts.join("\n")));
        let (cosines, _) = self.cosines(ctx, model, question, texts).await?;
        Ok(cosines.into_iter().map(|cosine| above(floor, cosine)).collect())
    }

    /// The cosine of each text's vector with the question's, and who embedded them.
    ///
    /// # Errors
    /// As [`models::Models::embed`].
    pub(crate) async fn cosines(
        &self,
        ctx: &Ctx,
        model: &str,
        question: &str,
        texts: Vec<String>,
    ) -> Result<(Vec<f32>, ServedBy)> {
        let (asked, served_by) = self.vectors(ctx, model, vec![question.to_owned()], Purpose::Query).await?;
        let question = asked.first().ok_or_else(|| Error::internal("no vector of a question"))?;
        let (vectors, _) = self.vectors(ctx, model, texts, Purpose::Passage).await?;
        Ok((vectors.iter().map(|vector| cosine(question, vector)).collect(), served_by))
    }

    /// The model's floors: for each language the median of the cosines of all its questions with all its sentences.
    async fn floors(&self, ctx: &Ctx, model: &str) -> Result<ByLanguage> {
        let fingerprint = self.inner.models.embedding_facts(ctx, model).await?.fingerprint;
        if let Some(floors) = self.floors.known(&fingerprint) {
            return Ok(floors);
        }
        let mut floors = ByLanguage::default();
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        for (floor, Unrelated { questions, sentences, .. }) in floors.iter_mut().zip(&UNRELATED) {
            let (questions, _) = self.vectors(ctx, model, texts(questions), Purpose::Query).await?;
            let (sentences, _) = self.vectors(ctx, model, texts(sentences), Purpose::Passage).await?;
            *floor = median(questions.iter().flat_map(|one| sentences.iter().map(|other| cosine(one, other))));
        }
        self.floors.keep(fingerprint, floors);
        Ok(floors)
    }

    async fn vectors(
        &self,
        ctx: &Ctx,
        model: &str,
        texts: Vec<String>,
        purpose: Purpose,
    ) -> Result<(Vec<Vec<f32>>, ServedBy)> {
        let model = model.to_owned();
        let request = EmbedRequest { model, texts, truncate: Truncate::End, purpose, ..EmbedRequest::default() };
        let embedded = self.inner.models.embed(ctx, request).await?;
        Ok((embedded.vectors, embedded.served_by))
    }
}

/// The floor of the text's language: the median of all, where none was measured of it; that of English, where it cannot be told.
fn floor_of(floors: &ByLanguage, text: &str) -> f32 {
    let Some(found) = media::detect_language(text) else { return floors[0] };
    match UNRELATED.iter().position(|unrelated| unrelated.language == found.code) {
        Some(at) => floors[at],
        None => median(floors.iter().copied()),
    }
}

/// The cosine's place between the floor (0) and 1.
fn above(floor: f32, cosine: f32) -> f32 {
    let floor = floor.min(HIGHEST_FLOOR);
    (cosine - floor) / (1.0 - floor)
}

/// The middle one, of an even number the higher of the two; 0 of none.
fn median(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// The cosine of two vectors; 0 where one has no length.
pub(crate) fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 { dot(a, b) / lengths } else { 0.0 }
}
