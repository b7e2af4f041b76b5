//! Random numbers and the row order of an epoch.

use downhill::rng::{Permutation, Rng, Stream, philox4x32};

use crate::support::reference;

/// Random123's known answers (Salmon et al. 2011); `tests/reference/philox.py` checks them with a
/// second program.
#[test]
fn philox_gives_the_known_answers() {
    let words = |value: &serde_json::Value| -> Vec<u32> {
        value
            .as_array()
            .unwrap()
            .iter()
            .map(|word| u32::from_str_radix(word.as_str().unwrap(), 16).unwrap())
            .collect()
    };
    let vectors = reference("philox");
    let vectors = vectors["vectors"].as_array().unwrap();
    assert!(vectors.len() >= 3);
    for vector in vectors {
        let counter: [u32; 4] = words(&vector["counter"]).try_into().unwrap();
        let key: [u32; 2] = words(&vector["key"]).try_into().unwrap();
        assert_eq!(philox4x32(counter, key).to_vec(), words(&vector["output"]));
    }
}

#[test]
fn normal_numbers_have_the_normal_moments() {
    let mut rng = Rng::new(7, Stream::Noise);
    let n = 200_000;
    let values: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
    let moment = |power: i32| values.iter().map(|v| v.powi(power)).sum::<f64>() / f64::from(n);
    // Moments of the normal distribution are 0, 1, 0, 3; standard errors sqrt(Var(x^k) / n), five of them allowed.
    let error = |variance: f64| 5.0 * (variance / f64::from(n)).sqrt();
    assert!(moment(1).abs() < error(1.0));
    assert!((moment(2) - 1.0).abs() < error(2.0));
    assert!(moment(3).abs() < error(15.0));
    assert!((moment(4) - 3.0).abs() < error(96.0));
}

#[test]
fn an_epoch_visits_every_row_once() {
    for (n, block_rows) in
        [(1, 64), (2, 64), (3, 64), (100, 1 << 24), (257, 64), (1000, 100), (65_537, 4096), (4096, 64)]
    {
        for epoch in [0, 1, u32::MAX] {
            let order = Permutation::new(n, block_rows, 3, epoch);
            let mut seen = vec![false; n as usize];
            for position in 0..n {
                let row = order.row(position) as usize;
                assert!(!seen[row], "n = {n}, block {block_rows}: row {row} comes twice");
                seen[row] = true;
            }
        }
    }
}

#[test]
fn every_row_is_as_likely_at_every_position() {
    // Chi-square of 20 rows over 20 positions in 20,000 epochs: 19 * 19 degrees of freedom, mean 361, standard
    // deviation sqrt(2 * 361) = 27; six of them allowed.
    let n = 20_u32;
    let epochs = 20_000_u32;
    let mut counts = vec![0_f64; (n * n) as usize];
    for epoch in 0..epochs {
        let order = Permutation::new(n, 1 << 24, 11, epoch);
        for position in 0..n {
            counts[(position * n + order.row(position)) as usize] += 1.0;
        }
    }
    let expected = f64::from(epochs) / f64::from(n);
    let chi_square: f64 = counts.iter().map(|count| (count - expected).powi(2) / expected).sum();
    assert!((chi_square - 361.0).abs() < 6.0 * 27.0, "{chi_square}");
}

#[test]
fn neighbours_do_not_stay_neighbours() {
    // In random orders, a pair of positions holds consecutive rows with probability (n - 1) / (n (n
    // - 1) / 2) / 2: about 1 (rising) is expected per epoch, Poisson distributed.
    let n = 1000_u32;
    let epochs = 2000_u32;
    let mut successive = 0_u32;
    for epoch in 0..epochs {
        let order = Permutation::new(n, 1 << 24, 5, epoch);
        let rows: Vec<u32> = (0..n).map(|position| order.row(position)).collect();
        successive += rows.windows(2).filter(|pair| pair[1] == pair[0] + 1).count() as u32;
    }
    let expected = f64::from(epochs) * f64::from(n - 1) / f64::from(n);
    assert!((f64::from(successive) - expected).abs() < 6.0 * expected.sqrt(), "{successive} of {expected}");
}

#[test]
fn seeds_and_epochs_give_different_orders() {
    let rows =
        |seed, epoch| (0..50).map(|p| Permutation::new(50, 1 << 24, seed, epoch).row(p)).collect::<Vec<_>>();
    assert_eq!(rows(1, 1), rows(1, 1));
    assert_ne!(rows(1, 1), rows(2, 1));
    assert_ne!(rows(1, 1), rows(1, 2));
}
