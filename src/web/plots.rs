//! The JavaScript interface of the general plot: plain data, with typed arrays for the series.

use super::charts::{ChartTheme, Layers, export_chart, write};
use crate::chart::{self, Mapping, PlotAxis, PlotKind, PlotSeries};
use js_sys::{Array, Float32Array};
use wasm_bindgen::prelude::*;
use web_sys::HtmlCanvasElement;

#[wasm_bindgen]
extern "C" {
    /// The content of a plot, as the page passes it.
    #[wasm_bindgen(typescript_type = "Plot")]
    pub type Plot;
    #[wasm_bindgen(method, getter)]
    fn x(this: &Plot) -> DescribedAxis;
    #[wasm_bindgen(method, getter)]
    fn y(this: &Plot) -> DescribedAxis;
    #[wasm_bindgen(method, getter)]
    fn series(this: &Plot) -> Array;

    /// One axis of a plot, as the page passes it.
    type DescribedAxis;
    #[wasm_bindgen(method, getter)]
    fn title(this: &DescribedAxis) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn log(this: &DescribedAxis) -> Option<bool>;
    #[wasm_bindgen(method, getter)]
    fn range(this: &DescribedAxis) -> Option<Array>;

    /// One series of a plot, as the page passes it.
    type DescribedSeries;
    #[wasm_bindgen(method, getter)]
    fn kind(this: &DescribedSeries) -> String;
    #[wasm_bindgen(method, getter)]
    fn colour(this: &DescribedSeries) -> String;
    #[wasm_bindgen(method, getter, js_name = x)]
    fn column_x(this: &DescribedSeries) -> Float32Array;
    #[wasm_bindgen(method, getter, js_name = y)]
    fn column_y(this: &DescribedSeries) -> Float32Array;
    #[wasm_bindgen(method, getter)]
    fn low(this: &DescribedSeries) -> Option<Float32Array>;
    #[wasm_bindgen(method, getter)]
    fn label(this: &DescribedSeries) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn read(this: &DescribedSeries) -> Option<bool>;
    #[wasm_bindgen(method, getter)]
    fn fitted(this: &DescribedSeries) -> Option<bool>;
    #[wasm_bindgen(method, getter)]
    fn width(this: &DescribedSeries) -> Option<f64>;

    /// The pair at the pointer's position in a plot.
    #[wasm_bindgen(typescript_type = "PlotReading")]
    pub type PlotReading;
}

/// A chart of arbitrary series over two axes.
#[wasm_bindgen]
pub struct PlotChart {
    chart: chart::PlotChart,
    layers: Layers,
}

#[wasm_bindgen]
impl PlotChart {
    /// Replaces axes and series; series of an unknown kind are ignored.
    pub fn set(&mut self, plot: &Plot) {
        let series = plot.series().into_iter().filter_map(|series| read_series(series.unchecked_ref()));
        self.chart.set(read_axis(&plot.x()), read_axis(&plot.y()), series.collect());
    }

    /// Returns the pair nearest to a position on the canvas in CSS pixels; `undefined` outside the plot.
    pub fn reading(&self, x_css: f64, y_css: f64) -> Option<PlotReading> {
        write(&self.chart.reading(x_css, y_css)?)
    }

    /// Moves the cursor to a pair of a series, both given by index; `undefined` removes it.
    pub fn set_cursor(&mut self, series: Option<u32>, index: Option<u32>) {
        self.chart.set_cursor(series.zip(index).map(|(series, index)| (series as usize, index as usize)));
    }

    /// Moves the cursor by `pairs` along x and by `series` among the series; for the keyboard.
    pub fn move_cursor(&mut self, pairs: i32, series: i32) -> Option<PlotReading> {
        write(&self.chart.move_cursor(pairs, series)?)
    }
}

export_chart!(PlotChart.stage);

fn read_axis(axis: &DescribedAxis) -> PlotAxis {
    let range = axis.range().map(|range| [0, 1].map(|i| range.get(i).as_f64().unwrap_or(f64::NAN)));
    PlotAxis {
        title: axis.title().unwrap_or_default(),
        mapping: if axis.log() == Some(true) { Mapping::Log } else { Mapping::Linear },
        range,
    }
}

fn read_series(series: &DescribedSeries) -> Option<PlotSeries> {
    let kind = PlotKind::named(&series.kind())?;
    let plain =
        PlotSeries::new(kind, &series.colour(), series.column_x().to_vec(), series.column_y().to_vec());
    Some(PlotSeries {
        low: series.low().map(|low| low.to_vec()),
        label: series.label().unwrap_or_default(),
        is_read: series.read().unwrap_or(plain.is_read),
        is_fitted: series.fitted().unwrap_or(plain.is_fitted),
        width: series.width().unwrap_or(plain.width),
        ..plain
    })
}
