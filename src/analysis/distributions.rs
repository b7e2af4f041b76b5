//! Tail probabilities and quantiles of the distributions used for tests and intervals.

/// Probability that `|T| > |t|` for Student's t distribution: `I_x(df/2, 1/2)` at `x = df / (df +
/// t^2)` (Abramowitz and Stegun 26.7.1).
pub fn student_two_sided(t: f64, df: f64) -> f64 {
    incomplete_beta(df / (df + t * t), df / 2.0, 0.5)
}

/// The value of Student's t distribution with `df` degrees of freedom at cumulative probability `share`.
pub fn student_quantile(share: f64, df: f64) -> f64 {
    let above = |t: f64| 0.5 * student_two_sided(t, df);
    let tail = (1.0 - share).min(share);
    let (mut low, mut high) = (0.0, 1.0);
    while above(high) > tail && high < 1e300 {
        high *= 2.0;
    }
    // Every halving gains one bit.
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if above(middle) > tail { low = middle } else { high = middle }
    }
    let t = 0.5 * (low + high);
    if share < 0.5 { -t } else { t }
}

/// Probability that Fisher's F with `df1` and `df2` degrees of freedom exceeds `f` (Abramowitz and Stegun
/// 26.6.2).
pub fn fisher_above(f: f64, df1: f64, df2: f64) -> f64 {
    incomplete_beta(df2 / (df2 + df1 * f), df2 / 2.0, df1 / 2.0)
}

/// Probability that `|Z| > |z|` for the standard normal distribution.
pub fn normal_two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// The value of the standard normal distribution at cumulative probability `share`.
pub fn normal_quantile(share: f64) -> f64 {
    let tail = share.min(1.0 - share);
    if tail <= 0.0 {
        return if share < 0.5 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    // Starts with three digits from the logarithm of the tail (Abramowitz and Stegun 26.2.23), then
    // takes Halley's steps on the tail itself.
    let t = (-2.0 * libm::log(tail)).sqrt();
    let over = 2.515517 + t * (0.802853 + t * 0.010328);
    let mut z = t - over / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    for _ in 0..3 {
        let density = libm::exp(-0.5 * z * z) / (2.0 * std::f64::consts::PI).sqrt();
        let newton = (0.5 * libm::erfc(z / std::f64::consts::SQRT_2) - tail) / density;
        z += newton / (1.0 - 0.5 * z * newton);
    }
    if share < 0.5 { -z } else { z }
}

/// Probability that chi-square with `df` degrees of freedom exceeds `x`: `Q(df/2, x/2)` (Abramowitz and
/// Stegun 26.4.19).
pub fn chi_square_above(x: f64, df: f64) -> f64 {
    let (a, x) = (df / 2.0, x / 2.0);
    if x <= 0.0 {
        return 1.0;
    }
    let front = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        // The series for the lower tail (DLMF 8.11.4).
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        let mut k = a;
        while term > 1e-17 * sum {
            k += 1.0;
            term *= x / k;
            sum += term;
        }
        return 1.0 - front * sum;
    }
    // The continued fraction for the upper tail (DLMF 8.9.2), by Lentz's method.
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (f64::MAX, 1.0 / b);
    let mut fraction = d;
    for k in 1..500 {
        let k = f64::from(k);
        b += 2.0;
        let numerator = -k * (k - a);
        d = 1.0 / (b + numerator * d);
        c = b + numerator / c;
        fraction *= c * d;
        if (c * d - 1.0).abs() < 1e-16 {
            break;
        }
    }
    front * fraction
}

/// The regularized incomplete beta function `I_x(a, b)`, by its continued fraction (DLMF 8.17.22) with Lentz's
/// method.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges quickly below the mean.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(1.0 - x, b, a);
    }
    let log_beta = libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    let front = libm::exp(a * libm::log(x) + b * libm::log1p(-x) - log_beta) / a;
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut c, mut d) = (1.0, 1.0 / away(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for m in 1..500 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut step = 1.0;
        for term in [even, odd] {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            step = c * d;
            fraction *= step;
        }
        if (step - 1.0).abs() < 1e-16 {
            break;
        }
    }
    front * fraction
}
