//! Which database is at home for whom, as far as servers have said. Only a guess, for servers that pass work on to the
//! right member themselves (hint `ssr.enabled`): with them, a session without a database needs no ROUTE of its own.

use std::collections::HashMap;

/// Users that are remembered at most, as in the official drivers.
const MAX_USERS: usize = 10_000;

#[derive(Default)]
pub(crate) struct Homes {
    by_user: HashMap<Option<String>, (String, u64)>,
    /// Counts uses: the entry that was used longest ago is the first to go.
    clock: u64,
}

impl Homes {
    pub(crate) fn get(&mut self, user: &Option<String>) -> Option<String> {
        self.clock += 1;
        let (database, used) = self.by_user.get_mut(user)?;
        *used = self.clock;
        Some(database.clone())
    }

    pub(crate) fn set(&mut self, user: Option<String>, database: String) {
        self.clock += 1;
        self.by_user.insert(user, (database, self.clock));
        if self.by_user.len() > MAX_USERS {
            // A tenth at once, so that a full cache is not sorted for every new user.
            let mut used: Vec<u64> = self.by_user.values().map(|(_, used)| *used).collect();
            used.sort_unstable();
            let limit = used.get(used.len() / 10).copied().unwrap_or(self.clock);
            self.by_user.retain(|_, (_, used)| *used > limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(n: usize) -> Option<String> {
        Some(format!("user{n}"))
    }

    #[test]
    fn who_was_not_asked_for_longest_is_forgotten_first() {
        let mut homes = Homes::default();
        homes.set(None, "neo4j".into());
        for n in 0..MAX_USERS {
            assert_eq!(homes.get(&None).as_deref(), Some("neo4j"));
            homes.set(name(n), format!("db{n}"));
        }
        assert!(homes.by_user.len() <= MAX_USERS);
        assert_eq!(homes.get(&name(0)), None);
        assert_eq!(homes.get(&name(MAX_USERS - 1)).as_deref(), Some(format!("db{}", MAX_USERS - 1).as_str()));
        assert_eq!(homes.get(&None).as_deref(), Some("neo4j"));
    }
}
