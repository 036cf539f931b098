//! Which Bolt this server speaks, and how it and a client agree on one.

use std::{fmt, str::FromStr};

/// A Bolt version: major, minor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Version(pub(crate) u8, pub(crate) u8);

/// The newest minor of each major that is spoken here, best first.
const SPOKEN: [Version; 3] = [Version(5, 8), Version(4, 4), Version(3, 0)];

const MAGIC: [u8; 4] = [0x60, 0x60, 0xB0, 0x17];

impl Version {
    /// The bytes that say yes to this version.
    pub(crate) fn answer(self) -> [u8; 4] {
        [0, 0, self.1, self.0]
    }

    /// The best version that a client's opening 20 bytes allow: the magic, then four slots of
    /// `0, range, minor, major`, each for the minors from `minor - range` up to `minor`. The slot that asks for the
    /// manifest form names a major of 255, which nobody speaks, so it is passed over. `only` leaves one version.
    pub(crate) fn agree(opening: &[u8; 20], only: Option<Version>) -> Option<Version> {
        let slots = opening.strip_prefix(&MAGIC)?;
        let offered = |spoken: Version| {
            slots
                .chunks_exact(4)
                .filter_map(|slot| match *slot {
                    [_, range, minor, major] if major == spoken.0 => {
                        let best = minor.min(spoken.1);
                        (best >= minor.saturating_sub(range)).then_some(Version(major, best))
                    }
                    _ => None,
                })
                .max()
        };
        match only {
            Some(version) => offered(version).filter(|&agreed| agreed == version),
            None => SPOKEN.into_iter().find_map(offered),
        }
    }

    /// Nodes carry an element id since 5.0.
    pub(crate) fn has_element_ids(self) -> bool {
        self >= Version(5, 0)
    }

    /// The server a client believes to have reached.
    pub(crate) fn agent(self) -> &'static str {
        match self.0 {
            3 => "Neo4j/3.5.0",
            4 => "Neo4j/4.4.0",
            _ => "Neo4j/5.26.0",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        match (major.parse(), minor.parse()) {
            (Ok(major), Ok(minor)) if SPOKEN.iter().any(|spoken| spoken.0 == major && minor <= spoken.1) => {
                Ok(Version(major, minor))
            }
            _ => Err(format!("{text:?} is not a Bolt version of 3.0, 4.0 to 4.4 or 5.0 to 5.8")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agree(slots: [[u8; 4]; 4], only: Option<Version>) -> Option<Version> {
        let mut opening = [0; 20];
        for (byte, value) in opening.iter_mut().zip(MAGIC.into_iter().chain(slots.into_iter().flatten())) {
            *byte = value;
        }
        Version::agree(&opening, only)
    }

    #[test]
    fn the_best_common_version_is_agreed_on() {
        let modern = [[0, 0, 1, 0xFF], [0, 8, 8, 5], [0, 2, 4, 4], [0, 0, 0, 3]];
        assert_eq!(agree(modern, None), Some(Version(5, 8)));
        assert_eq!(agree(modern, Some(Version(4, 4))), Some(Version(4, 4)));
        assert_eq!(agree(modern, Some(Version(4, 1))), None);
        assert_eq!(agree([[0, 0, 3, 5], [0, 0, 4, 4], [0; 4], [0; 4]], None), Some(Version(5, 3)));
        assert_eq!(agree([[0, 1, 10, 5], [0, 0, 2, 4], [0; 4], [0; 4]], None), Some(Version(4, 2)));
        assert_eq!(agree([[0, 0, 0, 2], [0, 0, 0, 1], [0; 4], [0; 4]], None), None);
        assert_eq!(Version::agree(b"GET / HTTP/1.1\r\nHost", None), None);
    }
}
