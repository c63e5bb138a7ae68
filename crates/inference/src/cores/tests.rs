use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn a_set_is_read_as_it_is_written(cores in prop::collection::btree_set(0..1024_u32, 1..40)) {
        let set = CoreSet::of(cores.iter().copied()).unwrap();
        prop_assert_eq!(set.to_string().parse::<CoreSet>().unwrap(), set.clone());
        prop_assert_eq!(set.count() as usize, cores.len());
    }
}

proptest! {
    #[test]
    fn a_set_is_split_into_neighbours_of_about_one_size(
        cores in prop::collection::btree_set(0..1024_u32, 1..40), parts in 0..50_u32,
    ) {
        let set = CoreSet::of(cores.iter().copied()).unwrap();
        let Some(split) = set.split(parts) else {
            prop_assert!(parts == 0 || parts > set.count());
            return Ok(());
        };
        prop_assert_eq!(split.len(), parts as usize);
        prop_assert_eq!(split.iter().flat_map(CoreSet::iter).collect::<Vec<u32>>(), set.iter().collect::<Vec<u32>>());
        let counts = || split.iter().map(CoreSet::count);
        prop_assert!(counts().max().unwrap() - counts().min().unwrap() <= 1);
        prop_assert!(split.iter().all(|part| set.lacks(part).is_none()));
        prop_assert_eq!(split[0].lacks(&set).is_none(), parts == 1);
    }
}

#[test]
fn neighbours_are_written_as_a_range() {
    assert_eq!(CoreSet::of([3, 0, 1, 2, 8]).unwrap().to_string(), "0-3,8");
}

#[test]
fn what_is_no_set_is_refused() {
    for text in ["", "a", "3-1", "1,,2", "-1", "1024", "0-4294967295"] {
        assert!(text.parse::<CoreSet>().is_err(), "{text}");
    }
    assert_eq!(CoreSet::of([]), None);
}

#[cfg(target_os = "linux")]
mod on_linux {
    use std::sync::Arc;

    use base::SystemRandom;
    use rustix::thread::{CpuSet, sched_getaffinity};

    use super::*;
    use crate::fake::{FakeLoader, FakeOpen};
    use crate::{GenerateRequest, LoadOptions, Prompt, Sampling};

    fn allowed() -> Vec<u32> {
        let set = sched_getaffinity(None).unwrap();
        (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).map(|core| core as u32).collect()
    }

    #[test]
    fn the_thread_and_those_that_it_starts_run_on_the_set_alone() {
        let all = allowed();
        let last = *all.last().unwrap();
        let mut seen = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let open = FakeOpen { parallel: 1, replies: Vec::new() };
                let mut pinned = Pinned::new(CoreSet::of([last]), open);
                pinned.open(&mut |_| seen = vec![allowed(), std::thread::spawn(allowed).join().unwrap()]).unwrap();
            });
        });
        assert_eq!(seen, [vec![last], vec![last]]);
        assert_eq!(allowed(), all, "other threads stay where they were");
    }

    #[test]
    fn the_system_tells_the_cores_of_a_thread() {
        assert_eq!(CoreSet::available().unwrap().iter().collect::<Vec<u32>>(), allowed());
    }

    #[test]
    fn a_core_that_is_not_there_is_named() {
        let error = std::thread::spawn(|| pin(&CoreSet::of([0, 1023]).unwrap())).join().unwrap().unwrap_err();
        assert!(error.to_string().contains("1023"), "{error}");
    }

    #[test]
    fn a_replica_on_a_core_that_is_not_there_is_not_loaded() {
        let options = LoadOptions { cores: vec![CoreSet::of([1023]).unwrap()], ..LoadOptions::default() };
        let loader = FakeLoader::new(Arc::new(base::SystemClock), Arc::new(SystemRandom));
        assert!(loader.replicas(&options, &[]).err().unwrap().to_string().contains("1023"));
    }

    #[test]
    fn a_pinned_model_answers() {
        let core = allowed()[0];
        let options = LoadOptions { cores: vec![CoreSet::of([core]).unwrap()], ..LoadOptions::default() };
        let model = FakeLoader::default().replicas(&options, &[("Hi", "there")]).unwrap();
        let prompt = Prompt::Text { text: "Hi".to_owned(), parse_special: false, add_bos: false };
        let request = GenerateRequest { prompt, sampling: Sampling::greedy(), ..GenerateRequest::default() };
        let answer = model.generate(request).unwrap();
        assert_eq!(futures::executor::block_on(answer.collect()).unwrap().text, "there");
    }
}
