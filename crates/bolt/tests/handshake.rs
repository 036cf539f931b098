//! The handshake byte by byte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use bolt::handshake::{Handshake, HandshakeError, Progress, Proposal};
use bolt::Version;
use proptest::prelude::*;
use support::{bytes, hex};

const MODERN: &str = "60 60 B0 17 00 00 01 FF 00 08 08 05 00 02 04 04 00 00 00 03";
const LEGACY: &str = "60 60 B0 17 00 00 01 04 00 00 00 04 00 00 00 02 00 00 00 01";

/// Answers a handshake in pieces that end at the given places; the result, and what the client sent after its
/// proposals.
fn answer(proposal: Proposal, input: &[u8], cuts: &[usize]) -> (Result<Progress, HandshakeError>, Vec<u8>) {
    let mut handshake = Handshake::new(proposal);
    handshake.take_output();
    let mut start = 0;
    let mut progress = Ok(Progress::NeedMore);
    for end in cuts.iter().copied().chain([input.len()]) {
        progress = handshake.handle_input(&input[start..end]);
        start = end;
        match &mut progress {
            Ok(Progress::NeedMore) => {}
            Ok(Progress::Done { rest, .. }) => {
                rest.extend_from_slice(&input[end..]);
                break;
            }
            Err(_) => break,
        }
    }
    (progress, handshake.take_output())
}

fn done(major: u8, minor: u8, rest: &str) -> Result<Progress, HandshakeError> {
    Ok(Progress::Done { version: Version::new(major, minor), rest: bytes(rest) })
}

/// Every way to cut the input into two and three pieces, and one byte at a time.
fn in_all_splits(proposal: Proposal, input: &str, expected: &Result<Progress, HandshakeError>, reply: &str) {
    let input = bytes(input);
    let all: Vec<usize> = (1..input.len()).collect();
    let mut splits = vec![vec![], all.clone()];
    for first in &all {
        splits.push(vec![*first]);
        splits.extend(all.iter().filter(|second| *second > first).map(|second| vec![*first, *second]));
    }
    for cuts in splits {
        let (progress, sent) = answer(proposal, &input, &cuts);
        assert_eq!(&progress, expected, "{cuts:?}");
        assert_eq!(hex(&sent), reply, "{cuts:?}");
    }
}

#[test]
fn proposals() {
    assert_eq!(hex(&Handshake::new(Proposal::Modern).take_output()), MODERN);
    assert_eq!(hex(&Handshake::new(Proposal::Legacy).take_output()), LEGACY);
    let mut handshake = Handshake::new(Proposal::Modern);
    handshake.take_output();
    assert!(handshake.take_output().is_empty());
}

#[test]
fn a_server_takes_one_of_the_versions() {
    use Proposal::*;
    let table = [
        (Modern, "00 00 08 05", 5, 8),
        (Modern, "00 00 07 05", 5, 7),
        (Modern, "00 00 00 05", 5, 0),
        (Modern, "00 00 04 04", 4, 4),
        (Modern, "00 00 03 04", 4, 3),
        (Modern, "00 00 02 04", 4, 2),
        (Modern, "00 00 00 03", 3, 0),
        (Legacy, "00 00 01 04", 4, 1),
        (Legacy, "00 00 00 04", 4, 0),
        (Legacy, "00 00 00 02", 2, 0),
        (Legacy, "00 00 00 01", 1, 0),
    ];
    for (proposal, input, major, minor) in table {
        in_all_splits(proposal, input, &done(major, minor, ""), "");
    }
}

#[test]
fn what_follows_belongs_to_the_connection() {
    in_all_splits(Proposal::Modern, "00 00 04 04 00 00 00 03", &done(4, 4, "00 00 00 03"), "");
}

#[test]
fn versions_that_were_not_proposed_are_refused() {
    use Proposal::*;
    let table = [
        (Modern, [0, 0, 9, 5]),
        (Modern, [0, 0, 5, 5]), // in the range, but never released
        (Modern, [0, 0, 1, 4]),
        (Modern, [0, 0, 0, 2]),
        (Modern, [0, 0, 0, 6]),
        (Modern, [0, 0, 1, 3]),
        (Modern, [0, 1, 8, 5]),
        (Modern, [0, 0, 2, 0xFF]),
        (Modern, [1, 0, 0, 3]),
        (Modern, *b"SSH-"),
        (Legacy, [0, 0, 0, 3]),
        (Legacy, [0, 0, 4, 4]),
        (Legacy, [0, 0, 1, 0xFF]),
    ];
    for (proposal, input) in table {
        in_all_splits(proposal, &hex(&input), &Err(HandshakeError::UnknownVersion(input)), "");
    }
}

