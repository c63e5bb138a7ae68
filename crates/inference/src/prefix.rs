//! A radix tree over token prefixes: what was read of earlier prompts and can be read again without computing it.
//!
//! Each tenant has a tree of its own. An entry stands for a whole sequence of tokens; whatever prefix a prompt shares
//! with it can be taken from it. Entries are kept under a budget of bytes, the least recently used leave first.

use std::collections::{BTreeMap, HashMap};

use crate::Token;
use crate::generation::Tenant;

/// States of sequences, by their tokens.
#[derive(Debug)]
pub(crate) struct PrefixCache<T> {
    roots: HashMap<Tenant, Node<T>>,
    budget: u64,
    bytes: u64,
    entries: usize,
    clock: u64,
}

#[derive(Debug)]
struct Node<T> {
    /// The tokens between the node above and this one.
    edge: Vec<Token>,
    /// By the first token of their edge.
    children: BTreeMap<Token, Node<T>>,
    entry: Option<Entry<T>>,
}

#[derive(Debug)]
struct Entry<T> {
    value: T,
    bytes: u64,
    exact: usize,
    used: u64,
    /// How many prompts began with most of it, or asked for it to be kept.
    uses: u32,
}

/// What helps a prompt most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found<T> {
    /// How many of the prompt's first tokens the entry has read.
    pub(crate) common: usize,
    /// How many of the entry's first tokens were read in the exact way.
    pub(crate) exact: usize,
    /// The entry.
    pub(crate) value: T,
}

/// An entry that is worth keeping longer than the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Used<T> {
    /// Whose it is.
    pub(crate) tenant: Tenant,
    /// Its tokens.
    pub(crate) tokens: Vec<Token>,
    /// How many of them were read in the exact way.
    pub(crate) exact: usize,
    /// How many prompts used it.
    pub(crate) uses: u32,
    /// The entry.
    pub(crate) value: T,
}

/// Entries under one node that are looked at: a prompt that ends among thousands needs not the best of them.
const LOOKED_AT: usize = 64;

impl<T: Clone> PrefixCache<T> {
    /// An empty cache of at most so many bytes.
    pub(crate) fn new(budget: u64) -> Self {
        Self { roots: HashMap::new(), budget, bytes: 0, entries: 0, clock: 0 }
    }

    /// The bytes of all entries.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The number of entries.
    pub(crate) fn entries(&self) -> usize {
        self.entries
    }

    /// The entry that saves the prompt the most tokens, as `useful(common, exact)` counts them; of equals the shortest. It
    /// counts as used where that is most of it.
    pub(crate) fn find(
        &mut self,
        tenant: Tenant,
        tokens: &[Token],
        useful: impl Fn(usize, usize) -> usize,
    ) -> Option<Found<T>> {
        let (common, length, entry) = self.best(tenant, tokens, useful)?;
        if is_most(common, length) {
            entry.uses = entry.uses.saturating_add(1);
        }
        Some(Found { common, exact: entry.exact, value: entry.value.clone() })
    }

    /// How many of these tokens an entry begins with. That entry is not the next one to leave.
    pub(crate) fn longest(&mut self, tenant: Tenant, tokens: &[Token]) -> usize {
        self.best(tenant, tokens, |common, _| common).map_or(0, |(common, ..)| common)
    }

    /// The same, and notes that the entry is worth keeping.
    pub(crate) fn longest_used(&mut self, tenant: Tenant, tokens: &[Token]) -> usize {
        let Some((common, _, entry)) = self.best(tenant, tokens, |common, _| common) else { return 0 };
        entry.uses = entry.uses.saturating_add(1);
        common
    }

    /// The best entry, just used: how many tokens it shares, how many it has, and itself.
    fn best(
        &mut self,
        tenant: Tenant,
        tokens: &[Token],
        useful: impl Fn(usize, usize) -> usize,
    ) -> Option<(usize, usize, &mut Entry<T>)> {
        let root = self.roots.get_mut(&tenant)?;
        let mut best: Option<(usize, usize, usize)> = None;
        root.visit(tokens, |common, exact, length| {
            let gain = useful(common, exact);
            if gain > 0 && best.is_none_or(|(least, _, shortest)| (gain, shortest) > (least, length)) {
                best = Some((gain, common, length));
            }
        });
        let (_, common, length) = best?;
        self.clock += 1;
        let entry = root.entry_at(tokens, common, length)?;
        entry.used = self.clock;
        Some((common, length, entry))
    }

