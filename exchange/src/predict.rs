//! Predictions of many rows: a table of text in, the same table with predictions beside it out, a chunk at a time.
//!
//! `Predictor` as the page sees it (`web.rs`), in the exchange worker:
//!
//! - `new Predictor(text)`: `text` is a run file, or the `model` of what `read` finds, as JSON.
//! - `describe()`: JSON, `PredictorDescription`.
//! - `push(chunk: Uint8Array): Uint8Array`: the next bytes of a table (CSV, TSV, semicolons, whatever the readers detect; with
//!   or without names); returns bytes of the CSV that goes out, which may be none. `finish(): Uint8Array`: the last of them. The first
//!   64 kB are kept until they are there, or `finish` is called: the dialect is told by them.
//! - `counts()`: JSON, `PredictorCounts`, at any time.
//! - `rows(json)`: of typed values, `string[][]` as JSON, the predictions: JSON, `PredictorRows`. Nothing else is touched.
//!
//! Whatever is refused is thrown as an `Error` with `code` and `params`: `predict_column` (names the column and the mend),
//! `predict_width`, `not_a_table`, `row_too_long`. A row that cannot be predicted is no error: its cells go out with no
//! prediction beside them, and it is counted.
