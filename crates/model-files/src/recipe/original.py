

def original(weights, bias):
    """Coefficients of the terms in the units of the table, [term, output], and constants, without the scaling."""
    estimates, constant = np.zeros_like(weights), np.array(bias, float)
    for k, (_, kind, a, b) in enumerate(TERMS):
        weight = weights[k] / SCALES[k]
        constant -= weight * CENTERS[k]
        if kind == "power":
            # ((x - c) / s)^p, by the binomial theorem; the powers of an input are consecutive.
            _, center, scale, _ = INPUTS[a]
            for power in range(b + 1):
                share = weight * math.comb(b, power) * (-center) ** (b - power) / scale**b
                if power == 0:
                    constant += share
                else:
                    estimates[k - b + power] += share
        elif kind == "level":
            estimates[k] += weight
        else:
            (center_a, scale_a), (center_b, scale_b) = line(a), line(b)
            weight = weight / (scale_a * scale_b)
            estimates[k] += weight
            estimates[a] -= weight * center_b
            estimates[b] -= weight * center_a
            constant += weight * center_a * center_b
    return estimates, constant


def line(k):
    """The values to subtract from a factor of a product and to divide it by."""
    _, kind, a, _ = TERMS[k]
    return INPUTS[a][1:3] if kind == "power" else (0.0, 1.0)


def save(estimates, constant):
    """Prints the coefficients and writes files that Downhill reads: `coefficients.csv`, `weights.npz`."""
    outputs = CLASSES if LINK == "softmax" else [TARGET]
    with open("coefficients.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["term", "estimate", "output", "link"])
        for output, name in enumerate(outputs):
            rows = [("(intercept)", constant[output])] if BIAS else []
            rows += [(f"{column} = {levels[0]}", 0.0) for column, _, _, levels in INPUTS if levels is not None]
            rows += [(term[0], estimates[k][output]) for k, term in enumerate(TERMS)]
            for term, estimate in rows:
                table.writerow([term, repr(float(estimate)), name, LINK])
                print(f"{term:<32} {float(estimate):>24.16g}" + (f"  {name}" if len(outputs) > 1 else ""))
    arrays = {"dense.kernel": estimates, "features": np.array([term[0] for term in TERMS])}
    arrays["downhill.model"] = np.frombuffer(LAYOUT.encode(), np.uint8)
    if BIAS:
        arrays["dense.bias"] = constant
    np.savez("weights.npz", **arrays)
