//! Tests with values that no run should produce but some run will.
use super::recorder::Recorder;
use super::{drawn_fit, drawn_loss, size};
use downhill::chart::{FitChart, FitOptions, LossChart, LossOptions, Scale};
use downhill::history::HistoryDelta;
use proptest::prelude::*;

pub(crate) fn any_number() -> impl Strategy<Value = f32> {
    let special =
        [0.0, -0.0, 1.0, 1.0, 1e30, -1e30, 1e-45, f32::MAX, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    prop_oneof![3 => -10.0_f32..10.0, 1 => any::<f32>(), 2 => prop::sample::select(special.to_vec())]
}

pub(crate) fn any_size() -> impl Strategy<Value = (f64, f64, f64)> {
    let length = || prop_oneof![4 => 0.0..2000.0_f64, 1 => Just(0.0), 1 => 0.0..90.0_f64];
    (length(), length(), prop_oneof![Just(1.0), Just(2.0), Just(3.0), 0.5..4.0_f64])
}

/// Checks that shapes are within the canvas, up to a marker's radius.
pub(crate) fn check_inside(recorder: &Recorder, scale: Scale) -> Result<(), TestCaseError> {
    let slack = 24.0 * scale.css;
    for (x, y) in recorder.coordinates() {
        let (x, y) = (f64::from(x), f64::from(y));
        prop_assert!(x >= -slack && x <= f64::from(recorder.size.0) + slack, "x {x} of {:?}", recorder.size);
        prop_assert!(y >= -slack && y <= f64::from(recorder.size.1) + slack, "y {y} of {:?}", recorder.size);
    }
    Ok(())
}

proptest! {
    #[test]
    fn hostile_fit_neither_panics_nor_leaves_the_canvas(
        points in prop::collection::vec((any_number(), any_number()), 0..40),
        curve in prop::collection::vec((any_number(), any_number()), 0..40),
        ends in (any_number(), any_number(), any_number(), any_number()),
        (width, height, ratio) in any_size(),
        moves in prop::collection::vec((any_number(), any_number(), any_number()), 0..6),
    ) {
        let scale = Scale::fractions(ratio, 16.0);
        let mut chart = FitChart::default();
        chart.stage.resize(size(width, height, scale));
        let (x, y) = points.into_iter().unzip();
        chart.set_dataset(x, y, [f64::from(ends.0), f64::from(ends.1)], [f64::from(ends.2), f64::from(ends.3)]);
        let (x, y): (Vec<f32>, Vec<f32>) = curve.into_iter().unzip();
        chart.set_exact(x.clone(), y.clone());
        chart.set_fit(x, y);
        chart.set_options(FitOptions { show_residuals: true, show_exact: true });
        for (a, b, c) in moves {
            let (a, b, c) = (f64::from(a), f64::from(b), f64::from(c));
            chart.stage.zoom(a.abs() * 40.0, b.abs() * 40.0, c.abs());
            chart.stage.pan(a, b);
            chart.set_cursor(Some(c));
            if let Some(reading) = chart.reading(a.abs() * 40.0, b.abs() * 40.0) {
                prop_assert!(reading.x.is_finite());
            }
            prop_assert!(chart.stage.view().iter().all(|end| end.is_finite()));
        }
        check_inside(&drawn_fit(&chart, width, height, scale), scale)?;
    }

    #[test]
    fn hostile_history_neither_panics_nor_leaves_the_canvas(
        rows in prop::collection::vec((any_number(), any_number(), any_number()), 0..60),
        first in prop_oneof![Just(0_u32), 0_u32..60_000],
        step in prop_oneof![0_u64..100, any::<u64>()],
        (width, height, ratio) in any_size(),
        (log_x, log_y, smoothing) in (any::<bool>(), any::<bool>(), any_number()),
        reference in any_number(),
        moves in prop::collection::vec((any_number(), any_number()), 0..6),
    ) {
        let scale = Scale::fractions(ratio, 16.0);
        let mut chart = LossChart::default();
        chart.resize(size(width, height, scale));
        chart.set_options(LossOptions { log_x, log_y, smoothing: f64::from(smoothing), show_batch: true });
        let delta = HistoryDelta {
            first,
            batch_loss_min: rows.iter().map(|row| row.0.min(row.1)).collect(),
            batch_loss_max: rows.iter().map(|row| row.0.max(row.1)).collect(),
            batch_loss_mean: rows.iter().map(|row| row.0).collect(),
            loss: rows.iter().map(|row| row.1).collect(),
            rate: rows.iter().map(|row| row.2).collect(),
            validation: rows.iter().map(|row| row.2).collect(),
        };
        chart.apply(&delta, step);
        chart.set_reference(Some(f64::from(reference)));
        chart.set_marks(vec![0, step / 2, step, u64::MAX]);
        chart.set_diverged(Some(step));
        for (a, b) in moves {
            let (a, b) = (f64::from(a), f64::from(b));
            chart.zoom(a.abs() * 40.0, 100.0, b.abs());
            chart.pan(b * 10.0, a);
            chart.set_cursor(Some(a.abs() * 40.0));
            chart.reading(a.abs() * 40.0, b.abs() * 40.0);
            chart.move_cursor(a as i32);
        }
        check_inside(&drawn_loss(&mut chart, width, height, scale), scale)?;
    }
}
