//! Generates the TypeScript declarations of all types that are passed to JavaScript.

use ts_rs::{Config, TS};

use crate::choices::{
    BackendChoice, InitialWeights, Loss, Method, Missing, Optimizer, Penalty, Response, Scaling, Schedule,
    ShippedTable, Source, Split, Warmup,
};
use crate::config::{ColumnsConfig, DataConfig, ModelConfig, RunConfig, Stop, ValidationConfig};
use crate::dataset::{Extra, Input};
use crate::foreign::{ComparedCoefficient, ComparedPart, ComparedScore, Comparison, Model as ForeignModel};
use crate::history::{Curve, HistoryDelta};
use crate::message::Message;
use crate::model::LayerWeights;
use crate::protocol::{
    Answer, BackendInfo, Configured, DatasetInfo, Exact, InputInfo, Progress, Request, RunStatus, Shown,
    Snapshot,
};
use crate::run_file::{DataFacts, OriginalUnits, RunFile, TrainingState, Which, WrittenColumns};
use crate::trainer::{Mark, Path, Place};

/// The file that has the committed declarations.
const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/types.d.ts");

/// The environment variable that makes the test write the declarations.
const WRITE: &str = "DOWNHILL_WRITE_TYPES";

macro_rules! declarations {
    ($($Type:ty),* $(,)?) => {
        [$(declaration::<$Type>()),*].concat()
    };
}

/// The exported TypeScript declaration of a type, with its doc comments.
fn declaration<T: TS>() -> String {
    let types = Config::new().with_large_int("number");
    let text = format!("{}export {}\n", T::docs().unwrap_or_default(), T::decl(&types));
    let text = text.replace(" } | { ", " }\n| { ");
    let mut indent = "";
    let mut found = String::from("\n");
    for line in text.lines().map(str::trim) {
        let (line, begins) = match line.strip_prefix('*') {
            Some(rest) => (format!(" *{rest}"), false),
            None => (line.to_owned(), line.starts_with("export")),
        };
        found += &format!("{indent}{line}\n");
        if begins {
            indent = "  ";
        }
    }
    for indent in ["", "  "] {
        found = found.replace(&format!("{indent}/**\n{indent} * "), &format!("{indent}/** "));
        found = found.replace(&format!("\n{indent} */\n"), " */\n");
    }
    // Rust's links mean nothing here.
    found.replace(", };\n", ",\n};\n").replace("[`", "`").replace("`]", "`")
}

#[test]
fn the_committed_declarations_are_those_of_the_types() -> std::io::Result<()> {
    let types = declarations![
        Message,
        Optimizer,
        Schedule,
        Warmup,
        Loss,
        Penalty,
        Response,
        InitialWeights,
        Scaling,
        Method,
        Split,
        Source,
        ShippedTable,
        Missing,
        BackendChoice,
        RunConfig,
        DataConfig,
        ColumnsConfig,
        ModelConfig,
        ValidationConfig,
        Stop,
        Request,
        Shown,
        Which,
        Answer,
        Configured,
        DatasetInfo,
        InputInfo,
        Exact,
        Snapshot,
        Progress,
        RunStatus,
        BackendInfo,
        HistoryDelta,
        Path,
        Mark,
        ForeignModel,
        Comparison,
        ComparedPart,
        ComparedScore,
        ComparedCoefficient,
        RunFile,
        WrittenColumns,
        Input,
        Extra,
        LayerWeights,
        OriginalUnits,
        TrainingState,
        Place,
        DataFacts,
        Curve,
    ];
    let expected = format!("// Written by `{WRITE}=1 cargo test --lib web_types`; do not edit.\n{types}");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(PATH, &expected)?;
    }
    let committed = std::fs::read_to_string(PATH)?;
    assert!(committed == expected, "src/web/types.d.ts is stale: run {WRITE}=1 cargo test --lib web_types");
    Ok(())
}
