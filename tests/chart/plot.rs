//! Tests of the general plot: series of every kind are drawn where the axes say, can be read by the
//! cursor, and stay within the plot.
use super::hostile::{any_number, any_size, check_inside};
use super::recorder::Recorder;
use super::{check_labels, rgb, size};
use downhill::chart::{Mapping, PlotAxis, PlotChart, PlotKind, PlotReading, PlotSeries, Rect, Scale, Theme};
use proptest::prelude::*;

const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 300.0;

fn axis(title: &str, mapping: Mapping, range: Option<[f64; 2]>) -> PlotAxis {
    PlotAxis { title: title.to_owned(), mapping, range }
}

fn plot(x: PlotAxis, y: PlotAxis, series: Vec<PlotSeries>, scale: Scale) -> PlotChart {
    let mut chart = PlotChart::default();
    chart.stage.resize(size(WIDTH, HEIGHT, scale));
    chart.set(x, y, series);
    chart
}

fn drawn(chart: &PlotChart, width: f64, height: f64, scale: Scale) -> Recorder {
    let mut recorder = Recorder::new(width, height, scale.css);
    chart.draw_base(&mut recorder).expect("infallible");
    chart.draw_top(&mut recorder).expect("infallible");
    recorder
}

/// Strengths 0.01, 0.1, 1, 10 on a logarithmic axis, and 0 to 3 above.
fn decades(kind: PlotKind, scale: Scale) -> PlotChart {
    let series = PlotSeries::new(kind, "fit", vec![0.01, 0.1, 1.0, 10.0], vec![0.0, 1.0, 2.0, 3.0]);
    let x = axis("strength", Mapping::Log, Some([1e-3, 100.0]));
    plot(x, axis("coefficient", Mapping::Linear, Some([-1.0, 4.0])), vec![series], scale)
}

/// The position of pair `i` of [`decades`]: five decades across, five units up.
fn place(i: usize, plot: Rect) -> (i32, i32) {
    let i = i as f64;
    let x = plot.left + (i + 1.0) / 5.0 * (plot.right - plot.left);
    let y = plot.bottom - (i + 1.0) / 5.0 * (plot.bottom - plot.top);
    (x.round() as i32, y.round() as i32)
}

#[test]
fn pairs_lie_where_the_axes_say() {
    for scale in [Scale::pixels(1.0), Scale::fractions(2.0, 16.0)] {
        let chart = decades(PlotKind::Line, scale);
        let expected: Vec<_> = (0..4).map(|i| place(i, chart.stage.plot())).collect();
        let recorder = drawn(&chart, WIDTH, HEIGHT, scale);
        let [line] = recorder.paths_of(rgb(Theme::default().fit))[..] else { panic!("one line") };
        assert_eq!(line.points, expected);
        assert_eq!(line.width, (2.0 * scale.css).round() as u32);

        let points = drawn(&decades(PlotKind::Points, scale), WIDTH, HEIGHT, scale);
        assert_eq!(points.discs.iter().map(|disc| disc.centre).collect::<Vec<_>>(), expected);

        // Each value holds until the next.
        let steps = drawn(&decades(PlotKind::Steps, scale), WIDTH, HEIGHT, scale);
        let [stairs] = steps.paths_of(rgb(Theme::default().fit))[..] else { panic!("one line") };
        let corner = |i: usize| (expected[i].0, expected[i - 1].1);
        assert_eq!(
            stairs.points,
            [expected[0], corner(1), expected[1], corner(2), expected[2], corner(3), expected[3]]
        );
    }
}

#[test]
fn bars_stand_on_zero_and_beside_one_another() {
    let chart = decades(PlotKind::Bars, Scale::pixels(1.0));
    let Rect { top, bottom, left, right } = chart.stage.plot();
    let recorder = drawn(&chart, WIDTH, HEIGHT, Scale::pixels(1.0));
    // The first bar has no height.
    assert_eq!(recorder.rects.len(), 3);
    let zero = (bottom - (bottom - top) / 5.0).round() as i32;
    for (bar, i) in recorder.rects.iter().zip(1..) {
        let [(from, upper), (to, lower)] = bar.points[..] else { panic!("two corners") };
        let (x, y) = place(i, chart.stage.plot());
        assert_eq!((upper, lower), (y, zero));
        assert!(((from + to) / 2 - x).abs() <= 1, "{from} {to} about {x}");
        let width = f64::from(to - from);
        assert!(width > 0.9 * (right - left) / 5.0 && width < (right - left) / 5.0, "{width}");
    }
}

