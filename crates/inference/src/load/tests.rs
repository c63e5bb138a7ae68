use super::*;
use crate::fake::FakeLoader;
use crate::{Loader as _, ModelFiles};

fn cores(text: &str) -> CoreSet {
    text.parse().unwrap()
}

fn refusal(options: LoadOptions) -> String {
    options.validate().unwrap_err().to_string()
}

#[test]
fn the_defaults_are_valid() {
    assert!(LoadOptions::default().validate().is_ok());
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let with = LoadOptions::default;
    assert!(refusal(LoadOptions { replicas: 0, ..with() }).contains("`replicas` is 0"));
    assert!(refusal(LoadOptions { replicas: 65, ..with() }).contains("1 to 64"));
    let one_set = LoadOptions { replicas: 2, cores: vec![cores("0")], ..with() };
    assert!(refusal(one_set).contains("1 core sets are given for 2 replicas"));
    let twice = LoadOptions { replicas: 2, cores: vec![cores("0-1"), cores("1-2")], ..with() };
    assert!(refusal(twice).contains("core 1 is in two core sets"));
    let in_steps = LoadOptions { cache_type: CacheType::Q8_0, attention: Some(false), ..with() };
    assert!(refusal(in_steps).contains("`q8_0` needs attention in one pass"));
    assert!(refusal(LoadOptions { main_gpu: 16, ..with() }).contains("no GPU 16"));
    assert!(refusal(LoadOptions { gpus: vec![16], ..with() }).contains("no GPU 16"));
    assert!(refusal(LoadOptions { gpus: vec![0, 1], ..with() }).contains("2 GPUs are given for 1 replicas"));
    for cut in [LoadOptions { split: Split::Row, ..with() }, LoadOptions { tensor_split: vec![1.0, 1.0], ..with() }] {
        assert!(refusal(LoadOptions { gpus: vec![0], ..cut }).contains("cannot be cut"));
    }
    assert!(refusal(LoadOptions { tensor_split: vec![1.0; 17], ..with() }).contains("are 17 and may be 16"));
    for shares in [vec![1.0, -1.0], vec![f32::NAN], vec![f32::INFINITY]] {
        assert!(refusal(LoadOptions { tensor_split: shares, ..with() }).contains("0 or more"));
    }
    assert!(refusal(LoadOptions { tensor_split: vec![0.0, 0.0], ..with() }).contains("all 0"));
}

#[test]
fn what_belongs_together_is_valid() {
    let options = LoadOptions {
        replicas: 2,
        cores: vec![cores("0-1"), cores("2,3")],
        cache_type: CacheType::Q8_0,
        attention: Some(true),
        split: Split::Row,
        main_gpu: 1,
        tensor_split: vec![3.0, 0.0, 1.0],
        ..LoadOptions::default()
    };
    assert!(options.validate().is_ok());
    assert!(
        LoadOptions { cache_type: CacheType::F32, attention: Some(false), ..LoadOptions::default() }.validate().is_ok()
    );
}

#[test]
fn each_replica_has_the_whole_model_on_its_gpu() {
    let options = LoadOptions { replicas: 3, gpus: vec![0, 2, 0], ..LoadOptions::default() };
    assert!(options.validate().is_ok());
    let places = (0..3).map(|replica| options.of_replica(replica)).map(|own| (own.split, own.main_gpu));
    assert_eq!(places.collect::<Vec<_>>(), [(Split::None, 0), (Split::None, 2), (Split::None, 0)]);
    assert_eq!(options.copies_of_weights(), 2);
    assert_eq!(LoadOptions::default().of_replica(0), LoadOptions::default());
    let sets = vec![cores("0"), cores("1"), cores("2")];
    for replicas in 1..5 {
        let scaled = LoadOptions { cores: sets.clone(), ..options.clone() }.with_replicas(replicas);
        assert!(scaled.validate().is_ok(), "{replicas}");
        assert_eq!((scaled.gpus, scaled.cores.len() == 3), ([0, 2, 0, 0][..replicas as usize].to_vec(), replicas == 3));
    }
    assert!(LoadOptions::default().with_replicas(4).gpus.is_empty());
}

#[test]
fn memory_counts_the_weights_once_and_the_caches_of_every_replica_by_their_type() {
    let files = ModelFiles { dir: "/nowhere".into(), main: "/nowhere/model.gguf".into() };
    let mut facts = FakeLoader::default().inspect(&files).unwrap();
    (facts.weights_bytes, facts.cache_bytes_per_token, facts.working_bytes) = (1000, 64, 7);
    let options =
        LoadOptions { parallel: 2, context_per_sequence: 10, shared_cells: 5, replicas: 1, ..LoadOptions::default() };
    assert_eq!(facts.memory_bytes(&options), 1000 + 64 * 25 + 7);
    let three = LoadOptions { replicas: 3, ..options.clone() };
    assert_eq!(facts.memory_bytes(&three), 1000 + 3 * (64 * 25 + 7));
    let floats = LoadOptions { cache_type: CacheType::F32, ..options.clone() };
    assert_eq!(facts.memory_bytes(&floats), 1000 + 128 * 25 + 7);
    let apart = LoadOptions { replicas: 2, gpus: vec![0, 1], ..options.clone() };
    assert_eq!(facts.memory_bytes(&apart), 2 * (1000 + 64 * 25 + 7));
    // The shared buffer is of the same type.
    let small = LoadOptions { cache_type: CacheType::Q8_0, ..options };
    assert_eq!(facts.memory_bytes(&small), 1000 + 34 * 25 + 7);
}

#[test]
fn names_are_read_as_they_are_written() {
    for kind in [CacheType::F16, CacheType::F32, CacheType::Q8_0] {
        assert_eq!(kind.to_string().parse::<CacheType>().unwrap(), kind);
    }
    for split in [Split::None, Split::Layer, Split::Row] {
        assert_eq!(split.to_string().parse::<Split>().unwrap(), split);
    }
    assert!("q4_0".parse::<CacheType>().unwrap_err().to_string().contains("`q8_0`"));
    assert!("column".parse::<Split>().unwrap_err().to_string().contains("`layer`"));
}
