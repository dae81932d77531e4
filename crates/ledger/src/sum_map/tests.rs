//! Maps against the definition, every tag's proof, and every change of one.

use proptest::prelude::*;

use super::*;

/// Tags of a few bytes, so that proptest finds neighbours.
fn tag(number: u16) -> Hash {
    let mut tag = [0; 32];
    tag[..2].copy_from_slice(&number.to_be_bytes());
    tag
}

fn pairs(count: u16) -> Vec<(Hash, u64)> {
    (0..count).map(|i| (tag(2 * i + 1), u64::from(i % 7) + 1)).collect()
}

/// The tree as RFC 6962, section 2.1, defines its shape.
fn by_definition(pairs: &[(Hash, u64)]) -> (Hash, u64) {
    match pairs {
        [] => (Sha256::digest([]).into(), 0),
        [(tag, count)] => {
            let bytes = [&[0][..], b"avow/map/1", tag, &count.to_be_bytes()].concat();
            (Sha256::digest(bytes).into(), *count)
        }
        _ => {
            let (left, right) = pairs.split_at(pairs.len().next_power_of_two() / 2);
            let ((left, a), (right, b)) = (by_definition(left), by_definition(right));
            let bytes = [&[1][..], &left, &a.to_be_bytes(), &right, &b.to_be_bytes()].concat();
            (Sha256::digest(bytes).into(), a + b)
        }
    }
}

#[test]
fn the_root_is_that_of_the_definition_and_every_tag_is_proved() {
    for count in 0..40 {
        let pairs = pairs(count);
        let map = SumMap::build(pairs.iter().copied()).unwrap();
        let (root, sum) = map.root();
        assert_eq!((root, sum), by_definition(&pairs));
        assert_eq!(root_of(pairs.iter().copied()), Ok((root, sum)));
        for number in 0..=2 * count {
            let proof = map.prove(&tag(number));
            let expected = pairs.iter().find(|(other, _)| *other == tag(number)).map_or(0, |(_, count)| *count);
            assert_eq!(verify(&proof, &tag(number), &root, sum, map.len()), Ok(expected));
            let mut prover = Prover::new(tag(number));
            pairs.iter().for_each(|(tag, count)| prover.push(tag, *count).unwrap());
            let proved = Proved { proof: proof.clone(), root, sum, pairs: map.len() };
            assert_eq!(prover.finish().unwrap(), proved);
            let json = serde_json::to_string(&proof).unwrap();
            assert_eq!(serde_json::from_str::<MapProof>(&json).unwrap(), proof);
            // It is a proof of nothing else.
            for other in 0..=2 * count {
                let same_gap = expected == 0 && number % 2 == 0 && other == number;
                if other != number && !same_gap {
                    assert!(verify(&proof, &tag(other), &root, sum, map.len()).is_err());
                }
            }
        }
    }
}

/// Frozen: computed with another implementation (Python's hashlib).
#[test]
fn the_vectors() {
    let subject = subject_tag("example.com", Some([7; 16]));
    assert_eq!(hex::encode(&subject), "6ce30f97c4011741f03433650500da1ce1811f49977ba3792067a11889b8858a");
    assert_eq!(subject_tag("example.com", None), [0; 32]);
    let (root, sum) = root_of([([0; 32], 3), (subject, 2), ([0xff; 32], 1)]).unwrap();
    assert_eq!(
        (hex::encode(&root).as_str(), sum),
        ("a1d5f8e8d0a71c86b3bc970ca8b4758e918777fe742cbadf3f55833f6592aa28", 6)
    );
}

#[test]
fn pairs_that_make_no_map_are_refused() {
    for (pairs, error) in [
        (vec![(tag(2), 1), (tag(1), 1)], MapError::Order),
        (vec![(tag(1), 1), (tag(1), 1)], MapError::Order),
        (vec![(tag(1), 0)], MapError::Zero),
        (vec![(tag(1), u64::MAX), (tag(2), 1)], MapError::Overflow),
        (vec![(tag(1), 1), (tag(2), 1), (tag(3), u64::MAX - 1)], MapError::Overflow),
    ] {
        assert_eq!(SumMap::build(pairs.clone()).map(|map| map.root()), Err(error));
        assert_eq!(root_of(pairs), Err(error));
    }
    assert_eq!(root_of([(tag(1), u64::MAX)]).unwrap().1, u64::MAX);
}

