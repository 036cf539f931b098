//! Bytes without sense, and sense with bytes changed: an error or a value, never a panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use bolt::columns::Transcoder;
use bolt::packstream::{decode, Reader};
use bolt::server::Replies;
use bolt::{Auth, Connection, Hello, Limits, Parameters, RawRecords, Run, TxMeta, Version};
use proptest::prelude::*;
use support::values::{dialect, rows, value};
use support::{bytes, dialects, pack, raw_records};

const V5: Version = Version::new(5, 8);

fn connection() -> Connection {
    let mut connection = Connection::new(V5, Limits::default());
    let auth = Auth::none();
    let hello =
        Hello { user_agent: "x", bolt_agent: &[], auth: &auth, routing: None, notification_filter: None };
    connection.hello(&hello).unwrap();
    let settings = TxMeta::default();
    connection.run(&Run { query: "Q", parameters: &Parameters::empty(), tx: Some(&settings) }).unwrap();
    connection.pull(-1, None).unwrap();
    connection
}

/// Bytes with a taste for what means something.
fn noise() -> BoxedStrategy<Vec<u8>> {
    let markers = prop::sample::select(bytes(
        "00 01 7F 80 81 8F 90 91 92 9F A0 A1 A2 B0 B1 B3 B4 B8 C0 C1 C2 C3 C8 C9 CA CB CC CD CE D0 D1 D2 D4 D5 D6 D8 \
         D9 DA DC DD E0 F0 FF 4E 52 72 50 44 54 74 64 46 66 49 69 45 58 59 56 3F 70 71 7E 7F",
    ));
    proptest::collection::vec(prop_oneof![3 => markers, 1 => any::<u8>()], 0..200).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn noise_is_an_error_or_a_value(noise in noise(), columns in 0usize..4) {
        for dialect in dialects() {
            let decoded = decode(&noise, dialect.version, dialect.utc, &Limits::default());
            let batch = Transcoder::new(dialect.version, dialect.utc, Limits::default()).value(&noise);
            // What has no value alone fails when its field is read: the batch holds it.
            prop_assert!(batch.is_ok() || decoded.is_err());
            let mut raw = RawRecords::default();
            raw.push(&noise);
            let _ = Transcoder::new(dialect.version, dialect.utc, Limits::default()).records(&raw, columns);
        }
        let _ = Reader::new(&noise).skip();
    }

    #[test]
    fn records_with_changed_bytes_and_offsets(
        (dialect, rows) in dialect().prop_flat_map(|dialect| (Just(dialect), rows(dialect, 2))),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        offsets in proptest::collection::vec((any::<prop::sample::Index>(), any::<u32>()), 0..2),
    ) {
        let mut raw = raw_records(&rows, &dialect);
        for (index, byte) in changes {
            if !raw.bytes.is_empty() {
                let at = index.index(raw.bytes.len());
                raw.bytes[at] = byte;
            }
        }
        for (index, offset) in offsets {
            if !raw.offsets.is_empty() {
                let at = index.index(raw.offsets.len());
                raw.offsets[at] = offset % 400;
            }
        }
        if let Ok(batch) = Transcoder::new(dialect.version, dialect.utc, Limits::default()).records(&raw, 2) {
            let mut out = vec![0; batch.byte_len()];
            batch.write(&mut out);
            support::batch_reader::ResultReader::default().read(&out);
        }
    }

    #[test]
    fn a_connection_survives_noise(noise in noise(), framed in any::<bool>(), cut in 0usize..200) {
        let mut connection = connection();
        let input = match framed {
            false => noise,
            true => {
                let mut replies = Replies::new(V5, true);
                for message in noise.chunks(cut.max(2)) {
                    replies.message(message);
                }
                replies.take()
            }
        };
        let (first, second) = input.split_at(cut.min(input.len()));
        for piece in [first, second] {
            connection.handle_input(piece);
            while let Ok(Some(_)) = connection.poll_event() {}
        }
    }

    #[test]
    fn a_batch_fits_the_slice_it_is_given((dialect, value) in dialect().prop_flat_map(|d| (Just(d), value(d))), short in 0usize..64) {
        let batch = Transcoder::new(dialect.version, dialect.utc, Limits::default()).value(&pack(&value, &dialect)).unwrap();
        let mut whole = vec![0xEE; batch.byte_len() + 8];
        batch.write(&mut whole);
        prop_assert_eq!(&whole[batch.byte_len()..], &[0xEE; 8]);
        let mut part = vec![0xEE; batch.byte_len().saturating_sub(short)];
        batch.write(&mut part); // too short: no panic
    }
}
