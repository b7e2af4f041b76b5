"""PMML: sklearn-pmml-model, which reads linear and logistic models without powers and products, and two readers in Java, which read all
of it (the second where it is installed). `python tests/interop/pmml.py FOLDER`."""

import sys

import harness

folder = harness.arguments()


def has_terms(of):
    """Whether there are powers or products."""
    known = {x["name"] for x in of["inputs"]}
    levels = {f"{x['name']} = {level}" for x in of["inputs"] for level in x["levels"]}
    return not all(term in known | levels for term in of["terms"])


def rows(of):
    names = [x["name"] for x in of["inputs"]]
    return [dict(zip(names, row)) for row in of["rows"]]


def outputs(of, predicted, value):
    """What a reader says of each row: its number, or the probability of each class."""
    classes = of["classes"] or ["1"]
    if of["activation"] in ("linear", "exponential"):
        return [[row[value]] for row in predicted]
    if of["activation"] == "sigmoid":
        classes = classes[-1:]
    return [[row[f"probability({of_class})"] for of_class in classes] for row in predicted]


def sklearn():
    try:
        from importlib.metadata import version

        import pandas as pd
        from sklearn_pmml_model.linear_model import PMMLLinearRegression, PMMLLogisticRegression
    except ImportError as error:
        return harness.missing("pmml", "sklearn-pmml-model", str(error))

    def predict(path, of):
        table = pd.DataFrame(rows(of))
        if of["activation"] == "linear":
            return {"linear": PMMLLinearRegression(pmml=path).predict(table)}
        probabilities = PMMLLogisticRegression(pmml=path).predict_proba(table)
        return {"outputs": probabilities[:, 1:] if of["activation"] == "sigmoid" else probabilities}

    for sample, path, of in harness.files(folder, "pmml"):
        # It supports only these links, and ignores exponents and derived fields.
        if of["activation"] != "exponential" and not has_terms(of):
            said = version("sklearn-pmml-model")
            harness.check("pmml", "sklearn-pmml-model", said, sample, of, lambda: predict(str(path), of))


def pmml4s():
    try:
        from importlib.metadata import version

        from pypmml import Model
    except ImportError as error:
        return harness.missing("pmml", "pypmml", str(error))

    def predict(path, of):
        model = Model.load(path)
        return {"outputs": outputs(of, [model.predict(row) for row in rows(of)], f"predicted_{of['target']}")}

    for sample, path, of in harness.files(folder, "pmml"):
        harness.check("pmml", "pypmml", version("pypmml"), sample, of, lambda: predict(str(path), of))


def jpmml():
    try:
        from importlib.metadata import version

        from jpmml_evaluator import make_evaluator
    except ImportError:
        return  # Not among the requirements, for its licence: it is asked where somebody has it.

    def predict(path, of):
        evaluator = make_evaluator(path).verify()
        return {"outputs": outputs(of, [evaluator.evaluate(row) for row in rows(of)], of["target"])}

    for sample, path, of in harness.files(folder, "pmml"):
        harness.check("pmml", "jpmml_evaluator", version("jpmml_evaluator"), sample, of, lambda: predict(str(path), of))


sklearn()
pmml4s()
jpmml()
