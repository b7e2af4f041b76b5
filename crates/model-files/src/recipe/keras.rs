//! The recipe for Keras: `fit` with a dense layer on scaled features, with the learning rate set before every
//! update.

use downhill::choices::{InitialWeights, Method, Optimizer, Schedule};
use downhill::message::Result;

use super::{FEATURES, MAIN, ORIGINAL, Script, TABLE, Tool, losses, optimizers};
use crate::format::{FormatSpec, Group};
use crate::run::Run;

pub(crate) const SPEC: FormatSpec = FormatSpec {
    name: "recipe_keras",
    group: Group::Recipes,
    file_name: "downhill-step-{step}-keras.py",
    recognizes: |content| super::recognizes(content, &TOOL),
    write,
    read: Some(|bytes| super::read(bytes, &TOOL)),
    holds: super::holds,
    how_to_load: |_, file_name| super::how_to_load(&TOOL, file_name),
};

const TOOL: Tool =
    Tool { name: "Keras", file: "recipe_keras.py", install: "pip install keras tensorflow pandas" };

const IMPORTS: &str = "\
import csv
import math
import sys

import keras
import numpy as np
import pandas as pd
";

fn write(run: &Run) -> Result<Vec<u8>> {
    let mut script = Script::new(run);
    script.note_chance();
    let train = train(&mut script);
    let text = [
        script.head(&TOOL, IMPORTS),
        script.columns(),
        script.course(),
        script.generated(),
        TABLE.to_owned(),
        script.fill(),
        script.split(),
        FEATURES.to_owned(),
        script.losses(),
        script.rate(),
        train,
        ORIGINAL.to_owned(),
        MAIN.to_owned(),
        script.carried(),
    ];
    Ok(text.concat().into_bytes())
}

fn train(script: &mut Script<'_>) -> String {
    let config = script.config;
    let losses::Keras { activation, targets, own, loss } = losses::keras(config.loss);
    let initial = match config.model.initial_weights {
        InitialWeights::Zero => "\"zeros\"",
        InitialWeights::Uniform => "keras.initializers.RandomUniform(-0.05, 0.05)",
        InitialWeights::Normal => "keras.initializers.RandomNormal(0.0, 0.05)",
        InitialWeights::GlorotUniform => "\"glorot_uniform\"",
    };
    let (l1, l2) = script.penalty();
    let plain = config.optimizer == Optimizer::Sgd;
    // Keras halves nothing.
    let regularizer = match (l1 > 0.0, l2 > 0.0) {
        (true, _) if !plain => {
            format!(",\n            kernel_regularizer=keras.regularizers.L1L2({l1:?}, {:?})", l2 / 2.0)
        }
        (_, true) => format!(",\n            kernel_regularizer=keras.regularizers.L2({:?})", l2 / 2.0),
        _ => String::new(),
    };
    let (shrink, constraint) = if l1 > 0.0 && plain {
        (shrink(l1), ",\n            kernel_constraint=shrink")
    } else {
        (String::new(), "")
    };
    if l1 > 0.0 && plain {
        script.note(
            "The loss that Keras shows does not include the L1 penalty, which is applied in a separate step.",
        );
    } else if l1 > 0.0 {
        script.note(
            "Keras applies the L1 penalty through its slope, so weights end near 0 where the run has exactly 0.",
        );
    }
    let optimizer = optimizer(script);
    let mut callbacks = vec!["Course()"];
    let patience = config.stop.patience.filter(|_| config.validation.fraction > 0.0);
    let stopping = patience.map(|patience| {
        format!("keras.callbacks.EarlyStopping(\"val_loss\", patience={patience}, restore_best_weights=True)")
    });
    callbacks.extend(stopping.as_deref());
    let shuffle = if config.shuffle && config.method != Method::Batch { "True" } else { "False" };
    let (bias, parameters) = if script.has_bias() {
        ("True", "weights, bias = model.get_weights()\n    return weights.astype(float), bias.astype(float)")
    } else {
        ("False", "(weights,) = model.get_weights()\n    return weights.astype(float), np.zeros(N_OUTPUTS)")
    };
    let constrained = if constraint.is_empty() { "" } else { "    shrink = Shrink()\n" };
    let bind = if constraint.is_empty() { "" } else { "    shrink.optimizer = model.optimizer\n" };
    format!(
        "{own}{shrink}{course}\n\ndef train(training, validation):\n    \"\"\"Weights of the scaled features, [feature, output], and biases.\"\"\"\n    \
         keras.utils.set_random_seed(SEED)\n    X, y, weight = training\n{constrained}    model = keras.Sequential([\n        keras.Input((len(TERMS),)),\n        \
         keras.layers.Dense(\n            N_OUTPUTS{activation}, use_bias={bias}, kernel_initializer={initial}{regularizer}{constraint},\n        ),\n    ])\n    \
         model.compile(optimizer={optimizer}, loss={loss})\n{bind}    \
         batch = min(BATCH_SIZE or len(y), len(y))\n    model.fit(\n        X.astype(\"float32\"), targets(y), sample_weight=weight.astype(\"float32\"),\n        \
         batch_size=batch, epochs=math.ceil(STEPS / math.ceil(len(y) / batch)), shuffle={shuffle}, verbose=0,\n        \
         callbacks=[{callbacks}],\n        validation_data=held_out(*validation),\n    )\n    {parameters}\n\n\ndef targets(y):\n    return {targets}\n\n\n\
         def held_out(X, y, weight):\n    return (X.astype(\"float32\"), targets(y), weight.astype(\"float32\")) if len(y) else None\n",
        course = course(script.reacts()),
        callbacks = callbacks.join(", "),
    )
}

