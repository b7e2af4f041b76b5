//! The recipe for PyTorch: a linear layer on scaled features, and a loop that makes the same updates as the
//! run.

use downhill::choices::{InitialWeights, Method};
use downhill::message::Result;

use super::{FEATURES, MAIN, ORIGINAL, Script, TABLE, Tool, losses, optimizers};
use crate::format::{FormatSpec, Group};
use crate::run::Run;

pub(crate) const SPEC: FormatSpec = FormatSpec {
    name: "recipe_pytorch",
    group: Group::Recipes,
    file_name: "downhill-step-{step}-pytorch.py",
    recognizes: |content| super::recognizes(content, &TOOL),
    write,
    read: Some(|bytes| super::read(bytes, &TOOL)),
    holds: super::holds,
    how_to_load: |_, file_name| super::how_to_load(&TOOL, file_name),
};

const TOOL: Tool = Tool { name: "PyTorch", file: "recipe_pytorch.py", install: "pip install torch pandas" };

const IMPORTS: &str = "\
import csv
import math
import sys

import numpy as np
import pandas as pd
import torch
from torch.nn import functional
";

fn write(run: &Run) -> Result<Vec<u8>> {
    let mut script = Script::new(run);
    script.note_chance();
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
        objective(&script),
        train(&script),
        ORIGINAL.to_owned(),
        MAIN.to_owned(),
        script.carried(),
    ];
    Ok(text.concat().into_bytes())
}

/// Writes the objective that is minimized, L2 penalty included.
fn objective(script: &Script<'_>) -> String {
    let rows = losses::pytorch(script.config.loss);
    let (_, l2) = script.penalty();
    let penalty =
        if l2 > 0.0 { format!(" + {l2:?} / 2 * model.weight.square().sum()") } else { String::new() };
    format!(
        "\n\ndef objective(model, X, y, weight):\n    \"\"\"The mean loss of the rows{}.\"\"\"\n    z = model(X)\n    \
         return (weight * {rows}).mean(){penalty}\n",
        if l2 > 0.0 { " and the penalty" } else { "" }
    )
}

fn train(script: &Script<'_>) -> String {
    let config = script.config;
    let bias = if script.has_bias() { "True" } else { "False" };
    let initial = match config.model.initial_weights {
        InitialWeights::Zero => "zeros_(model.weight)",
        InitialWeights::Uniform => "uniform_(model.weight, -0.05, 0.05)",
        InitialWeights::Normal => "normal_(model.weight, 0.0, 0.05)",
        InitialWeights::GlorotUniform => "xavier_uniform_(model.weight)",
    };
    let zero_bias = if script.has_bias() { "    torch.nn.init.zeros_(model.bias)\n" } else { "" };
    let shuffled = config.shuffle && config.method != Method::Batch;
    let order = if shuffled { "torch.randperm(len(y))" } else { "torch.arange(len(y))" };
    let (l1, _) = script.penalty();
    let (shrink, before, after) = if l1 > 0.0 {
        (
            optimizers::sparsely(&config.optimizer, l1),
            "            before = model.weight.detach().clone()\n",
            "            shrink(model, optimizer, before)\n",
        )
    } else {
        (String::new(), "", "")
    };
    let scale = if script.reacts() { " * reaction.scale" } else { "" };
    let reaction = if script.reacts() { "    reaction, anchor = Reaction(), None\n" } else { "" };
    let (start, sum, react) = if script.reacts() {
        (
            "        start, total = [parameter.detach().clone() for parameter in model.parameters()], 0.0\n",
            "            total += float(loss.detach()) * len(rows)\n",
            "        if step % n_batches == 0:\n            if reaction.after(total / len(y)):\n                put(model, anchor)\n                \
             forget(optimizer)\n            else:\n                anchor = start\n",
        )
    } else {
        ("", "", "")
    };
    let helpers = if script.reacts() { FORGET } else { "" };
    let patience = config.stop.patience.filter(|_| config.validation.fraction > 0.0);
    let (best, watch, come_back) = match patience {
        Some(patience) => (
            "    best, best_weights, n_bad = math.inf, None, 0\n".to_owned(),
            format!(
                "        with torch.no_grad():\n            seen = float(objective(model, *held_out))\n        if seen < best:\n            \
                 best, n_bad = seen, 0\n            best_weights = [parameter.detach().clone() for parameter in model.parameters()]\n        \
                 else:\n            n_bad += 1\n        if n_bad > {patience}:\n            break\n"
            ),
            "    if best_weights is not None:\n        put(model, best_weights)\n",
        ),
        None => (String::new(), String::new(), ""),
    };
    let put = if script.reacts() || patience.is_some() { PUT } else { "" };
    let held_out = if patience.is_some() {
        "    held_out = [torch.tensor(values, dtype=torch.float32) for values in validation]\n"
    } else {
        ""
    };
    let returned =
        if script.has_bias() { "model.bias.detach().numpy().astype(float)" } else { "np.zeros(N_OUTPUTS)" };
    let optimizers::Written { pytorch: optimizer, pytorch_class: class, .. } =
        optimizers::written(&config.optimizer, config.learning_rate);
    format!(
        "{put}{helpers}{class}{shrink}\n\ndef train(training, validation):\n    \"\"\"Weights of the scaled features, [feature, output], and biases.\"\"\"\n    \
         torch.manual_seed(SEED)\n    X, y, weight = [torch.tensor(values, dtype=torch.float32) for values in training]\n{held_out}    \
         model = torch.nn.Linear(len(TERMS), N_OUTPUTS, bias={bias})\n    torch.nn.init.{initial}\n{zero_bias}    \
         optimizer = {optimizer}\n    batch = min(BATCH_SIZE or len(y), len(y))\n    n_batches = math.ceil(len(y) / batch)\n    step = 0\n{reaction}{best}    \
         while step < STEPS:\n        order = {order}\n{start}        for rows in order.split(batch)[:STEPS - step]:\n            \
         for group in optimizer.param_groups:\n                group[\"lr\"] = rate(step){scale}\n{before}            \
         optimizer.zero_grad()\n            loss = objective(model, X[rows], y[rows], weight[rows])\n            loss.backward()\n            \
         optimizer.step()\n{after}{sum}            step += 1\n{react}{watch}{come_back}    \
         return model.weight.detach().numpy().T.astype(float), {returned}\n"
    )
}

const PUT: &str = "\n\ndef put(model, parameters):\n    with torch.no_grad():\n        \
                   for parameter, value in zip(model.parameters(), parameters):\n            parameter.copy_(value)\n";

const FORGET: &str = "\n\ndef forget(optimizer):\n    \"\"\"What moves, stands still.\"\"\"\n    \
                      for state in optimizer.state.values():\n        for name, value in state.items():\n            \
                      if name != \"step\" and value is not None:\n                value.zero_()\n";
