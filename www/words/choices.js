// @ts-check
// Words of every choice: its entries, what each is and does, and their parameters, in every language.
//
// An entry's `text` is two sentences: what it does, and when to choose it. Its help is headed by `title` where that is
// longer than the name; a `formula` without words is the same in every language.

/** @typedef {{ name: string, title?: string, text?: string, formula?: string, link?: string }} Words */
/** @typedef {Record<'en' | 'zh', Words> & { formula?: string }} Entry */

/** @type {Record<string, { entries: Record<string, Entry>, parameters: Record<string, Record<'en' | 'zh', string>> }>} */
export const choices = {
  method: {
    entries: {
      batch: {
        formula: 'g = 1/n Σᵢ₌₁ⁿ ∇ℓ(ŷᵢ, yᵢ)',
        en: {
          name: 'Batch',
          text: 'Batch descent averages the gradient over all n rows before each update, so an epoch is a single step. Choose it for a smooth path when a pass over the whole data is cheap.',
          link: 'https://d2l.ai/chapter_optimization/gd.html',
        },
        zh: {
          name: '全批量',
          text: '全批量梯度下降在每次更新前对全部 n 行的梯度取平均，因此一轮只有一步。数据不大、遍历一遍代价很低时选它，下降路径平滑。',
          link: 'https://zh.d2l.ai/chapter_optimization/gd.html',
        },
      },
      mini_batch: {
        formula: 'g = 1/m Σᵢ∈B ∇ℓ(ŷᵢ, yᵢ)',
        en: {
          name: 'Mini-batch',
          text: 'Mini-batch descent averages the gradient over a batch B of m rows, so an epoch has several updates, each with a little noise. It is the usual choice for larger data: it makes more progress per pass and still uses the hardware well.',
          link: 'https://d2l.ai/chapter_optimization/minibatch-sgd.html',
        },
        zh: {
          name: '小批量',
          text: '小批量梯度下降每次对一个批次 B 中 m 行的梯度取平均，因此一轮包含多次更新，每次都带一点噪声。数据较大时通常选它，因为每遍历一遍数据进展更多，又能充分利用硬件。',
          link: 'https://zh.d2l.ai/chapter_optimization/minibatch-sgd.html',
        },
      },
      stochastic: {
        formula: 'g = ∇ℓ(ŷᵢ, yᵢ)',
        en: {
          name: 'Stochastic',
          text: 'Stochastic descent updates the weights after every single row i, using the gradient of that row alone. Early progress is quick and cheap, but the weights keep jittering around the best ones unless the learning rate decays.',
          link: 'https://d2l.ai/chapter_optimization/sgd.html',
        },
        zh: {
          name: '随机',
          text: '随机梯度下降每用一行 i 就更新一次权重，只用这一行的梯度。它前期进展快、每步代价小，但若学习率不衰减，权重会一直在最优值附近抖动。',
          link: 'https://zh.d2l.ai/chapter_optimization/sgd.html',
        },
      },
      decaying_rate: {
        en: {
          name: 'Decaying rate',
          text: 'This method uses one row at a time, like stochastic descent, while the time-decay schedule shrinks the learning rate at every step t. Choose it when stochastic descent bounces around the minimum and you want it to settle.',
          formula: 'ηₜ = η / (1 + decay rate · t / decay steps)',
          link: 'https://d2l.ai/chapter_optimization/sgd.html',
        },
        zh: {
          name: '衰减学习率',
          text: '这种方法和随机梯度下降一样每次只用一行，同时由逆时间衰减让学习率随步数 t 逐步减小。随机梯度下降在最小值附近来回跳动、而你希望它稳定下来时，可以选它。',
          formula: 'ηₜ = η / (1 + 衰减率 · t / 衰减步数)',
          link: 'https://zh.d2l.ai/chapter_optimization/sgd.html',
        },
      },
    },
    parameters: {},
  },
  optimizer: {
    entries: {
      sgd: {
        formula: 'w ← w − η g',
        en: {
          name: 'SGD',
          text: 'Plain SGD subtracts the gradient g of the current batch times the learning rate, and keeps no memory of earlier steps. Start here, because every other optimizer is best understood by what it adds.',
          link: 'https://d2l.ai/chapter_optimization/sgd.html',
        },
        zh: {
          name: 'SGD',
          text: '普通 SGD 从权重中减去当前批次的梯度 g 乘以学习率，不记录之前的任何步。建议从它开始，因为其他优化器都可以看作在它的基础上有所添加。',
          link: 'https://zh.d2l.ai/chapter_optimization/sgd.html',
        },
      },
      momentum: {
        formula: 'v ← μ v + g,  w ← w − η v',
        en: {
          name: 'Momentum',
          text: 'Momentum keeps a velocity v, a fading sum of past gradients, and moves the weights along it. A larger coefficient μ crosses long narrow valleys faster but needs a smaller learning rate, since a steady gradient is amplified up to 1 / (1 − μ) times.',
          link: 'https://d2l.ai/chapter_optimization/momentum.html',
        },
        zh: {
          name: '动量',
          text: '动量法维护一个速度 v，即逐渐淡出的历史梯度之和，并让权重沿它移动。增大动量系数 μ 可以更快穿过狭长的山谷，同时应减小学习率，因为方向一致的梯度最多会被放大到 1 / (1 − μ) 倍。',
          link: 'https://zh.d2l.ai/chapter_optimization/momentum.html',
        },
      },
      nesterov: {
        formula: 'v ← μ v + g,  w ← w − η (g + μ v)',
        en: {
          name: 'Nesterov',
          title: 'Nesterov momentum',
          text: 'Nesterov momentum adds the velocity v to the current gradient once more, so that each step looks ahead to where the velocity leads. Try it instead of plain momentum when the loss overshoots and swings back.',
          link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html',
        },
        zh: {
          name: 'Nesterov',
          title: 'Nesterov 动量',
          text: 'Nesterov 动量在当前梯度上再叠加一次速度 v，相当于朝速度的去向多看一步。普通动量使损失冲过头又摆回来时，可以换用它。',
          link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html',
        },
      },
      ada_grad: {
        formula: 'v ← v + g²,  w ← w − η g / (√v + ε)',
        en: {
          name: 'AdaGrad',
          text: 'AdaGrad divides the step of each weight by the square root of v, the sum of all its squared gradients so far. It suits features of very different scale, but its steps only ever shrink, so it needs a larger learning rate than SGD.',
          link: 'https://d2l.ai/chapter_optimization/adagrad.html',
        },
        zh: {
          name: 'AdaGrad',
          text: 'AdaGrad 把每个权重的步长除以它迄今所有梯度平方之和 v 的平方根。它适合尺度相差很大的特征，但步长只减不增，因此学习率要比 SGD 的大。',
          link: 'https://zh.d2l.ai/chapter_optimization/adagrad.html',
        },
      },
      rms_prop: {
        formula: 'v ← α v + (1 − α) g²,  w ← w − η g / (√v + ε)',
        en: {
          name: 'RMSProp',
          text: 'RMSProp divides the step of each weight by the square root of v, a running mean of its squared gradients that forgets old ones at the pace set by α. Use it when gradients differ in scale between weights or over time, with a small learning rate, because each step is about that long however small the gradient.',
          link: 'https://d2l.ai/chapter_optimization/rmsprop.html',
        },
        zh: {
          name: 'RMSProp',
          text: 'RMSProp 把每个权重的步长除以其梯度平方的滑动平均 v 的平方根，α 决定遗忘旧梯度的快慢。梯度的尺度因权重而异或随训练变化时用它，学习率要取小，因为无论梯度多小，步长都大致等于学习率。',
          link: 'https://zh.d2l.ai/chapter_optimization/rmsprop.html',
        },
      },
      adam: {
        formula: 'm ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,  w ← w − η m̂ / (√v̂ + ε),  m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)',
        en: {
          name: 'Adam',
          text: 'Adam combines a running mean m of the gradients with a running mean v of their squares, both corrected for starting at zero. It needs little tuning, because the length of a step depends far more on the learning rate than on the size of the gradient.',
          link: 'https://d2l.ai/chapter_optimization/adam.html',
        },
        zh: {
          name: 'Adam',
          text: 'Adam 结合了梯度的滑动平均 m 与梯度平方的滑动平均 v，并修正二者从零起步带来的偏差。它几乎不用调参，因为步长主要取决于学习率，而不是梯度的大小。',
          link: 'https://zh.d2l.ai/chapter_optimization/adam.html',
        },
      },
      adam_w: {
        formula: 'w ← w − η λ w,  w ← w − η m̂ / (√v̂ + ε)',
        en: {
          name: 'AdamW',
          text: 'AdamW first shrinks every weight, including the bias, by a fraction set by the weight decay λ, and then takes the step of Adam. Use it to keep weights small, for example at a high degree, and set the decay to 0 to reach the exact solution.',
          link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html',
        },
        zh: {
          name: 'AdamW',
          text: 'AdamW 先按权重衰减 λ 把所有权重（包括偏置）缩小一点，再走 Adam 的一步。想让权重保持较小（例如次数较高）时用它，想达到精确解时则应把权重衰减设为 0。',
          link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html',
        },
      },
      lion: {
        formula: 'w ← w − η (sign(β₁ m + (1 − β₁) g) + λ w),  m ← β₂ m + (1 − β₂) g',
        en: {
          name: 'Lion',
          text: 'Lion moves every weight by exactly the learning rate, in the direction given by the sign of a running mean m of the gradients. Use a rate several times smaller than for Adam and let it decay, because its steps do not get shorter near the minimum.',
          link: 'https://arxiv.org/abs/2302.06675',
        },
        zh: {
          name: 'Lion',
          text: 'Lion 只看梯度滑动平均 m 的符号：每个权重每步移动的距离恰好等于学习率。学习率应取 Adam 的几分之一并逐渐衰减，因为接近最小值时它的步长不会自动变短。',
          link: 'https://arxiv.org/abs/2302.06675',
        },
      },
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
      constant: {
        formula: 'ηₜ = η',
        en: {
          name: 'Constant',
          text: 'A constant schedule keeps the learning rate at the value you set. That is enough for full batches, while smaller batches keep bouncing around the minimum, more widely the larger the rate.',
          link: 'https://d2l.ai/chapter_optimization/lr-scheduler.html',
        },
        zh: {
          name: '恒定',
          text: '恒定调度让学习率一直保持在设定值。对全批量来说这已足够，批量较小时损失会一直在最小值附近来回跳动，学习率越大，幅度越大。',
          link: 'https://zh.d2l.ai/chapter_optimization/lr-scheduler.html',
        },
      },
      time_decay: {
        en: {
          name: 'Time decay',
          text: 'Time decay divides the learning rate by a number that grows steadily with the step t. Use it to let the noise of small batches die away, and raise the decay steps if the run slows down before it arrives.',
          formula: 'ηₜ = η / (1 + decay rate · t / decay steps)',
          link: 'https://keras.io/api/optimizers/learning_rate_schedules/inverse_time_decay/',
        },
        zh: {
          name: '逆时间衰减',
          text: '逆时间衰减把学习率除以一个随步数 t 均匀增长的数。用它可以让小批量的噪声逐渐平息，若还没到达最小损失就已变慢，可增大衰减步数。',
          formula: 'ηₜ = η / (1 + 衰减率 · t / 衰减步数)',
          link: 'https://keras.io/api/optimizers/learning_rate_schedules/inverse_time_decay/',
        },
      },
      step: {
        en: {
          name: 'Step',
          text: 'The step schedule multiplies the learning rate by γ each time as many steps have passed as the step size says. Use it when you know roughly when progress stalls and a smaller rate should take over.',
          formula: 'ηₜ = η γ^⌊t / step size⌋',
          link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.StepLR.html',
        },
        zh: {
          name: '阶梯衰减',
          text: '阶梯衰减让学习率保持不变，每过间隔步数就乘以一次 γ。大致知道训练到多少步会停滞、需要换用更小的学习率时，适合用它。',
          formula: 'ηₜ = η γ^⌊t / 间隔步数⌋',
          link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.StepLR.html',
        },
      },
      exponential: {
        formula: 'ηₜ = η γᵗ',
        en: {
          name: 'Exponential',
          text: 'The exponential schedule multiplies the learning rate by γ at every step. Keep γ just below 1, because even 0.999 halves the rate in about 700 steps.',
          link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ExponentialLR.html',
        },
        zh: {
          name: '指数衰减',
          text: '指数衰减在每一步都把学习率乘以 γ。γ 应只略小于 1，因为即使是 0.999，约 700 步后学习率也会减半。',
          link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ExponentialLR.html',
        },
      },
      polynomial: {
        formula: 'ηₜ = η (1 − min(t, T) / T)ᵖ',
        en: {
          name: 'Polynomial',
          text: 'The polynomial schedule lowers the learning rate to zero over T total steps, along a straight line if the power p is 1 and along a curve otherwise. Use it when you know the length of the run in advance, because nothing moves once the rate is zero.',
          link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.PolynomialLR.html',
        },
        zh: {
          name: '多项式衰减',
          text: '多项式衰减在总步数 T 内把学习率降到零，幂次 p 为 1 时沿直线下降，否则沿曲线下降。训练长度事先已知时适合用它，因为学习率为零之后权重便不再变化。',
          link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.PolynomialLR.html',
        },
      },
      cosine: {
        formula: 'ηₜ = ηₘᵢₙ + (η − ηₘᵢₙ) (1 + cos(π t / T)) / 2',
        en: {
          name: 'Cosine',
          text: 'The cosine schedule lowers the learning rate to the minimum rate over a period of T steps along half a cosine wave, gently at both ends. Turn restarts on to begin again after each period, and raise the period factor to make each period longer than the last.',
          link: 'https://arxiv.org/abs/1608.03983',
        },
        zh: {
          name: '余弦退火',
          text: '余弦退火让学习率在 T 步的周期内沿半个余弦波降到最小学习率，首尾两端都较平缓。开启热重启后，每个周期结束都会回到起点，增大周期倍数则让周期越来越长。',
          link: 'https://zh.d2l.ai/chapter_optimization/lr-scheduler.html',
        },
      },
      one_cycle: {
        en: {
          name: 'One cycle',
          text: 'The one-cycle schedule raises the learning rate to the value you set, and then lowers it almost to zero, both along half a cosine wave. Set the total steps T to the length of the run, and try a larger rate than a constant schedule would bear, because it is reached only briefly.',
          formula: 'η / initial divisor → η → η / (initial divisor · final divisor)',
          link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html',
        },
        zh: {
          name: '单周期',
          text: '单周期调度先把学习率升到设定值，再降到接近零，升降各沿半个余弦波。总步数 T 应取整个训练的步数；由于最高点只是短暂经过，可以试用比恒定调度更大的学习率。',
          formula: 'η / 初始除数 → η → η / (初始除数 · 最终除数)',
          link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html',
        },
      },
      reduce_on_plateau: {
        en: {
          name: 'Reduce on plateau',
          text: 'This schedule multiplies the learning rate by the factor when the loss has not improved on its best value by the threshold for more epochs than the patience allows. Use it when you cannot tell in advance where progress will stall.',
          formula: 'L ≥ (1 − threshold) L_best  for more than patience epochs:  η ← max(factor · η, ηₘᵢₙ)',
          link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html',
        },
        zh: {
          name: '停滞时降低',
          text: '若损失未能比最佳值再降低阈值所规定的比例，且这样的轮数超过容忍轮数，就把学习率乘以降低系数。无法事先判断训练会在哪里停滞时，适合用它。',
          formula: 'L ≥ (1 − 阈值) L_best  持续超过容忍轮数：η ← max(降低系数 · η, ηₘᵢₙ)',
          link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html',
        },
      },
      bold_driver: {
        en: {
          name: 'Bold driver',
          text: 'The bold driver raises the learning rate a little after every epoch in which the loss fell, and otherwise lowers it and returns the weights to the start of the last good epoch. Use it with large batches to find a fast rate automatically, since the noise of small batches looks like bad epochs.',
          formula: 'L fell:  η ← increase · η;  otherwise:  η ← decrease · η,  w ← w at the start of the last good epoch',
          link: 'https://www.willamette.edu/~gorr/classes/cs449/momrate.html',
        },
        zh: {
          name: 'Bold driver',
          text: '若一轮的损失下降，Bold driver 就略微提高学习率，否则降低学习率，并把权重退回到最近一个损失下降的轮次开始时的值。它适合用较大的批量自动找到较快的学习率，因为小批量的噪声会被误认为变差。',
          formula: 'L 下降：η ← 增大系数 · η；否则：η ← 减小系数 · η，w ← 最近一个损失下降的轮次开始时的 w',
          link: 'https://www.willamette.edu/~gorr/classes/cs449/momrate.html',
        },
      },
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
      squared: {
        formula: 'L = 1/n Σ (ŷ − y)²',
        en: {
          name: 'Squared',
          title: 'Squared loss',
          text: 'The squared loss is the mean of the squared residuals, so a residual twice as large counts four times, and its optimum is the mean of the targets. Use it when errors are roughly normal, and another loss when a few rows are far off.',
          link: 'https://d2l.ai/chapter_linear-regression/linear-regression.html',
        },
        zh: {
          name: '平方',
          title: '平方损失',
          text: '平方损失是残差平方的平均，残差大一倍，代价就是四倍，其最优解对应目标的均值。误差大致服从正态分布时选它；若有少数行偏离很远，请换用其他损失。',
          link: 'https://zh.d2l.ai/chapter_linear-networks/linear-regression.html',
        },
      },
      absolute: {
        formula: 'L = 1/n Σ |ŷ − y|',
        en: {
          name: 'Absolute',
          title: 'Absolute loss',
          text: 'The absolute loss is the mean size of the residuals, so its optimum is the median of the targets and outliers count less. Its slope does not shrink near the optimum, so let the learning rate decay.',
          link: 'https://en.wikipedia.org/wiki/Least_absolute_deviations',
        },
        zh: {
          name: '绝对值',
          title: '绝对值损失',
          text: '绝对值损失是残差绝对值的平均，最优解对应目标的中位数，偏离很远的行不会被过分放大。它的斜率在最优点附近并不变小，因此应让学习率逐渐衰减。',
          link: 'https://en.wikipedia.org/wiki/Least_absolute_deviations',
        },
      },
      huber: {
        en: {
          name: 'Huber',
          title: 'Huber loss',
          text: 'The Huber loss is a parabola for residuals up to delta and a straight line beyond, as smooth as the squared loss and nearly as robust to outliers as the absolute loss. Set delta to about the size of a typical residual.',
          formula: 'L = ½ r² if |r| ≤ δ, else δ (|r| − ½ δ)',
          link: 'https://en.wikipedia.org/wiki/Huber_loss',
        },
        zh: {
          name: 'Huber',
          title: 'Huber 损失',
          text: 'Huber 损失在残差不超过 delta 时是抛物线，超过后是直线：既像平方损失那样平滑，又几乎和绝对值损失一样不受离群点影响。delta 取通常残差的大小即可。',
          formula: 'L = ½ r² (|r| ≤ δ)，否则 δ (|r| − ½ δ)',
          link: 'https://en.wikipedia.org/wiki/Huber_loss',
        },
      },
      log_cosh: {
        formula: 'L = 1/n Σ ln cosh(ŷ − y)',
        en: {
          name: 'Log-cosh',
          title: 'Log-cosh loss',
          text: 'The log-cosh loss is about half the square of a small residual and about the size of a large one minus ln 2, and it is smooth everywhere. It works like a Huber loss without a delta to choose.',
          link: 'https://keras.io/api/losses/regression_losses/',
        },
        zh: {
          name: '对数双曲余弦',
          title: '对数双曲余弦损失',
          text: '残差小时，它约为残差平方的一半；残差大时，约为其绝对值减去 ln 2，而且处处平滑。它好比无需选择 delta 的 Huber 损失，以目标的单位计。',
          link: 'https://keras.io/api/losses/regression_losses/',
        },
      },
      quantile: {
        formula: 'L = max(τ (y − ŷ), (τ − 1)(y − ŷ))',
        en: {
          name: 'Quantile',
          title: 'Quantile loss',
          text: 'The quantile loss charges tau for each unit that a prediction is too low and 1 − tau for each unit that it is too high, so that a fraction tau of the targets ends up below the line. Two such lines, at 0.05 and 0.95, enclose 90% of the rows.',
          link: 'https://en.wikipedia.org/wiki/Quantile_regression',
        },
        zh: {
          name: '分位数',
          title: '分位数损失',
          text: '预测每偏低一个单位计 tau，每偏高一个单位计 1 − tau，于是有 tau 比例的目标值落在直线之下。取 0.05 和 0.95 两条线，便有 90% 的行夹在其间。',
          link: 'https://en.wikipedia.org/wiki/Quantile_regression',
        },
      },
      logistic: {
        formula: 'L = ln(1 + eᶻ) − y z',
        en: {
          name: 'Logistic',
          title: 'Logistic loss',
          text: 'The logistic loss is the cross-entropy for a target with two classes: the model predicts the log-odds of the second class, and confident mistakes cost the most. A coefficient is the change in the log-odds per unit of its input.',
          link: 'https://en.wikipedia.org/wiki/Logistic_regression',
        },
        zh: {
          name: '逻辑',
          title: '逻辑损失',
          text: '逻辑损失是二分类目标的交叉熵：模型给出第二类的对数几率，越自信的错误代价越大。系数表示输入每增加一个单位，对数几率增加多少。',
          link: 'https://en.wikipedia.org/wiki/Logistic_regression',
        },
      },
      softmax: {
        formula: 'L = ln Σₖ e^(zₖ) − z_y',
        en: {
          name: 'Softmax',
          title: 'Softmax loss',
          text: 'The softmax loss is the cross-entropy for a target with several classes: each class has its own weights, and their outputs become probabilities that add up to 1. Adding the same number to every class changes nothing, so only differences between weights are meaningful.',
          link: 'https://d2l.ai/chapter_linear-classification/softmax-regression.html',
        },
        zh: {
          name: 'Softmax',
          title: 'Softmax 损失',
          text: 'Softmax 损失是多分类目标的交叉熵：每个类别各有一组权重，其输出变为总和为 1 的概率。给所有类别加上同一个数不会改变结果，因此只有权重之差才有意义。',
          link: 'https://zh.d2l.ai/chapter_linear-networks/softmax-regression.html',
        },
      },
      poisson: {
        formula: 'L = eᶻ − y z',
        en: {
          name: 'Poisson',
          title: 'Poisson loss',
          text: 'The Poisson loss suits targets that are counts: the model predicts the logarithm of the expected count, so predictions are never negative. A coefficient b multiplies the expected count by e^b for each additional unit.',
          link: 'https://en.wikipedia.org/wiki/Poisson_regression',
        },
        zh: {
          name: '泊松',
          title: '泊松损失',
          text: '泊松损失适合计数型目标：模型给出期望计数的对数，因此预测不会为负。输入每增加一个单位，期望计数就乘以 e 的 b 次方。',
          link: 'https://en.wikipedia.org/wiki/Poisson_regression',
        },
      },
    },
    parameters: {
      delta: { en: 'Delta', zh: 'δ' },
      tau: { en: 'Tau', zh: 'τ' },
    },
  },
  initializer: {
    entries: {
      zero: { en: { name: 'Zero' }, zh: { name: '全零' } },
      uniform: { en: { name: 'Uniform' }, zh: { name: '均匀分布' } },
      normal: { en: { name: 'Normal' }, zh: { name: '正态分布' } },
      glorot_uniform: { en: { name: 'Glorot uniform' }, zh: { name: 'Glorot 均匀' } },
    },
    parameters: {},
  },
  scaling: {
    entries: {
      none: { en: { name: 'None' }, zh: { name: '无' } },
      standardize: { en: { name: 'Standardize' }, zh: { name: '标准化' } },
      min_max: { en: { name: 'Min–max' }, zh: { name: '最小–最大' } },
    },
    parameters: {},
  },
  split: {
    entries: {
      random: { en: { name: 'Random' }, zh: { name: '随机' } },
      last: { en: { name: 'Last rows' }, zh: { name: '末尾的行' } },
      stratified: { en: { name: 'By class' }, zh: { name: '按类别' } },
      group: { en: { name: 'By group' }, zh: { name: '按组' } },
    },
    parameters: {},
  },
  backend: {
    entries: {
      auto: { en: { name: 'Auto' }, zh: { name: '自动' } },
      gpu: { en: { name: 'GPU' }, zh: { name: 'GPU' } },
      cpu: { en: { name: 'CPU' }, zh: { name: 'CPU' } },
      statistics: { en: { name: 'Sufficient statistics (CPU)' }, zh: { name: '充分统计量（CPU）' } },
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
    for (const [entry, own] of Object.entries(entries)) words[`${choice}_${entry}`] = own[language].name;
    for (const [parameter, own] of Object.entries(parameters)) words[`field_${choice}.${parameter}`] = own[language];
  }
  return words;
}

/**
 * The help of an entry, by the key that its words have: `optimizer_adam`.
 * @param {string} key
 * @param {'en' | 'zh'} language
 */
export function choiceHelp(key, language) {
  const choice = Object.keys(choices).find((choice) => key.startsWith(`${choice}_`));
  const entry = choice && choices[choice].entries[key.slice(choice.length + 1)];
  if (!entry) return undefined;
  const { name, title = name, text = '', formula = entry.formula ?? '', link = '' } = entry[language];
  return { title, text, formula, link };
}
