// @ts-check
// Names of every choice's entries and of their parameters, in every language. What an entry does is said in `help/`.

/** @typedef {Record<string, Record<'en' | 'zh', string>>} Names */

/** @type {Record<string, { entries: Names, parameters: Names }>} */
export const choices = {
  method: {
    entries: {
      batch: { en: 'Batch', zh: '全批量' },
      mini_batch: { en: 'Mini-batch', zh: '小批量' },
      stochastic: { en: 'Stochastic', zh: '随机' },
      decaying_rate: { en: 'Decaying rate', zh: '衰减学习率' },
    },
    parameters: {},
  },
  optimizer: {
    entries: {
      sgd: { en: 'SGD', zh: 'SGD' },
      momentum: { en: 'Momentum', zh: '动量' },
      nesterov: { en: 'Nesterov', zh: 'Nesterov' },
      ada_grad: { en: 'AdaGrad', zh: 'AdaGrad' },
      rms_prop: { en: 'RMSProp', zh: 'RMSProp' },
      adam: { en: 'Adam', zh: 'Adam' },
      adam_w: { en: 'AdamW', zh: 'AdamW' },
      lion: { en: 'Lion', zh: 'Lion' },
    },
    parameters: {
      momentum: { en: 'Momentum coefficient', zh: '动量系数' },
      alpha: { en: 'Alpha', zh: 'α' },
      beta1: { en: 'Beta 1', zh: 'β₁' },
      beta2: { en: 'Beta 2', zh: 'β₂' },
      epsilon: { en: 'Epsilon', zh: 'ε' },
      weight_decay: { en: 'Weight decay', zh: '权重衰减' },
    },
  },
  schedule: {
    entries: {
      constant: { en: 'Constant', zh: '恒定' },
      time_decay: { en: 'Time decay', zh: '逆时间衰减' },
      step: { en: 'Step', zh: '阶梯衰减' },
      exponential: { en: 'Exponential', zh: '指数衰减' },
      polynomial: { en: 'Polynomial', zh: '多项式衰减' },
      cosine: { en: 'Cosine', zh: '余弦退火' },
      one_cycle: { en: 'One cycle', zh: '单周期' },
      reduce_on_plateau: { en: 'Reduce on plateau', zh: '停滞时降低' },
      bold_driver: { en: 'Bold driver', zh: 'Bold driver' },
    },
    parameters: {
      decay_rate: { en: 'Decay rate', zh: '衰减率' },
      decay_steps: { en: 'Decay steps', zh: '衰减步数' },
      step_size: { en: 'Step size', zh: '间隔步数' },
      gamma: { en: 'Gamma', zh: 'γ' },
      total_steps: { en: 'Total steps', zh: '总步数' },
      power: { en: 'Power', zh: '幂次' },
      period: { en: 'Period', zh: '周期' },
      minimum_rate: { en: 'Minimum rate', zh: '最小学习率' },
      restarts: { en: 'Restarts', zh: '热重启' },
      period_factor: { en: 'Period factor', zh: '周期倍数' },
      rising_fraction: { en: 'Rising fraction', zh: '上升阶段占比' },
      div_factor: { en: 'Initial divisor', zh: '初始除数' },
      final_div_factor: { en: 'Final divisor', zh: '最终除数' },
      factor: { en: 'Factor', zh: '降低系数' },
      patience: { en: 'Patience', zh: '容忍轮数' },
      threshold: { en: 'Threshold', zh: '阈值' },
      cooldown: { en: 'Cooldown', zh: '冷却轮数' },
      increase: { en: 'Increase', zh: '增大系数' },
      decrease: { en: 'Decrease', zh: '减小系数' },
    },
  },
  loss: {
    entries: {
      squared: { en: 'Squared', zh: '平方' },
      absolute: { en: 'Absolute', zh: '绝对值' },
      huber: { en: 'Huber', zh: 'Huber' },
      log_cosh: { en: 'Log-cosh', zh: '对数双曲余弦' },
      quantile: { en: 'Quantile', zh: '分位数' },
      logistic: { en: 'Logistic', zh: '逻辑' },
      softmax: { en: 'Softmax', zh: 'Softmax' },
      poisson: { en: 'Poisson', zh: '泊松' },
      squared_hinge: { en: 'Squared hinge', zh: '平方合页' },
    },
    parameters: {
      delta: { en: 'Delta', zh: 'δ' },
      tau: { en: 'Tau', zh: 'τ' },
    },
  },
  initializer: {
    entries: {
      zero: { en: 'Zero', zh: '全零' },
      uniform: { en: 'Uniform', zh: '均匀分布' },
      normal: { en: 'Normal', zh: '正态分布' },
      glorot_uniform: { en: 'Glorot uniform', zh: 'Glorot 均匀' },
    },
    parameters: {},
  },
  scaling: {
    entries: {
      none: { en: 'None', zh: '无' },
      standardize: { en: 'Standardize', zh: '标准化' },
      min_max: { en: 'Min–max', zh: '最小–最大' },
    },
    parameters: {},
  },
  split: {
    entries: {
      random: { en: 'Random', zh: '随机' },
      last: { en: 'Last rows', zh: '末尾的行' },
      stratified: { en: 'By class', zh: '按类别' },
      group: { en: 'By group', zh: '按组' },
    },
    parameters: {},
  },
  backend: {
    entries: {
      auto: { en: 'Auto', zh: '自动' },
      gpu: { en: 'GPU', zh: 'GPU' },
      cpu: { en: 'CPU', zh: 'CPU' },
      statistics: { en: 'Sufficient statistics (CPU)', zh: '充分统计量（CPU）' },
    },
    parameters: {},
  },
};

/**
 * The words of every choice in a language, by the keys of the page: `optimizer_adam`, `field_optimizer.beta1`.
 * @param {'en' | 'zh'} language
 * @returns {Record<string, string>}
 */
export function choiceWords(language) {
  /** @type {Record<string, string>} */
  const words = {};
  for (const [choice, { entries, parameters }] of Object.entries(choices)) {
    for (const [entry, own] of Object.entries(entries)) words[`${choice}_${entry}`] = own[language];
    for (const [parameter, own] of Object.entries(parameters)) words[`field_${choice}.${parameter}`] = own[language];
  }
  return words;
}
