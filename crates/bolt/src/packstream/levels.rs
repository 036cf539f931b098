//! Lists and maps inside of each other, walked without recursion.

/// The lists and maps around the place that is being read.
#[derive(Debug)]
pub(crate) struct Levels {
    level: Level,
    /// Those around it. A list or map that holds none takes no memory.
    outer: Vec<Level>,
}

/// A list or map.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Level {
    /// Elements or entries that are still to come.
    pub(crate) left: usize,
    pub(crate) is_map: bool,
}

impl Levels {
    #[inline]
    pub(crate) fn new(level: Level) -> Self {
        Self { level, outer: Vec::new() }
    }

    /// How many lists and maps are around the one that is being read.
    #[inline]
    pub(crate) fn around(&self) -> usize {
        self.outer.len()
    }

    /// Goes to the next value, which has a key before it if this is true. `None` at the end of all.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<bool> {
        while self.level.left == 0 {
            self.level = self.outer.pop()?;
        }
        self.level.left -= 1;
        Some(self.level.is_map)
    }

    /// The value is a list or map itself, whose content comes next.
    #[inline]
    pub(crate) fn open(&mut self, level: Level) {
        if level.left > 0 {
            self.outer.push(std::mem::replace(&mut self.level, level));
        }
    }
}
