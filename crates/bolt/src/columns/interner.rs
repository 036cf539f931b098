//! Slices with numbers: each distinct one is kept once, and found again by its content.

use hashbrown::HashTable;
use std::hash::{BuildHasher, Hash, RandomState};

/// Up to so many are looked for one after the other; only beyond is there a hash table.
const LINEAR: usize = 16;
/// Places of the cache in front. A power of two.
const CACHE: usize = 512;
/// So many are found without the cache before there is one: a small result is done sooner without.
const WARM_UP: u32 = 32;

/// Distinct slices, numbered from 0.
///
/// In front is a cache addressed by a quick hash that its user makes and that a hostile server could well foresee: the
/// worst that it does is to miss. Behind is a table whose hash is keyed at random.
#[derive(Debug)]
pub(super) struct Interner<T> {
    items: Vec<T>,
    ends: Vec<u32>,
    cache: Vec<u32>,
    missed: u32,
    table: HashTable<u32>,
    hasher: RandomState,
}

impl<T: Copy + Eq + Hash> Interner<T> {
    pub(super) fn new() -> Self {
        Self {
            items: Vec::new(),
            ends: Vec::new(),
            cache: Vec::new(),
            missed: 0,
            table: HashTable::new(),
            hasher: RandomState::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Items of all slices together.
    pub(super) fn items(&self) -> usize {
        self.items.len()
    }

    #[inline]
    pub(super) fn get(&self, id: u32) -> &[T] {
        slice(&self.items, &self.ends, id)
    }

    #[inline]
    pub(super) fn find(&mut self, quick: u64, key: &[T]) -> Option<u32> {
        let place = place(quick);
        match self.cache.get(place) {
            Some(id) if self.get(*id) == key && (*id as usize) < self.ends.len() => Some(*id),
            _ => self.find_behind(place, key),
        }
    }

    fn find_behind(&mut self, place: usize, key: &[T]) -> Option<u32> {
        let id = if self.ends.len() <= LINEAR {
            (0..self.ends.len() as u32).find(|id| self.get(*id) == key)
        } else {
            let hash = self.hasher.hash_one(key);
            self.table.find(hash, |id| slice(&self.items, &self.ends, *id) == key).copied()
        }?;
        self.remember(place, id);
        Some(id)
    }

    fn remember(&mut self, place: usize, id: u32) {
        if self.cache.is_empty() {
            self.missed += 1;
            if self.missed < WARM_UP {
                return;
            }
            self.cache.resize(CACHE, u32::MAX);
        }
        if let Some(slot) = self.cache.get_mut(place) {
            *slot = id;
        }
    }

    /// Adds a slice that was not found.
    pub(super) fn insert(&mut self, quick: u64, key: &[T]) -> u32 {
        let id = self.ends.len() as u32; // the users' limits are far below
        self.items.extend_from_slice(key);
        self.ends.push(self.items.len() as u32);
        self.remember(place(quick), id);
        let Self { items, ends, table, hasher, .. } = self;
        let hash = |id: &u32| hasher.hash_one(slice(items, ends, *id));
        match ends.len() - 1 {
            0..LINEAR => {}
            LINEAR => {
                table.reserve(4 * LINEAR, hash);
                for id in 0..=id {
                    table.insert_unique(hash(&id), id, hash);
                }
            }
            _ => {
                table.insert_unique(hash(&id), id, hash);
            }
        }
        id
    }

    /// The slices from a number on.
    pub(super) fn from(&self, first: usize) -> impl ExactSizeIterator<Item = &[T]> {
        (first as u32..self.ends.len() as u32).map(|id| self.get(id))
    }
}

fn place(quick: u64) -> usize {
    (quick >> 55) as usize // nine bits
}

fn slice<'a, T>(items: &'a [T], ends: &[u32], id: u32) -> &'a [T] {
    let id = id as usize;
    let start = match id.checked_sub(1) {
        None => 0,
        Some(before) => ends.get(before).map_or(0, |end| *end as usize),
    };
    let end = ends.get(id).map_or(start, |end| *end as usize);
    items.get(start..end).unwrap_or_default()
}