/// Notes how training in Keras differs from the run, and returns the code that creates the optimizer.
fn optimizer(script: &mut Script<'_>) -> String {
    let config = script.config;
    let changes = config.schedule != Schedule::Constant || config.warmup.steps > 0;
    if config.optimizer.momentum().is_some() && changes {
        script.note(
            "Keras multiplies the learning rate into the velocity, so a change of the rate takes effect more slowly.",
        );
    }
    optimizers::written(&config.optimizer, config.learning_rate).keras
}

/// Writes the exact proximal step of plain descent for an L1 penalty.
fn shrink(l1: f64) -> String {
    format!(
        "\n\nclass Shrink(keras.constraints.Constraint):\n    \"\"\"Moves weights towards 0 by the rate times the L1 penalty after each update, stopping at 0.\"\"\"\n\n    \
         optimizer = None\n\n    def __call__(self, weights):\n        if self.optimizer is None:\n            return weights\n        \
         return keras.ops.sign(weights) * keras.ops.relu(keras.ops.abs(weights) - self.optimizer.learning_rate * {l1:?})\n"
    )
}

fn course(reacts: bool) -> String {
    let text = "\n\nclass Course(keras.callbacks.Callback):\n    \"\"\"Sets the rate before every update, and stops after as many updates as the run had.\"\"\"\n\n    \
                def __init__(self):\n        super().__init__()\n        self.step = 0\n";
    let begin = "\n    def on_train_batch_begin(self, batch, logs=None):\n";
    let end = "\n    def on_train_batch_end(self, batch, logs=None):\n        self.step += 1\n        if self.step >= STEPS:\n            self.model.stop_training = True\n";
    if !reacts {
        return text.to_owned()
            + begin
            + "        self.model.optimizer.learning_rate = rate(self.step)\n"
            + end;
    }
    text.to_owned()
        + "        self.reaction, self.anchor, self.start = Reaction(), None, None\n"
        + begin
        + "        self.model.optimizer.learning_rate = rate(self.step) * self.reaction.scale\n"
        + end
        + "\n    def on_epoch_begin(self, epoch, logs=None):\n        self.start = self.model.get_weights()\n\n    \
           def on_epoch_end(self, epoch, logs=None):\n        if self.reaction.after(logs[\"loss\"]):\n            \
           self.model.set_weights(self.anchor)\n        else:\n            self.anchor = self.start\n"
}