    /// Notes that an entry of just these tokens, where there is one, is worth keeping.
    pub(crate) fn note_use(&mut self, tenant: Tenant, tokens: &[Token]) {
        if let Some(entry) = self.roots.get_mut(&tenant).and_then(|root| root.at(tokens)) {
            entry.uses = entry.uses.saturating_add(1);
        }
    }

    /// The entries that were used again, the last used first.
    pub(crate) fn used(&self) -> Vec<Used<T>> {
        let mut all = Vec::new();
        for (tenant, root) in &self.roots {
            root.walk(&mut Vec::new(), &mut |tokens, entry| {
                if entry.uses > 0 {
                    let (tokens, value) = (tokens.to_vec(), entry.value.clone());
                    let used = Used { tenant: *tenant, tokens, exact: entry.exact, uses: entry.uses, value };
                    all.push((entry.used, used));
                }
            });
        }
        all.sort_by_key(|(used, _)| std::cmp::Reverse(*used));
        all.into_iter().map(|(_, used)| used).collect()
    }

    /// Keeps the state of a sequence whose first `exact` tokens were read in the exact way; takes the place of what was
    /// kept for the same tokens. What alone is above the budget is not kept.
    pub(crate) fn insert(&mut self, tenant: Tenant, tokens: &[Token], exact: usize, value: T, bytes: u64) {
        if tokens.is_empty() || bytes > self.budget {
            return;
        }
        self.clock += 1;
        let root = self.roots.entry(tenant).or_insert_with(|| Node::new(Vec::new()));
        let uses = root.at(tokens).map_or(0, |before| before.uses);
        let entry = Entry { value, bytes, exact, used: self.clock, uses };
        match root.insert(tokens, entry) {
            Some(replaced) => self.bytes -= replaced.bytes,
            None => self.entries += 1,
        }
        self.bytes += bytes;
        while self.bytes > self.budget && self.drop_oldest() {}
    }

    /// Drops a tenant's entries.
    pub(crate) fn forget(&mut self, tenant: Tenant) {
        if let Some(mut root) = self.roots.remove(&tenant) {
            root.each(&mut |entry| {
                self.bytes -= entry.bytes;
                self.entries -= 1;
            });
        }
    }

    fn drop_oldest(&mut self) -> bool {
        let mut oldest: Option<(u64, Tenant)> = None;
        for (tenant, root) in &mut self.roots {
            root.each(&mut |entry| {
                if oldest.is_none_or(|(used, _)| entry.used < used) {
                    oldest = Some((entry.used, *tenant));
                }
            });
        }
        let Some((used, tenant)) = oldest else { return false };
        let Some(root) = self.roots.get_mut(&tenant) else { return false };
        let Some(entry) = root.remove(used) else { return false };
        if root.is_empty() {
            self.roots.remove(&tenant);
        }
        self.bytes -= entry.bytes;
        self.entries -= 1;
        true
    }
}

impl<T> Node<T> {
    fn new(edge: Vec<Token>) -> Self {
        Self { edge, children: BTreeMap::new(), entry: None }
    }

    fn is_empty(&self) -> bool {
        self.entry.is_none() && self.children.is_empty()
    }

    /// Shows the entries that share tokens with the prompt: how many, how many are exact, and the entry's length.
    fn visit(&self, tokens: &[Token], mut see: impl FnMut(usize, usize, usize)) {
        let (mut node, mut depth) = (self, 0);
        loop {
            if let Some(entry) = &node.entry {
                see(depth, entry.exact, depth);
            }
            let next = tokens.get(depth).and_then(|token| node.children.get(token));
            let Some(child) = next else { return node.below(depth, depth, &mut LOOKED_AT.clone(), &mut see) };
            let common = common(&child.edge, &tokens[depth..]);
            if common < child.edge.len() {
                let length = depth + child.edge.len();
                return child.see_all(depth + common, length, &mut LOOKED_AT.clone(), &mut see);
            }
            depth += child.edge.len();
            node = child;
        }
    }

