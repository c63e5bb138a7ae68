use super::*;

fn draw(sampling: Sampling, logits: &[f32], times: usize) -> Vec<Token> {
    let mut sampler = Sampler::new(sampling, 7, &[]);
    (0..times).map(|_| sampler.sample(logits, None).unwrap()).collect()
}

#[test]
fn greedy_takes_the_lowest_of_equal_tokens() {
    let mut logits = vec![0.0; 100];
    logits[77] = 5.0;
    logits[41] = 5.0;
    assert_eq!(draw(Sampling::greedy(), &logits, 1), [41]);
}

#[test]
fn greedy_passes_over_what_is_not_a_number() {
    let mut logits = vec![f32::NAN; 70];
    logits[69] = -3.0;
    assert_eq!(draw(Sampling::greedy(), &logits, 1), [69]);
    assert!(Sampler::new(Sampling::greedy(), 0, &[]).sample(&[f32::NAN; 70], None).is_err());
}

#[test]
fn a_mask_hides_tokens() {
    let logits = [1.0, 9.0, 3.0, 2.0];
    let token = Sampler::new(Sampling::greedy(), 0, &[]).sample(&logits, Some(&[0b1101])).unwrap();
    assert_eq!(token, 2);
    assert!(Sampler::new(Sampling::greedy(), 0, &[]).sample(&logits, Some(&[0])).is_err());
}

#[test]
fn the_same_seed_draws_the_same_tokens() {
    let logits: Vec<f32> = (0..500).map(|at| (at % 17) as f32 * 0.3).collect();
    let seeded = |seed| draw(Sampling { seed: Some(seed), ..Sampling::default() }, &logits, 50);
    assert_eq!(seeded(1), seeded(1));
    assert_ne!(seeded(1), seeded(2));
}

#[test]
fn top_k_keeps_that_many() {
    let logits: Vec<f32> = (0..200).map(|at| at as f32 * 0.001).collect();
    let drawn = draw(Sampling { top_k: 3, ..Sampling::default() }, &logits, 500);
    assert!(drawn.iter().all(|token| *token >= 197));
    assert!([197, 198, 199].iter().all(|token| drawn.contains(token)));
}

#[test]
fn top_p_keeps_the_fewest_that_hold_the_weight() {
    // Probabilities 0.5, 0.3, 0.15, 0.05.
    let logits: Vec<f32> = [0.15_f32, 0.5, 0.05, 0.3].iter().map(|probability| probability.ln()).collect();
    let drawn = draw(Sampling { top_p: 0.7, ..Sampling::default() }, &logits, 500);
    assert!(drawn.contains(&1) && drawn.contains(&3));
    assert!(drawn.iter().all(|token| [1, 3].contains(token)));
}

#[test]
fn a_wide_nucleus_is_found_across_sorted_blocks() {
    let logits = vec![0.0; 1000];
    let drawn = draw(Sampling { top_p: 0.5, ..Sampling::default() }, &logits, 2000);
    assert!(drawn.iter().all(|token| *token < 500));
    assert!(drawn.iter().any(|token| *token > 400));
}

#[test]
fn the_nucleus_is_the_shortest_run_of_a_sorted_list() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for spread in [0.0_f32, 1e-3, 0.5, 4.0, 27.0] {
        let weights: Vec<f32> = (0..3000).map(|_| exp(-spread * random.random::<f32>())).collect();
        let all: Vec<Candidate> =
            (0..).zip(&weights).map(|(token, weight)| Candidate { logit: *weight, token }).collect();
        for share in [0.0, 1e-6, 0.1, 0.5, 0.9, 0.999] {
            let mut sorted = all.clone();
            sorted.sort_by(Candidate::order);
            let mut enough = weight(&all) * share;
            let short = sorted.iter().position(|candidate| {
                enough -= f64::from(candidate.logit);
                enough <= 1e-9
            });
            sorted.truncate(short.unwrap() + 1);
            let mut kept = all.clone();
            Nucleus::default().keep(&mut kept, share);
            kept.sort_by(Candidate::order);
            let tokens = |of: &[Candidate]| of.iter().map(|candidate| candidate.token).collect::<Vec<_>>();
            assert_eq!(tokens(&kept), tokens(&sorted), "spread {spread}, share {share}");
        }
    }
}

