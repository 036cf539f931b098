//! Rows as columns: how results cross to JavaScript.
//!
//! A [`Transcoder`] checks the records of one result and writes each run of them as a [`Batch`]: a column of plain
//! numbers or strings where all values of a column are of one kind, and a tape of tagged words for what is mixed or
//! nested. Whoever reads a batch may rely on it: bounds, UTF-8, arity, types, ranges, path indices and depth were
//! checked.
//!
//! # Layout
//! Little endian. A word is an `i32`; word offsets count from the batch's start.
//!
//! | words | hold |
//! |---|---|
//! | 0, 1 | rows, columns |
//! | 2 | where the doubles begin, in units of 8 bytes |
//! | 3, 4 | where the pool of ASCII strings begins, and its length, in bytes |
//! | 5, 6 | where the pool of UTF-16 strings begins in bytes (even), and its length in units |
//! | 7, 8, 9 | dictionary strings and shapes that this batch adds; the word offset of the additions |
//! | 10, 11 | length of the batch in bytes (a multiple of 8); 0 |
//! | 12 + 4c .. | of each column: kind, base, word offset of its null bitmap or 0, 0 |
//!
//! The numbers of kinds, tags, codes and property types are in [`mod@format`]. A row is null where bit `row & 31` of word
//! `row >> 5` of the null bitmap is set; its slot holds 0.
//!
//! The additions are the strings (start, length; as in a string column) and then the shapes: whether there are element
//! ids, labels by their number and dictionary ids, properties by their number and (key, type). Ids count up over the
//! batches of a result.
//!
//! Reading costs memory of at most 24 times the bytes of the records, and 32 bytes for each column.

mod batch;
mod dictionary;
pub mod format;
mod graph;
mod interner;
mod shapes;
mod tape;
mod transcoder;

pub use batch::Batch;
pub use transcoder::Transcoder;