    fn see_all(&self, common: usize, depth: usize, left: &mut usize, see: &mut impl FnMut(usize, usize, usize)) {
        if let Some(entry) = self.entry.as_ref().filter(|_| *left > 0) {
            *left -= 1;
            see(common, entry.exact, depth);
        }
        self.below(common, depth, left, see);
    }

    fn below(&self, common: usize, depth: usize, left: &mut usize, see: &mut impl FnMut(usize, usize, usize)) {
        for child in self.children.values() {
            if *left == 0 {
                return;
            }
            child.see_all(common, depth + child.edge.len(), left, see);
        }
    }

    /// The entry of this length that shares the prompt's first `common` tokens.
    fn entry_at(&mut self, tokens: &[Token], common: usize, length: usize) -> Option<&mut Entry<T>> {
        let (mut node, mut depth) = (self, 0);
        while depth < common {
            let child = node.children.get_mut(&tokens[depth])?;
            depth += child.edge.len();
            node = child;
        }
        node.of_length(depth, length)
    }

    /// The entry of just these tokens.
    fn at(&mut self, tokens: &[Token]) -> Option<&mut Entry<T>> {
        let (mut node, mut rest) = (self, tokens);
        while let Some(first) = rest.first() {
            let child = node.children.get_mut(first)?;
            rest = rest.strip_prefix(child.edge.as_slice())?;
            node = child;
        }
        node.entry.as_mut()
    }

    fn of_length(&mut self, depth: usize, length: usize) -> Option<&mut Entry<T>> {
        if depth == length && self.entry.is_some() {
            return self.entry.as_mut();
        }
        let children = self.children.values_mut().filter(|_| depth < length);
        children.into_iter().find_map(|child| {
            let depth = depth + child.edge.len();
            child.of_length(depth, length)
        })
    }

    fn insert(&mut self, tokens: &[Token], entry: Entry<T>) -> Option<Entry<T>> {
        let (mut node, mut rest) = (self, tokens);
        while let Some(first) = rest.first() {
            let child = node.children.entry(*first).or_insert_with(|| Node::new(rest.to_vec()));
            let common = common(&child.edge, rest);
            if common < child.edge.len() {
                let below = child.edge.split_off(common);
                let lower =
                    Node { children: std::mem::take(&mut child.children), entry: child.entry.take(), edge: below };
                child.children.insert(lower.edge[0], lower);
            }
            rest = &rest[common..];
            node = child;
        }
        node.entry.replace(entry)
    }

    /// Shows all entries with their tokens; `above` holds those of the nodes above.
    fn walk(&self, above: &mut Vec<Token>, see: &mut impl FnMut(&[Token], &Entry<T>)) {
        above.extend(&self.edge);
        if let Some(entry) = &self.entry {
            see(above, entry);
        }
        for child in self.children.values() {
            child.walk(above, see);
        }
        above.truncate(above.len() - self.edge.len());
    }

    fn each(&mut self, see: &mut impl FnMut(&Entry<T>)) {
        if let Some(entry) = &self.entry {
            see(entry);
        }
        for child in self.children.values_mut() {
            child.each(see);
        }
    }

    /// Takes the entry out that was last used then, and joins what no longer parts.
    fn remove(&mut self, used: u64) -> Option<Entry<T>> {
        if self.entry.as_ref().is_some_and(|entry| entry.used == used) {
            return self.entry.take();
        }
        let (token, removed) =
            self.children.iter_mut().find_map(|(token, child)| Some((*token, child.remove(used)?)))?;
        if let Some(child) = self.children.get_mut(&token) {
            if child.is_empty() {
                self.children.remove(&token);
            } else {
                child.join();
            }
        }
        Some(removed)
    }

    /// A node without an entry and with one child becomes one with it.
    fn join(&mut self) {
        if self.entry.is_some() || self.children.len() != 1 {
            return;
        }
        if let Some((_, child)) = self.children.pop_first() {
            self.edge.extend(child.edge);
            self.children = child.children;
            self.entry = child.entry;
        }
    }
}

/// Whether so many tokens of an entry are most of it, and enough to be worth anything.
pub(crate) fn is_most(common: usize, length: usize) -> bool {
    common >= WORTH_KEEPING && common * 2 >= length
}

/// Fewer tokens are read as fast as they are taken from a disk.
const WORTH_KEEPING: usize = 64;

/// How many tokens both begin with.
pub(crate) fn common(one: &[Token], other: &[Token]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests;