#[test]
fn min_p_keeps_tokens_near_the_best() {
    let logits: Vec<f32> = [0.5_f32, 0.4, 0.1].iter().map(|probability| probability.ln()).collect();
    let drawn = draw(Sampling { min_p: 0.5, ..Sampling::default() }, &logits, 500);
    assert!(drawn.contains(&1) && !drawn.contains(&2));
}

#[test]
fn frequencies_follow_the_probabilities() {
    let logits: Vec<f32> = [0.7_f32, 0.2, 0.1].iter().map(|probability| probability.ln()).collect();
    let drawn = draw(Sampling::default(), &logits, 20_000);
    let share = |token| drawn.iter().filter(|drawn| **drawn == token).count() as f32 / 20_000.0;
    assert!((share(0) - 0.7).abs() < 0.02 && (share(1) - 0.2).abs() < 0.02 && (share(2) - 0.1).abs() < 0.02);
}

#[test]
fn penalties_and_biases_change_the_choice() {
    let logits = [2.0, 1.5, 1.0, 0.0];
    let choose = |sampling: Sampling, written: &[Token], prompt: &[Token]| {
        let mut sampler = Sampler::new(Sampling { temperature: 0.0, ..sampling }, 0, prompt);
        written.iter().for_each(|token| sampler.accept(*token));
        sampler.sample(&logits, None).unwrap()
    };
    let default = Sampling::default;
    assert_eq!(choose(Sampling { presence_penalty: 1.0, ..default() }, &[0], &[]), 1);
    assert_eq!(choose(Sampling { presence_penalty: 1.0, ..default() }, &[], &[0]), 0);
    assert_eq!(choose(Sampling { frequency_penalty: 0.4, ..default() }, &[0], &[]), 0);
    assert_eq!(choose(Sampling { frequency_penalty: 0.4, ..default() }, &[0, 0], &[]), 1);
    assert_eq!(choose(Sampling { repeat_penalty: 2.0, ..default() }, &[], &[0]), 1);
    assert_eq!(choose(Sampling { logit_bias: vec![(0, -100.0)], ..default() }, &[], &[]), 1);
    assert_eq!(choose(Sampling { logit_bias: vec![(3, 100.0)], ..default() }, &[], &[]), 3);
    assert_eq!(choose(Sampling { logit_bias: vec![(99, 100.0)], ..default() }, &[], &[]), 0);
    let twice = vec![(3, 2.0), (0, -1.0), (3, 2.0), (0, -1.0)];
    assert_eq!(choose(Sampling { logit_bias: twice, ..default() }, &[], &[]), 3, "biases of one token add up");
    let banned = vec![(0, 50.0), (0, -100.0), (0, 50.0)];
    assert_eq!(choose(Sampling { logit_bias: banned, ..default() }, &[], &[]), 1, "a ban outweighs all else");
}

#[test]
fn log_probabilities_cover_the_whole_vocabulary() {
    let probabilities = [0.1_f32, 0.6, 0.05, 0.25];
    let logits: Vec<f32> = probabilities.iter().map(|probability| probability.ln() + 3.0).collect();
    let (own, top) = logprobs(&logits, 3, 2);
    assert!((own - 0.25_f32.ln()).abs() < 1e-5);
    assert_eq!(top.iter().map(|best| best.token).collect::<Vec<_>>(), [1, 3]);
    assert!((top[0].logprob - 0.6_f32.ln()).abs() < 1e-5);
    assert!(logprobs(&logits, 0, 0).1.is_empty());
}

#[test]
fn parameters_outside_their_range_are_refused() {
    let default = Sampling::default;
    for sampling in [
        Sampling { temperature: -0.1, ..default() },
        Sampling { temperature: f32::NAN, ..default() },
        Sampling { top_p: 1.1, ..default() },
        Sampling { presence_penalty: 3.0, ..default() },
        Sampling { repeat_penalty: 0.0, ..default() },
        Sampling { logit_bias: vec![(1, f32::INFINITY)], ..default() },
    ] {
        assert!(matches!(sampling.validate(), Err(Error::Request { .. })), "{sampling:?}");
    }
    assert!(default().validate().is_ok());
}

#[test]
fn the_exponential_is_exact_to_two_units() {
    for step in 0..87_000 {
        let x = step as f32 * -0.001;
        let exact = f64::from(x).exp();
        assert!((f64::from(exp(x)) / exact - 1.0).abs() < 2.4e-7, "{x}");
    }
    assert!(exp(f32::NEG_INFINITY) < 1e-37);
}
