"use strict";
{
  const model = JSON.parse(document.getElementById("model").textContent);
  const words = {
    en: {
      inputs: "Inputs",
      middle: "Middle of the data",
      prediction: "Prediction",
      probability: "Probability",
      rate: "Expected count",
      classes: "Probabilities",
      profile: "How it changes with",
      formula: "Formula",
      about: "About this model",
      promise: "This file computes everything itself: it uses no network, and what you type stays here.",
      number: "enter a number",
      outside: (list) => `Outside the range of the training data: ${list}.`,
      range: (name, low, high) => `${name} (${low} to ${high})`,
      term: "Term",
      constant: "constant",
      coefficients: "Coefficients in the units of the data; a category level counts as 1 if it applies, otherwise 0.",
      chart: (target, name) => `${target} against ${name}, with the other inputs unchanged`,
      is: (target, level) => `${target} is ${level}`,
      Data: "Data",
      Loss: "Loss",
      Training: "Training",
      Metrics: "Metrics",
      Saved: "Saved",
      "Written by": "Written by",
    },
    zh: {
      inputs: "输入",
      middle: "数据中点",
      prediction: "预测",
      probability: "概率",
      rate: "期望计数",
      classes: "各类概率",
      profile: "随此输入变化",
      formula: "公式",
      about: "关于此模型",
      promise: "所有计算都在本文件内完成：不访问任何网络，你输入的内容不会离开这里。",
      number: "请输入数字",
      outside: (list) => `超出训练数据的范围：${list}。`,
      range: (name, low, high) => `${name}（${low} 至 ${high}）`,
      term: "项",
      constant: "常数",
      coefficients: "系数按数据的单位；某个类别取值适用时记 1，否则记 0。",
      chart: (target, name) => `${target} 随 ${name} 的变化，其他输入不变`,
      is: (target, level) => `${target} 为 ${level}`,
      Data: "数据",
      Loss: "损失",
      Training: "训练",
      Metrics: "指标",
      Saved: "保存时间",
      "Written by": "来自",
    },
  };
  let language = /^zh/i.test(navigator.language) ? "zh" : "en";
  let say = words[language];
  const by = (id) => document.getElementById(id);
  const { inputs, activation, target, classes } = model;
  const isProbability = activation === "sigmoid" || activation === "softmax";

  // Computes the features in the same order as Downhill.
  function features(row) {
    const raw = [];
    const first = [];
    inputs.forEach(({ levels, degree, center, scale }, j) => {
      first.push(raw.length);
      if (levels.length) {
        for (let level = 1; level < levels.length; level++) raw.push(row[j] === level ? 1 : 0);
        return;
      }
      const z = (row[j] - center) / scale;
      for (let power = 1, value = z; power <= degree; power++, value *= z) raw.push(value);
    });
    const factors = (j) => (inputs[j].levels.length ? inputs[j].levels.length - 1 : 1);
    for (const [a, b] of model.interactions) {
      for (let i = first[a]; i < first[a] + factors(a); i++) {
        for (let k = first[b]; k < first[b] + factors(b); k++) raw.push(raw[i] * raw[k]);
      }
    }
    return raw.map((value, k) => (value - model.center[k]) / model.scale[k]);
  }
  function predict(row) {
    const scores = model.bias ? [...model.bias] : model.weights[0].map(() => 0);
    features(row).forEach((feature, k) => model.weights[k].forEach((weight, output) => (scores[output] += feature * weight)));
    if (activation === "sigmoid") return scores.map((z) => 1 / (1 + Math.exp(-z)));
    if (activation === "exponential") return scores.map((z) => Math.exp(z));
    if (activation !== "softmax") return scores;
    const largest = Math.max(...scores);
    const powers = scores.map((z) => Math.exp(z - largest));
    const sum = powers.reduce((sum, power) => sum + power, 0);
    return powers.map((power) => power / sum);
  }

  // Formats with four significant digits, grouped thousands, and an exponent only outside 1e-4 to
  // 1e6.
  function digits(value, n = 4) {
    const size = Math.abs(value);
    if (value === 0 || !Number.isFinite(value)) return String(value).replace("-", "−");
    if (size < 1e-4 || size >= 1e6) {
      const [mantissa, exponent] = value.toExponential(n - 1).split("e");
      return `${Number(mantissa)} × 10${[...String(Number(exponent))].map((d) => "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"[d === "-" ? 10 : d]).join("")}`.replace("-", "−");
    }
    const places = Math.max(0, n - 1 - Math.floor(Math.log10(size)));
    return new Intl.NumberFormat("en", { maximumFractionDigits: places }).format(value).replace("-", "−");
  }
  const percent = (p) => (p > 0 && p < 0.001 ? "< 0.1 %" : p < 1 && p > 0.999 ? "> 99.9 %" : `${(100 * p).toFixed(1)} %`);
  const plain = (value) => (Number.isInteger(value) && Math.abs(value) < 1e6 ? String(value).replace("-", "−") : digits(value).replaceAll(",", ""));

  function make(name, properties = {}, children = []) {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  }
  function draw(name, attributes, text) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  // A number in the middle of the data, with only as many digits as the spread of the data needs.
  function middle({ low, high }) {
    const value = (low + high) / 2;
    const spread = high - low;
    if (!(spread > 0)) return value;
    const places = Math.min(12, Math.max(0, 2 - Math.floor(Math.log10(spread))));
    return Number(value.toFixed(places));
  }

  const row = inputs.map((input) => (input.levels.length ? 0 : middle(input)));
  const fields = inputs.map((input, j) => {
    const label = make("label", { htmlFor: `input-${j}`, textContent: input.name || `x${j + 1}` });
    if (input.levels.length) {
      const select = make("select", { id: `input-${j}` }, input.levels.map((level, k) => new Option(level, k)));
      select.addEventListener("input", () => change(j, Number(select.value)));
      by("form").append(make("div", { className: "field" }, [label, select]));
      return { set: (value) => (select.value = value) };
    }
    const number = make("input", { id: `input-${j}`, type: "number", step: "any", value: row[j] });
    const error = make("p", { className: "error", id: `error-${j}` });
    number.setAttribute("aria-describedby", error.id);
    const parts = [label, number];
    let slider = null;
    if (input.high > input.low) {
      slider = make("input", { type: "range", min: 0, max: 1000, step: 1 });
      slider.setAttribute("aria-label", label.textContent);
      slider.addEventListener("input", () => {
        const spread = input.high - input.low;
        const places = Math.min(12, Math.max(0, 2 - Math.floor(Math.log10(spread))));
        const value = Number((input.low + (slider.value / 1000) * spread).toFixed(places));
        number.value = value;
        change(j, value);
      });
      parts.push(slider, make("div", { className: "ends" }, [make("span", { textContent: plain(input.low) }), make("span", { textContent: plain(input.high) })]));
    }
    parts.push(error);
    number.addEventListener("input", () => change(j, number.value.trim() === "" ? NaN : Number(number.value)));
    by("form").append(make("div", { className: "field" }, parts));
    const show = (value) => {
      const wrong = !Number.isFinite(value);
      number.setAttribute("aria-invalid", String(wrong));
      error.textContent = wrong ? say.number : "";
      if (slider && !wrong) {
        const place = Math.min(1000, Math.max(0, (1000 * (value - input.low)) / (input.high - input.low)));
        slider.value = Math.round(place);
        slider.setAttribute("aria-valuetext", plain(value));
      }
    };
    return { set: (value) => ((number.value = value), show(value)), show };
  });

  let along = 0;
  function change(j, value) {
    row[j] = value;
    fields[j].show?.(value);
    if (along !== j && by("along").options.length > 1) by("along").value = along = j;
    show();
  }

  const name = (j) => inputs[j].name || `x${j + 1}`;
  const title = { linear: "prediction", sigmoid: "probability", exponential: "rate", softmax: "classes" }[activation];
  const outputName = activation === "sigmoid" && classes.length > 1 ? (say_) => say_.is(target, classes[1]) : () => target;
  function show() {
    const ready = row.every(Number.isFinite);
    const outputs = ready ? predict(row) : null;
    const text = by("prediction");
    by("prediction-title").textContent = say[title];
    text.textContent = "–";
    by("bars").replaceChildren();
    by("bars").className = activation === "sigmoid" ? "alone" : "";
    if (outputs) {
      if (activation === "softmax") {
        const most = outputs.indexOf(Math.max(...outputs));
        text.textContent = classes[most] || String(most + 1);
        text.title = String(outputs[most]);
        const order = outputs.map((_, k) => k);
        // Of many classes, show only the likeliest few.
        if (order.length > 10) order.sort((a, b) => outputs[b] - outputs[a]);
        for (const k of order.slice(0, 10)) by("bars").append(bar(classes[k] || String(k + 1), outputs[k], k === most));
      } else {
        text.textContent = isProbability ? percent(outputs[0]) : digits(outputs[0]);
        text.title = String(outputs[0]);
        text.append(" ", make("span", { className: "unit", textContent: outputName(say) }));
        if (isProbability) by("bars").append(bar(null, outputs[0], true));
      }
    }
    const outside = inputs.flatMap(({ levels, low, high }, j) => {
      const beyond = !levels.length && Number.isFinite(row[j]) && (row[j] < low || row[j] > high);
      return beyond ? [say.range(name(j), plain(low), plain(high))] : [];
    });
    by("outside").hidden = outside.length === 0;
    by("outside").textContent = say.outside(outside.join(language === "zh" ? "、" : ", "));
    profile(ready);
  }
  function bar(word, p, most) {
    const fill = make("div", { className: "fill" });
    fill.style.width = `${100 * p}%`;
    const track = make("div", { className: "track" }, [fill]);
    const parts = word === null ? [track] : [make("span", { textContent: word }), track, make("b", { textContent: percent(p) })];
    return make("div", { className: most ? "bar-row most" : "bar-row" }, parts);
  }

  // Draws the prediction along one input while the others stay as they are.
  function profile(ready) {
    const chart = by("chart");
    chart.replaceChildren();
    const input = inputs[along];
    // With several classes, draw the likeliest one at the current row.
    const output = ready && activation === "softmax" ? predict(row).reduce((best, p, k, all) => (p > all[best] ? k : best), 0) : 0;
    const at = (x) => predict(row.map((value, j) => (j === along ? x : value)))[output];
    // Match the displayed width, so that letters keep their size.
    const width = Math.max(240, Math.round(chart.clientWidth) || 600);
    chart.setAttribute("viewBox", `0 0 ${width} 260`);
    const [left, right, top, bottom] = [56, width - 8, 14, 226];
    const isWord = input.levels.length > 0;
    let { low, high } = input;
    if (!isWord && Number.isFinite(row[along])) [low, high] = [Math.min(low, row[along]), Math.max(high, row[along])];
    if (!isWord && !(high > low)) [low, high] = [low - 1, high + 1];
    const n = isWord ? input.levels.length : 121;
    if (!row.every((value, j) => j === along || Number.isFinite(value))) return;
    const xs = Array.from({ length: n }, (_, k) => (isWord ? k : low + ((high - low) * k) / (n - 1)));
    const ys = xs.map(at);
    let [least, most] = isProbability ? [0, 1] : [Math.min(...ys), Math.max(...ys)];
    if (!(most > least)) [least, most] = [least - 1, most + 1];
    if (isWord && !isProbability) [least, most] = [Math.min(0, least), Math.max(0, most)];
    const up = (y) => bottom - ((bottom - top) * (y - least)) / (most - least);
    const label = (y) => (isProbability ? `${Math.round(100 * y)} %` : digits(y, 3));
    for (const share of [0, 0.5, 1]) {
      const y = least + share * (most - least);
      chart.append(draw("line", { class: share ? "grid" : "axis", x1: left, x2: right, y1: up(y), y2: up(y) }));
      chart.append(draw("text", { x: left - 8, y: up(y) + 4, "text-anchor": "end" }, label(y)));
    }
    if (isWord) {
      const each = (right - left) / n;
      ys.forEach((y, k) => {
        const [a, b] = [up(Math.max(y, Math.max(0, least))), up(Math.min(y, Math.max(0, least)))];
        const wide = Math.min(each * 0.6, 72);
        const middle = left + each * (k + 0.5);
        chart.append(draw("rect", { class: k === row[along] ? "level on" : "level", x: middle - wide / 2, y: a, width: wide, height: Math.max(1, b - a), rx: 3 }));
        const most = Math.max(3, Math.floor(each / 8));
        const word = input.levels[k].length > most ? `${input.levels[k].slice(0, most - 1)}…` : input.levels[k];
        if (n <= 12) chart.append(draw("text", { x: middle, y: 250, "text-anchor": "middle" }, word));
      });
    } else {
      const over = (x) => left + ((right - left) * (x - low)) / (high - low);
      chart.append(draw("path", { class: "curve", d: xs.map((x, k) => `${k ? "L" : "M"}${over(x).toFixed(1)} ${up(ys[k]).toFixed(1)}`).join("") }));
      if (ready) {
        const [x, y] = [over(row[along]), up(at(row[along]))];
        chart.append(draw("line", { class: "here", x1: x, x2: x, y1: y, y2: bottom }));
        chart.append(draw("circle", { class: "dot", cx: x, cy: y, r: 6 }));
      }
      for (const [x, anchor] of [[low, "start"], [(low + high) / 2, "middle"], [high, "end"]]) {
        chart.append(draw("text", { x: over(x), y: 250, "text-anchor": anchor }, plain(x)));
      }
    }
    const what = activation === "softmax" ? say.is(target, classes[output] || String(output + 1)) : outputName(say);
    chart.setAttribute("aria-label", say.chart(what, name(along)));
  }

  // Show x^2 as x² and a * b as a × b, unless a column has that name.
  const own = new Set(inputs.map((input) => input.name));
  const shown = model.terms.map((term) => {
    if (own.has(term)) return term;
    const part = (half) => (half.includes(" = ") && !own.has(half) ? `[${half}]` : half);
    const raised = term.replace(/\^(\d+)$/, (_, power) => [...power].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join(""));
    return raised.split(" * ").map(part).join(" × ");
  });
  function formula() {
    const start = { linear: target, sigmoid: "p = 1 / (1 + e⁻ᶻ),  z", exponential: "λ = eᶻ,  z", softmax: "pₖ = exp(zₖ) / Σⱼ exp(zⱼ),  zₖ" }[activation];
    const { weights, bias } = model.folded;
    const few = weights.length <= 12 && bias.length === 1;
    const term = (w, k) => `${w < 0 ? " − " : k || model.bias ? " + " : " "}${digits(Math.abs(w), 5)} · ${shown[k]}`;
    const constant = model.bias ? ` ${digits(bias[0], 5)}` : "";
    const general = { linear: " = b + Σ wⱼ · tⱼ", softmax: " = bₖ + Σ wⱼₖ · tⱼ" }[activation] ?? " = b + Σ wⱼ · tⱼ";
    by("link").textContent = start + (few ? ` =${constant}${weights.map(([w], k) => term(w, k)).join("")}` : general);
    const table = document.querySelector("#formula table");
    table.tHead.replaceChildren(make("tr", {}, [make("th", { scope: "col", textContent: say.term }), ...bias.map((_, k) => make("th", { scope: "col", textContent: bias.length > 1 ? (classes[k] || String(k + 1)) : target }))]));
    const line = (word, values) => make("tr", {}, [make("th", { scope: "row", textContent: word }), ...values.map((value) => make("td", { textContent: digits(value, 6), title: String(value) }))]);
    table.tBodies[0].replaceChildren(...(model.bias ? [line(say.constant, bias)] : []), ...weights.map((values, k) => line(shown[k], values)));
    table.setAttribute("aria-label", say.coefficients);
  }

  function speak() {
    say = words[language];
    document.documentElement.lang = language;
    for (const element of document.querySelectorAll("[data-say]")) element.textContent = say[element.dataset.say];
    Object.assign(by("language"), { textContent: language === "en" ? "中文" : "English", lang: language === "en" ? "zh" : "en" });
    formula();
    fields.forEach((field, j) => field.show?.(row[j]));
    show();
  }
  by("language").addEventListener("click", () => {
    language = language === "en" ? "zh" : "en";
    speak();
  });
  by("middle").addEventListener("click", () => {
    inputs.forEach((input, j) => fields[j].set((row[j] = input.levels.length ? 0 : middle(input))));
    show();
  });
  by("form").addEventListener("submit", (event) => event.preventDefault());
  by("along").append(...inputs.map((_, j) => new Option(name(j), j)));
  by("along").setAttribute("aria-labelledby", "profile-title");
  by("along").addEventListener("input", () => {
    along = Number(by("along").value);
    show();
  });
  new ResizeObserver(() => profile(row.every(Number.isFinite))).observe(by("profile"));
  by("main").hidden = false;
  speak();
  // For use in the console: takes a row of numbers, with words as level indices.
  globalThis.predict = predict;
}
