//! Which answers of two jobs are compared: of which system of each, on which datasets.

use base::{Error, Result};
use serde_json::{Value, json};

use super::super::job::EvaluationJob;
use super::super::report::{Part, datasets_of, system_of};

/// The answers of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places {
    /// Of this system, by its place.
    pub(super) system: usize,
    /// On these datasets, by their places.
    pub(super) datasets: Vec<usize>,
    /// Were all datasets meant, as none was named?
    all: bool,
    /// Was the system named?
    is_named: bool,
}

impl Places {
    /// Those of both sides. What is not said of the second job is as it is said of the first. Where nothing is said, all datasets
    /// are meant and of the systems the first; of one job, which is compared with itself, the other one of its systems.
    ///
    /// # Errors
    /// Invalid, where a job has no such dataset or system, or where both sides are the same answers.
    pub(super) fn of(
        (first, part): (&EvaluationJob, Part<'_>),
        (second, other): (&EvaluationJob, Part<'_>),
    ) -> Result<[Self; 2]> {
        let is_one = first.id == second.id;
        let one = Self::read(first, part, 0)?;
        let system = other.system.or(part.system.filter(|_| !is_one));
        let other = Part { dataset: other.dataset.or(part.dataset), system };
        let usual = usize::from(is_one && one.system == 0 && first.asked.systems.len() > 1);
        let other = Self::read(second, other, usual)?;
        // The answers of one system to other prompts are no second side.
        if is_one && one.system == other.system {
            return Err(match first.asked.systems.len() {
                1 => Error::invalid(format!("The evaluation job `{}` has one system alone.", first.name))
                    .with_hint("Name two jobs, or a job that evaluates two systems."),
                _ => Error::invalid(format!("The answers of `{}` are compared with themselves.", first.name))
                    .with_hint("Name two systems of the job, or two jobs."),
            });
        }
        Ok([one, other])
    }

    fn read(job: &EvaluationJob, part: Part<'_>, usual: usize) -> Result<Self> {
        let named = system_of(job, part.system)?;
        let (all, is_named) = (part.dataset.is_none(), named.is_some());
        let datasets = datasets_of(job, part.dataset)?;
        Ok(Self { system: named.unwrap_or(usual), datasets, all, is_named })
    }

    /// What the side is called: by the job or, of one job, by the system.
    pub(super) fn name(&self, job: &EvaluationJob, is_one: bool) -> String {
        let systems = &job.asked.systems;
        let label = systems[self.system].label();
        let system = match systems.iter().filter(|system| system.label() == label).count() {
            // One model twice, asked in two ways.
            2.. => format!("{label} ({})", self.system),
            _ => label.to_owned(),
        };
        let mut name = match is_one {
            true => system,
            false if self.is_named && systems.len() > 1 => format!("{} of {system}", job.name),
            false => job.name.clone(),
        };
        if let (false, [dataset]) = (self.all, self.datasets.as_slice())
            && job.asked.datasets.len() > 1
        {
            name.push_str(&format!(" on {}", job.asked.datasets[*dataset].name));
        }
        name
    }

    /// The names of its datasets.
    pub(super) fn datasets(&self, job: &EvaluationJob) -> Vec<String> {
        self.datasets.iter().map(|at| job.asked.datasets[*at].name.clone()).collect()
    }
}

/// What tells the pairs of these sides from those of others of the same jobs; nothing of the first system, or of the first two of one
/// job, on the first dataset alone. Only these were compared once, and their verdicts are still theirs.
pub(super) fn told_apart([one, other]: &[Places; 2], is_one: bool) -> String {
    let first = |places: &Places, system: usize| places.system == system && places.datasets == [0];
    if first(one, 0) && first(other, usize::from(is_one)) {
        return String::new();
    }
    format!("\n{} {:?} {} {:?}", one.system, one.datasets, other.system, other.datasets)
}

/// The parts of a job's work.
pub(super) fn to_json(part: Part<'_>, other: Part<'_>) -> Value {
    let told = |part: Part<'_>| json!({"dataset": part.dataset, "system": part.system});
    json!([told(part), told(other)])
}

/// The parts that a job's work is of. Work that does not say so is of an earlier version, which compared the first datasets alone.
pub(super) fn of_json(parts: &Value) -> [Part<'_>; 2] {
    if parts.is_null() {
        return [Part { dataset: Some("0"), system: None }; 2];
    }
    [0_usize, 1].map(|at| Part { dataset: parts[at]["dataset"].as_str(), system: parts[at]["system"].as_str() })
}

#[cfg(test)]
mod tests {
    use base::Timestamp;

    use super::*;
    use crate::evaluations::EvaluationStatus;
    use crate::evaluations::plan::{Asked, AskedDataset, Parameters, System};
    use crate::evaluations::prices::Prices;

    /// A job that is called by its id, of these models on these datasets.
    fn job(id: &str, systems: &[&str], datasets: &[&str]) -> EvaluationJob {
        let system = |model: &&str| System::Model { model: (*model).to_owned(), parameters: Parameters::default() };
        let dataset = |name: &&str| AskedDataset {
            name: (*name).to_owned(),
            uri: String::new(),
            task: String::new(),
            metrics: Vec::new(),
        };
        let asked = Asked {
            systems: systems.iter().map(system).collect(),
            datasets: datasets.iter().map(dataset).collect(),
            judge: None,
            custom: Vec::new(),
            custom_judge: None,
            output: String::new(),
            unlimited: false,
            askings: 1,
            embedder: None,
            prices: Prices::default(),
        };
        EvaluationJob {
            id: id.to_owned(),
            arn: format!("arn:aws:bedrock:us-east-1:123456789012:evaluation-job/{id}").parse().unwrap(),
            name: id.to_owned(),
            description: None,
            status: EvaluationStatus::Completed,
            messages: Vec::new(),
            role_arn: String::new(),
            output_key: None,
            tags: Vec::new(),
            asked,
            configuration: Value::Null,
            request_token: None,
            folder: String::new(),
            work: None,
            total: None,
            begun: None,
            created: Timestamp(0),
            modified: Timestamp(0),
            ended: None,
        }
    }

    fn part<'a>(dataset: Option<&'a str>, system: Option<&'a str>) -> Part<'a> {
        Part { dataset, system }
    }

    type Found = ((usize, Vec<usize>, String), (usize, Vec<usize>, String), String);

    fn found(one: (&EvaluationJob, Part<'_>), other: (&EvaluationJob, Part<'_>)) -> Result<Found> {
        let is_one = one.0.id == other.0.id;
        let sides = Places::of(one, other)?;
        let told = |places: &Places, job| (places.system, places.datasets.clone(), places.name(job, is_one));
        Ok((told(&sides[0], one.0), told(&sides[1], other.0), told_apart(&sides, is_one)))
    }

    #[test]
    fn all_datasets_are_compared_where_none_is_named() {
        let (one, other) = (job("a", &["m"], &["d", "e"]), job("b", &["m", "n"], &["f"]));
        let (first, second, apart) = found((&one, Part::default()), (&other, Part::default())).unwrap();
        assert_eq!((first, second), ((0, vec![0, 1], "a".to_owned()), (0, vec![0], "b".to_owned())));
        assert!(!apart.is_empty());
        let both = found((&other, Part::default()), (&other, Part::default())).unwrap();
        assert_eq!(both.0, (0, vec![0], "m".to_owned()));
        assert_eq!((both.1, both.2.as_str()), ((1, vec![0], "n".to_owned()), ""));
        assert_eq!(
            Places::of((&one, Part::default()), (&other, Part::default())).unwrap()[0].datasets(&one),
            ["d", "e"]
        );
    }

    #[test]
    fn what_is_named_is_meant_and_what_there_is_not_is_told() {
        let (one, other) = (job("a", &["m"], &["d", "e"]), job("b", &["m", "n"], &["d", "e"]));
        let (first, second, apart) = found((&one, part(Some("e"), None)), (&other, part(None, Some("n")))).unwrap();
        assert_eq!((first, second), ((0, vec![1], "a on e".to_owned()), (1, vec![1], "b of n on e".to_owned())));
        let others = found((&one, part(Some("e"), None)), (&other, part(Some("0"), Some("n")))).unwrap();
        assert_eq!(others.1, (1, vec![0], "b of n on d".to_owned()));
        assert_ne!(others.2, apart);
        // The first dataset by name is what was compared once.
        assert_eq!(found((&one, part(Some("d"), None)), (&other, Part::default())).unwrap().2, "");
        let error = found((&one, part(Some("f"), None)), (&other, Part::default())).unwrap_err();
        assert!(error.message.contains("no dataset `f`"), "{error}");
        let error = found((&one, Part::default()), (&other, part(None, Some("o")))).unwrap_err();
        assert_eq!(error.hint.as_deref(), Some("By place and name it has 0 `m`, 1 `n`."));
    }

    #[test]
    fn one_job_is_compared_by_its_two_systems() {
        let two = job("b", &["m", "m"], &["d"]);
        let of = |one: Option<&str>, other: Option<&str>| {
            found((&two, part(None, one)), (&two, part(None, other))).map(|(one, other, _)| (one.2, other.2))
        };
        let names = |one: &str, other: &str| Ok((one.to_owned(), other.to_owned()));
        assert_eq!(of(None, None), names("m (0)", "m (1)"));
        assert_eq!(of(Some("1"), None), names("m (1)", "m (0)"));
        assert_eq!(of(None, Some("1")), names("m (0)", "m (1)"));
        assert!(of(Some("1"), Some("1")).unwrap_err().message.contains("compared with themselves"));
        let alone = job("a", &["m"], &["d", "e"]);
        let error = found((&alone, part(Some("d"), None)), (&alone, part(Some("e"), None))).unwrap_err();
        assert!(error.message.contains("one system alone"), "{error}");
    }

    #[test]
    fn parts_survive_being_kept() {
        let [one, other] = [part(Some("d"), None), part(None, Some("1"))];
        let kept = to_json(one, other);
        let read = of_json(&kept).map(|part| (part.dataset, part.system));
        assert_eq!(read, [(Some("d"), None), (None, Some("1"))]);
        let kept = to_json(Part::default(), Part::default());
        assert!(of_json(&kept).iter().all(|part| part.dataset.is_none() && part.system.is_none()));
        // What was asked for before there were parts is compared as it was, and goes on with the verdicts of then.
        let (one, other) = (job("a", &["m"], &["d", "e"]), job("b", &["m"], &["d", "e"]));
        let [part, other_part] = of_json(&Value::Null);
        let (first, second, apart) = found((&one, part), (&other, other_part)).unwrap();
        assert_eq!((first.1, second.1, apart.as_str()), (vec![0], vec![0], ""));
    }
}
