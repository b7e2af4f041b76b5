//! How each schedule is written in Python. To add a schedule, add an arm here; no other recipe depends on the
//! list.

use downhill::choices::Schedule;

use super::Script;

impl Script<'_> {
    /// Writes the function for the learning rate of a step, and how it reacts to the losses of epochs.
    pub(super) fn rate(&self) -> String {
        let base = self.config.learning_rate;
        let formula = match self.config.schedule {
            Schedule::Constant | Schedule::ReduceOnPlateau { .. } | Schedule::BoldDriver { .. } => {
                format!("    return {base:?}\n")
            }
            Schedule::TimeDecay { decay_rate, decay_steps } => {
                format!("    return {base:?} / (1 + {decay_rate:?} * step / {decay_steps:?})\n")
            }
            Schedule::Step { step_size, gamma } => {
                format!("    return {base:?} * {gamma:?} ** (step // {step_size})\n")
            }
            Schedule::Exponential { gamma } => format!("    return {base:?} * {gamma:?} ** step\n"),
            Schedule::Polynomial { total_steps, power } => {
                format!("    return {base:?} * (max({total_steps} - step, 0) / {total_steps}) ** {power:?}\n")
            }
            Schedule::Cosine { period, period_factor, restarts, minimum_rate } => {
                let place = match (restarts, period_factor) {
                    (false, _) => format!("    place = min(step / {period}, 1)\n"),
                    (true, 0 | 1) => format!("    place = step % {period} / {period}\n"),
                    (true, factor) => format!(
                        "    length = {period}\n    while step >= length:\n        step, length = step - length, length * {factor}\n    place = step / length\n"
                    ),
                };
                place
                    + &format!(
                        "    return {minimum_rate:?} + ({base:?} - {minimum_rate:?}) * (1 + math.cos(math.pi * place)) / 2\n"
                    )
            }
            Schedule::OneCycle { total_steps, rising_fraction, div_factor, final_div_factor } => format!(
                "    # torch.optim.lr_scheduler.OneCycleLR(\n    #     optimizer, {base:?}, {total_steps}, pct_start={rising_fraction:?}, cycle_momentum=False,\n    \
                 #     div_factor={div_factor:?}, final_div_factor={final_div_factor:?},\n    # )\n    \
                 top, last = {rising_fraction:?} * {total_steps} - 1, {total_steps} - 1\n    step = min(step, last)\n    \
                 first_rate = {base:?} / {div_factor:?}\n    if 0 < top and step <= top:\n        \
                 start, end, place = first_rate, {base:?}, step / top\n    else:\n        \
                 start, end, place = {base:?}, first_rate / {final_div_factor:?}, (step - top) / (last - top)\n    \
                 return end + (start - end) * (1 + math.cos(math.pi * place)) / 2\n"
            ),
        };
        let warmup = &self.config.warmup;
        let rise = if warmup.steps > 0 {
            format!(
                "    if step < {0}:\n        return {base:?} * ({1:?} + (1 - {1:?}) * step / {0})\n    step -= {0}\n",
                warmup.steps, warmup.start_factor
            )
        } else {
            String::new()
        };
        format!(
            "\n\ndef rate(step):\n    \"\"\"The learning rate of the update from `step` to `step + 1`.\"\"\"\n{rise}{formula}"
        ) + &self.reaction()
    }

    /// Whether the learning rate depends on the losses of epochs.
    pub(super) fn reacts(&self) -> bool {
        self.config.schedule.reacts()
    }

    /// Writes a class that adapts the learning rate to the losses of epochs; empty if the rate does not
    /// depend on them.
    fn reaction(&self) -> String {
        let (start, lines) = match self.config.schedule {
            Schedule::ReduceOnPlateau { factor, patience, threshold, cooldown, minimum_rate } => {
                let least = (minimum_rate / self.config.learning_rate).min(1.0);
                (
                    "self.best, self.n_bad, self.cooldown = sys.float_info.max, 0, 0",
                    format!(
                        "        if loss < self.best - {threshold:?} * abs(self.best):\n            self.best, self.n_bad = loss, 0\n        \
                         else:\n            self.n_bad += 1\n        if self.cooldown > 0:\n            self.cooldown, self.n_bad = self.cooldown - 1, 0\n        \
                         if self.n_bad > {patience}:\n            self.scale = max(self.scale * {factor:?}, {least:?})\n            \
                         self.cooldown, self.n_bad = {cooldown}, 0\n        return False\n"
                    ),
                )
            }
            Schedule::BoldDriver { increase, decrease } => (
                "self.last = sys.float_info.max",
                format!(
                    "        if loss > self.last + 1e-6 * abs(self.last):\n            self.scale *= {decrease:?}\n            return True\n        \
                     self.last = loss\n        self.scale *= {increase:?}\n        return False\n"
                ),
            ),
            _ => return String::new(),
        };
        format!(
            "\n\nclass Reaction:\n    \"\"\"Adjusts the learning rate by the losses of epochs.\"\"\"\n\n    def __init__(self):\n        self.scale = 1.0\n        {start}\n\n    \
             def after(self, loss):\n        \"\"\"Returns whether to restore the weights from the start of the last good epoch.\"\"\"\n{lines}"
        )
    }
}
