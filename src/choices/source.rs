//! The sources of rows.

use super::table::choice;

/// The maximum number of rows of a dataset.
pub const MAX_SAMPLES: u32 = 10_000_000;

choice! {
    /// Where the rows come from.
    #[derive(Clone, Debug, PartialEq)]
    pub enum Source = "source" at "data.source", tagged {
        /// Generated rows `y = slope x + intercept + noise e`, where `e` is standard normal and x is evenly
        /// spaced from `start` to `stop`, both included.
        Linspace = "linspace", {
            /// The first x.
            start: f64 = -1.0, in -1e6..=1e6;
            /// The last x.
            stop: f64 = 1.0, in -1e6..=1e6;
            /// Number of rows.
            n_samples: u32 = 100, in 2.0..=MAX_SAMPLES as f64;
            /// Slope of the line.
            slope: f64 = 2.0, in -1e6..=1e6;
            /// Intercept: y at x = 0.
            intercept: f64 = 1.0, in -1e6..=1e6;
            /// Standard deviation of the noise.
            noise: f64 = 0.1, in 0.0..=1e6;
            /// Seed of the noise.
            seed: u32 = 1;
        };

        /// A table that ships with the page.
        Shipped = "shipped", {
            /// Which of the shipped tables.
            table: ShippedTable;
        };

        /// The user's own table, which never leaves the browser: configurations contain only its name and
        /// hash.
        Table = "table", {
            /// The name of the table's file.
            name: String;
            /// A hash of the table's rows.
            fingerprint: String;
        };
    }
}

choice! {
    /// Tables in `www/data`, where their sources and licences are listed. A file is named like its entry,
    /// with hyphens between the words.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum ShippedTable = "table" at "data.source.table", named {
        /// Eruptions of the Old Faithful geyser.
        OldFaithful = "old_faithful";
        /// Heights of parents and their grown children.
        GaltonHeights = "galton_heights";
        /// Weight and fuel consumption of 32 cars.
        Mtcars = "mtcars";
        /// Temperature and O-ring damage (yes or no) in 23 flights of the space shuttle.
        Challenger = "challenger";
        /// Number of disasters in British coal mines in each year.
        CoalDisasters = "coal_disasters";
        /// Ten measurements of 442 diabetes patients, and the progression of their disease a year later.
        Diabetes = "diabetes";
        /// Properties and values of 5,801 homes: numbers and a category.
        WestRoxbury = "west_roxbury";
        /// Economic data of 16 years, whose columns are strongly correlated.
        Longley = "longley";
        /// Measurements of iris flowers of three species.
        Iris = "iris";
        /// Ten measurements of 569 breast tumours, which are malignant or benign.
        BreastCancer = "breast_cancer";
    }
}

choice! {
    /// How rows with missing inputs are handled. Rows without a target are always left out.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Missing = "missing" at "data.columns.missing", named {
        /// Leaves out rows with a missing input.
        Drop = "drop";
        /// Fills in the column's mean (for a category, the most frequent level).
        Mean = "mean";
        /// Fills in the column's median (for a category, the most frequent level).
        Median = "median";
    }
}
