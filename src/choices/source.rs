//! Where rows come from.

use super::table::choice;

/// The most rows that a dataset may have.
pub const MAX_SAMPLES: u32 = 10_000_000;

choice! {
    /// The source of the rows.
    #[derive(Clone, Debug, PartialEq)]
    pub enum Source = "source" at "data.source", tagged {
        /// `y = slope x + intercept + noise e`, `e` standard normal, x evenly from `start` to `stop`, both included.
        Linspace = "linspace", {
            /// First x.
            start: f64 = -1.0, in -1e6..=1e6;
            /// Last x.
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
            /// Which table.
            table: ShippedTable;
        };

        /// The user's own table, which never leaves the browser: only its name and hash are kept here.
        Table = "table", {
            /// Its file's name.
            name: String;
            /// A hash of its rows.
            fingerprint: String;
        };
    }
}

choice! {
    /// Tables in `www/data`, whose sources and licences are listed with them. A file is named like its entry, the words
    /// joined by hyphens.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum ShippedTable = "table" at "data.source.table", named {
        /// Eruptions of the Old Faithful geyser.
        OldFaithful = "old_faithful";
        /// Heights of parents and their grown children.
        GaltonHeights = "galton_heights";
        /// Weight and consumption of 32 cars.
        Mtcars = "mtcars";
        /// Temperature and distress of O-rings in 23 flights of the space shuttle: yes or no.
        Challenger = "challenger";
        /// Disasters in British coal mines, year by year: counts.
        CoalDisasters = "coal_disasters";
        /// Ten measurements of 442 patients, and how their diabetes went on.
        Diabetes = "diabetes";
        /// What 5,801 homes are and what they are worth: numbers and a category.
        WestRoxbury = "west_roxbury";
        /// The economy of 16 years, whose columns rise together.
        Longley = "longley";
        /// Flowers of three species.
        Iris = "iris";
        /// Ten measurements of 569 tumours: malignant or not.
        BreastCancer = "breast_cancer";
    }
}

choice! {
    /// How rows with missing inputs are handled. Rows without a target are always left out.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Missing = "missing" at "data.columns.missing", named {
        /// Leaves them out.
        Drop = "drop";
        /// Fills in the column's mean (for a category, the most frequent level).
        Mean = "mean";
        /// Fills in the column's median (for a category, the most frequent level).
        Median = "median";
    }
}