#[test]
fn bands_reach_from_edge_to_edge_and_rules_through_the_plot() {
    let scale = Scale::pixels(1.0);
    let band = PlotSeries {
        low: Some(vec![-9.0, 0.0]),
        ..PlotSeries::new(PlotKind::Band, "validation", vec![0.0, 1.0], vec![1.0, 1.0])
    };
    let rules = PlotSeries::new(PlotKind::Rules, "exact", vec![0.5, f32::NAN], vec![f32::NAN, 0.5]);
    let unit = || axis("", Mapping::Linear, Some([0.0, 1.0]));
    let chart = plot(unit(), unit(), vec![band, rules], scale);
    let recorder = drawn(&chart, WIDTH, HEIGHT, scale);
    let Rect { left, top, right, bottom } = chart.stage.plot();
    let corner = |x: f64, y: f64| (x.round() as i32, y.round() as i32);
    let [band] = &recorder.polygons[..] else { panic!("one band") };
    // Parts outside the plot are cut at its edge.
    assert_eq!(
        band.points,
        [corner(left, top), corner(right, top), corner(right, bottom), corner(left, bottom)]
    );
    let dashes = recorder.paths_of(rgb(Theme::default().exact));
    let middle = corner((left + right) / 2.0, (top + bottom) / 2.0);
    let down = dashes.iter().filter(|dash| dash.points.iter().all(|at| at.0 == middle.0)).count();
    let across = dashes.iter().filter(|dash| dash.points.iter().all(|at| at.1 == middle.1)).count();
    assert!(down > 5 && across > 5 && down + across == dashes.len(), "{down} down, {across} across");
}

#[test]
fn axes_hold_all_data_and_rules_do_not_widen_them() {
    let points =
        PlotSeries::new(PlotKind::Points, "points", vec![1.0, 10_000.0, -5.0], vec![3.0, 4.0, 900.0]);
    let rule = PlotSeries::new(PlotKind::Rules, "exact", vec![f32::NAN], vec![1e6]);
    let x = axis("", Mapping::Log, None);
    let chart = plot(x, axis("", Mapping::Linear, None), vec![points, rule], Scale::pixels(1.0));
    let (x, y) = chart.stage.axes();
    // log10 of 1 and 10,000, and a twentieth of four decades to either side.
    assert!((x.low + 0.2).abs() < 1e-9 && (x.high - 4.2).abs() < 1e-9, "{x:?}");
    assert!((y.low - (3.0 - 44.85)).abs() < 1e-9 && (y.high - (900.0 + 44.85)).abs() < 1e-9, "{y:?}");
    // -5 has no logarithm.
    assert_eq!(drawn(&chart, WIDTH, HEIGHT, Scale::pixels(1.0)).discs.len(), 2);
}

#[test]
fn the_pointer_reads_the_nearest_point_then_the_nearest_curve() {
    let grid = vec![0.0, 0.5, 1.0];
    let low = PlotSeries::new(PlotKind::Line, "fit", grid.clone(), vec![0.2; 3]);
    let high = PlotSeries::new(PlotKind::Line, "validation", grid, vec![0.8; 3]);
    let point = PlotSeries::new(PlotKind::Points, "points", vec![0.5], vec![0.6]);
    let unit = || axis("", Mapping::Linear, Some([0.0, 1.0]));
    let mut chart = plot(unit(), unit(), vec![low, high, point], Scale::pixels(1.0));
    let Rect { left, top, right, bottom } = chart.stage.plot();
    let at = |x: f64, y: f64| (left + x * (right - left), bottom - y * (bottom - top));
    let read = |chart: &PlotChart, (x, y): (f64, f64)| {
        chart.reading(x, y).map(|PlotReading { series, index, .. }| (series, index))
    };
    assert_eq!(read(&chart, at(0.51, 0.61)), Some((2, 0)));
    assert_eq!(read(&chart, at(0.51, 0.75)), Some((1, 1)));
    assert_eq!(read(&chart, at(0.1, 0.3)), Some((0, 0)));
    assert_eq!(read(&chart, (left - 5.0, top)), None);

    // The arrow keys move along x within a series, and up and down between series.
    let begun = chart.move_cursor(0, 0).expect("a series");
    assert_eq!((begun.series, begun.index, begun.x), (0, 1, 0.5));
    let moved = chart.move_cursor(1, 0).expect("a pair");
    assert_eq!((moved.series, moved.index), (0, 2));
    let moved = chart.move_cursor(7, 1).expect("the last pair");
    assert_eq!((moved.series, moved.index), (1, 2));
    let moved = chart.move_cursor(0, 1).expect("the only point");
    assert_eq!((moved.series, moved.index), (2, 0));
    // The marker is the dot of the series' colour, with a ring of the background beneath.
    let recorder = drawn(&chart, WIDTH, HEIGHT, Scale::pixels(1.0));
    assert_eq!(recorder.discs.len(), 3);
}

