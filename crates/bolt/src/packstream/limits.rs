//! The named limits that bytes from the network are held against.

/// Limits on what a server may send. Every error that comes of one names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message. At most (and by default) [`Limits::MAX_MESSAGE`].
    pub message: usize,
    /// How deep lists, maps and structures may nest in one value. At most [`Limits::MAX_DEPTH`]; default 128.
    pub depth: usize,
    /// Records handed out in one [`RawRecords`](crate::RawRecords). Default 1000.
    pub rows_per_batch: usize,
    /// Bytes after which a [`RawRecords`](crate::RawRecords) takes no further record. Default 256 KiB.
    pub bytes_per_batch: usize,
}

impl Limits {
    /// 128 MiB - 1: a length of the batch format has 27 bits.
    pub const MAX_MESSAGE: usize = (128 << 20) - 1;
    /// Bytes of the metadata of a SUCCESS or FAILURE, which become values of some forty times their size.
    pub const MAX_METADATA: usize = 16 << 20;
    /// Values are read by recursion, so the depth has a ceiling of its own.
    pub const MAX_DEPTH: usize = 512;
    /// Columns of a result.
    pub const MAX_COLUMNS: usize = 65_536;

    /// The same limits with no value above its ceiling or below what makes sense.
    pub(crate) fn clamped(self) -> Self {
        Self {
            message: self.message.min(Self::MAX_MESSAGE),
            depth: self.depth.min(Self::MAX_DEPTH),
            rows_per_batch: self.rows_per_batch.clamp(1, 1 << 20),
            bytes_per_batch: self.bytes_per_batch.clamp(1, Self::MAX_MESSAGE),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { message: Self::MAX_MESSAGE, depth: 128, rows_per_batch: 1000, bytes_per_batch: 256 << 10 }
    }
}
