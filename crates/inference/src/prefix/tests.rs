use proptest::prelude::*;

use super::*;

const ONE: Tenant = Tenant::of(1);
const OTHER: Tenant = Tenant::of(2);

fn most(common: usize, _: usize) -> usize {
    common
}

#[test]
fn the_longest_common_prefix_is_found_whether_the_entry_ends_there_or_goes_on() {
    let mut cache = PrefixCache::new(100);
    cache.insert(ONE, &[1, 2, 3, 4], 0, "abcd", 1);
    cache.insert(ONE, &[1, 2, 9, 9, 9, 9], 0, "ab9999", 1);
    cache.insert(ONE, &[1, 2], 0, "ab", 1);
    let found = |cache: &mut PrefixCache<_>, tokens: &[Token]| {
        cache.find(ONE, tokens, most).map(|found| (found.common, found.value))
    };
    assert_eq!(found(&mut cache, &[1, 2, 3, 4, 5]), Some((4, "abcd")));
    assert_eq!(found(&mut cache, &[1, 2, 3, 7]), Some((3, "abcd")));
    assert_eq!(found(&mut cache, &[1, 2, 7]), Some((2, "ab")));
    assert_eq!(found(&mut cache, &[1, 7]), Some((1, "ab")), "the shortest of equals");
    assert_eq!(found(&mut cache, &[7]), None);
    assert_eq!(found(&mut cache, &[]), None);
}

#[test]
fn what_one_tenant_read_helps_no_other() {
    let mut cache = PrefixCache::new(100);
    cache.insert(ONE, &[1, 2, 3], 0, (), 1);
    assert_eq!(cache.find(OTHER, &[1, 2, 3], most), None);
    cache.forget(OTHER);
    assert!(cache.find(ONE, &[1, 2, 3], most).is_some());
    cache.forget(ONE);
    assert_eq!((cache.find(ONE, &[1, 2, 3], most), cache.bytes(), cache.entries()), (None, 0, 0));
}

#[test]
fn exactness_decides_where_it_counts() {
    let mut cache = PrefixCache::new(100);
    cache.insert(ONE, &[1, 2, 3, 4, 5], 2, "long", 1);
    cache.insert(ONE, &[1, 2, 3], 3, "exact", 1);
    let found = cache.find(ONE, &[1, 2, 3, 4, 5, 6], |common, exact| common.min(exact)).unwrap();
    assert_eq!((found.value, found.exact), ("exact", 3));
}

#[test]
fn the_least_recently_used_leaves_first() {
    let mut cache = PrefixCache::new(3);
    for token in 1..=3 {
        cache.insert(ONE, &[token, 0], 0, token, 1);
    }
    assert!(cache.find(ONE, &[1, 0], most).is_some());
    cache.insert(ONE, &[4, 0], 0, 4, 1);
    assert_eq!(cache.find(ONE, &[2, 0], most), None);
    assert!(cache.find(ONE, &[1, 0], most).is_some());
    cache.insert(ONE, &[5, 0], 0, 5, 4);
    assert_eq!((cache.entries(), cache.bytes()), (3, 3), "what is above the budget alone is not kept");
    cache.insert(ONE, &[4, 0], 0, 40, 2);
    assert_eq!(cache.bytes(), 3);
    assert_eq!(cache.find(ONE, &[4, 0], most).unwrap().value, 40);
}

proptest! {
    /// Against a list that is searched from end to end.
    #[test]
    fn it_finds_what_a_search_of_all_entries_finds(
        operations in prop::collection::vec((prop::collection::vec(0u32..3, 1..8), 1u64..4, any::<bool>()), 1..60)
    ) {
        let mut cache = PrefixCache::new(12);
        // Tokens, bytes, last use.
        let mut list: Vec<(Vec<Token>, u64, usize)> = Vec::new();
        for (turn, (tokens, bytes, inserts)) in operations.into_iter().enumerate() {
            if inserts {
                cache.insert(ONE, &tokens, 0, tokens.clone(), bytes);
                list.retain(|(other, _, _)| *other != tokens);
                list.push((tokens, bytes, turn));
                while list.iter().map(|(_, bytes, _)| bytes).sum::<u64>() > 12 {
                    let oldest = list.iter().enumerate().min_by_key(|(_, (_, _, used))| *used).unwrap().0;
                    list.remove(oldest);
                }
            } else {
                let found = cache.find(ONE, &tokens, most);
                let best = list.iter().map(|(other, _, _)| common(other, &tokens)).max().filter(|most| *most > 0);
                prop_assert_eq!(found.as_ref().map(|found| found.common), best);
                if let Some(found) = found {
                    let used = list.iter_mut().find(|(other, _, _)| *other == found.value).unwrap();
                    used.2 = turn;
                }
            }
            prop_assert_eq!(cache.bytes(), list.iter().map(|(_, bytes, _)| bytes).sum::<u64>());
            prop_assert_eq!(cache.entries(), list.len());
        }
    }
}

#[test]
fn what_most_of_was_taken_or_was_asked_to_be_kept_is_told_as_used() {
    let mut cache = PrefixCache::new(100);
    let tokens = |first: Token| (0..128).map(|at| at * 10 + first).collect::<Vec<_>>();
    let rubric = [tokens(1), tokens(2)[..64].to_vec()].concat();
    cache.insert(ONE, &rubric, 64, "rubric", 1);
    cache.insert(ONE, &[tokens(1), tokens(3)].concat(), 0, "never taken", 1);
    cache.insert(OTHER, &tokens(4), 0, "asked for", 1);
    assert_eq!(cache.used(), vec![]);

    cache.find(ONE, &rubric[..64], most);
    assert_eq!(cache.longest(ONE, &[tokens(1), tokens(3)].concat()), 256);
    assert_eq!(cache.used(), vec![], "less than half of it was taken, and looking is no use");
    cache.find(ONE, &[&rubric[..150], &[7, 7]].concat(), most);
    cache.note_use(OTHER, &tokens(4));
    cache.note_use(OTHER, &tokens(4)[..64]);
    // Kept anew, it is what it was.
    cache.insert(ONE, &rubric, 128, "rubric", 1);
    let mut used = cache.used();
    used.sort_by_key(|used| used.tenant);
    let told = |used: &Used<&'static str>| (used.tenant, used.tokens.len(), used.exact, used.uses, used.value);
    let told: Vec<_> = used.iter().map(told).collect();
    assert_eq!(told, [(ONE, 192, 128, 1, "rubric"), (OTHER, 128, 0, 1, "asked for")]);
    assert_eq!(used[0].tokens, rubric);
}