#[test]
fn the_keyboard_goes_by_x_whatever_the_order_of_rows() {
    let points = PlotSeries::new(PlotKind::Points, "points", vec![3.0, 1.0, f32::NAN, 2.0], vec![0.0; 4]);
    let linear = || axis("", Mapping::Linear, None);
    let mut chart = plot(linear(), linear(), vec![points], Scale::pixels(1.0));
    chart.set_cursor(Some((0, 1)));
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.extend(chart.move_cursor(1, 0).map(|reading| reading.x));
    }
    assert_eq!(seen, [2.0, 3.0, 3.0]);
    // A point without a position cannot be read.
    chart.set_cursor(Some((0, 2)));
    assert_eq!(chart.move_cursor(0, 0).map(|reading| reading.x), Some(2.0), "the middle of three");
}

#[test]
fn zoom_keeps_the_place_under_the_pointer_and_goes_back() {
    let mut chart = decades(PlotKind::Line, Scale::pixels(2.0));
    let before = chart.stage.data_at(200.0, 100.0).expect("a size");
    chart.stage.zoom(200.0, 100.0, 4.0);
    assert!(chart.stage.is_zoomed());
    let after = chart.stage.data_at(200.0, 100.0).expect("a size");
    assert!((before.0 / after.0 - 1.0).abs() < 1e-9 && (before.1 - after.1).abs() < 1e-9);
    chart.stage.pan(30.0, -20.0);
    let moved = chart.stage.data_at(230.0, 80.0).expect("a size");
    assert!((before.0 / moved.0 - 1.0).abs() < 1e-9 && (before.1 - moved.1).abs() < 1e-9);
    chart.stage.reset_zoom();
    assert!(!chart.stage.is_zoomed());
}

#[test]
fn no_label_of_a_plot_covers_another() {
    for width in (240..=1200).step_by(96).map(f64::from) {
        for magnitude in [1e-6_f32, 0.37, 1.0, 54_321.0, 3e9] {
            for mapping in [Mapping::Linear, Mapping::Log] {
                let scale = Scale::fractions(2.0, 16.0);
                let points = PlotSeries::new(
                    PlotKind::Points,
                    "points",
                    vec![magnitude, 2000.0 * magnitude],
                    vec![magnitude, 1.3 * magnitude],
                );
                let mut chart = PlotChart::default();
                chart.stage.resize(size(width, 220.0, scale));
                chart.set(
                    axis("fitted waiting time", mapping, None),
                    axis("residual", mapping, None),
                    vec![points],
                );
                let case = format!("{width} {magnitude} {mapping:?}");
                check_labels(&drawn(&chart, width, 220.0, scale), &case);
            }
        }
    }
}

proptest! {
    #[test]
    fn hostile_plot_neither_panics_nor_leaves_the_canvas(
        pairs in prop::collection::vec((any_number(), any_number(), any_number()), 0..40),
        kinds in prop::collection::vec(0_usize..7, 0..4),
        (log_x, log_y) in (any::<bool>(), any::<bool>()),
        range in prop::option::of((any_number(), any_number())),
        (width, height, ratio) in any_size(),
        moves in prop::collection::vec((any_number(), any_number(), any_number()), 0..6),
    ) {
        let scale = Scale::fractions(ratio, 16.0);
        let mapping = |log| if log { Mapping::Log } else { Mapping::Linear };
        let names = ["points", "line", "dashed", "band", "steps", "bars", "rules"];
        let series = kinds.iter().map(|&kind| {
            let kind = PlotKind::named(names[kind]).expect("a kind");
            let column = |of: fn(&(f32, f32, f32)) -> f32| pairs.iter().map(of).collect();
            PlotSeries {
                low: (kind == PlotKind::Band).then(|| column(|pair| pair.2)),
                label: "end".to_owned(),
                is_fitted: true,
                is_read: true,
                ..PlotSeries::new(kind, "fit", column(|pair| pair.0), column(|pair| pair.1))
            }
        });
        let mut chart = PlotChart::default();
        chart.stage.resize(size(width, height, scale));
        let range = range.map(|(low, high)| [f64::from(low), f64::from(high)]);
        chart.set(axis("x", mapping(log_x), range), axis("y", mapping(log_y), None), series.collect());
        for (a, b, c) in moves {
            let (a, b, c) = (f64::from(a), f64::from(b), f64::from(c));
            chart.stage.zoom(a.abs() * 40.0, b.abs() * 40.0, c.abs());
            chart.stage.pan(a, b);
            if let Some(reading) = chart.reading(a.abs() * 40.0, b.abs() * 40.0) {
                prop_assert!((reading.index as usize) < pairs.len());
            }
            chart.move_cursor(a as i32, b as i32);
        }
        check_inside(&drawn(&chart, width, height, scale), scale)?;
    }
}