/// The two proposals are the whole of what the driver speaks, and a server that has versions of both is asked for its
/// best by the one that has it.
#[test]
fn a_server_with_versions_of_both_proposals_is_asked_for_its_best() {
    use Proposal::*;
    let version = Version::new;
    for (proposal, agreed, agent, better) in [
        (Modern, version(3, 0), "Neo4j/3.5.35", false),
        (Modern, version(3, 0), "Neo4j/4.0.11", true),
        (Modern, version(3, 0), "Neo4j/4.1.0-drop01", true),
        (Modern, version(4, 2), "Neo4j/4.1.0", false),
        (Modern, version(3, 0), "Neo4j/dev", false),
        (Modern, version(3, 0), "Other/4.0.0", false),
        (Modern, version(3, 0), "", false),
        (Modern, version(5, 8), "Neo4j/2025.08.0", false),
        (Legacy, version(4, 0), "Neo4j/4.0.11", false),
        (Legacy, version(4, 1), "Neo4j/4.1.3", false),
        (Legacy, version(2, 0), "Neo4j/3.4.18", false),
        // a member that was upgraded since the old proposal worked
        (Legacy, version(2, 0), "Neo4j/3.5.35", true),
        (Legacy, version(4, 1), "Neo4j/4.4.40", true),
        (Legacy, version(4, 0), "Neo4j/5.26.0", true),
        (Legacy, version(4, 1), "Neo4j/2025.08.0", true),
    ] {
        assert_eq!(proposal.has_better(agreed, agent), better, "{proposal:?} {agreed} {agent}");
        assert_eq!(proposal.other().other(), proposal);
    }
}

#[test]
fn none_http_and_tls_are_told_apart() {
    in_all_splits(Proposal::Modern, "00 00 00 00", &Err(HandshakeError::NoCommonVersion), "");
    in_all_splits(Proposal::Legacy, "00 00 00 00", &Err(HandshakeError::NoCommonVersion), "");
    in_all_splits(Proposal::Modern, "'HTTP/1.1 400 Bad Request'", &Err(HandshakeError::Http), "");
    assert!(HandshakeError::Http.to_string().contains("7474"));
    assert!(HandshakeError::Http.to_string().contains("7687"));
    let (progress, _) = answer(Proposal::Modern, &bytes("15 03 03 00 02 02 46"), &[]);
    assert_eq!(progress, Err(HandshakeError::Tls));
}

#[test]
fn of_a_manifest_the_best_version_is_chosen() {
    // Neo4j 2026: 6.1-6.0, 5.8-5.6, 5.4-5.0, 4.4-4.0
    let manifest = "00 00 01 FF | 04 | 00 01 01 06 | 00 02 08 05 | 00 04 04 05 | 00 04 04 04 | 00";
    in_all_splits(Proposal::Modern, manifest, &done(6, 1, ""), "00 00 01 06 00");
    // one that speaks newer versions than ours, with capabilities of two bytes, and goes on talking
    let manifest = "00 00 01 FF | 02 | 00 00 00 07 | 00 03 03 06 | 85 01 | 00 00";
    in_all_splits(Proposal::Modern, manifest, &done(6, 1, "00 00"), "00 00 01 06 00");
    // a range over 5.5, which is not one of ours
    in_all_splits(Proposal::Modern, "00 00 01 FF | 01 | 00 01 06 05 | 00", &done(5, 6, ""), "00 00 06 05 00");
    // a range longer than its minor version
    in_all_splits(Proposal::Modern, "00 00 01 FF | 01 | 00 FF 01 04 | 00", &done(4, 1, ""), "00 00 01 04 00");
}

#[test]
fn a_manifest_may_be_wrong_in_many_ways() {
    let none = Err(HandshakeError::NoCommonVersion);
    in_all_splits(Proposal::Modern, "00 00 01 FF | 00 | 00", &none, "");
    in_all_splits(Proposal::Modern, "00 00 01 FF | 01 | 00 00 05 05 | 00", &none, "");
    in_all_splits(Proposal::Modern, "00 00 01 FF | 01 | 00 00 00 07 | 00", &none, "");
    in_all_splits(Proposal::Modern, "00 00 01 FF | 81 02", &Err(HandshakeError::TooManyVersions), "");
    let endless = "00 00 01 FF | FF FF FF FF FF FF FF FF FF FF";
    in_all_splits(Proposal::Modern, endless, &Err(HandshakeError::MalformedManifest), "");
    let endless = "00 00 01 FF | 01 | 00 00 08 05 | 80 80 80 80 80 80 80 80 80 80 80";
    in_all_splits(Proposal::Modern, endless, &Err(HandshakeError::MalformedManifest), "");
}

#[test]
fn after_its_end_nothing_is_taken() {
    let mut handshake = Handshake::new(Proposal::Modern);
    handshake.handle_input(&bytes("00 00 04 04")).unwrap();
    assert_eq!(handshake.handle_input(&[1]), Err(HandshakeError::Over));
    let mut handshake = Handshake::new(Proposal::Modern);
    handshake.handle_input(b"HTTP").unwrap_err();
    assert_eq!(handshake.handle_input(&[1]), Err(HandshakeError::Over));
}

proptest! {
    #[test]
    fn whatever_a_server_answers_in_whatever_pieces(
        manifest in any::<bool>(),
        legacy in any::<bool>(),
        tail in proptest::collection::vec(any::<u8>(), 0..60),
        cuts in proptest::collection::vec(0usize..64, 0..6),
    ) {
        let proposal = if legacy { Proposal::Legacy } else { Proposal::Modern };
        let mut input = if manifest { bytes("00 00 01 FF") } else { Vec::new() };
        input.extend(tail);
        let mut cuts: Vec<_> = cuts.into_iter().filter(|cut| *cut < input.len()).collect();
        cuts.sort_unstable();
        let whole = answer(proposal, &input, &[]);
        prop_assert_eq!(answer(proposal, &input, &cuts), whole);
    }
}
