//! The named limits that bytes from the network are held against.

/// Limits on what a server may send. Every error that comes of one names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message. At most (and by default) [`Limits::MAX_MESSAGE`]. Before the login a server is a stranger,
    /// and has [`Limits::BEFORE_LOGIN`] at most.
    pub message: usize,
    /// Bytes of the metadata of a result that become values. An entry that goes beyond is told to be too large, and
    /// the others are there. At most [`Limits::MAX_METADATA`]; default 2 MiB.
    pub metadata: usize,
    /// How deep lists, maps and structures may nest in one value. At most [`Limits::MAX_DEPTH`]; default 4096: a plan
    /// takes two levels for each of its operators.
    pub depth: usize,
    /// Columns of a result. At most (and by default) [`Limits::MAX_COLUMNS`].
    pub columns: usize,
    /// Records handed out in one [`RawRecords`](crate::RawRecords). Default 1000.
    pub rows_per_batch: usize,
    /// Bytes after which a [`RawRecords`](crate::RawRecords) takes no further record. Default 256 KiB.
    pub bytes_per_batch: usize,
}

impl Limits {
    /// 128 MiB - 1: a length of the batch format has 27 bits.
    pub const MAX_MESSAGE: usize = (128 << 20) - 1;
    /// Bytes of a message before somebody is logged in.
    pub const BEFORE_LOGIN: usize = 64 << 10;
    /// Bytes of the metadata of a SUCCESS or FAILURE.
    pub const MAX_METADATA: usize = 16 << 20;
    /// Nesting of records and metadata, which are read without recursion. What reads them elsewhere may need it.
    pub const MAX_DEPTH: usize = 4096;
    /// Nesting of a [`Value`](crate::Value), whatever `depth` says: it is made, compared and dropped by recursion.
    pub const MAX_VALUE_DEPTH: usize = 512;
    /// Nodes, relationships and paths inside of each other, which are read by recursion. Neo4j sends no more than a
    /// node in a path.
    pub const MAX_GRAPH_DEPTH: usize = 16;
    /// Columns of a result: each takes some 30 bytes of a batch, however few records there are.
    pub const MAX_COLUMNS: usize = 1 << 18;

    /// The same limits with no value above its ceiling or below what makes sense.
    pub(crate) fn clamped(self) -> Self {
        Self {
            message: self.message.min(Self::MAX_MESSAGE),
            metadata: self.metadata.min(Self::MAX_METADATA),
            depth: self.depth.min(Self::MAX_DEPTH),
            columns: self.columns.min(Self::MAX_COLUMNS),
            rows_per_batch: self.rows_per_batch.clamp(1, 1 << 20),
            bytes_per_batch: self.bytes_per_batch.clamp(1, Self::MAX_MESSAGE),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: Self::MAX_MESSAGE,
            metadata: 2 << 20,
            depth: Self::MAX_DEPTH,
            columns: Self::MAX_COLUMNS,
            rows_per_batch: 1000,
            bytes_per_batch: 256 << 10,
        }
    }
}