#[test]
fn absence_needs_true_neighbours() {
    let map = SumMap::build(pairs(9)).unwrap();
    let (root, sum) = map.root();
    let check = |proof: &MapProof, number, leaves| verify(proof, &tag(number), &root, sum, leaves);
    let absent = |before: Option<usize>, after: Option<usize>| MapProof::Absent {
        before: before.and_then(|index| map.entry(index)),
        after: after.and_then(|index| map.entry(index)),
    };
    // Tag 7 is pair 3: it cannot be hidden between 2 and 4, before the first, after the last, in an empty map.
    for proof in [absent(Some(2), Some(4)), absent(Some(2), Some(3)), absent(Some(3), Some(4)), absent(None, Some(4))] {
        assert_eq!(check(&proof, 7, 9), Err(MapProofError::Neighbours));
    }
    for proof in [absent(None, Some(0)), absent(Some(2), None), absent(Some(8), None), absent(None, None)] {
        assert_eq!(check(&proof, 7, 9), Err(MapProofError::Neighbours));
    }
    // A smaller map than there is.
    assert!(check(&absent(Some(2), None), 7, 3).is_err());
    assert_eq!(check(&absent(None, None), 7, 0), Err(MapProofError::Root));
    assert_eq!(verify(&absent(None, None), &tag(7), &empty().hash, 0, 0), Ok(0));
    assert_eq!(verify(&absent(None, None), &tag(7), &empty().hash, 1, 0), Err(MapProofError::Root));
    // An index that is not the pair's.
    let Some(mut moved) = map.entry(4) else { unreachable!() };
    moved.index = 3;
    assert!(check(&MapProof::Absent { before: map.entry(2), after: Some(moved) }, 7, 9).is_err());
}

proptest! {
    #[test]
    fn a_changed_proof_fails(count in 1..200_u16, number in 0..402_u16, at: prop::sample::Index, bit in 0..64_usize) {
        let map = SumMap::build(pairs(count)).unwrap();
        let (root, sum) = map.root();
        let number = number % (2 * count + 2);
        let mut proof = map.prove(&tag(number));
        let check = |proof: &MapProof, sum| verify(proof, &tag(number), &root, sum, map.len());
        prop_assert!(check(&proof, sum).is_ok());
        prop_assert!(check(&proof, sum ^ (1 << bit)).is_err());
        let entry = match &mut proof {
            MapProof::Present(entry) => entry,
            MapProof::Absent { before, after } => match (before, after) {
                (Some(before), Some(_)) if bit % 2 == 0 => before,
                (_, Some(after)) => after,
                (Some(before), None) => before,
                (None, None) => unreachable!("the map has pairs"),
            },
        };
        let whole = entry.clone();
        let at = at.index(3 + 2 * entry.path.len());
        match at {
            0 => entry.index ^= 1 << bit,
            1 => entry.tag[bit / 2] ^= 1 << (bit % 8),
            2 => entry.count ^= 1 << bit,
            at if at % 2 == 0 => entry.path[(at - 3) / 2].sum ^= 1 << bit,
            at => entry.path[(at - 3) / 2].hash[bit / 2] ^= 1 << (bit % 8),
        }
        prop_assert!(*entry != whole);
        prop_assert!(check(&proof, sum).is_err());
    }

    #[test]
    fn any_json_is_a_proof_in_one_way_or_none(text in "\\{\"present\":\\{\"index\":[0-9],\"tag\":\"[0-9a-fA-F]{63,65}\",\"count\":1,\"path\":\\[\\]\\}\\}") {
        if let Ok(proof) = serde_json::from_str::<MapProof>(&text) {
            prop_assert_eq!(serde_json::to_string(&proof).unwrap(), text);
        }
    }
}
